/**
 * Finds the targets of a flow to a name: the name's addresses by the host's name servers, judged for this flow.
 *
 * While its TTL lasts, the answer to the guest's question gives the addresses; afterwards the program asks again.
 * Addresses of the flow's own version are used; addresses of the other version only if there are none.
 *
 * @module
 */
import type { Endpoint, IpAddress, IpVersion } from "../../stack/base/address.ts";
import type { HostAnswers } from "../dns/host_answers.ts";
import { TYPE_A, TYPE_AAAA } from "../policy/names/record_types.ts";
import type { NameEntry } from "./naming.ts";
import type { RangeNetwork } from "../policy/range.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { TargetJudge } from "../policy/names/target_judge.ts";

/** The result of the search. */
export type FoundTargets =
  /** At least one. */
  | { readonly kind: "targets"; readonly targets: readonly Endpoint[] }
  /** All addresses of the name are refused. */
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly address: IpAddress }
  /** The name has no address now. */
  | { readonly kind: "none" };

/** The most addresses of a name that are tried for one connection. */
const MOST_TARGETS = 4;

/** Finds the targets of flows to names. */
export class NameTargets {
  constructor(private readonly answers: HostAnswers, private readonly judge: TargetJudge) {}

  /** Finds the targets for a flow; `done` may be called before this returns. */
  find(
    network: RangeNetwork,
    { name, pinned }: Pick<NameEntry, "name" | "pinned">,
    port: number,
    version: IpVersion,
    done: (found: FoundTargets) => void,
  ): void {
    if (pinned !== null) return done(this.judged(network, name, port, [pinned]));
    const [first, second] = version === 4 ? [TYPE_A, TYPE_AAAA] as const : [TYPE_AAAA, TYPE_A] as const;
    this.answers.find(name, first, ({ addresses }) => {
      const found = this.judged(network, name, port, addresses);
      if (found.kind !== "none") return done(found);
      this.answers.find(name, second, ({ addresses }) => done(this.judged(network, name, port, addresses)));
    });
  }

  private judged(network: RangeNetwork, name: string, port: number, addresses: readonly IpAddress[]): FoundTargets {
    const targets: Endpoint[] = [];
    let refused: FoundTargets = { kind: "none" };
    for (const address of addresses) {
      const reason = this.judge.refusal(network, name, address, port);
      if (reason === null) targets.push({ address, port });
      else refused = { kind: "refused", reason, address };
    }
    return targets.length === 0 ? refused : { kind: "targets", targets: targets.slice(0, MOST_TARGETS) };
  }
}
