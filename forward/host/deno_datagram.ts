/**
 * A UDP socket of Deno's as a {@linkcode HostDatagram}.
 *
 * Receiving: one buffer per socket, reused for each datagram. Sending: one datagram at a time, because Deno sends several
 * in any order (usually the last first). So datagrams are copied and wait in a queue of bounded length. When the queue is
 * full, further ones are dropped, as UDP allows.
 *
 * An unconnected socket gets ICMP errors only if it asks for them (IP_RECVERR), and Deno has no call for that. So `failed`
 * reports only errors that the kernel knows at the time of sending, such as a missing route.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import type { HostDatagram, HostDatagramHandler, LostDatagram } from "./host_network.ts";
import { endpointOf, zonedAddress } from "./deno_address.ts";
import { hostError } from "./errors.ts";
import { MAX_QUEUED_DATAGRAMS, MAX_RECEIVE_ERRORS } from "../limits/limits.ts";
import type { SendCopies } from "./send_copies.ts";
import type { SlabBuffers } from "./slab_buffers.ts";

/** A UDP socket of Deno's. */
export class DenoDatagram implements HostDatagram {
  readonly local: Endpoint;
  /** How many datagrams were dropped because the queue was full. */
  dropped = 0;
  private closed = false;
  private readonly buffer: Uint8Array;
  /** Receive errors since the last datagram. */
  private errors = 0;
  /** The datagrams to send, the oldest first; the first one is being sent. */
  private readonly queue: QueuedDatagram[] = [];
  /** The endpoint of the last datagram each way, and Deno's form of it: most datagrams go where the last one went. */
  private lastTo: Endpoint | null = null;
  private lastToAddress: Deno.NetAddr | null = null;
  private lastFrom: Endpoint | null = null;
  private lastFromHost = "";

  /** Takes the socket over. */
  constructor(
    private readonly socket: Deno.DatagramConn,
    private readonly handler: HostDatagramHandler,
    private readonly buffers: SlabBuffers,
    private readonly copies: SendCopies,
    private readonly zone: string | undefined,
  ) {
    this.local = endpointOf(netAddress(socket.addr));
    this.buffer = buffers.take();
    this.receive();
  }

  send(bytes: Uint8Array, offset: number, length: number, to: Endpoint): void {
    if (this.closed) return;
    const copy = this.queue.length < MAX_QUEUED_DATAGRAMS ? this.copies.make(bytes, offset, length) : null;
    if (copy === null) {
      this.dropped++;
      return;
    }
    this.queue.push({ copy, to });
    if (this.queue.length === 1) this.sendNext();
  }

  /** Deno has no call for this. */
  setPath(): void {}

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.socket.close(); // the pending receive fails, and gives the buffer back
  }

  private readonly receive = (): void => {
    this.socket.receive(this.buffer).then(this.received, this.receiveFailed);
  };

  private readonly received = ([bytes, from]: [Uint8Array, Deno.Addr]): void => {
    if (this.closed) return this.buffers.release(this.buffer);
    this.errors = 0;
    const address = netAddress(from);
    if (this.lastFrom === null || address.port !== this.lastFrom.port || address.hostname !== this.lastFromHost) {
      this.lastFrom = endpointOf(address);
      this.lastFromHost = address.hostname;
    }
    this.handler.received(this.buffer, bytes.length, this.lastFrom, null); // the runtime does not give the address
    this.receive();
  };

  private readonly receiveFailed = (error: unknown): void => {
    if (this.closed) return this.buffers.release(this.buffer);
    this.handler.failed(hostError(error, `receive on udp ${formatEndpoint(this.local)}`), null, null);
    // An error is about one datagram. A socket that gives only errors is broken: reading on would spin.
    if (++this.errors < MAX_RECEIVE_ERRORS) this.receive();
    else this.buffers.release(this.buffer);
  };

  private sendNext(): void {
    const { copy, to } = this.queue[0];
    let address = this.lastToAddress;
    if (to !== this.lastTo || address === null) {
      address = { transport: "udp", hostname: zonedAddress(to.address, this.zone), port: to.port };
      this.lastTo = to;
      this.lastToAddress = address;
    }
    this.socket.send(copy, address).then(this.sent, this.sendFailed);
  }

  private readonly sent = (): void => {
    this.copies.release(this.queue.shift()!.copy);
    if (this.closed) {
      for (const { copy } of this.queue.splice(0)) this.copies.release(copy);
    } else if (this.queue.length > 0) {
      this.sendNext();
    }
  };

  private readonly sendFailed = (error: unknown): void => {
    const { copy, to } = this.queue[0];
    if (!this.closed) this.handler.failed(hostError(error, `send to udp ${formatEndpoint(to)}`), to, lost(copy));
    this.sent();
  };
}

/** A waiting datagram. */
interface QueuedDatagram {
  readonly copy: Uint8Array<ArrayBuffer>;
  readonly to: Endpoint;
}

/** How much of a lost datagram is kept for an ICMP error. */
const QUOTATION = 512;

/** A report without an MTU, which Deno does not give. */
function lost(datagram: Uint8Array): LostDatagram {
  return { icmp: null, mtu: 0, data: datagram.slice(0, QUOTATION), length: datagram.length };
}

function netAddress(address: Deno.Addr): Deno.NetAddr {
  if (address.transport === "tcp" || address.transport === "udp") return address;
  throw new TypeError(`not an IP socket's address: ${address.transport}`);
}
