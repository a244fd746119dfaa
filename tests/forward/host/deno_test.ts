import { DenoHost } from "../../../forward/host/deno.ts";
import {
  type HostDatagramHandler,
  HostError,
  type HostStream,
  type HostStreamHandler,
} from "../../../forward/host/host_network.ts";
import { hostError, hostFailure, reasonOf } from "../../../forward/host/errors.ts";
import { MAX_QUEUED_DATAGRAMS } from "../../../forward/limits/limits.ts";
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import { allocatePlain, type Chunk } from "../../../stack/base/device.ts";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "../../assert.ts";
import { dialled } from "../bed/dialled.ts";
import { endpoint } from "../bed/fakes.ts";

const host = new DenoHost();
const chunk = (size: number): Chunk => ({ block: allocatePlain(size + 2), offset: 1, length: size });

/** A stream's events, one at a time. */
class Events implements HostStreamHandler {
  private readonly queue: string[] = [];
  private waiting: ((event: string) => void) | null = null;

  constructor(readonly stream: HostStream) {
    stream.handler = this;
  }

  next(): Promise<string> {
    const event = this.queue.shift();
    return event !== undefined ? Promise.resolve(event) : new Promise((resolve) => this.waiting = resolve);
  }

  get pending(): number {
    return this.queue.length;
  }

  readDone(length: number): void {
    this.push(`read ${length}`);
  }
  readFailed(error: HostError): void {
    this.push(`read ${error.failure}`);
  }
  writeDone(length: number): void {
    this.push(`wrote ${length}`);
  }
  writeFailed(error: HostError): void {
    this.push(`write ${error.failure}`);
  }

  private push(event: string): void {
    if (this.waiting === null) this.queue.push(event);
    else this.waiting(event);
    this.waiting = null;
  }
}

/** Two connected streams, and what closes the listener between them. */
async function pair(address: string) {
  const accepted = Promise.withResolvers<HostStream>();
  const listener = host.listen(endpoint(`${address}:0`), accepted.resolve);
  const client = await dialled(host, listener.local);
  return { client: new Events(client), server: new Events(await accepted.promise), listener };
}

/** Lets operations that were begun end. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

for (const address of ["127.0.0.1", "[::1]"]) {
  Deno.test(`DenoHost: a stream over ${address}: bytes, FIN, ends`, async () => {
    const { client, server, listener } = await pair(address);
    assertEquals(formatEndpoint(client.stream.local), formatEndpoint(server.stream.remote));
    assertEquals(formatEndpoint(client.stream.remote), formatEndpoint(listener.local));
    const out = chunk(3), into = chunk(10);
    out.block.bytes.set([0, 1, 2, 3, 4]);
    assertEquals(client.stream.write(out), -1, "the write is pending");
    assertEquals(server.stream.read(into), -1, "the read is pending");
    assertEquals([await client.next(), await server.next()], ["wrote 3", "read 3"]);
    assertEquals([...into.block.bytes.subarray(0, 6)], [0, 1, 2, 3, 0, 0]);
    client.stream.closeWrite();
    server.stream.read(into);
    assertEquals(await server.next(), "read 0");
    server.stream.write(out); // the other direction goes on
    client.stream.read(into);
    assertEquals([await server.next(), await client.next()], ["wrote 3", "read 3"]);
    client.stream.close();
    client.stream.close();
    server.stream.close();
    server.stream.reset();
    listener.close();
    listener.close();
  });
}

Deno.test("DenoHost: after close the handler is silent", async () => {
  const { client, server, listener } = await pair("127.0.0.1");
  client.stream.read(chunk(10));
  client.stream.close();
  client.stream.closeWrite();
  await settled();
  assertEquals(client.pending, 0);
  server.stream.close();
  listener.close();
});

Deno.test("DenoHost: reset closes, as Deno has no call for a reset", async () => {
  const { client, server, listener } = await pair("127.0.0.1");
  client.stream.reset();
  client.stream.reset();
  server.stream.read(chunk(1));
  assertEquals(await server.next(), "read 0");
  server.stream.close();
  listener.close();
});

Deno.test("DenoHost: nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(() => dialled(host, endpoint(`127.0.0.1:${port}`)), HostError);
  assertEquals(error.failure, "refused", "error failure");
  assertEquals(error.message, `connect to 127.0.0.1:${port}: connection refused`, "error message");
  assertEquals(reasonOf(error), "connection refused");
});

Deno.test("DenoHost: a dial that was cancelled is silent, and leaves no connection", async () => {
  const accepted = Promise.withResolvers<HostStream>();
  const listener = host.listen(endpoint("127.0.0.1:0"), accepted.resolve);
  const heard: string[] = [];
  const handler = { connected: () => heard.push("connected"), failed: () => heard.push("failed") };
  const dial = host.dial(listener.local, handler);
  dial.cancel();
  dial.cancel();
  const second = await dialled(host, listener.local);
  // the kernel may have connected the first before the signal came: then it is closed
  const server = new Events(await accepted.promise);
  if (formatEndpoint(server.stream.remote) !== formatEndpoint(second.local)) {
    server.stream.read(chunk(1));
    assertEquals(await server.next(), "read 0");
  }
  await settled();
  assertEquals(heard, []);
  server.stream.close();
  second.close();
  listener.close();
});

Deno.test("DenoHost: an address that can't be listened on", () => {
  const taken = host.listen(endpoint("127.0.0.1:0"), (stream) => stream.close());
  const error = assertThrows(() => host.listen(taken.local, () => {}), HostError, formatEndpoint(taken.local));
  assertMatch(error.message, /address already in use$/);
  taken.close();
});

/** Collects datagrams. */
class Mailbox implements HostDatagramHandler {
  readonly failures: [string, Endpoint | null][] = [];
  private readonly mail: [string, string][] = [];
  private waiting: ((mail: [string, string]) => void) | null = null;

  next(): Promise<[string, string]> {
    const mail = this.mail.shift();
    return mail !== undefined ? Promise.resolve(mail) : new Promise((resolve) => this.waiting = resolve);
  }

  received(bytes: Uint8Array, length: number, from: Endpoint): void {
    const mail: [string, string] = [new TextDecoder().decode(bytes.subarray(0, length)), formatEndpoint(from)];
    if (this.waiting === null) this.mail.push(mail);
    else this.waiting(mail);
    this.waiting = null;
  }

  failed(error: HostError, to: Endpoint | null): void {
    this.failures.push([error.failure, to]);
  }
}

for (const address of ["127.0.0.1", "[::1]"]) {
  Deno.test(`DenoHost: datagrams over ${address}, from the empty one to the longest`, async () => {
    const a = new Mailbox(), b = new Mailbox();
    const one = host.datagram(endpoint(`${address}:0`), a), other = host.datagram(endpoint(`${address}:0`), b);
    for (const length of [0, 1, 1400, 65_507]) {
      const text = "abcdefg".repeat(10_000).slice(0, length);
      const bytes = new TextEncoder().encode(`<${text}>`);
      one.send(bytes, 1, length, other.local);
      bytes.fill(0); // it is a copy that is sent
      assertEquals(await b.next(), [text, formatEndpoint(one.local)]);
    }
    other.send(new TextEncoder().encode("back"), 0, 4, one.local);
    assertEquals(await a.next(), ["back", formatEndpoint(other.local)]);
    assertEquals(a.failures, [], "failures of the first socket");
    assertEquals(b.failures, [], "failures of the second socket");
    one.close();
    one.close();
    one.send(new Uint8Array(1), 0, 1, other.local);
    other.close();
    await settled();
  });
}

Deno.test("DenoHost: a datagram that can't be sent is reported with its destination", async () => {
  const box = new Mailbox();
  const socket = host.datagram(endpoint("127.0.0.1:0"), box);
  const to = endpoint("127.0.0.1:9");
  socket.send(new Uint8Array(65_508), 0, 65_508, to);
  await settled();
  assertEquals(box.failures, [["other", to]]);
  socket.close();
  await settled();
});

Deno.test("DenoHost: datagrams that wait are bounded, and sent in order", async () => {
  const box = new Mailbox();
  const receiver = host.datagram(endpoint("127.0.0.1:0"), box);
  const sender = host.datagram(endpoint("127.0.0.1:0"), new Mailbox());
  for (let i = 0; i < 2 * MAX_QUEUED_DATAGRAMS; i++) {
    const bytes = new TextEncoder().encode(String(i)); // small: the receiver's buffer holds them all
    sender.send(bytes, 0, bytes.length, receiver.local);
  }
  for (let i = 0; i < MAX_QUEUED_DATAGRAMS; i++) assertEquals((await box.next())[0], String(i));
  await settled();
  sender.send(new TextEncoder().encode("later"), 0, 5, receiver.local);
  assertEquals((await box.next())[0], "later");
  receiver.close();
  sender.close();
  await settled();
});

Deno.test("hostError: what Deno throws, by its code", () => {
  const thrown = Object.assign(new Error("No route to host (os error 113)"), { code: "EHOSTUNREACH" });
  const error = hostError(thrown, "connect to 192.0.2.1:80");
  assertEquals(error.failure, "host-unreachable", "error failure");
  assertEquals(error.message, "connect to 192.0.2.1:80: no route to host", "error message");
  assert(error.cause === thrown);
  assert(hostError(error, "again") === error);
  const failures = ["ECONNREFUSED", "EPIPE", "ENETUNREACH", "EINVAL", "ETIMEDOUT", "EACCES", "EMFILE", "EWHATEVER"]
    .map((code) => hostFailure(Object.assign(new Error(), { code })));
  assertEquals(failures, [
    "refused",
    "reset",
    "network-unreachable",
    "network-unreachable",
    "timeout",
    "prohibited",
    "resources",
    "other",
  ]);
  assertEquals([hostFailure(new DOMException("", "AbortError")), hostFailure(new RangeError("port")), hostFailure(3)], [
    "aborted",
    "other",
    "other",
  ]);
});
