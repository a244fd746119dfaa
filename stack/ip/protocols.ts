/**
 * Who takes the packets that the IP layer has checked, and what that layer itself is made of.
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

/** What the receiving side of one version of IP is made of. */
export interface IpInputOptions {
  readonly addresses: StackAddresses;
  /** The one that is filled in for each packet. */
  readonly packet: Packet;
  readonly protocols: Protocols;
  readonly icmp: IcmpOutput;
  /** That of the same version. */
  readonly reassembler: Reassembler;
  readonly frames: FramePool;
  readonly counters: Counters;
}
