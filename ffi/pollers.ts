/**
 * What waits for the program's descriptors.
 *
 * @module
 */
import { Poller, type PollerOptions, type Polling } from "./poller.ts";
import { pollerAnswers } from "./sandbox/second_thread.ts";
import { TurnPoller } from "./turn_poller.ts";

/** One of the two kinds of pollers. */
export interface Pollers {
  readonly poller: Polling;
  /** Puts off work to after the events that there are; null: the event loop does that. */
  readonly defer: ((run: () => void) => void) | null;
  /** Resolves when it reads no more files of the program's: before files are given up. */
  settled(): Promise<void>;
  /** Calls back from now on, if it does not already. What threads it takes for that are started by the calling one. */
  begin(): void;
}

/**
 * Starts one. Throws a SystemError.
 *
 * @param inTurns where no socket is the runtime's: it waits in the kernel and between turns of the event loop
 * @param onError told once, when no event will come any more
 */
export function startPoller(inTurns: boolean, onError: PollerOptions["onError"]): Pollers {
  if (!inTurns) {
    const poller = new Poller({ onError });
    return { poller, defer: null, settled: () => pollerAnswers(poller), begin: () => {} };
  }
  const poller = new TurnPoller({ onError });
  const settled = () => Promise.resolve();
  return { poller, defer: (run) => poller.defer(run), settled, begin: () => poller.begin() };
}
