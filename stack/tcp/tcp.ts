/**
 * The TCP layer: finds the connection of a segment, makes new ones, and keeps their number within limits.
 *
 * Every connection, every SYN that waits for a verdict ({@linkcode Request}) and every {@linkcode TimeWait} is an entry
 * in one {@linkcode FlowTable}. A connection to which something happened is woken once, at the end of the turn
 * ({@linkcode Tcp.flush}).
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../base/address.ts";
import { type Allocate, type FramePool, Transmit } from "../base/device.ts";
import { FIRST_DYNAMIC_PORT, freePort } from "../base/free_port.ts";
import { FlowTable } from "../base/flow_table.ts";
import type { IcmpErrors, IpSender, Timers } from "../base/layers.ts";
import type { Packet } from "../base/packet.ts";
import { transportChecksumOk } from "../wire/checksum.ts";
import { ACK, RST, Segment, SYN, TCP_PROTOCOL } from "../wire/tcp.ts";
import { get16, get32 } from "../base/bytes.ts";
import { BareSegments } from "./bare_segments.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { CHALLENGE_ACKS, DEFAULT_TCP_LIMITS, type TcpLimits } from "./numbers/constants.ts";
import type { TcpCounters } from "./context.ts";
import type { Unreachable } from "../base/layers.ts";
import type { TcpFlow, TcpHandler, TcpRequest } from "./flow.ts";
import { BufferMemory } from "./buffers/memory.ts";
import { Request, type RequestOwner } from "./request.ts";
import { InitialSequences } from "./numbers/initial_sequence.ts";
import { seqAdd } from "./numbers/sequence.ts";
import { TimeWait, TimeWaits } from "./time_wait.ts";

/** Options of {@linkcode Tcp}. */
export interface TcpOptions {
  readonly ip: IpSender;
  readonly icmp: IcmpErrors;
  /** The time in ms, monotonic. */
  readonly clock: () => number;
  /** Returns a random unsigned 32-bit number. */
  readonly random: () => number;
  readonly allocate: Allocate;
  readonly frames: FramePool;
  readonly timers: Timers;
  /** A SYN arrived that no connection knows. */
  readonly onRequest: (request: TcpRequest) => void;
  readonly limits?: Partial<TcpLimits> | undefined;
}

/** The bytes of a SYN's IP packet that are kept for the quotation in an ICMP error: the header and 64 bytes. */
const QUOTATION = 104;

type Entry = Connection | Request | TimeWait;

/** The TCP layer of a stack. */
export class Tcp implements ConnectionOwner, RequestOwner {
  readonly memory: BufferMemory;
  readonly transmit: Transmit;
  readonly ip: IpSender;
  readonly timers: Timers;
  private readonly timestampOffset: number;
  readonly counters: TcpCounters = {
    segmentsIn: 0,
    segmentsOut: 0,
    malformed: 0,
    badChecksum: 0,
    retransmissions: 0,
    resetsIn: 0,
    resetsOut: 0,
    accepted: 0,
    connected: 0,
    timeouts: 0,
    overflows: 0,
    halfOpenEvicted: 0,
    connectionsRefused: 0,
  };

  readonly limits: TcpLimits;
  private readonly table: FlowTable<Entry>;
  private readonly bare: BareSegments;
  private readonly initialSequences: InitialSequences;
  private readonly segment = new Segment();
  private readonly awake: Connection[] = [];
  /** The half-open connections, oldest first. */
  private readonly halfOpen = new Set<Connection>();
  private readonly timeWaits: TimeWaits;
  private requestCount = 0;
  private connectionCount = 0;
  private time = 0;
  private inTurn = false;
  private challenges = 0;
  private challengesSince = -Infinity;

  constructor(private readonly options: TcpOptions) {
    const { random } = options;
    this.ip = options.ip;
    this.timers = options.timers;
    this.limits = { ...DEFAULT_TCP_LIMITS, ...options.limits };
    const { bufferedBytes, outOfOrderBytes } = this.limits;
    this.memory = new BufferMemory(options.allocate, options.frames, bufferedBytes, outOfOrderBytes);
    this.transmit = new Transmit(options.allocate);
    this.bare = new BareSegments(this.transmit, this.ip, this.counters);
    this.table = new FlowTable<Entry>(random() | 0, random() | 0);
    this.initialSequences = new InitialSequences(random);
    this.timestampOffset = random() | 0;
    this.timeWaits = new TimeWaits(this.table, options.timers, this.limits.timeWait);
  }

  /** Connections, half-open ones included. */
  get connections(): number {
    return this.connectionCount;
  }

  /** SYNs that wait for a verdict. */
  get requests(): number {
    return this.requestCount;
  }

  /** Connections whose handshake is not complete. */
  get halfOpenConnections(): number {
    return this.halfOpen.size;
  }

  /** Connections in TIME-WAIT. */
  get timeWaiting(): number {
    return this.timeWaits.size;
  }

  /** The connection with these endpoints, or null. */
  connection(guest: Endpoint, local: Endpoint): Connection | null {
    const entry = this.table.get(guest, local);
    return entry instanceof Connection ? entry : null;
  }

  /** All connections, in no particular order. */
  *flows(): Generator<Connection> {
    for (const entry of this.table.values()) if (entry instanceof Connection) yield entry;
  }

  now(): number {
    return this.inTurn ? this.time : this.options.clock();
  }

  private beginTurn(): void {
    if (this.inTurn) return;
    this.time = this.options.clock();
    this.inTurn = true;
  }

  /** Handles a packet with TCP in it. */
  receive(packet: Packet): void {
    this.beginTurn();
    const { segment, counters } = this;
    counters.segmentsIn++;
    if (!segment.parse(packet.bytes, packet.payload, packet.end)) {
      counters.malformed++;
      return;
    }
    if (!packet.checksumTrusted && !this.checksumOk(packet)) {
      counters.badChecksum++;
      return;
    }
    if (packet.broadcast) return; // RFC 9293, section 3.9.2.3
    const { bytes, version, source, destination } = packet;
    const { sourcePort, destinationPort } = segment;
    const entry = this.table.find(bytes, version, source, sourcePort, destination, destinationPort);
    if (entry === null) this.receiveUnknown(segment, packet, null);
    else if (entry instanceof Connection) entry.receive(segment, packet);
    else if (entry instanceof Request) this.receiveForRequest(entry, segment);
    else this.receiveForTimeWait(entry, segment, packet);
  }

  private checksumOk(packet: Packet): boolean {
    const { bytes, source, destination, version, payload, end } = packet;
    return transportChecksumOk(bytes, source, destination, version, TCP_PROTOCOL, payload, end);
  }

  /** LISTEN and CLOSED: RFC 9293, sections 3.10.7.1 and 3.10.7.2. `former` is that of {@linkcode Request}. */
  private receiveUnknown(segment: Segment, packet: Packet, former: number | null): void {
    if (segment.has(RST)) return;
    const { bytes, version } = packet;
    const guest = { address: IpAddress.at(bytes, packet.source, version), port: segment.sourcePort };
    const local = { address: IpAddress.at(bytes, packet.destination, version), port: segment.destinationPort };
    if (segment.has(ACK)) return this.bare.reset(local, guest, segment.acknowledgment);
    if (!segment.has(SYN)) return this.bare.resetAck(local, guest, seqAdd(segment.sequence, segment.sequenceLength));
    if (this.requestCount >= this.limits.requests) {
      this.counters.overflows++;
      return;
    }
    const quotation = bytes.slice(packet.header, Math.min(packet.end, packet.header + QUOTATION));
    const request = new Request(this, guest, local, segment, quotation, packet.hopLimit, former);
    this.table.add(request);
    this.requestCount++;
    this.options.onRequest(request);
  }

  private receiveForRequest(request: Request, segment: Segment): void {
    if (!segment.has(RST) || segment.has(ACK)) return; // the SYN again, or an invalid segment
    if (segment.sequence !== request.irs && segment.sequence !== seqAdd(request.irs, 1)) return;
    this.forget(request);
    request.cancelled?.();
  }

  private receiveForTimeWait(entry: TimeWait, segment: Segment, packet: Packet): void {
    const what = entry.receive(segment, this.time);
    if (what === "reopen") {
      this.timeWaits.remove(entry);
      this.receiveUnknown(segment, packet, entry.sndNxt);
    } else if (what === "acknowledge") {
      this.bare.acknowledge(entry, this.timestamp());
    }
  }

  /**
   * Handles a report that a sent segment could not be delivered (RFC 792, 4443).
   *
   * @param packet the ICMP packet
   * @param quoted offset of the quoted IP header in its bytes
   * @param transport offset of the quoted TCP header, of which there are at least 8 bytes
   * @param mtu for "too-big": the next hop's MTU
   */
  icmpError(packet: Packet, quoted: number, transport: number, what: "unreachable" | "too-big", mtu: number): void {
    this.beginTurn();
    const { bytes, version } = packet;
    const sourceAt = quoted + (version === 4 ? 12 : 8);
    const destinationAt = sourceAt + (version === 4 ? 4 : 16);
    const localPort = get16(bytes, transport), guestPort = get16(bytes, transport + 2);
    const entry = this.table.find(bytes, version, destinationAt, guestPort, sourceAt, localPort);
    if (entry instanceof Connection) entry.networkError(get32(bytes, transport + 4) | 0, what, mtu);
  }

  /** Ends a turn: reports the events since the last one to the users, and sends data and acknowledgments. */
  flush(): void {
    const { awake } = this;
    for (let i = 0; i < awake.length; i++) awake[i].turn(this.now()); // may grow meanwhile
    awake.length = 0;
    this.inTurn = false;
  }

  /**
   * Connects to the guest. With port 0 in `local` a free port is chosen at random (RFC 6056). Returns null if all ports
   * of that address towards that guest endpoint are taken, or if there are too many connections.
   */
  connect(local: Endpoint, guest: Endpoint, handler: TcpHandler): TcpFlow | null {
    const from = local.port === 0 ? this.withFreePort(local.address, guest) : local;
    if (from === null || this.table.get(guest, from) !== null || !this.makeRoom()) return null;
    return this.add(new Connection(this, from, guest, handler, null));
  }

  private withFreePort(address: IpAddress, guest: Endpoint): Endpoint | null {
    const taken = (port: number) => this.table.get(guest, { address, port }) !== null;
    const port = freePort(FIRST_DYNAMIC_PORT, this.options.random(), taken);
    return port === null ? null : { address, port };
  }

  private add(connection: Connection): Connection {
    this.table.add(connection);
    this.connectionCount++;
    this.halfOpen.add(connection);
    if (this.halfOpen.size > this.limits.halfOpen) this.evictHalfOpen();
    return connection;
  }

  /** Makes room for one more connection. Returns false if that is impossible. */
  private makeRoom(): boolean {
    if (this.connectionCount < this.limits.connections || this.evictHalfOpen()) return true;
    this.counters.connectionsRefused++;
    return false;
  }

  /** Ends the oldest half-open connection, and tells its handler at once. Returns false if there is none. */
  evictHalfOpen(): boolean {
    for (const oldest of this.halfOpen) {
      this.counters.overflows++;
      this.counters.halfOpenEvicted++;
      oldest.evict();
      return true;
    }
    return false;
  }

  /** Resets all connections and drops all requests. Their handlers are told. */
  close(): void {
    for (const entry of this.table.values()) {
      if (entry instanceof Connection) entry.close();
      else if (entry instanceof Request) {
        if (entry.done) continue; // a handler called above has done it
        this.refuse(entry);
        entry.cancelled?.();
      } else this.timeWaits.remove(entry);
    }
  }

  // TcpContext

  wake(connection: Connection): void {
    if (connection.awake) return;
    connection.awake = true;
    this.awake.push(connection);
  }

  established(connection: Connection): void {
    this.halfOpen.delete(connection);
  }

  remove(connection: Connection): void {
    this.halfOpen.delete(connection);
    this.table.remove(connection);
    this.connectionCount--;
  }

  enterTimeWait(connection: Connection, now: number): void {
    this.remove(connection);
    const { guest, local, sender, receiver } = connection;
    this.timeWaits.add(new TimeWait(guest, local, sender.nxt, receiver.nxt, connection.peerTimestamp, now));
  }

  mayChallenge(now: number): boolean {
    if (now - this.challengesSince >= 1000) {
      this.challengesSince = now;
      this.challenges = 0;
    }
    return this.challenges++ < CHALLENGE_ACKS;
  }

  timestamp(): number {
    return (Math.floor(this.now()) + this.timestampOffset) | 0;
  }

  sendBare(local: Endpoint, guest: Endpoint, flags: number, sequence: number, acknowledgment: number): void {
    this.bare.send(local, guest, flags, sequence, acknowledgment);
  }

  initialSequence(local: Endpoint, guest: Endpoint, now: number): number {
    return this.initialSequences.of(local, guest, now);
  }

  // RequestOwner

  accept(request: Request, handler: TcpHandler): TcpFlow | null {
    if (request.done) return null;
    this.forget(request);
    if (!this.makeRoom()) {
      this.bare.resetAck(request.local, request.guest, seqAdd(request.irs, 1));
      return null;
    }
    const syn = { irs: request.irs, timestamp: request.timestamp, options: request.options, former: request.former };
    return this.add(new Connection(this, request.local, request.guest, handler, syn));
  }

  refuse(request: Request): void {
    this.forget(request);
    this.bare.resetAck(request.local, request.guest, seqAdd(request.irs, 1));
  }

  unreachable(request: Request, what: Unreachable): void {
    this.forget(request);
    this.options.icmp.unreachable(what, request.packet, 0, request.packet.length);
  }

  timeExceeded(request: Request): void {
    this.forget(request);
    this.options.icmp.timeExceeded(request.packet, 0, request.packet.length);
  }

  relay(request: Request, type: number, code: number, from: IpAddress | null): void {
    this.forget(request);
    this.options.icmp.relay(type, code, from, request.packet, 0, request.packet.length);
  }

  drop(request: Request): void {
    this.forget(request);
  }

  private forget(request: Request): void {
    request.done = true;
    this.table.remove(request);
    this.requestCount--;
  }
}
