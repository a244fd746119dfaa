/**
 * Reads the ClientHello from the first datagrams of a QUIC client (versions 1 and 2).
 *
 *     datagram → Initial packets → CRYPTO frames, in any order → ClientHello
 *
 * A ClientHello with large key shares takes two datagrams, and browsers scatter it over many frames. The reader refuses
 * everything that a server might read in another way: bytes that come twice and differ, frames that Initial packets can't
 * have, another Destination Connection ID, datagrams below 1,200 bytes (RFC 9000, section 14.1).
 *
 * @module
 */
import { type ClientHello, readMessage } from "./client_hello.ts";
import { InitialKeys, isLong, type LongPacket, readLongPacket, Varint } from "./quic_packet.ts";
import { MALFORMED, more, NONE, type Reading } from "./reading.ts";
import { MAX_HELD_FLOW_BYTES, MAX_INITIAL_DATAGRAMS } from "../../limits/limits.ts";

/** RFC 9000, section 14.1. */
const LEAST_INITIAL_DATAGRAM = 1_200;

/** The frames of Initial packets (RFC 9000, section 12.4). */
const FRAME_PADDING = 0x00,
  FRAME_PING = 0x01,
  FRAME_ACK = 0x02,
  FRAME_ACK_ECN = 0x03,
  FRAME_CRYPTO = 0x06,
  FRAME_CLOSE = 0x1c;

const MESSAGE_HEADER = 4;

/** Reads the first datagrams of one client. */
export class InitialReader {
  private keys: InitialKeys | null = null;
  /** The keys of the other version, if the server has chosen that (RFC 9368, section 2.3). */
  private otherKeys: InitialKeys | null = null;
  private readonly crypto = new CryptoStream();
  /** The ClientHello that answers a HelloRetryRequest; it follows the first one in the stream of the CRYPTO frames. */
  private readonly second = new CryptoStream();
  private datagrams = 0;
  private name: string | null = null;

  constructor(private readonly echAllowed: boolean) {}

  /**
   * Judges an Initial packet after the name was shown. The keys alone are no evidence: when the server has ended the
   * connection, a client can begin another one with the same Connection ID. So its ClientHello must be the one that was
   * read.
   *
   * @returns "new": it was made with other keys; "broken": it has another ClientHello, or a second one of another name
   */
  repeats(bytes: Uint8Array, packet: LongPacket): "yes" | "new" | "broken" {
    const { keys, crypto } = this, { version } = packet;
    if (keys === null) return "new";
    if (keys.version !== version) this.otherKeys ??= new InitialKeys(version, keys.destination);
    const frames = (keys.version === version ? keys : this.otherKeys)?.open(bytes, packet) ?? null;
    if (frames === null) return "new";
    const { length } = crypto;
    const isSameStream = takeFrames(frames, (offset, part) => {
      const within = Math.max(0, Math.min(part.length, length - offset));
      return (within === 0 || crypto.add(offset, part.subarray(0, within))) &&
        (within === part.length || this.second.add(offset + within - length, part.subarray(within)));
    });
    return isSameStream && this.isSecondAllowed() ? "yes" : "broken";
  }

  private isSecondAllowed(): boolean {
    const { message } = this.second;
    if (message === null) return true;
    const reading = message === "malformed" ? MALFORMED : readMessage(message, 0, message.length, this.echAllowed);
    return reading.is === "shown" && reading.shown.name === this.name;
  }

  /** Reads the next datagram, `bytes[start..end)`. The answer `more` means at least one more datagram. */
  take(bytes: Uint8Array, start: number, end: number): Reading<ClientHello> | { readonly is: "too_long" } {
    const first = this.keys === null;
    const malformed = first ? NONE : MALFORMED;
    if (!isLong(bytes, start, end)) return malformed;
    const packet = readLongPacket(bytes, start, end);
    if (packet === null || (first && packet.type !== "initial")) return malformed;
    if (packet.type === "initial" && end - start < LEAST_INITIAL_DATAGRAM) return MALFORMED;
    this.keys ??= new InitialKeys(packet.version, packet.destination);
    this.datagrams++;
    if (!this.takePackets(bytes, packet, end, this.keys)) return MALFORMED;
    const { message } = this.crypto;
    if (message === "malformed") return MALFORMED;
    if (message !== null) {
      const reading = readMessage(message, 0, message.length, this.echAllowed);
      if (reading.is === "shown") this.name = reading.shown.name;
      return reading;
    }
    return this.datagrams < MAX_INITIAL_DATAGRAMS ? more(0) : { is: "too_long" };
  }

  /** Takes all Initial packets of a datagram. Returns false if a part of it is not allowed. */
  private takePackets(bytes: Uint8Array, first: LongPacket, end: number, keys: InitialKeys): boolean {
    for (let packet = first;;) {
      if (!isSame(packet.destination, keys.destination) || packet.version !== keys.version) return false;
      if (packet.type === "initial") {
        const frames = keys.open(bytes, packet);
        if (frames === null || !takeFrames(frames, (offset, part) => this.crypto.add(offset, part))) return false;
      }
      if (!isLong(bytes, packet.end, end)) return true; // padding, or a packet of a connection that stands
      const next = readLongPacket(bytes, packet.end, end);
      if (next === null) return false;
      packet = next;
    }
  }
}

/** Takes the frames of an Initial packet. Returns false if one is not allowed there, is cut off, or `take` returns false. */
function takeFrames(frames: Uint8Array, take: (offset: number, part: Uint8Array) => boolean): boolean {
  const field = new Varint(), end = frames.length;
  let at = 0;
  const next = () => {
    const read = field.read(frames, at, end);
    at = field.end;
    return read;
  };
  while (at < end) {
    const type = frames[at++];
    switch (type) {
      case FRAME_PADDING:
      case FRAME_PING:
        break;
      case FRAME_ACK:
      case FRAME_ACK_ECN: {
        if (!next() || !next() || !next()) return false;
        let fields = 1 + 2 * field.value + (type === FRAME_ACK_ECN ? 3 : 0);
        while (fields-- > 0) if (!next()) return false;
        break;
      }
      case FRAME_CRYPTO: {
        if (!next()) return false;
        const offset = field.value;
        if (!next() || at + field.value > end) return false;
        if (!take(offset, frames.subarray(at, at + field.value))) return false;
        at += field.value;
        break;
      }
      case FRAME_CLOSE:
        if (!next() || !next() || !next() || at + field.value > end) return false;
        at += field.value;
        break;
      default:
        return false;
    }
  }
  return end > 0;
}

/** The first message of a stream, whose parts come in any order. */
class CryptoStream {
  private bytes = new Uint8Array(2_048);
  /** 1 for each byte that has arrived. */
  private known = new Uint8Array(2_048);
  /** The end of the last part. */
  private end = 0;
  /** The number of bytes before the first gap. */
  private ready = 0;

  /** Returns false if a byte comes twice and differs, or there are too many. */
  add(offset: number, part: Uint8Array): boolean {
    const end = offset + part.length;
    if (end > MAX_HELD_FLOW_BYTES) return false;
    if (end > this.bytes.length) this.grow(end);
    const { bytes, known } = this;
    for (let i = 0; i < part.length; i++) {
      if (known[offset + i] === 1 && bytes[offset + i] !== part[i]) return false;
      bytes[offset + i] = part[i];
      known[offset + i] = 1;
    }
    this.end = Math.max(this.end, end);
    while (this.ready < this.end && known[this.ready] === 1) this.ready++;
    return true;
  }

  /** The length of the bytes before the first gap. */
  get length(): number {
    return this.ready;
  }

  /** The complete message; null: not yet. A client sends nothing after it before the server has answered. */
  get message(): Uint8Array | "malformed" | null {
    const { bytes, ready, end } = this;
    if (ready < MESSAGE_HEADER) return null;
    const length = MESSAGE_HEADER + (bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
    if (end > length || length > MAX_HELD_FLOW_BYTES) return "malformed";
    return ready === length ? bytes.subarray(0, length) : null;
  }

  private grow(end: number): void {
    const size = 2 ** Math.ceil(Math.log2(end));
    const { bytes, known } = this;
    (this.bytes = new Uint8Array(size)).set(bytes);
    (this.known = new Uint8Array(size)).set(known);
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
