/**
 * A host's network that does at random all that a real one may do: dials that succeed, fail or never end; streams that
 * take a little, nothing, or break; datagrams from anywhere. It checks its user too: it follows the contract of
 * forward/host/host_network.ts to the letter, and reports violations.
 *
 * @module
 */
import {
  type HostDatagram,
  type HostDatagramHandler,
  type HostDial,
  type HostDialHandler,
  HostError,
  type HostFailure,
  type HostListener,
  type HostNetwork,
  type HostStream,
  type HostStreamHandler,
  type LostDatagram,
  PENDING,
} from "../../forward/host/host_network.ts";
import { type Endpoint, formatEndpoint, IpAddress } from "../../stack/base/address.ts";
import type { Chunk } from "../../stack/base/device.ts";
import type { Random } from "./frames.ts";

const FAILURES: readonly HostFailure[] = [
  "refused",
  "reset",
  "network-unreachable",
  "host-unreachable",
  "timeout",
  "prohibited",
  "resources",
  "other",
];

const LOCAL4 = IpAddress.parse("192.168.7.7"), LOCAL6 = IpAddress.parse("fd77::7");

/** Checks the calls of a case to the host, and makes its random choices. */
export interface HostWatch {
  readonly random: Random;
  /** Called with each destination; reports the forbidden ones. */
  reaches(network: "tcp" | "udp", remote: Endpoint): void;
  /** Reports a violation. */
  report(what: string): void;
  /** Called with each datagram, where somebody looks at them. */
  sends?(remote: Endpoint, bytes: Uint8Array): void;
  /** The answer to the last datagram by its destination; null: a random one. */
  answer?(remote: Endpoint, bytes: Uint8Array): Uint8Array | null;
}

function failure(random: Random): HostError {
  return new HostError(random.of(FAILURES), "at random");
}

/** The errors that ICMP, or the host itself, may report about a datagram. */
function lost(random: Random): LostDatagram {
  const from = random.below(2) === 0 ? null : IpAddress.of([203, 0, 113, random.below(4)]);
  const icmp = random.below(2) === 0 ? null : { type: random.below(16), code: random.below(16), from };
  const data = new Uint8Array(random.below(600));
  return { icmp, mtu: random.below(70_000), data, length: data.length + random.below(2) * 1000 };
}

/** A connection. */
class FuzzStream implements HostStream {
  handler: HostStreamHandler | null = null;
  private reading: Chunk | null = null;
  private writing: Chunk | null = null;
  private writeEnded = false;
  /** The end of the stream, or an error, was read. */
  private over = false;
  ended = false;
  isClosed = false;

  constructor(private readonly host: FuzzHost, readonly local: Endpoint, readonly remote: Endpoint) {}

  private check(condition: boolean, what: string): void {
    if (!condition) this.host.watch.report(`${what}: ${formatEndpoint(this.remote)}`);
  }

  read(into: Chunk): number {
    const { random } = this.host.watch;
    this.check(!this.isClosed && this.handler !== null, "a read after the end, or before there is a handler");
    this.check(this.reading === null, "a second read");
    this.check(into.length > 0 && into.offset + into.length <= into.block.bytes.length, "a read into too little room");
    if (random.below(4) > 0) {
      this.reading = into;
      return PENDING;
    }
    if (random.below(64) === 0) throw failure(random);
    return this.fill(into);
  }

  private fill(into: Chunk): number {
    const { random } = this.host.watch;
    if (this.over || random.below(64) === 0) {
      this.over = true;
      return 0;
    }
    this.over = this.ended = random.below(64) === 0;
    const length = Math.min(into.length, random.of([1, 10, 1460, 4096, 65_536, 1 << 20]));
    into.block.bytes.fill(random.below(256), into.offset, into.offset + length);
    return length;
  }

  write(from: Chunk): number {
    const { random } = this.host.watch;
    this.check(!this.isClosed && this.handler !== null, "a write after the end, or before there is a handler");
    this.check(this.writing === null && !this.writeEnded, "a second write, or one after closeWrite");
    this.check(from.length > 0, "a write of nothing");
    if (random.below(3) === 0) {
      this.writing = from;
      return PENDING;
    }
    if (random.below(64) === 0) throw failure(random);
    return 1 + random.below(from.length);
  }

  closeWrite(): void {
    this.check(!this.isClosed && !this.writeEnded && this.writing === null, "closeWrite at the wrong time");
    this.writeEnded = true;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.host.streams.delete(this);
    if (this.reading !== null) this.host.late.push(this.reading);
    this.reading = this.writing = null;
  }

  reset(): void {
    this.close();
  }

  /** Gives up because the peer has taken nothing for too long. False: nothing is waiting for the peer. */
  timeOut(): boolean {
    const { handler, writing } = this;
    if (handler === null || writing === null) return false;
    this.writing = null;
    handler.writeFailed(new HostError("timeout", "the peer takes nothing"));
    return true;
  }

  /** Completes a pending operation. */
  step(): void {
    const { random } = this.host.watch;
    const { reading, writing, handler } = this;
    if (handler === null) return;
    if (reading !== null && random.below(2) === 0) {
      this.reading = null;
      if (random.below(48) === 0) handler.readFailed(failure(random));
      else handler.readDone(this.fill(reading));
    }
    if (this.isClosed || writing === null || this.writing !== writing || random.below(2) === 0) return;
    this.writing = null;
    if (random.below(48) === 0) handler.writeFailed(failure(random));
    else handler.writeDone(1 + random.below(writing.length));
  }
}

/** A UDP socket. */
class FuzzSocket implements HostDatagram {
  isClosed = false;
  private last: Endpoint | null = null;
  private lastBytes = new Uint8Array(0);

  constructor(
    private readonly host: FuzzHost,
    readonly local: Endpoint,
    private readonly handler: HostDatagramHandler,
    /** For local forwards: accepts datagrams from anywhere, and sends only to addresses that it heard from. */
    private readonly serving: boolean,
  ) {}

  send(bytes: Uint8Array, offset: number, length: number, to: Endpoint): void {
    const { watch } = this.host;
    if (this.isClosed) watch.report("a datagram on a closed socket");
    if (offset < 0 || length < 0 || offset + length > bytes.length) watch.report("a datagram from beyond its memory");
    if (!this.serving) watch.reaches("udp", to);
    this.last = to;
    if (watch.sends === undefined) return;
    this.lastBytes = bytes.slice(offset, offset + length);
    watch.sends(to, this.lastBytes);
  }

  setPath(hopLimit: number): void {
    if (this.isClosed) this.host.watch.report("a path of a closed socket");
    if (hopLimit < 0 || hopLimit > 255) this.host.watch.report("a hop limit out of range");
  }

  close(): void {
    if (this.isClosed) this.host.watch.report("a socket closed twice");
    this.isClosed = true;
    this.host.sockets.delete(this);
  }

  step(): void {
    const { random } = this.host.watch;
    const stranger = { address: IpAddress.of([203, 0, 113, random.below(4)]), port: 1 + random.below(3) };
    const from = this.serving || random.below(8) === 0 ? stranger : this.last;
    if (random.below(16) === 0) {
      const to = random.below(2) === 0 ? from : null;
      return this.handler.failed(failure(random), to, random.below(2) === 0 ? lost(random) : null);
    }
    if (from === null) return;
    const answer = random.below(4) > 0 ? this.host.watch.answer?.(from, this.lastBytes) ?? null : null;
    if (answer !== null) return this.handler.received(answer, answer.length, from, null);
    const bytes = new Uint8Array(random.of([0, 1, 12, 100, 1472, 1473, 9000, 65_507]));
    for (let i = 0; i < Math.min(bytes.length, 40); i++) bytes[i] = random.next();
    this.handler.received(bytes, bytes.length, from, null);
  }
}

/** A host's network that behaves at random, and checks how it is used. */
export class FuzzHost implements HostNetwork {
  readonly streams: Set<FuzzStream> = new Set<FuzzStream>();
  readonly sockets: Set<FuzzSocket> = new Set<FuzzSocket>();
  /** Buffers of reads that were pending when their stream was closed, and may still be written to. */
  readonly late: Chunk[] = [];
  private readonly dials: { readonly remote: Endpoint; readonly handler: HostDialHandler }[] = [];
  private readonly listeners: { readonly local: Endpoint; readonly accepted: (stream: HostStream) => void }[] = [];
  private port = 0;

  /** @param serving whether it is for local forwards: its datagram sockets answer the addresses that they heard from */
  constructor(readonly watch: HostWatch, private readonly serving = false) {}

  /** Pending dials. */
  get dialing(): number {
    return this.dials.length;
  }

  private local(version: 4 | 6): Endpoint {
    this.port = (this.port + 1) % 20_000;
    return { address: version === 4 ? LOCAL4 : LOCAL6, port: 30_000 + this.port };
  }

  dial(remote: Endpoint, handler: HostDialHandler): HostDial {
    this.watch.reaches("tcp", remote);
    const dial = { remote, handler };
    this.dials.push(dial);
    return {
      cancel: () => {
        const index = this.dials.indexOf(dial);
        if (index >= 0) this.dials.splice(index, 1);
      },
    };
  }

  private connected(remote: Endpoint): FuzzStream {
    const stream = new FuzzStream(this, this.local(remote.address.version), remote);
    this.streams.add(stream);
    return stream;
  }

  listen(local: Endpoint, accepted: (stream: HostStream) => void): HostListener {
    const listener = { local: { address: local.address, port: local.port || 1024 + this.listeners.length }, accepted };
    this.listeners.push(listener);
    return {
      local: listener.local,
      close: () => {
        this.listeners.splice(this.listeners.indexOf(listener), 1);
      },
    };
  }

  datagram(local: Endpoint, handler: HostDatagramHandler): HostDatagram {
    const { random } = this.watch;
    if (random.below(32) === 0 && !this.serving) throw failure(random);
    const port = local.port || this.local(4).port;
    const socket = new FuzzSocket(this, { address: local.address, port }, handler, this.serving);
    this.sockets.add(socket);
    return socket;
  }

  /** Ends writes to peers that never read, as the kernel does eventually. Returns how many there were. */
  timeOut(): number {
    return [...this.streams].filter((stream) => stream.timeOut()).length;
  }

  /** Lets some of the possible events happen. */
  step(): void {
    const { random } = this.watch;
    for (const chunk of this.late.splice(0)) chunk.block.bytes.fill(0xee, chunk.offset, chunk.offset + chunk.length);
    if (this.dials.length > 0 && random.below(2) === 0) {
      const [{ remote, handler }] = this.dials.splice(random.below(this.dials.length), 1);
      if (random.below(4) === 0) handler.failed(failure(random));
      else handler.connected(this.connected(remote));
    }
    if (this.listeners.length > 0 && random.below(8) === 0) {
      const { accepted } = random.of(this.listeners);
      accepted(this.connected({ address: IpAddress.of([203, 0, 113, random.below(4)]), port: 1 + random.below(9) }));
    }
    for (const stream of [...this.streams]) if (!stream.isClosed && random.below(2) === 0) stream.step();
    for (const socket of [...this.sockets]) if (!socket.isClosed && random.below(8) === 0) socket.step();
  }
}
