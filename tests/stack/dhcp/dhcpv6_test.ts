import { assertEquals } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import {
  checksummed,
  concat,
  ethernet,
  GUEST_MAC,
  hex,
  ipv6,
  OUR_MAC,
  toHex,
  udp,
} from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

const LINK_LOCAL = "fe800000000000007271aafffe4b29aa";
const GUEST_LINK_LOCAL = "fe80000000000000000000fffe000100";
const ALL_SERVERS = "ff020000000000000000000000010002";
const CLIENT = "0001 000a 00030001020000000100";
const DUID = "000a 00030001" + OUR_MAC;

const servers = ["10.0.2.3", "fd00::3"].map((text) => IpAddress.parse(text));

function bedOf(nameServers = servers, search: readonly string[] = []): Bed {
  const configuration = { dhcp: true, slaac: false, nameServers: () => nameServers, searchDomains: () => search };
  return new Bed({ medium: "ethernet", configuration });
}

function message(body: string, source = GUEST_LINK_LOCAL, destination = ALL_SERVERS): Uint8Array {
  const datagram = checksummed(udp(546, 547, hex(body)), 6, 17, source, destination);
  const mac = destination.startsWith("ff") ? "333300010002" : OUR_MAC;
  return concat(ethernet(0x86dd, mac), ipv6(17, datagram, source, destination, 1));
}

function answer(body: string): string {
  const datagram = checksummed(udp(547, 546, hex(body)), 6, 17, LINK_LOCAL, GUEST_LINK_LOCAL);
  return toHex(concat(hex(GUEST_MAC + OUR_MAC + "86dd"), ipv6(17, datagram, LINK_LOCAL, GUEST_LINK_LOCAL)));
}

const REFRESH = "0020 0004 00000258";

Deno.test("an information request is answered with the name servers and both identifiers", () => {
  const bed = bedOf();
  bed.feed(message(`0b 10ab2f ${CLIENT} 0006 0004 00170018`));
  assertEquals(bed.takeSent(), [
    answer(`07 10ab2f 0002 ${DUID} ${CLIENT} 0017 0010 fd000000000000000000000000000003 ${REFRESH}`),
  ]);
  bed.feed(message(`0b 000001 0002 ${DUID}`)); // an anonymous one, to us
  assertEquals(bed.takeSent().length, 1);
  assertEquals(bed.stack.counters.dhcp.answered, 2);
});

Deno.test("the answer has the search domains (RFC 3646)", () => {
  const bed = bedOf([], ["corp.example", "not a name", "example.net."]);
  bed.feed(message("0b 10ab2f"));
  const domains = "04636f7270076578616d706c6500" + "076578616d706c65036e657400";
  assertEquals(bed.takeSent(), [answer(`07 10ab2f 0002 ${DUID} 0018 001b ${domains} ${REFRESH}`)]);
});

Deno.test("without name servers the option is left out", () => {
  const bed = bedOf([]);
  bed.feed(message("0b 10ab2f"));
  assertEquals(bed.takeSent(), [answer(`07 10ab2f 0002 ${DUID} ${REFRESH}`)]);
});

Deno.test("no answer to: requests for addresses, for another server, to us alone, from nowhere, malformed", () => {
  const bed = bedOf();
  bed.feed(message(`01 10ab2f ${CLIENT} 0003 000c 00000001 00000000 00000000`)); // SOLICIT
  bed.feed(message("0b 10ab2f 0003 000c 00000001 00000000 00000000"));
  bed.feed(message("0b 10ab2f 0002 000a 00030001020000000999"));
  bed.feed(message("0b 10ab2f 0002 0002 0003"));
  assertEquals(bed.stack.counters.dhcp.malformed, 0, "dhcp.malformed");
  assertEquals(bed.datagrams.length, 0, "datagrams");
  bed.feed(message("0b 10ab2f", "0".repeat(32)));
  bed.feed(message("0b 10ab2f 00"));
  assertEquals(bed.stack.counters.dhcp.malformed, 2);
  bed.feed(message("0b 10ab2f", GUEST_LINK_LOCAL, LINK_LOCAL));
  assertEquals({ sent: bed.takeSent(), datagrams: bed.datagrams.length }, { sent: [], datagrams: 1 });
});
