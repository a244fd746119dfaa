import { assertEquals, assertThrows } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { allocatePlain } from "../../../stack/base/device.ts";
import { MAX_UDP_SEGMENTS } from "../../../stack/udp/udp.ts";
import {
  be16,
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

// datagrams that a Linux kernel sent
const HELLO4 = hex(`
  45000021 1f554000 4011e4d8 0a000264 c6336407
  9a2b 0035 000d eb02 68656c6c6f
`);
const HELLO6 = hex(`
  6004131b 000d 11 40 fd000000000000000000000000000100 20010db8000000000000000000000007
  c105 0035 000d cf06 68656c6c6f
`);

Deno.test("datagrams of a kernel are handed up", () => {
  const bed = new Bed();
  bed.feed(HELLO4);
  bed.feed(HELLO6);
  const data = new TextEncoder().encode("hello");
  assertEquals(bed.datagrams, [
    { from: "10.0.2.100 39467", to: "198.51.100.7 53", data },
    { from: "fd00::100 49413", to: "2001:db8::7 53", data },
  ]);
});

Deno.test("a datagram's hop limit and fragmentation flag, and time exceeded about it, byte for byte", () => {
  const seen: { hopLimit: number; dontFragment: boolean }[] = [];
  const bed = new Bed({
    udp: (datagram) => {
      seen.push({ hopLimit: datagram.hopLimit, dontFragment: datagram.dontFragment });
      if (datagram.hopLimit === 1) datagram.timeExceeded();
    },
  });
  bed.feed(HELLO4); // the kernel's
  bed.feed(ipv4({ protocol: 17 }, udp(5000, 53, [1])));
  bed.feed(HELLO6);
  const body = checksummed(udp(5000, 53, [1, 2, 3, 4, 5, 6, 7, 8]), 6, 17, GUEST6, REMOTE6);
  bed.feed(ipv6(44, concat([17, 0, 0, 1, 0, 0, 0, 7], body.slice(0, 8))));
  bed.feed(ipv6(44, concat([17, 0, 0, 8, 0, 0, 0, 7], body.slice(8))));
  assertEquals(seen, [
    { hopLimit: 64, dontFragment: true },
    { hopLimit: 64, dontFragment: false },
    { hopLimit: 64, dontFragment: true },
    { hopLimit: 64, dontFragment: false }, // what was fragmented once may be again
  ]);
  assertEquals(bed.takeSent(), []);
  const last = ipv6(17, checksummed(udp(5000, 53, [1]), 6, 17, GUEST6, REMOTE6), GUEST6, REMOTE6, 1);
  bed.feed(last);
  const gateway = "fd000000000000000000000000000002";
  const message = checksummed(concat(hex("0300 0000 00000000"), last), 2, 58, gateway, GUEST6);
  assertEquals(toHex(bed.takeOne()), toHex(ipv6(58, message, gateway, GUEST6)));
});

Deno.test("an answer is what a kernel would have sent", () => {
  const bed = new Bed();
  const here = { address: IpAddress.parse("198.51.100.7"), port: 53 };
  bed.stack.udp.sendBytes(here, { address: IpAddress.parse("10.0.2.100"), port: 39_467 }, hex("ff68656c6c6fff"), 1, 5);
  // addresses and ports are the other way round, so the checksum is the same
  assertEquals(toHex(bed.takeOne().slice(20)), "00359a2b000deb0268656c6c6f");
});

Deno.test("checksums: verified, unless there is none or the device vouches for it", () => {
  const bed = new Bed();
  const { counters } = bed.stack;
  const spoilt4 = with16(HELLO4, 26, 0x1234), spoilt6 = with16(HELLO6, 46, 0x1234);
  bed.feed(spoilt4);
  bed.feed(spoilt6);
  assertEquals(bed.datagrams.length, 0, "datagrams");
  assertEquals(counters.udp.badChecksum, 2, "udp.badChecksum");
  bed.feed(spoilt4, { checksumTrusted: true });
  bed.feed(spoilt6, { checksumTrusted: true });
  assertEquals(bed.datagrams.length, 2);
  bed.feed(with16(HELLO4, 26, 0)); // IPv4: none was computed
  assertEquals(bed.datagrams.length, 3);
  bed.feed(with16(HELLO6, 46, 0)); // IPv6: that is not allowed (RFC 8200, section 8.1)
  assertEquals(bed.datagrams.length, 3, "datagrams");
  assertEquals(counters.udp.badChecksum, 3, "udp.badChecksum");
});

Deno.test("impossible lengths and ports are dropped", () => {
  const bed = new Bed();
  const feed = (datagram: Uint8Array) => bed.feed(ipv4({ protocol: 17 }, datagram));
  const good = udp(5000, 53, [1, 2, 3, 4]);
  feed(with16(good, 4, 7));
  feed(with16(good, 4, 13));
  feed(with16(good, 4, 0));
  feed(good.slice(0, 7));
  feed(udp(0, 53, [1]));
  feed(udp(5000, 0, [1]));
  assertEquals(bed.datagrams.length, 0, "datagrams");
  assertEquals(bed.stack.counters.udp.malformed, 6, "udp.malformed");
  feed(with16(good, 4, 10)); // shorter than the packet: the rest is not data
  feed(udp(5000, 53, []));
  assertEquals(bed.datagrams.map(({ data }) => data.length), [2, 0]);
});

Deno.test("the largest datagram is accepted and sent", () => {
  const bed = new Bed({ mtu: 65_535 });
  const data = Uint8Array.from({ length: 65_507 }, (_, i) => i * 3);
  bed.feed(ipv4({ protocol: 17 }, udp(5000, 53, data)));
  bed.feed(ipv6(17, checksummed(udp(5000, 53, data), 6, 17, GUEST6, REMOTE6)));
  assertEquals(bed.datagrams.map((datagram) => toHex(datagram.data) === toHex(data)), [true, true]);
});

Deno.test("segmentation offload in the guest: datagrams are handed up one by one", () => {
  const bed = new Bed();
  const data = Uint8Array.from({ length: 2500 }, (_, i) => i);
  const packet = ipv4({ protocol: 17 }, udp(5000, 53, data));
  bed.feed(packet, { segmentSize: 1000, checksumTrusted: true });
  assertEquals(bed.datagrams.map((datagram) => toHex(datagram.data)), [
    toHex(data.slice(0, 1000)),
    toHex(data.slice(1000, 2000)),
    toHex(data.slice(2000)),
  ]);
  bed.datagrams.length = 0;
  bed.feed(packet, { segmentSize: 2500, checksumTrusted: true });
  bed.feed(ipv4({ protocol: 17 }, udp(5000, 53, [])), { segmentSize: 1000, checksumTrusted: true });
  assertEquals(bed.datagrams.map((datagram) => datagram.data.length), [2500, 0]);
});

Deno.test("more segments than a kernel makes are dropped", () => {
  const bed = new Bed();
  bed.feed(ipv4({ protocol: 17 }, udp(5000, 53, new Uint8Array(MAX_UDP_SEGMENTS + 1))), {
    segmentSize: 1,
    checksumTrusted: true,
  });
  assertEquals(bed.datagrams.length, 0, "datagrams");
  assertEquals(bed.stack.counters.udp.malformed, 1, "udp.malformed");
});

Deno.test("the fields of a datagram are offsets into the packet", () => {
  let seen: unknown[] = [];
  const bed = new Bed({
    udp: (datagram) => {
      const { version, guestAddress, localAddress, guestPort, localPort, payload, length, bytes, broadcast } = datagram;
      const at = (offset: number, size: number) => toHex(bytes.slice(offset, offset + size));
      seen = [version, at(guestAddress, 4), at(localAddress, 4), guestPort, localPort, at(payload, length), broadcast];
    },
  });
  bed.feed(HELLO4);
  assertEquals(seen, [4, "0a000264", "c6336407", 39_467, 53, "68656c6c6f", false]);
});

Deno.test("the user may keep a frame", () => {
  const bed = new Bed({
    udp: ({ packet }) => {
      if (packet.frame !== null) packet.frame.held = true;
    },
  });
  bed.feed(HELLO4);
  assertEquals(bed.frames.taken, 1);
  const whole = udp(5000, 53, new Uint8Array(100));
  bed.feed(ipv4({ protocol: 17, fragment: 0x2000 }, whole.slice(0, 64)));
  bed.feed(ipv4({ protocol: 17, fragment: 8 }, whole.slice(64)));
  assertEquals(bed.frames.taken, 2); // a reassembled one as well
});

Deno.test("endpoints of different IP versions throw", () => {
  const bed = new Bed();
  const four = { address: IpAddress.parse("10.0.2.2"), port: 1 },
    six = { address: IpAddress.parse("fd00::2"), port: 1 };
  assertThrows(() => bed.stack.udp.send(four, six, allocatePlain(1), 0, 1), TypeError, "UDP from 10.0.2.2 to fd00::2");
});

Deno.test("a UDP checksum of a datagram of odd length in odd memory", () => {
  const bed = new Bed();
  const here = { address: IpAddress.parse("2001:db8::7"), port: 53 };
  const guest = { address: IpAddress.parse("fd00::100"), port: 5000 };
  const block = allocatePlain(400);
  for (let i = 0; i < 400; i++) block.bytes[i] = i * 11;
  bed.stack.udp.send(here, guest, block, 3, 301);
  const packet = bed.takeOne();
  const body = packet.slice(40);
  assertEquals(toHex(body), toHex(checksummed(body, 6, 17, REMOTE6, GUEST6)));
  assertEquals(concat(be16(309)), body.slice(4, 6));
});

Deno.test("datagrams of one size between two endpoints leave as a train, a shorter one ends it, and none overtakes another", () => {
  const bed = new Bed({ offload: true, gather: true });
  const here = { address: IpAddress.parse("198.51.100.7"), port: 53 };
  const there = { address: IpAddress.parse("10.0.2.100"), port: 39_467 };
  const other = { address: IpAddress.parse("10.0.2.100"), port: 39_468 };
  const { udp } = bed.stack;
  const send = (to: typeof there, size: number, value: number) =>
    assertEquals(udp.sendBytes(here, to, new Uint8Array(size).fill(value), 0, size), true);
  const taken = () =>
    bed.sent.splice(0).map(({ bytes, segmentation, segmentSize }) => ({
      data: toHex(bytes.subarray(28)),
      port: bytes[22] << 8 | bytes[23],
      lengths: [bytes[2] << 8 | bytes[3], bytes[24] << 8 | bytes[25]],
      segmentation,
      segmentSize,
    }));

  send(there, 4, 1);
  send(there, 4, 2);
  assertEquals(bed.sent, []);
  bed.runDeferred();
  const together = { port: 39_467, segmentation: 5, segmentSize: 4 };
  assertEquals(taken(), [{ ...together, data: "0101010102020202", lengths: [36, 16] }]);

  send(there, 4, 3);
  send(there, 4, 4);
  send(there, 2, 5); // the last of them
  send(there, 2, 6);
  send(other, 2, 7);
  const alone = { segmentation: 0, segmentSize: 0, lengths: [30, 10] };
  assertEquals(taken(), [
    { ...together, data: "03030303040404040505", lengths: [38, 18] },
    { ...alone, port: 39_467, data: "0606" },
  ]);
  bed.runDeferred();
  assertEquals(taken(), [{ ...alone, port: 39_468, data: "0707" }]);
  bed.runDeferred();
  assertEquals(taken(), []);

  send(there, 4, 8);
  send(there, 0, 0); // no train can hold it
  assertEquals(taken().map(({ data }) => data), ["08080808", ""]);
  send(there, 4, 9);
  send(there, 1500, 10); // is fragmented
  assertEquals(taken().length, 3);

  for (let i = 0; i < 64; i++) send(there, 4, i);
  assertEquals(taken().map(({ segmentSize, data }) => [segmentSize, data.length]), [[4, 2 * 4 * 64]]);
  for (let i = 0; i < 64; i++) send(there, 1452, i);
  bed.runDeferred();
  assertEquals(taken().map(({ lengths }) => lengths[1] - 8), [45 * 1452, 19 * 1452]); // an IP packet's length is the limit
});
