import { assertEquals } from "../../assert.ts";
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
  udp,
} from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

/** An ICMP error from the guest that quotes a packet of the stack. */
function error4(type: number, code: number, rest: string, quoted: Uint8Array): Uint8Array {
  const body = concat([type, code, 0, 0], hex(rest), quoted);
  return ipv4({ protocol: 1 }, concat([type, code, ...be16(referenceChecksum(body))], hex(rest), quoted));
}

const OURS4 = ipv4(
  { protocol: 17, source: [198, 51, 100, 7], destination: [10, 0, 2, 100] },
  udp(53, 5000, new Uint8Array(20)),
);
const OURS6 = ipv6(17, udp(53, 5000, new Uint8Array(20)), REMOTE6, GUEST6);

Deno.test("the guest's errors about our datagrams are handed up", () => {
  const bed = new Bed();
  bed.feed(error4(3, 3, "00000000", OURS4));
  bed.feed(error4(3, 3, "00000000", OURS4.slice(0, 28)));
  const body = concat(hex("0104 0000 00000000"), OURS6);
  bed.feed(ipv6(58, checksummed(body, 2, 58, GUEST6, REMOTE6)));
  assertEquals(bed.unreachable, [
    "198.51.100.7 53 > 10.0.2.100 5000",
    "198.51.100.7 53 > 10.0.2.100 5000",
    "2001:db8::7 53 > fd00::100 5000",
  ]);
  const first = concat(
    hex("0104 0000 00000000"),
    ipv6(44, concat(hex("1100 0001 00000001"), OURS6.slice(40)), REMOTE6, GUEST6),
  );
  bed.feed(ipv6(58, checksummed(first, 2, 58, GUEST6, REMOTE6)));
  assertEquals(bed.unreachable.length, 4);
});

Deno.test("errors with an invalid quotation are dropped", () => {
  const bed = new Bed();
  bed.feed(error4(3, 3, "00000000", OURS4.slice(0, 27)));
  bed.feed(error4(3, 3, "00000000", new Uint8Array(0)));
  bed.feed(error4(3, 3, "00000000", OURS6));
  bed.feed(error4(3, 3, "00000000", concat([0x44], OURS4.slice(1))));
  bed.feed(error4(3, 3, "00000000", concat(OURS4.slice(0, 6), [0, 1], OURS4.slice(8)))); // a later fragment
  const later = ipv6(44, concat(hex("1100 0008 00000001"), OURS6.slice(40)), REMOTE6, GUEST6);
  for (const quoted of [OURS4, OURS6.slice(0, 47), later]) {
    bed.feed(ipv6(58, checksummed(concat(hex("0104 0000 00000000"), quoted), 2, 58, GUEST6, REMOTE6)));
  }
  assertEquals(bed.unreachable.length, 0, "unreachable reports");
  assertEquals(bed.stack.counters.icmp.malformed, 8, "icmp.malformed");
});

Deno.test("errors about TCP are handed to TCP, with the MTU", () => {
  const bed = new Bed();
  const seen: unknown[] = [];
  bed.stack.tcp.icmpError = (packet, quoted, transport, what, mtu) => {
    seen.push([packet.version, quoted - packet.payload, transport - quoted, what, mtu]);
  };
  const segment = hex("0050 1388 00000001");
  const ours = ipv4({ protocol: 6, source: [198, 51, 100, 7], destination: [10, 0, 2, 100] }, segment);
  bed.feed(error4(3, 4, "00000514", ours));
  bed.feed(error4(3, 1, "00000000", ours));
  bed.feed(error4(11, 0, "00000000", ours)); // time exceeded: ignored
  const body = concat(hex("0200 0000 00000500"), ipv6(6, segment, REMOTE6, GUEST6));
  bed.feed(ipv6(58, checksummed(body, 2, 58, GUEST6, REMOTE6)));
  assertEquals(seen, [[4, 8, 20, "too-big", 1300], [4, 8, 20, "unreachable", 0], [6, 8, 40, "too-big", 1280]]);
  assertEquals(bed.stack.counters.icmp.ignored, 1);
});
