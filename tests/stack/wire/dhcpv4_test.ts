import { assert, assertEquals, assertFields } from "../../assert.ts";
import { buildDhcpv4, DHCPNAK, DHCPOFFER, DHCPREQUEST, parseDhcpv4 } from "../../../stack/wire/dhcpv4.ts";
import { concat, hex, toHex } from "../../../scripts/lab/packets.ts";

const HEAD = `
  01 01 06 00 3903f326 0000 8000      # BOOTREQUEST, Ethernet, xid, broadcast
  00000000 00000000 00000000 00000000
  020000000100 00000000000000000000
`;
const NAMES = "00".repeat(192);

/** A REQUEST as a client sends it, with these options. */
function message(options: string, head = HEAD): Uint8Array {
  return hex(`${head} ${NAMES} 63825363 ${options}`);
}

const REQUEST = message("350103 3204 0a000264 3604 0a000202 3d07 01020000000100 00 37020103 ff 0099");

Deno.test("a client's request, dissected", () => {
  const request = parseDhcpv4(concat([7], REQUEST), 1, 1 + REQUEST.length);
  assert(request !== null);
  const { head, client, requested, server, mac, ...rest } = request;
  assertEquals(toHex(mac!), "020000000100");
  assertEquals(rest, { type: DHCPREQUEST, broadcast: true, clientAddress: null, relayed: false });
  assertEquals(head.length, 44, "length of the head");
  assertEquals(toHex(client!), "01020000000100", "client identifier");
  assertEquals(toHex(requested!), "0a000264", "requested address");
  assertEquals(toHex(server!), "0a000202", "server identifier");
});

Deno.test("a message with a client address and a relay, without an identifier", () => {
  const head = HEAD.replace("8000", "0000").replace("00000000 00000000", "0a000264 00000000")
    .replace("00000000\n  02", "c0000201\n  02");
  const request = parseDhcpv4(message("350103ff", head), 0, 248);
  assertEquals(toHex(request!.clientAddress!), "0a000264", "client address");
  assertFields(request!, { broadcast: false, relayed: true, client: null });
});

Deno.test("an offer, built", () => {
  const request = parseDhcpv4(REQUEST, 0, REQUEST.length)!;
  const offer = buildDhcpv4(request, DHCPOFFER, hex("0a000264"), [[54, hex("0a000202")], [26, [5, 220]]]);
  const options = "350102 3604 0a000202 1a02 05dc 3d07 01020000000100 ff";
  const head = HEAD.replace("01 01", "02 01").replace("00000000 00000000", "00000000 0a000264");
  const expected = concat(message(options, head));
  assertEquals(offer.length, 300);
  assertEquals(toHex(offer), toHex(expected).padEnd(600, "0"));
});

Deno.test("a refusal has no addresses", () => {
  const head = HEAD.replace("00000000 00000000", "0a000277 00000000");
  const request = parseDhcpv4(message("350103ff", head), 0, 244)!;
  const refusal = buildDhcpv4(request, DHCPNAK, null, []);
  assertEquals(toHex(refusal.subarray(12, 28)), "0".repeat(32));
  assertEquals(toHex(refusal.subarray(240, 244)), "350106ff");
});

Deno.test("malformed messages and messages of servers are refused", () => {
  const parse = (bytes: Uint8Array, end = bytes.length) => parseDhcpv4(bytes, 0, end);
  assert(parse(message("350101")) !== null, "no end mark");
  assertEquals(parse(REQUEST, 239), null);
  assertEquals(parse(message("350101", HEAD.replace("01 01", "02 01"))), null, "a reply");
  assertEquals(parse(message("350101", HEAD.replace("01 06", "01 11"))), null, "a long hardware address");
  assertEquals(parse(hex(`${HEAD} ${NAMES} 63825364 350101`)), null, "no cookie: BOOTP");
  assertEquals(parse(message("ff")), null, "no type: BOOTP");
  assertEquals(parse(message("35020101")), null, "a type of two bytes");
  assertEquals(parse(message("350101 3d05 01")), null, "an option past the end");
  assertEquals(parse(message("350101 3d")), null);
  assertEquals(parse(message("350103 3203 0a0002")), null, "an address of three bytes");
  assertEquals(parse(message("350103 3605 0a00020202")), null);
});
