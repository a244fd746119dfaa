import { assert, assertEquals } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { checksummed, concat, ethernet, GUEST_MAC, hex, ipv6, OUR_MAC, toHex } from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

const LINK_LOCAL = "fe800000000000007271aafffe4b29aa";
const GUEST_LINK_LOCAL = "fe80000000000000000000fffe000100";
const ALL_NODES = "ff020000000000000000000000000001";
const ALL_ROUTERS = "ff020000000000000000000000000002";
const UNSPECIFIED = "0".repeat(32);

const address = (end: string) => "fd00" + end.padStart(28, "0");

/** An ICMPv6 message from the guest in a frame. */
function message(body: string, source: string, destination: string, hops = 255): Uint8Array {
  const icmp = checksummed(hex(body), 2, 58, source, destination);
  const mac = destination.startsWith("ff") ? "3333" + destination.slice(24) : OUR_MAC;
  return concat(ethernet(0x86dd, mac), ipv6(58, icmp, source, destination, hops));
}

function solicitation(target: string, source = address("100"), destination?: string): Uint8Array {
  const group = "ff0200000000000000000001ff" + target.slice(26);
  const option = source === UNSPECIFIED ? "0e01 76da8a628638" : `0101 ${GUEST_MAC}`;
  return message(`8700 0000 00000000 ${target} ${option}`, source, destination ?? group);
}

/** The frame of an ICMPv6 message from the program. */
function answer(body: string, source: string, destination: string, mac = GUEST_MAC): string {
  const icmp = checksummed(hex(body), 2, 58, source, destination);
  return toHex(concat(hex(mac + OUR_MAC + "86dd"), ipv6(58, icmp, source, destination, 255)));
}

function advertisement(target: string, flags: string, destination = address("100"), mac = GUEST_MAC): string {
  return answer(`8800 0000 ${flags}000000 ${target} 0201 ${OUR_MAC}`, target, destination, mac);
}

const bed6 = () => new Bed({ medium: "ethernet" });

Deno.test("a kernel's solicitation, byte for byte, is answered", () => {
  const bed = bed6();
  bed.feed(hex(`
    3333ff000050 020000000100 86dd
    60000000 0020 3a ff
    fd000000000000000000000000000100 ff0200000000000000000001ff000050
    8700 7afd 00000000 fd000000000000000000000000000050 0101 020000000100
  `));
  assertEquals(bed.takeSent(), [toHex(hex(`
    020000000100 7071aa4b29aa 86dd
    60000000 0020 3a ff                                                # hop limit 255
    fd000000000000000000000000000050 fd000000000000000000000000000100
    8800 7899 c0000000                                                 # router, solicited; a proxy: no override
    fd000000000000000000000000000050
    0201 7071aa4b29aa                                                  # target link-layer address
  `))]);
});

Deno.test("every address but the guest's is answered; the override flag is set only for our own", () => {
  const bed = bed6();
  bed.feed(solicitation(address("2")));
  assertEquals(bed.takeSent(), [advertisement(address("2"), "e0")]);
  bed.feed(solicitation(LINK_LOCAL, GUEST_LINK_LOCAL));
  assertEquals(bed.takeSent(), [advertisement(LINK_LOCAL, "e0", GUEST_LINK_LOCAL)]);
  bed.feed(solicitation("20010db8" + "1".padStart(24, "0")));
  assertEquals(bed.takeSent(), [advertisement("20010db8" + "1".padStart(24, "0"), "c0")]);
  bed.feed(solicitation(address("2"), address("100"), address("2"))); // to one host: a reachability probe
  assertEquals(bed.takeSent(), [advertisement(address("2"), "e0")]);
  bed.feed(solicitation(address("100"), address("101")));
  assertEquals(bed.takeSent(), []);
});

Deno.test("duplicate address detection: only our own addresses are in use", () => {
  const bed = bed6();
  for (const target of [address("100"), address("50"), GUEST_LINK_LOCAL]) bed.feed(solicitation(target, UNSPECIFIED));
  assertEquals(bed.takeSent(), []);
  bed.feed(solicitation(address("2"), UNSPECIFIED)); // not solicited, to all nodes
  assertEquals(bed.takeSent(), [advertisement(address("2"), "a0", ALL_NODES, "333300000001")]);
  bed.feed(solicitation(LINK_LOCAL, UNSPECIFIED));
  assertEquals(bed.takeSent(), [advertisement(LINK_LOCAL, "a0", ALL_NODES, "333300000001")]);
});

Deno.test("the name server's address is also our own", () => {
  const bed = new Bed({ medium: "ethernet", addresses: { isNameServer: true } });
  bed.feed(solicitation(address("3")));
  assertEquals(bed.takeSent(), [advertisement(address("3"), "e0")]);
  bed.feed(solicitation(address("3"), UNSPECIFIED));
  assertEquals(bed.takeSent(), [advertisement(address("3"), "a0", ALL_NODES, "333300000001")]);
  const other = bed6();
  other.feed(solicitation(address("3")));
  assertEquals(other.takeSent(), [advertisement(address("3"), "c0")]);
  other.feed(solicitation(address("3"), UNSPECIFIED));
  assertEquals(other.takeSent(), []);
});

Deno.test("messages from beyond the link and malformed ones are ignored", () => {
  const bed = bed6();
  const body = `8700 0000 00000000 ${address("2")}`;
  bed.feed(message(body, address("100"), address("2"), 254)); // hop limit
  bed.feed(message(body.replace("8700", "8701"), address("100"), address("2"))); // code
  bed.feed(message(`${body} 0100 ${GUEST_MAC}`, address("100"), address("2"))); // an option without length
  bed.feed(message(body.slice(0, -2), address("100"), address("2")));
  assertEquals(bed.stack.counters.link.ndpMalformed, 4);
  const spoilt = solicitation(address("2"));
  spoilt[60] ^= 1;
  bed.feed(spoilt);
  assertEquals(bed.stack.counters.icmp.malformed, 1);
  assertEquals(bed.takeSent(), []);
});

const ADVERTISEMENT = `8600 0000 4000 0708 00000000 00000000 0101 ${OUR_MAC} 0501 0000 000005dc`;

Deno.test("a kernel's router solicitation is answered", () => {
  const bed = bed6();
  bed.feed(hex(`
    333300000002 020000000100 86dd
    60000000 0010 3a ff
    fe80000000000000000000fffe000100 ff020000000000000000000000000002
    8500 792e 00000000 0101 020000000100
  `));
  assertEquals(bed.takeSent(), [answer(ADVERTISEMENT, LINK_LOCAL, GUEST_LINK_LOCAL)]);
});

Deno.test("router advertisements: after a second, twice more soon, then at least every ten minutes", () => {
  const bed = bed6();
  bed.stack.start();
  bed.pass(999);
  assertEquals(bed.takeSent(), []);
  bed.pass(1);
  const toAll = answer(ADVERTISEMENT, LINK_LOCAL, ALL_NODES, "333300000001");
  assertEquals(bed.takeSent(), [toAll], "a second after the start");
  bed.pass(15_999);
  assertEquals(bed.takeSent(), []);
  bed.pass(1);
  assertEquals(bed.takeSent(), [toAll], "after 16 s");
  bed.pass(16_000);
  assertEquals(bed.takeSent(), [toAll], "after 32 s");
  const gaps = new Set<number>();
  for (let i = 0, last = bed.now; i < 20; i++, last = bed.now) {
    bed.pass(bed.stack.nextDeadline - bed.now);
    assertEquals(bed.takeSent(), [toAll]);
    const gap = bed.now - last;
    assert(gap >= 198_000 && gap <= 600_000, `${gap} ms`);
    gaps.add(Math.round(gap));
  }
  assert(gaps.size > 10, "the times are not random");
  bed.stack.close();
  assertEquals(bed.stack.nextDeadline, Infinity);
});

Deno.test("a router solicitation from a host without an address is answered by multicast", () => {
  const bed = bed6();
  bed.feed(message("8500 0000 00000000", UNSPECIFIED, ALL_ROUTERS));
  assertEquals(bed.takeSent(), [answer(ADVERTISEMENT, LINK_LOCAL, ALL_NODES, "333300000001")]);
});

Deno.test("frequent solicitations without an address: a multicast answer at most every three seconds", () => {
  const bed = bed6();
  for (let i = 0; i < 5; i++) bed.feed(message("8500 0000 00000000", UNSPECIFIED, ALL_ROUTERS));
  assertEquals(bed.takeSent().length, 1);
  bed.feed(message("8500 0000 00000000", GUEST_LINK_LOCAL, ALL_ROUTERS)); // one that can be told alone
  assertEquals(bed.takeSent().length, 1);
  bed.pass(2_999);
  assertEquals(bed.takeSent().length, 0);
  bed.pass(1);
  assertEquals(bed.takeSent().length, 1);
  bed.pass(15_999);
  assertEquals(bed.takeSent().length, 0);
});

Deno.test("contents of a router advertisement", () => {
  const nameServers = () => ["10.0.2.3", "fd00::3"].map((text) => IpAddress.parse(text));
  const advertised = (dhcp: boolean, slaac: boolean, search: readonly string[] = []) => {
    const configuration = { dhcp, slaac, nameServers, searchDomains: () => search };
    const bed = new Bed({ medium: "ethernet", configuration });
    bed.feed(message("8500 0000 00000000", GUEST_LINK_LOCAL, ALL_ROUTERS));
    return bed.takeSent();
  };
  const prefix = `0304 40c0 00278d00 00093a80 00000000 ${address("0")}`;
  const servers = `1903 0000 00000708 ${address("3")}`;
  const other = ADVERTISEMENT.replace("4000 0708", "4040 0708");
  assertEquals(advertised(false, false), [answer(ADVERTISEMENT, LINK_LOCAL, GUEST_LINK_LOCAL)]);
  assertEquals(advertised(true, false), [answer(`${other} ${servers}`, LINK_LOCAL, GUEST_LINK_LOCAL)]);
  assertEquals(advertised(false, true), [
    answer(`${ADVERTISEMENT} ${prefix} ${servers}`, LINK_LOCAL, GUEST_LINK_LOCAL),
  ]);
  assertEquals(advertised(true, true), [answer(`${other} ${prefix} ${servers}`, LINK_LOCAL, GUEST_LINK_LOCAL)]);
  const domains = "1f05 0000 00000708 04636f7270076578616d706c6500 076578616d706c65036e657400 0000000000";
  assertEquals(advertised(true, true, ["corp.example", "example.net"]), [
    answer(`${other} ${prefix} ${servers} ${domains}`, LINK_LOCAL, GUEST_LINK_LOCAL),
  ]);
  assertEquals(advertised(false, false, ["corp.example"]), advertised(false, false));
});

Deno.test("a brief router advertisement: the prefix with its lifetimes, and nothing else", () => {
  const nameServers = () => [IpAddress.parse("fd00::3")];
  const configuration = { dhcp: true, slaac: true, brief: true, nameServers, searchDomains: () => ["example.net"] };
  const addresses = { linkLocal6: IpAddress.parse("fe80::2") };
  const bed = new Bed({ medium: "ethernet", configuration, addresses });
  bed.feed(message("8500 0000 00000000", GUEST_LINK_LOCAL, ALL_ROUTERS));
  const head = `8600 0000 4000 0708 00000000 00000000 0101 ${OUR_MAC}`;
  const prefix = `0304 40c0 00015180 00003840 00000000 ${address("0")}`;
  assertEquals(bed.takeSent(), [answer(`${head} ${prefix}`, "fe800000000000000000000000000002", GUEST_LINK_LOCAL)]);
});

Deno.test("without IPv6: no router is advertised, no solicitation is answered, nothing passes", () => {
  const bed = new Bed({ medium: "ethernet", ipv6: false });
  bed.stack.start();
  bed.pass(60_000);
  bed.feed(solicitation(address("2")));
  bed.feed(message("8500 0000 00000000", GUEST_LINK_LOCAL, ALL_ROUTERS));
  assertEquals(bed.takeSent(), [], "frames to the guest");
  assertEquals(bed.stack.counters.ipv6.packetsIn, 0, "packets that the IP layer saw");
});

Deno.test("a medium without hardware addresses has no neighbours to discover", () => {
  const bed = new Bed({ medium: "ip" });
  bed.feed(solicitation(address("2")).slice(14));
  bed.feed(message("8500 0000 00000000", GUEST_LINK_LOCAL, ALL_ROUTERS).slice(14));
  assertEquals(bed.takeSent(), []);
});
