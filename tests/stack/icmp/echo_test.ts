import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";
import {
  checksummed,
  concat,
  GUEST6,
  hex,
  ipv4,
  ipv6,
  referenceChecksum,
  REMOTE6,
  toHex,
  with16,
} from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

// echo requests that a Linux kernel sent for iputils' ping -s 16
const REQUEST4 = hex(`
  4500 002c 4eec 4000 40 01 b546 0a000264 c6336407   # 10.0.2.100 > 198.51.100.7
  08 00 c7c1 3e05 0001                               # echo request, identifier, sequence number
  df02056b 00000000 03ca0a00 00000000
`);
const REQUEST6 = hex(`
  6004b21c 0018 3a 40 fd000000000000000000000000000100 20010db8000000000000000000000007
  80 00 95a3 3e06 0001
  e002056b 00000000 90d30a00 00000000
`);

function ping4(length: number, destination = [198, 51, 100, 7]): Uint8Array {
  const icmp = concat(hex("0800 0000 0001 0002"), Uint8Array.from({ length }, (_, i) => i));
  return ipv4({ protocol: 1, destination }, with16(icmp, 2, referenceChecksum(icmp)));
}

function ping6(length: number, destination = REMOTE6): Uint8Array {
  const icmp = concat(hex("8000 0000 0001 0002"), Uint8Array.from({ length }, (_, i) => i));
  return ipv6(58, checksummed(icmp, 2, 58, GUEST6, destination), GUEST6, destination);
}

Deno.test("echo requests of a kernel are answered byte for byte", () => {
  const bed = new Bed();
  bed.feed(REQUEST4);
  bed.feed(REQUEST6);
  assertEquals(bed.takeSent(), [
    toHex(hex(`
      4500 002c ffa7 0000 40 01 448b c6336407 0a000264
      00 00 cfc1 3e05 0001 df02056b 00000000 03ca0a00 00000000
    `)),
    toHex(hex(`
      60000000 0018 3a 40 20010db8000000000000000000000007 fd000000000000000000000000000100
      81 00 94a3 3e06 0001 e002056b 00000000 90d30a00 00000000
    `)),
  ]);
});

Deno.test("the checksum is computed in spite of checksum offload, because ping verifies it itself", () => {
  const bed = new Bed({ offload: true });
  bed.feed(REQUEST4);
  bed.feed(REQUEST6);
  assertEquals(bed.sent.map(({ checksumStart }) => checksumStart), [-1, -1]);
  assertEquals(referenceChecksum(bed.sent[0].bytes.slice(20)), 0);
});

Deno.test("65,507 bytes come in fragments and go back in fragments", () => {
  for (const ping of [ping4(65_507), ping6(65_507)]) {
    const [large, small, other] = [new Bed({ mtu: 65_575 }), new Bed(), new Bed({ echo: () => true })];
    large.feed(ping);
    const reply = toHex(large.takeOne());
    // the others must send in fragments what `large` sent in one piece
    const four = ping[0] >> 4 === 4;
    const header = four ? 20 : 40;
    const fragments = cut(ping, header, 1480);
    for (const fragment of fragments) small.feed(fragment);
    const sent = small.sent.splice(0);
    assertEquals({ sent: sent.length, framesTaken: small.frames.taken }, { sent: fragments.length, framesTaken: 0 });
    const joined = concat(...sent.map(({ bytes }) => bytes.slice(four ? 20 : 48)));
    assertEquals(toHex(joined), reply.slice(2 * header));
    for (const { bytes } of sent) other.feed(bytes);
    assertEquals(other.stack.counters.icmp.messagesIn, 1);
    assertEquals(other.stack.counters.icmp.malformed, 0);
  }
});

/** A packet in fragments of at most `size` bytes. */
function cut(packet: Uint8Array, header: number, size: number): Uint8Array[] {
  const body = packet.slice(header);
  const step = header === 20 ? size & ~7 : (size - 28) & ~7;
  return Array.from({ length: Math.ceil(body.length / step) }, (_, i) => {
    const piece = body.slice(i * step, (i + 1) * step);
    const more = (i + 1) * step < body.length ? 1 : 0;
    if (header === 20) return ipv4({ protocol: 1, fragment: more * 0x2000 | (i * step) >> 3 }, piece);
    return ipv6(44, concat([58, 0, (i * step) >> 8, (i * step) & 0xff | more, 0, 0, 0, 1], piece));
  });
}

Deno.test("no answer to multicasts, wrong checksums, or truncated messages", () => {
  const bed = new Bed();
  bed.feed(ping4(8, [255, 255, 255, 255]));
  bed.feed(ping4(8, [224, 0, 0, 1]));
  bed.feed(ping6(8, "ff020000000000000000000000000001"));
  assertEquals(bed.stack.counters.icmp.echoRequests, 3);
  bed.feed(with16(REQUEST4, 30, 1));
  bed.feed(with16(REQUEST6, 60, 1));
  bed.feed(ipv4({ protocol: 1 }, hex("0800f7ff000000")));
  assertEquals(bed.stack.counters.icmp.malformed, 3);
  assertEquals(bed.takeSent(), []);
});

Deno.test("echo can be switched off", () => {
  const bed = new Bed({ echo: "off" });
  bed.feed(REQUEST4);
  bed.feed(REQUEST6);
  bed.feed(ping4(8, [10, 0, 2, 2]));
  assertEquals(bed.takeSent(), []);
});

Deno.test("echo: a function decides, but not about our own addresses", () => {
  const seen: string[] = [];
  const bed = new Bed({
    echo: ({ version, bytes, destination }) => {
      seen.push(toHex(bytes.slice(destination, destination + (version === 4 ? 4 : 16))));
      return bytes[destination + 3] !== 8;
    },
  });
  bed.feed(ping4(8, [198, 51, 100, 7])); // taken
  bed.feed(ping4(8, [198, 51, 100, 8])); // not
  bed.feed(ping4(8, [10, 0, 2, 2])); // ours
  bed.feed(ping6(8, "fd000000000000000000000000000002")); // ours
  assertEquals(seen, ["c6336407", "c6336408"]);
  assertEquals(bed.takeSent().length, 3);
});

Deno.test("echo: the router's link-local address is our own", () => {
  let seen = 0;
  const bed = new Bed({ echo: () => ++seen > 0 });
  const linkLocal = "fe800000000000007271aafffe4b29aa";
  bed.feed(ping6(8, linkLocal));
  assertEquals(toHex(bed.takeOne().slice(8, 24)), linkLocal, "the stack answers itself");
  assertEquals(seen, 0, "nobody else is shown the request");
  bed.feed(ping6(8, "fe800000000000007271aafffe4b29ab")); // another's
  assertEquals(seen, 1, "a neighbour's address is not");
});

Deno.test("nothing comes from our own link-local address", () => {
  const bed = new Bed();
  const linkLocal = "fe800000000000007271aafffe4b29aa";
  bed.feed(ipv6(58, checksummed(hex("8000 0000 0001 0002"), 2, 58, linkLocal, REMOTE6), linkLocal, REMOTE6));
  assertEquals(bed.takeSent(), []);
  assertEquals(bed.stack.counters.ipv6.martian, 1);
});

Deno.test("echo: a name server's addresses are our own where we are one", () => {
  for (const isNameServer of [true, false]) {
    let seen = 0;
    const bed = new Bed({ addresses: { isNameServer }, echo: () => ++seen > 0 });
    bed.feed(ping4(8, [10, 0, 2, 3]));
    bed.feed(ping6(8, "fd000000000000000000000000000003"));
    const [forwarded, answered] = isNameServer ? [0, 2] : [2, 0];
    assertEquals({ forwarded: seen, answered: bed.takeSent().length }, { forwarded, answered });
  }
});

Deno.test("a forwarded reply has the request's identifier and sequence number, and its own payload and hop limit", () => {
  const bed = new Bed();
  const answer = Uint8Array.of(0xff, 0xde, 0xad, 0xbe, 0xef);
  const [host, guest] = [IpAddress.parse("198.51.100.7"), IpAddress.parse("10.0.2.100")];
  bed.stack.echo.reply(host, guest, REQUEST4, 20, answer, 1, 4, 51);
  bed.stack.echo.reply(IpAddress.of(hex(REMOTE6)), IpAddress.of(hex(GUEST6)), REQUEST6, 40, answer, 0, 0, 250);
  const icmp4 = hex("0000 0000 3e05 0001 deadbeef");
  const icmp6 = checksummed(hex("8100 0000 3e06 0001"), 2, 58, REMOTE6, GUEST6);
  assertEquals(bed.takeSent(), [
    toHex(concat(hex("4500 0020 ffa7 0000 33 01 5197 c6336407 0a000264"), with16(icmp4, 2, referenceChecksum(icmp4)))),
    toHex(ipv6(58, icmp6, REMOTE6, GUEST6, 250)),
  ]);
});
