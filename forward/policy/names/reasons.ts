/**
 * The reasons why a question or a flow to a name is refused: a closed list, for the audit and the lines.
 *
 * @module
 */

/** One of the reasons. */
export type RefusalReason =
  /** No rule allows the name, or the name at that port. */
  | "no_rule"
  /** A rule denies the name, or the address that it leads to. */
  | "denied"
  /** The name leads to an address that is never routed. */
  | "never_routed"
  /** The name leads into the host's own networks. */
  | "host_network"
  /** An own address that stands for no name any more. */
  | "stale_address"
  /** The flow shows another name than that of the rule, or none in time, or something else than it must. */
  | "name_mismatch"
  | "no_name"
  | "not_tls"
  | "not_http"
  | "malformed"
  | "too_late"
  | "too_long"
  /** Too many new names a minute, or no room for one more. */
  | "limit";
