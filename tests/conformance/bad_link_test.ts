/**
 * The stack's TCP against the kernel's, with a bad link between: a real guest on a real device, whose frames are lost,
 * reordered, doubled, delayed and damaged on both ways. Every byte of every connection is checked at both ends, and
 * afterwards nothing may be left in the stack.
 *
 * CONFORMANCE_ROUNDS=N runs each link N times with other seeds (`deno task conformance` does).
 *
 * @module
 */
import { allocate } from "../../ffi/libc/memory.ts";
import { readFrames } from "../../ffi/guest/guest_device.ts";
import { withNetworkNamespace } from "../../ffi/network/netns.ts";
import { Poller } from "../../ffi/poll/poller.ts";
import { openTun } from "../../ffi/device/open_tun.ts";
import { TunDevice } from "../../ffi/device/tun_device.ts";
import { StackScheduler } from "../../forward/timers/stack_scheduler.ts";
import { Process } from "../../scripts/lab/process.ts";
import { until } from "../../scripts/lab/until.ts";
import { IpAddress } from "../../stack/base/address.ts";
import { type Frame, FramePool, IP_HEADER_AT } from "../../stack/base/device.ts";
import { Stack } from "../../stack/stack.ts";
import { assert, assertEquals } from "../assert.ts";
import { IS_ROOT, NEEDS_ROOT, TestNamespace } from "../ffi/bed/namespace.ts";
import { seeded, User } from "../stack/tcp/bed/simulation.ts";
import { BadLink, type Badness } from "./bad_link.ts";

const LINKS: Readonly<Record<string, Badness>> = {
  "loss 3 %": { loss: 0.03 },
  "reordering 5 %, duplication 5 %": { reorder: 0.05, duplicate: 0.05 },
  "damage 2 %": { corrupt: 0.02 },
  "delay 2 to 8 ms, loss 1 %": { delay: 2, jitter: 6, loss: 0.01 },
  "all of it": { delay: 1, jitter: 1, loss: 0.01, reorder: 0.02, duplicate: 0.02, corrupt: 0.01 },
};

/** Connections on each link, and the bytes of each way of a connection. */
const CONNECTIONS = 12;
const BYTES = 250_000;
const FIRST_PORT = 10_000;
const ANCHOR = { 4: "203.0.113.1", 6: "2001:db8:ffff::1" } as const;
const GUEST = { 4: "10.0.2.100", 6: "fd00::100" } as const;

const rounds = Number(Deno.env.get("CONFORMANCE_ROUNDS") ?? 1);

/** One connection. */
interface Plan {
  readonly number: number;
  readonly version: 4 | 6;
  /** Whether the guest opens the connection. */
  readonly guestCalls: boolean;
  /** Bytes from the guest, and to it. */
  readonly up: number;
  readonly down: number;
}

function planned(random: () => number): Plan[] {
  return Array.from({ length: CONNECTIONS }, (_, number) => ({
    number,
    version: number % 2 === 0 ? 4 : 6,
    guestCalls: number % 4 < 2,
    up: number % 6 === 5 ? random() % 3000 : BYTES + random() % 10_000,
    down: number % 6 === 4 ? random() % 3000 : BYTES + random() % 10_000,
  }));
}

/** A stack whose frames go over the link to the guest's device. */
class Bench implements AsyncDisposable {
  readonly frames = new FramePool(allocate);
  readonly stack: Stack;
  readonly link: BadLink;
  readonly loop = new StackScheduler();
  readonly users = new Map<number, User>();
  private readonly poller = new Poller({ onError: (error) => Promise.reject(error) });
  private readonly device: TunDevice;
  private readonly stopReading: () => void;

  constructor(namespace: TestNamespace, badness: Badness, random: () => number, plans: readonly Plan[]) {
    const { frames, loop } = this;
    this.device = new TunDevice(withNetworkNamespace(namespace.path, () => openTun("tun0", { offload: false })));
    this.link = new BadLink(this.device, badness, random, allocate, (bytes) => this.arrived(bytes));
    this.stack = new Stack({
      ...{ device: this.link, frames, allocate, random },
      clock: () => loop.now(),
      handlers: {
        udp: () => {},
        tcpRequest: (request) => {
          const plan = plans.find(({ number }) => request.local.port === FIRST_PORT + number);
          if (plan === undefined) return request.refuse();
          const user = this.user(plan);
          user.attach(request.accept(user));
        },
      },
    });
    loop.drive(this.stack);
    const taker = { receive: (frame: Frame) => this.link.receive(frame), endOfTurn: () => {} };
    this.poller.begin();
    this.stopReading = readFrames(this.device, this.poller, frames, taker, (error) => {
      throw error;
    });
  }

  user(plan: Plan): User {
    const user = new User(plan.down, plan.number);
    this.users.set(plan.number, user);
    return user;
  }

  private arrived(bytes: Uint8Array): void {
    const frame = this.frames.take();
    const start = IP_HEADER_AT - 14;
    frame.bytes.set(bytes, start);
    Object.assign(frame, { start, end: start + bytes.length, checksumTrusted: false, segmentSize: 0 });
    this.stack.receive(frame);
    if (!frame.held) this.frames.release(frame);
    this.stack.flush();
  }

  /** Opens a connection to the guest. */
  call(plan: Plan): void {
    const user = this.user(plan);
    user.attach(this.stack.tcp.connect(
      { address: IpAddress.parse(ANCHOR[plan.version]), port: 0 },
      { address: IpAddress.parse(GUEST[plan.version]), port: FIRST_PORT + plan.number },
      user,
    ));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopReading();
    this.link.close();
    this.stack.close();
    this.loop.stop();
    this.device.close();
    await this.poller.close();
  }
}

async function transfer(badness: Badness, seed: number): Promise<void> {
  const random = seeded(seed);
  const plans = planned(random);
  await using namespace = await TestNamespace.make(
    "link set lo up",
    "tuntap add tun0 mode tap",
    "link set tun0 mtu 1500 up",
    `addr add ${GUEST[4]}/24 dev tun0`,
    `addr add ${GUEST[6]}/64 dev tun0 nodad`,
    "route add default via 10.0.2.2",
    "-6 route add default via fd00::2",
  );
  const pattern = await Deno.makeTempFile();
  try {
    await Deno.writeFile(pattern, Uint8Array.from({ length: User.PERIOD }, (_, i) => User.byteAt(i)));
    await using bench = new Bench(namespace, badness, random, plans);
    const peer = new URL("peer.py", import.meta.url).pathname;
    const words = ["python3", "-B", peer, pattern, ANCHOR[4], ANCHOR[6]];
    await using guest = Process.start(["nsenter", `--net=${namespace.path}`, "--", ...words]);
    for (const { number, version, guestCalls, up } of plans) {
      await guest.say(`${version} ${guestCalls ? "calls" : "called"} ${number} ${up}\n`);
    }
    await guest.sayEnd();
    await guest.line("stdout", /^ready$/);
    for (const plan of plans) if (!plan.guestCalls) bench.call(plan);
    assertEquals(await guest.end(150_000), 0, guest.stderr.join("\n"));
    const results = guest.stdout.slice(1).map((line) => JSON.parse(line));
    results.sort((a, b) => a.number - b.number);
    assertEquals(results, plans.map(({ number, down }) => ({ number, received: down, intact: true, error: null })));
    const { tcp } = bench.stack;
    await until("the end of all connections", 60_000, () => tcp.connections === 0);
    for (const { number, up } of plans) {
      const { received, ended, failure } = bench.users.get(number)!;
      assertEquals(received, up, `bytes of ${number}`);
      assertEquals(ended, true, `the end of ${number}`);
      assertEquals(failure, null, `the failure of ${number}`);
    }
    assertEquals(tcp.memory.inUse, 0);
    const { counts } = bench.link;
    for (
      const [what, count] of [["loss", counts.lost], ["duplicate", counts.duplicated], ["reorder", counts.heldBack], [
        "corrupt",
        counts.corrupted,
      ]] as const
    ) assert((badness[what] ?? 0) === 0 || count > 10, `${what}: ${count} frames`);
    if (badness.corrupt !== undefined) {
      const { counters } = bench.stack;
      assert(counters.tcp.badChecksum > 0, "no segment was found to be damaged");
    }
  } finally {
    await Deno.remove(pattern);
  }
}

for (let round = 0; round < rounds; round++) {
  for (const [index, [name, badness]] of Object.entries(LINKS).entries()) {
    const seed = 1 + index + 100 * round;
    Deno.test({
      name: `${CONNECTIONS} connections with the kernel, ${name}, seed ${seed}${NEEDS_ROOT}`,
      ignore: !IS_ROOT,
      fn: () => transfer(badness, seed),
    });
  }
}
