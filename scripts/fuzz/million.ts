/**
 * Feeds a stack with a million hostile frames, and throws if anything piles up in it.
 *
 *     deno run --v8-flags=--expose-gc scripts/fuzz/million.ts ethernet|ip
 *
 * It is a program of its own because of that flag: only a collected heap shows what is live.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";
import { allocatePlain, type Device, FramePool } from "../../stack/base/device.ts";
import { REASSEMBLY_LIMITS } from "../../stack/ip/reassembly.ts";
import { Stack } from "../../stack/stack.ts";
import type { TcpLimits } from "../../stack/tcp/numbers/constants.ts";
import type { TcpFlow, TcpHandler, TcpRequest } from "../../stack/tcp/flow.ts";
import { Generator, Random } from "./frames.ts";

const FRAMES = 1_000_000;

/** Small limits, so that they are reached. */
const TCP_LIMITS: TcpLimits = {
  connections: 64,
  halfOpen: 16,
  requests: 16,
  timeWait: 16,
  bufferedBytes: 8 << 20,
  outOfOrderBytes: 1 << 20,
};

/** More frames than TCP's bounded buffers can hold, and far fewer than a leak would keep. */
const MOST_FRAMES = 2 * REASSEMBLY_LIMITS.datagrams + 4096;

/**
 * The most that the heap may grow after the first quarter of the frames, in which all tables filled up. A leak of two
 * bytes a frame would be more.
 */
const MOST_GROWTH = 1 << 20;

/** The most memory outside the heap: the limits above, and the pools of frames and of TCP's blocks. */
const MOST_EXTERNAL = 32 << 20;

/** Memory in use, without garbage. */
function liveMemory(): Deno.MemoryUsage {
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc !== "function") throw new Error("run with --v8-flags=--expose-gc");
  // memory outside the heap is freed in the background, except what the collection before found
  for (let i = 0; i < 3; i++) gc();
  return Deno.memoryUsage();
}

/** Accepts connections, reads from them, and writes something back. */
class Player implements TcpHandler {
  flow: TcpFlow | null = null;

  constructor(private readonly random: Random) {}

  established(): void {
    this.writable();
  }

  readable(): void {
    const { flow } = this;
    if (flow === null || this.random.below(4) === 0) return;
    for (let chunk = flow.peek(); chunk !== null; chunk = flow.peek()) flow.consume(chunk.length);
    if (flow.readEnded) flow.shutdown();
  }

  writable(): void {
    const { flow } = this;
    const chunk = flow?.reserve(1 + this.random.below(5000)) ?? null;
    if (flow !== null && chunk !== null) flow.commit(chunk.length);
    if (this.random.below(16) === 0) flow?.shutdown();
    else if (this.random.below(32) === 0) flow?.abort();
  }

  closed(): void {
    this.flow = null;
  }
}

/** Decides about a request. */
function decide(request: TcpRequest, random: Random): void {
  const verdict = random.below(16);
  if (verdict === 0) request.refuse();
  else if (verdict === 1) request.unreachable(random.of(["network", "host", "port", "prohibited"]));
  else if (verdict === 2) request.drop();
  else {
    const player = new Player(random);
    player.flow = request.accept(player);
  }
}

const NAME_SERVERS = ["10.0.2.3", "fd00::3"].map((text) => IpAddress.parse(text));

/** Feeds a stack of this medium with frames, and throws if an invariant breaks. */
function fuzz(medium: "ethernet" | "ip"): void {
  const random = new Random(medium === "ip" ? 0x1234567 : 0x7654321);
  const generator = new Generator(random, medium === "ip" ? 0 : 14);
  const frames = new FramePool(allocatePlain);
  let now = 0;
  let sent = 0;
  const undecided: TcpRequest[] = [];
  const device: Device = {
    medium,
    mtu: 1500,
    checksumOffload: false,
    tcpSegmentation4: false,
    tcpSegmentation6: false,
    udpSegmentation: false,
    transmit: (transmit) => {
      sent++;
      generator.hear(transmit);
      return random.below(64) > 0;
    },
  };
  const stack = new Stack({
    device,
    frames,
    allocate: allocatePlain,
    clock: () => now,
    random: () => random.next(),
    handlers: {
      tcpRequest: (request) => undecided.push(request),
      udp: (datagram) => {
        if (random.below(4) === 0) datagram.unreachable("port");
        else stack.udp.send(datagram.local(), datagram.guest(), datagram.packet.frame!.block, 0, random.below(3000));
      },
    },
    limits: { tcp: TCP_LIMITS },
    configuration: { dhcp: true, slaac: true, nameServers: () => NAME_SERVERS, searchDomains: () => ["example.net"] },
  });

  let heapBefore = 0;
  for (let i = 0; i < FRAMES; i++) {
    if (i === FRAMES / 4) heapBefore = liveMemory().heapUsed;
    const frame = frames.take();
    generator.write(frame);
    stack.receive(frame);
    if (!frame.held) frames.release(frame);
    if (random.below(16) > 0) continue;
    while (undecided.length > random.below(20)) decide(undecided.shift()!, random);
    stack.flush();
    now += random.of([0, 0.1, 1, 10, 100, 1000, random.below(64) === 0 ? 100_000 : 0]);
    if (stack.nextDeadline <= now) {
      stack.advance();
      stack.flush();
    }
    must(stack.reassembling <= 2 * REASSEMBLY_LIMITS.datagrams, "reassembly");
    must(frames.taken <= MOST_FRAMES, `${frames.taken} frames are held`);
    const { connections, requests, halfOpenConnections, timeWaiting } = stack.tcp;
    must(connections <= TCP_LIMITS.connections && requests <= TCP_LIMITS.requests, "TCP connections");
    must(halfOpenConnections <= TCP_LIMITS.halfOpen && timeWaiting <= TCP_LIMITS.timeWait, "TCP remnants");
  }

  const { heapUsed, external } = liveMemory();
  must(heapUsed - heapBefore < MOST_GROWTH, `the heap grew by ${heapUsed - heapBefore} bytes`);
  must(external < MOST_EXTERNAL, `${external} bytes outside the heap`);

  // the frames must have got somewhere
  const { ipv4, ipv6, icmp, udp, tcp, dhcp } = stack.counters;
  for (
    const reached of [
      ...[sent, ipv4.reassembled, ipv4.reassemblyConflicts, ipv4.reassemblyTimeouts, ipv4.unknownProtocol],
      ...[ipv6.reassembled, ipv6.extensions, ipv6.unknownProtocol, ipv6.fragmentsOut],
      ...[icmp.echoReplies, icmp.errorsIn, icmp.errorsOut, icmp.errorsForbidden],
      ...[
        udp.datagramsIn,
        udp.badChecksum,
        udp.malformed,
        udp.errorsIn,
        dhcp.answered,
        dhcp.malformed,
        tcp.accepted,
        tcp.resetsIn,
        tcp.retransmissions,
      ],
    ]
  ) must(reached > 100, JSON.stringify(stack.counters));

  stack.close();
  must(frames.taken === 0, `${frames.taken} frames are held at the end`);
  must(stack.reassembling === 0, `${stack.reassembling} datagrams wait for fragments at the end`);
  must(stack.tcp.connections === 0, `${stack.tcp.connections} connections at the end`);
}

const [medium] = Deno.args;
if (medium !== "ethernet" && medium !== "ip") throw new Error("which medium: ethernet or ip?");
const started = performance.now();
fuzz(medium);
console.log(`${FRAMES} frames, ${Math.round(FRAMES / (performance.now() - started))} a millisecond`);

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}
