/**
 * Reads the JUnit reports that `deno test --junit-path` writes.
 *
 *     deno run --allow-read scripts/common/junit.ts PATH...
 *
 * prints how many tests passed, failed and were ignored, according to these files and all files in these folders: three
 * numbers on one line. The status is 1 where there is no report.
 *
 * @module
 */

/** The number of tests with each result. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** The contents of a report. */
export interface Report extends Count {
  /**
   * The reasons for which tests were ignored, from their names (`... (ignored: needs root)`), with the number for each.
   */
  readonly reasons: ReadonlyMap<string, number>;
}

/** The reason for a test whose name has none. */
const NO_REASON = "no reason given";

/** Adds reports up. */
export function total(reports: readonly Report[]): Report {
  const sum = (of: keyof Count) => reports.reduce((sum, report) => sum + report[of], 0);
  const reasons = new Map<string, number>();
  for (const report of reports) {
    for (const [reason, count] of report.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  }
  return { passed: sum("passed"), failed: sum("failed"), ignored: sum("ignored"), reasons };
}

/** Reads a report. As in the summary of `deno test`, the steps of a test are not counted. */
export function readReport(xml: string): Report {
  return total([...xml.matchAll(/<testsuite [^>]*>([^]*?)<\/testsuite>/g)].map(([, cases]) => readSuite(cases!)));
}

function readSuite(xml: string): Report {
  const cases = [...xml.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g)]
    .map(([, name, result]) => ({ name: unescape(name!), result: result ?? "" }));
  const names = new Set(cases.map(({ name }) => name));
  const reasons = new Map<string, number>();
  let passed = 0, failed = 0, ignored = 0;
  for (const { name, result } of cases) {
    if (isStep(name, names)) continue;
    if (/<(?:failure|error)\b/.test(result)) failed++;
    else if (!/<skipped\b/.test(result)) passed++;
    else {
      ignored++;
      const reason = /\(ignored: ([^()]+)\)$/.exec(name)?.[1] ?? NO_REASON;
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  }
  return { passed, failed, ignored, reasons };
}

/** Whether the name is of the form `TEST > STEP`. */
function isStep(name: string, names: ReadonlySet<string>): boolean {
  const separator = " > ";
  for (let at = name.indexOf(separator); at >= 0; at = name.indexOf(separator, at + 1)) {
    if (names.has(name.slice(0, at))) return true;
  }
  return false;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replaceAll(/&(\w+);/g, (entity, name: string) => ENTITIES[name] ?? entity);
}

/** A report with one failed test of that name. */
export function failureReport(name: string): string {
  const escaped = name.replaceAll(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`);
  return `<testsuites><testsuite name="run">
<testcase name="${escaped}"><error message="${escaped}"/></testcase>
</testsuite></testsuites>
`;
}

/** The reports at these paths: files, and all files in folders. */
export function readReports(paths: readonly string[]): Report[] {
  const files = paths.flatMap((path) =>
    Deno.statSync(path).isDirectory ? [...Deno.readDirSync(path)].map(({ name }) => `${path}/${name}`) : [path]
  );
  return files.map((file) => readReport(Deno.readTextFileSync(file)));
}

if (import.meta.main) {
  const reports = readReports(Deno.args);
  if (reports.length === 0) Deno.exit(1);
  const { passed, failed, ignored } = total(reports);
  console.log(`${passed} ${failed} ${ignored}`);
}
