/**
 * Writes a capture file. Packets collect in a buffer, which is written when it holds FLUSH_AT bytes, or when the event
 * loop comes to rest. So the file has both packets of a ping as soon as the answer has arrived, while a bulk transfer,
 * during which the loop does not rest, is written in large pieces. A loop that never rests writes some time after the
 * first packet in the buffer.
 *
 * Writes are synchronous. Deno's asynchronous writes end in a later turn of the event loop, one a turn, while a bulk
 * transfer brings 2 MiB a turn: with 8 to 64 MiB of buffers and 2 cores, up to nine tenths of a transfer at 5 to 15
 * Gbit/s were missing from its capture. Synchronous writes take 30 to 55 µs for 64 KiB and miss nothing; that is the
 * price of a capture.
 *
 *     pending < FLUSH_AT    a packet → buffer; written at the loop's rest, or by the timer
 *     pending ≥ FLUSH_AT    written at once
 *     sink takes nothing    (a pipe that is not read) tried again with each packet, and by the timer
 *     buffer full           packets are dropped, and counted
 *     sink fails            (the disk is full) the capture ends; the file is truncated after its last whole packet
 *
 * @module
 */
import { FILE_HEADER, putFileHeader, putRecordHeader, RECORD_HEADER, recordLength } from "./pcap.ts";

/** The size of a write in bytes: enough that the call itself is cheap, and less than a processor's cache. */
const FLUSH_AT = 256 * 1024;
/** The size of the buffer in bytes, for a sink that takes nothing now. */
const CAPACITY = 4 * 1024 * 1024;
/** The latest time after which a packet is written, even if the loop never rests: people watch captures grow. */
const FLUSH_AFTER_MS = 200;
/** Up to this number of packets since the loop's last rest, each may have a write of its own. */
const FEW = 16;
/** How soon a sink that took nothing is tried again: a pipe holds 64 KiB. */
const RETRY_AFTER_MS = 10;

/** The file or pipe that a capture goes to. */
export interface CaptureSink {
  /** Writes some of `bytes[from..to)` and returns how much; 0: it takes nothing now. Throws if it is broken. */
  write(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): number;
  /** Truncates the file to `size` bytes. May throw. */
  truncate(size: number): void;
  close(): void;
}

/** The options of a {@linkcode PcapWriter}. */
export interface PcapWriterOptions {
  readonly sink: CaptureSink;
  /** Calls `run` in about `delay` ms. */
  readonly after: (delay: number, run: () => void) => void;
  /** Calls `run` once, as soon as the event loop has nothing else to do. */
  readonly atRest: (run: () => void) => void;
  /** Called once, when the sink has failed. */
  readonly failed: (error: Error) => void;
}

/** The writer of one capture file. */
export class PcapWriter {
  /** The buffer. The packet's bytes belong at the offset that {@linkcode begin} returns. */
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(CAPACITY));
  /** The numbers of packets that were captured, and of those that found no room. */
  packets = 0;
  dropped = 0;
  /** Offsets in the buffer: of the first record not written whole, of the first byte not written, of the free part. */
  private record = 0;
  private from = 0;
  private to = 0;
  /** Bytes in the sink. */
  private written = FILE_HEADER;
  private waiting = false;
  private waitingForRest = false;
  /** Packets since the last rest. */
  private sinceRest = 0;
  private over = false;

  /** Writes the file's header. Throws what the sink throws. */
  constructor(private readonly options: PcapWriterOptions) {
    putFileHeader(this.bytes);
    const taken = options.sink.write(this.bytes, 0, FILE_HEADER);
    if (taken < FILE_HEADER) throw new Error("no room for the header of the file");
  }

  /** Makes room for a packet of `length` bytes that passed at `time`; returns its offset in `bytes`, or -1: no room. */
  begin(time: number, length: number): number {
    if (this.over) return -1;
    const size = RECORD_HEADER + length;
    if (this.to + size > CAPACITY && !this.makeRoom(size)) {
      if (!this.over) this.dropped++;
      return -1;
    }
    putRecordHeader(this.bytes, this.to, time, length);
    return this.to + RECORD_HEADER;
  }

  /** The packet that {@linkcode begin} made room for is in `bytes` now. */
  end(length: number): void {
    this.packets++;
    this.sinceRest++;
    this.to += RECORD_HEADER + length;
    if (this.to - this.from >= FLUSH_AT) this.flush();
    if (this.to > this.from) this.flushLater(FLUSH_AFTER_MS);
    if (this.waitingForRest) return;
    this.waitingForRest = true;
    this.options.atRest(this.atRest);
  }

  /** Whether few packets have come since the loop's last rest, so that {@linkcode write} is cheap. */
  get few(): boolean {
    return this.sinceRest <= FEW;
  }

  /** Writes the packets that wait. */
  write(): void {
    if (!this.over && this.to > this.from) this.flush();
  }

  /** Writes what the sink takes, and closes it. */
  close(): void {
    if (this.over) return;
    this.flush();
    if (this.over) return;
    this.over = true;
    this.options.sink.close();
  }

  private makeRoom(size: number): boolean {
    this.flush();
    if (this.record > 0) {
      this.bytes.copyWithin(0, this.record, this.to);
      this.from -= this.record;
      this.to -= this.record;
      this.record = 0;
    }
    return !this.over && this.to + size <= CAPACITY;
  }

  private flush(): void {
    const { sink } = this.options;
    try {
      while (this.from < this.to) {
        const taken = sink.write(this.bytes, this.from, this.to);
        if (taken === 0) break;
        this.from += taken;
        this.written += taken;
      }
    } catch (error) {
      return this.fail(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.from === this.to) this.record = this.from = this.to = 0;
    else this.skipWritten();
  }

  /** Moves `record` up to the first record that is not written whole. */
  private skipWritten(): void {
    for (let next = this.record; next <= this.from; next += recordLength(this.bytes, next)) this.record = next;
  }

  private flushLater(delay: number): void {
    if (this.waiting) return;
    this.waiting = true;
    this.options.after(delay, this.timer);
  }

  private readonly atRest = (): void => {
    this.waitingForRest = false;
    this.sinceRest = 0;
    this.write();
  };

  private readonly timer = (): void => {
    this.waiting = false;
    if (this.over) return;
    this.flush();
    if (!this.over && this.to > this.from) this.flushLater(RETRY_AFTER_MS);
  };

  private fail(error: Error): void {
    const { sink, failed } = this.options;
    this.over = true;
    this.skipWritten();
    try {
      sink.truncate(this.written - (this.from - this.record));
    } catch {
      // a pipe can't be truncated; readers of captures cope with an end within a packet
    }
    sink.close();
    failed(error);
  }
}
