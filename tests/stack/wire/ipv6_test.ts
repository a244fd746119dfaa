import { assert, assertEquals, assertFields } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import {
  ipv6HopLimit,
  ipv6NextHeaderAt,
  ipv6PayloadLength,
  isIpv6,
  isLoopback6,
  isUnspecified6,
  putIpv6,
  solicitedNodeOf,
} from "../../../stack/wire/ipv6.ts";
import {
  ExtensionWalk,
  fragmentOffset6,
  identification6,
  MAX_EXTENSIONS,
  moreFragments6,
  putFragment,
} from "../../../stack/wire/ipv6_extensions.ts";
import { concat, hex, toHex } from "../../../scripts/lab/packets.ts";

const HEADER = hex(`
  60000000                          # version 6
  0018 3a 40                        # payload 24, ICMPv6, hop limit 64
  fd000000000000000000000000000100  # fd00::100
  20010db8000000000000000000000007  # 2001:db8::7
`);

Deno.test("a header, dissected and built", () => {
  const packet = concat(HEADER, new Uint8Array(24));
  assert(isIpv6(packet, 0, packet.length));
  assert(!isIpv6(packet, 0, packet.length - 1));
  assert(!isIpv6(packet, 0, 39));
  assertEquals(ipv6PayloadLength(packet, 0), 24);
  assertEquals(packet[ipv6NextHeaderAt(0)], 58);
  assertEquals(ipv6HopLimit(packet, 0), 64);
  const built = new Uint8Array(40).fill(0xee);
  putIpv6(built, 0, 24, 58, 64, IpAddress.parse("fd00::100"), IpAddress.parse("2001:db8::7"));
  assertEquals(toHex(built), toHex(HEADER));
});

Deno.test("addresses derived from others", () => {
  assertEquals(solicitedNodeOf(IpAddress.parse("fd00::100")).toString(), "ff02::1:ff00:100");
  assert(isLoopback6(hex("00000000000000000000000000000001"), 0));
  assert(isUnspecified6(new Uint8Array(16), 0) && !isLoopback6(new Uint8Array(16), 0));
});

/** Walks a chain of headers whose first is of type `next`. */
function walk(next: number, headers: Uint8Array): [string, ExtensionWalk] {
  const result = new ExtensionWalk();
  const packet = concat([next], headers);
  result.begin(next, 0, 1);
  return [result.run(packet, packet.length), result];
}

Deno.test("the header chain of a kernel's multicast listener report: hop-by-hop with a router alert", () => {
  const [end, at] = walk(0, hex("3a00 0502 0000 0100  8f006e8a00000001"));
  assertEquals(end, "transport", "end of the chain");
  assertFields(at, { protocol: 58, at: 9, namedAt: 1 });
});

Deno.test("destination options and a routing header with no segments left are skipped", () => {
  const [end, at] = walk(60, hex("2b01 0104 00000000 0106000000000000  1100 0400 00000000"));
  assertEquals(end, "transport", "end of the chain");
  assertFields(at, { protocol: 17, at: 25, namedAt: 17 });
});

Deno.test("a fragment header stops the walk, which can continue after it", () => {
  const packet = hex("1100 0001 7e80e735 bef30009 0bc0a356");
  const at = new ExtensionWalk();
  at.begin(44, 0, 0);
  assertEquals(at.run(packet, packet.length), "fragment");
  assertEquals(fragmentOffset6(packet, 0), 0);
  assert(moreFragments6(packet, 0));
  assertEquals(identification6(packet, 0), 0x7e80e735);
  at.skipFragment(packet);
  assertEquals(at.run(packet, packet.length), "transport", "end of the chain");
  assertFields(at, { protocol: 17, at: 8 });
  const built = new Uint8Array(8).fill(0xee);
  putFragment(built, 0, 17, 1448, true, 0x7e80e735);
  assertEquals(toHex(built), "110005a97e80e735"); // the second of the kernel's
});

Deno.test("where a chain of headers ends, and with which error", () => {
  const problem = (next: number, headers: string) => {
    const [end, at] = walk(next, hex(headers));
    return end === "problem" ? [at.problemCode, at.problemAt - 1] : end;
  };
  assertEquals(problem(60, "1100 0000 0000"), "truncated");
  assertEquals(problem(60, "1101 0104 00000000"), "truncated"); // says 16 bytes
  assertEquals(problem(44, "1100 0001 000000"), "truncated");
  assertEquals(problem(43, "1102 0200 00000000 00000000000000000000000000000000"), "transport");
  assertEquals(problem(43, "1102 0201 00000000 00000000000000000000000000000000"), [0, 2]); // a segment left
  assertEquals(problem(60, "0000 0104 00000000  1100 0104 00000000"), [1, 0]); // hop-by-hop, not first
  assertEquals(problem(60, "1100 1e04 00000000"), "transport"); // unknown option: skip
  assertEquals(problem(60, "1100 4004 00000000"), "discard"); // unknown option: discard
  assertEquals(problem(60, "1100 8004 00000000"), [2, 2]); // unknown option: complain
  assertEquals(problem(60, "1100 c204 00000000"), [2, 2]); // the jumbo payload option
  assertEquals(problem(60, "1100 1e05 00000000"), "discard"); // an option past the header's end
  assertEquals(problem(60, "1100 0103 000000 1e"), "discard"); // an option without length
});

Deno.test("a chain of too many headers is refused", () => {
  const chain = (count: number) =>
    concat(...Array.from({ length: count }, (_, i) => [i < count - 1 ? 60 : 17, 0, 1, 4, 0, 0, 0, 0]));
  assertEquals(walk(60, chain(MAX_EXTENSIONS))[0], "transport");
  assertEquals(walk(60, chain(MAX_EXTENSIONS + 1))[0], "discard");
});
