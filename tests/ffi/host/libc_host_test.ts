import { libc } from "../../../ffi/libc/libc.ts";
import { withNetworkNamespace } from "../../../ffi/network/netns.ts";
import { HostError, type HostFailure, type HostStream } from "../../../forward/host/host_network.ts";
import { formatEndpoint, IpAddress } from "../../../stack/base/address.ts";
import { assert, assertEquals, assertFields, assertMatch, assertRejects, assertThrows } from "../../assert.ts";
import { dialled } from "../../forward/bed/dialled.ts";
import { Process } from "../../../scripts/lab/process.ts";
import { IS_ROOT, NEEDS_ROOT, TestNamespace } from "../bed/namespace.ts";
import { isClosedOnExec, newSockets, sockets } from "../bed/sockets.ts";
import { Conversation, endpoint, TestHost } from "../bed/test_host.ts";

libc();

/** A connection between a stream of ours and one that we accepted. */
async function pair(test: TestHost, address: string): Promise<{ client: HostStream; server: HostStream }> {
  const accepted = Promise.withResolvers<HostStream>();
  const listener = test.host.listen(endpoint(address, 0), accepted.resolve);
  const client = await dialled(test.host, listener.local);
  const server = await accepted.promise;
  listener.close();
  return { client, server };
}

/** A numeric option of a TCP socket. */
function tcpOption(fd: number, option: number): number {
  const value = new Int32Array(new ArrayBuffer(4)), length = new Int32Array(new ArrayBuffer(4)).fill(4);
  assertEquals(libc().getsockopt(fd, IPPROTO_TCP, option, value, length), 0, "getsockopt");
  return value[0];
}

/** Seconds until the kernel probes the peer of the connection between these ports; null: never. */
function keepaliveSeconds(local: number, remote: number): number | null {
  const port = (number: number) => number.toString(16).toUpperCase().padStart(4, "0");
  // proc_net_tcp.rst: local and remote address, state, queues, the timer that is set (2: keepalive) and its time in 1/100 s
  const line = new RegExp(`:${port(local)} \\w+:${port(remote)} 01 \\S+ 02:(\\w+)`);
  const table = ["tcp", "tcp6"].map((name) => Deno.readTextFileSync(`/proc/self/net/${name}`)).join("");
  const found = line.exec(table);
  return found === null ? null : Math.ceil(parseInt(found[1], 16) / 100);
}

for (const address of ["127.0.0.1", "::1"]) {
  Deno.test(`${address}: dial, accept, data both ways, half close each way`, async () => {
    await using test = new TestHost();
    const { client, server } = await pair(test, address);
    assertEquals(formatEndpoint(client.local), formatEndpoint(server.remote));
    assertEquals(formatEndpoint(client.remote), formatEndpoint(server.local));
    assertEquals(client.remote.address.toString(), address);
    const left = new Conversation(client), right = new Conversation(server);
    assertEquals(await left.write("hello"), 5);
    assertEquals(await right.read(), "hello");
    const reading = left.read(); // waits
    await right.write("answer");
    assertEquals(await reading, "answer");
    client.closeWrite();
    assertEquals(await right.read(), "");
    assertEquals(await right.read(), ""); // and again
    await right.write("after the end");
    assertEquals(await left.read(), "after the end");
    server.closeWrite();
    assertEquals(await left.read(), "");
    client.close();
    server.close();
  });

  Deno.test(`${address}: an end that precedes the read is reported with the last data, and again on the next read`, async () => {
    await using test = new TestHost();
    const { client, server } = await pair(test, address);
    const left = new Conversation(client), right = new Conversation(server);
    await left.write("more follows");
    assertEquals({ read: await right.read(), ended: server.ended }, { read: "more follows", ended: false });
    await left.write("the last");
    client.closeWrite();
    assertEquals({ read: await right.read(), ended: server.ended }, { read: "the last", ended: true });
    assertEquals({ read: await right.read(), ended: server.ended }, { read: "", ended: true });
    await right.write("answer");
    server.close();
    assertEquals({ read: await left.read(), ended: client.ended }, { read: "answer", ended: true });
    assertEquals(await left.read(), "");
    client.close();
  });

  Deno.test(`${address}: megabytes both ways at once, to a reader that is slow at first`, async () => {
    await using test = new TestHost();
    const { client, server } = await pair(test, address);
    const left = new Conversation(client), right = new Conversation(server);
    const SIZE = 20_000_000;
    const sums = await Promise.all([
      left.pump(SIZE, 3),
      right.pump(SIZE, 5),
      new Promise((resolve) => setTimeout(resolve, 50)).then(() => left.check(SIZE, 5)),
      right.check(SIZE, 3),
    ]);
    assertEquals(sums, [SIZE, SIZE, SIZE, SIZE]);
    assert(left.writesPending > 0, "it never had to wait for room");
    client.close();
    server.close();
  });

  for (const which of ["client", "server"] as const) {
    Deno.test(`${address}: a reset by the ${which}, idle, with a read pending, and with data in flight`, async () => {
      await using test = new TestHost();
      for (const situation of ["idle", "reading", "data"]) {
        const { client, server } = await pair(test, address);
        const own = which === "client" ? client : server, peer = which === "client" ? server : client;
        const conversation = new Conversation(peer);
        const reading = situation === "reading" ? conversation.read() : null;
        if (situation === "data") await new Conversation(own).write("last words");
        own.reset();
        own.reset();
        own.close();
        if (situation === "data") assertEquals(await conversation.read(), "last words");
        const error = await assertRejects(() => reading ?? conversation.read(), HostError);
        assertEquals(error.failure, "reset");
        assertMatch(error.message, /^read from .*: connection reset by peer$/);
        const written = await assertRejects(() => conversation.write("x"), HostError);
        assertEquals(written.failure, "reset");
        peer.close();
      }
    });
  }

  Deno.test(`${address}: a waiting write fails when the peer resets`, async () => {
    await using test = new TestHost();
    const { client, server } = await pair(test, address);
    const conversation = new Conversation(client);
    const pumping = assertRejects(() => conversation.pump(100_000_000, 1), HostError);
    await conversation.stuck();
    server.reset();
    assertEquals((await pumping).failure, "reset");
    client.close();
  });

  Deno.test(`${address}: both ends send keepalive probes after a minute`, async () => {
    await using test = new TestHost();
    const { client, server } = await pair(test, address);
    for (const { local, remote } of [client, server]) assertEquals(keepaliveSeconds(local.port, remote.port), 60);
    client.close();
    server.close();
  });

  Deno.test(`${address}: neither end gives up an idle connection before half an hour of silence`, async () => {
    await using test = new TestHost();
    const before = sockets();
    const { client, server } = await pair(test, address);
    const fds = newSockets(before);
    assertEquals(fds.length, 2, "sockets of the connection");
    for (const fd of fds) {
      const patience = tcpOption(fd, TCP_KEEPIDLE) + tcpOption(fd, TCP_KEEPINTVL) * tcpOption(fd, TCP_KEEPCNT);
      assert(patience >= 1_800 && patience < 3_600, `${patience} s`);
    }
    client.close();
    server.close();
  });

  Deno.test(`${address}: refused`, async () => {
    await using test = new TestHost();
    const listener = test.host.listen(endpoint(address, 0), () => {});
    const { local } = listener;
    listener.close();
    const error = await assertRejects(() => dialled(test.host, local), HostError);
    assertEquals(error.failure, "refused");
    assertMatch(error.message, /^connect to .*\d+: connection refused$/);
  });
}

/** Sends ten bytes, one of them urgent, reports this and waits. It listens for its peer, or connects to a port. */
const URGENT = `
import socket, sys
if len(sys.argv) > 1:
    peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
else:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    peer = listener.accept()[0]
peer.send(b"four")
peer.send(b"!", socket.MSG_OOB)
peer.send(b"after")
print("sent", flush=True)
sys.stdin.read()`;
import { IPPROTO_TCP, TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL } from "../../../ffi/libc/constants/socket.ts";

Deno.test("urgent data stays in the stream of a dialled connection", async () => {
  await using test = new TestHost();
  await using server = Process.start(["python3", "-c", URGENT]);
  const port = Number((await server.line("stdout", /^\d+$/))[0]);
  const client = await dialled(test.host, endpoint("127.0.0.1", port));
  await server.line("stdout", /^sent$/);
  assertEquals(await readBytes(client, 10), "four!after");
  client.close();
});

Deno.test("urgent data stays in the stream of an accepted connection", async () => {
  await using test = new TestHost();
  const accepted = Promise.withResolvers<HostStream>();
  const listener = test.host.listen(endpoint("127.0.0.1", 0), accepted.resolve);
  await using client = Process.start(["python3", "-c", URGENT, String(listener.local.port)]);
  const server = await accepted.promise;
  await client.line("stdout", /^sent$/);
  assertEquals(await readBytes(server, 10), "four!after");
  server.close();
  listener.close();
});

/** Reads from a stream until it has this many bytes. */
async function readBytes(stream: HostStream, count: number): Promise<string> {
  const conversation = new Conversation(stream);
  let text = "";
  while (text.length < count) text += await conversation.read();
  return text;
}

Deno.test("a handler is not called after close, even if closed from within a callback", async () => {
  await using test = new TestHost();
  const { client, server } = await pair(test, "127.0.0.1");
  const conversation = new Conversation(client);
  let done = false;
  conversation.read().then(() => done = true, () => done = true);
  client.close();
  server.close();
  const again = await pair(test, "127.0.0.1");
  const closed = Promise.withResolvers<void>();
  again.client.handler = {
    readDone() {
      again.client.close();
      closed.resolve();
    },
    readFailed: () => {},
    writeDone: () => {},
    writeFailed: () => {},
  };
  assertEquals(again.client.read(new Conversation(again.client, false).chunk(10)), -1);
  await new Conversation(again.server).write("x");
  await closed.promise;
  again.server.close();
  assertEquals(done, false);
});

Deno.test("a listener on the wildcard: streams have their local address, of both versions", async () => {
  await using test = new TestHost();
  for (const [wildcard, targets] of [["0.0.0.0", ["127.0.0.3"]], ["::", ["::1", "127.0.0.1"]]] as const) {
    const streams: HostStream[] = [];
    let accepted = Promise.withResolvers<void>();
    const listener = test.host.listen(endpoint(wildcard, 0), (stream) => {
      streams.push(stream);
      accepted.resolve();
    });
    assertEquals(listener.local.address.toString(), wildcard);
    for (const target of targets) {
      const client = await dialled(test.host, endpoint(target, listener.local.port));
      await accepted.promise;
      accepted = Promise.withResolvers();
      const server = streams.pop()!;
      assertEquals(server.local.address.toString(), target);
      assertEquals(formatEndpoint(server.remote), formatEndpoint(client.local));
      client.close();
      server.close();
    }
    listener.close();
  }
});

Deno.test("a listener that fails to listen", async () => {
  await using test = new TestHost();
  const listener = test.host.listen(endpoint("127.0.0.1", 0), () => {});
  const used = assertThrows(() => test.host.listen(listener.local, () => {}), HostError);
  assertMatch(used.message, /^listen on 127\.0\.0\.1:\d+: address already in use$/);
  const foreign = assertThrows(() => test.host.listen(endpoint("192.0.2.1", 0), () => {}), HostError);
  assertFields(foreign, { failure: "resources", message: "listen on 192.0.2.1:0: cannot assign requested address" });
  listener.close();
  const again = test.host.listen(listener.local, () => {}); // SO_REUSEADDR: at once
  again.close();
  again.close();
});

Deno.test("dials are cancelled immediately, and too late", async () => {
  await using test = new TestHost();
  const before = sockets();
  const wanted = Promise.withResolvers<HostStream>();
  const ends: HostStream[] = [];
  const listener = test.host.listen(endpoint("127.0.0.1", 0), (stream) => {
    ends.push(stream); // the kernel may have connected the first one, too
    wanted.promise.then((client) => {
      if (formatEndpoint(stream.remote) === formatEndpoint(client.local)) return answer(stream);
    });
  });
  const answer = (stream: HostStream) => new Conversation(stream).write("still there");
  const heard: string[] = [];
  const failed = () => heard.push("failed");
  test.host.dial(listener.local, { connected: () => heard.push("connected"), failed }).cancel();
  const dial = test.host.dial(listener.local, { connected: wanted.resolve, failed });
  const client = await wanted.promise;
  dial.cancel();
  assertEquals(await new Conversation(client).read(), "still there"); // only the stream's user closes it
  assertEquals(heard, [], "the handler of a cancelled dial");
  for (const stream of [client, ...ends]) stream.close();
  listener.close();
  assertEquals(newSockets(before), []);
});

Deno.test("1,000 connections at once: all descriptors are closed afterwards, and none is inherited", async () => {
  await using test = new TestHost();
  const before = sockets();
  const servers: HostStream[] = [];
  const listener = test.host.listen(endpoint("127.0.0.1", 0), (stream) => {
    servers.push(stream);
    echo(stream);
  });
  const clients = await Promise.all(Array.from({ length: 1000 }, () => dialled(test.host, listener.local)));
  for (const fd of newSockets(before)) assertEquals(isClosedOnExec(fd), true);
  const answers = await Promise.all(clients.map(async (client, i) => {
    const conversation = new Conversation(client);
    await conversation.write(`number ${i}`);
    return await conversation.read();
  }));
  assertEquals(answers, clients.map((_, i) => `number ${i}`));
  for (const [i, client] of clients.entries()) i % 2 === 0 ? client.close() : client.reset();
  listener.close();
  await Promise.all(servers.map((stream) => ended.get(stream)));
  assertEquals(servers.length, 1000);
  assertEquals(newSockets(before), []);
});

/** Resolves when an echoing stream is closed. */
const ended = new WeakMap<HostStream, Promise<void>>();

/** Echoes everything until the stream ends or fails. */
function echo(stream: HostStream): void {
  const conversation = new Conversation(stream);
  const run = async () => {
    try {
      for (let text = await conversation.read(); text !== ""; text = await conversation.read()) {
        await conversation.write(text);
      }
    } catch (error) {
      assert(error instanceof HostError && error.failure === "reset");
    }
    stream.close();
  };
  ended.set(stream, run());
}

Deno.test("source addresses", async () => {
  await using test = new TestHost({ source4: IpAddress.parse("127.0.0.9"), source6: IpAddress.parse("::1") });
  for (const [address, source] of [["127.0.0.1", "127.0.0.9"], ["::1", "::1"]] as const) {
    const { client, server } = await pair(test, address);
    assertEquals(server.remote.address.toString(), source);
    assertEquals(formatEndpoint(client.local), formatEndpoint(server.remote));
    client.close();
    server.close();
  }
  await using foreign = new TestHost({ source4: IpAddress.parse("192.0.2.9") });
  const error = await assertRejects(() => dialled(foreign.host, endpoint("127.0.0.1", 9)), HostError);
  assertFields(error, { failure: "resources", message: "connect to 127.0.0.1:9: cannot assign requested address" });
});

Deno.test({
  name: `dial errors follow the routes${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make(
      "link set lo up",
      "route add unreachable 192.0.2.0/25",
      "route add prohibit 192.0.2.128/26",
      "route add blackhole 192.0.2.192/26",
      "route add unreachable 2001:db8::/33",
      "route add prohibit 2001:db8:8000::/33",
    );
    await using test = new TestHost();
    const failures: [string, HostFailure][] = [
      ["198.51.100.1", "network-unreachable"],
      ["192.0.2.1", "host-unreachable"],
      ["192.0.2.129", "prohibited"],
      ["192.0.2.193", "network-unreachable"],
      ["2001:db8::1", "host-unreachable"],
      ["2001:db8:8000::1", "prohibited"],
      ["2002::1", "network-unreachable"],
    ];
    for (const [address, failure] of failures) {
      const dialing = withNetworkNamespace(
        namespace.path,
        () => ({ outcome: dialled(test.host, endpoint(address, 80)) }),
      );
      const error = await assertRejects(() => dialing.outcome, HostError);
      assertEquals(error.failure, failure, address);
    }
  },
});

Deno.test({
  name: `a host that does not answer is reported as unreachable${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make(
      "link set lo up",
      "link add d0 type veth peer name d1",
      "addr add 192.0.2.1/24 dev d0",
      "link set d0 up",
      "link set d1 up",
    );
    await namespace.command(
      "sysctl",
      "-qw",
      "net.ipv4.neigh.d0.mcast_solicit=1",
      "net.ipv4.neigh.d0.retrans_time_ms=50",
    )
      .output();
    await using test = new TestHost();
    const dialing = withNetworkNamespace(
      namespace.path,
      () => ({ outcome: dialled(test.host, endpoint("192.0.2.7", 80)) }),
    );
    const error = await assertRejects(() => dialing.outcome, HostError);
    assertEquals(error.failure, "host-unreachable");
    assertMatch(error.message, /^connect to 192\.0\.2\.7:80: no route to host$/);
  },
});

Deno.test("out of descriptors: dials fail, a listener pauses and resumes", async () => {
  const script = `
    import { TestHost, endpoint, Conversation } from ${JSON.stringify(import.meta.resolve("../bed/test_host.ts"))};
    import { dialled } from ${JSON.stringify(import.meta.resolve("../../forward/bed/dialled.ts"))};
    import { libc } from ${JSON.stringify(import.meta.resolve("../../../ffi/libc/libc.ts"))};
    Deno.addSignalListener("SIGTERM", () => Deno.exit(0)); // the runtime can't do without a descriptor for signals
    const test = new TestHost();
    const accepted = [];
    const listener = test.host.listen(endpoint("127.0.0.1", 0), (stream) => accepted.push(stream));
    const first = await dialled(test.host, listener.local);
    while (accepted.length < 1) await new Promise((r) => setTimeout(r, 1));
    const spare = await Promise.all([1, 2, 3].map(() => libc().eventfd(0, 0o2000000)));
    const fds = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name));
    const limit = new BigUint64Array(2).fill(BigInt(Math.max(...fds) + 1));
    libc().setrlimit(7, limit);
    const fill = [];
    for (;;) { const fd = libc().eventfd(0, 0o2000000); if (fd < 0) break; fill.push(fd); }
    for (const open of [() => dialled(test.host, listener.local), async () => test.host.listen(endpoint("::1", 0), () => {}),
                        async () => test.host.datagram(endpoint("::1", 0), {})]) {
      try { await open(); console.log("opened"); } catch (e) { console.log(e.failure, e.message.replace(/\\d{4,}/, "N")); }
    }
    libc().close(fill.pop() ?? spare.pop()); // one for a dial; none for the accept
    const second = await dialled(test.host, listener.local);
    await new Promise((r) => setTimeout(r, 250));
    console.log("accepted", accepted.length);
    for (const fd of spare) libc().close(fd);
    while (accepted.length < 2) await new Promise((r) => setTimeout(r, 1));
    const conversation = new Conversation(second);
    await new Conversation(accepted[1]).write("late");
    console.log(await conversation.read());
    Deno.exit(0);`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, script);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--config", new URL("../../../deno.json", import.meta.url).pathname, "-A", file],
  }).output();
  await Deno.remove(file);
  const text = new TextDecoder();
  assertEquals(
    text.decode(stdout).split("\n"),
    [
      "resources connect to 127.0.0.1:N: too many open files",
      "resources listen on [::1]:0: too many open files",
      "resources bind udp [::1]:0: too many open files",
      "accepted 1",
      "late",
      "",
    ],
    text.decode(stderr),
  );
});

Deno.test("out of descriptors: something expendable is closed, as long as there is something", async () => {
  const script = `
    import { TestHost, endpoint } from ${JSON.stringify(import.meta.resolve("../bed/test_host.ts"))};
    import { dialled } from ${JSON.stringify(import.meta.resolve("../../forward/bed/dialled.ts"))};
    import { libc } from ${JSON.stringify(import.meta.resolve("../../../ffi/libc/libc.ts"))};
    Deno.addSignalListener("SIGTERM", () => Deno.exit(0)); // the runtime can't do without a descriptor for signals
    const missed = [];
    const asked = { times: 0 };
    const spare = () => {
      asked.times++;
      if (missed.length === 0) return false;
      libc().close(missed.pop());
      return true;
    };
    const test = new TestHost({ spare });
    const accepted = [];
    const listener = test.host.listen(endpoint("127.0.0.1", 0), (stream) => accepted.push(stream));
    const first = await dialled(test.host, listener.local);
    while (accepted.length < 1) await new Promise((r) => setTimeout(r, 1));
    missed.push(...[1, 2, 3].map(() => libc().eventfd(0, 0o2000000)));
    const fds = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name));
    libc().setrlimit(7, new BigUint64Array(2).fill(BigInt(Math.max(...fds) + 1)));
    while (libc().eventfd(0, 0o2000000) >= 0);
    await dialled(test.host, listener.local);
    while (accepted.length < 2) await new Promise((r) => setTimeout(r, 1));
    console.log("a dial and its accept", asked.times);
    test.host.datagram(endpoint("127.0.0.1", 0), { received() {}, failed() {} });
    console.log("a datagram socket", asked.times);
    try { test.host.datagram(endpoint("127.0.0.1", 0), {}); } catch (e) { console.log(e.failure, asked.times); }
    Deno.exit(0);`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, script);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--config", new URL("../../../deno.json", import.meta.url).pathname, "-A", file],
  }).output();
  await Deno.remove(file);
  const text = new TextDecoder();
  const expected = "a dial and its accept 2\na datagram socket 3\nresources 4\n";
  assertEquals(text.decode(stdout), expected, text.decode(stderr));
});
