/**
 * A poller that calls back from the start, throws when it fails, and is closed at the end of its block.
 *
 * @module
 */
import { Poller, type PollerOptions } from "../../../ffi/poll/poller.ts";

/** Fails the test with the poller's error. */
export function onError(error: Error): void {
  throw error;
}

class TestPoller extends Poller implements AsyncDisposable {
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A poller that has begun. */
export function begunPoller(options: Partial<PollerOptions> = {}): TestPoller {
  const poller = new TestPoller({ onError, ...options });
  poller.begin();
  return poller;
}
