/**
 * The protocol between the two ends of the instrument. The server's ports, on each of its addresses:
 *
 *     tcp 7100  echo
 *     tcp 7101  answers a request with as many bytes, and closes
 *     tcp 7102  a line asks for a stream of datagrams; the answer is a line with the port for it, and, at the end, one
 *               with what the server saw. Both are JSON
 *     udp 7103  echo
 *
 * The client greets a stream's socket until the socket greets back. Then both ends know each other, and the program
 * between them has set up its state.
 *
 * @module
 */
import type { Manner } from "./stream.ts";

export const ECHO_PORT = 7100;
export const ANSWER_PORT = 7101;
export const STREAM_PORT = 7102;
export const DATAGRAM_ECHO_PORT = 7103;

/** Bytes of a request and of its answer. */
export const MESSAGE_SIZE = 64;

/** A request to {@linkcode STREAM_PORT}. */
export interface StreamRequest {
  /** The sender: `out` is the client, `in` the server. */
  readonly direction: "out" | "in";
  readonly manner: Manner;
  readonly size: number;
  readonly seconds: number;
}

/** A greeting and its answer are this byte alone. */
export const GREETING: Uint8Array<ArrayBuffer> = new Uint8Array([71]);
