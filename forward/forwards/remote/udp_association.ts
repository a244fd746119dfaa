/**
 * One association of the guest with a remote forward for UDP: an address and port of the guest, and a socket of the host
 * that sends to the target and takes answers only from there.
 *
 * The guest's datagrams wait until the target's name has an address.
 *
 * @module
 */
import type { Endpoint } from "../../../stack/base/address.ts";
import type { Unreachable } from "../../../stack/base/layers.ts";
import { WILDCARDS } from "../../addresses/wildcards.ts";
import { type EndReason, endReason, EndReasons, EndReport, EOF } from "../../report/end_report.ts";
import type { RemoteForwardObserver } from "../../report/flow_observers.ts";
import {
  type HostDatagram,
  type HostDatagramHandler,
  HostError,
  type HostNetwork,
  type LostDatagram,
} from "../../host/host_network.ts";
import type { Idling } from "../../udp/idle_table.ts";
import { AssociationTraffic } from "../../udp/idle_timeout.ts";
import { WaitingDatagrams, type WaitingRoom } from "../../udp/waiting.ts";
import { LookupError } from "../../names/lookup.ts";
import { unreachableFor } from "../../host/unreachable.ts";
import type { RemoteForward } from "./table.ts";

/** The calls of an association to its owner, and the parts that the owner provides. */
export interface RemoteUdpAssociationOwner {
  readonly host: HostNetwork;
  readonly room: WaitingRoom;
  now(): number;
  /** The end of a socket as the lines show it. */
  shown(local: Endpoint, remote: Endpoint): Endpoint;
  /** Sends the answer `bytes[0..length)`, valid until the call returns, to the guest. */
  deliver(association: RemoteUdpAssociation, bytes: Uint8Array, length: number): void;
  /** Reports to the guest that a datagram was lost. Its data begins with `data` and has `length` bytes. */
  lost(association: RemoteUdpAssociation, what: Unreachable, data: Uint8Array, length: number): void;
  /** The association has ended. */
  ended(association: RemoteUdpAssociation): void;
}

/** An association of the guest with a remote forward. */
export class RemoteUdpAssociation implements HostDatagramHandler, Idling {
  readonly usage: AssociationTraffic;
  /** The ICMP error that answers all datagrams, because there is no socket; null: they may be sent. */
  obstacle: Unreachable | null = null;
  private socket: HostDatagram | null = null;
  private target: Endpoint | null = null;
  /** The socket's end, as the lines show it. */
  private local: Endpoint | null = null;
  private readonly waiting: WaitingDatagrams;
  private over = false;

  constructor(
    readonly guest: Endpoint,
    readonly forward: RemoteForward,
    protected readonly owner: RemoteUdpAssociationOwner,
    private readonly observer: RemoteForwardObserver,
  ) {
    this.usage = new AssociationTraffic(owner.now());
    this.waiting = new WaitingDatagrams(owner.room);
  }

  /** Finds the target. The association may be over when this returns. */
  start(): void {
    const { target } = this.forward;
    const known = target.known();
    if (known !== null) return this.open(known);
    target.ask().then(
      (endpoint) => {
        if (!this.over) this.open(endpoint);
      },
      (error: unknown) => {
        if (this.over) return;
        this.observer.unresolved(this.guest, target.name, error instanceof Error ? error.message : String(error));
        this.giveUp(error instanceof LookupError && error.prohibited ? "prohibited" : "host");
      },
    );
  }

  /** Takes the guest's datagram `bytes[offset .. offset + length)`. */
  sent(bytes: Uint8Array, offset: number, length: number): void {
    this.pass(bytes, offset, length);
  }

  /** Sends `bytes[offset .. offset + length)` to the target, as soon as that is known. */
  protected pass(bytes: Uint8Array, offset: number, length: number): void {
    const { socket, target } = this;
    if (this.over) return;
    if (socket === null || target === null) return this.waiting.add(bytes, offset, length);
    this.usage.noteSent(this.owner.now(), length, target.port);
    socket.send(bytes, offset, length, target);
  }

  received(bytes: Uint8Array, length: number, from: Endpoint): void {
    const { target } = this;
    if (this.over || from.port !== target?.port || !from.address.equals(target.address)) return;
    this.usage.noteAnswered(this.owner.now(), length);
    this.owner.deliver(this, bytes, length);
    if (this.forward.oneAnswer) this.close("r-read", EOF);
  }

  /** Reports only that the target failed: the guest must not learn about the network behind the forward. */
  failed(error: HostError, _to: Endpoint | null, lost: LostDatagram | null): void {
    const what = unreachableFor(error.failure);
    if (!this.over && what !== null && lost !== null) this.owner.lost(this, what, lost.data, lost.length);
  }

  /** The guest reports by ICMP that its port is closed. */
  guestUnreachable(): void {
    this.close("l-read", EndReasons.REFUSED);
  }

  end(reason: EndReason): void {
    this.close("l-read", reason);
  }

  private open(target: Endpoint): void {
    const { owner, guest, observer } = this;
    try {
      this.socket = owner.host.datagram({ address: WILDCARDS[target.address.version], port: 0 }, this);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      const ends = new EndReport();
      ends.record("r-write", endReason(error));
      observer.failed(guest, target, ends);
      this.giveUp(unreachableFor(error.failure) ?? "port");
      return;
    }
    this.target = target;
    this.local = owner.shown(this.socket.local, target);
    observer.opened(guest, this.local, target, this.usage);
    for (const bytes of this.waiting.take()) this.pass(bytes, 0, bytes.length);
  }

  /** The target can't be reached: answers the datagrams that wait, and all later ones, with an ICMP error. */
  private giveUp(what: Unreachable): void {
    this.obstacle = what;
    for (const bytes of this.waiting.take()) this.owner.lost(this, what, bytes, bytes.length);
    this.finish();
  }

  private close(end: "l-read" | "r-read", reason: EndReason): void {
    const { local, target } = this;
    if (this.over) return;
    this.finish();
    if (local === null || target === null) return; // it was never open
    const ends = new EndReport();
    ends.record(end, reason);
    this.observer.done(this.guest, local, target, ends);
  }

  /** Called once, when the association is over. */
  protected finish(): void {
    this.over = true;
    this.waiting.take();
    this.socket?.close();
    this.owner.ended(this);
  }
}
