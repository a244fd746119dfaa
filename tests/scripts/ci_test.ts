/** What .ci/run counts, and how it ends, with a Deno that only says what it would. */
import { run } from "../../scripts/lab/process.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { assert, assertEquals } from "../assert.ts";
import { commandBlocks } from "../e2e/readme.ts";

/** `npx --yes deno@VERSION ...`: each environment variable is what that step prints before it ends with its last word. */
const NPX = `#!/bin/sh
echo "npx $*" >> "\${0%/*}/calls"
shift 2
case "$*" in
  "task demo") said=\${DEMO:-shown 0};;
  "task test") said=$TEST;;
  "task compile") said=$COMPILE;;
  "test -A "*) said="$EXECUTABLE";;
  *) said=\${OTHER:-0};;
esac
printf '%s\\n' "\${said% *}"
exit "\${said##* }"
`;

const PASS = "ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s) 0";
const UNREACHABLE = "error sending request for url (https://dl.deno.land/release/x.zip): 1";

/** Its last line, and its status. */
async function ci(env: Record<string, string>, withTool = false): Promise<[string, number]> {
  const { last, code } = await runCi(env, withTool);
  return [last, code];
}

/** Runs it in a folder of its own; `calls` are what it had npx run. */
async function runCi(
  env: Record<string, string>,
  withTool = false,
): Promise<{ last: string; code: number; calls: string[] }> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-ci-" });
  try {
    const write = async (path: string, text: string) => {
      await Deno.mkdir(`${directory}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${directory}/${path}`, text, { mode: 0o755 });
    };
    await write("project/.ci/run", await Deno.readTextFile(`${PROJECT}.ci/run`));
    await write("bin/npx", NPX);
    if (withTool) await write("shared/tools/deno-with-denort", '#!/bin/sh\nexec npx --yes deno "$@"\n');
    const PATH = `${directory}/bin:${Deno.env.get("PATH")}`;
    const { stdout, code } = await run(["bash", `${directory}/project/.ci/run`], { env: { ...env, PATH } });
    const calls = (await Deno.readTextFile(`${directory}/bin/calls`)).trim().split("\n");
    return { last: stdout.trimEnd().split("\n").at(-1)!, code, calls };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("CI adds up the tests, and those with the executable", async () => {
  const EXECUTABLE = "ok | 30 passed | 0 failed (9s) 0";
  assertEquals(await ci({ TEST: PASS, COMPILE: "made 0", EXECUTABLE }), ["42 passed, 0 failed, 1 skipped", 0]);
  assertEquals(await ci({ TEST: PASS, COMPILE: "made 0", EXECUTABLE }, true), ["42 passed, 0 failed, 1 skipped", 0]);
  const TEST = "FAILED | 10 passed | 2 failed (1s) 1";
  assertEquals(await ci({ TEST, COMPILE: "made 0", EXECUTABLE }), ["40 passed, 2 failed", 1]);
});

Deno.test("CI fails when a step does, and when the tests end without a summary", async () => {
  const EXECUTABLE = "ok | 30 passed | 0 failed (9s) 0";
  assertEquals(await ci({ TEST: PASS, COMPILE: "made 0", EXECUTABLE, OTHER: "no 1" }), [
    "42 passed, 0 failed, 1 skipped",
    1,
  ]);
  assertEquals(await ci({ TEST: "panicked 101", COMPILE: "made 0", EXECUTABLE }), ["30 passed, 1 failed", 1]);
  assertEquals(await ci({ TEST: PASS, COMPILE: "made 0", EXECUTABLE: "panicked 101" }), [
    "12 passed, 1 failed, 1 skipped",
    1,
  ]);
});

Deno.test("CI runs the README's first command before it installs any tools, and fails when that does", async () => {
  const rest = { TEST: PASS, COMPILE: "made 0", EXECUTABLE: PASS };
  const { calls, code } = await runCi(rest);
  const first = commandBlocks().get("slirpnetstack")![0]!.split("\n")[0]!;
  const [demo, tools] = [calls.indexOf(first), calls.findIndex((call) => call.includes("scripts/setup.ts"))];
  assert(0 <= demo && demo < tools, calls.join("\n"));
  assertEquals(code, 0);
  assertEquals(await ci({ ...rest, DEMO: "broken 1" }), ["24 passed, 0 failed, 2 skipped", 1]);
});

Deno.test("CI: an executable that can't be compiled is a failure, but not for want of Deno's download site", async () => {
  assertEquals(await ci({ TEST: PASS, COMPILE: "type error 1" }), ["12 passed, 1 failed, 1 skipped", 1]);
  assertEquals(await ci({ TEST: PASS, COMPILE: UNREACHABLE }), ["12 passed, 0 failed, 2 skipped", 0]);
});
