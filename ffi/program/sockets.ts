/**
 * Makes the host's sockets according to the options.
 *
 * @module
 */
import * as system from "../mod.ts";
import type { SharedOptions } from "../../forward/cli/flags/options.ts";
import { chooseHosts } from "../../forward/host_choice.ts";
import type { PingHandler } from "../../forward/icmp/pings.ts";
import * as lines from "../../forward/report/contract_lines.ts";
import type { Output } from "../../forward/report/output.ts";

/** The host's network: one for outgoing connections, with the source addresses asked for, and one for listeners. */
export function hosts(
  options: SharedOptions,
  poller: system.Polling,
  defer: (run: () => void) => void,
  spare: () => boolean,
) {
  const { sourceIpv4: source4, sourceIpv6: source6 } = options;
  const sockets = { poller, defer, spare };
  return chooseHosts(options, () => ({
    host: new system.LibcHost({ ...sockets, source4, source6 }),
    listeners: new system.LibcHost(sockets),
  }));
}

/** The sockets that send the guest's pings. */
export function pingSockets(
  options: SharedOptions,
  poller: system.Polling,
  handler: PingHandler,
  progress: Output | null,
) {
  return new system.PingSockets({
    open: system.echoSockets(poller),
    handler,
    now: () => performance.now(),
    source4: options.sourceIpv4,
    source6: options.sourceIpv6,
    maxWaiting: options.limits.pings,
    maxFlows: options.limits.pingIdentifiers,
    unavailable: (version, error) => progress?.line(lines.noPings(version, error.message)),
  });
}
