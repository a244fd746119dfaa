/**
 * Initial sequence numbers (RFC 6528): a clock plus a keyed hash of the addresses and ports, so that nobody can guess the
 * number of another's connection, and a later connection between the same endpoints has a higher one.
 *
 * @module
 */
import type { Endpoint } from "../../base/address.ts";
import { get32 } from "../../base/bytes.ts";
import { sipHash } from "../../base/siphash.ts";

/** Steps of the clock per ms: one in 4 µs (RFC 9293, section 3.4.1). */
const STEPS_PER_MS = 250;

/** Chooses initial sequence numbers. */
export class InitialSequences {
  private readonly key: Int32Array;

  /** @param random returns an unpredictable unsigned 32-bit number; called for the hash's key */
  constructor(random: () => number) {
    this.key = Int32Array.from({ length: 4 }, () => random() | 0);
  }

  /** The number for a connection that begins at `now`, in ms. */
  of(local: Endpoint, guest: Endpoint, now: number): number {
    const length = local.address.bytes.length / 4;
    const words = new Int32Array(2 * length + 1);
    for (let i = 0; i < length; i++) {
      words[i] = get32(local.address.bytes, 4 * i);
      words[length + i] = get32(guest.address.bytes, 4 * i);
    }
    words[2 * length] = local.port << 16 | guest.port;
    return (sipHash(this.key, words) + Math.floor(now * STEPS_PER_MS)) | 0;
  }
}
