/**
 * `deno task test`: all tests, in two groups at a time, because an end-to-end test mostly waits.
 *
 *     deno run -A scripts/run_tests.ts [ARGUMENT...]
 *
 * A group is a file of end-to-end tests or a folder of others. It has a process of its own, whose output is shown after
 * its end. Tests that compare this program with another run alone. With arguments, it runs `deno test` with these.
 *
 * The results are read from the JUnit reports of the groups, which stay in {@linkcode REPORTS}. The last line is a
 * summary in the form of `deno test`, and the lines before it have the numbers of ignored tests, by reason. The status
 * is 1 if a test has failed.
 *
 * @module
 */
import { type Count, failureReport, readReport, type Report, total } from "./common/junit.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const TESTS = `${ROOT}tests`;
/** The folder of the reports, one for each group. */
const REPORTS = `${ROOT}bin/test-reports`;
/** Tests that take turns with a competitor. */
const ALONE = ["e2e/documents/bench_test.ts"];
/** Processes at once. */
const LANES = 2;

/** The summary, in the form of `deno test`. */
export function summary({ passed, failed, ignored }: Count, seconds: number): string {
  const rest = ignored === 0 ? "" : ` | ${ignored} ignored`;
  const time = `${Math.floor(seconds / 60)}m${Math.floor(seconds % 60)}s`;
  return `${failed === 0 ? "ok" : "FAILED"} | ${passed} passed | ${failed} failed${rest} (${time})`;
}

/** A line for each reason why tests were ignored. */
export function ignoredLines({ reasons }: Report): string[] {
  return [...reasons].map(([reason, count]) =>
    `${count} ${count === 1 ? "test was" : "tests were"} ignored: ${reason}`
  );
}

/** The groups, by their paths below tests/: those that run alone, and those that run at the same time as others. */
export function groups(): { alone: readonly string[]; shared: readonly string[] } {
  const files = subfolders("e2e").flatMap((folder) =>
    [...Deno.readDirSync(`${TESTS}/${folder}`)].filter(({ name }) => name.endsWith("_test.ts"))
      .map(({ name }) => `${folder}/${name}`)
  );
  const all = [...files.toSorted(), ...subfolders(".").filter((folder) => folder !== "e2e").toSorted()];
  return { alone: ALONE, shared: all.filter((group) => !ALONE.includes(group)) };
}

/** The folders in a folder below tests/, by their paths. */
function subfolders(folder: string): string[] {
  const found = [...Deno.readDirSync(`${TESTS}/${folder}`)].filter(({ isDirectory }) => isDirectory);
  return found.map(({ name }) => folder === "." ? name : `${folder}/${name}`);
}

/**
 * Runs the tests at a path, and shows their output. If the process fails without a failure in the report, or leaves no
 * report, that counts as one failed test, which is added to the report.
 *
 * @param path a file or folder
 * @param name the group's name in the output
 * @param report the path of the report to write
 */
export async function runGroup(path: string, name: string, report: string): Promise<Report> {
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$@" 2>&1', "sh", Deno.execPath(), ...words(path, report)],
    // Deno prints colours even into a pipe
    env: Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const [output, { success, code }] = await Promise.all([new Response(child.stdout).text(), child.status]);
  console.log(`== ${name}\n${output.trimEnd()}\n`);
  const reported = await readIfThere(report);
  const results = readReport(reported ?? "");
  if (reported !== null && success === (results.failed === 0)) return results;
  const failure = failureReport(`${name}: deno test ended with status ${code}`);
  await Deno.writeTextFile(reported === null ? report : `${report}.status.xml`, failure);
  return total([results, readReport(failure)]);
}

/** The arguments of `deno test`. Types are checked once for all, which also fetches the tests' packages. */
function words(path: string, report: string): string[] {
  return ["test", "-A", "--no-check", "--cached-only", `--junit-path=${report}`, path];
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function runAll(): Promise<Report> {
  await Deno.remove(REPORTS, { recursive: true }).catch(() => {}); // there are none
  await Deno.mkdir(REPORTS, { recursive: true });
  const { alone, shared } = groups();
  const reports: Report[] = [];
  const run = async (group: string) => {
    reports.push(await runGroup(`${TESTS}/${group}`, group, `${REPORTS}/${group.replaceAll("/", "-")}.xml`));
  };
  for (const group of alone) await run(group);
  const waiting = shared.values();
  const lane = async () => {
    for (const group of waiting) await run(group);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return total(reports);
}

async function status(words: readonly string[]): Promise<number> {
  return (await new Deno.Command(Deno.execPath(), { args: [...words] }).spawn().status).code;
}

if (import.meta.main) {
  if (Deno.args.length > 0) Deno.exit(await status(["test", "-A", ...Deno.args]));
  if (await status(["check", "--quiet"]) !== 0) Deno.exit(1);
  const start = performance.now();
  const report = await runAll();
  for (const line of ignoredLines(report)) console.log(line);
  console.log(summary(report, (performance.now() - start) / 1000));
  if (report.failed > 0) Deno.exit(1);
}
