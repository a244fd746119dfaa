import { readReport } from "../../scripts/common/junit.ts";
import { run } from "../../scripts/lab/process.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { inTerminal } from "../../scripts/lab/terminal.ts";
import { groups, ignoredLines, summary } from "../../scripts/run_tests.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";

Deno.test("the summary has the form of deno test's", () => {
  assertEquals(summary({ passed: 5, failed: 0, ignored: 0 }, 61), "ok | 5 passed | 0 failed (1m1s)");
  assertEquals(summary({ passed: 5, failed: 0, ignored: 1 }, 125.4), "ok | 5 passed | 0 failed | 1 ignored (2m5s)");
  assertEquals(
    summary({ passed: 1, failed: 2, ignored: 3 }, 119.9),
    "FAILED | 1 passed | 2 failed | 3 ignored (1m59s)",
  );
});

Deno.test("tests that were ignored are counted by their reasons", () => {
  const reasons = new Map([["needs root", 312], ["needs zsh", 1]]);
  assertEquals(ignoredLines({ passed: 1, failed: 0, ignored: 313, reasons }), [
    "312 tests were ignored: needs root",
    "1 test was ignored: needs zsh",
  ]);
});

Deno.test("each file of tests is in one group", () => {
  const { alone, shared } = groups();
  const root = new URL("..", import.meta.url).pathname;
  const all: string[] = [];
  const walk = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(`${root}${folder}`)) {
      if (isDirectory) walk(`${folder}${name}/`);
      else if (name.endsWith("_test.ts")) all.push(`${folder}${name}`);
    }
  };
  walk("");
  assert(all.length > 50);
  const groupsOf = (file: string) => [...alone, ...shared].filter((group) => `${file}/`.startsWith(`${group}/`));
  for (const file of all) assertEquals(groupsOf(file).length, 1, file);
});

/** Runs this text as a group, and prints its result after the group's output. */
const RUN_GROUP = `
  const { runGroup } = await import(Deno.args[0]);
  const { passed, failed, ignored, reasons } = await runGroup(Deno.args[1], "a group", Deno.args[2]);
  console.log("counted " + JSON.stringify([passed, failed, ignored, [...reasons]]));`;

/** The result of a group with that text, and of its report afterwards. */
async function group(text: string, env: string[], terminal: boolean): Promise<{ shown: string; reported: number[] }> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-group-", dir: "/tmp" });
  try {
    const [script, test] = [`${directory}/run.ts`, `${directory}/some_test.ts`];
    const reports = `${directory}/reports`;
    await Deno.mkdir(reports);
    await Deno.writeTextFile(script, RUN_GROUP);
    await Deno.writeTextFile(test, text);
    const words = ["run", "-A", "--no-check", script, `${PROJECT}scripts/run_tests.ts`, test, `${reports}/group.xml`];
    const command = ["env", ...env, Deno.execPath(), ...words];
    const { stdout, stderr } = await run(terminal ? inTerminal([], command) : command, { cwd: directory });
    const shown = stdout + stderr;
    const reported = [0, 0, 0];
    for (const { name } of Deno.readDirSync(reports)) {
      const { passed, failed, ignored } = readReport(await Deno.readTextFile(`${reports}/${name}`));
      [passed, failed, ignored].forEach((count, i) => reported[i] += count);
    }
    return { shown, reported };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const MIXED = `
  Deno.test("passes", () => {});
  Deno.test("also passes", () => {});
  Deno.test({ name: "is left out (ignored: needs root)", ignore: true, fn() {} });
  Deno.test("fails", () => { throw new Error("on purpose"); });`;

/** Neither of these is set. */
const NO_CHOICE = ["-u", "NO_COLOR", "-u", "CI"];

Deno.test("a group is counted on a terminal, where it has colours, and in a pipe, where it has none", async () => {
  const counted = 'counted [2,1,1,[["needs root",1]]]';
  const shown = await group(MIXED, NO_CHOICE, true);
  assertStringIncludes(shown.shown, counted);
  assertStringIncludes(shown.shown, "\x1b[");
  for (const [env, terminal] of [[NO_CHOICE, false], [["NO_COLOR=1"], true]] as const) {
    const plain = await group(MIXED, [...env], terminal);
    assertStringIncludes(plain.shown, counted);
    assert(!plain.shown.includes("\x1b["), plain.shown);
  }
  assertEquals(shown.reported, [2, 1, 1]);
});

Deno.test("a group that ends without a report, or with an error outside of its tests, has failed", async () => {
  const broken = await group('import "./nothing.ts";', NO_CHOICE, false);
  assertStringIncludes(broken.shown, "counted [0,1,0,[]]");
  assertEquals(broken.reported, [0, 1, 0]);
  const afterwards = await group(
    'Deno.test("passes", () => {}); addEventListener("unload", () => { throw new Error("late"); });',
    NO_CHOICE,
    false,
  );
  assertStringIncludes(afterwards.shown, "counted [1,1,0,[]]");
  assertEquals(afterwards.reported, [1, 1, 0]);
});
