/**
 * A small HTTP server with bounded memory and connections: it answers one GET a connection, and closes it.
 *
 * Deno.serve is not used because it leaves connections open for as long as their clients like (silent clients, and those
 * that do not read the answer, were still connected after 75 s) and has no option against it. Each would take a
 * descriptor that a guest's connection could need. Here each client has one time limit for everything, the number of
 * clients is limited, the answer is made piece by piece as it is read, and data after the head of a request is dropped.
 *
 *     accepted → head complete → answer written → our FIN → client's FIN → closed
 *        '-------- CLIENT_TIMEOUT_MS for all of it, or one client too many: closed --------'
 *
 * @module
 */
import { headLength, type HttpRequest, MAX_HEAD, parseRequest } from "./request.ts";

/** A scrape takes some ms; Prometheus itself gives up after 10 s by default (scrape_timeout). */
const CLIENT_TIMEOUT_MS = 10_000;
/** Clients at once. When one more comes, the oldest is closed, because it is the most likely to be stuck. */
const MAX_CLIENTS = 16;
/** How long accepting pauses after it failed, usually for lack of descriptors. */
const ACCEPT_RETRY_MS = 100;

/** An answer. */
export interface HttpAnswer {
  readonly status: 200 | 404 | 421;
  readonly type: string;
  /** A text, or its pieces. */
  readonly body: string | Iterable<string>;
}

const REASONS = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
} as const;

/** The options of an {@linkcode HttpServer}. */
export interface HttpServerOptions {
  /** The listener; the server closes it. */
  readonly listener: Deno.Listener<Deno.Conn>;
  /** Answers a GET of a path; `host` is as in {@linkcode HttpRequest}. */
  readonly answer: (path: string, host: string | null) => HttpAnswer;
  /** Called when accepting failed, usually for lack of descriptors. It is tried again soon. */
  readonly acceptFailed?: (() => void) | undefined;
  /** The time limit of a client, in ms. */
  readonly clientTimeout?: number;
  /** Clients at once. */
  readonly maxClients?: number;
}

/** An HTTP server with one GET a connection, a time limit for each client, and a limit of clients. Starts at once. */
export class HttpServer {
  private readonly clients = new Set<Client>();
  private closed = false;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: HttpServerOptions) {
    this.accept();
  }

  /** Connections that are open. */
  get size(): number {
    return this.clients.size;
  }

  /** Closes all connections, and accepts no more. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.retry);
    this.options.listener.close();
    for (const client of this.clients) client.close();
  }

  private accept(): void {
    this.options.listener.accept().then(
      (conn) => {
        if (this.closed) return conn.close();
        this.serve(conn);
        this.accept();
      },
      () => {
        if (this.closed) return;
        this.options.acceptFailed?.();
        this.retry = setTimeout(() => this.accept(), ACCEPT_RETRY_MS);
      },
    );
  }

  private serve(conn: Deno.Conn): void {
    const { answer, clientTimeout = CLIENT_TIMEOUT_MS, maxClients = MAX_CLIENTS } = this.options;
    if (this.clients.size >= maxClients) {
      for (const oldest of this.clients) {
        oldest.close();
        break;
      }
    }
    const client = new Client(conn, answer, clientTimeout, () => this.clients.delete(client));
    this.clients.add(client);
    client.run();
  }
}

/** One connection. */
class Client {
  private readonly encoder = new TextEncoder();
  private readonly timer: ReturnType<typeof setTimeout>;
  private closed = false;

  constructor(
    private readonly conn: Deno.Conn,
    private readonly answer: HttpServerOptions["answer"],
    timeout: number,
    private readonly ended: () => void,
  ) {
    this.timer = setTimeout(() => this.close(), timeout);
  }

  async run(): Promise<void> {
    try {
      const buffer = new Uint8Array(MAX_HEAD);
      await this.respond(await this.readHead(buffer));
      await this.conn.closeWrite();
      // closing with unread data would reset the connection, and the client would lose the end of the answer
      while (await this.conn.read(buffer) !== null);
    } catch {
      // the client has gone, or was closed here
    }
    this.close();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.timer);
    this.conn.close();
    this.ended();
  }

  /** The request, or the status of the refusal. Throws if the client closes before the end of the head. */
  private async readHead(buffer: Uint8Array<ArrayBuffer>): Promise<HttpRequest | 400 | 431> {
    for (let length = 0; length < buffer.length;) {
      const count = await this.conn.read(buffer.subarray(length));
      if (count === null) throw new Deno.errors.UnexpectedEof();
      length += count;
      const end = headLength(buffer, length);
      if (end >= 0) return parseRequest(new TextDecoder().decode(buffer.subarray(0, end))) ?? 400;
    }
    return 431;
  }

  private async respond(request: HttpRequest | 400 | 431): Promise<void> {
    if (typeof request === "number") return await this.refuse(request);
    const { method, path, host } = request;
    if (method !== "GET" && method !== "HEAD") return await this.refuse(405, "Allow: GET, HEAD\r\n");
    let answer: HttpAnswer;
    try {
      answer = this.answer(path, host);
    } catch (error) {
      await this.refuse(500);
      throw error;
    }
    const { status, type, body } = answer;
    const length = typeof body === "string" ? `Content-Length: ${this.encoder.encode(body).length}\r\n` : "";
    await this.write(head(status, type, `${length}Cache-Control: no-store\r\n`));
    if (method === "HEAD") return;
    if (typeof body === "string") await this.write(body);
    else for (const piece of body) await this.write(piece); // the connection's end ends it (RFC 9112, section 6.3)
  }

  private async refuse(status: 400 | 405 | 431 | 500, headers = ""): Promise<void> {
    const body = `${REASONS[status]}\n`;
    await this.write(`${head(status, "text/plain", `Content-Length: ${body.length}\r\n${headers}`)}${body}`);
  }

  private async write(text: string): Promise<void> {
    const bytes = this.encoder.encode(text);
    for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
  }
}

function head(status: keyof typeof REASONS, type: string, headers: string): string {
  return `HTTP/1.1 ${status} ${REASONS[status]}\r\nContent-Type: ${type}\r\n${headers}Connection: close\r\n\r\n`;
}
