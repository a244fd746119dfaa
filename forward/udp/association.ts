/**
 * One association: a guest's address and port, and the socket of the host that stands for it.
 *
 * @module
 */
import { type Endpoint, IpAddress, type IpVersion } from "../../stack/base/address.ts";
import type { EndReason } from "../report/end_report.ts";
import type { HostDatagram, HostDatagramHandler, HostError, HostNetwork } from "../host/port.ts";
import { UDP_FAILURE_MS } from "../limits/timeouts.ts";
import { unreachableFor } from "../host/unreachable.ts";
import type { Idling } from "./idle_table.ts";
import type { Key } from "./keys.ts";
import { type Peer, Peers } from "./peers.ts";
import { Usage } from "./usage.ts";

const WILDCARDS: Readonly<Record<IpVersion, IpAddress>> = { 4: IpAddress.parse("0.0.0.0"), 6: IpAddress.parse("::") };

/** What an association needs of its owner. */
export interface AssociationOwner {
  /** The time in ms. */
  now(): number;
  /** The end of a socket for people, where it is bound to no address. */
  shown(local: Endpoint, remote: Endpoint): Endpoint;
  /** Hands an answer to the guest: `bytes[0..length)`, valid until it returns. */
  deliver(association: Association, bytes: Uint8Array, length: number, from: Endpoint): void;
  /** Ends it. */
  end(association: Association, reason: EndReason): void;
}

/** See the module's text. */
export class Association implements HostDatagramHandler, Idling {
  readonly peers: Peers = new Peers();
  readonly usage: Usage;
  /** The host's end, for people. */
  readonly local: Endpoint;
  private readonly socket: HostDatagram;
  private closed = false;

  /**
   * Opens the host's socket. Throws a HostError.
   *
   * @param key where its owner keeps it
   * @param guest whose it is
   * @param first where its first datagram goes
   */
  constructor(
    readonly key: Key,
    readonly guest: Endpoint,
    readonly first: Endpoint,
    host: HostNetwork,
    private readonly owner: AssociationOwner,
  ) {
    this.usage = new Usage(owner.now());
    this.socket = host.datagram({ address: WILDCARDS[guest.address.version], port: 0 }, this);
    this.local = owner.shown(this.socket.local, first);
  }

  /** Sends `bytes[offset .. offset + length)` to a port of a peer. */
  send(bytes: Uint8Array, offset: number, length: number, peer: Peer, port: number): void {
    if (peer.endpoint.port !== port) peer.endpoint = { address: peer.address, port };
    peer.sentAt = this.owner.now();
    this.usage.noteSent(peer.sentAt, length, port);
    this.socket.send(bytes, offset, length, peer.endpoint);
  }

  received(bytes: Uint8Array, length: number, from: Endpoint): void {
    const { address } = from;
    if (this.closed || this.peers.find(address.bytes, 0, address.version) === null) return;
    this.usage.noteAnswered(this.owner.now(), length);
    this.owner.deliver(this, bytes, length, from);
  }

  failed(error: HostError, to: Endpoint | null): void {
    const peer = to === null ? null : this.peers.find(to.address.bytes, 0, to.address.version);
    if (peer === null) return;
    peer.failure = unreachableFor(error.failure);
    peer.failureUntil = this.owner.now() + UDP_FAILURE_MS;
  }

  end(reason: EndReason): void {
    this.owner.end(this, reason);
  }

  /** Closes the socket. */
  close(): void {
    this.closed = true;
    this.socket.close();
  }
}
