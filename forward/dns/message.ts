/**
 * DNS messages (RFC 1035, section 4) as far as a forwarder must know them: the header and the question. The rest is passed
 * on unchanged, so unknown types of records work.
 *
 *     0 ID (16)   2 flags (16)   4 QDCOUNT (16)   6 ANCOUNT (16)   8 NSCOUNT (16)   10 ARCOUNT (16)   12 question ...
 *
 *     flags: QR (1) opcode (4) AA (1) TC (1) RD (1) | RA (1) Z (1) AD (1) CD (1) RCODE (4)
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";
import { get16, put16, put32 } from "../../stack/base/bytes.ts";

/** RFC 1035, section 4.2.1 and 4.2.2: the port of name servers, over UDP and TCP. */
export const DNS_PORT = 53;

/** The longest message: TCP gives its length in 16 bits (section 4.2.2). */
export const MAX_MESSAGE = 65_535;

/** Response codes (section 4.1.1). */
export const NOERROR = 0;
export const FORMERR = 1;
export const SERVFAIL = 2;
export const NXDOMAIN = 3;
export const NOTIMP = 4;
export const REFUSED = 5;

/** The length of the field before each message over TCP, in bytes (section 4.2.2). */
export const LENGTH_FIELD = 2;

/** The length of a header; the question is behind it. */
export const HEADER = 12;
const FLAGS = 2;
const COUNTS = 4;
const ANSWER_COUNT = 6;
const CLASS_IN = 1;
const QR = 0x80, OPCODE = 0x78, TC = 0x02, RD = 0x01; // of the first byte of the flags
const RA = 0x80, CD = 0x10, RCODE = 0x0f; // of the second

/** The longest label (section 2.3.4). A larger length byte is a pointer, which no question has: nothing precedes it. */
const MAX_LABEL = 63;
/** The longest name, with its length bytes and the root's. */
const MAX_NAME = 255;

/** The option of an extended error (RFC 8914, section 2). */
const EXTENDED_ERROR = 15;

/** The extended error "Blocked" (section 4.16): by a policy of the name server's operator. */
const BLOCKED = 15;

/** The types of questions for a whole zone, whose answer has any number of messages (RFC 1995, RFC 5936). */
const IXFR = 251, AXFR = 252;

/** The length over UDP that every client takes, unless it says more (RFC 1035, section 4.2.1). */
export const PLAIN_UDP_SIZE = 512;

/** The OPT record of an answer that this program makes itself (RFC 6891, section 6.1.2): root, type, size, no options. */
const OPT_RECORD = Uint8Array.of(0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0);

/** Reads EDNS (RFC 6891) in a client's message. It is passed in, because its module, edns.ts, is loaded by need. */
export interface Edns {
  /** The longest answer over UDP that the client takes, at least {@linkcode PLAIN_UDP_SIZE}; null: it does not use EDNS. */
  udpSize(query: Uint8Array): number | null;
}

/** A client's message that was recognised as a question. */
export interface Question {
  readonly bytes: Uint8Array;
  readonly edns: Edns;
  /** The offset after the question. */
  readonly end: number;
}

/** The subject of a question: the records of one type of a name. */
export interface Asked {
  /** The labels with dots between; empty: the root. */
  readonly name: string;
  readonly type: number;
  /** Whether the class is IN (RFC 1035, section 3.2.4), as that of all addresses is. */
  readonly isInternet: boolean;
}

/** The result of {@linkcode parseQuestion}. */
export type ParsedQuestion =
  | { readonly kind: "question"; readonly question: Question }
  /** To be dropped: it is too short to be answered, or an answer itself. */
  | { readonly kind: "nonsense" }
  /** To be answered with this error. */
  | { readonly kind: "error"; readonly question: Question; readonly rcode: number };

/**
 * Parses a client's message: a query with one question about one name, and not about a whole zone. Transfers, updates and
 * notifications are messages between name servers.
 */
export function parseQuestion(bytes: Uint8Array, edns: Edns): ParsedQuestion {
  if (isNonsense(bytes)) return { kind: "nonsense" };
  const end = questionEnd(bytes);
  const question = { bytes, edns, end: Math.max(end, HEADER) };
  if ((bytes[FLAGS] & OPCODE) !== 0) return { kind: "error", question, rcode: NOTIMP };
  if (end < 0) return { kind: "error", question, rcode: FORMERR };
  const type = get16(bytes, end - 4);
  return type === AXFR || type === IXFR ? { kind: "error", question, rcode: NOTIMP } : { kind: "question", question };
}

/** Returns the subject of a question that {@linkcode parseQuestion} has accepted. */
export function questionOf({ bytes, end }: Question): Asked {
  const labels: string[] = [];
  for (let at = HEADER; bytes[at] > 0; at += 1 + bytes[at]) {
    labels.push(String.fromCharCode(...bytes.subarray(at + 1, at + 1 + bytes[at])));
  }
  return { name: labels.join("."), type: get16(bytes, end - 4), isInternet: get16(bytes, end - 2) === CLASS_IN };
}

/** The ID, by which an answer is matched to its question. */
export function messageId(bytes: Uint8Array): number {
  return get16(bytes, 0);
}

/** A copy with another ID. */
export function withId(bytes: Uint8Array, id: number): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  put16(copy, 0, id);
  return copy;
}

/** The response code of an answer, without the upper bits of RFC 6891. */
export function rcodeOf(answer: Uint8Array): number {
  return answer[FLAGS + 1] & RCODE;
}

/**
 * Whether the first `length` bytes are an answer to a question with that ID. Some servers leave the question out of an
 * answer that only reports an error.
 */
export function isAnswerTo(question: Question, id: number, bytes: Uint8Array, length: number): boolean {
  if (length < HEADER || !isAnswer(bytes) || messageId(bytes) !== id) return false;
  const count = get16(bytes, COUNTS);
  if (count === 0) return rcodeOf(bytes) !== NOERROR && rcodeOf(bytes) !== NXDOMAIN;
  if (count !== 1 || length < question.end) return false;
  // lengths are below 64, where no letter is, so they may be compared like letters
  for (let at = HEADER; at < question.end - 4; at++) {
    if (lowerCase(bytes[at]) !== lowerCase(question.bytes[at])) return false;
  }
  for (let at = question.end - 4; at < question.end; at++) if (bytes[at] !== question.bytes[at]) return false;
  return true;
}

/** An answer that only reports an error. */
export function errorAnswer(question: Question, rcode: number): Uint8Array<ArrayBuffer> {
  return emptyAnswer(question, question.bytes[FLAGS] & (OPCODE | RD), (question.bytes[FLAGS + 1] & CD) | RA | rcode);
}

/** Whether an answer over UDP is cut off, so that the question is to be asked again over TCP. */
export function isTruncated(answer: Uint8Array): boolean {
  return (answer[FLAGS] & TC) !== 0;
}

/** Of the record in {@linkcode newQuestion}. */
const OWN_EDNS: Edns = { udpSize: () => get16(OPT_RECORD, 3) };

/** A question of this program's own for the records of one type, with an OPT record; its ID is 0. `labels`: see {@linkcode questionOf}. */
export function newQuestion(labels: Uint8Array, type: number): Question {
  const end = HEADER + labels.length + 4;
  const bytes = new Uint8Array(end + OPT_RECORD.length);
  bytes[FLAGS] = RD;
  put16(bytes, COUNTS, 1);
  put16(bytes, HEADER - 2, 1);
  bytes.set(labels, HEADER);
  put16(bytes, end - 4, type);
  put16(bytes, end - 2, CLASS_IN);
  bytes.set(OPT_RECORD, end);
  return { bytes, edns: OWN_EDNS, end };
}

/**
 * An answer that only reports an error, and, to a client that understands it, that the policy blocks the name, with a
 * text in ASCII. It has no SOA record, so resolvers don't cache it (RFC 2308, section 5).
 */
export function blockedAnswer(question: Question, rcode: number, text: string): Uint8Array {
  const answer = errorAnswer(question, rcode);
  if (answer.length === question.end) return answer; // without an OPT record
  const blocked = new Uint8Array(answer.length + 6 + text.length);
  blocked.set(answer);
  put16(blocked, answer.length - 2, 6 + text.length); // the length of the OPT record's options
  put16(blocked, answer.length, EXTENDED_ERROR);
  put16(blocked, answer.length + 2, 2 + text.length);
  put16(blocked, answer.length + 4, BLOCKED);
  for (let i = 0; i < text.length; i++) blocked[answer.length + 6 + i] = text.charCodeAt(i);
  return blocked;
}

/** An answer with records that are behind each other in `records`. */
export function recordsAnswer(question: Question, count: number, records: Uint8Array): Uint8Array {
  const { end } = question, empty = errorAnswer(question, NOERROR);
  const answer = new Uint8Array(empty.length + records.length);
  answer.set(empty.subarray(0, end));
  answer.set(records, end);
  answer.set(empty.subarray(end), end + records.length);
  put16(answer, ANSWER_COUNT, count);
  return answer;
}

/** An answer with addresses of the name in the question, with a TTL in seconds. */
export function addressAnswer(question: Question, addresses: readonly IpAddress[], ttl: number): Uint8Array {
  const records = addresses.map((address) => addressRecord(address, ttl));
  return recordsAnswer(question, records.length, Uint8Array.from(records.flatMap((record) => [...record])));
}

/** RFC 1035, section 4.1.3 and 3.4.1; RFC 3596, section 2.2. The name is a pointer to the question's (section 4.1.4). */
function addressRecord({ version, bytes }: IpAddress, ttl: number): Uint8Array {
  const record = new Uint8Array(12 + bytes.length);
  put16(record, 0, 0xc000 | HEADER);
  put16(record, 2, version === 4 ? 1 : 28); // A, AAAA
  put16(record, 4, CLASS_IN);
  put32(record, 6, ttl);
  put16(record, 10, bytes.length);
  record.set(bytes, 12);
  return record;
}

/**
 * Returns the answer if the client takes one of this length over UDP, and otherwise one that is marked as truncated, so
 * that the client asks again over TCP. A server that knows the client's limit sends such an answer itself.
 */
export function fitToUdp(question: Question, answer: Uint8Array): Uint8Array {
  if (answer.length <= PLAIN_UDP_SIZE || answer.length <= (question.edns.udpSize(question.bytes) ?? 0)) return answer;
  return emptyAnswer(question, answer[FLAGS] | TC, answer[FLAGS + 1]);
}

/** Whether a message is to be dropped: too short to be answered, or an answer itself. */
export function isNonsense(bytes: Uint8Array): boolean {
  return bytes.length < HEADER || isAnswer(bytes);
}

function isAnswer(bytes: Uint8Array): boolean {
  return (bytes[FLAGS] & QR) !== 0;
}

/** The offset after the only question; -1: there is none, or more than one. */
function questionEnd(bytes: Uint8Array): number {
  if (get16(bytes, COUNTS) !== 1) return -1;
  let at = HEADER;
  while (at < bytes.length && bytes[at] !== 0) {
    if (bytes[at] > MAX_LABEL) return -1;
    at += 1 + bytes[at];
  }
  const end = at + 5; // the root's length, type and class
  return end > bytes.length || at + 1 - HEADER > MAX_NAME ? -1 : end;
}

/** The question with these flags, and an OPT record if it came with one. */
function emptyAnswer(question: Question, flags: number, moreFlags: number): Uint8Array<ArrayBuffer> {
  const { bytes, end } = question;
  const edns = question.edns.udpSize(bytes) !== null;
  const answer = new Uint8Array(end + (edns ? OPT_RECORD.length : 0));
  answer.set(bytes.subarray(0, end));
  answer[FLAGS] = flags | QR;
  answer[FLAGS + 1] = moreFlags;
  answer.fill(0, COUNTS, HEADER);
  answer[COUNTS + 1] = end > HEADER ? 1 : 0;
  if (edns) {
    answer.set(OPT_RECORD, end);
    answer[HEADER - 1] = 1;
  }
  return answer;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
