/**
 * The send buffer of a connection: the bytes that the user has committed and the peer has not acknowledged. They are in
 * pooled blocks, into which the host's reads put them. Segments are sent without a copy, and acknowledged blocks return
 * to the pool.
 *
 * Positions count bytes from the start of the stream (exact up to 2^53), so they never wrap.
 *
 * @module
 */
import { type Block, type Chunk, MAX_PARTS, type Transmit } from "../../base/device.ts";
import type { BufferMemory } from "./memory.ts";
import { LARGE_BLOCK, SMALL_BLOCK } from "./memory.ts";

/** A new block is taken if less than this is free in the last one, and more was wanted. */
const LEAST_ROOM = 1024;

/** Whether the free end of the last piece is suitable for a read of `wanted` bytes. */
function suits(piece: Piece, wanted: number): boolean {
  const size = piece.block.bytes.length, room = size - piece.end;
  if (wanted <= SMALL_BLOCK) return size === SMALL_BLOCK && room >= Math.min(wanted, LEAST_ROOM); // pins a small block only
  return room >= Math.min(wanted, LARGE_BLOCK / 2);
}

/** A run of bytes in one block. */
class Piece {
  /** The stream position of `block.bytes[start]`. */
  position = 0;
  start = 0;
  end = 0;
  constructor(readonly block: Block) {}
}

/** The bytes that one connection has to send, or has sent without an acknowledgment. */
export class SendBuffer {
  /** Position of the first unacknowledged byte. */
  private head = 0;
  private tail = 0;
  private readonly pieces: Piece[] = [];
  /** Index of the first piece in use; the pieces before it were released. */
  private first = 0;
  /** The piece that a reservation points into, until commit. */
  private reserved: Piece | null = null;
  /** Index of the piece in which the last segment started: the next one probably starts there too. */
  private cursor = 0;

  constructor(private readonly memory: BufferMemory) {}

  /** Bytes in the buffer. */
  get length(): number {
    return this.tail - this.head;
  }

  /** Memory for 1..`wanted` bytes. */
  reserve(wanted: number): Chunk {
    let piece = this.pieces.length > this.first ? this.pieces[this.pieces.length - 1] : null;
    if (piece !== null && piece.start === piece.end && this.reserved !== piece) piece.start = piece.end = 0;
    if (piece === null || !suits(piece, wanted)) {
      if (piece !== null && piece.start === piece.end) this.dropLast(piece);
      piece = new Piece(this.memory.take(wanted));
      this.pieces.push(piece);
    }
    this.reserved = piece;
    return {
      block: piece.block,
      offset: piece.end,
      length: Math.min(wanted, piece.block.bytes.length - piece.end),
    };
  }

  /** Takes over the first `length` bytes of the reservation. */
  commit(length: number): void {
    const piece = this.reserved;
    this.reserved = null;
    if (piece === null || length === 0) return;
    if (piece.start === piece.end) piece.position = this.tail;
    piece.end += length;
    this.tail += length;
  }

  /** Removes the first `length` bytes, which were acknowledged. */
  acknowledge(length: number): void {
    this.head += length;
    const pieces = this.pieces;
    while (this.first < pieces.length) {
      const piece = pieces[this.first];
      const end = piece.position + piece.end - piece.start;
      if (end > this.head || piece.start === piece.end) {
        if (piece.start !== piece.end && piece.position < this.head) {
          piece.start += this.head - piece.position;
          piece.position = this.head;
        }
        break;
      }
      if (this.first === pieces.length - 1 && (this.reserved === piece || piece.block.bytes.length === SMALL_BLOCK)) {
        piece.start = piece.end; // empty, but still written into
        break;
      }
      this.memory.release(piece.block);
      this.first++;
    }
    if (this.first > 32 && this.first * 2 > pieces.length) {
      pieces.splice(0, this.first);
      this.cursor = Math.max(0, this.cursor - this.first);
      this.first = 0;
    }
  }

  /**
   * Adds the bytes from `offset` (counted from the first unacknowledged byte) to a frame, as far as they fit. Returns
   * the number of bytes added, at most `length`.
   */
  addTo(transmit: Transmit, offset: number, length: number): number {
    const position = this.head + offset;
    let index = this.find(position);
    let added = 0;
    while (added < length && index < this.pieces.length && transmit.partCount < MAX_PARTS) {
      const piece = this.pieces[index];
      const skip = position + added - piece.position;
      const count = Math.min(length - added, piece.end - piece.start - skip);
      if (count <= 0) break;
      transmit.addPart(piece.block, piece.start + skip, count);
      added += count;
      this.cursor = index++;
    }
    return added;
  }

  /** Index of the piece that contains `position`. */
  private find(position: number): number {
    const pieces = this.pieces;
    let index = Math.max(this.cursor, this.first);
    if (index >= pieces.length || pieces[index].position > position) index = this.first;
    while (index < pieces.length - 1 && pieces[index + 1].position <= position && this.filled(index + 1)) index++;
    return index;
  }

  private filled(index: number): boolean {
    const piece = this.pieces[index];
    return piece.end > piece.start;
  }

  private dropLast(piece: Piece): void {
    this.pieces.pop();
    if (piece === this.reserved) this.memory.forget(piece.block);
    else this.memory.release(piece.block);
  }

  /** Releases all memory. A block with a reservation is left to the garbage collector. */
  clear(): void {
    for (let i = this.first; i < this.pieces.length; i++) {
      const { block } = this.pieces[i];
      if (this.pieces[i] === this.reserved) this.memory.forget(block);
      else this.memory.release(block);
    }
    this.pieces.length = this.first = 0;
    this.reserved = null;
    this.head = this.tail;
  }
}
