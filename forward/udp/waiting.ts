/**
 * Datagrams that wait until it is known where they go: those of one association in their order, and a bound for each
 * and for all together. Who sends more before there can be an answer doesn't expect all to arrive.
 *
 * @module
 */
import { MAX_ALL_WAITING_BYTES, MAX_WAITING_BYTES, MAX_WAITING_DATAGRAMS } from "../limits/limits.ts";

/** The bound for all. */
export class WaitingRoom {
  /** Bytes that wait. */
  bytes = 0;
}

/** Those of one association. */
export class WaitingDatagrams {
  private readonly queue: Uint8Array[] = [];
  private bytes = 0;

  constructor(private readonly room: WaitingRoom) {}

  /** Keeps a copy of `bytes[offset .. offset + length)`, if there is room. */
  add(bytes: Uint8Array, offset: number, length: number): void {
    const { queue, room } = this;
    const full = queue.length >= MAX_WAITING_DATAGRAMS || this.bytes + length > MAX_WAITING_BYTES ||
      room.bytes + length > MAX_ALL_WAITING_BYTES;
    if (full) return;
    queue.push(bytes.slice(offset, offset + length));
    this.bytes += length;
    room.bytes += length;
  }

  /** Forgets all, and returns them, the oldest first. */
  take(): readonly Uint8Array[] {
    this.room.bytes -= this.bytes;
    this.bytes = 0;
    return this.queue.splice(0);
  }
}
