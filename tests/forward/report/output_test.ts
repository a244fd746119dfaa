import { MAX_WAITING, Output } from "../../../forward/report/output.ts";
import { assert, assertEquals } from "../../assert.ts";

Deno.test("Output: lines are written whole, however little a write takes", () => {
  const written: number[] = [];
  const output = new Output({
    writeSync: (bytes) => {
      written.push(bytes[0]);
      return 1;
    },
  });
  output.line("[+] ä");
  assertEquals(new TextDecoder().decode(Uint8Array.from(written)), "[+] ä\n");
});

Deno.test("Output: a reader that went away is not written to again", () => {
  let calls = 0;
  const output = new Output({
    writeSync: () => {
      calls++;
      throw new Deno.errors.BrokenPipe("nobody reads");
    },
  });
  output.line("one");
  output.line("two");
  assertEquals(calls, 1);
});

Deno.test("Output: before the program serves, a slow reader that does not block loses lines", () => {
  let full = true;
  const lines: string[] = [];
  const output = new Output({
    writeSync: (bytes) => {
      if (full) throw new Deno.errors.WouldBlock("full");
      lines.push(new TextDecoder().decode(bytes));
      return bytes.length;
    },
  });
  output.line("one");
  full = false;
  output.line("two");
  assertEquals(lines, ["two\n"]);
});

/** An output that does not wait, to a pipe that the test empties. */
function pipe(room: number) {
  const timers: { delay: number; run: () => void }[] = [];
  const state = { room, read: "", gone: false };
  const output = new Output({
    writeSync: (bytes) => {
      if (state.gone) throw new Deno.errors.BrokenPipe("nobody reads");
      if (bytes.length > 4 || state.room < 4) throw new Error("this would block");
      state.read += new TextDecoder().decode(bytes);
      state.room -= bytes.length;
      return bytes.length;
    },
  });
  output.dontWait({
    isReady: () => state.gone || state.room >= 4,
    maxWrite: 4,
    after: (delay, run) => timers.push({ delay, run }),
  });
  return { output, state, timers, fire: () => timers.shift()!.run() };
}

Deno.test("Output: lines wait in order for a slow reader, and the program does not", () => {
  const { output, state, timers, fire } = pipe(10);
  for (const line of ["one", "second", "3"]) output.line(line);
  assertEquals(state.read, "one\nseco", "read so far");
  assertEquals(timers.length, 1, "timers");
  fire();
  assertEquals(state.read, "one\nseco", "read so far, as there is no room");
  assertEquals(timers.map(({ delay }) => delay), [20], "the next attempt is later");
  state.room = 100;
  fire();
  assertEquals(state.read, "one\nsecond\n3\n", "read when there is room");
  assertEquals(timers.length, 0, "timers when all is written");
  assertEquals(output.dropped, 0, "dropped lines");
  output.line("4");
  assert(state.read.endsWith("3\n4\n"), state.read);
  assertEquals(timers.length, 0, "timers after a line that was written at once");
});

Deno.test("Output: the lines that wait for a stopped reader are bounded, and further ones are dropped whole", () => {
  const { output, state, fire } = pipe(0);
  const line = "x".repeat(1023);
  for (let i = 0; i < MAX_WAITING / 1024 + 3; i++) output.line(line);
  assertEquals(output.dropped, 3);
  state.room = 2 * MAX_WAITING;
  fire();
  assertEquals(state.read, `${line}\n`.repeat(MAX_WAITING / 1024));
});

Deno.test("Output: a reader that goes away while lines wait", () => {
  const { output, state, timers, fire } = pipe(0);
  output.line("one");
  state.gone = true;
  fire();
  output.line("two");
  output.flush();
  assertEquals(state.read, "", "read");
  assertEquals(timers.length, 0, "timers");
});
