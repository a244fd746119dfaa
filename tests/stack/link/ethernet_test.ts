import { assertEquals } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { concat, ethernet, GUEST_MAC, hex, ipv4, OUR_MAC, toHex, udp } from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

const bed4 = () => new Bed({ medium: "ethernet" });
const DATAGRAM = ipv4({ protocol: 17 }, udp(5000, 53, [1, 2, 3]));

/** An ARP request. */
function request(sender: string, target: string): Uint8Array {
  return concat(
    ethernet(0x0806, "ffffffffffff"),
    hex(`0001 0800 06 04 0001 ${GUEST_MAC} ${sender} 000000000000 ${target}`),
  );
}

/** The answer to it. */
function reply(sender: string, target: string): string {
  return toHex(hex(`
    ${GUEST_MAC} ${OUR_MAC} 0806
    0001 0800 06 04 0002
    ${OUR_MAC} ${sender} ${GUEST_MAC} ${target}
  `));
}

Deno.test("ARP is answered for any host's address but the guest's", () => {
  const bed = bed4();
  bed.feed(request("0a000264", "0a000202"));
  assertEquals(bed.takeSent(), [reply("0a000202", "0a000264")]);
  bed.feed(request("0a000264", "0a000232"));
  assertEquals(bed.takeSent(), [reply("0a000232", "0a000264")]);
  bed.feed(request("0a000265", "08080808"));
  assertEquals(bed.takeSent(), [reply("08080808", "0a000265")]);
  for (const target of ["0a000264", "00000000", "ffffffff", "0a0002ff", "e0000001"]) {
    bed.feed(request("0a000265", target));
  }
  assertEquals(bed.takeSent(), []);
  assertEquals(bed.stack.counters.link.arpAnswered, 3);
});

Deno.test("an ARP probe is answered for the program's own address only", () => {
  const bed = bed4();
  bed.feed(request("00000000", "0a000264"));
  bed.feed(request("00000000", "0a000232"));
  assertEquals(bed.takeSent(), []);
  bed.feed(request("00000000", "0a000202"));
  assertEquals(bed.takeSent(), [reply("0a000202", "00000000")]);
});

Deno.test("the name server's address is also the program's own", () => {
  const bed = new Bed({ medium: "ethernet", addresses: { isNameServer: true } });
  bed.feed(request("0a000264", "0a000203"));
  bed.feed(request("00000000", "0a000203"));
  bed.feed(request("0a000203", "0a000203"));
  const replies = ["0a000264", "00000000", "0a000203"].map((asker) => reply("0a000203", asker));
  assertEquals(bed.takeSent(), replies);
  const other = bed4();
  other.feed(request("00000000", "0a000203"));
  assertEquals(other.takeSent(), []);
});

Deno.test("an ARP announcement is not answered", () => {
  const bed = bed4();
  bed.feed(request("0a000265", "0a000265"));
  assertEquals(bed.takeSent(), []);
});

Deno.test("frames to other stations are accepted", () => {
  const bed = bed4();
  bed.feed(concat(hex("52550a000202"), ethernet(0x0800).slice(6), DATAGRAM));
  assertEquals(bed.datagrams.length, 1);
  const ping = ipv4({ protocol: 1 }, hex("0800 f7fe 0000 0001"));
  const other = new Bed({ medium: "ethernet" });
  for (let i = 0; i < 2; i++) {
    other.feed(concat(hex(`52550a000202 ${OUR_MAC} 0800`), ping)); // a guest that has our address
    assertEquals(toHex(other.takeOne()).slice(0, 28), `${OUR_MAC}${OUR_MAC}0800`);
  }
});

Deno.test("a station that has our hardware address is answered like any other", () => {
  const bed = bed4();
  const asked = concat(
    hex(`ffffffffffff ${OUR_MAC} 0806`),
    hex(`0001 0800 06 04 0001 ${OUR_MAC} 0a000264 000000000000 0a000202`),
  );
  bed.feed(asked);
  const answer = `${OUR_MAC}${OUR_MAC}0806 0001080006040002 ${OUR_MAC} 0a000202 ${OUR_MAC} 0a000264`;
  assertEquals(bed.takeSent(), [answer.replaceAll(" ", "")]);
  bed.feed(concat(hex(OUR_MAC + OUR_MAC + "0800"), ipv4({ protocol: 1 }, hex("0800 f7fe 0000 0001"))));
  assertEquals(toHex(bed.takeOne()).slice(0, 28), `${OUR_MAC}${OUR_MAC}0800`);
});

Deno.test("frames from a group address, truncated frames and unknown types are dropped", () => {
  const bed = bed4();
  bed.feed(concat(hex(OUR_MAC + "ffffffffffff0800"), DATAGRAM)); // a group can't send
  bed.feed(concat(hex(OUR_MAC + "0000000000000800"), DATAGRAM));
  assertEquals(bed.stack.counters.link.notForUs, 2);
  bed.feed(ethernet(0x0800).slice(0, 13));
  bed.feed(new Uint8Array(0));
  assertEquals(bed.stack.counters.link.malformed, 2);
  bed.feed(concat(hex(OUR_MAC + GUEST_MAC + "8100"), DATAGRAM)); // a VLAN
  assertEquals(bed.stack.counters.link.unknownType, 1);
  assertEquals(bed.datagrams.length, 0);
  bed.feed(concat(ethernet(0x0800), DATAGRAM, new Uint8Array(20))); // padding does not matter
  assertEquals(bed.datagrams.length, 1);
});

Deno.test("a frame to a group is dropped if its packet is for a single host", () => {
  const bed = bed4();
  bed.feed(concat(ethernet(0x0800, "ffffffffffff"), DATAGRAM));
  assertEquals(bed.stack.counters.ipv4.martian, 1);
  const all = ipv4({ protocol: 17, destination: [255, 255, 255, 255] }, udp(5000, 67, [1]));
  bed.feed(concat(ethernet(0x0800, "ffffffffffff"), all));
  assertEquals(bed.datagrams.map(({ to }) => to), ["255.255.255.255 67"]);
});

Deno.test("packets to an address go to the station where it was last seen", () => {
  const bed = bed4();
  const ping = ipv4({ protocol: 1 }, hex("0800 f7fe 0000 0001"));
  bed.feed(concat(ethernet(0x0800), ping));
  assertEquals(toHex(bed.takeOne()).slice(0, 28), `${GUEST_MAC}${OUR_MAC}0800`);
  bed.feed(concat(hex(OUR_MAC + "020000000777" + "0800"), ping));
  assertEquals(toHex(bed.takeOne()).slice(0, 28), `020000000777${OUR_MAC}0800`);
});

/** The hardware address and the IPv4 address of a second station. */
const OTHER_MAC = "020000000101";
const OTHER = "0a000265";

/** An ARP request of the second station. */
function otherAsks(target: string): Uint8Array {
  return concat(
    hex(`ffffffffffff ${OTHER_MAC} 0806`),
    hex(`0001 0800 06 04 0001 ${OTHER_MAC} ${OTHER} 000000000000 ${target}`),
  );
}

Deno.test("two stations: each gets its own packets, whichever was seen last", () => {
  const bed = bed4();
  const ends = (last: number) => ({ address: IpAddress.of([10, 0, 2, last]), port: 2000 });
  const sendTo = (last: number) => {
    bed.stack.udp.sendBytes(ends(2), ends(last), Uint8Array.of(1), 0, 1);
    return toHex(bed.takeOne()).slice(0, 12);
  };
  bed.feed(otherAsks("0a000202"));
  bed.feed(request("0a000264", "0a000202"));
  bed.takeSent();
  assertEquals(sendTo(101), OTHER_MAC, "the station seen first");
  assertEquals(sendTo(100), GUEST_MAC, "the station seen last");
});

Deno.test("two stations: neither is told that the other's address is ours", () => {
  const bed = bed4();
  bed.feed(request("0a000264", OTHER));
  assertEquals(bed.takeSent(), [reply(OTHER, "0a000264")], "while that station has not been seen");
  bed.feed(otherAsks("0a000202"));
  bed.takeSent();
  bed.feed(request("0a000264", OTHER));
  assertEquals(bed.takeSent(), []);
  bed.feed(otherAsks(OTHER)); // an announcement
  assertEquals(bed.takeSent(), []);
});

Deno.test("an address no longer belongs to a station that asks for it", () => {
  const bed = bed4();
  bed.feed(request("0a000250", "0a000202"));
  bed.takeSent();
  bed.feed(request("0a000264", "0a000250"));
  assertEquals(bed.takeSent(), [reply("0a000250", "0a000264")]);
});

Deno.test("a flooded frame to a known station is not for us", () => {
  const bed = bed4();
  bed.feed(otherAsks("0a000202"));
  const flooded = ipv4({ protocol: 17, destination: [10, 0, 2, 101] }, udp(5000, 53, [1]));
  bed.feed(concat(hex(OTHER_MAC + GUEST_MAC + "0800"), flooded));
  assertEquals(bed.stack.counters.link.notForUs, 1);
  assertEquals(bed.datagrams.length, 0, "datagrams accepted");
  bed.feed(concat(hex(OUR_MAC + GUEST_MAC + "0800"), flooded));
  assertEquals(bed.datagrams.length, 1, "a frame to our hardware address is accepted");
});

Deno.test("the link's broadcast address is every station's", () => {
  const bed = bed4();
  const from = { address: IpAddress.of([10, 0, 2, 2]), port: 1 },
    to = { address: IpAddress.of([10, 0, 2, 255]), port: 2 };
  bed.stack.udp.sendBytes(from, to, Uint8Array.of(1), 0, 1);
  assertEquals(toHex(bed.takeOne()).slice(0, 12), "ffffffffffff");
});
