/**
 * The table of forwards: those of the command line, and those that are added and removed while the program serves.
 *
 *     add(side, spec) → id     bind, and print the line of the forward
 *     remove(id)               stop listening
 *     list()                   all there are, the oldest first
 *
 * When a forward is removed, its port is free at once. Open TCP connections go on. UDP flows end, because they share the
 * socket that is closed.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import { FIRST_DYNAMIC_PORT, freePort } from "../../stack/base/free_port.ts";
import type { Usage } from "../../stack/base/usage.ts";
import { HostError } from "../host/host_network.ts";
import { limitFlag } from "../limits/limits.ts";
import type { ProgramLog } from "../log/program_log.ts";
import { lookUpEnd } from "../names/lookup.ts";
import { Target, type TargetOptions } from "../names/target.ts";
import type { NameGuard } from "../policy/name_guard.ts";
import { localListen, remoteAccepting } from "../report/contract_lines.ts";
import { type ForwardSide, type ForwardSpec, networkName } from "../syntax/forward_spec.ts";
import type { LocalForward } from "./local/forward.ts";
import type { RemoteForward, RemoteForwards } from "./remote/table.ts";

/** The socket of a local forward. */
export interface LocalListener {
  readonly local: Endpoint;
  /** Stops listening. */
  close(): void;
}

/** Listens on the host for a forward. Throws a HostError. */
export interface LocalListeners {
  listen(forward: LocalForward): LocalListener;
}

/** The remote forwards for TCP or UDP. */
export interface RemoteNetwork {
  readonly forwards: RemoteForwards;
  /** Ends the flows that can't go on without the forward. */
  removed(forward: RemoteForward): void;
}

/** What a {@linkcode ForwardTable} is made of. */
export interface ForwardTableOptions extends Omit<TargetOptions, "check"> {
  readonly localTcp: LocalListeners;
  readonly localUdp: LocalListeners;
  readonly remoteTcp: RemoteNetwork;
  readonly remoteUdp: RemoteNetwork;
  /** Checks the addresses that the names of remote forwards' targets stand for. */
  readonly guard: Pick<NameGuard, "check">;
  /** Prints a line about a forward that is set up. */
  readonly line: (text: string) => void;
  readonly log: ProgramLog | null;
  /** The most forwards at once. */
  readonly limit: number;
}

/** A forward that is set up. */
export interface Forward {
  /** Counts from 1, in the order in which forwards are added; never used again. */
  readonly id: number;
  readonly side: ForwardSide;
  /** As it was asked for. */
  readonly spec: ForwardSpec;
  /** Where it listens: on the host, or in the guest's network. */
  readonly bound: Endpoint;
  /** Where it connects to. */
  readonly target: Target;
}

/** The limit of forwards is reached. */
export class TooManyForwards extends HostError {
  override name = "TooManyForwards";

  constructor(limit: number) {
    super("resources", `too many forwards: -${limitFlag("forwards")} is ${limit}`);
  }
}

/** All forwards. */
export class ForwardTable {
  private readonly forwards = new Map<number, { readonly forward: Forward; readonly close: () => void }>();
  private lastId = 0;
  /** Forwards that are being set up. */
  private pending = 0;
  private overflows = 0;

  constructor(private readonly options: ForwardTableOptions) {}

  /** How much of the limit is in use. */
  get usage(): Usage {
    return { current: this.forwards.size + this.pending, limit: this.options.limit, overflows: this.overflows };
  }

  /** Returns all forwards, the oldest first. */
  list(): Forward[] {
    return Array.from(this.forwards.values(), ({ forward }) => forward);
  }

  /**
   * Sets a forward up. Rejects with a LookupError if its bind name has no address, or with a HostError if the host can't
   * listen there, another remote forward is bound there, or the limit is reached.
   *
   * @param replaces whether it replaces a remote forward at the same address and port
   */
  async add(side: ForwardSide, spec: ForwardSpec, replaces = false): Promise<Forward> {
    const { limit, names, random } = this.options;
    if (this.forwards.size + this.pending >= limit) {
      this.overflows++;
      throw new TooManyForwards(limit);
    }
    this.pending++;
    try {
      const bind = await lookUpEnd(spec.bind, names, random);
      const forward = side === "local" ? this.listen(spec, bind) : this.accept(spec, bind, replaces);
      this.options.log?.info("forward added", () => factsOf(forward));
      return forward;
    } finally {
      this.pending--;
    }
  }

  /** Removes a forward; false: there is none with that id. */
  remove(id: number): boolean {
    const entry = this.forwards.get(id);
    if (entry === undefined) return false;
    this.forwards.delete(id);
    entry.close();
    this.options.log?.info("forward removed", () => factsOf(entry.forward));
    return true;
  }

  private listen(spec: ForwardSpec, bind: Endpoint): Forward {
    const { localTcp, localUdp, line } = this.options;
    const { network, oneAnswer, proxyProtocol, oneVersion } = spec;
    const target = new Target(spec.target, this.options);
    const listeners = network === "tcp" ? localTcp : localUdp;
    const listener = listeners.listen({ bind, target, oneAnswer, proxyProtocol, oneVersion });
    line(localListen(network, listener.local, proxyProtocol));
    return this.keep({ side: "local", spec, bound: listener.local, target }, () => listener.close());
  }

  private accept(spec: ForwardSpec, bind: Endpoint, replaces: boolean): Forward {
    const { remoteTcp, remoteUdp, guard, line, random } = this.options;
    const { network, oneAnswer } = spec;
    const remote = network === "tcp" ? remoteTcp : remoteUdp;
    const bound = bind.port === 0 ? withFreePort(bind, remote.forwards, random) : bind;
    const before = remote.forwards.at(bound);
    if (before !== null) {
      if (!replaces) throw new HostError("other", "address already in use");
      this.remove(this.list().find(({ target }) => target === before.target)?.id ?? 0);
    }
    const { host } = spec.target;
    const check = (answer: Endpoint) => guard.check(network, host, answer);
    const target = new Target({ host, port: spec.target.port || bound.port }, { ...this.options, check });
    const forward: RemoteForward = { bind: bound, target, oneAnswer };
    remote.forwards.add(forward);
    line(remoteAccepting(network, bound));
    return this.keep({ side: "remote", spec, bound, target }, () => {
      remote.forwards.delete(forward);
      remote.removed(forward);
    });
  }

  private keep(rest: Omit<Forward, "id">, close: () => void): Forward {
    const forward = { id: ++this.lastId, ...rest };
    this.forwards.set(forward.id, { forward, close });
    return forward;
  }
}

/** As on the host, port 0 stands for any free port. Throws a HostError if there is none. */
function withFreePort({ address }: Endpoint, forwards: RemoteForwards, random: () => number): Endpoint {
  const start = Math.floor(random() * 2 ** 32);
  const port = freePort(FIRST_DYNAMIC_PORT, start, (port) => forwards.at({ address, port }) !== null);
  if (port !== null) return { address, port };
  throw new HostError("resources", "no free port");
}

function factsOf({ id, side, spec, bound, target }: Forward) {
  return { id, side, network: networkName(spec), bound: formatEndpoint(bound), target: String(target) };
}
