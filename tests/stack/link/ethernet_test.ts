import { assertEquals } from "../../assert.ts";
import { Bed, concat, ethernet, GUEST_MAC, hex, ipv4, OUR_MAC, toHex, udp } from "../bed.ts";

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

Deno.test("a name server's address is the program's own, too", () => {
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

Deno.test("an ARP announcement is not contradicted", () => {
  const bed = bed4();
  bed.feed(request("0a000265", "0a000265"));
  assertEquals(bed.takeSent(), []);
});

Deno.test("frames to other stations are for us as well", () => {
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

Deno.test("frames of our own, of groups, too short or of unknown types are dropped", () => {
  const bed = bed4();
  bed.feed(concat(hex(OUR_MAC + OUR_MAC + "0800"), DATAGRAM));
  bed.feed(concat(hex("ffffffffffff" + OUR_MAC + "0800"), DATAGRAM));
  bed.feed(concat(hex(OUR_MAC + "ffffffffffff0800"), DATAGRAM)); // a group can't send
  bed.feed(concat(hex(OUR_MAC + "0000000000000800"), DATAGRAM));
  assertEquals(bed.stack.counters.link.notForUs, 4);
  bed.feed(ethernet(0x0800).slice(0, 13));
  bed.feed(new Uint8Array(0));
  assertEquals(bed.stack.counters.link.malformed, 2);
  bed.feed(concat(hex(OUR_MAC + GUEST_MAC + "8100"), DATAGRAM)); // a VLAN
  assertEquals(bed.stack.counters.link.unknownType, 1);
  assertEquals(bed.datagrams.length, 0);
  bed.feed(concat(ethernet(0x0800), DATAGRAM, new Uint8Array(20))); // padding does not matter
  assertEquals(bed.datagrams.length, 1);
});

Deno.test("a single host's address in a frame to a group is dropped, a group's is not", () => {
  const bed = bed4();
  bed.feed(concat(ethernet(0x0800, "ffffffffffff"), DATAGRAM));
  assertEquals(bed.stack.counters.ipv4.martian, 1);
  const all = ipv4({ protocol: 17, destination: [255, 255, 255, 255] }, udp(5000, 67, [1]));
  bed.feed(concat(ethernet(0x0800, "ffffffffffff"), all));
  assertEquals(bed.datagrams.map(({ to }) => to), ["255.255.255.255 67"]);
});

Deno.test("what is sent goes to the address that the guest sent from last", () => {
  const bed = bed4();
  const ping = ipv4({ protocol: 1 }, hex("0800 f7fe 0000 0001"));
  bed.feed(concat(ethernet(0x0800), ping));
  assertEquals(toHex(bed.takeOne()).slice(0, 28), `${GUEST_MAC}${OUR_MAC}0800`);
  bed.feed(concat(hex(OUR_MAC + "020000000777" + "0800"), ping));
  assertEquals(toHex(bed.takeOne()).slice(0, 28), `020000000777${OUR_MAC}0800`);
});
