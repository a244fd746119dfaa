/**
 * A guest opposite one TCP layer, driven by hand: the test builds and sees every segment.
 *
 * @module
 */
import type { Connection } from "../../../../stack/tcp/connection.ts";
import { seqAdd, seqDiff } from "../../../../stack/tcp/numbers/sequence.ts";
import { ACK, FIN, PSH, putHeader, RST, type Segment, SYN, TCP_HEADER } from "../../../../stack/wire/tcp.ts";
import { assert, assertEquals, assertFields } from "../../../assert.ts";
import { be16 } from "../../../../scripts/lab/packets.ts";
import { type End, Simulation, type SimulationOptions, User } from "./simulation.ts";

/** The guest's and the other side's port. */
export const GUEST_PORT = 40_000;
export const HOST_PORT = 80;

/** A segment that the TCP layer sent. */
export interface Sent {
  readonly at: number;
  /** Like "SYN ACK". */
  readonly flags: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly window: number;
  readonly length: number;
  readonly headerLength: number;
  readonly maximumSegmentSize: number;
  readonly windowShift: number;
  readonly sackPermitted: boolean;
  readonly timestamp: number | null;
  readonly echo: number;
  readonly sack: readonly (readonly [number, number])[];
}

/** The fields of a segment of the guest; missing ones follow from the state of the {@linkcode Peer}. */
export interface Fields {
  flags: number;
  sequence?: number;
  acknowledgment?: number;
  window?: number;
  /** Bytes of the pattern that `User` checks, from the position of `sequence` in the stream. */
  length?: number;
  options?: readonly number[];
  /** null: none, even if timestamps were agreed. */
  timestamp?: number | null;
  echo?: number;
  sack?: readonly (readonly [number, number])[];
  guestPort?: number;
  hostPort?: number;
  /** Whether the turn ends after it; true by default. */
  flush?: boolean;
}

/** The options of the guest's SYN. */
export interface PeerOptions extends SimulationOptions {
  /** The guest's initial sequence number. */
  iss?: number;
  mss?: number;
  /** Options that both ends use. */
  shift?: number;
  sack?: boolean;
  timestamps?: boolean;
  window?: number;
}

const NAMES: readonly (readonly [number, string])[] = [[SYN, "SYN"], [FIN, "FIN"], [RST, "RST"], [PSH, "PSH"], [
  ACK,
  "ACK",
]];

/** Control bits by name, without PSH. */
export function flagNames(flags: number): string {
  return NAMES.filter(([bit]) => flags & bit & ~PSH).map(([, name]) => name).join(" ");
}

function be32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff];
}

/** A guest that the test drives by hand, opposite one TCP layer. */
export class Peer {
  readonly simulation: Simulation;
  readonly host: End;
  /** Segments that the TCP layer sent and {@linkcode Peer.take} has not returned yet. */
  private log: Sent[] = [];
  readonly iss: number;
  /** The guest's SND.NXT and RCV.NXT; RCV.NXT follows the data that arrives in order. */
  nxt: number;
  seen = 0;
  window: number;
  /** The newest timestamp received, for the echo. */
  private timestampSeen = 0;
  /** The guest's timestamps start here. */
  timestampBase = 5000;

  constructor(readonly options: PeerOptions = {}) {
    this.simulation = new Simulation(options);
    this.host = this.simulation.host;
    this.iss = (options.iss ?? 1000) | 0;
    this.nxt = this.iss;
    this.window = options.window ?? 65_535;
    this.host.filter = (segment, bytes) => {
      this.record(segment, bytes);
      return false;
    };
  }

  private record(segment: Segment, bytes: Uint8Array): void {
    const { sequence, sackEdges } = segment;
    const header = this.options.version === 6 ? 40 : 20;
    const sack: [number, number][] = [];
    for (let i = 0; i < segment.sackCount; i++) sack.push([sackEdges[2 * i], sackEdges[2 * i + 1]]);
    this.log.push({
      at: this.simulation.now,
      flags: flagNames(segment.flags) + (segment.flags & PSH ? " PSH" : ""),
      sourcePort: segment.sourcePort,
      destinationPort: segment.destinationPort,
      sequence,
      acknowledgment: segment.acknowledgment,
      window: segment.window,
      length: segment.length,
      headerLength: (bytes[header + 12] >> 4) * 4,
      maximumSegmentSize: segment.maximumSegmentSize,
      windowShift: segment.windowShift,
      sackPermitted: segment.sackPermitted,
      timestamp: segment.hasTimestamps ? segment.timestamp : null,
      echo: segment.timestampEcho,
      sack,
    });
    if (segment.hasTimestamps) this.timestampSeen = segment.timestamp;
    if (segment.flags & SYN) this.seen = sequence;
    if (sequence === this.seen && !(segment.flags & RST)) this.seen = seqAdd(this.seen, segment.sequenceLength);
  }

  /** The segments sent since the last call, in short: "SYN ACK", "ACK 100" with the number of data bytes. */
  flags(): string[] {
    return this.take().map((sent) => sent.flags.replace(" PSH", "") + (sent.length > 0 ? ` ${sent.length}` : ""));
  }

  /** The segments sent since the last call. */
  take(): Sent[] {
    const log = this.log;
    this.log = [];
    return log;
  }

  /** The only segment sent since the last call. */
  one(): Sent {
    const log = this.take();
    assertEquals(log.length, 1, `one segment expected, not ${JSON.stringify(log)}`);
    return log[0];
  }

  /** The guest's timestamp now. */
  get timestamp(): number {
    return (Math.floor(this.simulation.now) + this.timestampBase) | 0;
  }

  /** The options of the guest's SYN. */
  synOptions(): number[] {
    const { mss = 1460, shift, sack } = this.options;
    return [
      ...(mss > 0 ? [2, 4, ...be16(mss)] : []),
      ...(shift === undefined ? [] : [1, 3, 3, shift]),
      ...(sack ? [1, 1, 4, 2] : []),
    ];
  }

  /** The packet that `send` would send. */
  build(fields: Fields): Uint8Array {
    const { flags, sequence = this.nxt, window = this.window, length = 0 } = fields;
    const acknowledgment = fields.acknowledgment ?? (flags & ACK ? this.seen : 0);
    const six = this.options.version === 6;
    let options: number[] = [...(fields.options ?? [])];
    const timestamp = fields.timestamp === undefined && this.options.timestamps && !(flags & RST)
      ? this.timestamp
      : fields.timestamp ?? null;
    if (timestamp !== null) {
      options = [...options, 1, 1, 8, 10, ...be32(timestamp), ...be32(fields.echo ?? this.timestampSeen)];
    }
    const { sack = [] } = fields;
    if (sack.length > 0) {
      options = [...options, 1, 1, 5, 2 + 8 * sack.length, ...sack.flatMap(([l, r]) => [...be32(l), ...be32(r)])];
    }
    while (options.length % 4 !== 0) options.push(0);
    const header = six ? 40 : 20;
    const data = header + TCP_HEADER + options.length;
    const bytes = new Uint8Array(data + length);
    bytes.set(this.simulation.guest.address.bytes, six ? 8 : 12);
    bytes.set(this.host.address.bytes, six ? 24 : 16);
    const { guestPort = GUEST_PORT, hostPort = HOST_PORT } = fields;
    putHeader(bytes, header, guestPort, hostPort, sequence, acknowledgment, flags, window, data - header);
    bytes.set(options, header + TCP_HEADER);
    const start = seqDiff(sequence, seqAdd(this.iss, 1));
    for (let i = 0; i < length; i++) bytes[data + i] = User.byteAt(start + i);
    return bytes;
  }

  /** Sends a segment to the TCP layer. */
  send(fields: Fields): void {
    this.host.receive(this.build(fields));
    if (fields.flush !== false) this.host.tcp.flush();
  }

  /** Sends the next bytes of the stream. */
  data(length: number, fields: Partial<Fields> = {}): void {
    const sequence = this.nxt;
    this.nxt = seqAdd(this.nxt, length);
    this.send({ flags: ACK | PSH, sequence, length, ...fields });
  }

  /** Acknowledges the data received in order. */
  ack(fields: Partial<Fields> = {}): void {
    this.send({ flags: ACK, ...fields });
  }

  /** Sends FIN. */
  fin(fields: Partial<Fields> = {}): void {
    const sequence = this.nxt;
    this.nxt = seqAdd(this.nxt, 1);
    this.send({ flags: FIN | ACK, sequence, ...fields });
  }

  /** Sends SYN. */
  syn(fields: Partial<Fields> = {}): void {
    this.nxt = seqAdd(this.iss, 1);
    this.send({ flags: SYN, sequence: this.iss, options: this.synOptions(), ...fields });
  }

  /** Lets time pass at the TCP layer. */
  pass(ms: number): void {
    this.simulation.pass(ms);
  }

  /** The only connection of the TCP layer. */
  get connection(): Connection {
    const [connection, ...others] = this.host.tcp.flows();
    assert(connection !== undefined && others.length === 0, "one connection expected");
    return connection;
  }

  /** A connection that the guest has opened; the segments sent for it are discarded. */
  opened(user: User): Connection {
    this.host.onRequest = (request) => {
      const flow = request.accept(user);
      assert(flow !== null);
      user.flow = flow;
    };
    this.syn();
    this.ack();
    const { connection } = this;
    assertEquals(connection.state, "ESTABLISHED");
    this.take();
    return connection;
  }

  /** A connection being opened to the guest: its SYN was sent. */
  calling(user: User): Connection {
    const flow = this.host.tcp.connect(
      { address: this.host.address, port: HOST_PORT },
      { address: this.simulation.guest.address, port: GUEST_PORT },
      user,
    );
    assert(flow !== null);
    user.flow = flow;
    return this.connection;
  }

  /** Asserts that no connection, memory or frame is left. */
  assertGone(): void {
    const { tcp, frames } = this.host;
    assertFields(tcp, { connections: 0, requests: 0, halfOpenConnections: 0 });
    assertEquals({ memoryInUse: tcp.memory.inUse, framesTaken: frames.taken }, { memoryInUse: 0, framesTaken: 0 });
  }
}

/** A user that neither sends nor closes by itself. */
export function quiet(): User {
  const user = new User();
  user.closing = false;
  return user;
}
