/**
 * The proof that a flow to a name must show before its first byte leaves.
 *
 * @module
 */

/** The beginning that a flow must have: a ClientHello, HTTP/1 requests, a QUIC Initial; `any`: one of these, or none. */
export type ShownKind = "tls" | "http" | "quic" | "any";

/** The demand of a rule on a flow. A raw rule (`tcp://`, `udp://`) has none. */
export interface NameDemand {
  /** The name that the flow must show, in the form of canonical.ts. */
  readonly name: string;
  readonly shows: ShownKind;
  /** Whether a ClientHello may have an encrypted part, which may hold another name. */
  readonly ech: boolean;
  /** Other names that the flow may show instead, if its address stands for several. Not given: none. */
  readonly others?: readonly string[];
  /** The rule, as it is written; for lines. */
  readonly rule: string;
}

/** Whether a flow that has shown the name meets the demand. */
export function isMet(demand: NameDemand, shown: string): boolean {
  return shown === demand.name || (demand.others?.includes(shown) ?? false);
}
