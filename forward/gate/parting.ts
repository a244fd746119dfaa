/**
 * The end of a guest's connection that was refused. The guest gets the reason in the protocol that it speaks.
 *
 *     bytes → FIN → the guest's FIN or RST, or RST when the time is up
 *
 * Further data from the guest is dropped.
 *
 * @module
 */
import type { TcpFlow, TcpHandler } from "../../stack/tcp/flow.ts";
import type { Deadlines, Expiring } from "../timers/deadlines.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { GuardedConnection } from "../tcp/guard.ts";

/** One refused connection of the guest. */
export class Parting implements TcpHandler, Expiring {
  private sent = 0;
  private over = false;

  /**
   * Takes the connection over.
   *
   * @param words the bytes for the guest
   * @param deadlines bounds the time
   * @param ended called when the connection is over
   */
  constructor(
    private readonly flow: TcpFlow,
    private readonly words: Uint8Array,
    private readonly deadlines: Deadlines<Parting>,
    private readonly ended: () => void,
  ) {}

  /** Starts. */
  start(): void {
    const { flow } = this;
    flow.handler = this;
    this.deadlines.add(this);
    this.readable();
    this.writable();
  }

  /** Resets the connection. */
  expire(): void {
    if (this.over) return;
    this.flow.abort();
    this.closed();
  }

  established(): void {}

  readable(): void {
    const { flow } = this;
    for (let chunk = flow.peek(); chunk !== null; chunk = flow.peek()) flow.consume(chunk.length);
  }

  writable(): void {
    const { flow, words } = this;
    while (this.sent < words.length) {
      const chunk = flow.reserve(words.length - this.sent);
      if (chunk === null) return;
      const { block, offset, length } = chunk;
      block.bytes.set(words.subarray(this.sent, this.sent + length), offset);
      this.sent += length;
      flow.commit(length, this.sent === words.length);
    }
  }

  closed(): void {
    if (this.over) return;
    this.over = true;
    this.deadlines.delete(this);
    this.ended();
  }
}

/** A record with a fatal alert, access_denied (RFC 8446, section 6). Clients show it in their messages. */
export const ACCESS_DENIED: Uint8Array = Uint8Array.of(21, 3, 3, 0, 2, 2, 49);

/** The answer to an HTTP request that is refused. `shown`: the name in it; null: none. */
export function forbidden(
  { demand: { name, rule }, rawRule }: Pick<GuardedConnection, "demand" | "rawRule">,
  shown: string | null,
  reason: RefusalReason,
): Uint8Array {
  const body = `slirpnetstack has refused this request${shown === null ? "" : ` to ${shown}`}: ${WHY[reason] ?? reason}.
This connection is to ${name}, and the rule ${rule} opens it for HTTP requests to ${name} alone.
To let pass whatever is sent to ${name}: -only ${rawRule}
`;
  const head = [
    "HTTP/1.1 403 Forbidden",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    "Cache-Control: no-store",
    "Connection: close",
  ];
  return new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`);
}

const WHY: Readonly<Partial<Record<RefusalReason, string>>> = {
  name_mismatch: "its host is not the name that was connected to",
  no_name: "it has no Host",
  not_http: "only HTTP/1 requests can be judged, not CONNECT, HTTP/2 or another protocol",
  malformed: "it breaks RFC 9112, or could be read in two ways",
  too_late: "it was not complete in time",
  too_long: "its head is too long",
  limit: "too much is waiting for a verdict",
};
