/**
 * The lines of the audit: one JSON object each. schema.ts documents the keys.
 *
 * A guest chooses the names, the types and the first bytes of its flows. Names are in canonical form, ASCII without control
 * characters, or null; JSON escapes everything else. So a guest can't forge a line.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { Outcome } from "../report/outcomes.ts";
import type { Shown } from "../report/verdicts.ts";

/** The keys of all lines. */
interface Line {
  /** The time by the wall clock (RFC 3339, UTC, in ms). */
  readonly time: string;
  readonly kind: "dns" | "open" | "end" | "deny" | "revoked" | "policy" | "skipped";
}

/** The flow that a line is about. */
export interface FlowFacts {
  /** Its identifier, a ULID. */
  readonly flow: string;
  /** The generation of the rules when it was opened, from 1. */
  readonly generation: number;
  readonly network: "tcp" | "udp";
  /** Its origin: the guest, to any address; the guest, to a remote forward; or a client of a local forward. */
  readonly way: "routed" | "remote-fwd" | "local-fwd";
  readonly guest: string;
  /** The name and port that it is for, and the name's address in the guest; null: it was opened by address. */
  readonly name: string | null;
  readonly port: number;
  readonly own: string | null;
  /** The rule that allows it; null: a range, or the flags. */
  readonly rule: string | null;
  /** The other end on the host's network. */
  readonly peer: string;
}

/** A question that was answered. */
export interface DnsLine extends Line {
  readonly kind: "dns";
  readonly guest: string | null;
  readonly name: string | null;
  readonly type: string;
}

/** A flow that was opened. */
export interface OpenLine extends Line, FlowFacts {
  readonly kind: "open";
  /** The name and protocol that it has shown; null: no rule demanded that. */
  readonly shown: Shown | null;
}

/** A flow that has ended: by itself, or because new rules refuse it. */
export interface EndLine extends Line, FlowFacts {
  readonly kind: "end" | "revoked";
  readonly shown: Shown | null;
  /** Payload in bytes, from the side that opened the flow and to it; null: not counted. */
  readonly bytes_out: number | null;
  readonly bytes_in: number | null;
  /** How long it was open, in ms. */
  readonly ms: number;
  readonly outcome: Outcome;
}

/** A flow, a ping or a question that was refused. */
export interface DenyLine extends Line {
  readonly kind: "deny";
  /** Only of flows that were opened and then refused for their first bytes. */
  readonly flow?: string;
  readonly network: "tcp" | "udp" | "icmp" | "dns";
  readonly guest: string | null;
  readonly name: string | null;
  /** Of a question: its record type. */
  readonly type?: string;
  /** Of a flow: the address and port that the guest has asked for. */
  readonly to?: string;
  readonly shown?: Shown | null;
  readonly reason: RefusalReason;
  readonly rule: string | null;
}

/** The rules were replaced. */
export interface PolicyLine extends Line {
  readonly kind: "policy";
  readonly generation: number;
  /** The number of rules about names. */
  readonly rules: number;
}

/** Lines about questions and refusals were left out: there were too many in a second, or they could not be written. */
export interface SkippedLine extends Line {
  readonly kind: "skipped";
  readonly count: number;
}

/** A line of the audit. */
export type AuditLine = DnsLine | OpenLine | EndLine | DenyLine | PolicyLine | SkippedLine;

/** An address and port; null: not known. */
export function shownEndpoint(endpoint: Endpoint | null): string | null {
  return endpoint === null ? null : formatEndpoint(endpoint);
}
