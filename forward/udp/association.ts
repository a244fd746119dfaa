/**
 * One association: a guest's address and port, and the socket of the host that stands for it.
 *
 * @module
 */
import { type Endpoint, IpAddress, type IpVersion } from "../../stack/base/address.ts";
import type { EndReason } from "../report/end_report.ts";
import type { HostDatagram, HostDatagramHandler, HostError, HostNetwork, LostDatagram } from "../host/port.ts";
import type { Idling } from "./idle_table.ts";
import type { Key } from "./keys.ts";
import { type Peer, Peers } from "./peers.ts";
import { AssociationTraffic } from "./idle_timeout.ts";

const WILDCARDS: Readonly<Record<IpVersion, IpAddress>> = { 4: IpAddress.parse("0.0.0.0"), 6: IpAddress.parse("::") };

/**
 * The hop limits of hosts: they begin with 64, 128 or 255, of which routers behind the guest take a little. The host's own
 * one stands for all of them. What is lower is so on purpose, as traceroute's (which goes up to 30), and is kept.
 */
const USUAL_HOP_LIMIT = 48;

/**
 * The data that passes everywhere: of the datagrams that all hosts can receive (RFC 1122, section 3.3.2), and of the least
 * MTU of IPv6. Whether such may be fragmented makes no difference, so the socket is not told of it.
 */
const PASSES_EVERYWHERE: Readonly<Record<IpVersion, number>> = { 4: 576 - 28, 6: 1280 - 48 };

/** What an association needs of its owner. */
export interface AssociationOwner {
  /** The time in ms. */
  now(): number;
  /** The end of a socket for people, where it is bound to no address. */
  shown(local: Endpoint, remote: Endpoint): Endpoint;
  /** Hands an answer to the guest: `bytes[0..length)`, valid until it returns. */
  deliver(association: Association, bytes: Uint8Array, length: number, from: Endpoint): void;
  /** Tells the guest of a datagram that was lost on its way there. */
  lost(association: Association, error: HostError, to: Endpoint, lost: LostDatagram): void;
  /** Ends it. */
  end(association: Association, reason: EndReason): void;
}

/** See the module's text. */
export class Association implements HostDatagramHandler, Idling {
  readonly peers: Peers = new Peers();
  readonly usage: AssociationTraffic;
  /** The host's end, for people. */
  readonly local: Endpoint;
  private readonly socket: HostDatagram;
  private closed = false;
  /** As the socket was told: see {@linkcode HostDatagram.setPath}. */
  private hopLimit = 0;
  private dontFragment = false;

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
    this.usage = new AssociationTraffic(owner.now());
    this.socket = host.datagram({ address: WILDCARDS[guest.address.version], port: 0 }, this);
    this.local = owner.shown(this.socket.local, first);
  }

  /**
   * Says how the guest's next datagram travels.
   *
   * @param hopLimit as it came, at least 1; a router takes one of it
   * @param length of its data
   */
  setPath(hopLimit: number, dontFragment: boolean, length: number): void {
    const limit = hopLimit < USUAL_HOP_LIMIT ? hopLimit - 1 : 0;
    const small = length <= PASSES_EVERYWHERE[this.guest.address.version];
    const whole = dontFragment && (this.dontFragment || !small);
    if (limit === this.hopLimit && whole === this.dontFragment) return;
    this.hopLimit = limit;
    this.dontFragment = whole;
    this.socket.setPath(limit, whole);
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

  failed(error: HostError, to: Endpoint | null, lost: LostDatagram | null): void {
    if (this.closed || to === null || lost === null) return;
    if (this.peers.find(to.address.bytes, 0, to.address.version) === null) return; // ICMP can be forged
    this.owner.lost(this, error, to, lost);
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
