import { assert, assertEquals } from "../../assert.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import {
  BROADCAST_MAC,
  ethernetDestination,
  ethernetSource,
  ethernetType,
  ETHERTYPE_IPV6,
  isGroupMac,
  isHostMac,
  multicastMac4,
  multicastMac6,
  putEthernet,
} from "../../../stack/wire/ethernet.ts";
import { hex, toHex } from "../../../scripts/lab/packets.ts";

Deno.test("a header, dissected and built", () => {
  const frame = hex("ee 333300000002 020000000100 86dd 6000");
  assertEquals(ethernetDestination(1), 1, "offset of the destination");
  assertEquals(ethernetSource(1), 7, "offset of the source");
  assertEquals(ethernetType(frame, 1), ETHERTYPE_IPV6, "type");
  const built = frame.slice().fill(0, 1, 15);
  putEthernet(built, 1, hex("333300000002"), hex("020000000100"), ETHERTYPE_IPV6);
  assertEquals(toHex(built), toHex(frame));
});

Deno.test("kinds of hardware addresses", () => {
  assert(isGroupMac(hex("333300000001"), 0) && isGroupMac(BROADCAST_MAC, 0) && !isGroupMac(hex("020000000100"), 0));
  assert(isHostMac(hex("020000000100"), 0) && !isHostMac(new Uint8Array(6), 0) && !isHostMac(BROADCAST_MAC, 0));
  assertEquals(toHex(multicastMac4(hex("ef818283"))), "01005e018283");
  assertEquals(toHex(multicastMac6(IpAddress.parse("ff02::1:ff00:100").bytes)), "3333ff000100");
});
