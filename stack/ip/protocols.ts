/**
 * The receivers of the packets that the IP layer has checked, and the options of that layer.
 *
 * @module
 */
import type { StackAddresses } from "../link/addresses.ts";
import type { Counters } from "../base/counters.ts";
import type { FramePool } from "../base/device.ts";
import type { IcmpOutput } from "../icmp/output.ts";
import type { PacketReceiver } from "../base/layers.ts";
import type { Packet } from "../base/packet.ts";
import type { Reassembler } from "./reassembly.ts";

/** The protocols above IP. */
export interface Protocols {
  readonly tcp: PacketReceiver;
  readonly udp: PacketReceiver;
  readonly icmpv4: PacketReceiver;
  readonly icmpv6: PacketReceiver;
}

/** Options of the receiving side of one IP version. */
export interface IpInputOptions {
  readonly addresses: StackAddresses;
  /** The object that is filled in for each packet. */
  readonly packet: Packet;
  readonly protocols: Protocols;
  readonly icmp: IcmpOutput;
  /** The reassembler of this IP version. */
  readonly reassembler: Reassembler;
  readonly frames: FramePool;
  readonly counters: Counters;
}
