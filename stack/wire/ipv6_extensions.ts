/**
 * IPv6's extension headers (RFC 8200, section 4). All but the fragment header begin alike:
 *
 *     | next header (1) | length in 8 bytes beyond the first 8 (1) | ...
 *
 * and the fragment header is
 *
 *     | next header (1) | reserved (1) | offset (13 bits) | reserved (2) | M | identification (4) |
 *
 * {@linkcode ExtensionWalk} goes from header to header until it reaches the transport's, a fragment header, or a reason
 * to drop the packet. The caller handles fragments: it continues after the header of an atomic fragment, or in the
 * reassembled datagram. A walk checks at most {@linkcode MAX_EXTENSIONS} headers.
 *
 * @module
 */
import { get16, get32, put16, put32 } from "../base/bytes.ts";

const HOP_BY_HOP = 0;
const ROUTING = 43;
/** The next header value of a fragment header. */
export const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;
/** The next header value that means that nothing follows. */
export const NO_NEXT_HEADER = 59;

const NEXT_HEADER = 0;
const LENGTH = 1;
const OPTIONS = 2;

const ROUTING_TYPE = 2;
const SEGMENTS_LEFT = 3;

const FRAGMENT_OFFSET = 2;
const FRAGMENT_IDENTIFICATION = 4;
/** The length of a fragment header. */
export const FRAGMENT_HEADER = 8;

const OPTION_PAD1 = 0;
const OPTION_PADN = 1;

/** A packet with more headers is dropped. RFC 8200 section 4.1 has seven; in practice there are at most three. */
export const MAX_EXTENSIONS = 8;

/** Codes of the ICMPv6 parameter problem (RFC 4443, section 3.4; RFC 7112, section 5). */
export const PROBLEM_HEADER_FIELD = 0;
export const PROBLEM_NEXT_HEADER = 1;
const PROBLEM_OPTION = 2;
export const PROBLEM_INCOMPLETE_CHAIN = 3;

/** The fragment offset in the fragment header at `offset`, in bytes. */
export function fragmentOffset6(bytes: Uint8Array, offset: number): number {
  return get16(bytes, offset + FRAGMENT_OFFSET) & 0xfff8;
}

/** Whether fragments follow this one. */
export function moreFragments6(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset + FRAGMENT_OFFSET + 1] & 1) !== 0;
}

/** The identification that the fragments of a datagram share. */
export function identification6(bytes: Uint8Array, offset: number): number {
  return get32(bytes, offset + FRAGMENT_IDENTIFICATION);
}

/** The protocol of the fragmented datagram. */
export function fragmentNextHeader(bytes: Uint8Array, offset: number): number {
  return bytes[offset + NEXT_HEADER];
}

/** Writes a fragment header at `offset`; `fragmentOffset` is in bytes, a multiple of 8. */
export function putFragment(
  bytes: Uint8Array,
  offset: number,
  nextHeader: number,
  fragmentOffset: number,
  more: boolean,
  identification: number,
): void {
  bytes[offset + NEXT_HEADER] = nextHeader;
  bytes[offset + LENGTH] = 0;
  put16(bytes, offset + FRAGMENT_OFFSET, fragmentOffset | (more ? 1 : 0));
  put32(bytes, offset + FRAGMENT_IDENTIFICATION, identification);
}

/** The end of a walk. */
export type WalkEnd =
  /** It reached a header that is no extension header: the transport's. */
  | "transport"
  /** It reached a whole fragment header. */
  | "fragment"
  /** The packet ends within a header. */
  | "truncated"
  /** The packet must be dropped with a parameter problem ({@linkcode ExtensionWalk.problemCode}). */
  | "problem"
  /** The packet must be dropped silently. */
  | "discard";

/** Walks the extension headers of a packet. One object serves for many packets. */
export class ExtensionWalk {
  /** The type of the header at `at`: the next header value of the one before. */
  protocol = 0;
  /** Offset of the present header. */
  at = 0;
  /** Offset of the field that `protocol` was read from. */
  namedAt = 0;
  /** After "problem": the parameter problem's code, and the offset of the byte that it points to. */
  problemCode = 0;
  problemAt = 0;
  private count = 0;

  /** @param checking whether the headers' contents are checked; false: only their end is searched */
  constructor(private readonly checking = true) {}

  /** Starts at the header at `at`, the first after an IPv6 header, whose type `protocol` was read at `namedAt`. */
  begin(protocol: number, namedAt: number, at: number): void {
    this.protocol = protocol;
    this.namedAt = namedAt;
    this.at = at;
    this.count = 0;
  }

  /** Walks to the end of the headers. `end` is the end of the packet. */
  run(bytes: Uint8Array, end: number): WalkEnd {
    for (;;) {
      const { protocol, at } = this;
      if (protocol !== HOP_BY_HOP && protocol !== DESTINATION_OPTIONS && protocol !== ROUTING) {
        if (protocol !== FRAGMENT) return "transport";
        return at + FRAGMENT_HEADER <= end ? "fragment" : "truncated";
      }
      // hop-by-hop options are only allowed directly after the IPv6 header (section 4.1)
      if (protocol === HOP_BY_HOP && this.count > 0 && this.checking) {
        return this.problem(PROBLEM_NEXT_HEADER, this.namedAt);
      }
      if (++this.count > MAX_EXTENSIONS) return "discard";
      if (at + 8 > end) return "truncated";
      const next = at + 8 * (bytes[at + LENGTH] + 1);
      if (next > end) return "truncated";
      const fault = this.checking ? this.check(bytes, next) : null;
      if (fault !== null) return fault;
      this.step(bytes, next);
    }
  }

  /** Moves past the fragment header at `at`. */
  skipFragment(bytes: Uint8Array): void {
    this.count++;
    this.step(bytes, this.at + FRAGMENT_HEADER);
  }

  private step(bytes: Uint8Array, next: number): void {
    this.protocol = bytes[this.at + NEXT_HEADER];
    this.namedAt = this.at + NEXT_HEADER;
    this.at = next;
  }

  private check(bytes: Uint8Array, end: number): WalkEnd | null {
    if (this.protocol !== ROUTING) return this.checkOptions(bytes, end);
    // section 4.4: this node knows no routing type; with no segments left the header is ignored
    if (bytes[this.at + SEGMENTS_LEFT] === 0) return null;
    return this.problem(PROBLEM_HEADER_FIELD, this.at + ROUTING_TYPE);
  }

  /** Checks the options. The upper two bits of an unknown option's type say how to treat it (section 4.2). */
  private checkOptions(bytes: Uint8Array, end: number): WalkEnd | null {
    let at = this.at + OPTIONS;
    while (at < end) {
      const type = bytes[at];
      if (type === OPTION_PAD1) {
        at++;
        continue;
      }
      if (at + 1 >= end || at + 2 + bytes[at + 1] > end) return "discard";
      if (type !== OPTION_PADN) {
        const action = type >> 6;
        if (action === 1) return "discard";
        if (action >= 2) return this.problem(PROBLEM_OPTION, at);
      }
      at += 2 + bytes[at + 1];
    }
    return null;
  }

  private problem(code: number, at: number): WalkEnd {
    this.problemCode = code;
    this.problemAt = at;
    return "problem";
  }
}
