/** What a guest tries to get past the policy with: each time, the host is never asked for it. */
import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";
import { checksummed, concat, hex, ipv4, ipv6, toHex, udp } from "../../../scripts/lab/packets.ts";
import { attempts, ip, routed6, type Rules, SlirpBed } from "./slirp_bed.ts";

const GUEST = { 4: IpAddress.parse("10.0.2.100"), 6: IpAddress.parse("fd00::100") } as const;
const WORLD = { 4: IpAddress.parse("192.0.2.1"), 6: IpAddress.parse("2001:db8::1") } as const;

/** Where a SYN and a datagram to port 80 of each address come to. */
async function reached(addresses: readonly string[], rules?: Rules): Promise<string[]> {
  using bed = await SlirpBed.create(rules);
  for (const text of addresses) {
    const to = IpAddress.parse(text);
    for (const packet of attempts(to, 80, GUEST[to.version])) bed.feed(packet);
  }
  return bed.reached;
}

Deno.test("reach: an allowed destination is reached", async () => {
  assertEquals(await reached(["192.0.2.1", "2001:db8::1"]), [
    "tcp 192.0.2.1:80",
    "tcp [2001:db8::1]:80",
    "udp 192.0.2.1:80",
    "udp [2001:db8::1]:80",
  ]);
});

Deno.test("reach: a SYN that is not allowed is refused with RST, without a dial or a line", async () => {
  using bed = await SlirpBed.create();
  const [syn] = attempts(IpAddress.parse("192.168.1.7"), 80, GUEST[4]);
  bed.feed(syn!);
  assertEquals(bed.sent.length, 1, "packets to the guest");
  const flags = bed.sent[0][20 + 13];
  assertEquals(flags, 0x14, "RST and ACK");
  assertEquals(bed.reached, [], "dials");
  assertEquals(bed.lines, []);
});

/** 127.0.0.1, 169.254.169.254 and 192.168.1.7, which is the host's, in every dress. */
const DISGUISES = [
  ...["127.0.0.1", "169.254.169.254", "192.168.1.7"].flatMap((v4) => [v4, `::ffff:${v4}`, `::${v4}`, `::ffff:0:${v4}`]),
  ...["64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::192.168.1.7", "64:ff9b:1::127.0.0.1"],
  ...["2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:c0a8:107::1"],
  ...["2001:0:7f00:1::", "2001::c000:201:0:0:80ff:fffe", "2001::c000:201:0:0:3f57:fef8"],
  ...["2001:db8::5efe:127.0.0.1", "2001:db8::200:5efe:192.168.1.7", "2001:db8::5efe:169.254.169.254"],
  ...["0.0.0.0", "0.1.2.3", "::", "::1", "10.0.2.2", "10.0.2.77", "10.0.2.255", "255.255.255.255", "fe80::1"],
  ...["224.0.0.1", "239.1.1.1", "ff02::1", "ff0e::1"],
];

Deno.test("reach: forbidden addresses in every form", async () => {
  assertEquals(await reached(DISGUISES), []);
});

Deno.test("reach: no range for IPv6, however wide, opens an IPv4 address", async () => {
  const six = DISGUISES.filter((text) => text.includes(":") && /\.|^2002|^2001:0|^2001::c/.test(text));
  assertEquals(await reached(six, { allow: "tcp://[::]/0,udp://[::]/0" }), []);
});

Deno.test("reach: a denied address in every form", async () => {
  const rules = {
    deny: "198.51.100.0/24,udp://198.51.100.0/24",
    allow: "[::]/0,udp://[::]/0,0.0.0.0/0,udp://0.0.0.0/0",
  };
  const dresses = [
    "198.51.100.9",
    "::ffff:198.51.100.9",
    "::198.51.100.9",
    "64:ff9b::198.51.100.9",
    "2002:c633:6409::1",
  ];
  assertEquals(await reached(dresses, rules), []);
  assertEquals((await reached(["192.0.2.1"], rules)).length, 2);
});

Deno.test("reach: a remote forward on a denied address is reached at its port, and nothing else there", async () => {
  const rules = {
    deny: "192.0.2.0/24,udp://192.0.2.0/24",
    remote: ["192.0.2.1:80:127.0.0.1:8080", "udp://192.0.2.1:80:127.0.0.1:8053"],
  };
  using bed = await SlirpBed.create(rules);
  for (const port of [79, 80, 81]) for (const packet of attempts(WORLD[4], port, GUEST[4])) bed.feed(packet);
  for (const packet of attempts(IpAddress.parse("192.0.2.2"), 80, GUEST[4])) bed.feed(packet);
  for (const packet of attempts(IpAddress.parse("::ffff:192.0.2.1"), 80, GUEST[6])) bed.feed(packet);
  assertEquals(bed.reached, ["tcp 127.0.0.1:8080", "udp 127.0.0.1:8053"]);
});

Deno.test("reach: forged sources", async () => {
  using bed = await SlirpBed.create();
  const sources = [
    "127.0.0.1",
    "0.0.0.1",
    "224.0.0.5",
    "240.0.0.1",
    "255.255.255.255",
    "10.0.2.255",
    "10.0.2.2",
    "0.0.0.0",
  ];
  for (const source of sources) for (const packet of attempts(WORLD[4], 80, IpAddress.parse(source))) bed.feed(packet);
  for (const source of ["::1", "::", "ff02::1", "fd00::2", "::ffff:10.0.2.100"]) {
    for (const packet of attempts(WORLD[6], 80, IpAddress.parse(source))) bed.feed(packet);
  }
  assertEquals(bed.reached, [], "destinations that were reached");
  assertEquals(bed.sent.length, 0, "answers: they would go to hosts that did not ask");
});

Deno.test("reach: source routes", async () => {
  using bed = await SlirpBed.create();
  const [syn, datagram] = attempts(WORLD[4], 80, GUEST[4]);
  for (const [packet, protocol] of [[syn, 6], [datagram, 17]] as const) {
    const payload = packet.slice(20);
    for (const option of [131, 137]) { // loose, strict
      for (const pointer of [4, 8]) { // to go, already there
        bed.feed(ip(WORLD[4], GUEST[4], protocol, payload, [option, 7, pointer, 127, 0, 0, 1, 0]));
        bed.feed(ip(WORLD[4], GUEST[4], protocol, payload, [1, option, 7, pointer, 127, 0, 0, 1]));
      }
    }
    bed.feed(ip(WORLD[4], GUEST[4], protocol, payload, [131, 3, 4, 0])); // an empty one
    bed.feed(ip(WORLD[4], GUEST[4], protocol, payload, [7, 99, 4, 0])); // longer than the header
  }
  assertEquals(bed.reached, []);
  const [syn6, datagram6] = attempts(WORLD[6], 80, GUEST[6]);
  for (const [packet, protocol] of [[syn6, 6], [datagram6, 17]] as const) {
    for (const type of [0, 2, 3, 4, 253]) {
      bed.feed(routed6(WORLD[6], GUEST[6], IpAddress.parse("::1"), type, 1, protocol, packet.slice(40)));
    }
  }
  assertEquals(bed.reached, []);
  // with no segments left the header means nothing more (RFC 8200, section 4.4): the destination is what was asked for
  bed.feed(routed6(WORLD[6], GUEST[6], IpAddress.parse("::1"), 0, 0, 6, syn6.slice(40)));
  assertEquals(bed.reached, ["tcp [2001:db8::1]:80"]);
});

Deno.test("reach: fragments that hide a port", async () => {
  using bed = await SlirpBed.create({ deny: "192.0.2.1:25,udp://192.0.2.1:53,[2001:db8::1]:25" });
  const address = [...WORLD[4].bytes];
  const fragment = (protocol: number, identification: number, at: number, more: boolean, bytes: Uint8Array) =>
    bed.feed(ipv4({ protocol, destination: address, identification, fragment: at | (more ? 0x2000 : 0) }, bytes));
  const ends = [toHex(GUEST[4].bytes), toHex(WORLD[4].bytes)] as const;
  const denied = checksummed(udp(5000, 53, new Uint8Array(24)), 6, 17, ...ends);
  const allowed = checksummed(udp(5000, 80, new Uint8Array(24)), 6, 17, ...ends);
  // whole, and in pieces in either order: what counts is what they come to
  fragment(17, 1, 0, true, denied.slice(0, 8)), fragment(17, 1, 1, false, denied.slice(8));
  fragment(17, 2, 1, false, denied.slice(8)), fragment(17, 2, 0, true, denied.slice(0, 8));
  // the port is written anew by an overlapping fragment, before or after
  for (const [identification, first, second] of [[3, allowed, denied], [4, denied, allowed]] as const) {
    fragment(17, identification, 0, true, first.slice(0, 16));
    fragment(17, identification, 0, true, second.slice(0, 8));
    fragment(17, identification, 2, false, first.slice(16));
  }
  // a SYN whose flags are in the second piece (RFC 1858), and one whose first piece comes again
  const syn = attempts(WORLD[4], 25, GUEST[4])[0].slice(20), other = attempts(WORLD[4], 80, GUEST[4])[0].slice(20);
  fragment(6, 5, 0, true, syn.slice(0, 8)), fragment(6, 5, 1, false, syn.slice(8));
  fragment(6, 6, 0, true, other.slice(0, 8)),
    fragment(6, 6, 0, true, syn.slice(0, 16)),
    fragment(6, 6, 1, false, other.slice(8));
  // later fragments alone, with what looks like a header
  fragment(17, 7, 1, false, allowed);
  // IPv6: a first fragment that does not reach the ports (RFC 7112)
  const six = (at: number, more: boolean, bytes: Uint8Array) =>
    bed.feed(
      ipv6(
        44,
        concat([6, 0, at >> 5, (at << 3 | (more ? 1 : 0)) & 0xff], hex("00000009"), bytes),
        toHex(GUEST[6].bytes),
        toHex(WORLD[6].bytes),
      ),
    );
  const syn6 = attempts(WORLD[6], 25, GUEST[6])[0].slice(40);
  six(0, true, new Uint8Array(0)), six(0, true, syn6.slice(0, 8)), six(1, false, syn6.slice(8));
  assertEquals(bed.reached, []);
  fragment(17, 8, 0, true, allowed.slice(0, 8)), fragment(17, 8, 1, false, allowed.slice(8));
  assertEquals(bed.reached, ["udp 192.0.2.1:80"]);
});

Deno.test("reach: answers from hosts that were never asked", async () => {
  using bed = await SlirpBed.create({ remote: ["udp://10.0.2.2:53:198.51.100.53:53"] });
  bed.feed(attempts(WORLD[4], 80, GUEST[4])[1]);
  bed.feed(attempts(IpAddress.parse("10.0.2.2"), 53, GUEST[4])[1]);
  const [routed, forwarded] = bed.host.sockets;
  routed!.hears("192.0.2.2:80", "never asked");
  routed!.hears("198.51.100.53:53", "asked by another");
  forwarded!.hears("192.0.2.1:80", "asked by another");
  forwarded!.hears("198.51.100.53:54", "another port than the forward's");
  assertEquals(bed.sent.length, 0);
  routed!.hears("192.0.2.1:80", "asked");
  forwarded!.hears("198.51.100.53:53", "asked");
  assertEquals(bed.sent.map((packet) => toHex(packet.slice(12, 16))), ["c0000201", "0a000202"]);
});
