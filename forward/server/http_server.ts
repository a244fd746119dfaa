/**
 * A small HTTP server with bounded memory and connections: it answers one request a connection, and closes it.
 *
 * Deno.serve is not used as it leaves connections open for as long as their clients like (silent ones, and those that
 * do not read the answer, were open after 75 s), and has no option against it. Here a client has a time for everything
 * together, clients have a number (client_server.ts), the answer is made piece by piece as it is read, a body that is
 * too large is refused by what its head says, and what comes behind a request is dropped.
 *
 * @module
 */
import { ClientServer, type ClientServerOptions, writeText } from "./client_server.ts";
import { bodyAnnounced, headLength, type HttpRequest, MAX_HEAD, parseRequest } from "./http_request.ts";

const REASONS = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  411: "Length Required",
  413: "Content Too Large",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
} as const;

type HttpStatus = keyof typeof REASONS;

/** An answer. */
export interface HttpAnswer {
  readonly status: HttpStatus;
  readonly type: string;
  /** A text, or its pieces. */
  readonly body: string | Iterable<string>;
}

/** A request, and its body. */
export interface FullHttpRequest extends HttpRequest {
  /** Empty unless the method is POST. */
  readonly body: string;
}

/** What an {@linkcode HttpServer} is made of. */
export interface HttpServerOptions extends ClientServerOptions {
  /** Answers a request. */
  readonly answer: (request: FullHttpRequest) => HttpAnswer | Promise<HttpAnswer>;
  /** Bytes that the body of a POST may have. Not given: GET and HEAD are the only methods. */
  readonly maxBody?: number;
}

/** An HTTP server with one request a connection, a time limit for each client, and a limit of clients. Starts at once. */
export class HttpServer extends ClientServer {
  constructor(options: HttpServerOptions) {
    super(options, (conn) => new Exchange(conn, options).run());
  }
}

/** What a request is refused with. */
type Refusal = Exclude<HttpStatus, 200>;

/** One request and its answer. */
class Exchange {
  constructor(private readonly conn: Deno.Conn, private readonly options: HttpServerOptions) {}

  /** Rejects when the connection has ended. */
  async run(): Promise<void> {
    const request = await this.readRequest();
    if (request === 405) return await this.refuse(405, `Allow: ${this.methods.join(", ")}\r\n`);
    if (typeof request === "number") return await this.refuse(request);
    let answer: HttpAnswer;
    try {
      answer = await this.options.answer(request);
    } catch (error) {
      await this.refuse(500);
      throw error;
    }
    await this.write(request.method, answer);
  }

  private get methods(): readonly string[] {
    return this.options.maxBody === undefined ? ["GET", "HEAD"] : ["GET", "HEAD", "POST"];
  }

  private async readRequest(): Promise<FullHttpRequest | Refusal> {
    const buffer = new Uint8Array(MAX_HEAD);
    for (let length = 0; length < buffer.length;) {
      length += await this.read(buffer.subarray(length));
      const end = headLength(buffer, length);
      if (end < 0) continue;
      const head = new TextDecoder().decode(buffer.subarray(0, end));
      const request = parseRequest(head);
      if (request === null) return 400;
      if (!this.methods.includes(request.method)) return 405;
      const body = request.method === "POST" ? await this.readBody(head, buffer.subarray(end, length)) : "";
      return typeof body === "number" ? body : { ...request, body };
    }
    return 431;
  }

  /** `start`: what of it came with the head. */
  private async readBody(head: string, start: Uint8Array<ArrayBuffer>): Promise<string | Refusal> {
    const announced = bodyAnnounced(head);
    if (announced.kind === "invalid") return 400;
    if (announced.kind === "chunks") return 411;
    if (announced.length > this.options.maxBody!) return 413;
    const body = new Uint8Array(announced.length);
    let length = Math.min(start.length, body.length);
    body.set(start.subarray(0, length));
    if (announced.waits && length < body.length) await writeText(this.conn, "HTTP/1.1 100 Continue\r\n\r\n");
    while (length < body.length) length += await this.read(body.subarray(length));
    return new TextDecoder().decode(body);
  }

  /** Rejects when the client ends before. */
  private async read(into: Uint8Array<ArrayBuffer>): Promise<number> {
    const count = await this.conn.read(into);
    if (count === null) throw new Deno.errors.UnexpectedEof();
    return count;
  }

  private async write(method: string, { status, type, body }: HttpAnswer): Promise<void> {
    const { conn } = this;
    const length = typeof body === "string" ? `Content-Length: ${new TextEncoder().encode(body).length}\r\n` : "";
    const start = head(status, type, `${length}Cache-Control: no-store\r\n`);
    if (method === "HEAD") return await writeText(conn, start);
    if (typeof body === "string") return await writeText(conn, start + body);
    await writeText(conn, start);
    for (const piece of body) await writeText(conn, piece); // its end is the connection's (RFC 9112, section 6.3)
  }

  private async refuse(status: Refusal, headers = ""): Promise<void> {
    const body = `${REASONS[status]}\n`;
    const start = head(status, "text/plain", `Content-Length: ${body.length}\r\n${headers}`);
    await writeText(this.conn, `${start}${body}`);
  }
}

function head(status: HttpStatus, type: string, headers: string): string {
  return `HTTP/1.1 ${status} ${REASONS[status]}\r\nContent-Type: ${type}\r\n${headers}Connection: close\r\n\r\n`;
}
