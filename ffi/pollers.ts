/**
 * What waits for the program's descriptors.
 *
 * @module
 */
import { Poller, type PollerOptions, type Polling } from "./poller.ts";
import { TurnPoller } from "./turn_poller.ts";

/** One of the two kinds of pollers. */
export interface Pollers {
  readonly poller: Polling;
  /** The part of it that waits in a second thread. */
  readonly thread: Poller;
  /** Puts off work to after the events that there are; null: the event loop does that. */
  readonly defer: ((run: () => void) => void) | null;
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
    return { poller, thread: poller, defer: null };
  }
  const poller = new TurnPoller({ onError });
  return { poller, thread: poller.sleeper, defer: (run) => poller.defer(run) };
}
