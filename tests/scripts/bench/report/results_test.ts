import { merge, readResults } from "../../../../scripts/bench/report/results.ts";
import { assertEquals, assertRejects } from "../../../assert.ts";
import { row } from "../rows.ts";

Deno.test("partial runs are merged; of a figure in both, the last counts", () => {
  const [we, they, others] = ["we", "they", "others"].map((name) => ({ name, version: "1" }));
  const merged = merge([
    { peers: [we!, they!], bed: "2 CPUs", rows: [row({ id: "a", samples: { we: [1] } }), row({ id: "b" })] },
    { peers: [we!, others!], bed: "2 CPUs", rows: [row({ id: "a", samples: { we: [2] } }), row({ id: "c" })] },
  ]);
  assertEquals(merged.peers.map((peer) => peer.name), ["we", "they", "others"]);
  assertEquals(merged.bed, "2 CPUs");
  assertEquals(merged.rows.map((row) => row.id), ["a", "b", "c"]);
  assertEquals(merged.rows[0].samples, { we: [2] });
});

Deno.test("results are read as they were written; another file is refused by its name", async () => {
  const path = await Deno.makeTempFile();
  try {
    const results = { peers: [{ name: "we", version: "1" }], bed: "2 CPUs", rows: [row({ samples: { we: [1.5] } })] };
    await Deno.writeTextFile(path, JSON.stringify(results));
    assertEquals(await readResults(path), results);
    for (const [text, reason] of [["{}", "not what --json"], ["{", "JSON"]] as const) {
      await Deno.writeTextFile(path, text);
      const error = await assertRejects(() => readResults(path), Error, path);
      assertEquals(error.message.includes(reason), true, error.message);
    }
  } finally {
    await Deno.remove(path);
  }
  await assertRejects(() => readResults(path), Error, path);
});
