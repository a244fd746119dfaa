import { assertEquals, assertStringIncludes } from "../../assert.ts";
import type { GuestConfiguration } from "../../../stack/base/guest_configuration.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { concat, ethernet, hex, ipv4, toHex, udp } from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

const SERVERS = ["10.0.2.3", "fd00::3", "192.0.2.53"].map((text) => IpAddress.parse(text));
const CONFIGURATION: GuestConfiguration = {
  dhcp: true,
  slaac: false,
  nameServers: () => SERVERS,
  searchDomains: () => [],
};

const bedOf = (configuration = CONFIGURATION) => new Bed({ medium: "ethernet", configuration });

/** The fields of a client's message. */
interface Fields {
  readonly broadcast?: boolean;
  readonly ciaddr?: string;
  readonly giaddr?: string;
}

/** A client's message with these options, by default from 0.0.0.0 to broadcast. */
function message(options: string, fields: Fields = {}, source = [0, 0, 0, 0], destination = [255, 255, 255, 255]) {
  const { broadcast = false, ciaddr = "00000000", giaddr = "00000000" } = fields;
  const head = `01010600 3903f326 0000 ${broadcast ? "8000" : "0000"} ${ciaddr} 00000000 00000000 ${giaddr}`;
  const body = hex(`${head} 020000000100 ${"00".repeat(202)} 63825363 ${options}`);
  const mac = destination[0] === 255 ? "ffffffffffff" : undefined;
  return concat(ethernet(0x0800, mac), ipv4({ protocol: 17, source, destination }, udp(68, 67, body)));
}

/** The answers: destinations, the address assigned, and the options up to the end mark. */
function answers(bed: Bed): string[] {
  return bed.takeSent().map((frame) => {
    const [mac, source, destination] = [frame.slice(0, 12), frame.slice(52, 60), frame.slice(60, 68)];
    assertEquals({ source, ports: frame.slice(68, 76) }, { source: "0a000202", ports: "00430044" });
    const dhcp = frame.slice(84);
    const options = dhcp.slice(480).replace(/ff0*$/, "");
    return `${mac} ${destination} ${dhcp.slice(32, 40)} ${options}`;
  });
}

const GUEST = "020000000100";
const NETWORK = "0104ffffff00" + "1c040a0002ff" + "03040a000202" + "06080a000203c0000235" + "1a0205dc";
const LEASE = "330400015180" + "3a040000a8c0" + "3b0400012750";
const SERVER = "36040a000202";
const ACK = `350105${SERVER}${LEASE}${NETWORK}`;

Deno.test("DISCOVER is answered with an offer, to the client's hardware address or by broadcast", () => {
  const bed = bedOf();
  bed.feed(message("350101ff"));
  bed.feed(message("350101ff", { broadcast: true }));
  const offer = `350102${SERVER}${LEASE}${NETWORK}`;
  assertEquals(answers(bed), [`${GUEST} 0a000264 0a000264 ${offer}`, `ffffffffffff ffffffff 0a000264 ${offer}`]);
  assertEquals(bed.datagrams, [], "datagrams");
  assertEquals(bed.stack.counters.dhcp.answered, 2, "dhcp.answered");
});

Deno.test("REQUEST: selecting, init-reboot, renewing, rebinding", () => {
  const bed = bedOf();
  bed.feed(message(`350103 3204 0a000264 ${SERVER} ff`)); // SELECTING
  bed.feed(message("350103 3204 0a000264 ff", { broadcast: true })); // INIT-REBOOT
  assertEquals(answers(bed), [`${GUEST} 0a000264 0a000264 ${ACK}`, `ffffffffffff ffffffff 0a000264 ${ACK}`]);
  bed.feed(message("350103ff", { ciaddr: "0a000264" }, [10, 0, 2, 100], [10, 0, 2, 2])); // RENEWING
  bed.feed(message("350103ff", { ciaddr: "0a000264" }, [10, 0, 2, 100])); // REBINDING
  assertEquals(answers(bed), [`${GUEST} 0a000264 0a000264 ${ACK}`, `${GUEST} 0a000264 0a000264 ${ACK}`]);
});

Deno.test("REQUEST for another address is refused by broadcast", () => {
  const bed = bedOf();
  const no = `ffffffffffff ffffffff 00000000 350106${SERVER}`;
  bed.feed(message(`350103 3204 c0a80105 ${SERVER} ff`));
  bed.feed(message("350103 3204 c0a80105 ff"));
  bed.feed(message("350103ff", { ciaddr: "c0a80105" }, [192, 168, 1, 5]));
  assertEquals(answers(bed), [no, no, no]);
});

Deno.test("INFORM is answered with all settings but an address", () => {
  const bed = bedOf();
  bed.feed(message("350108 3d03 010203 ff", { ciaddr: "0a000232" }, [10, 0, 2, 50]));
  assertEquals(answers(bed), [`${GUEST} 0a000232 00000000 350105${SERVER}${NETWORK}3d03010203`]);
});

Deno.test("no answer to a client with a multicast or broadcast hardware address", () => {
  const bed = bedOf();
  for (const ciaddr of ["e00000fb", "ffffffff", "0a0002ff"]) {
    for (const options of ["350101ff", "350103 3204 0a000264 ff", "350108ff"]) bed.feed(message(options, { ciaddr }));
  }
  assertEquals({ answers: answers(bed), malformed: bed.stack.counters.dhcp.malformed }, { answers: [], malformed: 9 });
});

Deno.test("no answer to: REQUEST for another server, RELEASE, DECLINE, relayed, malformed", () => {
  const bed = bedOf();
  bed.feed(message("350103 3204 0a000264 3604 0a000201 ff"));
  bed.feed(message(`350107 ${SERVER} ff`, { ciaddr: "0a000264" }, [10, 0, 2, 100], [10, 0, 2, 2]));
  bed.feed(message(`350104 3204 0a000264 ${SERVER} ff`));
  assertEquals(bed.stack.counters.dhcp.malformed, 0);
  bed.feed(message("350101ff", { giaddr: "0a000205" }));
  bed.feed(message("350103ff"));
  bed.feed(message("3501"));
  assertEquals(bed.stack.counters.dhcp.malformed, 3);
  assertEquals({ answers: answers(bed), datagrams: bed.datagrams }, { answers: [], datagrams: [] });
});

Deno.test("without name servers the option is left out; with DHCP off, a message is an ordinary datagram", () => {
  const none = bedOf({ ...CONFIGURATION, nameServers: () => [] });
  none.feed(message("350101ff"));
  assertEquals(answers(none)[0].includes("06080a"), false);
  const off = bedOf({ ...CONFIGURATION, dhcp: false });
  off.feed(message("350101ff"));
  off.feed(message("350101ff", {}, [10, 0, 2, 100], [192, 0, 2, 1]));
  assertEquals(off.datagrams.map(({ to }) => to), ["255.255.255.255 67", "192.0.2.1 67"]);
  const bed = bedOf();
  bed.feed(message("350101ff", {}, [10, 0, 2, 100], [192, 0, 2, 1]));
  assertEquals(bed.datagrams.map(({ to }) => to), ["192.0.2.1 67"]);
  assertEquals(toHex(concat(...bed.sent.map(({ bytes }) => bytes))), "");
});

Deno.test("search domains: the first is the domain name, all valid ones are in the list", () => {
  const asked = (search: readonly string[]) => {
    const bed = bedOf({ ...CONFIGURATION, searchDomains: () => search });
    bed.feed(message(`350103 3204 0a000264 ${SERVER} ff`));
    return answers(bed)[0];
  };
  const domains = asked(["corp.example", "bad..name", "example.net."]);
  const own = "0f0c" + "636f72702e6578616d706c65"; // corp.example
  const list = "771b" + "04636f7270076578616d706c6500" + "076578616d706c65036e657400";
  assertEquals(domains.includes(own + list), true, domains);
  assertEquals(asked(["no name!"]), asked([]), "none of them is valid");
  const many = Array.from({ length: 40 }, (_, i) => `domain-number-${i}.example`);
  const length = parseInt(/77(..)0f646f6d61696e/.exec(asked(many))?.[1] ?? "", 16);
  assertEquals(length > 200 && length <= 255, true, `${length} bytes of domains`);
});

Deno.test("another network: its mask, broadcast address, router and guest", () => {
  const addresses = {
    gateway4: IpAddress.parse("10.0.135.130"),
    guest4: IpAddress.parse("10.0.135.228"),
    broadcast4: IpAddress.parse("10.0.135.255"),
    prefix4: 25,
  };
  const bed = new Bed({ medium: "ethernet", configuration: CONFIGURATION, addresses });
  bed.feed(message("350101ff"));
  const [offer] = bed.takeSent();
  assertStringIncludes(offer, "0a0087e4", "the guest's address");
  assertStringIncludes(offer, "0104ffffff80" + "1c040a0087ff" + "03040a008782", "mask, broadcast address, router");
});

/** A message of a client with another hardware address, whose last byte this is. */
function messageOf(station: number, options: string): Uint8Array {
  const frame = message(options);
  frame[11] = station;
  frame[14 + 20 + 8 + 28 + 5] = station; // chaddr
  return frame;
}

Deno.test("leases: an address for each hardware address, kept, and no answer when all are taken", () => {
  const leases = ["10.0.2.15", "10.0.2.16"].map((text) => IpAddress.parse(text));
  const bed = bedOf({ ...CONFIGURATION, leases });
  const given = () => bed.takeSent().map((frame) => frame.slice(84).slice(32, 40));
  bed.feed(messageOf(1, "350101ff"));
  assertEquals(given(), ["0a00020f"], "the first client");
  bed.feed(messageOf(2, "350101ff"));
  assertEquals(given(), ["0a000210"], "the second client");
  bed.feed(messageOf(3, "350101ff"));
  assertEquals(given(), [], "a third client");
  bed.feed(messageOf(1, "350103 32040a00020f ff"));
  assertEquals(given(), ["0a00020f"], "its own address is acknowledged");
  bed.feed(messageOf(1, "350103 32040a000210 ff"));
  assertEquals(given(), ["00000000"], "the address of the other is refused");
});

Deno.test("leases: after a restart a client keeps the address that it has", () => {
  const leases = ["10.0.2.15", "10.0.2.16"].map((text) => IpAddress.parse(text));
  const bed = bedOf({ ...CONFIGURATION, leases });
  bed.feed(messageOf(1, "350103 32040a000210 ff"));
  assertEquals(bed.takeSent().map((frame) => frame.slice(84).slice(32, 40)), ["0a000210"]);
});

Deno.test("a brief answer has no MTU and no search domains", () => {
  const bed = bedOf({ ...CONFIGURATION, brief: true, searchDomains: () => ["example.net"] });
  bed.feed(message("350101ff"));
  const offer = `350102${SERVER}${LEASE}${NETWORK.slice(0, -"1a0205dc".length)}`;
  assertEquals(answers(bed), [`${GUEST} 0a000264 0a000264 ${offer}`]);
});
