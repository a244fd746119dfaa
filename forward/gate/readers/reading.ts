/**
 * The answers of the readers of a flow's first bytes.
 *
 * @module
 */

/** The reasons why first bytes of the right protocol are not accepted. */
export type Fault =
  /** They are not what the protocol's specification allows, or two readers could take them for different things. */
  | "malformed"
  /** They are valid, but don't show a name. */
  | "no_name";

/** The answer of a reader. */
export type Reading<Shown> =
  | { readonly is: "shown"; readonly shown: Shown }
  /** They may be the beginning of it. The reader needs at least `wanted` bytes in all. */
  | { readonly is: "more"; readonly wanted: number }
  /** They are of another protocol. */
  | { readonly is: "none" }
  | { readonly is: "bad"; readonly fault: Fault };

/** They are of another protocol. */
export const NONE: Reading<never> = { is: "none" };
/** See {@linkcode Fault}. */
export const MALFORMED: Reading<never> = { is: "bad", fault: "malformed" };
/** See {@linkcode Fault}. */
export const NO_NAME: Reading<never> = { is: "bad", fault: "no_name" };

/** The answer that at least that many bytes are needed in all. */
export function more(wanted: number): Reading<never> {
  return { is: "more", wanted };
}
