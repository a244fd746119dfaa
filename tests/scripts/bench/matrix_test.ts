import { CHARTED } from "../../../scripts/bench/report/chart.ts";
import { fullMatrix, quickMatrix, select } from "../../../scripts/bench/matrix.ts";
import type { Work } from "../../../scripts/bench/bed/work.ts";
import { assert, assertEquals } from "../../assert.ts";

function ids(works: readonly Work[]): string[] {
  return works.map((work) => work.id);
}

Deno.test("no two figures have the same name, and the quick edition has no others than the full", () => {
  const figures = fullMatrix().flatMap((work) => work.figures.map((figure) => figure.id));
  assertEquals(new Set(figures).size, figures.length);
  for (const id of ids(quickMatrix())) assert(ids(fullMatrix()).includes(id), id);
  for (const id of CHARTED) assert(figures.includes(id), id);
});

Deno.test("work is selected by how its name begins, in whole words", () => {
  assertEquals(ids(select(fullMatrix(), ["rr"])), ["rr-v4", "rr-v6"]);
  assertEquals(ids(select(fullMatrix(), ["udp-rr", "tcp-in-8-v4-1500"])), [
    ...["tcp-in-8-v4-1500", "udp-rr-v4", "udp-rr-v6"],
  ]);
  assertEquals(ids(select(fullMatrix(), ["tcp-in-8-v4-15", ""])), []);
});

Deno.test("the full edition's samples take less than 16 minutes with four peers, the quick one's less than 90 s", () => {
  const START = 0.35; // of iperf3 or the instrument, and the silence at the end of a stream, in seconds
  const peers = (work: Work) => work.id === "run" ? 1 : 4; // only we do that
  const seconds = (works: readonly Work[]) =>
    works.reduce((sum, work) => sum + peers(work) * work.rounds * (work.seconds + START), 0);
  assert(seconds(fullMatrix()) < 960 - 3 * 90, `${seconds(fullMatrix())} s`); // 90 s for each 10,000 connections
  assert(seconds(quickMatrix()) < 85, `${seconds(quickMatrix())} s`);
});
