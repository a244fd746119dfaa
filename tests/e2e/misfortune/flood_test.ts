/**
 * A flood of hostile frames into the real program, over an inherited socket: SYNs without a further segment, fragments
 * that are never completed, noise, and truncated packets of all kinds. Afterwards the program answers as before, and
 * its memory is bounded.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import { launchProgram } from "../../../scripts/lab/program.ts";
import { startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals } from "../../assert.ts";
import { close, receive, send, socketPair } from "../../ffi/bed/unix_sockets.ts";
import { be16, checksummed, concat, ethernet, hex, ipv4 } from "../../../scripts/lab/packets.ts";
import { PACKETS, Random } from "../../../scripts/fuzz/frames.ts";
import { e2e } from "../bed/bed.ts";

const FRAMES = 100_000;
const FLOOD_MS = 25_000;
/**
 * The most that it may grow; 38 MiB is usual. A third is half-open connections, dials and waiting fragments, a third
 * parts of the runtime that were used for the first time, a third garbage that the runtime has not collected yet.
 */
const MOST_GROWTH_KIB = 64 * 1024;
/** ms that count as "at once" on a machine with other work. */
const AT_ONCE = 2_000;

const SOCK_DGRAM = 2;
const SYN = 2, ACK = 16, PSH = 8;
const GUEST = "0a000264";

/** An address as hex. */
function addressHex(address: string): string {
  return address.split(".").map((part) => Number(part).toString(16).padStart(2, "0")).join("");
}

/** A frame with a TCP segment of the guest. */
function segment(
  to: string,
  ports: readonly [number, number],
  numbers: readonly [number, number],
  flags: number,
  data: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const be32 = (value: number) => [...be16(value >>> 16), ...be16(value & 0xffff)];
  const [sequence, acknowledgment] = numbers.map(be32);
  const header = [
    ...be16(ports[0]),
    ...be16(ports[1]),
    ...sequence,
    ...acknowledgment,
    0x50,
    flags,
    0xff,
    0xff,
    0,
    0,
    0,
    0,
  ];
  const tcp = checksummed(concat(header, data), 16, 6, GUEST, addressHex(to));
  return frame(ipv4({ protocol: 6, destination: to.split(".").map(Number) }, tcp));
}

/** The packet on an Ethernet, in a buffer of its own. */
function frame(packet: Uint8Array, type: 0x0800 | 0x86dd = 0x0800): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(concat(ethernet(type), packet));
}

/** Destinations of the SYNs: a host that answers, one that refuses, and one that does not exist. */
const CALLED: readonly (readonly [string, number])[] = [[WORLD.v4, 7], [WORLD.v4, 6], ["198.51.100.1", 80]];

/** The next hostile frame. */
function hostile(random: Random, index: number): Uint8Array<ArrayBuffer> {
  switch (index % 4) {
    case 0: {
      const [address, port] = random.of(CALLED);
      return segment(address, [1024 + random.below(50_000), port], [random.next(), 0], SYN);
    }
    case 1: {
      const fragment = 0x2000 | random.of([0, 0, random.below(8000)]);
      const payload = new Uint8Array(random.of([8, 1400, 1480]));
      return frame(ipv4({ protocol: 17, identification: random.below(0x10000), fragment }, payload));
    }
    case 2:
      return Uint8Array.from({ length: 1 + random.below(300) }, () => random.next());
    default: {
      const packet = random.of(PACKETS);
      const whole = frame(packet, packet[0] >> 4 === 4 ? 0x0800 : 0x86dd);
      return whole.slice(0, 1 + random.below(whole.length));
    }
  }
}

/** The guest's end of the socket. */
class Wire {
  private readonly heard: Uint8Array[] = [];

  constructor(private readonly fd: number) {}

  /** Sends a frame when the socket has room for it. */
  async send(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // the queue is short, and the program empties it within a turn: waiting 10 ms each time is too long
    while (send(this.fd, bytes) !== bytes.length) {
      this.drain();
      await new Promise((resolve) => setImmediate(() => resolve(null)));
    }
  }

  /** Reads all pending frames. */
  drain(): void {
    for (let bytes = receive(this.fd); bytes !== null; bytes = receive(this.fd)) this.heard.push(bytes);
  }

  /** Drops all pending frames. */
  forget(): void {
    this.drain();
    this.heard.length = 0;
  }

  /** Waits for the IPv4 packet of that protocol that the predicate accepts. Returns its payload. */
  answer(what: string, protocol: number, meant: (body: Uint8Array) => boolean): Promise<Uint8Array> {
    return until(what, AT_ONCE, () => {
      this.drain();
      return this.heard.splice(0)
        .filter((bytes) => bytes[12] === 8 && bytes[13] === 0 && bytes[23] === protocol)
        .map((bytes) => bytes.subarray(34))
        .find(meant);
    });
  }
}

/** Sends a ping and connects to the echo server. Both must be answered at once. */
async function serves(wire: Wire, port: number): Promise<void> {
  await wire.send(frame(ipv4({ protocol: 1, destination: [10, 0, 2, 2] }, hex("0800 f7fd 0001 0001 00"))));
  await wire.answer("the answer to a ping", 1, (body) => body[0] === 0);
  const isOurs = (body: Uint8Array) => (body[2] << 8 | body[3]) === port;
  await wire.send(segment(WORLD.v4, [port, 7], [1000, 0], SYN));
  const synAck = await wire.answer("SYN-ACK", 6, (body) => isOurs(body) && body[13] === (SYN | ACK));
  const theirs = new DataView(synAck.buffer, synAck.byteOffset).getUint32(4) + 1 >>> 0;
  const words = new TextEncoder().encode("still there?\n");
  await wire.send(segment(WORLD.v4, [port, 7], [1001, theirs], ACK | PSH, words));
  const echo = await wire.answer("the echo", 6, (body) => isOurs(body) && body.length > (body[12] >> 4) * 4);
  assertEquals(echo.subarray((echo[12] >> 4) * 4), words);
}

function residentKib(pid: number): number {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
}

e2e(`a flood of ${FRAMES} hostile frames: it answers at once, and its memory is bounded`, async () => {
  await using lab = await Lab.create();
  await startServers(lab);
  const [ours, theirs] = socketPair(SOCK_DGRAM);
  await using program = launchProgram(lab.host, ["-quiet", "-fd", String(theirs)]);
  close(theirs);
  await program.line("stderr", /Slirpnetstack started/, 20_000);
  const wire = new Wire(ours);
  await serves(wire, 60_001);
  const before = residentKib(program.pid);

  const random = new Random(0xf100d);
  const started = performance.now();
  for (let sent = 0; sent < FRAMES;) {
    const due = Math.min(FRAMES, Math.ceil((performance.now() - started) / FLOOD_MS * FRAMES));
    while (sent < due) await wire.send(hostile(random, sent++));
    wire.forget();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }

  await serves(wire, 60_002);
  const growth = residentKib(program.pid) - before;
  console.log(`${FRAMES} frames: grown by ${(growth / 1024).toFixed(1)} MiB`); // the figure in tests/README.md
  assert(growth < MOST_GROWTH_KIB, `it has grown by ${growth} KiB`);
  assertEquals(await program.stop(), 0, "exit status");
  assertEquals(program.stderr.filter((line) => line.includes("Internal error")), [], "stderr");
  close(ours);
});
