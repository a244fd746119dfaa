/**
 * The README's figures: the part of the results that says most, put between two marks, so that nobody copies numbers.
 *
 * @module
 */
import { select } from "./matrix.ts";
import { notes, table } from "./report.ts";
import type { Results } from "./results.ts";

const BEGIN = "<!-- figures: deno task bench --readme README.md -->";
const END = "<!-- end of figures -->";

/** The figures that are shown, by how their names begin. */
export const SHOWN: readonly string[] = [
  ...["tcp-out-1-v4-1500", "tcp-in-1-v4-1500", "tcp-out-1-v4-65520", "tcp-in-1-v4-65520"],
  ...["tcp-out-8-v4-1500", "tcp-in-8-v4-1500", "tcp-out-8-v4-65520", "tcp-in-8-v4-65520"],
  ...["rr-v4", "crr-v4", "udp-rr-v4", "udp-out", "udp-in", "connections", "start", "run"],
];

/** The text with these results' figures instead of those that it has. Throws when it has no marks for them. */
export function withFigures(text: string, results: Results): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`there is no ${BEGIN} before an ${END}`);
  const [ours, ...others] = results.peers.map((peer) => peer.name);
  const rows = select(results.rows, SHOWN);
  const versions = results.peers.map(({ name, version }) => `- ${name}: ${version}`);
  const figures = [
    `Medians (lowest–highest); ${results.bed}.`,
    table(rows, ours!, others),
    ...notes(rows).map((note) => `${note}.`),
    versions.join("\n"),
  ];
  return `${text.slice(0, begin)}${BEGIN}\n\n${figures.join("\n\n")}\n\n${text.slice(end)}`;
}
