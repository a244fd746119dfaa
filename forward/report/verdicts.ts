/**
 * The verdict about a flow to a name, and its evidence.
 *
 * @module
 */
import type { RefusalReason } from "../policy/names/reasons.ts";

/** The evidence in the first bytes of a flow. */
export interface Shown {
  readonly by: "tls" | "http" | "quic";
  /** In the form of policy/names/canonical.ts. */
  readonly name: string;
  /** Of TLS and QUIC: the protocols that it has offered by ALPN. */
  readonly alpn?: readonly string[];
  /** Of TLS and QUIC: whether a part of its ClientHello is encrypted. */
  readonly ech?: boolean;
}

/** The verdict about a flow, by its first bytes. */
export interface FlowVerdict {
  /** Null: it may pass. */
  readonly refusal: RefusalReason | null;
  /** Null: it has shown no name. */
  readonly shown: Shown | null;
}
