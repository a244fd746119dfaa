import { HostError } from "../../../forward/host/host_network.ts";
import { parseServiceAddress } from "../../../forward/syntax/service_address.ts";
import { MetricsServer } from "../../../forward/metrics/server.ts";
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "../../assert.ts";
import { FakeSource, rowOf } from "./fake_source.ts";

function listen(text: string): Promise<MetricsServer> {
  return MetricsServer.listen(parseServiceAddress(text));
}

/** The body that a Unix socket answers. */
async function get(path: string, target: string): Promise<string> {
  using conn = await Deno.connect({ transport: "unix", path });
  await conn.write(new TextEncoder().encode(`GET ${target} HTTP/1.1\r\n\r\n`));
  let text = "";
  const buffer = new Uint8Array(65_536);
  for (let count; (count = await conn.read(buffer)) !== null;) {
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text.slice(text.indexOf("\r\n\r\n") + 4);
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("health, metrics and flows over TCP", async () => {
  for (const host of ["127.0.0.1", "[::1]"]) {
    const server = await listen(`tcp://${host}:0`);
    try {
      assertMatch(server.address, host === "127.0.0.1" ? /^127\.0\.0\.1:[1-9]\d*$/ : /^\[::1\]:[1-9]\d*$/);
      const ask = async (path: string) => {
        const response = await fetch(`http://${server.address}${path}`);
        return [response.status, response.headers.get("content-type"), await response.text()] as const;
      };
      assertEquals(await ask("/health"), [200, "text/plain", "ok"]);
      assertEquals((await ask("/metrics"))[0], 404, "before there are any");
      assertEquals((await ask("/flows"))[0], 404);
      const source = new FakeSource();
      source.rows = [rowOf("10.0.2.100:1"), rowOf("[fd00::100]:2")];
      server.show(source);
      const [status, type, text] = await ask("/metrics");
      assertEquals(status, 200, "status of /metrics");
      assertEquals(type, "text/plain; version=0.0.4; charset=utf-8", "type of /metrics");
      assertStringIncludes(text, 'slirpnetstack_build_info{version="1.2.3"} 1\n');
      const flows = await ask("/flows?all");
      assertEquals(flows[0], 200, "status of /flows");
      assertEquals(flows[1], "application/json", "type of /flows");
      assertEquals(JSON.parse(flows[2]), source.rows);
      assertMatch(
        (await ask("/names"))[2],
        /^\{"version":1,"seconds":[0-9.]+,"limit":4,"names":\[\],"other":\{.*\}\}\n$/,
        "/names",
      );
      const page = await ask("/");
      assertEquals(page[1], "text/html; charset=utf-8", "type of the page");
      assertStringIncludes(page[2], "<!DOCTYPE html>", "the page");
      assertEquals((await ask("/other"))[0], 404, "status of another path");
    } finally {
      server.close();
    }
  }
});

/** Makes a socket on which nobody listens. */
function leaveBehind(path: string): void {
  const listener = Deno.listen({ transport: "unix", path: `${path}-first` });
  Deno.renameSync(`${path}-first`, path); // its close would remove it
  listener.close();
  assert(Deno.lstatSync(path).isSocket, "it is there");
}

/** The first line of the answer to a request over TCP, as a browser sends one for a page of that host. */
async function status(address: string, target: string, host: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(address.split(":").at(-1)) });
  await conn.write(new TextEncoder().encode(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
  const buffer = new Uint8Array(65_536);
  const count = await conn.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, count)).split("\r\n")[0];
}

Deno.test("flows over TCP are refused to a web page whose name was pointed at this address", async () => {
  const server = await listen("tcp://127.0.0.1:0");
  try {
    server.show(new FakeSource());
    const { address } = server;
    assertEquals(await status(address, "/flows", "evil.example"), "HTTP/1.1 421 Misdirected Request");
    assertEquals(await status(address, "http://evil.example/flows", address), "HTTP/1.1 421 Misdirected Request");
    assertEquals(await status(address, "/flows", address), "HTTP/1.1 200 OK");
    assertEquals(await status(address, "/flows", "localhost:1"), "HTTP/1.1 200 OK");
    assertEquals(await status(address, "/metrics", "host.example:9100"), "HTTP/1.1 200 OK", "monitors have names");
  } finally {
    server.close();
  }
});

Deno.test("a Unix socket that appears while a dead one is checked stays, and is an error", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/socket`;
    leaveBehind(path);
    const { connect } = Deno;
    let other: Deno.Listener | undefined;
    // the other program comes when it is known that nobody listens on the old one
    Deno.connect = ((options: Deno.UnixConnectOptions) =>
      connect(options).finally(() => {
        if (other !== undefined) return;
        Deno.removeSync(path);
        other = Deno.listen({ transport: "unix", path });
      })) as typeof Deno.connect;
    try {
      const error = await assertRejects(() => listen(`unix://${path}`), HostError);
      assertEquals(error.message, `listen on ${path}: another program listens there`);
    } finally {
      Deno.connect = connect;
    }
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["socket"]);
    (await connect({ transport: "unix", path })).close();
    (await other!.accept()).close();
    other!.close();
  });
});

Deno.test("a Unix socket: for its owner alone, and gone at the end", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/socket`;
    const server = await listen(`unix://${path}`);
    assertEquals(server.address, path);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    assertEquals(await get(path, "/health"), "ok");
    const error = await assertRejects(() => listen(`unix://${path}`), HostError);
    assertEquals(error.message, `listen on ${path}: another program listens there`);
    assertEquals(await get(path, "/health"), "ok", "the first still does");
    server.close();
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("a Unix socket that nobody listens on any more is replaced; a file is not", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/socket`;
    leaveBehind(path);
    const server = await listen(`unix://${path}`);
    assertEquals(await get(path, "/health"), "ok");
    await Deno.remove(path);
    const other = await listen(`unix://${path}`);
    server.close();
    assertEquals(await get(path, "/health"), "ok", "that of another is not removed");
    other.close();
    await Deno.writeTextFile(path, "precious");
    const error = await assertRejects(() => listen(`unix://${path}`), HostError);
    assertEquals(error.message, `listen on ${path}: the file exists, and is no socket`);
    assertEquals(await Deno.readTextFile(path), "precious");
    assertEquals([...Deno.readDirSync(folder)].length, 1);
  });
});

Deno.test("addresses where nothing can listen", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  try {
    const error = await assertRejects(() => listen(`tcp://127.0.0.1:${port}`), HostError);
    assertEquals(error.message, `listen on 127.0.0.1:${port}: address already in use`);
  } finally {
    taken.close();
  }
  const nowhere = await assertRejects(() => listen("unix:///nonexistent/socket"), HostError);
  assertEquals(nowhere.message, "listen on /nonexistent/socket: no such file or directory");
  const foreign = await assertRejects(() => listen("tcp://192.0.2.1:0"), HostError);
  assert(foreign.message.startsWith("listen on 192.0.2.1:0: cannot assign"), foreign.message);
});
