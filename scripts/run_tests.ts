/**
 * `deno task test`: all tests, two groups of them at a time, as an end-to-end test spends most of its time on waiting.
 *
 *     deno run -A scripts/run_tests.ts [ARGUMENT...]
 *
 * A group is a file of end-to-end tests or a folder of others, and has a process of its own, whose output is shown when it
 * has ended. What measures this program beside another has the machine for itself. The last line sums up, in the form of
 * `deno test`; the status is 1 where one has failed. With arguments, it is `deno test` with these.
 *
 * @module
 */
const TESTS = new URL("../tests", import.meta.url).pathname;
/** Tests that take turns with a competitor. */
const ALONE = ["e2e/bench_test.ts"];
/** Processes at once. */
const LANES = 2;

/** What tests have come to. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** What `deno test` has counted, by the last line that says so; null: it has not come to that. */
export function countOf(output: string): Count | null {
  const summaries = [...output.matchAll(/^(?:ok|FAILED) \| (\d+) passed(?: \(.*?\))? \| (\d+) failed(.*)$/gm)];
  const last = summaries.at(-1);
  if (last === undefined) return null;
  const ignored = /\| (\d+) ignored/.exec(last[3]!)?.[1] ?? 0;
  return { passed: Number(last[1]), failed: Number(last[2]), ignored: Number(ignored) };
}

/** The line that sums up, as `deno test` has it. */
export function summary({ passed, failed, ignored }: Count, seconds: number): string {
  const rest = ignored === 0 ? "" : ` | ${ignored} ignored`;
  const time = `${Math.floor(seconds / 60)}m${Math.round(seconds % 60)}s`;
  return `${failed === 0 ? "ok" : "FAILED"} | ${passed} passed | ${failed} failed${rest} (${time})`;
}

/** The groups, by their paths below tests/: those that have the machine for themselves, and those that share it. */
export function groups(): { alone: readonly string[]; shared: readonly string[] } {
  const files = [...Deno.readDirSync(`${TESTS}/e2e`)].filter(({ name }) => name.endsWith("_test.ts"));
  const folders = [...Deno.readDirSync(TESTS)].filter(({ isDirectory, name }) => isDirectory && name !== "e2e");
  const all = [...files.map(({ name }) => `e2e/${name}`).toSorted(), ...folders.map(({ name }) => name).toSorted()];
  return { alone: ALONE, shared: all.filter((group) => !ALONE.includes(group)) };
}

/** Runs a group, shows what it says, and counts; what ends without a count has failed once. */
async function run(group: string): Promise<Count> {
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$@" 2>&1', "sh", ...command(`${TESTS}/${group}`)],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const [output, { success }] = await Promise.all([new Response(child.stdout).text(), child.status]);
  console.log(`== ${group}\n${output.trimEnd()}\n`);
  const count = countOf(output) ?? { passed: 0, failed: 1, ignored: 0 };
  return success || count.failed > 0 ? count : { ...count, failed: 1 }; // an error outside of the tests
}

/** Types are checked once for all. */
function command(...words: readonly string[]): string[] {
  return [Deno.execPath(), "test", "-A", "--no-check", ...words];
}

async function runAll(): Promise<Count> {
  const { alone, shared } = groups();
  const counts: Count[] = [];
  for (const group of alone) counts.push(await run(group));
  const waiting = shared.values();
  const lane = async () => {
    for (const group of waiting) counts.push(await run(group));
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const sum = (of: keyof Count) => counts.reduce((total, count) => total + count[of], 0);
  return { passed: sum("passed"), failed: sum("failed"), ignored: sum("ignored") };
}

async function status(words: readonly string[]): Promise<number> {
  return (await new Deno.Command(Deno.execPath(), { args: [...words] }).spawn().status).code;
}

if (import.meta.main) {
  if (Deno.args.length > 0) Deno.exit(await status(["test", "-A", ...Deno.args]));
  if (await status(["check", "--quiet"]) !== 0) Deno.exit(1);
  const start = performance.now();
  const count = await runAll();
  console.log(summary(count, (performance.now() - start) / 1000));
  if (count.failed > 0) Deno.exit(1);
}
