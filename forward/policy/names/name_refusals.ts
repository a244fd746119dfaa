/**
 * Reports the refusals of names, each once, and keeps them for the list at the end of `run`. Their number is bounded: a
 * guest can ask for any number of names.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import type { RefusalReason } from "./reasons.ts";

/** The kind of a refusal: a question for a name, or a flow to it. */
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
  /** Whether it was let through all the same, by `-observe`. */
  readonly isPassed: boolean;
  /** The rule that would allow it; null: none would. */
  readonly remedy: string | null;
}

/** The most different refusals that are kept and reported. */
export const MAX_NAME_REFUSALS = 256;

/** The refusals so far. */
export class NameRefusals {
  private readonly kept = new Map<string, NameRefused>();
  /** The number of all refusals by reason, including those that are not kept. */
  readonly counts: Map<RefusalReason, number> = new Map<RefusalReason, number>();

  /** @param say reports a refusal; not called again for the same one, nor for any when the table is full */
  constructor(private readonly say: (refused: NameRefused) => void) {}

  /** Records a refusal. `name`: null if it has characters that no rule can have. */
  refused(
    network: RefusedNetwork,
    name: string | null,
    port: number,
    reason: RefusalReason,
    shown: string | null = null,
  ): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
    this.keep(network, name, port, reason, shown, false);
  }

  /** Records a flow or a question that no rule allows, and that was let through. */
  passed(network: RefusedNetwork, name: string, port: number): void {
    this.keep(network, name, port, "no_rule", null, true);
  }

  private keep(
    network: RefusedNetwork,
    name: string | null,
    port: number,
    reason: RefusalReason,
    shown: string | null,
    isPassed: boolean,
  ): void {
    if (name === null || this.kept.size >= MAX_NAME_REFUSALS) return;
    const key = `${network} ${name} ${port} ${reason} ${shown}`;
    if (this.kept.has(key)) return;
    const remedy = reason === "no_rule" ? ruleFor(network, name, port) : null;
    const refused = { network, name, port, reason, shown, isPassed, remedy };
    this.kept.set(key, refused);
    this.say(refused);
  }

  /** Records an address that was refused because no rule allows it. The policy for addresses has reported it. */
  refusedAddress(network: "tcp" | "udp", to: Endpoint): void {
    const name = formatEndpoint(to), key = `${network} ${name}`;
    if (this.kept.size >= MAX_NAME_REFUSALS || this.kept.has(key)) return;
    const remedy = network === "udp" ? `udp://${name}` : name;
    this.kept.set(key, { network, name, port: to.port, reason: "no_rule", shown: null, isPassed: false, remedy });
  }

  /** The refusals that no rule would have avoided. */
  get others(): readonly NameRefused[] {
    return [...this.kept.values()].filter(({ remedy }) => remedy === null);
  }

  /** The rules that would have allowed the refusals without a rule, sorted. */
  get rules(): readonly string[] {
    const remedies = [...this.kept.values()].map(({ remedy }) => remedy).filter((remedy) => remedy !== null);
    return [...new Set(remedies)].sort();
  }
}

/** The rule that would allow a flow or a question. */
export function ruleFor(network: RefusedNetwork, name: string, port: number): string {
  if (port === 0 || port === 443) return name;
  return network === "udp" ? `udp://${name}:${port}` : `${name}:${port}`;
}
