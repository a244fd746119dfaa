/**
 * What the two ends of the instrument agree on. The server's ports, on any of its addresses:
 *
 *     tcp 7100  echo
 *     tcp 7101  answers a request with as many bytes, and closes
 *     tcp 7102  a line asks for a stream of datagrams; the answer is a line with the port for it, and, at the end, one
 *               with what the server saw. Both are JSON
 *     udp 7103  echo
 *
 * A stream's socket is greeted by the client until it greets back; so either end knows the other, and what is between
 * them has made room for it.
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

/** What is asked of {@linkcode STREAM_PORT}. */
export interface StreamRequest {
  /** Who sends: `out` the client, `in` the server. */
  readonly direction: "out" | "in";
  readonly manner: Manner;
  readonly size: number;
  readonly seconds: number;
}

/** A greeting, and its answer, is this byte alone. */
export const GREETING: Uint8Array<ArrayBuffer> = new Uint8Array([71]);
