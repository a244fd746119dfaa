/**
 * The guest's UDP, whatever it is for: one socket of the host for each address and port of the guest, for all its
 * destinations (endpoint-independent mapping, RFC 4787 REQ-1), so that a peer that the guest learned of through another
 * can reach it.
 *
 * Answers are let in from the addresses that the guest has sent to, from whatever port (address-dependent filtering,
 * RFC 4787 REQ-8): nobody else can send to the guest, and yet a server may answer from another port than it was asked
 * on, as TFTP's does (RFC 1350, section 4).
 *
 *     datagram of the guest → association by its source → peer by its destination → policy → socket
 *     datagram of the host  → association by its socket → peer by its source → guest
 *
 * | what happens | what is done |
 * | --- | --- |
 * | the policy says no | dropped; ICMP administratively prohibited |
 * | as many associations as may be, or no descriptor left for any socket | the one idle longest ends |
 * | no socket to be had | the datagram is refused with an ICMP error; serving goes on |
 * | a datagram is lost on its way | the guest gets the ICMP error about it; nothing is remembered |
 * | its hop limit ends here | ICMP time exceeded |
 * | nothing passes for a while | the association ends; how long depends on its use, see timeouts.ts |
 *
 * An association that ended leaves nothing behind: the guest's next datagram makes a new one.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../stack/base/address.ts";
import type { UdpDatagram } from "../../stack/udp/datagram.ts";
import type { Udp } from "../../stack/udp/udp.ts";
import { type EndReason, endReason, EndReasons, EndReport } from "../report/end_report.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import type { FlowLog } from "../report/routed_report.ts";
import { HostError, type HostNetwork, type LostDatagram } from "../host/port.ts";
import type { Shown } from "../host/shown.ts";
import { unreachableFor } from "../host/unreachable.ts";
import { Association, type AssociationOwner } from "./association.ts";
import { isOwnAddress, type StackAddresses } from "../../stack/link/addresses.ts";
import { type LossErrors, tellLost } from "./lost.ts";
import type { IdleTable } from "./idle_table.ts";
import { endpointKey, type Key } from "./keys.ts";

/** A datagram of the guest, valid during the call. Here `guest` is where it came from, `local` where it is to go. */
export type GuestDatagram = Pick<
  UdpDatagram,
  | "bytes"
  | "version"
  | "guestAddress"
  | "guestPort"
  | "localAddress"
  | "localPort"
  | "payload"
  | "length"
  | "hopLimit"
  | "dontFragment"
  | "unreachable"
  | "timeExceeded"
>;

/** Sends datagrams to the guest. */
export type GuestSender = Pick<Udp, "sendBytes">;

/** Says whether the guest may send there. */
export interface UdpPolicy {
  decide(network: "udp", address: IpAddress, port: number): { readonly allowed: boolean };
}

/** What {@linkcode Associations} is made of. */
export interface AssociationsOptions {
  readonly host: HostNetwork;
  readonly policy: UdpPolicy;
  readonly scheduler: Scheduler;
  /** May be shared with others: then so is the limit. */
  readonly idle: IdleTable;
  readonly guest: GuestSender;
  readonly icmp: LossErrors;
  /** The router's addresses, for which a hop limit of 1 is enough. */
  readonly own: StackAddresses;
  readonly log: FlowLog;
  /** The end of a socket for people, where it is bound to no address. */
  readonly shown: Shown;
}

/** See the module's text. */
export class Associations implements AssociationOwner {
  private readonly table = new Map<Key, Association>();
  /** The one that the last datagram of the guest belonged to. */
  private last: Association | null = null;
  /** For associations: see {@linkcode AssociationsOptions}. */
  readonly shown: Shown;

  constructor(private readonly options: AssociationsOptions) {
    this.shown = options.shown;
  }

  /** How many there are. */
  get size(): number {
    return this.table.size;
  }

  /** Takes a datagram of the guest. Called by the stack. */
  receive(datagram: GuestDatagram): void {
    const { bytes, version, localAddress, localPort } = datagram;
    const association = this.find(datagram);
    const peer = association?.peers.find(bytes, localAddress, version) ?? null;
    const address = peer?.address ?? IpAddress.at(bytes, localAddress, version);
    if (!this.options.policy.decide("udp", address, localPort).allowed) {
      return datagram.unreachable("prohibited");
    }
    const { hopLimit, dontFragment, length } = datagram;
    if (hopLimit <= 1 && !isOwnAddress(this.options.own, bytes, localAddress, version)) return datagram.timeExceeded();
    const user = association ?? this.open(datagram, { address, port: localPort });
    if (user === null) return;
    user.setPath(hopLimit || 1, dontFragment, length);
    user.send(
      bytes,
      datagram.payload,
      length,
      peer ?? user.peers.add(address, localPort),
      localPort,
    );
  }

  /** The guest says that nobody listens on its port any more: nothing is left to wait for. Called by the stack. */
  refused(guest: Endpoint): void {
    const { address, port } = guest;
    const association = this.table.get(endpointKey(address.bytes, 0, address.version, port));
    if (association !== undefined) this.end(association, EndReasons.REFUSED);
  }

  /** For associations: the time in ms. */
  now(): number {
    return this.options.scheduler.now();
  }

  /** For associations: hands an answer to the guest. */
  deliver(association: Association, bytes: Uint8Array, length: number, from: Endpoint): void {
    const { guest } = this.options;
    guest.sendBytes(from, association.guest, bytes, 0, length);
  }

  /** For associations: tells the guest of a lost datagram. */
  lost(association: Association, error: HostError, to: Endpoint, lost: LostDatagram): void {
    tellLost(this.options.icmp, association.guest, to, error.failure, lost);
  }

  /** For associations: ends one. */
  end(association: Association, reason: EndReason): void {
    const { idle, log } = this.options;
    this.table.delete(association.key);
    idle.delete(association);
    if (this.last === association) this.last = null;
    const { guest, local, first } = association;
    association.close();
    const ends = new EndReport();
    ends.record("l-read", reason);
    log.done(guest, local, first, ends);
  }

  private find(datagram: GuestDatagram): Association | null {
    const { bytes, version, guestAddress, guestPort } = datagram;
    const { last } = this;
    if (
      last !== null && last.guest.port === guestPort && last.guest.address.version === version &&
      last.guest.address.isAt(bytes, guestAddress)
    ) return last;
    const found = this.table.get(endpointKey(bytes, guestAddress, version, guestPort));
    if (found === undefined) return null;
    return this.last = found;
  }

  private open(datagram: GuestDatagram, first: Endpoint): Association | null {
    const { bytes, version, guestAddress, guestPort } = datagram;
    const { host, idle, log } = this.options;
    const guest = { address: IpAddress.at(bytes, guestAddress, version), port: guestPort };
    idle.makeRoom();
    let association: Association;
    try {
      association = new Association(endpointKey(bytes, guestAddress, version, guestPort), guest, first, host, this);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      datagram.unreachable(unreachableFor(error.failure) ?? "port");
      const ends = new EndReport();
      ends.record("r-write", endReason(error));
      log.failed(guest, first, ends);
      return null;
    }
    this.table.set(association.key, association);
    this.last = association;
    idle.add(association);
    log.opened(guest, association.local, first, association.usage);
    return association;
  }
}
