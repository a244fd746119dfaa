import {
  type FullHttpRequest,
  type HttpAnswer,
  HttpServer,
  type HttpServerOptions,
} from "../../../forward/server/http_server.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals } from "../../assert.ts";

class Bed implements Disposable {
  readonly listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly url = `http://127.0.0.1:${this.listener.addr.port}`;
  readonly server: HttpServer;
  private readonly conns: Deno.Conn[] = [];

  constructor(answer: HttpServerOptions["answer"], limits: Partial<HttpServerOptions> = {}) {
    this.server = new HttpServer({ listener: this.listener, answer, ...limits });
  }

  /** Connects, and sends this. */
  async client(text: string): Promise<Deno.Conn> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: this.listener.addr.port });
    this.conns.push(conn);
    await conn.write(new TextEncoder().encode(text));
    return conn;
  }

  /** All that comes until the end; what came until a reset. */
  async exchange(text: string): Promise<string> {
    const conn = await this.client(text);
    this.conns.splice(this.conns.indexOf(conn), 1);
    using _closed = conn;
    return await readAll(conn);
  }

  [Symbol.dispose](): void {
    this.server.close();
    for (const conn of this.conns) conn.close();
  }
}

async function readAll(conn: Deno.Conn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(65_536);
  try {
    for (let count; (count = await conn.read(buffer)) !== null;) {
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  return text;
}

const answer = ({ path }: FullHttpRequest): HttpAnswer => {
  if (path === "/broken") throw new Error("broken");
  if (path === "/pieces") return { status: 200, type: "text/x", body: ["a", "b", "ü"] };
  return { status: path === "/none" ? 404 : 200, type: "text/plain", body: `path ${path}ü` };
};

Deno.test("GET and HEAD are answered, in one connection each", async () => {
  using bed = new Bed(answer);
  const head = (length: number) =>
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" +
    `Content-Length: ${length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n`;
  assertEquals(await bed.exchange("GET /x HTTP/1.1\r\nHost: x\r\n\r\nGET /y HTTP/1.1\r\n\r\n"), `${head(9)}path /xü`);
  assertEquals(await bed.exchange("HEAD /x HTTP/1.1\r\n\r\n"), head(9));
  assertEquals(await bed.exchange("GET /x HTTP/1.0\n\n"), `${head(9)}path /xü`);
  const response = await fetch(`${bed.url}/pieces`);
  assertEquals(response.status, 200, "status");
  assertEquals(response.headers.get("content-type"), "text/x", "type");
  assertEquals(await response.text(), "abü", "body");
  assertEquals(await (await fetch(`${bed.url}/none`)).text(), "path /noneü");
  await until("all clients to be gone", 5000, () => bed.server.size === 0);
});

Deno.test("everything else is refused", async () => {
  using bed = new Bed(answer);
  const status = async (text: string) => (await bed.exchange(text)).split("\r\n")[0];
  const post = await fetch(`${bed.url}/x`, { method: "POST", body: "x".repeat(1_000_000) });
  assertEquals(post.status, 405, "status of a POST");
  assertEquals(post.headers.get("allow"), "GET, HEAD", "Allow");
  await post.body?.cancel();
  assertEquals(await status("nonsense\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  assertEquals(
    await status(`GET /${"x".repeat(9000)} HTTP/1.1\r\n\r\n`),
    "HTTP/1.1 431 Request Header Fields Too Large",
  );
  assertEquals(await status("GET /broken HTTP/1.1\r\n\r\n"), "HTTP/1.1 500 Internal Server Error");
  await (await bed.client("GET /x HTT")).closeWrite(); // gives up
  await until("all clients to be gone", 5000, () => bed.server.size === 0);
});

Deno.test("a client has one time limit for everything", async () => {
  let pieces = 0;
  using bed = new Bed(({ path }) => ({
    status: 200,
    type: "text/plain",
    body: path === "/endless"
      ? (function* () {
        for (;; pieces++) yield "x".repeat(65_536);
      })()
      : "ok",
  }), { clientTimeout: 300 });
  const silent = await bed.client("");
  const half = await bed.client("GET / HTTP/1.1\r\n");
  const open = await bed.client("GET / HTTP/1.1\r\n\r\n"); // reads, and never closes
  await bed.client("GET /endless HTTP/1.1\r\n\r\n"); // never reads
  await until("the answer to fill the socket", 5000, () => pieces > 0);
  assertEquals(await readAll(silent), "", "answer to a silent client");
  assertEquals(await readAll(half), "", "answer to half a request");
  assert((await readAll(open)).endsWith("ok"));
  await until("all clients to be gone", 5000, () => bed.server.size === 0);
  assert(pieces < 1000, `${pieces} pieces were made for one that does not read`);
  const made = pieces;
  assert((await bed.exchange("GET / HTTP/1.1\r\n\r\n")).endsWith("ok"));
  assertEquals(pieces, made);
});

Deno.test("when there are too many clients, the oldest is closed", async () => {
  using bed = new Bed(answer, { maxClients: 3, whenFull: "end oldest" });
  const first = await bed.client("");
  for (let i = 0; i < 2; i++) await bed.client("");
  await until("three clients", 5000, () => bed.server.size === 3);
  assert((await bed.exchange("GET /x HTTP/1.1\r\n\r\n")).endsWith("path /xü"));
  assertEquals(await readAll(first), "");
  await until("two clients", 5000, () => bed.server.size === 2);
});

Deno.test("the end closes all connections", async () => {
  using bed = new Bed(answer);
  const silent = await bed.client("");
  await until("a client", 5000, () => bed.server.size === 1);
  bed.server.close();
  bed.server.close();
  assertEquals(await readAll(silent), "");
  assertEquals(bed.server.size, 0);
});

const echo = ({ method, path, body }: FullHttpRequest): HttpAnswer => ({
  status: 200,
  type: "text/plain",
  body: `${method} ${path} ${body.length <= 10 ? body : `${body.length} characters`}`,
});

Deno.test("POST: the body, in whatever pieces it comes", async () => {
  using bed = new Bed(echo, { maxBody: 1000 });
  const post = async (body: string) => await (await fetch(`${bed.url}/x`, { method: "POST", body })).text();
  assertEquals(await post("abc"), "POST /x abc");
  assertEquals(await post(""), "POST /x ");
  assertEquals(await post("ü".repeat(500)), "POST /x 500 characters");
  const conn = await bed.client("POST /y HTTP/1.1\r\nContent-Le");
  for (const piece of ["ngth: 5\r\n", "\r", "\n12", "3", "45 and more"]) {
    await conn.write(new TextEncoder().encode(piece));
    await new Promise((resolve) => setTimeout(resolve, 1)); // each in a read of its own, as a rule
  }
  assert((await readAll(conn)).endsWith("\r\n\r\nPOST /y 12345"));
  assert((await bed.exchange("GET /z HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")).endsWith("\r\n\r\nGET /z "));
});

Deno.test("POST: a client that expects 100 Continue gets it", async () => {
  using bed = new Bed(echo, { maxBody: 1000 });
  const conn = await bed.client("POST /x HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  const buffer = new Uint8Array(100);
  const length = await conn.read(buffer);
  assertEquals(new TextDecoder().decode(buffer.subarray(0, length ?? 0)), "HTTP/1.1 100 Continue\r\n\r\n");
  await conn.write(new TextEncoder().encode("ab"));
  assert((await readAll(conn)).endsWith("\r\n\r\nPOST /x ab"));
});

Deno.test("POST: a body that is too large, or whose length is not said, is refused by its head", async () => {
  using bed = new Bed(echo, { maxBody: 1000 });
  const status = async (headers: string) => (await bed.exchange(`POST / HTTP/1.1\r\n${headers}\r\n`)).split("\r\n")[0];
  assertEquals(await status("Content-Length: 1001\r\n"), "HTTP/1.1 413 Content Too Large");
  assertEquals(await status("Transfer-Encoding: chunked\r\n"), "HTTP/1.1 411 Length Required");
  assertEquals(await status("Content-Length: -1\r\n"), "HTTP/1.1 400 Bad Request");
  assertEquals(await status("Content-Length: 1\r\nContent-Length: 2\r\n"), "HTTP/1.1 400 Bad Request");
  const put = await fetch(`${bed.url}/x`, { method: "PUT", body: "x" });
  assertEquals(put.status, 405, "status of PUT");
  assertEquals(put.headers.get("allow"), "GET, HEAD, POST");
  await put.body?.cancel();
});

Deno.test("when there are too many clients, a new one waits", async () => {
  using bed = new Bed(answer, { maxClients: 2 });
  const first = await bed.client("");
  await bed.client("");
  await until("two clients", 5000, () => bed.server.size === 2);
  const third = bed.exchange("GET /x HTTP/1.1\r\n\r\n"); // in the kernel's queue
  await first.write(new TextEncoder().encode("GET /y HTTP/1.1\r\n\r\n"));
  assert((await readAll(first)).endsWith("path /yü"), "the first is still served");
  await first.closeWrite();
  assert((await third).endsWith("path /xü"), "and then the third");
});
