import { Malformed, type Offload, StrictParser } from "../../../scripts/fuzz/strict.ts";
import { assertEquals, assertThrows } from "../../assert.ts";
import {
  checksummed,
  concat,
  GUEST6,
  GUEST_MAC,
  hex,
  ipv4,
  ipv6,
  OUR_MAC,
  REMOTE6,
  udp,
  with16,
} from "../../../scripts/lab/packets.ts";

const WHOLE: Offload = { checksumStart: -1, checksumOffset: 0, segmentSize: 0 };
const REMOTE = "c6336407", GUEST = "0a000264";

/** The other side's packets. */
function packet4(protocol: number, payload: Uint8Array, fragment = 0): Uint8Array {
  return ipv4({ protocol, source: [...hex(REMOTE)], destination: [...hex(GUEST)], fragment }, payload);
}

const SEGMENT = checksummed(
  hex("0050 1388 00000001 00000002 8010 faf0 0000 0000 0101 050a 00000003 00000004"),
  16,
  6,
  REMOTE,
  GUEST,
);
const TCP4 = packet4(6, SEGMENT);
const UDP6 = ipv6(17, checksummed(udp(53, 5000, [1, 2, 3]), 6, 17, REMOTE6, GUEST6), REMOTE6, GUEST6);

function parser(medium: "ethernet" | "ip" = "ip", mtu = 1500): StrictParser {
  return new StrictParser({ medium, mtu });
}

Deno.test("correct frames are accepted", () => {
  const ip = parser();
  ip.check(TCP4, WHOLE);
  ip.check(UDP6, WHOLE);
  assertEquals([...ip.seen], [["sack", 1], ["tcp", 1], ["udp", 1]]);
  const ethernet = parser("ethernet");
  ethernet.check(concat(hex(GUEST_MAC + OUR_MAC + "0800"), TCP4), WHOLE);
  ethernet.check(
    hex(`${GUEST_MAC}${OUR_MAC}0806 0001 0800 06 04 0002 ${OUR_MAC} 0a000202 ${GUEST_MAC} ${GUEST}`),
    WHOLE,
  );
});

Deno.test("changing any byte of a packet makes it malformed, except those without a meaning to a receiver", () => {
  for (const [packet, free] of [[TCP4, []], [UDP6, [0, 1, 2, 3, 7]]] as const) {
    for (let at = 0; at < packet.length; at++) {
      if ((free as readonly number[]).includes(at)) continue;
      for (let bit = 0; bit < 8; bit++) {
        const changed = packet.slice();
        changed[at] ^= 1 << bit;
        assertThrows(() => parser().check(changed, WHOLE), Malformed);
      }
    }
    assertThrows(() => parser().check(packet.slice(0, -1), WHOLE));
    assertThrows(() => parser().check(concat(packet, [0]), WHOLE));
    assertThrows(() => parser("ip", packet.length - 1).check(packet, WHOLE));
  }
});

Deno.test("an impossible segment with a correct checksum is refused", () => {
  const bad = (change: (segment: Uint8Array) => void) => {
    const segment = SEGMENT.slice();
    change(segment);
    assertThrows(() => parser().check(packet4(6, checksummed(segment, 16, 6, REMOTE, GUEST)), WHOLE));
  };
  bad((segment) => segment[13] = 3); // SYN and FIN
  bad((segment) => segment[13] = 0);
  bad((segment) => segment[12] = 0x40);
  bad((segment) => segment[12] = 0x90); // beyond its end
  bad((segment) => segment[23] = 20); // SACK beyond the header
  bad((segment) => segment[27] = 2); // SACK of what is acknowledged
  bad((segment) => segment[22] = 77);
});

Deno.test("fragments are reassembled and checked as a whole", () => {
  const datagram = checksummed(udp(53, 5000, new Uint8Array(1000)), 6, 17, REMOTE, GUEST);
  const pieces = (whole: Uint8Array) => [packet4(17, whole.slice(0, 504), 0x2000), packet4(17, whole.slice(504), 63)];
  const right = parser();
  for (const piece of pieces(datagram)) right.check(piece, WHOLE);
  assertEquals(right.seen.get("udp"), 1);
  const wrong = parser();
  const [first, second] = pieces(with16(datagram, 700, 1));
  wrong.check(first, WHOLE);
  assertThrows(() => wrong.check(second, WHOLE));
});

Deno.test("offloads: the sum of the pseudo-header, and segments that fit", () => {
  const data = concat(hex("0050 1388 00000001 00000002 5010 faf0 0000 0000"), new Uint8Array(4000));
  const length = data.length;
  const sum = 0xc633 + 0x6407 + 0x0a00 + 0x0264 + 6 + length;
  const packet = packet4(6, with16(data, 16, (sum & 0xffff) + (sum >> 16)));
  const offload = { checksumStart: 20, checksumOffset: 16, segmentSize: 1460 };
  parser().check(packet, offload);
  assertThrows(() => parser().check(packet, { ...offload, segmentSize: 1461 }));
  assertThrows(() => parser().check(packet, { ...offload, checksumStart: 40 }));
  assertThrows(() => parser().check(packet4(6, with16(data, 16, 1)), offload));
});
