/**
 * Two TCP layers and a bad link between them, in simulated time: a thousand simulated seconds take about one real
 * second, and a seed repeats a run exactly.
 *
 * @module
 */
import { IpAddress } from "../../../../stack/base/address.ts";
import { allocatePlain, FramePool, IP_HEADER_AT, type Transmit, TRANSPORT_AT } from "../../../../stack/base/device.ts";
import type { IpSender } from "../../../../stack/base/layers.ts";
import { Packet } from "../../../../stack/base/packet.ts";
import { TimerQueue } from "../../../../stack/base/timers.ts";
import type { TcpFailure, TcpFlow, TcpHandler, TcpRequest } from "../../../../stack/tcp/flow.ts";
import type { TcpLimits } from "../../../../stack/tcp/numbers/constants.ts";
import { Tcp } from "../../../../stack/tcp/tcp.ts";
import { type Segment, Segment as SegmentView, SYN, TCP_HEADER } from "../../../../stack/wire/tcp.ts";

/** A random generator with a seed (mulberry32): unsigned 32-bit numbers. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** The faults of the link. */
export interface LinkOptions {
  /** Probability that a packet is lost. */
  loss?: number;
  /** Probability that a packet is held back by 1..4 times the delay, so that others overtake it. */
  reorder?: number;
  /** Probability that a packet arrives twice. */
  duplicate?: number;
  /** One-way delay in ms, and its random part. */
  delay?: number;
  jitter?: number;
}

/** The settings of a simulation. */
export interface SimulationOptions extends LinkOptions {
  seed?: number;
  version?: 4 | 6;
  mtu?: number;
  /** Whether both ends may send large segments, as with segmentation offload. */
  segmentation?: boolean;
  limits?: Partial<TcpLimits>;
  /** Options that the link removes from every SYN, as if an end did not have them. */
  without?: ("sack" | "timestamps" | "window-scale")[];
}

const OPTION_KINDS = { "window-scale": 3, sack: 4, timestamps: 8 };

interface Delivery {
  at: number;
  order: number;
  to: End;
  bytes: Uint8Array;
}

/** One side: a TCP layer, its timers, and the way to the other side. */
export class End {
  readonly timers = new TimerQueue();
  readonly frames = new FramePool(allocatePlain);
  readonly tcp: Tcp;
  readonly requests: TcpRequest[] = [];
  /** Sees each segment that this end sends; false loses it. */
  filter: ((segment: Segment, bytes: Uint8Array) => boolean) | null = null;
  /** Decides on requests; without it they are collected in `requests`. */
  onRequest: ((request: TcpRequest) => void) | null = null;
  /** Segments sent, parsed. */
  sent = 0;
  /** ICMP unreachables sent. */
  readonly unreachables: string[] = [];
  private readonly packet = new Packet();
  private readonly parsed = new SegmentView();

  constructor(readonly simulation: Simulation, readonly address: IpAddress, readonly options: SimulationOptions) {
    const { version = 4, mtu = 1500, segmentation = false } = options;
    const ip: IpSender = {
      mtu,
      canSegment: () => segmentation,
      send: (transmit, source, destination) => this.send(transmit, source, destination, version),
    };
    this.tcp = new Tcp({
      ip,
      icmp: { unreachable: (what) => this.unreachables.push(what), timeExceeded: () => {}, relay: () => {} },
      clock: () => simulation.now,
      random: simulation.random,
      allocate: allocatePlain,
      frames: this.frames,
      timers: this.timers,
      onRequest: (request) => this.onRequest ? this.onRequest(request) : this.requests.push(request),
      limits: options.limits,
    });
  }

  private send(transmit: Transmit, source: IpAddress, destination: IpAddress, version: 4 | 6): boolean {
    const length = transmit.headEnd - TRANSPORT_AT + transmit.payloadLength;
    const header = version === 4 ? 20 : 40;
    const { mtu = 1500 } = this.options;
    const limit = transmit.segmentSize > 0 ? transmit.segmentSize + transmit.headEnd - TRANSPORT_AT : length;
    if (header + limit > mtu) throw new Error(`a packet of ${header + limit} bytes on a link with MTU ${mtu}`);
    const bytes = new Uint8Array(header + length);
    bytes.set(source.bytes, version === 4 ? 12 : 8);
    bytes.set(destination.bytes, version === 4 ? 16 : 24);
    transmit.headStart = TRANSPORT_AT;
    bytes.set(transmit.flatten(), header);
    this.sent++;
    if (!this.parsed.parse(bytes, header, bytes.length)) throw new Error("a malformed segment was sent");
    if (this.parsed.flags & SYN) this.strip(bytes, header);
    if (this.filter?.(this.parsed, bytes) === false) return true;
    this.simulation.carry(this, bytes);
    return true;
  }

  private strip(bytes: Uint8Array, header: number): void {
    const kinds = (this.options.without ?? []).map((name) => OPTION_KINDS[name]);
    const end = header + (bytes[header + 12] >> 4) * 4;
    for (let at = header + TCP_HEADER; at < end;) {
      const length = bytes[at] === 1 ? 1 : bytes[at + 1];
      if (kinds.includes(bytes[at])) bytes.fill(1, at, at + length);
      at += length;
    }
  }

  /** Hands a packet to the TCP layer, in a frame as a device would. */
  receive(bytes: Uint8Array): void {
    const version = this.options.version ?? 4;
    const frame = this.frames.take();
    frame.bytes.set(bytes, IP_HEADER_AT);
    const { packet } = this;
    packet.bytes = frame.bytes;
    packet.frame = frame;
    packet.version = version;
    packet.header = IP_HEADER_AT;
    packet.source = IP_HEADER_AT + (version === 4 ? 12 : 8);
    packet.destination = IP_HEADER_AT + (version === 4 ? 16 : 24);
    packet.protocol = 6;
    packet.payload = IP_HEADER_AT + (version === 4 ? 20 : 40);
    packet.end = IP_HEADER_AT + bytes.length;
    packet.checksumTrusted = true;
    this.tcp.receive(packet);
    if (!frame.held) this.frames.release(frame);
  }
}

/** Two TCP layers and the link between them. By default `guest` opens connections to `host`. */
export class Simulation {
  now = 1000;
  readonly random: () => number;
  readonly guest: End;
  readonly host: End;
  private readonly queue: Delivery[] = [];
  private order = 0;

  constructor(readonly options: SimulationOptions = {}) {
    this.random = seeded(options.seed ?? 1);
    const six = options.version === 6;
    this.guest = new End(this, IpAddress.parse(six ? "fd00::100" : "10.0.2.100"), options);
    this.host = new End(this, IpAddress.parse(six ? "2001:db8::1" : "203.0.113.1"), options);
  }

  private chance(probability: number | undefined): boolean {
    return probability !== undefined && probability > 0 && this.random() / 2 ** 32 < probability;
  }

  /** Puts a packet on the link. */
  carry(from: End, bytes: Uint8Array): void {
    const { options } = this;
    const to = from === this.guest ? this.host : this.guest;
    const copies = this.chance(options.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.chance(options.loss)) continue;
      const delay = options.delay ?? 0.05;
      let at = this.now + delay + (options.jitter ?? 0) * (this.random() / 2 ** 32);
      if (this.chance(options.reorder)) at += delay * (1 + this.random() % 4);
      this.insert({ at, order: this.order++, to, bytes });
    }
  }

  private insert(delivery: Delivery): void {
    const { queue } = this;
    let index = queue.length;
    while (index > 0 && queue[index - 1].at > delivery.at) index--;
    queue.splice(index, 0, delivery);
  }

  /** Advances to the next event; false if there is none. */
  step(until = Infinity): boolean {
    const next = Math.min(
      this.queue.length > 0 ? this.queue[0].at : Infinity,
      this.guest.timers.nextDeadline,
      this.host.timers.nextDeadline,
    );
    if (next === Infinity || next > until) return false;
    this.now = Math.max(this.now, next);
    let delivered = 0;
    while (delivered < this.queue.length && this.queue[delivered].at <= this.now) delivered++;
    for (const delivery of this.queue.splice(0, delivered)) delivery.to.receive(delivery.bytes);
    for (const end of [this.guest, this.host]) {
      end.tcp.flush();
      end.timers.run(this.now);
      end.tcp.flush();
    }
    return true;
  }

  /** Runs until `done` returns true; throws when no event is left, or after `limit` ms of simulated time. */
  run(done: () => boolean, limit = 3_600_000): void {
    const end = this.now + limit;
    while (!done()) {
      if (!this.step() || this.now > end) throw new Error(`stuck at ${this.now} ms`);
    }
  }

  /** Lets time pass. */
  pass(ms: number): void {
    const until = this.now + ms;
    while (this.step(until));
    this.now = until;
  }

  /** Both ends of a new connection from the guest to the host. */
  connect(client: User, server: User, port = 80): void {
    this.host.onRequest = (request) => server.attach(request.accept(server));
    client.attach(this.guest.tcp.connect(
      { address: this.guest.address, port: 0 },
      { address: this.host.address, port },
      client,
    ));
  }

  /** Whether either end has any connection, TIME-WAIT aside. */
  get idle(): boolean {
    return this.guest.tcp.connections === 0 && this.host.tcp.connections === 0;
  }
}

/** The byte at a position of every test stream: no run of it repeats within 64 KiB. */
const PATTERN = (() => {
  const random = seeded(99);
  const bytes = new Uint8Array(65_521);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random();
  return bytes;
})();

/** A user of a connection: sends a number of bytes of the pattern, then FIN, and checks the bytes it receives. */
export class User implements TcpHandler {
  flow!: TcpFlow;
  isEstablished = false;
  sent = 0;
  received = 0;
  ended = false;
  /** undefined: still open. */
  failure: TcpFailure | null | undefined = undefined;
  /** Whether it reads as soon as it can. */
  reading = true;
  /** Whether it sends FIN after its last byte. */
  closing = true;

  /** A stream repeats itself after this many bytes. */
  static readonly PERIOD: number = PATTERN.length;

  /** @param start where in the pattern its streams start, both ways */
  constructor(public toSend = 0, private readonly start = 0) {}

  /** The byte at a position of the stream. */
  static byteAt(position: number): number {
    return PATTERN[(position % PATTERN.length + PATTERN.length) % PATTERN.length];
  }

  attach(flow: TcpFlow | null): void {
    if (flow === null) throw new Error("no connection");
    this.flow = flow;
    this.write();
  }

  /** Adds bytes to send, and sends as many as possible. */
  send(count: number): void {
    this.toSend += count;
    this.write();
  }

  private write(): void {
    while (this.sent < this.toSend) {
      const room = this.flow.reserve(Math.min(65_536, this.toSend - this.sent));
      if (room === null) return;
      for (let done = 0; done < room.length;) {
        const from = (this.start + this.sent + done) % PATTERN.length;
        const count = Math.min(room.length - done, PATTERN.length - from);
        room.block.bytes.set(PATTERN.subarray(from, from + count), room.offset + done);
        done += count;
      }
      this.sent += room.length;
      this.flow.commit(room.length);
    }
    if (this.closing) this.flow.shutdown();
  }

  /** Reads at most `limit` bytes. */
  read(limit = Infinity): void {
    for (;;) {
      const chunk = this.flow.peek();
      const count = Math.min(limit, chunk?.length ?? 0);
      if (chunk === null || count === 0) break;
      for (let done = 0; done < count;) {
        const from = (this.start + this.received + done) % PATTERN.length;
        const part = Math.min(count - done, PATTERN.length - from);
        if (!same(chunk.block.bytes, chunk.offset + done, from, part)) {
          throw new Error(`wrong data at ${this.received + done}`);
        }
        done += part;
      }
      this.received += count;
      limit -= count;
      this.flow.consume(count);
    }
    if (this.flow.readEnded) this.ended = true;
  }

  established(): void {
    this.isEstablished = true;
  }

  readable(): void {
    if (this.reading) this.read();
  }

  writable(): void {
    this.write();
  }

  closed(failure: TcpFailure | null): void {
    if (this.failure !== undefined) throw new Error("closed twice");
    this.failure = failure;
  }
}

function same(bytes: Uint8Array, offset: number, from: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[offset + i] !== PATTERN[from + i]) return false;
  return true;
}
