import { libc } from "../../../ffi/libc/libc.ts";
import { withNetworkNamespace } from "../../../ffi/network/netns.ts";
import { echoSockets } from "../../../ffi/ping/echo_socket.ts";
import { PING_TIMEOUT_MS, type PingOptions, PingSockets } from "../../../ffi/ping/ping_sockets.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { begunPoller } from "../bed/begun_poller.ts";
import { IS_ROOT, NEEDS_ROOT, run, TestNamespace } from "../bed/namespace.ts";
import { isClosedOnExec, newSockets, sockets } from "../bed/sockets.ts";
import { equals } from "../../bytes.ts";

libc();

/** The events that a handler received. */
interface Told {
  readonly token: string;
  readonly payload?: Uint8Array;
  readonly hopLimit?: number;
  readonly error?: readonly [type: number, code: number, from: string | null];
  readonly mtu?: number;
}

const MAX_WAITING = 200, MAX_FLOWS = 24;

/** PingSockets in a namespace, with a clock of its own. */
class Pings implements AsyncDisposable {
  readonly told: Told[] = [];
  readonly unavailable: string[] = [];
  readonly pings: PingSockets<string>;
  now = 1000;
  private readonly poller = begunPoller();
  private waiting: { wanted: number; resolve: () => void } | undefined;

  constructor(private readonly namespace: TestNamespace, options: Partial<PingOptions<string>> = {}) {
    this.pings = new PingSockets<string>({
      open: echoSockets(this.poller),
      now: () => this.now,
      handler: {
        reply: (token, bytes, offset, length, hopLimit) =>
          this.tell({ token, payload: bytes.slice(offset, offset + length), hopLimit }),
        failed: (token, { type, code, from }, mtu) =>
          this.tell({ token, error: [type, code, from?.toString() ?? null], mtu }),
      },
      maxWaiting: MAX_WAITING,
      maxFlows: MAX_FLOWS,
      unavailable: (version, error) => this.unavailable.push(`${version} ${error.message}`),
      ...options,
    });
  }

  /** Sends a request. Its socket is opened in the namespace. */
  send(to: string, key: number | string, sequence: number, token: string, options: SendOptions = {}): void {
    const { hopLimit = 64, bytes = data, offset = 8, length = 56 } = options;
    withNetworkNamespace(this.namespace.path, () => {
      this.pings.send(IpAddress.parse(to), key, sequence, hopLimit, bytes, offset, length, token);
    });
  }

  /** Resolves when this many events were received in total. */
  have(wanted: number): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = { wanted, resolve };
      if (this.told.length >= wanted) resolve();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pings.close();
    await this.poller.close();
  }

  private tell(what: Told): void {
    this.told.push(what);
    if (this.waiting !== undefined && this.told.length >= this.waiting.wanted) this.waiting.resolve();
  }
}

interface SendOptions {
  readonly hopLimit?: number;
  readonly bytes?: Uint8Array;
  readonly offset?: number;
  readonly length?: number;
}

const data = crypto.getRandomValues(new Uint8Array(65_536));

/** The pinging host 10.8.1.1 and fd08:1::1, a router, and behind it 10.8.2.2 and fd08:2::2. */
class Network implements AsyncDisposable {
  private constructor(
    readonly host: TestNamespace,
    readonly router: TestNamespace,
    readonly target: TestNamespace,
  ) {}

  /** Lets the groups of `range` use ping sockets. */
  static async make(range: string): Promise<Network> {
    const [host, router, target] = [
      await TestNamespace.make("link set lo up"),
      await TestNamespace.make("link set lo up"),
      await TestNamespace.make("link set lo up"),
    ];
    const link = (a: TestNamespace, aName: string, b: TestNamespace, bName: string) =>
      run("ip", ...`link add ${aName} netns ${a.name} type veth peer name ${bName} netns ${b.name}`.split(" "));
    await link(host, "up0", router, "down0");
    await link(router, "up0", target, "down0");
    const set = async (namespace: TestNamespace, ...commands: string[]) => {
      for (const command of commands) await namespace.ip(command);
    };
    const address = (device: string, four: string, six: string) => [
      `addr add ${four}/24 dev ${device}`,
      `addr add ${six}/64 dev ${device} nodad`,
      `link set ${device} up`,
    ];
    await set(host, ...address("up0", "10.8.1.1", "fd08:1::1"), "addr add 10.8.1.5/24 dev up0");
    await set(router, ...address("down0", "10.8.1.254", "fd08:1::fe"), ...address("up0", "10.8.2.254", "fd08:2::fe"));
    await set(target, ...address("down0", "10.8.2.2", "fd08:2::2"), "addr add 10.8.2.3/24 dev down0");
    await set(host, "route add 10.8.2.0/24 via 10.8.1.254", "route add fd08:2::/64 via fd08:1::fe");
    await set(host, "route add 10.8.9.0/24 via 10.8.1.254", "route add fd08:9::/64 via fd08:1::fe");
    await set(target, "route add 10.8.1.0/24 via 10.8.2.254", "route add fd08:1::/64 via fd08:2::fe");
    await set(router, "route add prohibit 10.8.9.0/25", "route add unreachable 10.8.9.128/25");
    await set(router, "route add prohibit fd08:9::/64");
    const sysctl = async (namespace: TestNamespace, ...values: string[]) => {
      const { success } = await namespace.command("sysctl", "-qw", ...values).output();
      assertEquals(success, true);
    };
    await sysctl(host, `net.ipv4.ping_group_range=${range}`, "net.ipv6.conf.all.accept_ra=0");
    // no limit on errors about the hop limit; a separate one applies to errors of routes, with a burst of 5
    await sysctl(router, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_ratemask=0");
    await sysctl(router, "net.ipv6.icmp.ratelimit=0");
    return new Network(host, router, target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of [this.host, this.router, this.target]) await namespace[Symbol.asyncDispose]();
  }
}

for (const [kind, range] of [["ping sockets", "0 2147483647"], ["raw sockets", "1 0"]] as const) {
  Deno.test({
    name: `${kind}: replies and errors, both versions${NEEDS_ROOT}`,
    ignore: !IS_ROOT,
    fn: async () => {
      await using network = await Network.make(range);
      await using bed = new Pings(network.host);
      const before = sockets();
      const { told } = bed;
      const last = async (count: number) => {
        await bed.have(count);
        assertEquals(told.length, count);
        return told.at(-1)!;
      };
      let count = 0;
      for (const target of ["10.8.2.2", "fd08:2::2"]) {
        for (const length of [0, 1, 56, 1472, 9001, 65_507]) {
          bed.send(target, 7, 0xa000 + (length & 0xfff), `${target} ${length}`, { offset: 3, length });
          const { token, payload, hopLimit } = await last(++count);
          assertEquals(token, `${target} ${length}`);
          assertEquals(equals(payload!, data.subarray(3, 3 + length)), true);
          assertEquals(hopLimit, 63); // one router on the way
        }
      }
      assertEquals(bed.pings.waitingUsage.current, 0, "requests waiting for an answer");
      assertEquals(bed.pings.flows, 2, "flows");
      for (const fd of newSockets(before)) assertEquals(isClosedOnExec(fd), true);
      assertEquals(newSockets(before).length, 2);

      const errors = [
        ["10.8.2.2", 1, [11, 0, "10.8.1.254"]], // time exceeded in transit, by the router
        ["10.8.9.1", 64, [3, 13, "10.8.1.254"]],
        ["10.8.9.129", 64, [3, 1, "10.8.1.254"]],
        ["203.0.113.1", 64, [3, 0, null]], // no route here
        ["fd08:2::2", 1, [3, 0, "fd08:1::fe"]],
        ["fd08:9::1", 64, [1, 1, "fd08:1::fe"]],
        ["2001:db8::1", 64, [1, 0, null]],
      ] as const;
      for (const [target, hopLimit, error] of errors) {
        bed.send(target, 7, 1, target, { hopLimit });
        assertEquals(await last(++count), { token: target, error, mtu: 0 });
        const next = target.includes(":") ? "fd08:2::2" : "10.8.2.2"; // still works
        bed.send(next, 7, 2, "next");
        assertEquals((await last(++count)).token, "next");
      }

      // several at once: sequence numbers, destinations and identifiers are kept apart
      const all: string[] = [];
      for (const key of [7, 8, "nine"]) {
        for (const sequence of [0, 1, 65_535]) {
          for (const target of ["10.8.2.2", "10.8.2.3", "10.8.2.9", "fd08:2::2"]) {
            all.push(`${key} ${sequence} ${target}`);
            const hopLimit = target === "10.8.2.9" ? 1 : 64;
            bed.send(target, key, sequence, all.at(-1)!, { hopLimit, offset: all.length, length: 40 });
          }
        }
      }
      await bed.have(count + all.length);
      for (const { token, payload, error } of told.slice(count)) {
        if (token.includes("10.8.2.9")) assertEquals(error, [11, 0, "10.8.1.254"]);
        else assertEquals(equals(payload!, data.subarray(all.indexOf(token) + 1, all.indexOf(token) + 41)), true);
      }
      assertEquals(told.slice(count).map(({ token }) => token).sort(), all.sort());
      assertEquals(bed.pings.waitingUsage.current, 0, "requests waiting for an answer");
      assertEquals(bed.pings.flows, 6, "flows");
      assertEquals(newSockets(before).length, kind === "ping sockets" ? 6 : 2);
      bed.pings.close();
      assertEquals(newSockets(before), []);
      bed.send("10.8.2.2", 7, 1, "after the end");
    },
  });

  Deno.test({
    name: `${kind}: a request keeps its sequence number, hop limit and source${NEEDS_ROOT}`,
    ignore: !IS_ROOT,
    fn: async () => {
      await using network = await Network.make(range);
      await using bed = new Pings(network.host, { source4: IpAddress.parse("10.8.1.5") });
      const seen = network.target.command(
        ..."timeout 20 tcpdump -n -v -l -c 1 -i down0 icmp[icmptype]=icmp-echo".split(" "),
      ).spawn();
      const errors = seen.stderr.getReader();
      const text = new TextDecoder();
      for (let start = ""; !start.includes("listening on");) { // printed once it has begun
        const { value, done } = await errors.read();
        assert(!done, "tcpdump ended");
        start += text.decode(value);
      }
      bed.send("10.8.2.2", 7, 4711, "a", { hopLimit: 33, length: 100 });
      await bed.have(1);
      const output = text.decode(await new Response(seen.stdout).arrayBuffer());
      errors.releaseLock();
      await seen.stderr.cancel();
      await seen.status;
      assertMatch(output, /ttl 32,.*length 128\)/);
      assertMatch(output, /10\.8\.1\.5 > 10\.8\.2\.2: ICMP echo request, id \d+, seq 4711, length 108/);
    },
  });

  Deno.test({
    name: `${kind}: a request that is too large is reported with the MTU${NEEDS_ROOT}`,
    ignore: !IS_ROOT,
    fn: async () => {
      await using network = await Network.make(range);
      await network.router.ip("link set up0 mtu 1300");
      await using bed = new Pings(network.host);
      const cases = [
        ["10.8.2.2", 1400, [3, 4, "10.8.1.254"], 1300], // fits the host's link, and not the router's
        ["fd08:2::2", 1400, [2, 0, "fd08:1::fe"], 1300],
        ["10.8.1.254", 65_508, [3, 4, null], 1500], // fits no IP packet: the host itself refuses it
        ["fd08:1::fe", 65_530, [2, 0, null], 1500],
      ] as const;
      for (const [i, [target, length, error, mtu]] of cases.entries()) {
        bed.send(target, 7, i, target, { offset: 0, length });
        await bed.have(i + 1);
        assertEquals(bed.told[i], { token: target, error, mtu }, `${target} ${length}`);
      }
    },
  });

  Deno.test({
    name: `${kind}: limits and timeouts${NEEDS_ROOT}`,
    ignore: !IS_ROOT,
    fn: async () => {
      await using network = await Network.make(range);
      await network.target.ip("link set down0 down"); // no answers, and after a while not even immediate errors
      await network.router.ip("neigh add 10.8.2.2 lladdr 02:00:00:00:00:01 dev up0");
      await using bed = new Pings(network.host);
      const before = sockets();
      for (let i = 0; i < MAX_WAITING + 50; i++) bed.send("10.8.2.2", i % 3, i, `${i}`);
      assertEquals(bed.pings.waitingUsage.current, MAX_WAITING, "requests waiting for an answer");
      assertEquals(bed.pings.flows, 3, "flows");
      assertEquals(bed.pings.waitingUsage, { current: MAX_WAITING, limit: MAX_WAITING, overflows: 50 });
      for (let i = 0; i < MAX_FLOWS + 17; i++) {
        bed.now++;
        bed.send("10.8.2.2", `key ${i}`, 1, `${i}`);
      }
      assertEquals(bed.pings.flowsUsage, { current: MAX_FLOWS, limit: MAX_FLOWS, overflows: 20 });
      bed.send("::1", "another version", 1, "six"); // counts too, and evicts the oldest
      assertEquals(bed.pings.flowsUsage, { current: MAX_FLOWS, limit: MAX_FLOWS, overflows: 21 });
      assert(newSockets(before).length <= MAX_FLOWS);
      bed.send("10.8.2.2", "last", 5, "x");
      const size = bed.pings.waitingUsage.current;
      bed.send("10.8.2.2", "last", 5, "x again"); // evicts the first
      assertEquals(bed.pings.waitingUsage.current, size);
      bed.now += PING_TIMEOUT_MS - 1;
      bed.send("10.8.2.2", "last", 6, "y");
      bed.pings.sweep();
      assertEquals(bed.pings.flows > 1, true);
      bed.now += 1;
      bed.pings.sweep();
      assertEquals(bed.pings.waitingUsage.current, 1, "requests waiting for an answer");
      assertEquals(bed.pings.flows, 1, "flows");
      bed.now += PING_TIMEOUT_MS;
      bed.pings.sweep();
      assertEquals(bed.pings.waitingUsage.current, 0, "requests waiting for an answer");
      assertEquals(bed.pings.flows, 0, "flows");
      assertEquals(newSockets(before).length, kind === "ping sockets" ? 0 : 2); // one of each version
      await network.target.ip("link set down0 up");
      await network.router.ip("neigh del 10.8.2.2 dev up0");
      bed.told.length = 0;
      await network.target.ip("route add 10.8.1.0/24 via 10.8.2.254");
      bed.send("10.8.2.2", "anew", 1, "anew");
      await bed.have(1);
      assertEquals(bed.told[0].token, "anew");
    },
  });
}

Deno.test({
  name: `without permission for either kind: one report, and requests fail as prohibited${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    const script = `
      import { echoSockets } from ${JSON.stringify(import.meta.resolve("../../../ffi/ping/echo_socket.ts"))};
      import { PingSockets } from ${JSON.stringify(import.meta.resolve("../../../ffi/ping/ping_sockets.ts"))};
      import { IpAddress } from ${JSON.stringify(import.meta.resolve("../../../stack/base/address.ts"))};
      const pings = new PingSockets({
        open: echoSockets({ add: () => { throw new Error("not reached"); } }), now: () => 0,
        maxWaiting: 10, maxFlows: 10,
        handler: { reply() {}, failed: (token, { type, code, from }) => console.log(token, type, code, from) },
        unavailable: (version, error) => console.log(version, error.message),
      });
      for (const to of ["127.0.0.1", "::1", "127.0.0.1"]) {
        pings.send(IpAddress.parse(to), 1, 1, 64, new Uint8Array(56), 0, 56, to);
      }`;
    await using namespace = await TestNamespace.make("link set lo up");
    await namespace.command("sysctl", "-qw", "net.ipv4.ping_group_range=1 0").output();
    const { stdout, stderr } = await namespace.command(
      ...["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", Deno.execPath(), "eval", script],
    ).output();
    const text = new TextDecoder();
    const lines = text.decode(stdout).split("\n");
    assertMatch(lines[0], /^4 socket\(IPPROTO_ICMP, raw\): Operation not permitted \(EPERM\): .*ping_group_range/);
    assertMatch(lines[1], /^6 socket\(IPPROTO_ICMPV6, raw\): Operation not permitted/);
    assertEquals(
      lines.slice(2),
      ["127.0.0.1 3 13 null", "::1 1 1 null", "127.0.0.1 3 13 null", ""],
      text.decode(stderr),
    );
  },
});
