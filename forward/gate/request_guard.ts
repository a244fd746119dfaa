/**
 * The guard of a connection whose rule demands HTTP, or (`any`) the rule's name if the connection is TLS or HTTP.
 *
 * | the rule | the guest's first bytes | then |
 * | --- | --- | --- |
 * | HTTP | a request to that name | each further request is judged too |
 * | HTTP | anything else | refused |
 * | any | a ClientHello of that name | splice |
 * | any | an HTTP request to that name | each further request is judged too |
 * | any | a ClientHello or a request of another name, or broken ones | refused |
 * | any | anything else, or nothing at all | splice |
 *
 * Unlike with a {@linkcode HelloGuard}, the splice runs from the start, on a {@linkcode JudgedFlow}: with `any` the server
 * may speak first, and requests are judged as long as the connection lasts. When there is nothing more to judge, the
 * splice goes on with the guest's flow itself.
 *
 * @module
 */
import type { TcpFailure, TcpFlow } from "../../stack/tcp/flow.ts";
import { isMet } from "../policy/names/demand.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { Shown } from "../report/verdicts.ts";
import { CONTENT_HANDSHAKE, readClientHello } from "./readers/client_hello.ts";
import { FlowGuard, type Language, type Received } from "./flow_guard.ts";
import { shownHello } from "./hello_guard.ts";
import { type HeadReading, readHead } from "./readers/http_head.ts";
import { HttpRequests } from "./readers/http_requests.ts";
import { type FlowJudge, JudgedFlow } from "./judged_flow.ts";

/** The guard of a connection that may be HTTP. */
export class RequestGuard extends FlowGuard implements FlowJudge {
  private readonly requests = new HttpRequests();
  /** Whether it is known to be HTTP. */
  private isHttp = this.connection.demand.shows === "http";
  /** The number of the guest's bytes that may pass. */
  private clear = 0;
  /** The number of received bytes from which on the next look can decide more. */
  private wanted = 1;
  /** Whether the verdict that the connection may pass was reported. */
  private isJudged = false;
  /** Whether the server has sent something since the last head has passed. */
  private hasAnswer = false;
  isRefused = false;

  established(): void {
    this.connection.splice.established();
  }

  readable(): void {
    this.connection.splice.readable();
  }

  writable(): void {
    this.connection.splice.writable();
  }

  closed(failure: TcpFailure | null): void {
    this.connection.splice.closed(failure);
  }

  protected started(flow: TcpFlow): void {
    this.connection.splice.start(new JudgedFlow(flow, this));
  }

  /** With `any`, the deadline applies only to a ClientHello or a request that has begun. */
  protected timeIsUp(): void {
    if (this.connection.demand.shows !== "any" || (this.flow?.readable ?? 0) > 0) this.refuse("too_late", null);
  }

  // ---- the judge ----

  mayPass(): number {
    const { flow } = this;
    if (this.clear === 0 && !this.isRefused && flow !== null) this.clear = this.look(flow);
    return this.clear;
  }

  passed(length: number): void {
    this.clear -= length;
  }

  mayAnswer(): boolean {
    return !this.isRefused && (this.isJudged || this.connection.demand.shows === "any");
  }

  answered(bytes: Uint8Array, start: number, end: number): void {
    const { requests } = this;
    this.hasAnswer = true;
    if (!requests.awaitsAnswer) return;
    requests.answered(bytes, start, end);
    if (!requests.awaitsAnswer) this.later(() => this.connection.splice.readable());
  }

  /** Returns how many bytes may pass. */
  private look(flow: TcpFlow): number {
    if (flow.readEnded) return this.passAll(flow, null); // nothing can follow
    if (flow.readable === 0) return 0;
    if (flow.readable < this.wanted) return this.wait(flow, this.wanted);
    const received = this.received(flow);
    if (received === null) return 0;
    this.wanted = 1;
    return this.isHttp ? this.lookAtRequest(flow, received) : this.lookAtStart(flow, received);
  }

  /** Detects the protocol of the connection. */
  private lookAtStart(flow: TcpFlow, received: Received): number {
    const { bytes, start, end } = received, { demand } = this.connection;
    const hello = readClientHello(bytes, start, end, demand.ech);
    if (hello.is === "more") return this.wait(flow, hello.wanted);
    if (hello.is === "bad") return this.refuse(hello.fault, null);
    if (hello.is === "shown") {
      const shown = shownHello("tls", hello.shown);
      return isMet(demand, shown.name) ? this.passAll(flow, shown) : this.refuse("name_mismatch", shown);
    }
    const { is } = readHead(bytes, start, end);
    if (is === "more") return this.wait(flow, 1);
    if (is === "none") return this.passAll(flow, null);
    this.isHttp = true;
    return this.lookAtRequest(flow, received);
  }

  private lookAtRequest(flow: TcpFlow, { bytes, start, end }: Received): number {
    const look = this.requests.look(bytes, start, end);
    switch (look.is) {
      case "pass":
        this.release();
        return look.length === Infinity ? this.passAll(flow, null) : look.length;
      case "more":
        return this.wait(flow, 1);
      case "wait":
        return 0;
      case "malformed":
        return this.refuse("malformed", null);
      default:
        return this.judgeHead(look.reading);
    }
  }

  private judgeHead(reading: Exclude<HeadReading, { is: "more" }>): number {
    if (reading.is === "none" || reading.is === "unsupported") return this.refuse("not_http", null);
    if (reading.is === "bad") return this.refuse(reading.fault, null);
    const { demand, judged, splice } = this.connection, { requests } = this;
    const { name, length } = reading.shown, shown: Shown = { by: "http", name };
    if (!isMet(demand, name)) return this.refuse("name_mismatch", shown);
    if (!requests.accept(reading.shown)) return this.refuse("malformed", shown);
    this.release();
    this.hasAnswer = false;
    if (!this.isJudged) {
      this.isJudged = true;
      judged({ refusal: null, shown });
      this.later(() => splice.writable());
    }
    return length;
  }

  /** Waits for more bytes. */
  private wait(flow: TcpFlow, wanted: number): number {
    const reason = this.hold(flow, wanted);
    if (reason !== null) return this.refuse(reason, null);
    this.wanted = wanted;
    return 0;
  }

  /** Lets everything pass from now on: the splice goes on without this guard. */
  private passAll(flow: TcpFlow, shown: Shown | null): number {
    const { splice, judged } = this.connection;
    this.finish();
    if (!this.isJudged) judged({ refusal: null, shown });
    this.isJudged = true;
    this.parts.scheduler.defer(() => {
      splice.continueWith(flow);
      splice.writable();
    });
    return Infinity;
  }

  /** Lets nothing pass from now on. The connection ends in a turn of its own, because the splice is running. */
  private refuse(reason: RefusalReason, shown: Shown | null): number {
    const language = this.language();
    this.isRefused = true;
    this.connection.judged({ refusal: reason, shown });
    this.later(() => this.turnAway(reason, shown, language));
    return 0;
  }

  /** The protocol in which the guest can be told of a refusal; null: none, as in the middle of an answer. */
  private language(): Language {
    const chunk = this.flow?.peek() ?? null;
    if (chunk === null) return null;
    if (this.requests.count === 0 && chunk.block.bytes[chunk.offset] === CONTENT_HANDSHAKE) return "tls";
    return this.isHttp && (this.requests.count === 0 || this.hasAnswer) ? "http" : null;
  }

  /** Calls `run` in a turn of its own, unless the connection has ended by then. */
  private later(run: () => void): void {
    this.parts.scheduler.defer(() => {
      if (!this.over) run();
    });
  }
}
