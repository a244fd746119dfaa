import { IPPROTO_TCP, TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL } from "../../../ffi/libc/constants/socket.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { HostError, type HostStream } from "../../../forward/host/host_network.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import { Process } from "../../../scripts/lab/process.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../../assert.ts";
import { dialled } from "../../forward/bed/dialled.ts";
import { newSockets, sockets } from "../bed/sockets.ts";
import { connectedPair, Conversation, endpoint, TestHost } from "../bed/test_host.ts";

libc();

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
    const { client, server } = await connectedPair(test, address);
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
    const { client, server } = await connectedPair(test, address);
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
    const { client, server } = await connectedPair(test, address);
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
        const { client, server } = await connectedPair(test, address);
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
    const { client, server } = await connectedPair(test, address);
    const conversation = new Conversation(client);
    const pumping = assertRejects(() => conversation.pump(100_000_000, 1), HostError);
    await conversation.stuck();
    server.reset();
    assertEquals((await pumping).failure, "reset");
    client.close();
  });

  Deno.test(`${address}: both ends send keepalive probes after a minute`, async () => {
    await using test = new TestHost();
    const { client, server } = await connectedPair(test, address);
    for (const { local, remote } of [client, server]) assertEquals(keepaliveSeconds(local.port, remote.port), 60);
    client.close();
    server.close();
  });

  Deno.test(`${address}: neither end gives up an idle connection before half an hour of silence`, async () => {
    await using test = new TestHost();
    const before = sockets();
    const { client, server } = await connectedPair(test, address);
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
  const { client, server } = await connectedPair(test, "127.0.0.1");
  const conversation = new Conversation(client);
  let done = false;
  conversation.read().then(() => done = true, () => done = true);
  client.close();
  server.close();
  const again = await connectedPair(test, "127.0.0.1");
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
