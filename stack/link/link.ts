/**
 * The link layer, as the layers above see it: a medium that IP packets come from and go to.
 *
 * @module
 */
import type { IpAddress } from "../base/address.ts";
import type { Frame, Transmit } from "../base/device.ts";
import type { Packet } from "../base/packet.ts";

/** Who takes the IP packets out of received frames. */
export interface IpReceiver {
  /**
   * Takes the IPv4 or IPv6 packet at `offset` of the frame; nothing of it was checked.
   *
   * @param group whether the frame was sent to a group of stations, not to this one alone
   */
  receive4(frame: Frame, offset: number, group: boolean): void;
  receive6(frame: Frame, offset: number, group: boolean): void;
}

/** A medium. */
export interface Link {
  /** Takes a frame from the device and hands the IP packet in it, if any, to `ip`. Never throws. */
  receive(frame: Frame, ip: IpReceiver): void;
  /** Sends the IP packet that starts at `transmit.headStart`. False: it was dropped. */
  send(transmit: Transmit, destination: IpAddress): boolean;
  /**
   * Takes a message of neighbour discovery, whose checksum was verified. The IP layer has no use for them: they are
   * the link's, and come as IP packets.
   */
  receiveNdp(packet: Packet): void;
  /** Says at which hardware address an IP address is, where something else than a frame's sender tells. */
  stationHas(address: IpAddress, mac: Uint8Array): void;
  /** Packets that wait for a station's hardware address, and how many may. */
  readonly waiting: { readonly size: number; readonly limit: number };
  /** Addresses of stations that are remembered, how many may be, and how many made room for others. */
  readonly stations: { readonly size: number; readonly limit: number; readonly evicted: number };
  /** The device takes frames from now on: begins to say by itself what the guest should know. */
  start(): void;
  /** Forgets all that waits. */
  close(): void;
}
