/**
 * What stands between the guest's side of a connection and its {@linkcode Splice} until the connection has shown a name.
 * The connections of a program without rules about names have none.
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
  /** Resets the guest's side, unless the splice has it. */
  reset(): void;
  /** The splice has ended. */
  spliceEnded(): void;
  /** Whether the guest is still being told why its connection was refused. */
  readonly isParting: boolean;
}

/** What is demanded of a connection, and who is told what became of it. */
export interface Guarding {
  readonly gate: Gate;
  readonly demand: NameDemand;
  /** The rule that would let pass whatever the connection shows. */
  readonly rawRule: string;
  /** Called with the verdict. With HTTP, a refusal may follow. */
  readonly judged: (verdict: FlowVerdict) => void;
}

/** The options of a {@linkcode Guard}. */
export interface GuardedConnection extends Omit<Guarding, "gate"> {
  /** Not started; the guard starts it, or aborts it. */
  readonly splice: Splice;
  /** Called when the guest has been told why it was refused. */
  readonly parted: () => void;
}

/** Makes guards. */
export interface Gate {
  guard(connection: GuardedConnection): Guard;
}
