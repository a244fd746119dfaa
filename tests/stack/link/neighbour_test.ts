import { assertEquals } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { allocatePlain } from "../../../stack/base/device.ts";
import { NEIGHBOUR_QUEUE, NEIGHBOUR_QUEUE_BYTES } from "../../../stack/link/neighbour.ts";
import { checksummed, concat, ethernet, GUEST_MAC, hex, ipv6, OUR_MAC, toHex } from "../../../scripts/lab/packets.ts";
import { Bed } from "../bed.ts";

const HERE4 = { address: IpAddress.parse("10.0.2.2"), port: 1000 };
const GUEST4 = { address: IpAddress.parse("10.0.2.100"), port: 2000 };
const HERE6 = { address: IpAddress.parse("fd00::2"), port: 1000 };
const GUEST6 = { address: IpAddress.parse("fd00::100"), port: 2000 };

const ARP_REQUEST = toHex(hex(`
  ffffffffffff ${OUR_MAC} 0806
  0001 0800 06 04 0001
  ${OUR_MAC} 0a000202 000000000000 0a000264
`));
const SOLICITATION = toHex(hex(`
  3333ff000100 ${OUR_MAC} 86dd
  60000000 0020 3a ff
  fd000000000000000000000000000002 ff0200000000000000000001ff000100
  8700 3934 00000000 fd000000000000000000000000000100 0101 ${OUR_MAC}
`));
const ARP_REPLY = concat(
  ethernet(0x0806),
  hex(`0001 0800 06 04 0002 ${GUEST_MAC} 0a000264 ${OUR_MAC} 0a000202`),
);

/** A neighbour advertisement from the guest for one of its addresses. */
function advertisement(target: string, source = target): Uint8Array {
  const here = "fd000000000000000000000000000002";
  const body = hex(`8800 0000 60000000 ${target} 0201 ${GUEST_MAC}`);
  return concat(ethernet(0x86dd), ipv6(58, checksummed(body, 2, 58, source, here), source, here, 255));
}

const GUEST6_HEX = "fd000000000000000000000000000100";

/** Sends datagrams with one byte each. */
function send(bed: Bed, from: typeof HERE4, to: typeof GUEST4, ...bytes: number[]): void {
  const block = allocatePlain(1);
  for (const byte of bytes) {
    block.bytes[0] = byte;
    bed.stack.udp.send(from, to, block, 0, 1);
  }
}

const lastBytes = (frames: string[]) => frames.map((frame) => parseInt(frame.slice(-2), 16));

Deno.test("a silent guest is resolved by the destination address, whichever it uses", () => {
  const bed = new Bed({ medium: "ethernet" });
  const other = { address: IpAddress.parse("fd00::abcd:1234"), port: 2000 };
  send(bed, HERE6, other, 1, 2);
  send(bed, HERE6, GUEST6, 3);
  const asked = bed.takeSent();
  assertEquals(asked.map((frame) => [frame.slice(0, 12), frame.slice(124, 156)]), [
    ["3333ffcd1234", "fd0000000000000000000000abcd1234"],
    ["3333ff000100", "fd000000000000000000000000000100"],
  ]);
  bed.pass(1000);
  assertEquals(bed.takeSent(), asked);
  bed.feed(advertisement("fd0000000000000000000000abcd1234"));
  assertEquals(lastBytes(bed.takeSent()), [1, 2]);
  bed.feed(advertisement(GUEST6_HEX, "fe80000000000000000000fffe000100")); // its source is another address of the guest
  assertEquals(lastBytes(bed.takeSent()), [3]);
});

Deno.test("for an address beyond the link, both it and the guest, a possible router, are resolved", () => {
  const asks = (bed: Bed) => bed.takeSent().map((frame) => frame.slice(-8));
  const behind = { address: IpAddress.parse("172.17.0.2"), port: 2000 };
  const bed = new Bed({ medium: "ethernet" });
  send(bed, HERE4, behind, 1, 2);
  assertEquals(asks(bed), ["ac110002", "0a000264"]);
  bed.pass(1000);
  assertEquals(asks(bed), ["ac110002", "0a000264"]);
  bed.feed(ARP_REPLY);
  assertEquals(lastBytes(bed.takeSent()), [1, 2]);
  send(bed, HERE4, { address: IpAddress.parse("172.18.0.2"), port: 2000 }, 3);
  assertEquals(lastBytes(bed.takeSent()), [3], "another address at that station needs no solicitation");
});

Deno.test("an address on the link is resolved although another station is known", () => {
  const bed = new Bed({ medium: "ethernet" });
  bed.feed(ARP_REPLY);
  send(bed, HERE4, { address: IpAddress.parse("10.0.2.101"), port: 2000 }, 1);
  const [asked, ...more] = bed.takeSent();
  assertEquals(asked?.slice(-8), "0a000265");
  assertEquals(more, [], "other frames sent");
});

Deno.test("the table of stations is bounded; the least recently used address is resolved again", () => {
  const bed = new Bed({ medium: "ethernet", limits: { neighbours: 4 } });
  const from = (last: number) =>
    concat(
      hex(`${OUR_MAC} 0200000001${last.toString(16).padStart(2, "0")} 0806`),
      hex(`0001 0800 06 04 0002 0200000001${last.toString(16).padStart(2, "0")} 0a0002${last.toString(16)}`),
      hex(`${OUR_MAC} 0a000202`),
    );
  for (let last = 100; last < 105; last++) {
    bed.feed(from(last));
    if (last === 102) send(bed, HERE4, GUEST4, 1); // so 10.0.2.101 is the one not used for longest
  }
  assertEquals(bed.stack.usage.neighbours, { current: 4, limit: 4, overflows: 1 });
  assertEquals(bed.takeSent().map((frame) => frame.slice(0, 12)), ["020000000164"]);
  for (const last of [100, 102, 103, 104]) {
    send(bed, HERE4, { address: IpAddress.of([10, 0, 2, last]), port: 2000 }, 1);
    assertEquals(bed.takeSent().map((frame) => frame.slice(0, 12)), [`0200000001${last.toString(16)}`]);
  }
  send(bed, HERE4, { address: IpAddress.parse("10.0.2.101"), port: 2000 }, 1);
  assertEquals(bed.takeSent().map((frame) => frame.slice(0, 12)), ["ffffffffffff"], "it is solicited");
});

Deno.test("a guest not seen yet is resolved, then gets the waiting packets in order", () => {
  const bed = new Bed({ medium: "ethernet", offload: true });
  send(bed, HERE4, GUEST4, 1, 2);
  send(bed, HERE6, GUEST6, 3);
  assertEquals(bed.takeSent(), [ARP_REQUEST, SOLICITATION]);
  bed.feed(ARP_REPLY);
  bed.feed(advertisement(GUEST6_HEX));
  assertEquals(bed.sent.map(({ checksumStart, checksumOffset }) => [checksumStart, checksumOffset]), [
    [34, 6], // behind Ethernet and IP headers
    [34, 6],
    [54, 6],
  ]);
  const sent = bed.takeSent();
  assertEquals(sent.map((frame) => frame.slice(0, 28)), [
    GUEST_MAC + OUR_MAC + "0800",
    GUEST_MAC + OUR_MAC + "0800",
    GUEST_MAC + OUR_MAC + "86dd",
  ]);
  assertEquals(lastBytes(sent), [1, 2, 3]);
  assertEquals(bed.stack.nextDeadline, Infinity);
});

Deno.test("the guest is solicited three times, a second apart, then the waiting packets are dropped", () => {
  const bed = new Bed({ medium: "ethernet" });
  send(bed, HERE4, GUEST4, 1);
  for (const when of [999, 1, 999, 1]) bed.pass(when);
  assertEquals(bed.takeSent(), [ARP_REQUEST, ARP_REQUEST, ARP_REQUEST]);
  bed.pass(1000);
  assertEquals(bed.takeSent().length, 0, "frames sent");
  assertEquals(bed.stack.nextDeadline, Infinity, "next deadline");
  assertEquals(bed.stack.counters.link.neighbourDropped, 1);
  send(bed, HERE4, GUEST4, 2);
  assertEquals(bed.takeSent(), [ARP_REQUEST]); // and it begins anew
});

Deno.test("the queue is bounded, and the oldest packet is dropped first", () => {
  const bed = new Bed({ medium: "ethernet" });
  send(bed, HERE4, GUEST4, ...Array.from({ length: NEIGHBOUR_QUEUE + 4 }, (_, i) => i));
  assertEquals(bed.takeSent(), [ARP_REQUEST]);
  bed.feed(ARP_REPLY);
  assertEquals(lastBytes(bed.takeSent()), Array.from({ length: NEIGHBOUR_QUEUE }, (_, i) => (i + 4) % 256));
  assertEquals(bed.stack.counters.link.neighbourDropped, 4);
});

Deno.test("the queue is bounded in bytes as well", () => {
  const bed = new Bed({ medium: "ethernet", mtu: 65_535 });
  const block = allocatePlain(65_507);
  const most = Math.floor(NEIGHBOUR_QUEUE_BYTES / 65_535);
  for (let i = 0; i < most + 3; i++) {
    block.bytes[65_506] = i;
    bed.stack.udp.send(HERE4, GUEST4, block, 0, 65_507);
  }
  bed.takeSent();
  bed.feed(ARP_REPLY);
  assertEquals(lastBytes(bed.takeSent()), Array.from({ length: most }, (_, i) => i + 3));
});

Deno.test("the length of the queue is an option", () => {
  const bed = new Bed({ medium: "ethernet", limits: { neighbourPackets: 2 } });
  send(bed, HERE4, GUEST4, 1, 2, 3);
  assertEquals(bed.stack.usage.neighbourPackets, { current: 2, limit: 2, overflows: 1 });
  bed.takeSent();
  bed.feed(ARP_REPLY);
  assertEquals(lastBytes(bed.takeSent()), [2, 3]);
});

Deno.test("the largest packet fits into the queue", () => {
  const bed = new Bed({ medium: "ethernet", mtu: 65_535 });
  const block = allocatePlain(65_507);
  block.bytes[65_506] = 0x77;
  bed.stack.udp.send(HERE4, GUEST4, block, 0, 65_507);
  bed.takeSent();
  bed.feed(ARP_REPLY);
  const frame = bed.takeOne();
  assertEquals({ length: frame.length, lastByte: frame[frame.length - 1] }, { length: 65_549, lastByte: 0x77 });
});

Deno.test("closing drops the waiting packets", () => {
  const bed = new Bed({ medium: "ethernet" });
  send(bed, HERE4, GUEST4, 1, 2, 3);
  bed.stack.close();
  assertEquals(bed.stack.nextDeadline, Infinity);
  bed.feed(ARP_REPLY);
  assertEquals(bed.takeSent(), [ARP_REQUEST]); // it was asked for before
});
