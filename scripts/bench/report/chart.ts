/**
 * Results as a picture: a panel for each important figure, a bar for each peer, and a whisker from the lowest to the
 * highest sample. It is SVG 1.1 without scripts and fonts, readable on light and dark pages, and formatted as `deno
 * fmt` does.
 *
 * @module
 */
import { formatValue, medianOf, type Row } from "./report.ts";

/** The figures of the chart, in this order. Those that were not measured are left out. */
export const CHARTED: readonly string[] = [
  "tcp-out-1-v4-1500",
  "tcp-in-1-v4-1500",
  "tcp-out-1-v4-1500-cpu",
  "rr-v4-p50",
  "udp-rr-v4-p50",
  "start-ready",
];

const COLUMNS = 2;
const PANEL_WIDTH = 470;
const LABEL_WIDTH = 100;
const VALUE_WIDTH = 90;
const BAR_WIDTH = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH - 20;
const TITLE_HEIGHT = 30;
const BAR_HEIGHT = 18;
const BAR_STEP = 23;
const MARGIN = 16;
/** This program's bars stand out. The others differ by name and position, not by colour alone. */
const COLOURS = ["#0b6e4f", "#7d8ca3", "#a3b1c2", "#c9d2dc"];

/** Draws the chart of those rows that are in {@linkcode CHARTED}. `peers` from the top down. */
export function chart(rows: readonly Row[], peers: readonly string[]): string {
  const shown = CHARTED.flatMap((id) => rows.filter((row) => row.id === id));
  const panelHeight = TITLE_HEIGHT + BAR_STEP * peers.length + MARGIN;
  const width = COLUMNS * PANEL_WIDTH + 2 * MARGIN;
  const height = Math.ceil(shown.length / COLUMNS) * panelHeight + 2 * MARGIN;
  const panels = shown.map((row, index) => {
    const [x, y] = [MARGIN + index % COLUMNS * PANEL_WIDTH, MARGIN + Math.floor(index / COLUMNS) * panelHeight];
    return `  <g transform="translate(${x} ${y})">\n${indent(panel(row, peers))}\n  </g>`;
  });
  return `<svg
  xmlns="http://www.w3.org/2000/svg"
  width="${width}"
  height="${height}"
  viewBox="0 0 ${width} ${height}"
  font-family="sans-serif"
  font-size="13"
  fill="#1c2733"
  role="img"
>
  <title>${escape(`${peers.join(", ")} compared`)}</title>
  <rect width="100%" height="100%" fill="#ffffff" />
${panels.join("\n")}
</svg>
`;
}

function indent(lines: string): string {
  return lines.replace(/^/gm, "    ");
}

function panel(row: Row, peers: readonly string[]): string {
  const all = peers.flatMap((peer) => row.samples[peer] ?? []);
  const scale = BAR_WIDTH / Math.max(...all, Number.MIN_VALUE);
  const mtu = row.id.startsWith("tcp") ? `, MTU ${row.mtu}` : "";
  const title = `${row.name}${mtu}: ${row.unit}, ${row.better} is better`;
  return [
    `<text y="18" font-weight="bold">${escape(title)}</text>`,
    ...peers.map((peer, index) => bar(row, peer, TITLE_HEIGHT + index * BAR_STEP, scale, colour(index, peers.length))),
  ].join("\n");
}

function bar(row: Row, peer: string, y: number, scale: number, fill: string): string {
  const value = medianOf(row, peer);
  const samples = row.samples[peer] ?? [];
  const middle = y + BAR_HEIGHT / 2;
  const parts = [
    `<text x="${LABEL_WIDTH - 8}" y="${middle + 4}" text-anchor="end">${escape(peer)}</text>`,
  ];
  if (value === null) {
    return [...parts, `<text x="${LABEL_WIDTH}" y="${middle + 4}" fill="#5b6875">—</text>`].join("\n");
  }
  const [low, high] = [Math.min(...samples), Math.max(...samples)].map((end) => LABEL_WIDTH + end * scale);
  return [
    ...parts,
    `<rect x="${LABEL_WIDTH}" y="${y}" width="${round(value * scale)}" height="${BAR_HEIGHT}" fill="${fill}" />`,
    `<path d="M${round(low!)} ${middle}H${round(high!)}" stroke="#1c2733" stroke-width="1.5" />`,
    `<text x="${LABEL_WIDTH + BAR_WIDTH + 8}" y="${middle + 4}">${formatValue(value)}</text>`,
  ].join("\n");
}

/** The last peer is the limit, and the palest. */
function colour(index: number, count: number): string {
  return index === 0 ? COLOURS[0] : index === count - 1 ? COLOURS.at(-1)! : COLOURS[1 + (index - 1) % 2];
}

function round(value: number): string {
  return value.toFixed(1);
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
