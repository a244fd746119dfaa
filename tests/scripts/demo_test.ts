/** The demo's look, and its message without root. pages_test.ts shows that it works. */
import { check, run } from "../../scripts/lab/process.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { inTerminal } from "../../scripts/lab/terminal.ts";
import { until } from "../../scripts/lab/until.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { e2e } from "../e2e/bed/bed.ts";
import { RunBed } from "../e2e/bed/run_bed.ts";

const CTRL_C = "\x03";
/** SGR of ECMA-48, without the escape character before it. */
const COLOUR = /\[\d+m/;

/** Starts the demo in a terminal, and interrupts it after its first successful step. Returns its output. */
async function glimpse(env: Record<string, string>): Promise<string> {
  const script = 'echo "pid $$"; exec "$@"';
  const demo = ["sh", "-c", script, "sh", Deno.execPath(), "run", "--cached-only", "-A", "scripts/demo.ts"];
  const shown = await check(inTerminal(["until:✓.*ms", `type:${CTRL_C}`], demo), { cwd: PROJECT, env });
  const prefix = `slirp-${/^pid (\d+)/.exec(shown)![1]}-`;
  await until("the end of its namespaces", 10_000, async () => {
    return !(await check(["ip", "netns", "list"])).includes(prefix);
  });
  return shown;
}

e2e("the demo is in colour on a terminal, unless NO_COLOR is set; interrupted, it leaves nothing", async () => {
  const [coloured, plain] = await Promise.all([glimpse({ NO_COLOR: "" }), glimpse({ NO_COLOR: "1" })]);
  assertStringIncludes(coloured, "\x1b[1mslirpnetstack\x1b[0m");
  assertStringIncludes(coloured, "\x1b[32m✓\x1b[0m A web page over IPv4");
  assertStringIncludes(plain, "✓ A web page over IPv4");
  assert(!COLOUR.test(plain), plain);
});

e2e("the demo tells a user without privileges how to run it, and nothing else", async () => {
  await using bed = await RunBed.create();
  const { code, stdout, stderr } = await run(bed.asUser([bed.deno, "task", "demo"]));
  assertEquals(code, 1, "exit status");
  assertEquals(stdout, "", "stdout");
  assertStringIncludes(stderr, `needs root. As root, or with sudo, run:\n\n    sudo ${bed.deno} task demo\n`);
  assert(!COLOUR.test(stderr), stderr);
});
