/**
 * Sets up the forwards of the command line at the start: first the local ones in their order, then the remote ones. The
 * start fails at the first one that can't be set up.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import { FIRST_DYNAMIC_PORT, freePort } from "../../stack/base/free_port.ts";
import { HostError } from "../host/host_network.ts";
import { reasonOf } from "../host/errors.ts";
import {
  bindExhausted,
  bindUnresolved,
  ExitStatus,
  type LineNetwork,
  listenFailed,
  localListen,
  remoteAccepting,
} from "../report/contract_lines.ts";
import type { LocalForward } from "./local/forward.ts";
import { lookUpEnd, LookupError } from "../names/lookup.ts";
import { Target, type TargetOptions } from "../names/target.ts";
import { formatHost, type ForwardEnd, type ForwardSpec } from "../syntax/forward_spec.ts";
import type { NameGuard } from "../policy/name_guard.ts";
import type { RemoteForwards } from "./remote/table.ts";
import { StartFailed } from "../report/start_failed.ts";
import { portAdvice } from "../host/unprivileged_port.ts";

/** Listens on the host for a forward. Returns the address and port. Throws a HostError. */
export interface LocalListeners {
  listen(forward: LocalForward): Endpoint;
}

/** The options of {@linkcode setUpForwards}. */
export interface SetupOptions extends Omit<TargetOptions, "check"> {
  readonly localTcp: LocalListeners;
  readonly localUdp: LocalListeners;
  readonly remoteTcp: RemoteForwards;
  readonly remoteUdp: RemoteForwards;
  /** Checks the addresses that the targets of remote forwards resolve to. */
  readonly guard: Pick<NameGuard, "check">;
  /** The first port that every user may listen on; asked of the system unless given. */
  readonly unprivilegedPortStart?: () => number;
  /** Prints a line about a forward that is set up. */
  readonly line: (text: string) => void;
}

/** Sets the forwards up. Rejects with a {@linkcode StartFailed}; those that are set up by then stay. */
export async function setUpForwards(
  local: readonly ForwardSpec[],
  remote: readonly ForwardSpec[],
  options: SetupOptions,
): Promise<void> {
  for (const spec of local) await setUpLocal(spec, options);
  for (const spec of remote) await setUpRemote(spec, options);
}

async function setUpLocal(spec: ForwardSpec, options: SetupOptions): Promise<void> {
  const { network, oneAnswer, proxyProtocol } = spec;
  let { port } = spec.bind;
  try {
    const bind = await lookUpEnd(spec.bind, options.names, options.random);
    port = bind.port;
    const target = new Target(spec.target, options);
    const listeners = network === "tcp" ? options.localTcp : options.localUdp;
    const listener = listeners.listen({ bind, target, oneAnswer, proxyProtocol });
    options.line(localListen(network, listener, proxyProtocol));
  } catch (cause) {
    if (!(cause instanceof LookupError) && !(cause instanceof HostError)) throw cause;
    const advice = portAdvice(cause, port, options.unprivilegedPortStart);
    const line = listenFailed(network, written(spec.bind), reasonOf(cause) + advice);
    throw new StartFailed(ExitStatus.LOCAL_FORWARD, line, { cause });
  }
}

async function setUpRemote(spec: ForwardSpec, options: SetupOptions): Promise<void> {
  const { network, oneAnswer } = spec;
  const forwards = network === "tcp" ? options.remoteTcp : options.remoteUdp;
  let bind: Endpoint;
  try {
    bind = await lookUpEnd(spec.bind, options.names, options.random);
  } catch (cause) {
    if (!(cause instanceof LookupError)) throw cause;
    throw new StartFailed(ExitStatus.REMOTE_FORWARD, bindUnresolved(network, cause.message), { cause });
  }
  if (bind.port === 0) bind = withFreePort(network, bind, forwards, options.random);
  const { host } = spec.target;
  const check = (answer: Endpoint) => options.guard.check(network, host, answer);
  const target = new Target({ host, port: spec.target.port || bind.port }, { ...options, check });
  forwards.add({ bind, target, oneAnswer });
  options.line(remoteAccepting(network, bind));
}

/** Replaces port 0 by a free port, as the host does. Throws a {@linkcode StartFailed} if there is none. */
function withFreePort(
  network: LineNetwork,
  { address }: Endpoint,
  forwards: RemoteForwards,
  random: () => number,
): Endpoint {
  const start = Math.floor(random() * 2 ** 32);
  const port = freePort(FIRST_DYNAMIC_PORT, start, (port) => forwards.has({ address, port }));
  if (port !== null) return { address, port };
  throw new StartFailed(ExitStatus.REMOTE_FORWARD, bindExhausted(network, address));
}

function written({ host, port }: ForwardEnd): string {
  return host.kind === "address" ? formatEndpoint({ address: host.address, port }) : `${formatHost(host)}:${port}`;
}
