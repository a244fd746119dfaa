/**
 * Starts the metrics server of `-m`.
 *
 * @module
 */
import { reasonOf } from "../host/errors.ts";
import { ExitStatus, metricsFailed, runningMetrics } from "../report/contract_lines.ts";
import type { Output } from "../report/output.ts";
import { StartFailed } from "../report/start_failed.ts";
import { portAdvice } from "../host/unprivileged_port.ts";
import type { ServiceAddress } from "../syntax/service_address.ts";
import { MetricsServer } from "./server.ts";

/**
 * Listens, and prints the address. `acceptFailed` is called when there is no descriptor for a client; the client waits.
 * Rejects with a {@linkcode StartFailed}.
 */
export async function startMetrics(
  address: ServiceAddress,
  progress: Output | null,
  acceptFailed: () => void,
): Promise<MetricsServer> {
  try {
    const server = await MetricsServer.listen(address, acceptFailed);
    progress?.line(runningMetrics(Deno.pid, server.address));
    return server;
  } catch (error) {
    const advice = address.kind === "tcp" ? portAdvice(error, address.endpoint.port) : "";
    throw new StartFailed(ExitStatus.METRICS, metricsFailed(reasonOf(error) + advice), { cause: error });
  }
}
