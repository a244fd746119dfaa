/**
 * Real pings for a guest: the host's sockets send its echo requests, and the replies and errors are reported.
 *
 * Each of the guest's identifiers (each running `ping`) is mapped to an identifier of the host. It has a ping socket of
 * its own, whose identifier the kernel chooses. If only raw sockets are permitted, it gets a free number on a shared
 * raw socket. The kind is found by trying, with the first request of each IP version. Sequence numbers and payloads
 * stay unchanged.
 *
 *     request   identifier → flow; flow, sequence and destination → waiting, with the caller's token; sent
 *     reply     identifier → flow; flow, sequence and sender → no longer waiting; reported
 *     error     the same, by the request's header that the error quotes and the destination that the kernel has kept
 *
 * A failure on the host itself (no route, forbidden) is reported as the ICMP error that a router would send, without a
 * sender.
 *
 * Everything is bounded: the oldest waiting request makes room for a new one, and so does the flow that has been idle
 * the longest. Only {@linkcode PingSockets.sweep} removes requests and flows because of their age.
 *
 * @module
 */
import type { IcmpReport } from "../../forward/host/host_network.ts";
import type { Endpoint, IpAddress, IpVersion } from "../../stack/base/address.ts";
import { type EchoError, type EchoPort, type EchoReceiver, isSender, type OpenEcho } from "./echo_socket.ts";
import {
  EACCES,
  EHOSTUNREACH,
  EINVAL,
  EMFILE,
  EMSGSIZE,
  ENETUNREACH,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  EPERM,
  SystemError,
} from "../libc/errors.ts";
import { sockaddrIs } from "../libc/sockaddr.ts";

/** The time to wait for an answer, and to keep an idle identifier: Linux's nf_conntrack_icmp_timeout. */
export const PING_TIMEOUT_MS = 30_000;

/** The command that allows everybody to ping. */
const ALLOW = "sysctl -w net.ipv4.ping_group_range='0 2147483647'";

/**
 * Receives the outcomes of a {@linkcode PingSockets}; never called from within a call. `T` is the type of `send`'s
 * token.
 */
export interface PingHandler<T> {
  /** The reply: its payload is `bytes[offset .. offset + length)`, valid until the call returns. */
  reply(token: T, bytes: Uint8Array, offset: number, length: number, hopLimit: number): void;
  /**
   * An ICMP error. If the host itself could not send the request, it has no sender.
   *
   * @param mtu if the request was too large, the largest IP packet that passes, in bytes; otherwise, or if unknown, 0
   */
  failed(token: T, icmp: IcmpReport, mtu: number): void;
}

/** Options of a {@linkcode PingSockets}. */
export interface PingOptions<T> {
  readonly open: OpenEcho;
  readonly handler: PingHandler<T>;
  /** The time in ms, by a clock that doesn't go back. */
  readonly now: () => number;
  /** The most requests that wait for an answer. */
  readonly maxWaiting: number;
  /** The most identifiers in use. Each may need a descriptor. */
  readonly maxFlows: number;
  /** The source address of requests, by IP version; by default the system chooses. */
  readonly source4?: IpAddress | null;
  readonly source6?: IpAddress | null;
  /** Called once for an IP version when neither kind of socket is permitted. Its requests fail as prohibited. */
  readonly unavailable?: (version: IpVersion, error: SystemError) => void;
}

/** The use of a limit, and the number of times that it was exceeded. */
export interface PingUsage {
  readonly current: number;
  readonly limit: number;
  readonly overflows: number;
}

/** Identifies a sender of requests: its ICMP identifier, with its address when there are several senders. */
export type PingKey = number | string;

/** A waiting request. Requests of one flow with the same sequence number, to several destinations, form a list. */
interface Waiting<T> {
  readonly flow: Flow<T>;
  readonly sequence: number;
  readonly destination: IpAddress;
  readonly token: T;
  readonly sentAt: number;
  next: Waiting<T> | undefined;
}

/** One of the guest's identifiers, with its socket. */
interface Flow<T> {
  readonly key: PingKey;
  readonly socket: EchoPort;
  readonly identifier: number;
  readonly waiting: Map<number, Waiting<T>>;
  usedAt: number;
}

/** The sockets of one IP version. */
class Family<T> {
  /** The flows in the order of their last use. */
  readonly flows = new Map<PingKey, Flow<T>>();
  readonly byIdentifier = new Map<number, Flow<T>>();
  /** The socket of all flows, if ping sockets are not permitted. */
  raw: EchoPort | null = null;
  unavailable = false;

  constructor(readonly version: IpVersion, readonly source: IpAddress | null) {}
}

/** Sends the guest's echo requests from sockets of the host, and reports the replies and errors. */
export class PingSockets<T> implements EchoReceiver {
  private readonly four: Family<T>;
  private readonly six: Family<T>;
  /** The waiting requests, oldest first. */
  private readonly waiting = new Set<Waiting<T>>();
  private closed = false;
  /** Requests, and identifiers, that were removed to make room. */
  private waitingEvicted = 0;
  private flowsEvicted = 0;

  constructor(private readonly options: PingOptions<T>) {
    this.four = new Family(4, options.source4 ?? null);
    this.six = new Family(6, options.source6 ?? null);
  }

  /** Requests that wait for an answer. */
  get waitingUsage(): PingUsage {
    return { current: this.waiting.size, limit: this.options.maxWaiting, overflows: this.waitingEvicted };
  }

  /** Identifiers in use, of both versions of IP. */
  get flowsUsage(): PingUsage {
    return { current: this.flows, limit: this.options.maxFlows, overflows: this.flowsEvicted };
  }

  /** Identifiers in use. */
  get flows(): number {
    return this.four.flows.size + this.six.flows.size;
  }

  /**
   * Sends an echo request with the payload `bytes[offset .. offset + length)`, at most 65,507 bytes of it.
   *
   * @param key the guest's identifier
   * @param hopLimit 1 to 255
   * @param token passed to the handler with the answer
   */
  send(
    destination: IpAddress,
    key: PingKey,
    sequence: number,
    hopLimit: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    token: T,
  ): void {
    if (this.closed) return;
    const family = this.family(destination.version);
    const flow = this.flow(family, key);
    if (flow === null) {
      if (family.unavailable) this.fail(token, family.version, EACCES, 0);
      return;
    }
    flow.usedAt = this.options.now();
    const { socket, identifier } = flow;
    const reason = socket.send(destination, identifier, sequence, hopLimit, bytes, offset, length);
    if (reason !== 0) return this.fail(token, family.version, reason, socket.mtu);
    const again = this.find(flow, sequence, (other) => other.equals(destination));
    if (again !== undefined) this.forget(again);
    if (this.waiting.size >= this.options.maxWaiting) this.forgetOldest();
    const next = flow.waiting.get(sequence);
    const waiting: Waiting<T> = { flow, sequence, destination, token, sentAt: flow.usedAt, next };
    flow.waiting.set(sequence, waiting);
    this.waiting.add(waiting);
  }

  /** Removes requests that have waited, and flows that have been idle, for too long. Called regularly. */
  sweep(): void {
    const before = this.options.now() - PING_TIMEOUT_MS;
    for (const waiting of this.waiting) {
      if (waiting.sentAt > before) break;
      this.forget(waiting);
    }
    for (const family of [this.four, this.six]) {
      for (const flow of family.flows.values()) {
        if (flow.usedAt > before) break;
        this.end(family, flow);
      }
    }
  }

  /** Closes all sockets. The handler is not called afterwards. */
  close(): void {
    this.closed = true;
    for (const family of [this.four, this.six]) {
      for (const flow of family.flows.values()) this.end(family, flow);
      family.raw?.close();
    }
  }

  /** Called by the sockets. */
  replied(
    socket: EchoPort,
    identifier: number,
    sequence: number,
    from: Uint8Array,
    bytes: Uint8Array,
    offset: number,
    length: number,
    hopLimit: number,
  ): void {
    const flow = this.family(socket.version).byIdentifier.get(identifier);
    if (flow === undefined || flow.socket !== socket || !isSender(from)) return;
    const waiting = this.find(flow, sequence, (destination) => sockaddrIs(from, 0, destination));
    if (waiting === undefined) return;
    this.forget(waiting);
    this.options.handler.reply(waiting.token, bytes, offset, length, hopLimit);
  }

  /** Called by the sockets. */
  refused(socket: EchoPort, identifier: number, sequence: number, to: Endpoint, errors: EchoError): void {
    const flow = this.family(socket.version).byIdentifier.get(identifier);
    if (flow === undefined || flow.socket !== socket) return;
    const waiting = this.find(flow, sequence, (destination) => destination.equals(to.address));
    if (waiting === undefined) return;
    this.forget(waiting);
    const { icmp, errno, mtu } = errors;
    if (icmp !== null) this.report(waiting.token, icmp, mtu);
    else this.fail(waiting.token, socket.version, errno, mtu);
  }

  private family(version: IpVersion): Family<T> {
    return version === 4 ? this.four : this.six;
  }

  /** The flow with that key, which is made if there is none; null: that is impossible. */
  private flow(family: Family<T>, key: PingKey): Flow<T> | null {
    const known = family.flows.get(key);
    if (known !== undefined) {
      family.flows.delete(key); // to the end
      family.flows.set(key, known);
      return known;
    }
    if (family.unavailable) return null;
    if (this.flows >= this.options.maxFlows) this.endOldest();
    const socket = this.open(family);
    if (socket === null) return null;
    const identifier = socket.kind === "ping" ? socket.identifier : freeIdentifier(family.byIdentifier);
    const flow: Flow<T> = { key, socket, identifier, waiting: new Map(), usedAt: 0 };
    family.flows.set(key, flow);
    family.byIdentifier.set(identifier, flow);
    return flow;
  }

  /** A socket for a new flow; null: none can be opened. */
  private open(family: Family<T>): EchoPort | null {
    if (family.raw !== null) return family.raw;
    const { version, source } = family;
    const { open, unavailable } = this.options;
    try {
      return open(version, "ping", source, this);
    } catch (error) {
      if (isPassing(error)) return null;
    }
    try {
      return family.raw = open(version, "raw", source, this);
    } catch (error) {
      if (isPassing(error)) return null;
      family.unavailable = true;
      unavailable?.(version, withAdvice(error));
      return null;
    }
  }

  private end(family: Family<T>, flow: Flow<T>): void {
    for (let waiting of flow.waiting.values()) {
      this.waiting.delete(waiting);
      while (waiting.next !== undefined) this.waiting.delete(waiting = waiting.next);
    }
    flow.waiting.clear();
    family.flows.delete(flow.key);
    family.byIdentifier.delete(flow.identifier);
    if (flow.socket !== family.raw) flow.socket.close();
  }

  private endOldest(): void {
    const [four] = this.four.flows.values(), [six] = this.six.flows.values();
    if (six === undefined || (four !== undefined && four.usedAt <= six.usedAt)) this.end(this.four, four!);
    else this.end(this.six, six);
    this.flowsEvicted++;
  }

  private find(
    flow: Flow<T>,
    sequence: number,
    isIt: (destination: IpAddress) => boolean,
  ): Waiting<T> | undefined {
    let waiting = flow.waiting.get(sequence);
    while (waiting !== undefined && !isIt(waiting.destination)) waiting = waiting.next;
    return waiting;
  }

  private forget(waiting: Waiting<T>): void {
    this.waiting.delete(waiting);
    const { flow, sequence, next } = waiting;
    const first = flow.waiting.get(sequence);
    if (first === waiting) {
      if (next === undefined) flow.waiting.delete(sequence);
      else flow.waiting.set(sequence, next);
      return;
    }
    let before = first;
    while (before !== undefined && before.next !== waiting) before = before.next;
    if (before !== undefined) before.next = next;
  }

  private forgetOldest(): void {
    const [oldest] = this.waiting;
    this.forget(oldest!);
    this.waitingEvicted++;
  }

  /** Reports a failure on the host itself. A temporary lack of room is not reported: the request is just lost. */
  private fail(token: T, version: IpVersion, reason: number, mtu: number): void {
    const error = routerError(version, reason);
    if (error !== null) this.report(token, { ...error, from: null }, mtu);
  }

  /** Reports in a microtask, since the failure may be known within `send` already. */
  private report(token: T, icmp: IcmpReport, mtu: number): void {
    queueMicrotask(() => {
      if (!this.closed) this.options.handler.failed(token, icmp, mtu);
    });
  }
}

/** Whether opening a socket may succeed later. Rethrows an error that is not a SystemError. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof SystemError)) throw error;
  return error.errno === EMFILE || error.errno === ENFILE || error.errno === ENOBUFS || error.errno === ENOMEM;
}

function withAdvice(error: unknown): SystemError {
  if (!(error instanceof SystemError)) throw error;
  const { syscall, errno, subject } = error;
  if (errno !== EACCES && errno !== EPERM) return error;
  return new SystemError(syscall, errno, subject, `allow pings to this group (${ALLOW}), or give CAP_NET_RAW`);
}

/**
 * The ICMP error of a router (RFC 1812, section 5.2.7.1; RFC 4443, section 3.1) for an errno of sendmsg; null: none.
 */
function routerError(version: IpVersion, reason: number): Omit<IcmpReport, "from"> | null {
  const four = version === 4;
  switch (reason) {
    case ENETUNREACH:
    case EINVAL: // the answer of a `blackhole` route
      return four ? { type: 3, code: 0 } : { type: 1, code: 0 };
    case EHOSTUNREACH:
      return four ? { type: 3, code: 1 } : { type: 1, code: 3 };
    case EACCES:
    case EPERM:
      return four ? { type: 3, code: 13 } : { type: 1, code: 1 };
    case EMSGSIZE:
      return four ? { type: 3, code: 4 } : { type: 2, code: 0 };
    default:
      return null;
  }
}

/** A free identifier: the first after a random one. There are more identifiers than flows. */
function freeIdentifier(used: ReadonlyMap<number, unknown>): number {
  const random = new Uint16Array(1);
  crypto.getRandomValues(random);
  for (let i = 0; i < 0x1_0000; i++) {
    const identifier = (random[0] + i) & 0xffff;
    if (!used.has(identifier)) return identifier;
  }
  throw new Error("more flows than identifiers");
}
