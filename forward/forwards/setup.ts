/**
 * Sets up the forwards of the command line at the start: first the local ones in their order, then the remote ones. The
 * start fails at the first one that can't be set up. Of two remote forwards on one port the last counts.
 *
 * @module
 */
import { formatEndpoint } from "../../stack/base/address.ts";
import { reasonOf } from "../host/errors.ts";
import { HostError } from "../host/host_network.ts";
import { portAdvice, unprivilegedPortStart } from "../host/unprivileged_port.ts";
import { LookupError } from "../names/lookup.ts";
import { bindUnresolved, ExitStatus, listenFailed } from "../report/contract_lines.ts";
import { StartFailed } from "../report/start_failed.ts";
import { formatHost, type ForwardEnd, type ForwardSide, type ForwardSpec } from "../syntax/forward_spec.ts";
import type { ForwardTable } from "./table.ts";

/**
 * Sets the forwards up. Rejects with a {@linkcode StartFailed}; those that are set up by then stay.
 *
 * @param portStart returns the first port that every user may listen on
 */
export async function setUpForwards(
  local: readonly ForwardSpec[],
  remote: readonly ForwardSpec[],
  table: Pick<ForwardTable, "add">,
  portStart: () => number = unprivilegedPortStart,
): Promise<void> {
  for (const [side, specs] of [["local", local], ["remote", remote]] as const) {
    for (const spec of specs) {
      try {
        await table.add(side, spec, true);
      } catch (error) {
        throw startFailed(side, spec, error, portStart);
      }
    }
  }
}

function startFailed(side: ForwardSide, { network, bind }: ForwardSpec, error: unknown, portStart: () => number) {
  const isLookup = error instanceof LookupError;
  if (!isLookup && !(error instanceof HostError)) return error;
  const status = side === "local" ? ExitStatus.LOCAL_FORWARD : ExitStatus.REMOTE_FORWARD;
  const line = isLookup && side === "remote"
    ? bindUnresolved(network, error.message)
    : listenFailed(network, written(bind), failureText(error, bind.port, portStart));
  return new StartFailed(status, line, { cause: error });
}

/** Why a forward can't be set up, and what to do about it. */
export function failureText(error: unknown, port: number, portStart?: () => number): string {
  return reasonOf(error) + portAdvice(error, port, portStart);
}

/** The bind end or the target as it is written in a flag, after its defaults. */
export function written({ host, port }: ForwardEnd): string {
  return host.kind === "address" ? formatEndpoint({ address: host.address, port }) : `${formatHost(host)}:${port}`;
}
