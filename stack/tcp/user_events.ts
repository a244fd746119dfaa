/**
 * The events of a connection that its user is told at the end of a turn, each at most once, however many segments caused
 * it.
 *
 * @module
 */
import type { TcpFailure, TcpHandler } from "./flow.ts";

/** The user's handler, and the events that it is going to be told. */
export class UserEvents {
  /** The handshake is complete. */
  established = false;
  /** There is more to read. */
  readable = false;
  /** The user found no room in the send buffer. */
  blocked = false;

  constructor(public handler: TcpHandler) {}

  /** Tells that the handshake is complete, and that there is more to read. */
  tell(): void {
    if (this.established) {
      this.established = false;
      this.handler.established();
    }
    if (this.readable) {
      this.readable = false;
      this.handler.readable();
    }
  }

  /** Tells that there is room again. Only if {@linkcode blocked}. */
  tellWritable(): void {
    this.blocked = false;
    this.handler.writable();
  }

  /** Tells the end, after which nothing more is told. */
  end(failure: TcpFailure | null): void {
    const { handler } = this;
    this.mute();
    handler.closed(failure);
  }

  /** Tells nothing more. */
  mute(): void {
    this.handler = NOBODY;
  }
}

/** The handler after the connection's end. */
const NOBODY: TcpHandler = {
  established() {},
  readable() {},
  writable() {},
  closed() {},
};
