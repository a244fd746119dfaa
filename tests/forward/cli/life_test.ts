import { ExitStatus } from "../../../forward/report/contract_lines.ts";
import { Life } from "../../../forward/cli/life.ts";
import { Output } from "../../../forward/report/output.ts";
import { StartFailed } from "../../../forward/report/start_failed.ts";
import { assertEquals, assertMatch, assertThrows } from "../../assert.ts";

/** In place of the process's end. */
class Ended extends Error {
  constructor(readonly status: number) {
    super(`status ${status}`);
  }
}

/** A life, what it says on stderr, and what is undone. */
function make() {
  const written: string[] = [];
  const undone: string[] = [];
  const output = () =>
    new Output({ writeSync: (bytes) => written.push(new TextDecoder().decode(bytes)) && bytes.length });
  const exit = (status: number): never => {
    throw new Ended(status);
  };
  const life = new Life({ stdout: output(), stderr: output(), exit });
  life.cleanups.push(() => undone.push("first"), () => undone.push("last"));
  return { life, written, undone };
}

/** The status that a life ends with, which does this. */
async function statusOf(life: Life, work: () => Promise<void>): Promise<number | null> {
  try {
    await life.live(work);
    return null;
  } catch (error) {
    if (error instanceof Ended) return error.status;
    throw error;
  }
}

Deno.test("a start that fails: its line, its status, and the cleanups", async () => {
  const { life, written, undone } = make();
  const status = await statusOf(life, () => Promise.reject(new StartFailed(253, "[!] No device")));
  assertEquals(status, 253, "status");
  assertEquals(written, ["[!] No device\n"], "stderr");
  assertEquals(undone, ["last", "first"], "cleanups");
});

Deno.test("any other error before the start is over ends it with status 1", async () => {
  const works: (() => Promise<void>)[] = [
    () => Promise.reject(new Error("a fault")),
    () => {
      throw new Error("a fault");
    },
    () => Promise.reject("a fault"),
  ];
  for (const work of works) {
    const { life, written, undone } = make();
    assertEquals(await statusOf(life, work), ExitStatus.FAILURE, "status");
    assertEquals(undone, ["last", "first"], "cleanups");
    assertMatch(written.join(""), /^\[!\] Internal error: (Error: )?a fault\n/);
  }
});

Deno.test("an unhandled error ends a start, but not a program that serves", () => {
  const { life, written, undone } = make();
  const ended = assertThrows(() => life.stray(new StartFailed(247, "[!] No port")), Ended);
  assertEquals(ended.status, 247, "status");
  assertEquals(written, ["[!] No port\n"], "stderr");
  assertEquals(undone, ["last", "first"], "cleanups");
  const other = make();
  other.life.started();
  other.life.stray(new Error("about one connection"));
  assertEquals(other.undone, []);
  assertMatch(other.written.join(""), /^\[!\] Internal error: Error: about one connection\n/);
});

Deno.test("a cleanup that fails does not keep the others from being called", () => {
  const { life, written, undone } = make();
  life.cleanups.push(() => {
    throw new Error("it is stuck");
  });
  const ended = assertThrows(() => life.end(0), Ended);
  assertEquals(ended.status, 0, "status");
  assertEquals(written, ["[!] Internal error: it is stuck\n"], "stderr");
  assertEquals(undone, ["last", "first"], "cleanups");
  assertThrows(() => life.end(1), Ended); // once more: nothing is left to undo
  assertEquals(undone.length, 2);
});
