/**
 * One association: a guest's address and port, and the socket of the host that stands for it.
 *
 * @module
 */
import { type Endpoint, IpAddress, type IpVersion } from "../../stack/address.ts";
import type { HostDatagram, HostDatagramHandler, HostError, HostNetwork } from "../host.ts";
import { ASSOCIATION_IDLE_MS, DNS_IDLE_MS, EXCHANGE_IDLE_MS, UDP_FAILURE_MS } from "../limits.ts";
import { unreachableFor } from "../unreachable.ts";
import type { Key } from "./keys.ts";
import { type Peer, Peers } from "./peers.ts";

/** RFC 1035, section 4.2.1 */
const DNS_PORT = 53;

const WILDCARDS: Readonly<Record<IpVersion, IpAddress>> = { 4: IpAddress.parse("0.0.0.0"), 6: IpAddress.parse("::") };

/** What an association needs of its owner. */
export interface AssociationOwner {
  /** The time in ms. */
  now(): number;
  /** Hands an answer to the guest: `bytes[0..length)`, valid until it returns. */
  deliver(association: Association, bytes: Uint8Array, length: number, from: Endpoint): void;
}

/** See the module's text. */
export class Association implements HostDatagramHandler {
  readonly peers: Peers = new Peers();
  /** When a datagram last passed, in ms. */
  usedAt: number;
  private readonly socket: HostDatagram;
  private sent = 0;
  private answered = 0;
  private dnsOnly = true;
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
    this.usedAt = owner.now();
    this.socket = host.datagram({ address: WILDCARDS[guest.address.version], port: 0 }, this);
  }

  /** The host's end. */
  get local(): Endpoint {
    return this.socket.local;
  }

  /** How long it may be idle, in ms. */
  get idleTime(): number {
    if (this.dnsOnly) return DNS_IDLE_MS;
    return this.sent <= 1 && this.answered <= 1 ? EXCHANGE_IDLE_MS : ASSOCIATION_IDLE_MS;
  }

  /** Sends `bytes[offset .. offset + length)` to a port of a peer. */
  send(bytes: Uint8Array, offset: number, length: number, peer: Peer, port: number): void {
    if (peer.endpoint.port !== port) peer.endpoint = { address: peer.address, port };
    if (port !== DNS_PORT) this.dnsOnly = false;
    this.sent++;
    this.usedAt = peer.sentAt = this.owner.now();
    this.socket.send(bytes, offset, length, peer.endpoint);
  }

  received(bytes: Uint8Array, length: number, from: Endpoint): void {
    const { address } = from;
    if (this.closed || this.peers.find(address.bytes, 0, address.version) === null) return;
    this.answered++;
    this.usedAt = this.owner.now();
    this.owner.deliver(this, bytes, length, from);
  }

  failed(error: HostError, to: Endpoint | null): void {
    const peer = to === null ? null : this.peers.find(to.address.bytes, 0, to.address.version);
    if (peer === null) return;
    peer.failure = unreachableFor(error.failure);
    peer.failureUntil = this.owner.now() + UDP_FAILURE_MS;
  }

  close(): void {
    this.closed = true;
    this.socket.close();
  }
}
