/**
 * Curves over time as an SVG: small charts below each other, on one time axis.
 *
 * @module
 */
import type { Point } from "./trend.ts";

/** One chart. */
export interface Chart {
  readonly title: string;
  readonly points: readonly Point[];
}

const WIDTH = 800, HEIGHT = 110, LEFT = 24, RIGHT = 110, TOP = 28, GAP = 18;

/** The whole picture. Times are in seconds. */
export function plot(heading: string, charts: readonly Chart[]): string {
  const height = TOP + charts.length * (HEIGHT + GAP) + 24;
  const last = Math.max(1, ...charts.flatMap(({ points }) => points.map(({ at }) => at)));
  const panels = charts.map((chart, i) => panel(chart, TOP + i * (HEIGHT + GAP), last));
  const axis = [0, 0.25, 0.5, 0.75, 1].map((part) =>
    text(LEFT + part * (WIDTH - LEFT - RIGHT), height - 8, `${(part * last / 60).toFixed(1)} min`, "middle")
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`,
    `  font-family="sans-serif" font-size="11" fill="#333">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(LEFT, 16, heading, "start"),
    ...panels,
    ...axis,
    "</svg>\n",
  ].join("\n");
}

function panel({ title, points }: Chart, top: number, last: number): string {
  const high = Math.max(...points.map(({ value }) => value), 1e-9) * 1.05;
  const x = (at: number) => LEFT + at / last * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => top + HEIGHT - value / high * HEIGHT;
  const line = points.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const end = points.at(-1);
  return [
    `<rect x="${LEFT}" y="${top}" width="${WIDTH - LEFT - RIGHT}" height="${HEIGHT}" fill="#f6f8fa"/>`,
    `<polyline fill="none" stroke="#0969da" stroke-width="1.3" points="${line}"/>`,
    text(LEFT + 4, top + 13, title, "start"),
    text(WIDTH - RIGHT + 6, top + 10, shown(high / 1.05), "start"),
    text(WIDTH - RIGHT + 6, top + HEIGHT, "0", "start"),
    end === undefined ? "" : text(WIDTH - RIGHT + 40, y(end.value) + 4, `now ${shown(end.value)}`, "start"),
  ].join("\n");
}

function text(x: number, y: number, words: string, anchor: "start" | "middle"): string {
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped}</text>`;
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
