/**
 * One association: an address and port of the guest, and the socket of the host that stands for them.
 *
 * @module
 */
import type { Endpoint, IpVersion } from "../../stack/base/address.ts";
import { WILDCARDS } from "../addresses/wildcards.ts";
import type { EndReason } from "../report/end_report.ts";
import { onwardHopLimit } from "../host/hop_limit.ts";
import type { HostDatagram, HostDatagramHandler, HostError, HostNetwork, LostDatagram } from "../host/host_network.ts";
import type { Idling } from "./idle_table.ts";
import type { Key } from "./keys.ts";
import { type Peer, Peers } from "./peers.ts";
import { AssociationTraffic } from "./idle_timeout.ts";

/**
 * The length of data that passes everywhere: all hosts can receive such datagrams over IPv4 (RFC 1122, section 3.3.2), and
 * they fit the least MTU of IPv6. "Don't fragment" makes no difference to them, so the socket is not set up for it.
 */
const PASSES_EVERYWHERE: Readonly<Record<IpVersion, number>> = { 4: 576 - 28, 6: 1280 - 48 };

/** The calls of an association to its owner. */
export interface AssociationOwner {
  /** The time in ms. */
  now(): number;
  /** The end of a socket as the lines show it. */
  shown(local: Endpoint, remote: Endpoint): Endpoint;
  /** Sends the answer `bytes[0..length)`, valid until the call returns, to the guest. */
  deliver(association: Association, bytes: Uint8Array, length: number, from: Endpoint): void;
  /** Reports a datagram to the guest that was lost on its way to `to`. */
  lost(association: Association, error: HostError, to: Endpoint, lost: LostDatagram): void;
  /** Ends the association. */
  end(association: Association, reason: EndReason): void;
}

/** An association of the guest. */
export class Association implements HostDatagramHandler, Idling {
  readonly peers: Peers = new Peers();
  readonly usage: AssociationTraffic;
  /** The host's end, as the lines show it. */
  readonly local: Endpoint;
  private readonly socket: HostDatagram;
  private closed = false;
  /** The last arguments of {@linkcode HostDatagram.setPath}. */
  private hopLimit = 0;
  private dontFragment = false;

  /**
   * Opens the host's socket. Throws a HostError.
   *
   * @param key its key in the owner's table
   * @param guest the guest's end
   * @param first the destination of its first datagram
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
   * Sets how the guest's next datagram travels.
   *
   * @param hopLimit its hop limit on arrival, at least 1; this program takes one hop, as a router does
   * @param length the length of its data
   */
  setPath(hopLimit: number, dontFragment: boolean, length: number): void {
    const limit = onwardHopLimit(hopLimit);
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
