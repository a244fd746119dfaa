/**
 * The answers of a name server that asks no other: the names of `-allow`, with the addresses that they had when the ranges
 * were read. A guest that may not reach the internet must not reach foreign name servers through the host's, because the
 * name in a question is a message to the servers of its domain.
 *
 * | question | answer |
 * | --- | --- |
 * | a name of `-allow`, type A, AAAA or ANY | its addresses of that type |
 * | a name of `-allow`, another type | no such record |
 * | anything else | REFUSED |
 *
 * @module
 */
import type { IpAddress } from "../../stack/base/address.ts";
import { addressAnswer, errorAnswer, NOERROR, type Question, questionOf, REFUSED } from "./message.ts";

/** How long the guest may cache an answer, in seconds. It stays true as long as the program runs. */
const TTL = 60;

/** A range of `-allow`, which may have been given by a name. */
export interface Named {
  /** Not given: the range was written as an address. */
  readonly name?: string;
  readonly prefix: { readonly first: IpAddress };
}

/** The names that the guest may ask for, and the answers. */
export class AllowedNames {
  private readonly addresses = new Map<string, IpAddress[]>();

  constructor(ranges: readonly Named[]) {
    for (const { name, prefix: { first } } of ranges) {
      if (name === undefined) continue;
      const key = keyOf(name), known = this.addresses.get(key) ?? [];
      if (!known.some((address) => address.equals(first))) known.push(first);
      this.addresses.set(key, known);
    }
  }

  /** The whole answer; null: the question must be refused. */
  answer(question: Question): Uint8Array | null {
    const { name, type, isInternet } = questionOf(question);
    const addresses = isInternet ? this.addresses.get(keyOf(name)) : undefined;
    if (addresses === undefined) return null;
    const wanted = addresses.filter(({ version }) => type === ANY || type === (version === 4 ? A : AAAA));
    return wanted.length === 0 ? errorAnswer(question, NOERROR) : addressAnswer(question, wanted, TTL);
  }

  /** The answer to a question that is refused. */
  refusal(question: Question): Uint8Array {
    return errorAnswer(question, REFUSED);
  }
}

/** Types of records (RFC 1035, section 3.2.2 and 3.2.3; RFC 3596). */
const A = 1, AAAA = 28, ANY = 255;

/** Names are compared without regard to case (RFC 4343) and to a dot at the end. */
function keyOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
