/**
 * The README's figures: the part of the results that says most, put between two marks, so that nobody copies numbers.
 *
 * @module
 */
import { withPart } from "../common/markdown.ts";
import { select } from "./matrix.ts";
import { notes, table } from "./report/report.ts";
import type { Results } from "./report/results.ts";

/** The figures that are shown, by how their names begin. */
export const SHOWN: readonly string[] = [
  ...["tcp-out-1-v4-1500", "tcp-in-1-v4-1500", "tcp-out-1-v4-65520", "tcp-in-1-v4-65520"],
  ...["tcp-out-8-v4-1500", "tcp-in-8-v4-1500", "tcp-out-8-v4-65520", "tcp-in-8-v4-65520"],
  ...["rr-v4", "crr-v4", "udp-rr-v4", "udp-out", "udp-in", "connections", "start", "run"],
];

/** The text with these results' figures instead of those that it has. Throws when it has no marks for them. */
export function withFigures(text: string, results: Results): string {
  return withPart(text, "figures", "deno task bench --readme README.md", () => figures(results));
}

function figures(results: Results): string {
  const [ours, ...others] = results.peers.map((peer) => peer.name);
  const rows = select(results.rows, SHOWN);
  const versions = results.peers.map(({ name, version }) => `- ${name}: ${version}`);
  return [
    `Medians (lowest–highest); ${results.bed}.`,
    table(rows, ours!, others),
    ...notes(rows).map((note) => `${note}.`),
    versions.join("\n"),
  ].join("\n\n");
}
