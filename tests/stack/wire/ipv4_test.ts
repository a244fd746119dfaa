import { assert, assertEquals } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import {
  checkIpv4,
  IPV4_DONT_FRAGMENT,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Identification,
  ipv4MoreFragments,
  ipv4OptionsAcceptable,
  ipv4Protocol,
  ipv4TimeToLive,
  ipv4TotalLength,
  isLimitedBroadcast,
  isLoopback4,
  isMulticast4,
  isUnspecified4,
  putIpv4,
  refitIpv4,
} from "../../../stack/wire/ipv4.ts";
import { hex, ipv4, toHex } from "../../../scripts/lab/packets.ts";

const HEADER = hex(`
  45 00 0073  # version 4, 20 bytes, length 115
  0000 4000   # identification 0, DF
  40 11 b861  # TTL 64, UDP, checksum
  c0a80001    # 192.168.0.1
  c0a800c7    # 192.168.0.199
`);

Deno.test("a header from a textbook, dissected", () => {
  const packet = new Uint8Array(3 + 115);
  packet.set(HEADER, 3);
  assertEquals(checkIpv4(packet, 3, packet.length), "ok");
  assertEquals(ipv4HeaderLength(packet, 3), 20);
  assertEquals(ipv4TotalLength(packet, 3), 115);
  assertEquals(ipv4Identification(packet, 3), 0);
  assertEquals(ipv4FragmentOffset(packet, 3), 0);
  assert(!ipv4MoreFragments(packet, 3));
  assertEquals(ipv4TimeToLive(packet, 3), 64);
  assertEquals(ipv4Protocol(packet, 3), 17);
});

Deno.test("the same header, built", () => {
  const bytes = new Uint8Array(20).fill(0xee);
  const source = IpAddress.parse("192.168.0.1"), destination = IpAddress.parse("192.168.0.199");
  putIpv4(bytes, 0, 115, 0, IPV4_DONT_FRAGMENT, 64, 17, source, destination);
  assertEquals(toHex(bytes), toHex(HEADER));
});

Deno.test("changing the fragment field of a kernel's header keeps the checksum correct", () => {
  const packet = hex("4500002c 4eec4000 4001b546 0a000264 c6336407 0800c7c13e050001df02056b0000000003ca0a0000000000");
  assertEquals(checkIpv4(packet, 0, packet.length), "ok");
  refitIpv4(packet, 0, 40, 0x2001);
  assertEquals(checkIpv4(packet, 0, packet.length), "ok");
  assertEquals(ipv4TotalLength(packet, 0), 40);
  assertEquals(ipv4FragmentOffset(packet, 0), 8);
  assert(ipv4MoreFragments(packet, 0));
});

Deno.test("a malformed header differs from one with a wrong checksum", () => {
  const packet = new Uint8Array(115);
  packet.set(HEADER);
  const spoilt = (at: number, value: number) => {
    const copy = packet.slice();
    copy[at] = value;
    return checkIpv4(copy, 0, copy.length);
  };
  assertEquals(spoilt(0, 0x65), "malformed"); // version 6
  assertEquals(spoilt(0, 0x44), "malformed"); // a header of 16 bytes
  assertEquals(spoilt(3, 0x74), "malformed"); // longer than the frame
  assertEquals(spoilt(3, 0x13), "malformed"); // shorter than the header
  assertEquals(spoilt(8, 63), "checksum");
  assertEquals(checkIpv4(packet, 0, 19), "malformed");
  assertEquals(checkIpv4(packet, 0, 0), "malformed");
});

Deno.test("options: skipped, unless they are malformed or a source route", () => {
  const acceptable = (options: number[]) => ipv4OptionsAcceptable(ipv4({ protocol: 17, options }, []), 0);
  assert(acceptable([1, 1, 1, 0]));
  assert(acceptable([0x94, 4, 0, 0])); // router alert
  assert(acceptable([7, 7, 4, 0, 0, 0, 0, 0])); // record route
  assert(acceptable([0, 131, 0, 0])); // behind the end of the options
  assert(!acceptable([131, 7, 4, 10, 0, 0, 1, 0])); // loose source route
  assert(!acceptable([1, 137, 7, 4, 10, 0, 0, 1])); // strict
  assert(!acceptable([7, 1, 0, 0]));
  assert(!acceptable([7, 0, 0, 0]));
  assert(!acceptable([7, 5, 0, 0]));
  assert(!acceptable([1, 1, 1, 7]));
});

Deno.test("kinds of addresses", () => {
  assert(isMulticast4(hex("e0000001"), 0) && isMulticast4(hex("efffffff"), 0) && !isMulticast4(hex("f0000000"), 0));
  assert(isLimitedBroadcast(hex("ffffffff"), 0) && !isLimitedBroadcast(hex("fffffffe"), 0));
  assert(isUnspecified4(hex("00000000"), 0) && !isUnspecified4(hex("00000001"), 0));
  assert(isLoopback4(hex("7f000001"), 0) && !isLoopback4(hex("80000001"), 0));
});
