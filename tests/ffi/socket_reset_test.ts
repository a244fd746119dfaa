import { libc } from "../../ffi/libc.ts";
import { SocketReset } from "../../ffi/socket_reset.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";

libc();

async function pair(hostname: string): Promise<{ client: Deno.TcpConn; server: Deno.TcpConn }> {
  using listener = Deno.listen({ hostname, port: 0 });
  const to = hostname === "::" ? "127.0.0.1" : hostname; // IPv4 into an IPv6 socket
  const [client, server] = await Promise.all([
    Deno.connect({ hostname: to, port: listener.addr.port }),
    listener.accept(),
  ]);
  return { client, server };
}

async function readToEnd(conn: Deno.TcpConn): Promise<number> {
  const buffer = new Uint8Array(65536);
  for (let total = 0;;) {
    const length = await conn.read(buffer);
    if (length === null) return total;
    total += length;
  }
}

for (const hostname of ["127.0.0.1", "::1", "::"]) {
  Deno.test(`reset of an idle connection on ${hostname}, either side`, async () => {
    const reset = new SocketReset();
    for (const which of ["client", "server"] as const) {
      const ends = await pair(hostname);
      const own = ends[which], peer = which === "client" ? ends.server : ends.client;
      assertEquals(reset.reset(own.localAddr, own.remoteAddr), true);
      own.close();
      await assertRejects(() => readToEnd(peer), Deno.errors.ConnectionReset);
      peer.close();
    }
  });
}

Deno.test("reset with a read pending", async () => {
  const { client, server } = await pair("127.0.0.1");
  const reading = client.read(new Uint8Array(10)).then(() => {}, () => {});
  assertEquals(new SocketReset().reset(client.localAddr, client.remoteAddr), true);
  client.close();
  await reading;
  await assertRejects(() => readToEnd(server), Deno.errors.ConnectionReset);
  server.close();
});

Deno.test("reset with a write pending, which ends", async () => {
  const { client, server } = await pair("127.0.0.1");
  let written = 0;
  const stuck = Promise.withResolvers<void>();
  const writing = (async () => {
    for (;;) {
      const timer = setTimeout(stuck.resolve, 100); // nothing is taken for that long: the buffers are full
      written += await client.write(new Uint8Array(1 << 20)).finally(() => clearTimeout(timer));
    }
  })().catch(() => {});
  await stuck.promise;
  assertEquals(new SocketReset().reset(client.localAddr, client.remoteAddr), true);
  client.close();
  await writing;
  assert(written > 0);
  await assertRejects(() => readToEnd(server), Deno.errors.ConnectionReset);
  server.close();
});

Deno.test("other connections stay, whatever was seen on their descriptors before", async () => {
  const reset = new SocketReset();
  const pairs = await Promise.all(Array.from({ length: 20 }, () => pair("127.0.0.1")));
  const first = pairs.shift()!;
  assertEquals(reset.reset(first.client.localAddr, first.client.remoteAddr), true); // remembers all the others
  first.client.close();
  first.server.close();
  for (const { client, server } of pairs.splice(0, 10)) { // their descriptors are used again by these
    client.close();
    server.close();
    pairs.push(await pair("::1"));
  }
  const victim = pairs.pop()!;
  assertEquals(reset.reset(victim.client.localAddr, victim.client.remoteAddr), true);
  await assertRejects(() => readToEnd(victim.server), Deno.errors.ConnectionReset);
  victim.client.close();
  victim.server.close();
  for (const { client, server } of pairs) {
    await client.write(new Uint8Array([1, 2, 3]));
    await client.closeWrite();
    assertEquals(await readToEnd(server), 3);
    client.close();
    server.close();
  }
});

Deno.test("a connection that is closed, or a datagram socket on its port, is not found", async () => {
  const { client, server } = await pair("127.0.0.1");
  const { localAddr, remoteAddr } = client;
  client.close();
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: localAddr.port });
  const reset = new SocketReset();
  assertEquals(reset.reset(localAddr, remoteAddr), false);
  assertEquals(await readToEnd(server), 0);
  socket.close();
  server.close();
});
