import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";
import { ERROR_BURST, ERRORS_PER_SECOND } from "../../../stack/icmp/output.ts";
import type { Unreachable } from "../../../stack/base/layers.ts";
import {
  be16,
  checksummed,
  concat,
  GUEST6,
  hex,
  ipv4,
  ipv6,
  referenceChecksum,
  REMOTE6,
  toHex,
  udp,
} from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

const GATEWAY6 = "fd000000000000000000000000000002";
const refuse = (what: Unreachable) => new Bed({ udp: (datagram) => datagram.unreachable(what) });
const datagram4 = (length = 4) => ipv4({ protocol: 17 }, udp(5000, 53, new Uint8Array(length).fill(0x61)));
const datagram6 = (length = 4) => {
  const body = udp(5000, 53, new Uint8Array(length).fill(0x61));
  return ipv6(17, checksummed(body, 6, 17, GUEST6, REMOTE6));
};

Deno.test("port unreachable, byte for byte, comes from the destination", () => {
  const bed = refuse("port");
  bed.feed(datagram4());
  bed.feed(datagram6());
  const quoted = datagram4();
  const message = concat(hex("0303 0000 00000000"), quoted);
  const checksum = referenceChecksum(message);
  assertEquals(bed.takeSent(), [
    toHex(concat(
      hex("4500 003c ffa7 0000 40 01 447b c6336407 0a000264"),
      [3, 3, ...be16(checksum), 0, 0, 0, 0],
      quoted,
    )),
    toHex(ipv6(
      58,
      checksummed(concat(hex("0104 0000 00000000"), datagram6()), 2, 58, REMOTE6, GUEST6),
      REMOTE6,
      GUEST6,
    )),
  ]);
});

Deno.test("codes by cause and version; all but port unreachable come from the program's own address", () => {
  const codes: [Unreachable, number, number][] = [["network", 0, 0], ["host", 1, 3], ["prohibited", 13, 1]];
  for (const [what, code4, code6] of codes) {
    const bed = refuse(what);
    bed.feed(datagram4());
    const four = bed.takeOne();
    assertEquals({ type: four[20], code: four[21] }, { type: 3, code: code4 }, `${what}, IPv4`);
    assertEquals(toHex(four.slice(12, 16)), "0a000202", "IPv4 source");
    bed.feed(datagram6());
    const six = bed.takeOne();
    assertEquals({ type: six[40], code: six[41] }, { type: 1, code: code6 }, `${what}, IPv6`);
    assertEquals(toHex(six.slice(8, 24)), GATEWAY6, "IPv6 source");
  }
});

Deno.test("an error quotes as much as its size limit allows", () => {
  const bed = refuse("host");
  bed.feed(datagram4(1400));
  const four = bed.takeOne();
  assertEquals(four.length, 576, "IPv4 length");
  assertEquals(toHex(four.slice(28)), toHex(datagram4(1400).slice(0, 548)), "IPv4 quotation");
  assertEquals(referenceChecksum(four.slice(20)), 0);
  bed.feed(datagram6(1400));
  const six = bed.takeOne();
  assertEquals(six.length, 1280, "IPv6 length");
  assertEquals(toHex(six.slice(48)), toHex(datagram6(1400).slice(0, 1232)), "IPv6 quotation");
});

Deno.test("no error about a broadcast or multicast", () => {
  const bed = refuse("port");
  for (const destination of [[255, 255, 255, 255], [10, 0, 2, 255], [224, 0, 0, 251]]) {
    bed.feed(ipv4({ protocol: 17, destination }, udp(5000, 53, [1])));
    bed.feed(ipv4({ protocol: 99, destination }, [1]));
  }
  const group = "ff0200000000000000000000000000fb";
  bed.feed(ipv6(17, checksummed(udp(5000, 53, [1]), 6, 17, GUEST6, group), GUEST6, group));
  bed.feed(ipv6(99, hex("01"), GUEST6, group));
  bed.feed(ipv6(99, hex("01"), "0".repeat(32), group));
  assertEquals(bed.takeSent(), []);
  assertEquals(bed.stack.counters.icmp.errorsForbidden, 9);
});

Deno.test("no error about an error, whatever headers precede it", () => {
  const bed = new Bed();
  const { counters } = bed.stack;
  const complaint = hex("3a00 8004 00000000"); // destination options that request a parameter problem, before ICMPv6
  bed.feed(ipv6(60, concat(complaint, hex("8000 0000 00000000")))); // echo request
  assertEquals(bed.takeSent().length, 1, "frames sent");
  assertEquals(counters.icmp.errorsForbidden, 0, "icmp.errorsForbidden");
  bed.feed(ipv6(60, concat(complaint, hex("0104 0000 00000000")))); // destination unreachable
  bed.feed(ipv6(60, concat(complaint, hex("8900 0000 00000000")))); // redirect
  bed.feed(ipv6(60, concat(hex("3c00 1e04 00000000"), complaint, hex("0104 0000 00000000"))));
  assertEquals(bed.takeSent().length, 0, "frames sent");
  assertEquals(counters.icmp.errorsForbidden, 3, "icmp.errorsForbidden");
});

Deno.test("no error about an error that was never reassembled", () => {
  const bed = new Bed();
  bed.feed(ipv4({ protocol: 1, identification: 1, fragment: 0x2000 }, hex("0303 0000 00000000")));
  bed.feed(ipv4({ protocol: 1, identification: 2, fragment: 0x2000 }, hex("0800 0000 00000000")));
  bed.pass(30_000);
  const [error, ...others] = bed.takeSent();
  assertEquals(error.slice(40, 44), "0b01", "type and code");
  assertEquals(others, [], "other frames");
  assertEquals(bed.stack.counters.icmp.errorsForbidden, 1, "icmp.errorsForbidden");
});

Deno.test("errors are sent only about first fragments", () => {
  const bed = new Bed();
  bed.feed(ipv6(44, concat(hex("1100 0009 00000001"), new Uint8Array(9)))); // length not a multiple of 8, offset 8
  assertEquals(bed.takeSent().length, 0, "frames sent");
  assertEquals(bed.stack.counters.icmp.errorsForbidden, 1, "icmp.errorsForbidden");
  bed.feed(ipv6(44, concat(hex("1100 0001 00000001"), new Uint8Array(9)))); // offset 0
  assertEquals(bed.takeSent().length, 1);
});

Deno.test("errors are limited, and the limit recovers", () => {
  const bed = refuse("port");
  for (let i = 0; i < ERROR_BURST + 20; i++) bed.feed(datagram4());
  assertEquals(bed.takeSent().length, ERROR_BURST, "frames sent");
  assertEquals(bed.stack.counters.icmp.errorsLimited, 20, "icmp.errorsLimited");
  bed.pass(10);
  for (let i = 0; i < 30; i++) bed.feed(datagram4());
  assertEquals(bed.takeSent().length, ERRORS_PER_SECOND / 100);
});

Deno.test("the rate of errors is an option", () => {
  for (const [icmpErrors, sent] of [[0, 0], [1, 1], [100, 5]] as const) {
    const bed = new Bed({ limits: { icmpErrors }, udp: (datagram) => datagram.unreachable("port") });
    for (let i = 0; i < 10; i++) bed.feed(datagram4());
    assertEquals(bed.takeSent().length, sent);
    assertEquals(bed.stack.usage.icmpErrors, { current: sent, limit: icmpErrors, overflows: 10 - sent });
  }
});

Deno.test("packet too big, for both versions", () => {
  const bed = new Bed();
  for (const packet of [datagram4(), datagram6()]) bed.stack.icmp.packetTooBig(1400, packet, 0, packet.length);
  const [four, six] = bed.takeSent();
  assertEquals(four.slice(24, 32), "0a000202", "IPv4 source");
  assertEquals(four.slice(40, 44), "0304", "IPv4 type and code");
  assertEquals(four.slice(48, 56), "00000578", "IPv4 MTU");
  assertEquals(six.slice(16, 48), GATEWAY6, "IPv6 source");
  assertEquals(six.slice(80, 84), "0200", "IPv6 type and code");
  assertEquals(six.slice(88, 96), "00000578", "IPv6 MTU");
});

Deno.test("an error from another network is relayed, even if it quotes only part of the packet", () => {
  const bed = new Bed();
  const packet = datagram4(200).slice(0, 100);
  bed.stack.icmp.relay(11, 0, IpAddress.parse("192.0.2.7"), packet, 0, packet.length);
  bed.stack.icmp.relay(3, 13, null, packet, 0, packet.length);
  const [router, own] = bed.takeSent();
  assertEquals(router.slice(24, 32), "c0000207", "the router's source");
  assertEquals(router.slice(40, 44), "0b00", "the router's type and code");
  assertEquals(router.slice(56), toHex(packet), "the router's quotation");
  assertEquals(own.slice(24, 32), "0a000202", "our own source");
  assertEquals(own.slice(40, 44), "030d", "our own type and code");
});
