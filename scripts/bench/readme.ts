/**
 * Writes the results into pages, each part between two marks: all figures into the benchmark's own page; three numbers,
 * six rows of figures and the chart into the README.
 *
 * @module
 */
import { markdownTable, withPart, wrapped } from "../common/markdown.ts";
import { select } from "./matrix.ts";
import { chart } from "./report/chart.ts";
import { formatValue, medianOf, notes, type Row, table } from "./report/report.ts";
import type { Results } from "./report/results.ts";

const COMMAND = "deno task bench --readme";
const README = new URL("../../README.md", import.meta.url);
const PAGE = new URL("README.md", import.meta.url);
const CHART = new URL("chart.svg", import.meta.url);

/** The figures on the benchmark's page, by how their names begin. */
export const SHOWN: readonly string[] = [
  ...["tcp-out-1-v4-1500", "tcp-in-1-v4-1500", "tcp-out-1-v4-65520", "tcp-in-1-v4-65520"],
  ...["tcp-out-8-v4-1500", "tcp-in-8-v4-1500", "tcp-out-8-v4-65520", "tcp-in-8-v4-65520"],
  ...["rr-v4", "crr-v4", "udp-rr-v4", "udp-out", "udp-in", "connections", "start", "run"],
];

/** The figures that answer "why this program", with their names in the README. */
export const NUMBERS: readonly (readonly [figure: string, name: string])[] = [
  ["tcp-in-1-v4-1500", "TCP to the guest, MTU 1500"],
  ["tcp-in-1-v4-1500-cpu", "CPU time for that, per GB"],
  ["udp-in-flood-64", "UDP to the guest, 64 bytes"],
];

/** The README's rows of figures: also those in which other programs are ahead. */
export const ROWS: readonly (readonly [figure: string, name: string])[] = [
  ["tcp-out-1-v4-1500", "TCP out, MTU 1500"],
  ["tcp-in-1-v4-65520", "TCP in, 65520"],
  ["rr-v4-p50", "TCP round trip"],
  ["crr-v4-rate", "TCP calls"],
  ["start-ready", "start to ready"],
  ["start-memory", "memory at rest"],
];

/** The README with these results' figures instead of those that it has. Throws when it has no marks for them. */
export function withFiguresOfReadme(readme: string, results: Results): string {
  const [ours, slirp4netns, pasta] = results.peers.map((peer) => peer.name);
  const three = [ours, slirp4netns, pasta].filter((peer) => peer !== undefined);
  const all = results.peers.map((peer) => peer.name);
  const numbers = () =>
    `${medians(results.rows, NUMBERS, three)}\n\n(${results.bed.split(",", 2).join(",")}; medians.)`;
  const withNumbers = withPart(readme, "numbers", COMMAND, numbers);
  return withPart(withNumbers, "figures", COMMAND, () => medians(results.rows, ROWS, all));
}

/** The benchmark's page with these results' figures instead of those that it has. Throws when it has no marks. */
export function withFigures(page: string, results: Results): string {
  return withPart(page, "figures", COMMAND, () => figures(results));
}

/** The files that follow from results, with their contents. */
export async function pages(results: Results): Promise<ReadonlyMap<URL, string>> {
  return new Map([
    [README, withFiguresOfReadme(await Deno.readTextFile(README), results)],
    [PAGE, withFigures(await Deno.readTextFile(PAGE), results)],
    [CHART, chart(results.rows, results.peers.map((peer) => peer.name))],
  ]);
}

/** A table of medians that is readable in a terminal of 80 columns. */
function medians(rows: readonly Row[], shown: typeof ROWS, peers: readonly string[]): string {
  const cells = shown.map(([figure, name]) => {
    const row = rows.find(({ id }) => id === figure);
    const values = peers.map((peer) => row === undefined ? null : medianOf(row, peer));
    const unit = row === undefined ? "" : `, ${row.unit}`;
    return [`${name}${unit}`, ...values.map((value) => value === null ? "—" : formatValue(value))];
  });
  return markdownTable(["", ...peers], cells);
}

function figures(results: Results): string {
  const [ours, ...others] = results.peers.map((peer) => peer.name);
  const rows = select(results.rows, SHOWN);
  const versions = results.peers.map(({ name, version }) => `- ${name}: ${version}`);
  return [
    wrapped(`Medians (lowest–highest); ${results.bed}.`),
    table(rows, ours!, others),
    ...notes(rows).map((note) => wrapped(`${note}.`)),
    versions.join("\n"),
  ].join("\n\n");
}
