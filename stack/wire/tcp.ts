/**
 * TCP's wire format (RFC 9293, section 3.1; options of RFC 7323 and RFC 2018).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |          source port          |       destination port        |
 *     |                        sequence number                        |
 *     |                     acknowledgment number                     |
 *     | offset|  rsrv |     flags     |            window             |
 *     |           checksum            |        urgent pointer         |
 *     |                         options, padded                       |
 *
 * @module
 */
import { get16, get32, put16, put32 } from "../base/bytes.ts";

/** The IP protocol number of TCP. */
export const TCP_PROTOCOL = 6;

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const SEQUENCE = 4;
const ACKNOWLEDGMENT = 8;
const DATA_OFFSET = 12;
const FLAGS = 13;
const WINDOW = 14;
/** Offset of the checksum field. */
export const TCP_CHECKSUM = 16;
const URGENT = 18;

/** The length of a header without options. */
export const TCP_HEADER = 20;

/** Control bits. */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

/** Option kinds, IANA's "TCP Option Kind Numbers". */
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const OPTION_WINDOW_SCALE = 3;
const OPTION_SACK_PERMITTED = 4;
const OPTION_SACK = 5;
const OPTION_TIMESTAMPS = 8;

/** The most SACK blocks that fit into the options. */
const MAX_SACK_BLOCKS = 4;

/** The largest shift of the window scale option (RFC 7323, section 2.3). */
const MAX_WINDOW_SHIFT = 14;

/** A parsed received segment. One object is reused for all. Sequence numbers are signed (numbers/sequence.ts). */
export class Segment {
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgment = 0;
  flags = 0;
  /** The window field of the header, not scaled. */
  window = 0;
  /** Offset of the first byte of data. */
  data = 0;
  /** Length of the data. */
  length = 0;
  /** The MSS option's value, 0 when absent. */
  maximumSegmentSize = 0;
  /** The window scale option's shift (0..14), -1 when absent. */
  windowShift = -1;
  sackPermitted = false;
  hasTimestamps = false;
  timestamp = 0;
  timestampEcho = 0;
  sackCount = 0;
  /** Left and right edge of each SACK block. */
  readonly sackEdges: Int32Array = new Int32Array(2 * MAX_SACK_BLOCKS);

  /** Whether any of the control bits `mask` is set. */
  has(mask: number): boolean {
    return (this.flags & mask) !== 0;
  }

  /** The length in sequence space: data, SYN and FIN. */
  get sequenceLength(): number {
    return this.length + (this.flags & SYN ? 1 : 0) + (this.flags & FIN ? 1 : 0);
  }

  /** Parses the segment in `bytes[offset..end)`. Returns false if it is malformed; the fields then have no meaning. */
  parse(bytes: Uint8Array, offset: number, end: number): boolean {
    if (end - offset < TCP_HEADER) return false;
    const headerLength = (bytes[offset + DATA_OFFSET] >> 4) * 4;
    if (headerLength < TCP_HEADER || offset + headerLength > end) return false;
    this.sourcePort = get16(bytes, offset + SOURCE_PORT);
    this.destinationPort = get16(bytes, offset + DESTINATION_PORT);
    if (this.sourcePort === 0 || this.destinationPort === 0) return false;
    this.sequence = get32(bytes, offset + SEQUENCE) | 0;
    this.acknowledgment = get32(bytes, offset + ACKNOWLEDGMENT) | 0;
    this.flags = bytes[offset + FLAGS];
    this.window = get16(bytes, offset + WINDOW);
    this.data = offset + headerLength;
    this.length = end - this.data;
    this.maximumSegmentSize = 0;
    this.windowShift = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.sackCount = 0;
    if (headerLength > TCP_HEADER) this.parseOptions(bytes, offset + TCP_HEADER, offset + headerLength);
    return true;
  }

  /** Reads the known options. Others are skipped, and an invalid length ends the list (RFC 9293, 3.1). */
  private parseOptions(bytes: Uint8Array, at: number, end: number): void {
    while (at < end) {
      const kind = bytes[at];
      if (kind === OPTION_END) return;
      if (kind === OPTION_NOP) {
        at++;
        continue;
      }
      const length = at + 1 < end ? bytes[at + 1] : 0;
      if (length < 2 || at + length > end) return;
      if (kind === OPTION_TIMESTAMPS && length === 10) {
        this.hasTimestamps = true;
        this.timestamp = get32(bytes, at + 2) | 0;
        this.timestampEcho = get32(bytes, at + 6) | 0;
      } else if (kind === OPTION_SACK && length >= 10 && (length - 2) % 8 === 0) {
        this.sackCount = (length - 2) / 8;
        for (let i = 0; i < 2 * this.sackCount; i++) this.sackEdges[i] = get32(bytes, at + 2 + 4 * i) | 0;
      } else if (kind === OPTION_MSS && length === 4) {
        this.maximumSegmentSize = get16(bytes, at + 2);
      } else if (kind === OPTION_WINDOW_SCALE && length === 3) {
        this.windowShift = Math.min(bytes[at + 2], MAX_WINDOW_SHIFT);
      } else if (kind === OPTION_SACK_PERMITTED && length === 2) {
        this.sackPermitted = true;
      }
      at += length;
    }
  }
}

/**
 * Writes a header without options. The checksum and the urgent pointer are 0.
 *
 * @param headerLength the length including the options that follow, a multiple of 4
 */
export function putHeader(
  bytes: Uint8Array,
  offset: number,
  sourcePort: number,
  destinationPort: number,
  sequence: number,
  acknowledgment: number,
  flags: number,
  window: number,
  headerLength: number,
): void {
  put16(bytes, offset + SOURCE_PORT, sourcePort);
  put16(bytes, offset + DESTINATION_PORT, destinationPort);
  put32(bytes, offset + SEQUENCE, sequence);
  put32(bytes, offset + ACKNOWLEDGMENT, acknowledgment);
  bytes[offset + DATA_OFFSET] = headerLength << 2; // in 32-bit words, in the upper half of the byte
  bytes[offset + FLAGS] = flags;
  put16(bytes, offset + WINDOW, window);
  put16(bytes, offset + TCP_CHECKSUM, 0);
  put16(bytes, offset + URGENT, 0);
}

/** The length of a timestamps option with the two NOPs before it. */
export const TIMESTAMPS_LENGTH = 12;

/** Writes NOP, NOP and a timestamps option (RFC 7323, appendix A). Returns the offset after it. */
export function putTimestamps(bytes: Uint8Array, at: number, value: number, echo: number): number {
  bytes[at] = OPTION_NOP;
  bytes[at + 1] = OPTION_NOP;
  bytes[at + 2] = OPTION_TIMESTAMPS;
  bytes[at + 3] = 10;
  put32(bytes, at + 4, value);
  put32(bytes, at + 8, echo);
  return at + TIMESTAMPS_LENGTH;
}

/** Writes a maximum segment size option (4 bytes). Returns the offset after it. */
export function putMaximumSegmentSize(bytes: Uint8Array, at: number, size: number): number {
  bytes[at] = OPTION_MSS;
  bytes[at + 1] = 4;
  put16(bytes, at + 2, size);
  return at + 4;
}

/** Writes NOP and a window scale option (4 bytes). Returns the offset after it. */
export function putWindowScale(bytes: Uint8Array, at: number, shift: number): number {
  bytes[at] = OPTION_NOP;
  bytes[at + 1] = OPTION_WINDOW_SCALE;
  bytes[at + 2] = 3;
  bytes[at + 3] = shift;
  return at + 4;
}

/** Writes NOP, NOP and a SACK permitted option (4 bytes). Returns the offset after it. */
export function putSackPermitted(bytes: Uint8Array, at: number): number {
  bytes[at] = OPTION_NOP;
  bytes[at + 1] = OPTION_NOP;
  bytes[at + 2] = OPTION_SACK_PERMITTED;
  bytes[at + 3] = 2;
  return at + 4;
}

/** Writes NOP, NOP and the head of a SACK option. The caller writes its `blocks` blocks of 8 bytes after it. */
export function putSackHead(bytes: Uint8Array, at: number, blocks: number): number {
  bytes[at] = OPTION_NOP;
  bytes[at + 1] = OPTION_NOP;
  bytes[at + 2] = OPTION_SACK;
  bytes[at + 3] = 2 + 8 * blocks;
  return at + 4;
}
