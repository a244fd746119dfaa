/**
 * The keys of the audit's lines, for `help audit` and for the JSON schema that is part of each release.
 *
 * @module
 */
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { AuditLine } from "./audit_line.ts";

/** The name of the schema's file in a release. */
export const AUDIT_SCHEMA_FILE = "audit-1.schema.json";

/** The reasons of refusals, with their meaning. */
export const REASON_TEXTS: Readonly<Record<RefusalReason, string>> = {
  no_rule: "no rule allows it",
  denied: "a rule, or a range of -deny, denies it",
  never_routed: "the address is never routed, or the name leads to such",
  host_network: "the address is in the host's own networks, or the name leads there",
  stale_address: "the address stands for no name any more",
  name_mismatch: "the flow has shown another name",
  no_name: "the flow has shown no name, or hides it (ECH)",
  not_tls: "the flow is not TLS, and must be",
  not_http: "the flow is not HTTP/1, and must be",
  malformed: "what the flow begins with breaks its protocol, or can be read in two ways",
  too_late: "the flow has not shown its name within 10 seconds",
  too_long: "the flow has not shown its name within 32 KiB, or QUIC within 4 datagrams",
  limit: "a limit is reached: of new names a minute, of names, of held bytes",
};

/** The kinds of lines. */
export const KIND_TEXTS = {
  dns: "a DNS question was answered",
  open: "a flow is open; one that must show a name has shown it",
  end: "a flow has ended",
  revoked: "new rules have ended a flow",
  deny: "a flow, a ping or a question was refused",
  policy: "the rules were replaced",
  skipped: "lines about questions and refusals were left out: there were more than 1,000 in a second",
} as const satisfies Readonly<Record<AuditLine["kind"], string>>;

/** A key of lines. */
export interface KeyRow {
  readonly key: string;
  readonly type: "string" | "integer" | "object";
  readonly nullable?: true;
  /** The kinds of lines that may have it. */
  readonly kinds: readonly AuditLine["kind"][];
  readonly what: string;
}

const FLOWS = ["open", "end", "revoked"] as const;

/** All keys but `time` and `kind`, in their order. */
export const KEYS: readonly KeyRow[] = [
  { key: "flow", type: "string", kinds: [...FLOWS, "deny"], what: "the flow's identifier, a ULID" },
  {
    key: "generation",
    type: "integer",
    kinds: [...FLOWS, "policy"],
    what: "1, and one more each time that the rules are replaced",
  },
  { key: "network", type: "string", kinds: [...FLOWS, "deny"], what: "`tcp`, `udp`; of refusals also `icmp`, `dns`" },
  { key: "way", type: "string", kinds: FLOWS, what: "`routed`, `remote-fwd` or `local-fwd`" },
  { key: "guest", type: "string", nullable: true, kinds: [...FLOWS, "deny", "dns"], what: "the guest's end" },
  { key: "name", type: "string", nullable: true, kinds: [...FLOWS, "deny", "dns"], what: "the name that it is for" },
  { key: "type", type: "string", kinds: ["dns", "deny"], what: "of a question: the record type" },
  { key: "port", type: "integer", kinds: FLOWS, what: "the port that was connected to" },
  { key: "own", type: "string", nullable: true, kinds: FLOWS, what: "the name's address in the guest" },
  { key: "rule", type: "string", nullable: true, kinds: [...FLOWS, "deny"], what: "the rule that allows it" },
  { key: "peer", type: "string", kinds: FLOWS, what: "the other end on the host's network" },
  { key: "to", type: "string", kinds: ["deny"], what: "of a flow: the address and port that the guest asked for" },
  {
    key: "shown",
    type: "object",
    nullable: true,
    kinds: [...FLOWS, "deny"],
    what: "what the flow has shown: `by` (`tls`, `http`, `quic`), `name`; of TLS and QUIC also `alpn`, `ech`",
  },
  { key: "reason", type: "string", kinds: ["deny"], what: "why it was refused" },
  {
    key: "bytes_out",
    type: "integer",
    nullable: true,
    kinds: ["end", "revoked"],
    what: "payload of the side that opened it",
  },
  { key: "bytes_in", type: "integer", nullable: true, kinds: ["end", "revoked"], what: "payload to that side" },
  { key: "ms", type: "integer", kinds: ["end", "revoked"], what: "how long it was open" },
  {
    key: "outcome",
    type: "string",
    kinds: ["end", "revoked"],
    what: "how it ended, as in the metrics: `ok`, `reset`, ...",
  },
  { key: "rules", type: "integer", kinds: ["policy"], what: "how many rules about names there are" },
  { key: "count", type: "integer", kinds: ["skipped"], what: "how many lines were left out" },
];

/** The schema (JSON Schema, draft 2020-12) of one line. */
export function auditSchema(): Record<string, unknown> {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A line of slirpnetstack's audit",
    type: "object",
    required: ["time", "kind"],
    oneOf: Object.entries(KIND_TEXTS).map(([kind, description]) => ({
      description,
      properties: {
        time: { type: "string", format: "date-time" },
        kind: { const: kind },
        ...Object.fromEntries(KEYS.filter(({ kinds }) => kinds.some((one) => one === kind)).map(keySchema)),
      },
      additionalProperties: false,
    })),
  };
}

function keySchema({ key, type, nullable, what: description }: KeyRow): readonly [string, Record<string, unknown>] {
  if (key === "reason") return [key, { description, enum: Object.keys(REASON_TEXTS) }];
  return [key, { description, type: nullable === true ? [type, "null"] : type }];
}
