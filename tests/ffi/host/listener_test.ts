import { SocketContext, socketError } from "../../../ffi/host/context.ts";
import { LibcListener } from "../../../ffi/host/listener.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import type { Poller, Polling } from "../../../ffi/poll/poller.ts";
import { HostError, type HostStream } from "../../../forward/host/host_network.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import { assertEquals, assertFields, assertMatch, assertThrows } from "../../assert.ts";
import { dialled } from "../../forward/bed/dialled.ts";
import { begunPoller } from "../bed/begun_poller.ts";
import { endpoint, TestHost } from "../bed/test_host.ts";

libc();
const ENOBUFS = 105;

/** A listener whose context and user fail on request. */
function setup(poller: Poller) {
  const state = { watched: 0, handed: 0, fault: null as Error | null };
  const thrown: unknown[] = [];
  const counting: Polling = {
    add: (fd, callback, events) => {
      const handle = poller.add(fd, (events) => {
        try {
          callback(events);
        } catch (error) {
          thrown.push(error);
        }
      }, events);
      state.watched++;
      return {
        arm: (events) => handle.arm(events),
        remove: (closing) => {
          state.watched--;
          handle.remove(closing);
        },
      };
    },
  };
  const context = new SocketContext({ poller: counting });
  const accepted = () => {
    state.handed++;
    if (state.fault !== null) throw state.fault;
  };
  return { state, thrown, context, listener: new LibcListener(context, endpoint("0.0.0.0", 0), accepted) };
}

/** Connects, and resolves when the other end has closed. */
async function connectUntilClosed(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.read(new Uint8Array(1)).catch(() => {});
}

Deno.test("a connection that can't be handed over is closed and removed from the poller, and the next is accepted", async () => {
  await using poller = begunPoller();
  const { state, thrown, context, listener } = setup(poller);
  const { port } = listener.local;

  const ask = context.localEndpoint;
  context.localEndpoint = () => {
    throw socketError(ENOBUFS);
  };
  await connectUntilClosed(port);
  assertEquals(state.watched, 1, "descriptors watched after getsockname(2) failed");
  assertEquals(thrown, [], "system errors rethrown");
  context.localEndpoint = ask;

  state.fault = new Error("a fault of the program");
  await connectUntilClosed(port);
  assertEquals(state.watched, 1, "descriptors watched after the user threw");
  assertEquals(thrown, [state.fault], "the error that the user threw");

  state.fault = null;
  using _conn = await Deno.connect({ hostname: "127.0.0.1", port });
  while (state.watched < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(state.handed, 2, "connections handed over");
  listener.close();
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
