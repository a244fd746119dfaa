/**
 * The document `/names`: flows, bytes and refusals by name, as JSON. `slirpnetstack top` and the page at `/` show it.
 *
 * A guest chooses the names. They are in canonical form (policy/names/canonical.ts), or texts of addresses, so they are
 * ASCII without control characters; JSON escapes everything else.
 *
 * @module
 */
import type { RefusalReason } from "../../policy/names/reasons.ts";

/** One line. The names are those of the JSON. */
export interface NameLine {
  /** A name in canonical form, or an address; empty for the line about everything that has no line of its own. */
  readonly name: string;
  readonly kind: "name" | "address" | "other";
  /** Flows that are open, and those that were opened so far. */
  readonly open: number;
  readonly flows: number;
  /** Payload bytes from the guest and to it so far. */
  readonly bytes_out: number;
  readonly bytes_in: number;
  /** Questions and flows that were refused so far. */
  readonly refusals: number;
  /** The rule that has allowed the last flow; null: none of the rules for names, or no flow. */
  readonly rule: string | null;
  /** Why the last refusal was; null: there was none. */
  readonly reason: RefusalReason | null;
  /** The name that the last refused flow has shown; null: none. */
  readonly shown: string | null;
  /** The flags that would let what was refused last; null: no rule would. */
  readonly remedy: string | null;
}

/** The head of the document. Its other keys are `names`, an array of lines, and `other`, a line. */
export interface NamesHead {
  /** The version of the form, which counts up when a key changes its meaning. */
  readonly version: 1;
  /** A clock in seconds that does not go back: rates are differences of two documents. */
  readonly seconds: number;
  /** The most lines that the table may have. */
  readonly limit: number;
}

/** The whole document. */
export interface NamesDocument extends NamesHead {
  readonly names: readonly NameLine[];
  /** Everything that has no line: what was dropped from a full table, and questions for names that no rule can have. */
  readonly other: NameLine;
}

/** Lines in one piece, which takes some 100 µs to make. */
const LINES_PER_PIECE = 64;

/** The text in pieces: making it whole would hold up the traffic. Each line is read when its piece is made. */
export function* namesJson(head: NamesHead, names: Iterable<NameLine>, other: NameLine): Generator<string> {
  let piece = `${JSON.stringify(head).slice(0, -1)},"names":[`, count = 0;
  for (const line of names) {
    piece += `${count === 0 ? "\n" : ",\n"}${JSON.stringify(line)}`;
    if (++count % LINES_PER_PIECE > 0) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}${count === 0 ? "" : "\n"}],"other":${JSON.stringify(other)}}\n`;
}
