/**
 * A link whose frames are plain IP packets: a tun device. There are no neighbours to discover. The first four bits of a
 * packet are its IP version.
 *
 * @module
 */
import type { IpAddress } from "../base/address.ts";
import type { LinkCounters } from "../base/counters.ts";
import type { Device, Frame, Transmit } from "../base/device.ts";
import type { Packet } from "../base/packet.ts";
import type { IpReceiver, Link } from "./link.ts";

/** The link to the guest over a device that carries IP packets. */
export class PlainLink implements Link {
  readonly waiting: Link["waiting"] = { size: 0, limit: 0 };
  readonly stations: Link["stations"] = { size: 0, limit: 0, evicted: 0 };

  constructor(private readonly device: Device, private readonly counters: LinkCounters) {}

  receive(frame: Frame, ip: IpReceiver): void {
    const { counters } = this;
    counters.framesIn++;
    const version = frame.start < frame.end ? frame.bytes[frame.start] >> 4 : 0;
    if (version === 4) ip.receive4(frame, frame.start, false);
    else if (version === 6) ip.receive6(frame, frame.start, false);
    else counters.malformed++;
  }

  send(transmit: Transmit, _destination: IpAddress): boolean {
    const taken = this.device.transmit(transmit);
    if (taken) this.counters.framesOut++;
    else this.counters.framesLost++;
    return taken;
  }

  receiveNdp(_packet: Packet): void {
    // without hardware addresses there is nothing to answer
  }

  stationHas(_address: IpAddress, _mac: Uint8Array): void {
    // there are no hardware addresses
  }

  start(): void {
    // the guest needs no messages
  }

  close(): void {
    // there are no waiting packets
  }
}
