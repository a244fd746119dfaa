/**
 * What a flow to a name must show before its first byte leaves.
 *
 * @module
 */

/** What a flow must begin with: a ClientHello, HTTP/1 requests, a QUIC Initial; or whichever of these it is, if any. */
export type ShownKind = "tls" | "http" | "quic" | "any";

/** What a rule asks of a flow. A flow of a raw rule (`tcp://`, `udp://`) has none. */
export interface NameDemand {
  /** The name that the flow must show, in the form of canonical.ts. */
  readonly name: string;
  readonly shows: ShownKind;
  /** Whether a ClientHello may have an encrypted part, in which there may be another name. */
  readonly ech: boolean;
  /** The rule that asks, as it is written; for lines. */
  readonly rule: string;
}
