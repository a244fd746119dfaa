/**
 * Reports the refusals of names, each once, and keeps them for the list at the end of `run`. Their number is bounded: a
 * guest can ask for any number of names.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import type { RefusalReason } from "./reasons.ts";

/** What was refused: a question for a name, or a flow to it. */
export type RefusedNetwork = "dns" | "tcp" | "udp";

/** A refusal. */
export interface NameRefused {
  readonly network: RefusedNetwork;
  /** In canonical form, so it can't forge a line. */
  readonly name: string;
  /** 0 for a question. */
  readonly port: number;
  readonly reason: RefusalReason;
  /** The other name that a flow has shown; null: none. */
  readonly shown: string | null;
  /** The rule that would let it through; null: none would. */
  readonly remedy: string | null;
}

/** How many different refusals are kept and reported. */
export const MAX_NAME_REFUSALS = 256;

/** The refusals so far. */
export class NameRefusals {
  private readonly kept = new Map<string, NameRefused>();
  /** How many refusals there were, whether or not they are kept, by reason. */
  readonly counts: Map<RefusalReason, number> = new Map<RefusalReason, number>();

  /** @param say reports one; it is not called for one like it again, nor for any when the table is full */
  constructor(private readonly say: (refused: NameRefused) => void) {}

  /** Something was refused. `name`: null where it has characters that no rule can have. */
  refused(
    network: RefusedNetwork,
    name: string | null,
    port: number,
    reason: RefusalReason,
    shown: string | null = null,
  ): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
    if (name === null || this.kept.size >= MAX_NAME_REFUSALS) return;
    const key = `${network} ${name} ${port} ${reason} ${shown}`;
    if (this.kept.has(key)) return;
    const remedy = reason === "no_rule" ? ruleFor(network, name, port) : null;
    const refused = { network, name, port, reason, shown, remedy };
    this.kept.set(key, refused);
    this.say(refused);
  }

  /** An address was refused for want of a rule; the policy for addresses has reported it. */
  refusedAddress(network: "tcp" | "udp", to: Endpoint): void {
    const name = formatEndpoint(to), key = `${network} ${name}`;
    if (this.kept.size >= MAX_NAME_REFUSALS || this.kept.has(key)) return;
    const remedy = network === "udp" ? `udp://${name}` : name;
    this.kept.set(key, { network, name, port: to.port, reason: "no_rule", shown: null, remedy });
  }

  /** Those that had another reason than the want of a rule. */
  get others(): readonly NameRefused[] {
    return [...this.kept.values()].filter(({ remedy }) => remedy === null);
  }

  /** The rules that would have let through what was refused for want of a rule, sorted. */
  get rules(): readonly string[] {
    const remedies = [...this.kept.values()].map(({ remedy }) => remedy).filter((remedy) => remedy !== null);
    return [...new Set(remedies)].sort();
  }
}

/** The rule that would let a flow or a question through. */
function ruleFor(network: RefusedNetwork, name: string, port: number): string {
  if (port === 0 || port === 443) return name;
  return network === "udp" ? `udp://${name}:${port}` : `${name}:${port}`;
}
