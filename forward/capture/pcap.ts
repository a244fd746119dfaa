/**
 * The classic capture file (draft-ietf-opsawg-pcap): a header, then for each packet a header and its bytes. This program
 * writes all numbers in big-endian order, on every machine.
 *
 *     magic (4)   major (2)   minor (2)   reserved (8)   snap length (4)   link type (4)
 *     seconds (4)   microseconds (4)   captured length (4)   original length (4)   the packet
 *
 * @module
 */
import { get32, put16, put32 } from "../../stack/base/bytes.ts";

/** The length of the file's header. */
export const FILE_HEADER = 24;
/** The length of a packet's header. */
export const RECORD_HEADER = 16;

/** Microseconds; the byte order is that of the file. */
const MAGIC = 0xa1b2c3d4;
const MAJOR_VERSION = 2, MINOR_VERSION = 4;
/** The longest packet. tcpdump has the same limit, and does not read longer ones. */
const SNAP_LENGTH = 262_144;
/** The link type of packets that start with the IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101;

const CAPTURED_LENGTH = 8;

/** Writes the file's header at the start of `bytes`. */
export function putFileHeader(bytes: Uint8Array): void {
  put32(bytes, 0, MAGIC);
  put16(bytes, 4, MAJOR_VERSION);
  put16(bytes, 6, MINOR_VERSION);
  put32(bytes, 8, 0);
  put32(bytes, 12, 0);
  put32(bytes, 16, SNAP_LENGTH);
  put32(bytes, 20, LINKTYPE_RAW);
}

/** Writes the header of a packet of `length` bytes that passed at `time` (ms since 1970, with fractions). */
export function putRecordHeader(bytes: Uint8Array, at: number, time: number, length: number): void {
  const seconds = Math.floor(time / 1000);
  put32(bytes, at, seconds);
  put32(bytes, at + 4, Math.floor((time - seconds * 1000) * 1000));
  put32(bytes, at + 8, length);
  put32(bytes, at + 12, length);
}

/** The length of a packet with its header, which is at `at`. */
export function recordLength(bytes: Uint8Array, at: number): number {
  return RECORD_HEADER + get32(bytes, at + CAPTURED_LENGTH);
}
