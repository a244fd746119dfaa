/**
 * Starts egress by name from the options, and replaces the rules when the policy file is read again.
 *
 * @module
 */
import type { SharedOptions } from "../cli/flags/options.ts";
import type { ProgramLog } from "../log/program_log.ts";
import type { LocalNames } from "../names/local_names.ts";
import type { Policy } from "../policy/policy.ts";
import type { Range } from "../policy/range.ts";
import {
  nameRefused,
  nameTurned,
  passedInAll,
  policyKept,
  policyReloaded,
  policyUnwritten,
  refusedInAll,
} from "../report/contract_lines.ts";
import type { DecisionObserver } from "../report/decisions.ts";
import type { Output } from "../report/output.ts";
import { Egress } from "./egress.ts";
import { PolicyControl } from "./policy_control.ts";

/** The parts of the program that {@linkcode startEgress} uses. */
export interface EgressStart {
  readonly policy: Policy;
  /** The ranges of `-allow` and `-host-loopback`. */
  readonly allow: readonly Range[];
  readonly local: LocalNames;
  readonly now: () => number;
  /** Reads a file whole. Throws if it can't. */
  readonly read: (path: string) => string;
  /** Gets notices while the program serves; null: they are switched off. */
  readonly notices: Output | null;
  /** Gets the list of refusals at the end; null: it is switched off. */
  readonly farewell: Output | null;
  readonly log: ProgramLog | null;
  /** Records each decision; null: there is no audit. */
  readonly decisions: DecisionObserver | null;
  /** Sets a function that is called when the policy file has to be read again. Not given: it never is. */
  readonly onReload?: ((reload: () => void) => void) | undefined;
  /** Writes the file of `-learn`, and returns why that failed; null: it did not. Null: there is none. */
  readonly learn: ((text: string) => string | null) | null;
  /** Reports something that went wrong. */
  readonly problem: (line: string) => void;
  readonly cleanups: (() => void)[];
}

/** The most refusals in the list at the end, of those that no rule would prevent. */
const MAX_OTHERS = 8;

/** Egress by name, and the way to replace its rules; null: nothing can ask for that. */
export interface StartedEgress {
  readonly egress: Egress;
  readonly control: PolicyControl | null;
}

/** Starts it. */
export async function startEgress(options: SharedOptions, parts: EgressStart): Promise<StartedEgress> {
  const { notices, farewell, log } = parts;
  const egress = new Egress({
    rules: options.rules ?? { names: [], addresses: [] },
    allow: parts.allow,
    deny: options.deny,
    policy: parts.policy,
    local: parts.local,
    now: parts.now,
    names: options.names,
    leastTtl: options.dnsTtl,
    limits: options.limits,
    decisions: parts.decisions,
    observe: options.observe,
    refused: (refused) => {
      notices?.line(nameRefused(refused));
      const { network, name, port, reason } = refused;
      log?.info("refused by the policy", { network, to: port === 0 ? name : `${name}:${port}`, rule: reason });
    },
  });
  for (const { turnedFrom, name } of egress.current.names) {
    if (turnedFrom !== null) notices?.line(nameTurned(turnedFrom, name));
  }
  const { learn } = parts;
  if (learn !== null) {
    const { learnedPolicy } = await import("./learn/learned_policy.ts");
    const learned = egress.learn(options.observe);
    parts.cleanups.push(() => {
      const problem = learn(learnedPolicy(learned()));
      if (problem !== null) parts.problem(policyUnwritten(problem));
    });
  }
  if (farewell !== null) {
    parts.cleanups.push(() => {
      const { rules, others } = egress.refusals;
      if (notices === null) { for (const refused of others.slice(0, MAX_OTHERS)) farewell.line(nameRefused(refused)); }
      if (rules.length > 0) farewell.line(options.observe ? passedInAll(rules) : refusedInAll(rules));
    });
  }
  const control = options.policy === null && options.api === null ? null : await makeControl(egress, options);
  if (control !== null && options.policy !== null) {
    const path = options.policy;
    const reload = async () => await control.replace(path, parts.read(path));
    parts.onReload?.(() => {
      reload().then(
        (generation) => {
          notices?.line(policyReloaded(path, generation));
          log?.info("policy read again", { path, generation });
        },
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error);
          notices?.line(policyKept(reason));
          log?.error("policy kept", { path, reason });
        },
      );
    });
  }
  return { egress, control };
}

/** Loads all modules that rules may need later: none can be loaded once the sandbox is closed. */
async function makeControl(egress: Egress, options: SharedOptions): Promise<PolicyControl> {
  await Promise.all([import("../policy/names/presets.ts"), import("../policy/names/public_suffix.ts")]);
  const { readPolicy } = await import("../policy/file/policy_file.ts");
  return new PolicyControl(egress, options.only, readPolicy);
}
