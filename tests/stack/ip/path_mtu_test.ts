/** Path MTUs that the guest reports (RFC 8201), and the fragmentation that follows. */
import { type Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { allocatePlain } from "../../../stack/base/device.ts";
import { MAX_PATHS, PATH_MTU_LIFETIME_MS, PathMtuTable } from "../../../stack/ip/path_mtu.ts";
import { assertEquals } from "../../assert.ts";
import { be16, checksummed, concat, GUEST6, hex, ipv6, REMOTE6, udp } from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

const MTU = 65_520;
/** A container behind the guest. */
const NESTED6 = "fd00000100000000000000000000" + "0005";
const NESTED: Endpoint = { address: IpAddress.of(hex(NESTED6)), port: 5000 };
const FROM: Endpoint = { address: IpAddress.of(hex(REMOTE6)), port: 53 };
const FROM4: Endpoint = { address: IpAddress.parse("198.51.100.7"), port: 53 };
const NESTED4: Endpoint = { address: IpAddress.parse("172.17.0.2"), port: 5000 };
const block = allocatePlain(10_000);

/** Packet too big (RFC 4443, section 3.2) about a packet of the stack to the container. */
function tooBig(mtu: number, protocol = 17, transport = udp(53, 5000, new Uint8Array(20))): Uint8Array {
  const quoted = ipv6(protocol, transport, REMOTE6, NESTED6);
  return ipv6(58, checksummed(concat([2, 0, 0, 0, 0, 0, ...be16(mtu)], quoted), 2, 58, GUEST6, REMOTE6));
}

/** The lengths of the packets that a datagram is sent in. */
function lengths(bed: Bed, to: Endpoint, size: number, from = FROM): number[] {
  bed.sent.length = 0;
  bed.stack.udp.send(from, to, block, 0, size);
  return bed.sent.splice(0).map(({ bytes }) => bytes.length);
}

Deno.test("IPv6: a datagram is fragmented to the path MTU that the guest reported, for ten minutes", () => {
  const bed = new Bed({ mtu: MTU });
  assertEquals(lengths(bed, NESTED, 4000), [4048], "nothing is known");
  bed.feed(tooBig(1500));
  assertEquals(lengths(bed, NESTED, 4000), [1496, 1496, 1160], "after the report");
  assertEquals(lengths(bed, NESTED, 1452), [1500], "a datagram that fits stays whole");
  assertEquals(lengths(bed, { ...NESTED, address: IpAddress.parse("fd00:1::6") }, 4000), [4048], "another address");
  bed.pass(PATH_MTU_LIFETIME_MS - 1);
  assertEquals(lengths(bed, NESTED, 4000).length, 3, "just before it expires");
  bed.pass(1);
  assertEquals(lengths(bed, NESTED, 4000), [4048], "expired");
});

Deno.test("IPv6: a report about a ping counts for pings and datagrams", () => {
  const bed = new Bed({ mtu: MTU });
  bed.feed(tooBig(1300, 58, hex("8100 0000 0001 0001")));
  assertEquals(lengths(bed, NESTED, 2000), [1296, 808]);
  const request = concat(hex("8000 0000 0001 0001"), new Uint8Array(2000));
  bed.feed(ipv6(58, checksummed(request, 2, 58, NESTED6, REMOTE6), NESTED6, REMOTE6));
  assertEquals(bed.sent.map(({ bytes }) => bytes.length), [1296, 808], "an echo reply of 2008 bytes");
});

Deno.test("IPv6: a forged report does not make packets smaller than IPv6's minimum MTU, or larger than the link's", () => {
  const bed = new Bed({ mtu: 1400 });
  bed.feed(tooBig(68));
  assertEquals(lengths(bed, NESTED, 2000), [1280, 824]);
  bed.feed(tooBig(9000));
  assertEquals(lengths(bed, NESTED, 2000), [1400, 704]);
});

Deno.test("IPv6: datagrams larger than the path MTU are not put into a train", () => {
  const bed = new Bed({ mtu: MTU, offload: true, gather: true });
  bed.feed(tooBig(1500));
  for (let i = 0; i < 3; i++) bed.stack.udp.sendBytes(FROM, NESTED, block.bytes, 0, 2000);
  bed.runDeferred();
  assertEquals(bed.sent.map(({ bytes }) => bytes.length), Array(3).fill([1496, 608]).flat());
});

Deno.test("a full table evicts the oldest report", () => {
  const table = new PathMtuTable(() => 0);
  const address = (i: number) => IpAddress.of([0xfd, ...Array(13).fill(0), i >> 8, i & 0xff]);
  for (let i = 0; i < MAX_PATHS; i++) table.report(address(i).bytes, 0, 1400);
  table.report(address(0).bytes, 0, 1300);
  table.report(address(MAX_PATHS).bytes, 0, 1400);
  assertEquals(table.size, MAX_PATHS);
  assertEquals(table.towards(address(0), MTU), 1300, "reported again");
  assertEquals(table.towards(address(1), MTU), MTU, "the oldest");
  assertEquals(table.towards(address(MAX_PATHS), MTU), 1400, "the newest");
});

Deno.test("IPv4: datagrams may be fragmented on the way, and each has its own identification", () => {
  const bed = new Bed({ mtu: MTU });
  for (let i = 0; i < 2; i++) bed.stack.udp.send(FROM4, NESTED4, block, 0, 4000);
  const [first, second] = bed.sent.map(({ bytes }) => bytes);
  for (const bytes of [first, second]) assertEquals(bytes.slice(6, 8), Uint8Array.of(0, 0), "no flags, no offset");
  const identification = (bytes: Uint8Array) => bytes[4] << 8 | bytes[5];
  assertEquals(identification(second), (identification(first) + 1) & 0xffff);
});

Deno.test("IPv4: a train uses one identification per datagram", () => {
  const bed = new Bed({ mtu: MTU, offload: true, gather: true });
  for (let i = 0; i < 3; i++) bed.stack.udp.sendBytes(FROM4, NESTED4, block.bytes, 0, 1000);
  bed.runDeferred();
  bed.stack.udp.send(FROM4, NESTED4, block, 0, 10);
  const [train, next] = bed.sent.map(({ bytes }) => bytes[4] << 8 | bytes[5]);
  assertEquals(bed.sent.length, 2);
  assertEquals(next, (train + 3) & 0xffff);
});
