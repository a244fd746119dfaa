/** The steps of .ci/run: where they run, what it counts, and how it ends, with a fake Deno that reports its calls. */
import { check, run } from "../../scripts/lab/process.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { commandBlocks } from "../e2e/bed/pages.ts";
import { isInstalled, needs } from "../e2e/bed/installed.ts";

/**
 * `npx --yes deno@VERSION ...`: $DEMO, $TEST, ... are what that step prints, with its status as the last word;
 * $TEST_REPORT and $EXECUTABLE_REPORT are what it writes as its JUnit report. What reads the reports is run.
 */
const NPX = `#!/bin/bash
here=\${0%/*}
line="npx $*"
shift 2
terminal=no
[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && terminal=yes
{
  echo "$line"
  echo "  in $PWD home $HOME terminal $terminal"
  echo "  ignored signals $(sed -n 's/^SigIgn:\\s*//p' /proc/$$/status)"
  echo "  caches [$(ls -A "$HOME")] \${NO_COLOR-unset} \${CI-unset} \${DENO_DIR-unset} \${MINE-unset}"
} >> "$here/calls"
case "$*" in
  *scripts/common/junit.ts*) exec "$DENO" "$@";;
  "task demo") said=\${DEMO:-shown 0};;
  "task test")
    mkdir -p bin/test-reports
    [ -z "$TEST_REPORT" ] || echo "$TEST_REPORT" > bin/test-reports/group.xml
    said=\${TEST:-tested 0};;
  "task compile") said=\${COMPILE:-made 0};;
  "test -A "*)
    report=$(printf '%s\\n' "$@" | sed -n 's/^--junit-path=//p')
    [ -z "$EXECUTABLE_REPORT" ] || echo "$EXECUTABLE_REPORT" > "$report"
    said=\${EXECUTABLE:-tested 0};;
  *) said=\${OTHER:-done 0};;
esac
printf '%s\\n' "\${said% *}"
exit "\${said##* }"
`;

/** A report of that many tests. */
function report(passed: number, failed = 0, ignored = 0): string {
  const cases = (count: number, result: string) =>
    Array.from({ length: count }, (_, i) => `<testcase name="${result}${i}">${result}</testcase>`).join("");
  return `<testsuite name="x">${cases(passed, "")}${cases(failed, "<failure/>")}${
    cases(ignored, "<skipped/>")
  }</testsuite>`;
}

const UNREACHABLE = "error sending request for url (https://dl.deno.land/release/x.zip): 1";

/** The output of steps without a fault: 12 tests of the README's command, and 30 of the executable. */
const WELL = { TEST_REPORT: report(12, 0, 1), EXECUTABLE_REPORT: report(30) };

interface Outcome {
  readonly last: string;
  readonly code: number;
  readonly stdout: string;
  /** The command lines that it had npx run, each with the lines that say where. */
  readonly calls: Map<string, string>;
  /** The folder of the checkout. */
  readonly checkout: string;
}

/** Runs it in a checkout of its own. */
async function ci(env: Record<string, string>, { withTool = false, readme = "" } = {}): Promise<Outcome> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-ci-" });
  try {
    const write = async (path: string, text: string) => {
      await Deno.mkdir(`${directory}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${directory}/${path}`, text, { mode: 0o755 });
    };
    for (const path of [".ci/run", "scripts/common/junit.ts", "README.md"]) {
      await write(`project/${path}`, await Deno.readTextFile(PROJECT + path));
    }
    if (readme !== "") await write("project/README.md", readme);
    await write("bin/npx", NPX);
    await write("home/old-cache", "");
    if (withTool) await write("shared/tools/deno-with-denort", '#!/bin/sh\nexec npx --yes deno "$@"\n');
    const checkout = `${directory}/project`;
    const git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", checkout];
    for (const words of [["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "x"]]) {
      await check([...git, ...words]);
    }
    const PATH = `${directory}/bin:${Deno.env.get("PATH")}`, HOME = `${directory}/home`;
    const surroundings = { PATH, HOME, DENO: Deno.execPath(), NO_COLOR: "1", CI: "true", DENO_DIR: HOME, MINE: "mine" };
    const { stdout, code } = await run(["sh", "-c", 'trap "" INT; exec bash "$0"', `${checkout}/.ci/run`], {
      env: { ...surroundings, ...env },
    });
    const said = await Deno.readTextFile(`${directory}/bin/calls`).catch(() => "");
    const calls = new Map([...said.matchAll(/^(npx .*)\n((?: {2}.*\n)*)/gm)].map(([, line, where]) => [line!, where!]));
    return { last: stdout.trimEnd().split("\n").at(-1)!, code, stdout, calls, checkout };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `${name}${needs("script")}${needs("git")}`,
    ignore: !isInstalled("script") || !isInstalled("git"),
    fn,
  });
}

/** Compares its last line and its status. */
async function endsWith(
  expected: string,
  status: number,
  env: Record<string, string>,
  withTool = false,
): Promise<void> {
  const { last, code, stdout } = await ci({ ...WELL, ...env }, { withTool });
  assertEquals(last, expected, stdout);
  assertEquals(code, status, stdout);
}

test("CI adds up the reports of the tests, and of those with the executable", async () => {
  await endsWith("42 passed, 0 failed, 1 skipped", 0, {});
  await endsWith("42 passed, 0 failed, 1 skipped", 0, {}, true);
  await endsWith("40 passed, 2 failed", 1, { TEST: "FAILED 1", TEST_REPORT: report(10, 2) });
  await endsWith("31 passed, 1 failed, 1 skipped", 1, { EXECUTABLE: "FAILED 1", EXECUTABLE_REPORT: report(19, 1) });
});

test("CI fails when a step does, and when tests end without a report", async () => {
  await endsWith("42 passed, 0 failed, 1 skipped", 1, { OTHER: "no 1" });
  await endsWith("42 passed, 0 failed, 1 skipped", 1, { DEMO: "broken 1" });
  await endsWith("42 passed, 0 failed, 1 skipped", 1, { TEST: "cannot clean up 1" });
  await endsWith("30 passed, 1 failed", 1, { TEST: "panicked 101", TEST_REPORT: "" });
  await endsWith("30 passed, 1 failed", 1, { TEST_REPORT: "" });
  await endsWith("12 passed, 1 failed, 1 skipped", 1, { EXECUTABLE: "panicked 101", EXECUTABLE_REPORT: "" });
});

test("CI: an executable that can't be compiled is a failure, but not for want of Deno's download site", async () => {
  await endsWith("12 passed, 1 failed, 1 skipped", 1, { COMPILE: "type error 1" });
  await endsWith("12 passed, 0 failed, 2 skipped", 0, { COMPILE: UNREACHABLE });
});

test("CI runs the README's commands in a fresh clone, with a fresh home, on a terminal, and each test once", async () => {
  const { calls, checkout, code, stdout } = await ci(WELL);
  assertEquals(code, 0, stdout);
  const commands = commandBlocks().get("slirpnetstack")![0].trim().split("\n");
  assertEquals(commands.length, 2);
  for (const command of commands) {
    const where = calls.get(command);
    assert(where !== undefined, `${command} was not run`);
    assert(!where.includes(` in ${checkout} `), where);
    assertMatch(where, / in \S+\/slirpnetstack home \S+\/home terminal yes\n/);
    assertMatch(where, / unset unset unset mine\n/);
    assertMatch(where, / ignored signals [0-9a-f]{15}[014589cd]\n/); // not SIGINT, bit 1
  }
  assertStringIncludes(calls.get(commands[0])!, "caches []");
  const lines = [...calls.keys()];
  assertEquals(lines.filter((line) => line.endsWith(" task test")), [commands[1]]);
  assert(!lines.some((line) => line.includes("scripts/setup.ts")), "the commands bring what they need");
});

test("CI fails where the README has not the two commands at its start", async () => {
  for (const block of ["deno task demo\n", "npx deno task demo\nnpx deno task tests\n"]) {
    const { last, code, stdout } = await ci(WELL, { readme: `# x\n\n\`\`\`sh\n${block}\`\`\`\n` });
    assertEquals(last, "0 passed, 1 failed", stdout);
    assertEquals(code, 1);
  }
});
