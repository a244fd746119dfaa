/**
 * One question to one of the host's name servers over TCP (RFC 7766). Each question has a connection of its own; a length
 * precedes each message.
 *
 *     dial → write length and question → read length and answer → close
 *
 * @module
 */
import type { Allocate, Block } from "../../stack/base/device.ts";
import { get16, put16 } from "../../stack/base/bytes.ts";
import {
  type HostDial,
  type HostDialHandler,
  HostError,
  type HostNetwork,
  type HostStream,
  type HostStreamHandler,
  PENDING,
} from "../host/host_network.ts";
import type { Exchange, ExchangeHandler } from "./upstream_exchange.ts";
import { DNS_PORT, isAnswerTo, LENGTH_FIELD, messageId, type Question, withId } from "./message.ts";
import type { NameServer } from "./host_resolv_conf.ts";

/** The first size of the answer's buffer, in bytes: enough for most answers. */
const FIRST_ROOM = 4_096;

/** One question to one server over TCP. */
export class TcpExchange implements Exchange, HostDialHandler, HostStreamHandler {
  private readonly dialling: HostDial;
  private stream: HostStream | null = null;
  private readonly id: number;
  private readonly message: Block;
  private written = 0;
  private answer: Block;
  private read = 0;
  private over = false;

  /**
   * Starts to connect.
   *
   * @param random an unpredictable unsigned 32-bit number
   */
  constructor(
    host: HostNetwork,
    { address, zone }: NameServer,
    private readonly question: Question,
    random: number,
    private readonly allocate: Allocate,
    private readonly handler: ExchangeHandler,
  ) {
    const { bytes } = question;
    this.id = random & 0xffff;
    this.message = allocate(LENGTH_FIELD + bytes.length);
    put16(this.message.bytes, 0, bytes.length);
    this.message.bytes.set(withId(bytes, this.id), LENGTH_FIELD);
    this.answer = allocate(FIRST_ROOM);
    this.dialling = host.dial({ address, port: DNS_PORT }, this, zone === null ? {} : { zone });
  }

  /** Does nothing: TCP itself retransmits. */
  repeat(): void {}

  close(): void {
    if (this.over) return;
    this.over = true;
    this.dialling.cancel();
    this.stream?.close();
  }

  connected(stream: HostStream): void {
    this.stream = stream;
    stream.handler = this;
    this.pumpOut();
    this.pumpIn();
  }

  failed(error: unknown): void {
    this.fail(error);
  }

  readDone(length: number): void {
    if (this.over) return;
    if (this.took(length)) this.pumpIn();
  }

  readFailed(error: HostError): void {
    this.fail(error);
  }

  writeDone(length: number): void {
    this.written += length;
    if (!this.over) this.pumpOut();
  }

  writeFailed(error: HostError): void {
    this.fail(error);
  }

  private pumpOut(): void {
    const { message, stream } = this;
    while (!this.over && stream !== null && this.written < message.bytes.length) {
      const from = { block: message, offset: this.written, length: message.bytes.length - this.written };
      const written = this.attempt(() => stream.write(from));
      if (written === PENDING) return;
      this.written += written;
    }
  }

  private pumpIn(): void {
    const { stream } = this;
    while (!this.over && stream !== null) {
      const into = { block: this.answer, offset: this.read, length: this.answer.bytes.length - this.read };
      const length = this.attempt(() => stream.read(into));
      if (length === PENDING || !this.took(length)) return;
    }
  }

  /** Returns the result of an operation; of a failed one the same as of a pending one. */
  private attempt(operation: () => number): number {
    try {
      return operation();
    } catch (error) {
      queueMicrotask(() => this.fail(error));
      return PENDING;
    }
  }

  /** Takes `length` bytes of the answer, 0 at the end of the stream. Returns whether there is more to read. */
  private took(length: number): boolean {
    if (length === 0) {
      this.fail(new HostError("reset", "connection closed before the answer"));
      return false;
    }
    this.read += length;
    const { bytes } = this.answer;
    if (this.read < LENGTH_FIELD) return true;
    const end = LENGTH_FIELD + get16(bytes, 0);
    if (this.read < end) {
      if (end > bytes.length) this.grow(end);
      return true;
    }
    const answer = bytes.subarray(LENGTH_FIELD, end);
    if (!isAnswerTo(this.question, this.id, answer, answer.length)) {
      this.fail(new HostError("other", "an answer to something else"));
      return false;
    }
    this.close();
    this.handler.answered(withId(answer, messageId(this.question.bytes)));
    return false;
  }

  private grow(size: number): void {
    const { answer } = this;
    this.answer = this.allocate(size);
    this.answer.bytes.set(answer.bytes.subarray(0, this.read));
  }

  private fail(error: unknown): void {
    if (this.over) return;
    this.close();
    this.handler.failed(error instanceof HostError ? error : new HostError("other", String(error)));
  }
}
