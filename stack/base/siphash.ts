/**
 * Keyed hashes of Aumasson and Bernstein: SipHash-2-4 for initial sequence numbers, where an attacker must not guess
 * the next (RFC 6528), and its 32-bit variant HalfSipHash-2-4 for hash tables, where an attacker must not find
 * collisions. Both hash 32-bit words in little-endian order, the order of typed arrays on all supported machines.
 *
 * @module
 */

/**
 * SipHash-2-4 of `words`.
 *
 * @param key four words: k0 low, k0 high, k1 low, k1 high
 * @returns the low 32 bits of the hash, signed
 */
export function sipHash(key: Int32Array, words: Int32Array): number {
  // v0..v3 as pairs (low, high), started with the constants of the paper, "somepseudorandomlygeneratedbytes"
  const v = new Int32Array(8);
  v[0] = key[0] ^ 0x70736575, v[1] = key[1] ^ 0x736f6d65;
  v[2] = key[2] ^ 0x6e646f6d, v[3] = key[3] ^ 0x646f7261;
  v[4] = key[0] ^ 0x6e657261, v[5] = key[1] ^ 0x6c796765;
  v[6] = key[2] ^ 0x79746573, v[7] = key[3] ^ 0x74656462;
  const pairs = words.length >> 1;
  for (let i = 0; i < pairs; i++) compress(v, words[2 * i], words[2 * i + 1]);
  // the last word holds the odd 4 bytes and the length in bytes in its top byte
  compress(v, words.length & 1 ? words[words.length - 1] : 0, (words.length * 4) << 24);
  v[4] ^= 0xff;
  for (let i = 0; i < 4; i++) round(v);
  return v[0] ^ v[2] ^ v[4] ^ v[6];
}

function compress(v: Int32Array, low: number, high: number): void {
  v[6] ^= low, v[7] ^= high;
  round(v);
  round(v);
  v[0] ^= low, v[1] ^= high;
}

function round(v: Int32Array): void {
  add(v, 0, 2), rotate(v, 2, 13), xor(v, 2, 0), rotate(v, 0, 32);
  add(v, 4, 6), rotate(v, 6, 16), xor(v, 6, 4);
  add(v, 0, 6), rotate(v, 6, 21), xor(v, 6, 0);
  add(v, 4, 2), rotate(v, 2, 17), xor(v, 2, 4), rotate(v, 4, 32);
}

function add(v: Int32Array, to: number, from: number): void {
  const low = (v[to] >>> 0) + (v[from] >>> 0);
  v[to] = low | 0;
  v[to + 1] = (v[to + 1] + v[from + 1] + (low > 0xffffffff ? 1 : 0)) | 0;
}

function xor(v: Int32Array, to: number, from: number): void {
  v[to] ^= v[from], v[to + 1] ^= v[from + 1];
}

function rotate(v: Int32Array, at: number, bits: number): void {
  const low = v[at], high = v[at + 1];
  if (bits === 32) {
    v[at] = high, v[at + 1] = low;
  } else {
    v[at] = (low << bits) | (high >>> (32 - bits));
    v[at + 1] = (high << bits) | (low >>> (32 - bits));
  }
}

/** HalfSipHash-2-4 with a running state, so that words can be added one by one as they are read from a packet. */
export class HalfSipHash {
  private v0 = 0;
  private v1 = 0;
  private v2 = 0;
  private v3 = 0;
  private count = 0;

  /** @param k0, k1 the key */
  constructor(private readonly k0: number, private readonly k1: number) {}

  /** Starts a new message. */
  begin(): this {
    this.v0 = this.k0;
    this.v1 = this.k1;
    this.v2 = this.k0 ^ 0x6c796765;
    this.v3 = this.k1 ^ 0x74656462;
    this.count = 0;
    return this;
  }

  /** Adds a word. */
  add(word: number): this {
    this.v3 ^= word;
    this.round();
    this.round();
    this.v0 ^= word;
    this.count += 4;
    return this;
  }

  /** Ends the message, and returns its hash, a signed 32-bit number. */
  end(): number {
    this.add(this.count << 24);
    this.v2 ^= 0xff;
    this.round();
    this.round();
    this.round();
    this.round();
    return this.v1 ^ this.v3;
  }

  private round(): void {
    let { v0, v1, v2, v3 } = this;
    v0 = (v0 + v1) | 0;
    v1 = (v1 << 5 | v1 >>> 27) ^ v0;
    v0 = v0 << 16 | v0 >>> 16;
    v2 = (v2 + v3) | 0;
    v3 = (v3 << 8 | v3 >>> 24) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = (v3 << 7 | v3 >>> 25) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = (v1 << 13 | v1 >>> 19) ^ v2;
    v2 = v2 << 16 | v2 >>> 16;
    this.v0 = v0, this.v1 = v1, this.v2 = v2, this.v3 = v3;
  }
}
