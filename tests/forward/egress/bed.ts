/**
 * Flows to names between a guest and a host that the test plays.
 *
 * @module
 */
import type { HostAnswer } from "../../../forward/dns/host_answers.ts";
import type { HostAnswers } from "../../../forward/dns/host_answers.ts";
import { EgressRules } from "../../../forward/egress/egress_rules.ts";
import { OwnNaming } from "../../../forward/egress/naming.ts";
import { NameTargets } from "../../../forward/egress/name_targets.ts";
import { NameRefusals } from "../../../forward/policy/names/name_refusals.ts";
import { OwnAddresses } from "../../../forward/policy/names/own_addresses.ts";
import { type NameRule, parseRules } from "../../../forward/policy/names/rule.ts";
import { TargetJudge } from "../../../forward/policy/names/target_judge.ts";
import { Policy } from "../../../forward/policy/policy.ts";
import { parseRanges } from "../../../forward/policy/range.ts";
import { type Endpoint, formatEndpoint, IpAddress } from "../../../stack/base/address.ts";
import type { FlowObserver } from "../../../forward/report/flow_observers.ts";

/** The answers of the host's name servers: addresses by name. The test may hold them back. */
export class FakeAnswers implements Pick<HostAnswers, "find"> {
  held: (() => void)[] | null = null;

  constructor(readonly table: Record<string, string>) {}

  find(name: string, type: number, done: (answer: HostAnswer, lasts: number) => void): void {
    const answer = () => {
      const all = (this.table[name] ?? "").split(" ").filter((text) => text !== "").map(IpAddress.parse);
      const addresses = all.filter(({ version }) => version === (type === 1 ? 4 : 6));
      done({ rcode: 0, addresses, records: new Uint8Array(0), count: 0 }, 60_000);
    };
    if (this.held === null) answer();
    else this.held.push(answer);
  }
}

/** Rules for names, and a policy for addresses in which the host's networks are 192.168.0.0/16. */
export class RulesBed {
  readonly refusals: string[] = [];
  readonly rules: EgressRules;
  readonly own = new OwnAddresses(10);
  readonly naming = new OwnNaming(this.own);
  readonly answers: FakeAnswers;
  readonly targets: NameTargets;
  /** `opened|done|failed DESTINATION ENDS`. */
  readonly log: string[] = [];
  readonly observer: FlowObserver = {
    opened: (_guest, _local, remote) => this.log.push(`opened ${formatEndpoint(remote)}`),
    done: (_guest, _local, remote, ends) => this.log.push(`done ${formatEndpoint(remote)} ${ends}`),
    failed: (_guest, destination, ends) => this.log.push(`failed ${formatEndpoint(destination)} ${ends}`),
  };

  private constructor(rules: string, table: Record<string, string>, policy: Policy) {
    const refusals = new NameRefusals(({ network, name, port, reason }) =>
      this.refusals.push(`${network} ${name} ${port} ${reason}`)
    );
    this.rules = new EgressRules(parseRules(rules) as readonly NameRule[], refusals);
    this.answers = new FakeAnswers(table);
    const judge = new TargetJudge(policy, { has: (name) => name === "own.example" });
    this.targets = new NameTargets(this.answers as unknown as HostAnswers, judge);
  }

  /** `deny`: ranges. */
  static async open(rules: string, table: Record<string, string>, deny = ""): Promise<RulesBed> {
    const policy = new Policy({
      allow: [],
      deny: deny === "" ? [] : await parseRanges(deny, () => Promise.reject(new Error("a name"))),
      enableHost: false,
      enableRouting: false,
      hostNetworks: { contains: ({ bytes }) => bytes[0] === 192 && bytes[1] === 168 },
    });
    return new RulesBed(rules, table, policy);
  }

  /** Replaces the rules. */
  replace(rules: string): void {
    this.rules.replace(rules === "" ? [] : parseRules(rules) as readonly NameRule[]);
  }

  /** The own address of a name, with a port. */
  at(name: string, port: number, version: 4 | 6 = 4): Endpoint {
    const entry = this.own.claim(name)!;
    return { address: version === 4 ? entry.address4 : entry.address6, port };
  }
}
