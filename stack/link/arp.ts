/**
 * Address resolution (RFC 826). The program stands for all addresses except the guest's and other stations':
 *
 * | a request | is answered |
 * | --- | --- |
 * | for a host's address that is no station's | yes |
 * | for the guest's address | no: that would be a conflict |
 * | for the address of another known station | no: that station answers itself |
 * | from 0.0.0.0: a probe before the guest uses an address (RFC 5227, section 2.1.1) | only for the program's own |
 * | for the sender's own address: an announcement (RFC 5227, section 2.3) | no |
 *
 * @module
 */
import type { IpAddress } from "../base/address.ts";
import { isBroadcast4, isOwnAddress, type StackAddresses } from "./addresses.ts";
import { type Transmit, TRANSPORT_AT } from "../base/device.ts";
import {
  ARP_LENGTH,
  ARP_REPLY,
  ARP_REQUEST,
  arpOperation,
  arpSenderHardware,
  arpSenderProtocol,
  arpTargetProtocol,
  isArp,
  putArp,
} from "../wire/arp.ts";
import { sameBytes } from "../base/bytes.ts";
import { MAC_LENGTH } from "../wire/ethernet.ts";
import { isUnspecified4 } from "../wire/ipv4.ts";

import type { Neighbours } from "./neighbour.ts";

const NO_MAC = new Uint8Array(MAC_LENGTH);

/** "answered": the answer is in `transmit`, without a link header. */
export type ArpVerdict = "malformed" | "ignored" | "answered";

/** Checks the ARP packet in `bytes[offset..end)`, and prepares the answer if it gets one. */
export function answerArp(
  bytes: Uint8Array,
  offset: number,
  end: number,
  addresses: StackAddresses,
  neighbours: Pick<Neighbours, "isElsewhere">,
  transmit: Transmit,
): ArpVerdict {
  if (!isArp(bytes, offset, end)) return "malformed";
  if (arpOperation(bytes, offset) !== ARP_REQUEST) return "ignored";
  const sender = arpSenderProtocol(offset);
  const target = arpTargetProtocol(offset);
  const own = isOwnAddress(addresses, bytes, target, 4);
  if (!own) {
    if (isUnspecified4(bytes, sender) || sameBytes(bytes, sender, bytes, target, 4)) return "ignored";
    if (addresses.guest4.isAt(bytes, target) || isBroadcast4(addresses, bytes, target)) return "ignored";
    if (neighbours.isElsewhere(bytes, target, 4)) return "ignored";
  }
  const hardware = arpSenderHardware(offset);
  transmit.begin(ARP_LENGTH);
  putArp(
    transmit.head.bytes,
    TRANSPORT_AT,
    ARP_REPLY,
    addresses.mac,
    bytes.slice(target, target + 4),
    bytes.slice(hardware, hardware + MAC_LENGTH),
    bytes.slice(sender, sender + 4),
  );
  return "answered";
}

/** Prepares a request for the hardware address of a station's IPv4 address. */
export function requestArp(transmit: Transmit, addresses: StackAddresses, target: IpAddress): void {
  transmit.begin(ARP_LENGTH);
  const { mac, gateway4 } = addresses;
  putArp(transmit.head.bytes, TRANSPORT_AT, ARP_REQUEST, mac, gateway4.bytes, NO_MAC, target.bytes);
}
