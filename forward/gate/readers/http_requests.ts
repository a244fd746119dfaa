/**
 * Follows the requests of one HTTP/1 connection: decides for each byte whether it may pass, and which bytes must be
 * complete for that decision.
 *
 *     head → body by length ──────────────────────────────→ head → ...
 *          → chunk line → chunk → ... → last chunk, trailer → head → ...
 *          → WebSocket asked for → 101 → all the rest passes
 *                                → any other answer → head → ...
 *
 * Only heads, chunk lines and trailers are read. The bytes of bodies are counted, but never read.
 *
 * @module
 */
import { type HeadReading, readHead, type RequestHead, tokenEnd } from "./http_head.ts";

/** The answer of {@linkcode HttpRequests.look}. */
export type Look =
  /** That many bytes may pass, at least one; Infinity: all from now on. */
  | { readonly is: "pass"; readonly length: number }
  /** More bytes are needed for a decision. */
  | { readonly is: "more" }
  /** Nothing may pass before the server has answered; see {@linkcode HttpRequests.answered}. */
  | { readonly is: "wait" }
  /** They break the framing of a body. */
  | { readonly is: "malformed" }
  /** A head that must be judged first; {@linkcode HttpRequests.accept} lets it pass. */
  | { readonly is: "head"; readonly reading: Exclude<HeadReading, { is: "more" }> };

/** The part of the connection that comes next. */
type State = "head" | "body" | "chunk-line" | "chunk-end" | "trailer" | "upgrade" | "opaque";

const MORE: Look = { is: "more" }, MALFORMED: Look = { is: "malformed" }, WAIT: Look = { is: "wait" };
const ALL: Look = { is: "pass", length: Infinity };

const LF = 10, CR = 13, SPACE = 0x20, TAB = 9, SEMICOLON = 0x3b, COLON = 0x3a;

/** The longest chunk line, with its extensions, and the longest trailer. */
const MAX_CHUNK_LINE = 1_024, MAX_TRAILER = 8_192;

/** The beginning of all status lines that switch protocols. */
const SWITCHING = "HTTP/1.1 101 ";

/** The requests of one connection. */
export class HttpRequests {
  private state: State = "head";
  /** The number of bytes that follow of the body. */
  private body = 0;
  private heads = 0;
  /** The length of {@linkcode SWITCHING} that the server has sent so far. */
  private answer = 0;

  /** The number of heads that have passed. */
  get count(): number {
    return this.heads;
  }

  /** Looks at the guest's next bytes, `bytes[start..end)`. Bytes that may pass are counted as passed. */
  look(bytes: Uint8Array, start: number, end: number): Look {
    if (this.state === "opaque") return ALL;
    if (this.state === "upgrade") return WAIT;
    if (start === end) return MORE;
    if (this.state === "body") return this.passBody();
    if (this.state === "trailer") return this.readTrailer(bytes, start, end);
    if (this.state !== "head") return this.readChunkLine(bytes, start, end);
    const reading = readHead(bytes, start, end);
    return reading.is === "more" ? MORE : { is: "head", reading };
  }

  /**
   * Lets a head pass. Returns false if it must not: it asks for a WebSocket, and is not the connection's first head. Its
   * answer could not be distinguished from the answer to an earlier request.
   */
  accept({ body, websocket }: RequestHead): boolean {
    if (websocket && this.heads > 0) return false;
    this.heads++;
    if (websocket) this.state = "upgrade";
    else if (body.by === "chunks") this.state = "chunk-line";
    else if (body.length > 0) {
      this.body = body.length;
      this.state = "body";
    }
    return true;
  }

  /** Whether the server's next bytes matter. */
  get awaitsAnswer(): boolean {
    return this.state === "upgrade";
  }

  /** The server has sent `bytes[start..end)`. Called for all its bytes from the first on, while they matter. */
  answered(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end && this.state === "upgrade"; at++) {
      if (bytes[at] !== SWITCHING.charCodeAt(this.answer)) this.state = "head"; // the server goes on in HTTP
      else if (++this.answer === SWITCHING.length) this.state = "opaque";
    }
  }

  private passBody(): Look {
    const length = this.body;
    this.body = 0;
    this.state = "head";
    return { is: "pass", length };
  }

  /** `[CR LF] SIZE [;EXTENSIONS] CR LF`, and passes the chunk with it. */
  private readChunkLine(bytes: Uint8Array, start: number, end: number): Look {
    let at = start;
    if (this.state === "chunk-end") {
      if (bytes[at] !== CR || (at + 1 < end && bytes[at + 1] !== LF)) return MALFORMED;
      at += 2;
    }
    let size = 0, digits = 0;
    for (; at < end && hexValue(bytes[at]) >= 0; at++, digits++) size = size * 16 + hexValue(bytes[at]);
    if (digits > MAX_SIZE_DIGITS) return MALFORMED;
    if (at >= end) return MORE;
    if (digits === 0 || (bytes[at] !== CR && bytes[at] !== SEMICOLON)) return MALFORMED;
    const lineEnd = textEnd(bytes, at, end);
    if (lineEnd - start > MAX_CHUNK_LINE) return MALFORMED;
    if (lineEnd + 1 >= end) return lineEnd < end && bytes[lineEnd] !== CR ? MALFORMED : MORE;
    if (bytes[lineEnd] !== CR || bytes[lineEnd + 1] !== LF) return MALFORMED;
    this.state = size === 0 ? "trailer" : "chunk-end";
    return { is: "pass", length: lineEnd + 2 - start + size };
  }

  /** Field lines up to an empty one. */
  private readTrailer(bytes: Uint8Array, start: number, end: number): Look {
    for (let at = start;;) {
      const lineEnd = textEnd(bytes, at, end);
      if (lineEnd - start > MAX_TRAILER) return MALFORMED;
      if (lineEnd + 1 >= end) return lineEnd < end && bytes[lineEnd] !== CR ? MALFORMED : MORE;
      if (bytes[lineEnd] !== CR || bytes[lineEnd + 1] !== LF) return MALFORMED;
      if (lineEnd === at) {
        this.state = "head";
        return { is: "pass", length: lineEnd + 2 - start };
      }
      const colon = tokenEnd(bytes, at, lineEnd);
      if (colon === at || bytes[colon] !== COLON) return MALFORMED;
      at = lineEnd + 2;
    }
  }
}

/** 2^52 bytes. */
const MAX_SIZE_DIGITS = 13;

/** The value of a hexadecimal digit; -1: it is none. */
function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** The end of the text at `start`: the first control character, which should be the CR of the line's end. */
function textEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] >= SPACE ? bytes[at] !== 0x7f : bytes[at] === TAB)) at++;
  return at;
}
