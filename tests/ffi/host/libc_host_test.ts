import { libc } from "../../../ffi/libc/libc.ts";
import { HostError, type HostStream } from "../../../forward/host/host_network.ts";
import { assert, assertEquals } from "../../assert.ts";
import { echoSockets } from "../../../ffi/ping/echo_socket.ts";
import { LibcHost } from "../../../ffi/host/libc_host.ts";
import { Poller } from "../../../ffi/poll/poller.ts";
import { dialled } from "../../forward/bed/dialled.ts";
import { runScript } from "../bed/run_script.ts";
import { isClosedOnExec, newSockets, sockets } from "../bed/sockets.ts";
import { Conversation, endpoint, TestHost } from "../bed/test_host.ts";

libc();

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
  const { stdout, stderr } = await runScript(script);
  assertEquals(
    stdout.split("\n"),
    [
      "resources connect to 127.0.0.1:N: too many open files",
      "resources listen on [::1]:0: too many open files",
      "resources bind udp [::1]:0: too many open files",
      "accepted 1",
      "late",
      "",
    ],
    stderr,
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
  const { stdout, stderr } = await runScript(script);
  const expected = "a dial and its accept 2\na datagram socket 3\nresources 4\n";
  assertEquals(stdout, expected, stderr);
});

Deno.test("buffers for datagrams and pings are made with their first socket", async () => {
  const poller = new Poller({
    onError: (error) => {
      throw error;
    },
  });
  const external = () => Deno.memoryUsage().external;
  const before = external();
  const host = new LibcHost({ poller, defer: (run) => run() });
  echoSockets(poller);
  assert(external() - before < 16 * 1024, "without a socket");
  const socket = host.datagram(endpoint("127.0.0.1", 0), { received: () => {}, failed: () => {} });
  assert(external() - before > 1024 * 1024, "with one");
  socket.close();
  await poller.close();
});
