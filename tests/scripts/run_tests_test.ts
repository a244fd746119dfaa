import { countOf, groups, summary } from "../../scripts/run_tests.ts";
import { assert, assertEquals } from "../assert.ts";

Deno.test("the count of a run is that of its last summary", () => {
  const earlier = "ok | 1 passed | 0 failed (2ms)\n";
  assertEquals(countOf(`${earlier}ok | 12 passed (3 steps) | 0 failed | 4 ignored (1m2s)\n`), {
    ...{ passed: 12, failed: 0, ignored: 4 },
  });
  assertEquals(countOf(`${earlier}\nFAILED | 3 passed | 2 failed | 7 filtered out (3s)\n\nerror: Test failed\n`), {
    ...{ passed: 3, failed: 2, ignored: 0 },
  });
  assertEquals(countOf("error: Uncaught SyntaxError\n"), null);
});

Deno.test("the summary is one of deno test's form", () => {
  for (const count of [{ passed: 5, failed: 0, ignored: 0 }, { passed: 1, failed: 2, ignored: 3 }]) {
    assertEquals(countOf(`${summary(count, 125.4)}\n`), count);
  }
  assertEquals(summary({ passed: 5, failed: 0, ignored: 1 }, 125.4), "ok | 5 passed | 0 failed | 1 ignored (2m5s)");
});

Deno.test("each file of tests is in one group", () => {
  const { alone, shared } = groups();
  const root = new URL("..", import.meta.url).pathname;
  const all: string[] = [];
  const walk = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(`${root}${folder}`)) {
      if (isDirectory) walk(`${folder}${name}/`);
      else if (name.endsWith("_test.ts")) all.push(`${folder}${name}`);
    }
  };
  walk("");
  assert(all.length > 50);
  const groupsOf = (file: string) => [...alone, ...shared].filter((group) => `${file}/`.startsWith(`${group}/`));
  for (const file of all) assertEquals(groupsOf(file).length, 1, file);
});
