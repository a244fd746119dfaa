/**
 * A guard stands between the guest's side of a connection and its {@linkcode Splice} until the connection has shown a name.
 * Without rules about names, connections have no guard.
 *
 *     SYN → dial → SYN-ACK → guard → splice
 *
 * @module
 */
import type { TcpFlow, TcpHandler } from "../../stack/tcp/flow.ts";
import type { NameDemand } from "../policy/names/demand.ts";
import type { FlowVerdict } from "../report/verdicts.ts";
import type { Splice } from "./splice.ts";

/** Guards one connection. It must be the handler of the guest's side. */
export interface Guard extends TcpHandler {
  /** The guest's side is accepted. */
  start(flow: TcpFlow): void;
  /** Resets the guest's side, unless the splice has taken it over. */
  reset(): void;
  /** The splice has ended. */
  spliceEnded(): void;
  /** Whether the refusal is still being sent to the guest. */
  readonly isParting: boolean;
}

/** The demand on a connection, and the calls about its verdict. */
export interface Guarding {
  readonly gate: Gate;
  readonly demand: NameDemand;
  /** The rule that would allow the connection whatever it shows. */
  readonly rawRule: string;
  /** Called with the verdict. With HTTP, a refusal may follow. */
  readonly judged: (verdict: FlowVerdict) => void;
}

/** The options of a {@linkcode Guard}. */
export interface GuardedConnection extends Omit<Guarding, "gate"> {
  /** Not started; the guard starts it, or aborts it. */
  readonly splice: Splice;
  /** Called when the refusal has been sent to the guest. */
  readonly parted: () => void;
}

/** Makes guards. */
export interface Gate {
  guard(connection: GuardedConnection): Guard;
}
