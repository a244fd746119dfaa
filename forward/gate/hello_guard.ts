/**
 * The guard of a connection whose rule demands TLS. Nothing passes in either direction until the ClientHello is complete.
 *
 *     guest's bytes in the receive buffer → ClientHello of that name → splice
 *                                         → anything else            → alert, FIN
 *
 * The bytes are read in the receive buffer. After the verdict, the splice takes them from there, as without a guard.
 *
 * @module
 */
import type { TcpFailure, TcpFlow } from "../../stack/tcp/flow.ts";
import { isMet } from "../policy/names/demand.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { Shown } from "../report/verdicts.ts";
import { type ClientHello, CONTENT_HANDSHAKE, readClientHello } from "./readers/client_hello.ts";
import { FlowGuard } from "./flow_guard.ts";

/** The guard of a connection that must begin with a ClientHello. */
export class HelloGuard extends FlowGuard {
  /** The number of bytes from which on the next look can decide more. */
  private wanted = 1;

  established(): void {}

  readable(): void {
    if (!this.over && this.flow !== null) this.look(this.flow);
  }

  writable(): void {}

  closed(failure: TcpFailure | null): void {
    if (!this.over) this.connection.splice.closed(failure ?? "reset");
  }

  protected started(flow: TcpFlow): void {
    this.look(flow);
  }

  protected timeIsUp(): void {
    this.refuse("too_late", null);
  }

  private look(flow: TcpFlow): void {
    if (flow.readEnded) return this.pass(flow, null); // nothing was sent, and nothing can follow
    if (flow.readable < this.wanted) return this.wait(flow, this.wanted);
    const received = this.received(flow);
    if (received === null) return;
    const { bytes, start, end } = received, { demand } = this.connection;
    const reading = readClientHello(bytes, start, end, demand.ech);
    switch (reading.is) {
      case "shown": {
        const shown = shownHello("tls", reading.shown);
        return isMet(demand, shown.name) ? this.pass(flow, shown) : this.refuse("name_mismatch", shown);
      }
      case "more":
        return this.wait(flow, reading.wanted);
      case "none":
        return this.refuse("not_tls", null);
      default:
        return this.refuse(reading.fault, null);
    }
  }

  private wait(flow: TcpFlow, wanted: number): void {
    const reason = this.hold(flow, wanted);
    this.wanted = wanted;
    if (reason !== null) this.refuse(reason, null);
  }

  private refuse(reason: RefusalReason, shown: Shown | null): void {
    const chunk = this.flow?.peek() ?? null;
    const isTls = chunk !== null && chunk.block.bytes[chunk.offset] === CONTENT_HANDSHAKE;
    this.connection.judged({ refusal: reason, shown });
    this.turnAway(reason, shown, isTls ? "tls" : null);
  }

  private pass(flow: TcpFlow, shown: Shown | null): void {
    const { splice, judged } = this.connection;
    this.finish();
    judged({ refusal: null, shown });
    flow.handler = splice;
    splice.start(flow);
  }
}

/** The evidence of a ClientHello. */
export function shownHello(by: "tls" | "quic", { name, alpn, ech }: ClientHello): Shown {
  return { by, name, alpn, ech };
}
