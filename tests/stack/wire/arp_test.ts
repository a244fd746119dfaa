import { assert, assertEquals } from "../../assert.ts";
import {
  ARP_REQUEST,
  arpOperation,
  arpSenderHardware,
  arpSenderProtocol,
  arpTargetProtocol,
  isArp,
  putArp,
} from "../../../stack/wire/arp.ts";
import { BROADCAST_MAC, ethernetType, ETHERTYPE_ARP, putEthernet } from "../../../stack/wire/ethernet.ts";
import { hex, toHex } from "../../../scripts/lab/packets.ts";

// a frame that a Linux kernel sent
const ARP = hex(`
  ffffffffffff 020000000100 0806                # Ethernet: broadcast, from the guest, ARP
  0001 0800 06 04 0001                          # Ethernet, IPv4, lengths, request
  020000000100 0a000264 000000000000 0a000232   # 10.0.2.100 asks for 10.0.2.50
`);

Deno.test("an ARP request of a kernel, dissected and built", () => {
  assertEquals(ethernetType(ARP, 0), ETHERTYPE_ARP);
  assert(isArp(ARP, 14, ARP.length));
  assertEquals(arpOperation(ARP, 14), ARP_REQUEST);
  assertEquals(toHex(ARP.slice(arpSenderHardware(14), arpSenderHardware(14) + 6)), "020000000100");
  assertEquals(toHex(ARP.slice(arpSenderProtocol(14), arpSenderProtocol(14) + 4)), "0a000264");
  assertEquals(toHex(ARP.slice(arpTargetProtocol(14), arpTargetProtocol(14) + 4)), "0a000232");
  const built = new Uint8Array(42).fill(0xee);
  putEthernet(built, 0, BROADCAST_MAC, hex("020000000100"), ETHERTYPE_ARP);
  putArp(built, 14, ARP_REQUEST, hex("020000000100"), hex("0a000264"), new Uint8Array(6), hex("0a000232"));
  assertEquals(toHex(built), toHex(ARP));
});

Deno.test("anything but ARP for IPv4 on Ethernet is refused", () => {
  assert(!isArp(ARP, 14, ARP.length - 1));
  for (const [at, value] of [[15, 6], [16, 9], [18, 8], [19, 16], [21, 3], [21, 0]]) {
    const other = ARP.slice();
    other[at] = value;
    assert(!isArp(other, 14, other.length), `byte ${at}`);
  }
});
