/**
 * The guest's UDP: for each address and port of the guest one socket of the host, for all destinations
 * (endpoint-independent mapping, RFC 4787 REQ-1).
 *
 * A datagram of the host is passed on if the guest has sent to its source address, whatever the port (address-dependent
 * filtering, RFC 4787 REQ-8). README.md in this folder says more.
 *
 *     datagram of the guest → association by its source → peer by its destination → policy → socket
 *     datagram of the host  → association by its socket → peer by its source → guest
 *
 * | event | action |
 * | --- | --- |
 * | the policy refuses the destination | the datagram is dropped; ICMP administratively prohibited |
 * | the limit is reached, or no descriptor is left for any socket | the association idle longest ends |
 * | the host has no socket left | the datagram is dropped; ICMP error; the program goes on |
 * | the host or the network loses a datagram | the guest gets the ICMP error about it; nothing is remembered |
 * | the hop limit ends here | ICMP time exceeded |
 * | the association is idle | it ends; idle_timeout.ts has the timeouts |
 *
 * An association that has ended leaves nothing behind: the guest's next datagram makes a new one.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../stack/base/address.ts";
import type { Unreachable } from "../../stack/base/layers.ts";
import type { UdpDatagram } from "../../stack/udp/datagram.ts";
import type { Udp } from "../../stack/udp/udp.ts";
import { type EndReason, endReason, EndReasons, EndReport } from "../report/end_report.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import type { PolicyRule } from "../policy/policy.ts";
import { addressReason, type AddressVerdict, type DecisionObserver } from "../report/decisions.ts";
import type { FlowObserver } from "../report/flow_observers.ts";
import { HostError, type HostNetwork, type LostDatagram } from "../host/host_network.ts";
import type { Shown } from "../host/shown.ts";
import { unreachableFor } from "../host/unreachable.ts";
import { Association, type AssociationOwner } from "./association.ts";
import { isOwnAddress, type StackAddresses } from "../../stack/link/addresses.ts";
import { type LossErrors, tellLost } from "./lost.ts";
import type { IdleTable } from "./idle_table.ts";
import { endpointKey, type Key } from "./keys.ts";

/** A datagram of the guest, valid during the call. Its source is called `guest`, its destination `local`. */
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

/** Decides whether the guest may send to an address and port. */
export interface UdpPolicy {
  decide(network: "udp", address: IpAddress, port: number): AddressVerdict;
}

/** The options of {@linkcode Associations}. */
export interface AssociationsOptions {
  readonly host: HostNetwork;
  readonly policy: UdpPolicy;
  readonly scheduler: Scheduler;
  /** Shared with the associations of remote forwards, and so is its limit. */
  readonly idle: IdleTable;
  readonly guest: GuestSender;
  readonly icmp: LossErrors;
  /** The router's addresses, for which a hop limit of 1 is enough. */
  readonly own: StackAddresses;
  /** The ICMP error about a destination that the policy refuses; "prohibited" unless given. */
  readonly refusal?: Unreachable | undefined;
  readonly observer: FlowObserver;
  /** Records each refusal. */
  readonly decisions?: DecisionObserver | undefined;
  /** The end of a socket as the lines show it. */
  readonly shown: Shown;
}

/** All associations of the guest, except those with remote forwards. */
export class Associations implements AssociationOwner {
  private readonly table = new Map<Key, Association>();
  /** The association of the guest's last datagram: the next one is usually for the same. */
  private last: Association | null = null;
  /** For associations: the option of the same name. */
  readonly shown: Shown;
  private readonly refusal: Unreachable;

  constructor(private readonly options: AssociationsOptions) {
    this.shown = options.shown;
    this.refusal = options.refusal ?? "prohibited";
  }

  /** The number of associations. */
  get size(): number {
    return this.table.size;
  }

  /** Takes a datagram of the guest. Called by the stack. */
  takeDatagram(datagram: GuestDatagram): void {
    const { bytes, version, localAddress, localPort } = datagram;
    const association = this.find(datagram);
    const peer = association?.peers.find(bytes, localAddress, version) ?? null;
    const address = peer?.address ?? IpAddress.at(bytes, localAddress, version);
    const { allowed, rule } = this.options.policy.decide("udp", address, localPort);
    if (!allowed) {
      this.reportRefusal(datagram, { address, port: localPort }, rule);
      return datagram.unreachable(this.refusal);
    }
    const { hopLimit, dontFragment, length } = datagram;
    if (hopLimit <= 1 && !isOwnAddress(this.options.own, bytes, localAddress, version)) return datagram.timeExceeded();
    const user = association ?? this.open(datagram, { address, port: localPort });
    if (user === null) return;
    user.setPath(hopLimit || 1, dontFragment, length);
    user.send(bytes, datagram.payload, length, peer ?? user.peers.add(address, localPort), localPort);
  }

  /** The guest reports by ICMP that its port is closed, so no answer can arrive any more. Called by the stack. */
  guestUnreachable(guest: Endpoint): void {
    const { address, port } = guest;
    const association = this.table.get(endpointKey(address.bytes, 0, address.version, port));
    if (association !== undefined) this.end(association, EndReasons.REFUSED);
  }

  /** Ends the associations that have a destination which is refused now. */
  endWhere(isRefused: (destination: Endpoint) => boolean): void {
    for (const association of this.table.values()) {
      if (association.peers.some(isRefused)) this.end(association, EndReasons.REVOKED);
    }
  }

  /** For associations: the time in ms. */
  now(): number {
    return this.options.scheduler.now();
  }

  /** For associations: sends an answer to the guest. */
  deliver(association: Association, bytes: Uint8Array, length: number, from: Endpoint): void {
    const { guest } = this.options;
    guest.sendBytes(from, association.guest, bytes, 0, length);
  }

  /** For associations: reports a lost datagram to the guest. */
  lost(association: Association, error: HostError, to: Endpoint, lost: LostDatagram): void {
    tellLost(this.options.icmp, association.guest, to, error.failure, lost);
  }

  /** For associations: ends one. */
  end(association: Association, reason: EndReason): void {
    const { idle, observer } = this.options;
    this.table.delete(association.key);
    idle.delete(association);
    if (this.last === association) this.last = null;
    const { guest, local, first } = association;
    association.close();
    const ends = new EndReport();
    ends.record("l-read", reason);
    observer.done(guest, local, first, ends);
  }

  private reportRefusal(
    { bytes, version, guestAddress, guestPort }: GuestDatagram,
    to: Endpoint,
    rule: PolicyRule | undefined,
  ): void {
    const { decisions } = this.options;
    if (decisions === undefined) return;
    const guest = { address: IpAddress.at(bytes, guestAddress, version), port: guestPort };
    decisions.refusedFlow({ network: "udp", guest, to, name: null, reason: addressReason(rule) });
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
    const { host, idle, observer, decisions } = this.options;
    if (decisions?.mayOpen() === false) {
      datagram.unreachable("prohibited");
      return null;
    }
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
      observer.failed(guest, first, ends);
      return null;
    }
    this.table.set(association.key, association);
    this.last = association;
    idle.add(association);
    observer.opened(guest, association.local, first, association.usage);
    return association;
  }
}
