/**
 * One run of the fuzzer: a guest's whole network takes some thousand hostile frames while its host misbehaves, and the
 * invariants are checked. A seed repeats a run to the last bit.
 *
 * After each batch: nothing was thrown; every table is within its limit; a strict reader accepts the frames to the
 * guest; no destination was reached that the policy forbids. At the end of most runs, guest and host fall silent, and
 * time passes until no connection is left; in other runs, everything is closed at once. Then no buffer may be missing,
 * no socket open and no timer set.
 *
 * @module
 */
import * as edns from "../../forward/dns/edns.ts";
import { PingSockets } from "../../ffi/ping/ping_sockets.ts";
import { NameServers } from "../../forward/dns/servers.ts";
import { DEFAULT_LIMITS, type Limits } from "../../forward/limits/limits.ts";
import type { LocalForward } from "../../forward/forwards/local/forward.ts";
import { flowPrinters } from "../../forward/report/flow_printer.ts";
import { Target } from "../../forward/names/target.ts";
import { SystemNames } from "../../forward/names/system.ts";
import { Output } from "../../forward/report/output.ts";
import type { PingsOptions, PingToken } from "../../forward/icmp/pings.ts";
import { asBound } from "../../forward/host/shown.ts";
import { Slirp } from "../../forward/slirp.ts";
import { type Endpoint, formatEndpoint, IpAddress } from "../../stack/base/address.ts";
import { allocatePlain, FramePool, type Transmit } from "../../stack/base/device.ts";
import { setImmediate } from "node:timers";
import { Random } from "./frames.ts";
import { GuestFrames } from "./guest_frames.ts";
import { FuzzHost } from "./host.ts";
import { SimulatedLoop } from "./loop.ts";
import { fewerRules, fuzzedEgress, isGood, NAME_SEEDS, someAnswer, wrongQuestion } from "./names.ts";
import type { Egress } from "../../forward/egress/egress.ts";
import { SEEDS } from "./packets.ts";
import { FuzzPings } from "./pings.ts";
import { permitted, policyFor, RULES } from "./rules.ts";
import { StrictParser } from "./strict.ts";

/** Frames in a run: enough to fill all tables several times. */
export const FRAMES = 3_000;

/** Small limits, so that a run reaches them. */
const SMALL: Partial<Limits> = {
  tcpConnections: 48,
  halfOpen: 12,
  dials: 8,
  udpAssociations: 8,
  fragmentedDatagrams: 8,
  outOfOrderBytes: 1 << 20,
  bufferedBytes: 4 << 20,
  icmpErrors: 500,
  neighbours: 16,
  neighbourPackets: 8,
  dnsQuestions: 8,
  names: 6,
  newNames: 4,
  pings: 3,
  pingIdentifiers: 4,
  forwards: 32,
};

/** The most that a connection may hold when memory is already short, with the sizes of blocks that are taken whole. */
const MOST_BEYOND = 48 * (64 << 10) * 3;

/**
 * After that long, nothing is pending: the longest wait is half an hour of keepalive probes, after a quarter of an
 * hour.
 */
const SILENCE_MS = 3 * 3_600_000;
/** The most events in that time. More mean a timer that never rests. */
const MOST_EVENTS = 100_000;

/** Destinations of the remote forwards and the host's name servers, which are allowed whatever the policy. */
const REMOTE_TCP = "127.0.0.1:8080", REMOTE_UDP = "127.0.0.1:9090";
const RESOLV_CONF = "nameserver 127.0.0.53\nnameserver 203.0.113.53\n";
const LOOPBACK_SERVER = "127.0.0.53:53", OTHER_SERVER = "203.0.113.53:53";

function isServer(remote: Endpoint): boolean {
  return [LOOPBACK_SERVER, OTHER_SERVER].includes(formatEndpoint(remote));
}

/** The observations of a run. */
export interface CaseResult {
  readonly frames: number;
  /** Frames to the guest, by their contents. */
  readonly sent: ReadonlyMap<string, number>;
  /** Destinations reached on the host. */
  readonly reached: number;
  /** Destinations reached by name. */
  readonly reachedNames: number;
  /** The limits that the run reached. */
  readonly full: readonly string[];
}

/** An invariant is broken. */
export class Finding extends Error {
  override name = "Finding";
  /** @param latest the newest frames of the guest, as hex, the newest last */
  constructor(message: string, readonly frames: number, readonly latest: readonly string[], options?: ErrorOptions) {
    super(message, options);
  }
}

/** Runs the case of a seed. Rejects with a {@linkcode Finding}. */
export async function runCase(seed: number, frames: number = FRAMES): Promise<CaseResult> {
  const run = new Case(seed);
  await run.prepare();
  try {
    await run.feed(frames);
    await run.finish();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Finding(message, run.fed, run.guest.latest(), { cause });
  }
  return {
    frames: run.fed,
    sent: run.strict.seen,
    reached: run.reached,
    reachedNames: run.reachedNames,
    full: run.full(),
  };
}

/** Lets all settled promises call back. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

class Case {
  fed = 0;
  reached = 0;
  /** Destinations reached by name. */
  reachedNames = 0;
  readonly strict: StrictParser;
  /** Whether names have rules, in which case these decide about flows to names. */
  private readonly named: boolean;
  private egress: Egress | undefined;
  private readonly random: Random;
  private readonly medium: "ethernet" | "ip";
  private readonly mtu: number;
  private readonly offload: boolean;
  private readonly rules;
  private readonly limits: Limits;
  private readonly frames = new FramePool(allocatePlain);
  private readonly scheduler = new SimulatedLoop();
  readonly guest: GuestFrames;
  private readonly host: FuzzHost;
  private readonly listeners: FuzzHost;
  private readonly pings: FuzzPings;
  private readonly problems: Error[] = [];
  private slirp!: Slirp;

  constructor(seed: number) {
    const random = this.random = new Random(Math.imul(seed, 0x9e3779b1) ^ 0x5eed1234 || 1);
    for (let i = 0; i < 8; i++) random.next();
    this.medium = random.of(["ethernet", "ip"]);
    this.mtu = random.of([1280, 1500, 1500, 9000, 65_520]);
    this.offload = random.below(3) === 0;
    this.rules = random.of(RULES);
    this.named = !this.rules.enableRouting && random.below(3) > 0;
    this.limits = DEFAULT_LIMITS;
    if (random.below(4) > 0) this.limits = { ...this.limits, ...SMALL };
    this.strict = new StrictParser({ medium: this.medium, mtu: this.mtu });
    this.guest = new GuestFrames(
      random,
      this.medium === "ethernet" ? 14 : 0,
      this.named ? [...SEEDS, ...NAME_SEEDS, ...NAME_SEEDS] : SEEDS,
    );
    const report = (what: string) => void this.problems.push(new Error(what));
    const asking = !this.named ? {} : {
      sends: (remote: Endpoint, bytes: Uint8Array) => {
        const wrong = isServer(remote) ? wrongQuestion(bytes) : null;
        if (wrong !== null) report(`asked of ${formatEndpoint(remote)}: ${wrong}`);
      },
      answer: (remote: Endpoint, bytes: Uint8Array) =>
        isServer(remote) ? someAnswer(bytes, (limit) => random.below(limit)) : null,
    };
    const reaches = (network: "tcp" | "udp", remote: Endpoint) => this.reaches(network, remote);
    this.host = new FuzzHost({ random, report, reaches, ...asking });
    this.pings = new FuzzPings({
      random,
      report,
      pings: (address) => {
        this.reached++;
        if (!permitted(this.rules, "icmp", { address, port: 0 })) report(`forbidden: ping of ${address}`);
      },
    });
    this.listeners = new FuzzHost({
      random,
      report,
      ...asking,
      reaches: (_, remote) => {
        if (formatEndpoint(remote) !== LOOPBACK_SERVER) report(`the loopback is reached: ${formatEndpoint(remote)}`);
      },
    }, true);
  }

  /** The limits reached so far. */
  full(): string[] {
    return Object.entries(this.slirp.usage).filter(([, { overflows }]) => overflows > 0).map(([name]) => name);
  }

  private reaches(network: "tcp" | "udp", remote: Endpoint): void {
    this.reached++;
    const text = formatEndpoint(remote);
    if (text === (network === "tcp" ? REMOTE_TCP : REMOTE_UDP) || text === OTHER_SERVER) return;
    if (this.named && isGood(remote.address)) return void this.reachedNames++;
    if (!permitted(this.rules, network, remote)) this.problems.push(new Error(`forbidden: ${network} to ${text}`));
  }

  async prepare(): Promise<void> {
    const { random, scheduler, frames, offload } = this;
    const output = new Output({ writeSync: (bytes) => bytes.length });
    const policy = await policyFor(this.rules);
    if (this.named) {
      this.egress = await fuzzedEgress(policy, this.limits, () => scheduler.now(), random.of(["own", "own", "real"]));
    }
    this.slirp = new Slirp({
      device: {
        medium: this.medium,
        mtu: this.mtu,
        checksumOffload: offload,
        tcpSegmentation4: offload,
        tcpSegmentation6: offload,
        udpSegmentation: false,
        transmit: (transmit) => this.transmit(transmit),
      },
      frames,
      allocate: allocatePlain,
      scheduler,
      host: this.host,
      listeners: this.listeners,
      limits: this.limits,
      policy,
      egress: this.egress,
      echo: random.of(["local", "off", this.pingSender(), this.pingSender()]),
      nameServers: new NameServers({ read: () => RESOLV_CONF, now: () => scheduler.now() }),
      dns: this.named || random.below(3) > 0,
      edns,
      dhcp: random.below(2) === 0,
      slaac: random.below(2) === 0,
      observers: flowPrinters(output),
      shown: asBound,
      random: () => random.next(),
    });
    this.bind();
  }

  /** Remote and local forwards, over TCP and UDP. */
  private bind(): void {
    const { slirp, scheduler } = this;
    const options = { names: new SystemNames(), ttl: 0, now: () => scheduler.now(), random: () => 0 };
    const target = (address: string, port: number) =>
      new Target({ host: { kind: "address", address: IpAddress.parse(address) }, port }, options);
    const own = slirp.stack.addresses.gateway4;
    slirp.remoteTcp.add({ bind: { address: own, port: 80 }, target: target("127.0.0.1", 8080), oneAnswer: false });
    slirp.remoteUdp.add({ bind: { address: own, port: 90 }, target: target("127.0.0.1", 9090), oneAnswer: false });
    const local = (port: number, proxyProtocol: boolean): LocalForward => ({
      bind: { address: IpAddress.parse("127.0.0.1"), port },
      target: target("10.0.2.100", 9000),
      oneAnswer: false,
      proxyProtocol,
    });
    slirp.localTcp.listen(local(7000, false));
    slirp.localTcp.listen(local(7001, true));
    slirp.localUdp.listen(local(7000, false));
    slirp.localUdp.listen(local(7001, true));
  }

  private pingSender(): PingsOptions["sender"] {
    const { pings: maxWaiting, pingIdentifiers: maxFlows } = this.limits;
    const { open } = this.pings;
    return (handler) =>
      new PingSockets<PingToken>({ open, handler, now: () => this.scheduler.now(), maxWaiting, maxFlows });
  }

  private transmit(transmit: Transmit): boolean {
    this.guest.hear(transmit);
    const { headStart, checksumStart, checksumOffset, segmentSize } = transmit;
    const start = checksumStart < 0 ? -1 : checksumStart - headStart;
    try {
      this.strict.check(transmit.flatten(), { checksumStart: start, checksumOffset, segmentSize });
    } catch (error) {
      const hex = Array.from(transmit.flatten(), (byte) => byte.toString(16).padStart(2, "0")).join("");
      this.problems.push(
        new Error(`sent to the guest: ${(error as Error).message}\n${hex.slice(0, 400)}`, { cause: error }),
      );
    }
    return this.random.below(64) > 0;
  }

  /** Feeds that many frames, in batches. */
  async feed(count: number): Promise<void> {
    const { random, slirp, frames, scheduler, egress } = this;
    while (this.fed < count) {
      if (egress !== undefined && random.below(200) === 0) egress.replace(await fewerRules());
      for (let batch = 1 + random.below(16); batch > 0 && this.fed < count; batch--) {
        const frame = frames.take();
        this.guest.write(frame);
        this.fed++;
        slirp.receive(frame);
        if (!frame.held) frames.release(frame);
      }
      slirp.endOfTurn();
      this.check();
      if (random.below(2) === 0) this.stepHost();
      scheduler.runDeferred();
      await settled();
      this.check();
      const until = scheduler.time + random.of([0, 0, 0.1, 1, 10, 200, 1000, random.below(32) === 0 ? 100_000 : 0]);
      await this.pass(until);
      this.check();
    }
  }

  private stepHost(): void {
    this.host.step();
    this.listeners.step();
    this.pings.step();
  }

  /** Lets time pass, and due events happen. */
  private async pass(until: number): Promise<void> {
    const { scheduler } = this;
    for (let events = 0; scheduler.next <= until; events++) {
      if (events > MOST_EVENTS) throw new Error(`more than ${MOST_EVENTS} events until ${until}`);
      scheduler.step();
      await settled();
    }
    scheduler.time = Math.max(scheduler.time, until);
  }

  /** Checks the invariants that hold at any time. */
  private check(): void {
    if (this.problems.length > 0) throw this.problems[0];
    const { usage, stack } = this.slirp;
    for (const [name, { current, limit }] of Object.entries(usage)) {
      const most = name === "bufferedBytes" ? limit + MOST_BEYOND : name === "outOfOrderBytes" ? limit + 65_664 : limit;
      if (!(current >= 0 && current <= most)) throw new Error(`${name}: ${current}, the limit is ${limit}`);
    }
    const { tcp } = stack;
    if (tcp.connections > this.limits.tcpConnections) throw new Error(`${tcp.connections} connections in the stack`);
    if (tcp.requests > this.limits.dials + 64 + 1) throw new Error(`${tcp.requests} requests`);
    if (tcp.timeWaiting > tcp.limits.timeWait) throw new Error(`${tcp.timeWaiting} in TIME-WAIT`);
    // this counts every held frame, except those of fragments and of neighbours
    const most = Math.ceil(tcp.memory.inUse / 65_664) + 2 * 64 * this.limits.fragmentedDatagrams + 64;
    if (this.frames.taken < 0 || this.frames.taken > most) throw new Error(`${this.frames.taken} frames are held`);
  }

  /** Ends the run, in good order or at once. Nothing may be left afterwards. */
  async finish(): Promise<void> {
    const { random, slirp, scheduler } = this;
    if (random.below(4) > 0) {
      const end = scheduler.time + SILENCE_MS;
      while (this.busy().length > 0) {
        if (scheduler.next <= end) await this.pass(scheduler.next);
        else if (this.host.timeOut() + this.listeners.timeOut() > 0) await settled();
        else throw new Error(`after ${SILENCE_MS} ms of silence there is still: ${this.busy()}`);
        this.check();
      }
    }
    slirp.close();
    await settled();
    await this.pass(scheduler.time + SILENCE_MS);
    if (this.problems.length > 0) throw this.problems[0];
    const left = this.busy();
    if (this.listeners.sockets.size > 0) left.push(`${this.listeners.sockets.size} listening sockets`);
    if (scheduler.next !== Infinity) left.push(`something that happens in ${scheduler.next - scheduler.time} ms`);
    if (left.length > 0) throw new Error(`left when all is closed: ${left}`);
  }

  /** The figures that are not zero at the end. */
  private busy(): string[] {
    const { usage, stack } = this.slirp;
    const { tcp } = stack;
    const figures: Record<string, number> = {
      ...Object.fromEntries(Object.entries(usage).map(([name, { current }]) => [name, current])),
      connections: tcp.connections,
      requests: tcp.requests,
      memory: tcp.memory.inUse,
      frames: this.frames.taken,
      streams: this.host.streams.size + this.listeners.streams.size,
      sockets: this.host.sockets.size,
      pingSockets: this.pings.sockets.size,
      dialing: this.host.dialing + this.listeners.dialing,
    };
    delete figures["icmpErrors"]; // those of the last second, which nothing reads again
    delete figures["names"]; // likewise
    delete figures["newNames"];
    delete figures["neighbours"]; // a table of what was heard, which costs nothing while it rests
    return Object.entries(figures).filter(([, figure]) => figure !== 0).map(([name, figure]) => `${name} ${figure}`);
  }
}
