/**
 * Datagrams in one direction between the two ends of the instrument, over a connected socket. Each carries its number.
 *
 * In the `window` manner, the sender keeps at most {@linkcode WINDOW} datagrams in flight, and the receiver
 * acknowledges every {@linkcode ACKNOWLEDGE}th. So nothing is overloaded, and the rate is the path's own. Datagrams
 * that are not acknowledged in time count as lost.
 *
 * In the `flood` manner the sender sends as fast as it can, and the receiver takes what arrives.
 *
 * @module
 */
import { Batch } from "./batch.ts";
import { EAGAIN, ECONNREFUSED, MSG_WAITFORONE } from "./sockets.ts";
import { check, errno, libc } from "./libc.ts";
import { MSG_DONTWAIT, MSG_NOSIGNAL } from "../../../ffi/libc/constants/socket.ts";

/** How datagrams are sent. */
export type Manner = "window" | "flood";

/** Fits a socket's default receive buffer in Linux (208 KiB) with datagrams of 1400 bytes: 64 × 2304 bytes. */
const WINDOW = 64;
const ACKNOWLEDGE = 16;
/** Datagrams in a batch. */
const BURST = 32;
/** ms without a datagram after which the receiver considers the stream ended. */
export const SILENCE = 300;
/** ms to wait for an acknowledgment. */
export const ACKNOWLEDGMENT_PATIENCE = 50;
/** Shorter than any datagram of a stream. */
const ACKNOWLEDGMENT_SIZE = 4;

/** The figures that the receiver counted. */
export interface Received {
  readonly datagrams: number;
  /** Seconds between the first and the last datagram. */
  readonly seconds: number;
}

/**
 * Sends for that long, and returns how many. Calls on the socket must time out after {@linkcode
 * ACKNOWLEDGMENT_PATIENCE}.
 */
export function sendStream(fd: number, size: number, seconds: number, manner: Manner): number {
  const end = performance.now() + seconds * 1000;
  return manner === "flood" ? flood(fd, size, end) : sendInWindow(fd, size, end);
}

function flood(fd: number, size: number, end: number): number {
  const batch = new Batch(BURST, size);
  let sent = 0;
  while (performance.now() < end) {
    const count = batch.send(fd, BURST, MSG_NOSIGNAL);
    if (count > 0) sent += count; // an error is an earlier datagram's (no buffers, refused): the flood goes on
  }
  return sent;
}

function sendInWindow(fd: number, size: number, end: number): number {
  const batch = new Batch(ACKNOWLEDGE, size);
  const [answer, answerSize] = [new Uint8Array(64), 64n];
  const view = new DataView(answer.buffer);
  let [sent, acknowledged] = [0, 0];
  while (performance.now() < end) {
    while (sent - acknowledged <= WINDOW - ACKNOWLEDGE) {
      for (let i = 0; i < ACKNOWLEDGE; i++) batch.setNumber(i, sent + i);
      const count = batch.send(fd, ACKNOWLEDGE, MSG_NOSIGNAL);
      if (count > 0) sent += count;
      else if (errno() !== EAGAIN) check(count, "sendmmsg");
    }
    const count = libc.recv(fd, answer, answerSize, 0);
    if (count === ACKNOWLEDGMENT_SIZE) acknowledged = Math.max(acknowledged, view.getUint32(0, true) + 1);
    else if (count < 0) acknowledged = sent;
  }
  return sent;
}

/** Receives until nothing has come for {@linkcode SILENCE}, which must be the timeout of the socket's calls. */
export function receiveStream(fd: number, size: number, manner: Manner): Received {
  const batch = new Batch(2 * BURST, size);
  const acknowledgment = new Uint32Array(1);
  let [datagrams, first, last, pending] = [0, 0, 0, 0];
  for (;;) {
    const count = batch.receive(fd, MSG_WAITFORONE);
    if (count < 0) {
      if (errno() === EAGAIN) break;
      if (errno() !== ECONNREFUSED) check(count, "recvmmsg");
      continue; // the sender has gone, and an acknowledgment came too late for it
    }
    last = performance.now();
    for (let i = 0; i < count; i++) {
      if (batch.length(i) !== size) continue; // a late greeting
      if (datagrams++ === 0) first = last;
      if (manner === "window" && ++pending === ACKNOWLEDGE) {
        pending = 0;
        acknowledgment[0] = batch.number(i);
        libc.send(fd, acknowledgment, BigInt(ACKNOWLEDGMENT_SIZE), MSG_DONTWAIT | MSG_NOSIGNAL);
      }
    }
  }
  return { datagrams, seconds: (last - first) / 1000 };
}
