/**
 * The interface through which the forwarding code reports what the policy decides, each time. The audit implements it.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { PolicyRule } from "../policy/policy.ts";

/** A question of the guest to its name server. */
export interface AskedQuestion {
  readonly guest: Endpoint | null;
  /** In the form of policy/names/canonical.ts; null: it has characters that no rule can have. */
  readonly name: string | null;
  /** The number of the record type. */
  readonly type: number;
}

/** A flow that the guest wanted and did not get. */
export interface RefusedFlow {
  readonly network: "tcp" | "udp" | "icmp";
  /** Of a ping, the port is 0, here and in `to`. */
  readonly guest: Endpoint;
  readonly to: Endpoint;
  /** The name that `to` stands for; null: none. */
  readonly name: string | null;
  readonly reason: RefusalReason;
}

/** Observes decisions. */
export interface DecisionObserver {
  /** A question was answered. */
  answered(question: AskedQuestion): void;
  /** A question was refused. */
  refusedQuestion(question: AskedQuestion, reason: RefusalReason): void;
  /** A flow was refused before it was opened. */
  refusedFlow(flow: RefusedFlow): void;
  /** The rules were replaced. */
  replaced(generation: number, rules: number): void;
  /** Whether a new flow of the guest may be opened now: what can't be recorded is not let through. */
  mayOpen(): boolean;
}

/** A decision about an address. */
export interface AddressVerdict {
  readonly allowed: boolean;
  /** The rule that has decided. */
  readonly rule?: PolicyRule;
}

/** The reason of a refusal by that rule. */
export function addressReason(rule: PolicyRule | undefined): RefusalReason {
  switch (rule) {
    case "deny":
      return "denied";
    case "static":
      return "never_routed";
    case "host":
      return "host_network";
    default:
      return "no_rule";
  }
}
