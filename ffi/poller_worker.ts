/**
 * The poller's second thread: see poller.ts.
 *
 * @module
 */
import { EINTR } from "./errors.ts";
import { errno, libc } from "./libc.ts";
import {
  ENTRY_WORDS,
  EVENT_DATA,
  EVENT_EVENTS,
  EVENT_WORDS,
  type PollerSetup,
  RING_SIZE,
  State,
  STOP_SLOT,
  Word,
} from "./poller_shared.ts";

/** Events taken from the kernel at once. */
const BATCH = 64;

globalThis.addEventListener("message", (event) => {
  if (event instanceof MessageEvent) run(event.data);
  self.close();
});

function run(setup: PollerSetup): void {
  const c = libc();
  const words = new Int32Array(setup.memory);
  const events = new Int32Array(new ArrayBuffer(BATCH * EVENT_WORDS * 4));
  if (Atomics.compareExchange(words, Word.State, State.Starting, State.Running) !== State.Starting) return;
  while (Atomics.load(words, Word.Closing) === 0) {
    const count = c.epoll_wait(setup.epoll, events, BATCH, -1);
    if (count >= 0) {
      append(words, events, count);
      continue;
    }
    const reason = errno();
    if (reason === EINTR) continue;
    Atomics.store(words, Word.Errno, reason);
    end(words, State.Failed);
    return;
  }
  end(words, State.Stopped);
}

function append(words: Int32Array<SharedArrayBuffer>, events: Int32Array, count: number): void {
  let head = words[Word.Head]!;
  for (let i = 0; i < count; i++) {
    const from = i * EVENT_WORDS;
    const slot = events[from + EVENT_DATA]!;
    if (slot === STOP_SLOT) continue;
    waitForRoom(words, head);
    const to = Word.Ring + (head & RING_SIZE - 1) * ENTRY_WORDS;
    words[to] = slot;
    words[to + 1] = events[from + EVENT_DATA + 1]!;
    words[to + 2] = events[from + EVENT_EVENTS]!;
    head = head + 1 | 0;
    Atomics.store(words, Word.Head, head); // publishes the entry
  }
  wake(words);
}

/** More events than handles: descriptors were removed and added faster than the main thread reads the ring. */
function waitForRoom(words: Int32Array<SharedArrayBuffer>, head: number): void {
  for (;;) {
    const tail = Atomics.load(words, Word.Tail);
    if ((head - tail | 0) < RING_SIZE || Atomics.load(words, Word.Closing) !== 0) return;
    wake(words);
    Atomics.wait(words, Word.Tail, tail);
  }
}

function end(words: Int32Array<SharedArrayBuffer>, state: State): void {
  Atomics.store(words, Word.State, state);
  Atomics.notify(words, Word.State);
  wake(words);
}

function wake(words: Int32Array<SharedArrayBuffer>): void {
  Atomics.add(words, Word.Wake, 1);
  Atomics.notify(words, Word.Wake);
}
