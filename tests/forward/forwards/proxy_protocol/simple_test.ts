import { parseSimpleProxyHeader, SIMPLE_PROXY_HEADER } from "../../../../forward/forwards/proxy_protocol/simple.ts";
import { formatEndpoint } from "../../../../stack/base/address.ts";
import { assertEquals } from "../../../assert.ts";

/** Two datagrams of a proxy, for a client over IPv4 and one over IPv6. */
const FOUR = "56ec 00000000000000000000ffff01020304 00000000000000000000ffff04030201 9c40 0035 6869";
const SIX = "56ec 20010db8000000000000000000000001 20010db8000000000000000000000002 9c40 0035";

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g)!, (digits) => parseInt(digits, 16));
}

function parse(data: Uint8Array, length = data.length): string | null {
  const header = parseSimpleProxyHeader(data, length);
  return header && `${formatEndpoint(header.client)} > ${formatEndpoint(header.proxy)}`;
}

Deno.test("Simple Proxy Protocol: the header's fields", () => {
  assertEquals(SIMPLE_PROXY_HEADER, 38);
  assertEquals(parse(bytes(FOUR)), "1.2.3.4:40000 > 4.3.2.1:53");
  assertEquals(parse(bytes(SIX)), "[2001:db8::1]:40000 > [2001:db8::2]:53");
});

Deno.test("Simple Proxy Protocol: too short, or without its magic", () => {
  assertEquals(parse(bytes(SIX), 37), null);
  assertEquals(parse(new Uint8Array(0)), null);
  assertEquals(parse(bytes(FOUR.replace("56ec", "56ed"))), null);
});
