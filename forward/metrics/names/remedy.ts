/**
 * The flags that would let through what was refused.
 *
 * @module
 */
import { formatEndpoint } from "../../../stack/base/address.ts";
import { ruleFor } from "../../policy/names/name_refusals.ts";
import type { RefusalReason } from "../../policy/names/reasons.ts";
import type { RefusedFlow } from "../../report/decisions.ts";

/** The flag for a name; null: no rule for the name would help. `port`: 0 for a question. */
export function remedyForName(
  network: "dns" | "tcp" | "udp",
  name: string,
  port: number,
  reason: RefusalReason,
): string | null {
  if (reason === "no_rule") return `-only ${ruleFor(network, name, port)}`;
  const isOther = reason === "not_tls" || reason === "not_http" || reason === "no_name";
  return isOther ? `-only ${network}://${name}:${port}` : null; // a rule that demands no name
}

/** The flag for an address; null: no flag would help. `byRules`: whether `-only` or `-policy` is given. */
export function remedyForAddress({ network, to, reason }: Omit<RefusedFlow, "guest">, byRules: boolean): string | null {
  if (reason !== "no_rule" && reason !== "host_network" && reason !== "never_routed") return null;
  if (network === "icmp") return `-allow ${to.address}`;
  const range = `${network}://${formatEndpoint(to)}`;
  return byRules ? `-only ${range}` : `-allow ${range}`;
}
