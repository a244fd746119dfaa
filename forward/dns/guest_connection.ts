/**
 * The guest's TCP connections to its name server (RFC 7766). A connection carries any number of questions; a length
 * precedes each message. Answers go back as they come, in any order (section 7).
 *
 *     readable → take a question off the stream → ask → answer: queue → write
 *
 * | event | action |
 * | --- | --- |
 * | the limit of unanswered questions is reached, or answers wait for the client to read | reading stops |
 * | a message that is no question | reset, because the stream can't be trusted any more |
 * | the client's FIN | FIN, when all its questions are answered |
 * | the client is idle for a while | FIN, then reset if the client does not close |
 * | the limit of connections is reached | the one idle longest is reset |
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { TcpFailure, TcpFlow, TcpHandler, TcpRequest } from "../../stack/tcp/flow.ts";
import { get16, put16 } from "../../stack/base/bytes.ts";
import { Deadlines, type Expiring } from "../timers/deadlines.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import { MAX_DNS_CONNECTIONS, MAX_DNS_PIPELINED } from "../limits/limits.ts";
import { DNS_CONNECTION_IDLE_MS } from "../limits/timeouts.ts";
import { LENGTH_FIELD, type Question } from "./message.ts";
import type { DnsAsker, DnsClient } from "./query.ts";

/** All connections of the guest to its name server. */
export class GuestConnections {
  /** The open connections, the one idle longest first. */
  private readonly open = new Set<GuestConnection>();
  /** The connections that wait for the client. */
  readonly idle: Deadlines<GuestConnection>;

  constructor(readonly asker: DnsAsker, scheduler: Scheduler) {
    this.idle = new Deadlines(scheduler, DNS_CONNECTION_IDLE_MS);
  }

  /** The number of connections. */
  get size(): number {
    return this.open.size;
  }

  /** Takes a guest's SYN. */
  accept(request: TcpRequest): void {
    if (this.open.size >= MAX_DNS_CONNECTIONS) {
      const [oldest] = this.open;
      oldest?.abort();
    }
    const connection = new GuestConnection(this);
    const flow = request.accept(connection);
    if (flow === null) return;
    this.touch(connection);
    connection.start(flow);
  }

  /** For connections: marks one as used. */
  touch(connection: GuestConnection): void {
    this.open.delete(connection);
    this.open.add(connection);
  }

  /** For connections: removes one that has ended. */
  ended(connection: GuestConnection): void {
    this.open.delete(connection);
    this.idle.delete(connection);
  }

  /** Resets all connections. */
  close(): void {
    for (const connection of this.open) connection.abort();
  }
}

/** One connection. */
class GuestConnection implements TcpHandler, DnsClient, Expiring {
  readonly network = "tcp";
  private flow: TcpFlow | null = null;
  /** The part of the next message that has arrived, with its length field; the buffer grows as needed. */
  private message = new Uint8Array(512);
  private received = 0;
  /** Questions that wait for their answers. */
  private asked = 0;
  /** Answers that wait for room, each after its length field, and the number of bytes written of the first. */
  private readonly answers: Uint8Array[] = [];
  private written = 0;
  private reading = false;
  private ending = false;
  private over = false;

  constructor(private readonly owner: GuestConnections) {}

  get guest(): Endpoint {
    if (this.flow === null) throw new Error("a connection was asked for its guest before it was accepted");
    return this.flow.guest;
  }

  /** The connection is accepted. */
  start(flow: TcpFlow): void {
    this.flow = flow;
    this.owner.idle.add(this);
  }

  established(): void {}

  readable(): void {
    this.read();
  }

  writable(): void {
    this.write();
    this.read();
  }

  closed(_failure: TcpFailure | null): void {
    this.end();
  }

  reply(_question: Question, answer: Uint8Array): void {
    this.asked--;
    if (this.over) return;
    const framed = new Uint8Array(LENGTH_FIELD + answer.length);
    put16(framed, 0, answer.length);
    framed.set(answer, LENGTH_FIELD);
    this.answers.push(framed);
    this.write();
    this.read();
  }

  /** The client has been idle for too long: all its questions are answered, and it neither reads nor asks. */
  expire(): void {
    if (this.ending || this.answers.length > 0) return this.abort();
    this.finish();
    this.owner.idle.add(this);
  }

  /** Resets it. */
  abort(): void {
    if (this.over) return;
    this.end();
    this.flow?.abort();
  }

  /** Reads and asks questions, up to the limit of unanswered ones. */
  private read(): void {
    const { flow } = this;
    if (flow === null || this.reading) return; // a reply from within `ask` goes on below
    this.reading = true;
    while (!this.over && !this.ending && this.asked < MAX_DNS_PIPELINED && this.answers.length === 0) {
      const chunk = flow.peek();
      if (chunk === null) {
        if (flow.readEnded && this.asked === 0) this.finish();
        break;
      }
      flow.consume(this.take(chunk.block.bytes, chunk.offset, chunk.length));
      this.askIfComplete();
    }
    this.reading = false;
  }

  /** Takes bytes of one message at most; returns how many. */
  private take(bytes: Uint8Array, offset: number, length: number): number {
    const wanted = this.wanted - this.received;
    const taken = Math.min(wanted, length);
    if (this.received + taken > this.message.length) {
      const larger = new Uint8Array(Math.max(this.received + taken, Math.min(this.wanted, 2 * this.message.length)));
      larger.set(this.message.subarray(0, this.received));
      this.message = larger;
    }
    this.message.set(bytes.subarray(offset, offset + taken), this.received);
    this.received += taken;
    return taken;
  }

  /** The length of the message with its length field; of the field alone until that is complete. */
  private get wanted(): number {
    return this.received < LENGTH_FIELD ? LENGTH_FIELD : LENGTH_FIELD + get16(this.message, 0);
  }

  private askIfComplete(): void {
    if (this.received < LENGTH_FIELD || this.received < this.wanted) return;
    const message = this.message.slice(LENGTH_FIELD, this.received);
    this.received = 0;
    this.asked++;
    this.owner.idle.delete(this);
    this.owner.touch(this);
    if (this.owner.asker.ask(message, this)) return;
    this.asked--;
    this.abort();
  }

  private write(): void {
    const { flow, answers } = this;
    while (flow !== null && !this.over && answers.length > 0) {
      const first = answers[0];
      const chunk = flow.reserve(first.length - this.written);
      if (chunk === null) break;
      chunk.block.bytes.set(first.subarray(this.written, this.written + chunk.length), chunk.offset);
      flow.commit(chunk.length);
      this.written += chunk.length;
      if (this.written < first.length) continue;
      answers.shift();
      this.written = 0;
    }
    if (this.asked > 0 || this.over) return;
    this.owner.idle.delete(this);
    this.owner.idle.add(this);
  }

  /** Sends FIN after what was answered. */
  private finish(): void {
    if (this.ending) return;
    this.ending = true;
    this.flow?.shutdown();
  }

  private end(): void {
    if (this.over) return;
    this.over = true;
    this.answers.length = 0;
    this.owner.ended(this);
    this.owner.asker.forget(this);
  }
}
