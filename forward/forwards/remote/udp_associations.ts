/**
 * Remote forwards for UDP. Each address and port of the guest that sends to a forward has one association, with its own
 * socket of the host. The policy is not asked, because the user has set up the forward.
 *
 *     guest's datagram → forward by its destination → association by its source → target
 *     target's answer  → association by its socket  → guest, from the address that the forward is bound to
 *
 * The guest's other associations have the same limit and idle times.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../../stack/base/address.ts";
import type { Scheduler } from "../../timers/scheduler.ts";
import type { DecisionObserver } from "../../report/decisions.ts";
import type { EndReason } from "../../report/end_report.ts";
import type { RemoteForwardObservers } from "../../report/flow_observers.ts";
import type { HostNetwork } from "../../host/host_network.ts";
import type { Shown } from "../../host/shown.ts";
import type { GuestDatagram, GuestSender } from "../../udp/associations.ts";
import { type LossErrors, lostPacket } from "../../udp/lost.ts";
import type { Unreachable } from "../../../stack/base/layers.ts";
import type { IdleTable } from "../../udp/idle_table.ts";
import { endpointKey, type Key } from "../../udp/keys.ts";
import { WaitingRoom } from "../../udp/waiting.ts";
import { RemoteUdpAssociation, type RemoteUdpAssociationOwner } from "./udp_association.ts";
import type { RemoteForward } from "./table.ts";

/** The options of {@linkcode RemoteUdpAssociations}. */
export interface RemoteUdpAssociationsOptions {
  readonly host: HostNetwork;
  readonly guest: GuestSender;
  readonly icmp: Pick<LossErrors, "unreachable">;
  readonly scheduler: Scheduler;
  /** Shared with the guest's other associations, and so is its limit. */
  readonly idle: IdleTable;
  readonly observers: RemoteForwardObservers;
  /** The end of a socket as the lines show it. */
  readonly shown: Shown;
  /** Called when the last association of a forward has ended. */
  readonly unused?: (forward: RemoteForward) => void;
  readonly decisions?: Pick<DecisionObserver, "mayOpen"> | undefined;
  /** Makes an association; a {@linkcode RemoteUdpAssociation} unless given. */
  readonly make?: (...parts: ConstructorParameters<typeof RemoteUdpAssociation>) => RemoteUdpAssociation;
}

/** All associations of the guest with remote forwards. */
export class RemoteUdpAssociations implements RemoteUdpAssociationOwner {
  readonly host: HostNetwork;
  readonly room: WaitingRoom = new WaitingRoom();
  readonly shown: Shown;
  /** By forward, then by the guest's endpoint. */
  private readonly tables = new Map<RemoteForward, Map<Key, RemoteUdpAssociation>>();
  private count = 0;

  constructor(private readonly options: RemoteUdpAssociationsOptions) {
    this.host = options.host;
    this.shown = options.shown;
  }

  /** The number of associations. */
  get size(): number {
    return this.count;
  }

  /** Takes a datagram of the guest to a forward. Called by the stack. */
  takeDatagram(datagram: GuestDatagram, forward: RemoteForward): void {
    const { bytes, version, guestAddress, guestPort, payload, length } = datagram;
    const key = endpointKey(bytes, guestAddress, version, guestPort);
    const known = this.tables.get(forward)?.get(key);
    if (known === undefined && this.options.decisions?.mayOpen() === false) return datagram.unreachable("prohibited");
    const association = known ?? this.open(datagram, forward);
    const { obstacle } = association;
    if (obstacle !== null) datagram.unreachable(obstacle);
    else association.sent(bytes, payload, length);
  }

  /** The guest reports by ICMP that its port is closed, so no answer can arrive any more. Called by the stack. */
  guestUnreachable(forward: RemoteForward, guest: Endpoint): void {
    this.tables.get(forward)?.get(keyOf(guest))?.guestUnreachable();
  }

  /** Ends all associations of a forward. */
  endAll(forward: RemoteForward, reason: EndReason): void {
    for (const association of [...this.tables.get(forward)?.values() ?? []]) association.end(reason);
  }

  // for associations

  now(): number {
    return this.options.scheduler.now();
  }

  deliver({ forward, guest }: RemoteUdpAssociation, bytes: Uint8Array, length: number): void {
    this.options.guest.sendBytes(forward.bind, guest, bytes, 0, length);
  }

  lost({ forward, guest }: RemoteUdpAssociation, what: Unreachable, data: Uint8Array, length: number): void {
    const packet = lostPacket(guest, forward.bind, data, length);
    this.options.icmp.unreachable(what, packet, 0, packet.length);
  }

  ended(association: RemoteUdpAssociation): void {
    const { forward, guest } = association;
    this.options.idle.delete(association);
    const table = this.tables.get(forward);
    if (table?.delete(keyOf(guest)) !== true) return;
    this.count--;
    if (table.size > 0) return;
    this.tables.delete(forward);
    this.options.unused?.(forward);
  }

  private open(datagram: GuestDatagram, forward: RemoteForward): RemoteUdpAssociation {
    const { bytes, version, guestAddress, guestPort } = datagram;
    const { idle, observers, make = makeAssociation } = this.options;
    const guest = { address: IpAddress.at(bytes, guestAddress, version), port: guestPort };
    idle.makeRoom();
    const association = make(guest, forward, this, observers(forward.bind));
    let table = this.tables.get(forward);
    if (table === undefined) this.tables.set(forward, table = new Map());
    table.set(keyOf(guest), association);
    this.count++;
    idle.add(association);
    association.start();
    return association;
  }
}

function makeAssociation(...parts: ConstructorParameters<typeof RemoteUdpAssociation>): RemoteUdpAssociation {
  return new RemoteUdpAssociation(...parts);
}

function keyOf({ address, port }: Endpoint): Key {
  return endpointKey(address.bytes, 0, address.version, port);
}
