/**
 * Datagrams that wait, in order, until the address of their target is known. The queue of one association is bounded, and
 * so are all queues together. A program that sends more datagrams than that before the first answer can't expect all to
 * arrive.
 *
 * @module
 */
import { MAX_ALL_WAITING_BYTES, MAX_WAITING_BYTES, MAX_WAITING_DATAGRAMS } from "../limits/limits.ts";

/** The state that all queues share. */
export class WaitingRoom {
  /** The bytes in all queues. */
  bytes = 0;
}

/** The queue of one association. */
export class WaitingDatagrams {
  private readonly queue: Uint8Array[] = [];
  private bytes = 0;

  constructor(private readonly room: WaitingRoom) {}

  /** Adds a copy of `bytes[offset .. offset + length)`, if there is room. */
  add(bytes: Uint8Array, offset: number, length: number): void {
    const { queue, room } = this;
    const full = queue.length >= MAX_WAITING_DATAGRAMS || this.bytes + length > MAX_WAITING_BYTES ||
      room.bytes + length > MAX_ALL_WAITING_BYTES;
    if (full) return;
    queue.push(bytes.slice(offset, offset + length));
    this.bytes += length;
    room.bytes += length;
  }

  /** Empties the queue; returns its datagrams, the oldest first. */
  take(): readonly Uint8Array[] {
    this.room.bytes -= this.bytes;
    this.bytes = 0;
    return this.queue.splice(0);
  }
}
