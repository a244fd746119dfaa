import { assert, assertEquals, assertFields } from "../../assert.ts";
import { type Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { allocatePlain, Segmentation, Transmit, TRANSPORT_AT } from "../../../stack/base/device.ts";
import { Counters } from "../../../stack/base/counters.ts";
import { IpOutput } from "../../../stack/ip/output.ts";
import { PathMtuTable } from "../../../stack/ip/path_mtu.ts";
import { referenceChecksum, toHex } from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

/** An empty table. */
const paths = new PathMtuTable(() => 0);
const FROM4: Endpoint = { address: IpAddress.parse("198.51.100.7"), port: 53 };
const GUEST4: Endpoint = { address: IpAddress.parse("10.0.2.100"), port: 5000 };
const FROM6: Endpoint = { address: IpAddress.parse("2001:db8::7"), port: 53 };
const GUEST6: Endpoint = { address: IpAddress.parse("fd00::100"), port: 5000 };

const bytes = Uint8Array.from({ length: 65_507 }, (_, i) => i * 13 + (i >> 7));
const block = allocatePlain(bytes.length);
block.bytes.set(bytes);

Deno.test("a small datagram may be fragmented and has an identification", () => {
  const bed = new Bed();
  bed.stack.udp.send(FROM4, GUEST4, block, 0, 4);
  assertEquals(
    toHex(bed.takeOne()),
    "45000020ffa7000040114487c63364070a000264" + // length 32, identification ffa7, no DF, TTL 64, UDP
      "00351388000c9b46" + "000d1a27",
  );
});

for (
  const [from, to, mtu] of [[FROM4, GUEST4, 1500], [FROM4, GUEST4, 577], [FROM6, GUEST6, 1500], [
    FROM6,
    GUEST6,
    1281,
  ]] as const
) {
  const version = from.address.version;
  for (const length of [mtu - (version === 4 ? 28 : 48) + 1, 3000, 16_385, 65_507]) {
    Deno.test(`IPv${version}: ${length} bytes in fragments at MTU ${mtu} are reassembled at the other end`, () => {
      const bed = new Bed({ mtu, offload: true });
      assertEquals(bed.stack.udp.send(from, to, block, 0, length), true);
      const fragments = bed.sent.splice(0);
      const header = version === 4 ? 20 : 48;
      const expected = Math.ceil((length + 8) / ((mtu - header) & ~7));
      assertEquals(fragments.length, expected);
      const identities = new Set(
        fragments.map((sent) => toHex(sent.bytes.slice(...(version === 4 ? [4, 6] : [44, 48])))),
      );
      assertEquals(identities.size, 1);
      const other = new Bed(); // receives the packets of the first one as if a guest had sent them
      for (const { bytes, checksumStart, segmentation } of fragments.reverse()) {
        assert(bytes.length <= mtu, `${bytes.length} bytes, MTU ${mtu}`);
        assertEquals({ checksumStart, segmentation }, { checksumStart: -1, segmentation: Segmentation.None });
        if (version === 4) assertEquals(referenceChecksum(bytes.slice(0, 20)), 0);
        other.feed(bytes);
      }
      assertEquals(other.datagrams.length, 1);
      assertEquals(toHex(other.datagrams[0].data), toHex(bytes.slice(0, length)));
      assertEquals(other.datagrams[0].to, `${to.address} 5000`);
    });
  }
}

Deno.test("a packet that just fits is not fragmented", () => {
  const bed = new Bed();
  bed.stack.udp.send(FROM4, GUEST4, block, 0, 1472);
  bed.stack.udp.send(FROM6, GUEST6, block, 0, 1452);
  assertEquals(bed.sent.map(({ bytes }) => bytes.length), [1500, 1500]);
  assertEquals(bed.stack.counters.ipv4.fragmentsOut + bed.stack.counters.ipv6.fragmentsOut, 0);
});

Deno.test("each fragmented datagram has its own identification", () => {
  const bed = new Bed();
  for (let i = 0; i < 3; i++) bed.stack.udp.send(FROM4, GUEST4, block, 0, 1473);
  const identities = bed.takeSent().map((frame) => parseInt(frame.slice(8, 12), 16));
  assertEquals(identities, [0, 0, 1, 1, 2, 2].map((n) => (identities[0] + n) & 0xffff));
});

Deno.test("a payload in odd pieces is fragmented at the MTU, not where the pieces end", () => {
  const bed = new Bed();
  const sent: Uint8Array[] = [];
  const device = {
    ...{
      medium: "ip",
      mtu: 600,
      checksumOffload: false,
      tcpSegmentation4: false,
      tcpSegmentation6: false,
      udpSegmentation: false,
    } as const,
    transmit: () => true,
  };
  const link = {
    send: (transmit: Transmit) => {
      sent.push(transmit.flatten());
      return true;
    },
  };
  const output = new IpOutput({
    link,
    device,
    allocate: allocatePlain,
    random: () => 1,
    counters: new Counters(),
    paths,
  });
  const transmit = new Transmit(allocatePlain);
  transmit.begin(8);
  transmit.head.bytes.set([0, 53, 0x13, 0x88, 0x07, 0xd8, 0, 0], TRANSPORT_AT); // 2000 bytes of data
  let at = 0;
  for (const length of [1, 573, 0, 1, 2, 700, 723]) {
    transmit.addPart(block, at, length);
    at += length;
  }
  assertEquals(output.send(transmit, FROM4.address, GUEST4.address, 17, 6), true);
  for (const fragment of sent) bed.feed(fragment);
  assertEquals(bed.datagrams.map(({ data }) => toHex(data)), [toHex(bytes.slice(0, 2000))]);
});

Deno.test("checksum offload: the field holds the sum of the pseudo-header", () => {
  const bed = new Bed({ offload: true });
  bed.stack.udp.send(FROM4, GUEST4, block, 0, 4);
  bed.stack.udp.send(FROM6, GUEST6, block, 0, 4);
  const [four, six] = bed.sent;
  assertFields(four, { checksumStart: 20, checksumOffset: 6 });
  assertFields(six, { checksumStart: 40, checksumOffset: 6 });
  // c633 + 6407 + 0a00 + 0264 + 17 + 12 = 136bb, folded
  assertEquals(toHex(four.bytes.slice(26, 28)), "36bc");
  const pseudo = six.bytes.slice(46, 48);
  assertEquals(pseudo, Uint8Array.of(0xff - (referenceOf(six.bytes) >> 8), 0xff - (referenceOf(six.bytes) & 0xff)));
});

/** The complement of the pseudo-header's sum of an IPv6 UDP packet of 12 bytes. */
function referenceOf(packet: Uint8Array): number {
  return referenceChecksum(Uint8Array.from([...packet.slice(8, 40), 0, 12, 0, 17]));
}

Deno.test("a UDP checksum of 0 is sent as ffff", () => {
  const bed = new Bed();
  const two = allocatePlain(2);
  bed.stack.udp.send(FROM4, GUEST4, two, 0, 2);
  const zero = bed.takeOne();
  const checksum = zero[26] << 8 | zero[27];
  two.bytes.set([checksum >> 8, checksum & 0xff]); // now the sum is all ones
  bed.stack.udp.send(FROM4, GUEST4, two, 0, 2);
  assertEquals(toHex(bed.takeOne().slice(26, 28)), "ffff");
});

Deno.test("large TCP segments are passed whole to a device with segmentation offload", () => {
  const sent: [number, number, number][] = [];
  const device = {
    ...{
      medium: "ip",
      mtu: 1500,
      checksumOffload: true,
      tcpSegmentation4: true,
      tcpSegmentation6: false,
      udpSegmentation: false,
    } as const,
    transmit: () => true,
  };
  const link = {
    send: (transmit: Transmit) => {
      sent.push([transmit.flatten().length, transmit.segmentation, transmit.segmentSize]);
      return true;
    },
  };
  const output = new IpOutput({
    link,
    device,
    allocate: allocatePlain,
    random: () => 1,
    counters: new Counters(),
    paths,
  });
  assertEquals(output.canSegment(4), true, "segments IPv4");
  assertEquals(output.canSegment(6), false, "segments IPv6");
  assertEquals(output.mtu, 1500, "MTU");
  for (const length of [40_000, 1000]) {
    const transmit = new Transmit(allocatePlain);
    transmit.begin(20);
    transmit.addPart(block, 0, length);
    transmit.segmentSize = 1460;
    output.send(transmit, FROM4.address, GUEST4.address, 6, 16);
  }
  assertEquals(sent, [[40_040, Segmentation.Tcp4, 1460], [1040, Segmentation.None, 0]]);
});

Deno.test("a packet over the maximum size is not sent", () => {
  const bed = new Bed({ mtu: 65_535 });
  assertEquals(bed.stack.udp.send(FROM4, GUEST4, block, 0, 65_507), true);
  assertEquals(bed.sent.length, 1);
  const large = allocatePlain(65_528);
  assertEquals(bed.stack.udp.send(FROM4, GUEST4, large, 0, 65_508), false);
  assertEquals(bed.stack.udp.send(FROM6, GUEST6, large, 0, 65_527), true); // in fragments
  assertEquals(bed.stack.udp.send(FROM6, GUEST6, large, 0, 65_528), false);
  assertEquals(bed.stack.counters.udp.tooLarge, 2);
});

Deno.test("frames that the device refuses are counted", () => {
  const bed = new Bed();
  bed.working = false;
  assertEquals(bed.stack.udp.send(FROM4, GUEST4, block, 0, 4), false);
  assertEquals(bed.stack.udp.send(FROM4, GUEST4, block, 0, 4000), false);
  assertEquals(bed.stack.counters.link.framesLost, 2, "link.framesLost");
  assertEquals(bed.stack.counters.ipv4.fragmentsOut, 1, "ipv4.fragmentsOut");
});
