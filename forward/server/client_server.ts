/**
 * A server with a bounded number of clients and a time limit for each, for any protocol.
 *
 *     accepted → served → our FIN → client's FIN → closed
 *        '------------ the time limit for all of it: closed ------------'
 *
 * Deno.serve and other servers leave a connection open for as long as its client likes. Each would take a descriptor
 * that a guest's connection could need.
 *
 * @module
 */

/** A scrape takes some ms; Prometheus itself gives up after 10 s by default (scrape_timeout). */
const CLIENT_TIMEOUT_MS = 10_000;
/** Clients at once. */
const MAX_CLIENTS = 16;
/** How long accepting rests after it failed (out of descriptors, as a rule). */
const ACCEPT_RETRY_MS = 100;
/** Bytes read at once of what a client sends after it has been served. */
const DRAIN_SIZE = 4096;

/** Limits and events of a {@linkcode ClientServer}. */
export interface ClientServerOptions {
  /** Taken over. */
  readonly listener: Deno.Listener<Deno.Conn>;
  /** Called when accepting failed, which is tried again soon: out of descriptors, as a rule. */
  readonly acceptFailed?: (() => void) | undefined;
  /** The time that a client has, in ms. */
  readonly clientTimeout?: number;
  /** Clients at once. */
  readonly maxClients?: number;
  /**
   * What happens to one client more. "end oldest": the oldest is closed, because it is the most likely to be stuck.
   * "wait", the default: the new client waits until another has ended, at most for the time limit of a stuck one.
   */
  readonly whenFull?: "end oldest" | "wait";
}

/** Accepts clients and has each served. Starts at once. */
export class ClientServer {
  private readonly clients = new Set<Client>();
  private readonly maxClients: number;
  private closed = false;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private waiting = false;

  /**
   * @param serve serves one client. Afterwards the connection is ended in good order, or closed at once if it has
   * rejected: the client is gone, or its time is up.
   */
  constructor(
    private readonly options: ClientServerOptions,
    private readonly serve: (conn: Deno.Conn) => Promise<void>,
  ) {
    this.maxClients = options.maxClients ?? MAX_CLIENTS;
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
        this.take(conn);
        this.waiting = this.clients.size >= this.maxClients && this.options.whenFull !== "end oldest";
        if (!this.waiting) this.accept();
      },
      () => {
        if (this.closed) return;
        this.options.acceptFailed?.();
        this.retry = setTimeout(() => this.accept(), ACCEPT_RETRY_MS);
      },
    );
  }

  private take(conn: Deno.Conn): void {
    if (this.clients.size >= this.maxClients) {
      for (const oldest of this.clients) {
        oldest.close();
        break;
      }
    }
    const client = new Client(conn, this.options.clientTimeout ?? CLIENT_TIMEOUT_MS, () => this.ended(client));
    this.clients.add(client);
    client.run(this.serve);
  }

  private ended(client: Client): void {
    this.clients.delete(client);
    if (!this.waiting || this.closed) return;
    this.waiting = false;
    this.accept();
  }
}

/** One connection. */
class Client {
  private readonly timer: ReturnType<typeof setTimeout>;
  private closed = false;

  constructor(private readonly conn: Deno.Conn, timeout: number, private readonly ended: () => void) {
    this.timer = setTimeout(() => this.close(), timeout);
  }

  async run(serve: (conn: Deno.Conn) => Promise<void>): Promise<void> {
    const { conn } = this;
    try {
      await serve(conn);
      await conn.closeWrite();
      // closing with something unread would reset the connection, and take the answer's end from the client
      const rest = new Uint8Array(DRAIN_SIZE);
      while (await conn.read(rest) !== null);
    } catch {
      // the client is gone, or was closed here
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
}

const encoder = new TextEncoder();

/** Writes all of a text. Rejects when the connection has ended. */
export async function writeText(conn: Deno.Conn, text: string): Promise<void> {
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}
