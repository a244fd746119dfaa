import { assertEquals } from "../../assert.ts";
import {
  checksummed,
  concat,
  GUEST6,
  hex,
  ipv4,
  ipv6,
  REMOTE6,
  toHex,
  udp,
  with16,
} from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

const UDP4 = udp(5000, 53, [1, 2, 3]);
const UDP6 = checksummed(UDP4, 6, 17, GUEST6, REMOTE6);
const GATEWAY6 = "fd000000000000000000000000000002";
const GROUP6 = "ff020000000000000000000000000001";

/** Feeds a packet, and returns the number of datagrams passed to the user. */
function came(bed: Bed, packet: Uint8Array): number {
  const before = bed.datagrams.length;
  bed.feed(packet);
  return bed.datagrams.length - before;
}

Deno.test("packets for any destination are accepted", () => {
  const bed = new Bed();
  for (const destination of [[8, 8, 8, 8], [10, 0, 2, 2], [127, 0, 0, 1], [10, 0, 2, 100], [240, 0, 0, 1]]) {
    assertEquals(came(bed, ipv4({ protocol: 17, destination }, UDP4)), 1);
  }
  assertEquals(came(bed, ipv6(17, UDP6)), 1);
  assertEquals(bed.datagrams[0].to, "8.8.8.8 53");
  assertEquals(bed.datagrams[5].from, "fd00::100 5000");
});

Deno.test("packets with a time to live of 0 or 1 are accepted: this is their destination", () => {
  const bed = new Bed();
  assertEquals(came(bed, ipv6(17, UDP6, GUEST6, REMOTE6, 0)), 1);
});

Deno.test("empty frames and unknown IP versions are dropped", () => {
  const bed = new Bed();
  bed.feed(new Uint8Array(0));
  bed.feed(hex("55"));
  assertEquals(bed.stack.counters.link.malformed, 2);
});

Deno.test("malformed packets are counted and dropped", () => {
  const bed = new Bed();
  const packet = ipv4({ protocol: 17 }, UDP4);
  assertEquals(came(bed, packet.slice(0, 19)), 0);
  assertEquals(came(bed, packet.slice(0, -1)), 0);
  assertEquals(bed.stack.counters.ipv4.malformed, 2);
  assertEquals(came(bed, with16(packet, 10, 0)), 0);
  assertEquals(bed.stack.counters.ipv4.badChecksum, 1);
  assertEquals(came(bed, ipv4({ protocol: 17, options: [131, 7, 4, 10, 0, 0, 1, 0] }, UDP4)), 0); // source route
  assertEquals(bed.stack.counters.ipv4.malformed, 3);
  assertEquals(came(bed, ipv4({ protocol: 17, options: [7, 7, 4, 0, 0, 0, 0, 0] }, UDP4)), 1); // record route
  assertEquals(came(bed, ipv6(17, UDP6).slice(0, -1)), 0);
  assertEquals(bed.stack.counters.ipv6.malformed, 1);
});

Deno.test("bytes behind the packet are not part of it", () => {
  const bed = new Bed();
  assertEquals(came(bed, concat(ipv4({ protocol: 17 }, UDP4), [9, 9, 9])), 1);
  assertEquals(came(bed, concat(ipv6(17, UDP6), [9, 9, 9])), 1);
  assertEquals(bed.datagrams.map(({ data }) => data.length), [3, 3]);
});

Deno.test("impossible source addresses are dropped", () => {
  const bed = new Bed({ addresses: { isNameServer: true } });
  for (const source of [[127, 0, 0, 1], [224, 0, 0, 1], [255, 255, 255, 255], [10, 0, 2, 255], [0, 0, 0, 0]]) {
    assertEquals(came(bed, ipv4({ protocol: 17, source }, UDP4)), 0);
  }
  assertEquals(bed.stack.counters.ipv4.martian, 5);
  for (const source of [[10, 0, 2, 2], [10, 0, 2, 3], [0, 0, 0, 1], [240, 0, 0, 1], [239, 9, 9, 9]]) {
    assertEquals(came(bed, ipv4({ protocol: 17, source }, UDP4)), 0);
  }
  assertEquals(bed.stack.counters.ipv4.martian, 10);
  const mapped = "00000000000000000000ffff0a000264", name = GATEWAY6.replace(/2$/, "3");
  for (const source of [GROUP6, "0".repeat(31) + "1", "0".repeat(32), GATEWAY6, name, mapped]) {
    assertEquals(came(bed, ipv6(17, checksummed(UDP4, 6, 17, source, REMOTE6), source)), 0);
  }
  assertEquals(bed.stack.counters.ipv6.martian, 6);
  assertEquals(bed.takeSent(), []);
});

Deno.test("without a name server, the guest may use its address", () => {
  const bed = new Bed();
  const name = GATEWAY6.replace(/2$/, "3");
  assertEquals(came(bed, ipv4({ protocol: 17, source: [10, 0, 2, 3] }, UDP4)), 1);
  assertEquals(came(bed, ipv6(17, checksummed(UDP4, 6, 17, name, REMOTE6), name)), 1);
});

Deno.test("the unspecified address is no destination, and never the source of an answer", () => {
  const bed = new Bed();
  const nowhere = "0".repeat(32);
  const segment = hex("883e 0050 0c8f0000 00000000 5004 0400 0000 0000");
  for (const flags of [0x02, 0x10]) {
    segment[13] = flags;
    bed.feed(ipv6(6, checksummed(segment, 16, 6, GUEST6, nowhere), GUEST6, nowhere));
  }
  assertEquals(bed.takeSent(), [], "frames sent");
  assertEquals(bed.requests.length, 0, "requests");
  assertEquals(bed.stack.counters.ipv6.martian, 2, "ipv6.martian");
});

Deno.test("a host without an address may send to a multicast group", () => {
  const bed = new Bed();
  const destination = [255, 255, 255, 255];
  assertEquals(came(bed, ipv4({ protocol: 17, source: [0, 0, 0, 0], destination }, udp(68, 67, [1]))), 1);
});

Deno.test("broadcasts and multicasts are marked, and TCP never sees them", () => {
  const marked: boolean[] = [];
  const bed = new Bed({ udp: ({ broadcast }) => marked.push(broadcast) });
  const syn = concat(hex("1388 0050 00000001 00000000 5002 ffff 0000 0000"));
  for (const destination of [[255, 255, 255, 255], [10, 0, 2, 255], [239, 1, 1, 1], [0, 0, 0, 0]]) {
    bed.feed(ipv4({ protocol: 17, destination }, UDP4));
    const pseudo = toHex(Uint8Array.from(destination));
    bed.feed(ipv4({ protocol: 6, destination }, checksummed(syn, 16, 6, "0a000264", pseudo)));
  }
  bed.feed(ipv6(17, checksummed(UDP4, 6, 17, GUEST6, GROUP6), GUEST6, GROUP6));
  bed.feed(ipv4({ protocol: 17, destination: [10, 0, 3, 255] }, UDP4)); // the broadcast address of another network
  assertEquals(marked, [true, true, true, true, true, false]);
  assertEquals(bed.requests.length, 0);
  bed.feed(ipv4({ protocol: 6 }, checksummed(syn, 16, 6, "0a000264", "c6336407")));
  assertEquals(bed.requests.length, 1);
});

Deno.test("IPv6 extension headers are skipped", () => {
  const bed = new Bed();
  const chain = hex("3c00 0502 0000 0100  2b00 0104 00000000  1100 0000 00000000");
  assertEquals(came(bed, ipv6(0, concat(chain, UDP6))), 1);
});

Deno.test("IPv6: unknown headers and options are answered with a parameter problem", () => {
  const bed = new Bed();
  const packet = ipv6(99, hex("0102030405060708"));
  bed.feed(packet);
  const error = bed.takeOne();
  const body = checksummed(
    concat(hex("0401 0000 00000006"), packet),
    2,
    58,
    "fd000000000000000000000000000002",
    GUEST6,
  );
  assertEquals(toHex(error), toHex(ipv6(58, body, GATEWAY6, GUEST6)));
  bed.feed(ipv6(60, hex("1100 8004 00000000")));
  const option = bed.takeOne();
  assertEquals({ type: option[40], code: option[41] }, { type: 4, code: 2 });
  assertEquals(toHex(option.slice(44, 48)), "0000002a", "offset of the option, 42");
  assertEquals(bed.stack.counters.ipv6.unknownProtocol, 1);
  assertEquals(came(bed, ipv6(59, hex("0102"))), 0); // no next header: nothing to say
  assertEquals(bed.takeSent(), []);
});

Deno.test("IPv4: an unknown protocol is answered with protocol unreachable", () => {
  const bed = new Bed();
  const packet = ipv4({ protocol: 99 }, hex("01020304"));
  bed.feed(packet);
  const error = bed.takeOne();
  assertEquals(toHex(error.slice(12, 22)), "c63364070a0002640302"); // from the destination itself
  assertEquals(toHex(error.slice(28)), toHex(packet));
});
