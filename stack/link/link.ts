/**
 * The interface of the link layer towards the layers above.
 *
 * @module
 */
import type { IpAddress } from "../base/address.ts";
import type { Frame, Transmit } from "../base/device.ts";
import type { Packet } from "../base/packet.ts";

/** Receives the IP packets in received frames. */
export interface IpReceiver {
  /**
   * Handles the IPv4 packet at `offset` of the frame, which was not checked.
   *
   * @param group whether the frame was sent to a group of stations, not to this one alone
   */
  receive4(frame: Frame, offset: number, group: boolean): void;
  receive6(frame: Frame, offset: number, group: boolean): void;
}

/** A link to the guest. */
export interface Link {
  /** Handles a frame from the device, and passes the IP packet in it, if any, to `ip`. Never throws. */
  receive(frame: Frame, ip: IpReceiver): void;
  /** Sends the IP packet that starts at `transmit.headStart`. Returns false if it was dropped. */
  send(transmit: Transmit, destination: IpAddress): boolean;
  /**
   * Handles a message of neighbour discovery, whose checksum was verified. These messages arrive as IP packets, but
   * concern the link.
   */
  receiveNdp(packet: Packet): void;
  /** Stores the hardware address of an IP address that was learned by other means than a frame's sender. */
  stationHas(address: IpAddress, mac: Uint8Array): void;
  /** The number of packets that wait for a station's hardware address, and its limit. */
  readonly waiting: { readonly size: number; readonly limit: number };
  /** The number of stored addresses of stations, its limit, and the number of addresses that made room for others. */
  readonly stations: { readonly size: number; readonly limit: number; readonly evicted: number };
  /** Called when the device accepts frames: starts unsolicited messages to the guest. */
  start(): void;
  /** Discards all waiting packets. */
  close(): void;
}
