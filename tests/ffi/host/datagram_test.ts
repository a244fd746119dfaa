import { libc } from "../../../ffi/libc/libc.ts";
import { withNetworkNamespace } from "../../../ffi/network/netns.ts";
import {
  type DatagramOptions,
  type HostDatagram,
  HostError,
  type LostDatagram,
} from "../../../forward/host/host_network.ts";
import { type Endpoint, formatEndpoint, IpAddress } from "../../../stack/base/address.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../../assert.ts";
import { IS_ROOT, NEEDS_ROOT, TestNamespace } from "../bed/namespace.ts";
import { isClosedOnExec, newSockets, sockets } from "../bed/sockets.ts";
import { endpoint, TestHost } from "../bed/test_host.ts";
import { equals } from "../../bytes.ts";

libc();

/** A socket, and what it received. */
class Received {
  readonly socket: HostDatagram;
  readonly datagrams: { bytes: Uint8Array; from: Endpoint; asked: IpAddress | null }[] = [];
  readonly failures: { error: HostError; to: Endpoint | null; lost: LostDatagram | null }[] = [];
  onDatagram = (): void => {};
  private waiting: { count: () => number; wanted: number; resolve: () => void } | undefined;

  constructor(test: TestHost, address: string, port = 0, options: DatagramOptions = {}) {
    this.socket = test.host.datagram(endpoint(address, port), {
      received: (bytes, length, from, asked) => {
        this.datagrams.push({ bytes: bytes.slice(0, length), from, asked });
        this.onDatagram();
        this.look();
      },
      failed: (error, to, lost) => {
        this.failures.push({ error, to, lost });
        this.look();
      },
    }, options);
  }

  /** Resolves when this many datagrams have arrived. */
  have(wanted: number): Promise<void> {
    return this.wait(() => this.datagrams.length, wanted);
  }

  /** Resolves when this many failures were reported. */
  haveFailed(wanted: number): Promise<void> {
    return this.wait(() => this.failures.length, wanted);
  }

  private wait(count: () => number, wanted: number): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = { count, wanted, resolve };
      this.look();
    });
  }

  private look(): void {
    if (this.waiting !== undefined && this.waiting.count() >= this.waiting.wanted) this.waiting.resolve();
  }
}

const data = crypto.getRandomValues(new Uint8Array(65_536));

/** The type and code of ICMP port unreachable, by address. */
const PORT_UNREACHABLE = { "127.0.0.1": { type: 3, code: 3 }, "::1": { type: 1, code: 4 } } as const;

for (const [address, longest] of [["127.0.0.1", 65_507], ["::1", 65_527]] as const) {
  Deno.test(`${address}: datagrams of all sizes, there and back`, async () => {
    await using test = new TestHost();
    const a = new Received(test, address), b = new Received(test, address);
    for (const [i, size] of [1, 0, 1400, 16_385, 65_507, longest].entries()) {
      a.socket.send(data, 9, size, b.socket.local);
      await b.have(i + 1);
      const { bytes, from } = b.datagrams[i];
      assertEquals(equals(bytes, data.subarray(9, 9 + size)), true);
      assertEquals(formatEndpoint(from), formatEndpoint(a.socket.local));
      b.socket.send(bytes, 0, size, from); // an array of its own, a small one as well
      await a.have(i + 1);
      assertEquals(equals(a.datagrams[i].bytes, bytes), true);
    }
    a.socket.send(data, 0, longest + 1, b.socket.local);
    await a.haveFailed(1);
    const { error, to } = a.failures[0];
    assertEquals({ failure: error.failure, to }, { failure: "other", to: b.socket.local });
    assertMatch(error.message, /^send to udp .*: message too long$/);
    a.socket.close();
    b.socket.close();
    b.socket.close();
  });

  Deno.test(`${address}: a burst is received in batches, in order, with the right senders`, async () => {
    await using test = new TestHost();
    const to = new Received(test, address);
    const from = [new Received(test, address), new Received(test, address), new Received(test, address)];
    for (let i = 0; i < 150; i++) from[i % 3].socket.send(data, i, 100, to.socket.local);
    await to.have(150);
    for (const [i, datagram] of to.datagrams.entries()) {
      assertEquals(equals(datagram.bytes, data.subarray(i, i + 100)), true);
      assertEquals(datagram.from.port, from[i % 3].socket.local.port);
    }
    for (const { socket } of [to, ...from]) socket.close();
  });

  Deno.test(`${address}: datagrams sent together arrive in order and separately, whatever their sizes and destinations`, async () => {
    let deferred: (() => void)[] = [];
    await using test = new TestHost({ defer: (run) => deferred.push(run) });
    const [a, b, other] = [new Received(test, address), new Received(test, address), new Received(test, address)];
    const sizes = Array.from(
      { length: 30 },
      (_, i) => [100, 100, 100, 60, 1400, 1400, 0, 1472, 2000][(i * 7 >> 3) % 9],
    );
    sizes.push(...new Array<number>(70).fill(300)); // more than one train
    for (const [i, size] of sizes.entries()) {
      a.socket.send(data, i, size, b.socket.local);
      if (i % 10 === 5) a.socket.send(data, i, size, other.socket.local);
    }
    a.socket.close(); // nothing that was sent is lost
    await b.have(sizes.length);
    await other.have(sizes.length / 10);
    for (const [i, { bytes, from }] of b.datagrams.entries()) {
      assertEquals(equals(bytes, data.subarray(i, i + sizes[i])), true);
      assertEquals(from.port, a.socket.local.port);
    }
    for (const [i, { bytes }] of other.datagrams.entries()) {
      assertEquals(equals(bytes, data.subarray(10 * i + 5, 10 * i + 5 + sizes[10 * i + 5])), true);
    }
    assertEquals({ a: a.failures, b: b.failures }, { a: [], b: [] });
    for (const run of deferred) run();
    deferred = [];
    b.socket.send(data, 0, 10, other.socket.local);
    await new Promise((resolve) => setTimeout(resolve, 1));
    assertEquals(other.datagrams.length, sizes.length / 10); // it waits
    for (const run of deferred) run();
    await other.have(sizes.length / 10 + 1);
    for (const { socket } of [b, other]) socket.close();
  });

  Deno.test(`${address}: a closed port is reported with the destination, and other destinations still work`, async () => {
    await using test = new TestHost();
    const deaf = new Received(test, address), good = new Received(test, address);
    const closed = deaf.socket.local;
    deaf.socket.close();
    const socket = new Received(test, address);
    for (let round = 1; round <= 5; round++) {
      socket.socket.send(data, 0, 10, closed);
      socket.socket.send(data, round, 20, good.socket.local); // the kernel would report the earlier failure here
      socket.socket.send(data, round, 20, good.socket.local);
      await good.have(2 * round);
      await socket.haveFailed(round);
      const { error, to } = socket.failures.at(-1)!;
      assertEquals(error.failure, "refused");
      assertEquals(formatEndpoint(to!), formatEndpoint(closed));
      assertMatch(error.message, /^udp to .*\d+: connection refused$/);
      const { icmp, data: kept, length } = socket.failures.at(-1)!.lost!;
      assertEquals({ ...icmp, from: String(icmp!.from) }, { ...PORT_UNREACHABLE[address], from: address });
      assertEquals(length, 10, "the datagram's length");
      assert(equals(kept, data.subarray(0, 10)), "the datagram's own data");
    }
    good.socket.send(data, 0, 30, socket.socket.local); // and it receives as before
    await socket.have(1);
    assertEquals(socket.failures.length, 5);
    socket.socket.close();
    good.socket.close();
  });
}

Deno.test("an IPv6 socket with an IPv4 peer", async () => {
  await using test = new TestHost();
  const six = new Received(test, "::"), four = new Received(test, "127.0.0.1");
  assertEquals(six.socket.local.address.toString(), "::");
  four.socket.send(data, 0, 5, endpoint("127.0.0.1", six.socket.local.port));
  await six.have(1);
  assertEquals(formatEndpoint(six.datagrams[0].from), formatEndpoint(four.socket.local));
  six.socket.send(data, 0, 6, six.datagrams[0].from);
  await four.have(1);
  four.socket.close();
  six.socket.send(data, 0, 6, six.datagrams[0].from);
  await six.haveFailed(1);
  assertEquals(formatEndpoint(six.failures[0].to!), formatEndpoint(four.socket.local));
  six.socket.close();
});

Deno.test("source addresses need a socket on the wildcard", async () => {
  await using test = new TestHost({ source4: IpAddress.parse("127.0.0.8") });
  const source = new Received(test, "0.0.0.0"), own = new Received(test, "127.0.0.1");
  assertEquals(source.socket.local.address.toString(), "127.0.0.8");
  source.socket.send(data, 0, 5, own.socket.local);
  await own.have(1);
  assertEquals(formatEndpoint(own.datagrams[0].from), formatEndpoint(source.socket.local));
  source.socket.close();
  own.socket.close();
  await using foreign = new TestHost({ source4: IpAddress.parse("192.0.2.9") });
  const error = assertThrows(() => new Received(foreign, "0.0.0.0"), HostError);
  assertEquals(error.message, "bind udp 0.0.0.0:0: cannot assign requested address");
});

Deno.test("closing: from within a callback, with a failure pending, and of descriptors", async () => {
  await using test = new TestHost();
  const before = sockets();
  const a = new Received(test, "127.0.0.1"), b = new Received(test, "127.0.0.1");
  for (const fd of newSockets(before)) assertEquals(isClosedOnExec(fd), true);
  b.onDatagram = () => b.socket.close();
  for (let i = 0; i < 5; i++) a.socket.send(data, 0, 10, b.socket.local);
  await b.have(1);
  const c = new Received(test, "127.0.0.1");
  a.socket.send(data, 0, 10, c.socket.local);
  await c.have(1);
  assertEquals(b.datagrams.length, 1);
  c.socket.send(data, 0, 70_000, a.socket.local); // fails, and would be reported in a later turn
  c.socket.close();
  a.socket.close();
  a.socket.send(data, 0, 10, b.socket.local);
  await Promise.resolve();
  assertEquals({ a: a.failures.length, c: c.failures.length }, { a: 0, c: 0 });
  assertEquals(newSockets(before), []);
});

Deno.test("datagrams that the kernel has no room for are dropped and counted", async () => {
  await using test = new TestHost();
  const to = new Received(test, "127.0.0.1");
  const socket = test.host.datagram(endpoint("127.0.0.1", 0), { received: () => {}, failed: () => {} });
  for (let i = 0; i < 2000; i++) socket.send(data, 0, 60_000, to.socket.local); // 120 MB; without a reader
  await to.have(1);
  assert(to.datagrams.length < 2000);
  socket.close();
  to.socket.close();
});

Deno.test({
  name: `no route, and a prohibiting route${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make(
      "link set lo up",
      "route add unreachable 192.0.2.0/25",
      "route add prohibit 192.0.2.128/26",
    );
    await using test = new TestHost();
    const socket = withNetworkNamespace(namespace.path, () => new Received(test, "0.0.0.0"));
    const failures = [
      ["198.51.100.1", "network-unreachable"],
      ["192.0.2.1", "host-unreachable"],
      ["192.0.2.129", "prohibited"],
    ] as const;
    for (const [i, [address, failure]] of failures.entries()) {
      const to = endpoint(address, 53);
      socket.socket.send(data, 0, 10, to);
      assertEquals(socket.failures.length, i); // not from within send
      await socket.haveFailed(i + 1);
      assertEquals(socket.failures[i].error.failure, failure, address);
      assertEquals(socket.failures[i].to, to, "the destination");
      const { lost } = socket.failures[i];
      assertEquals(lost, { icmp: null, mtu: 0, data: data.slice(0, 10), length: 10 });
    }
    socket.socket.close();
  },
});

Deno.test({
  name: `datagrams sent together also pass a link that is too small for the train${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  async fn() {
    await using namespace = await TestNamespace.make("link set lo mtu 1280 up");
    const deferred: (() => void)[] = [];
    await using test = new TestHost({ defer: (run) => deferred.push(run) });
    const [a, b] = withNetworkNamespace(
      namespace.path,
      () => [new Received(test, "127.0.0.1"), new Received(test, "127.0.0.1")] as const,
    );
    for (let i = 0; i < 20; i++) a.socket.send(data, i, 1400, b.socket.local);
    for (const run of deferred.splice(0)) run();
    for (let i = 20; i < 40; i++) a.socket.send(data, i, 1000, b.socket.local);
    for (const run of deferred.splice(0)) run();
    await b.have(40);
    for (const [i, { bytes }] of b.datagrams.entries()) {
      assertEquals(equals(bytes, data.subarray(i, i + (i < 20 ? 1400 : 1000))), true);
    }
    for (const { socket } of [a, b]) socket.close();
  },
});

for (const together of [false, true]) {
  const how = together ? "together" : "one by one";
  Deno.test({
    name: `a socket on the wildcard reports the destination address, and answers from it (${how})${NEEDS_ROOT}`,
    ignore: !IS_ROOT,
    fn: async () => {
      await using namespace = await TestNamespace.make(
        "link set lo up",
        "addr add 192.0.2.1/32 dev lo",
        "addr add 192.0.2.2/32 dev lo",
        "addr add 2001:db8::1/128 dev lo nodad",
        "addr add 2001:db8::2/128 dev lo nodad",
      );
      const deferred: (() => void)[] = [];
      await using test = new TestHost(together ? { defer: (run) => deferred.push(run) } : {});
      const flush = () => deferred.splice(0).forEach((run) => run());
      for (
        const [wildcard, client, asked] of [
          ["0.0.0.0", "127.0.0.1", "192.0.2.2"],
          ["0.0.0.0", "127.0.0.1", "127.0.0.7"],
          ["::", "127.0.0.1", "192.0.2.2"],
          ["::", "192.0.2.1", "127.0.0.1"],
          ["::", "2001:db8::1", "2001:db8::2"],
          ["::", "::1", "2001:db8::2"],
        ] as const
      ) {
        const what = `${client} asks ${asked} of ${wildcard}`;
        const { server, from } = withNetworkNamespace(namespace.path, () => ({
          server: new Received(test, wildcard, 0, { crowded: true }),
          from: new Received(test, client),
        }));
        from.socket.send(data, 0, 10, endpoint(asked, server.socket.local.port));
        flush();
        await server.have(1);
        const question = server.datagrams[0];
        assertEquals(question.asked?.toString(), asked, what);
        for (let i = 0; i < 3; i++) server.socket.send(data, i, 100, question.from, question.asked);
        server.socket.send(data, 0, 2_000, question.from, question.asked); // too long for a train
        server.socket.send(data, 0, 100, question.from); // as the system chooses
        flush();
        await from.have(5);
        for (const answer of from.datagrams.slice(0, 4)) {
          assertEquals(formatEndpoint(answer.from), formatEndpoint(endpoint(asked, server.socket.local.port)), what);
        }
        assertEquals(equals(from.datagrams[2].bytes, data.subarray(2, 102)), true, `${what}: the third answer`);
        assertEquals(from.datagrams[0].asked, null, "not asked for");
        for (const { socket } of [server, from]) socket.close();
      }
    },
  });
}

for (const [address, headers] of [["127.0.0.1", 28], ["::1", 48]] as const) {
  Deno.test({
    name: `${address}: an unfragmentable datagram that is too large is lost, with the MTU reported${NEEDS_ROOT}`,
    ignore: !IS_ROOT,
    async fn() {
      await using namespace = await TestNamespace.make("link set lo mtu 1400 up");
      const deferred: (() => void)[] = [];
      await using test = new TestHost({ defer: (run) => deferred.push(run) });
      const [a, b] = withNetworkNamespace(
        namespace.path,
        () => [new Received(test, address), new Received(test, address)] as const,
      );
      const to = b.socket.local, fits = 1400 - headers;
      a.socket.setPath(0, true);
      for (const size of [fits + 1, fits + 1, fits, 3000]) a.socket.send(data, size, size, to);
      a.socket.setPath(0, false); // not for earlier datagrams, which may still wait
      a.socket.send(data, 0, 3000, to);
      for (const run of deferred.splice(0)) run();
      await b.have(2);
      await a.haveFailed(3);
      assertEquals(b.datagrams.map(({ bytes }) => bytes.length), [fits, 3000]);
      for (const [i, size] of [fits + 1, fits + 1, 3000].entries()) {
        const { to: where, lost } = a.failures[i];
        assertEquals(where, to);
        const kept = data.slice(size, size + 512);
        assertEquals(lost, { icmp: null, mtu: 1400, data: kept, length: size }, `the one of ${size} bytes`);
      }
      for (const { socket } of [a, b]) socket.close();
    },
  });
}
