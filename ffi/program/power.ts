/**
 * Gives up privileges before the program serves: `-user` and `-sandbox`.
 *
 * @module
 */
import { dirname } from "node:path";
import { confine } from "../sandbox/confine.ts";
import type { SharedOptions } from "../../forward/cli/flags/options.ts";
import type { ProgramLog } from "../../forward/log/program_log.ts";
import * as lines from "../../forward/report/contract_lines.ts";
import type { Output } from "../../forward/report/output.ts";
import { attempt } from "../../forward/report/start_failed.ts";

/**
 * Applies `-user` and `-sandbox`. Called after everything is open and before the first frame is read. Throws a
 * {@linkcode StartFailed}.
 *
 * @param signals the processes that signals will be sent to later
 */
export function giveUpPower(
  options: SharedOptions,
  signals: readonly number[],
  progress: Output | null,
  log: ProgramLog | null,
): void {
  const { user, sandbox, icmp, metrics, api, apiSocket, policy, manner } = options;
  const removable = [metrics, api].flatMap((address) => address?.kind === "unix" ? [dirname(address.path)] : []);
  const readable = policy === null ? [] : [dirname(policy)]; // a new file is renamed into the old one's place
  const listensLater = api !== null || apiSocket !== null || manner.keepsLowPorts;
  const wanted = { user, sandbox, signals, rawIcmp: icmp === "auto", listensLater, removable, readable };
  const missing = attempt(lines.ExitStatus.FAILURE, lines.privilegesKept, () => confine(wanted));
  for (const text of missing) progress?.line(lines.sandboxIncomplete(text));
  if (user !== null || sandbox) log?.info("power given up", { sandbox, uid: user?.uid ?? null, missing });
}
