import config from "../../../deno.json" with { type: "json" };
import { ENGINE, mebibytes, PERMISSIONS, reproducible } from "../../../scripts/build/compile.ts";
import { assert, assertEquals } from "../../assert.ts";

/** Flags without a meaning for the executable, which contains its version and its packages. */
const FROM_SOURCE = ["--allow-run=git", "--cached-only"];

Deno.test("the executable may do what the start task may, but it never runs git", () => {
  const flags = config.tasks.start.match(/--\S+/g)!.filter((flag) => !FROM_SOURCE.includes(flag));
  const told = [...ENGINE, ...PERMISSIONS];
  assertEquals(told.map(([flag]) => flag).toSorted(), flags.toSorted());
  for (const [flag, reason] of told) assert(reason.length > 20, flag);
});

Deno.test("sizes are in MiB", () => {
  assertEquals(mebibytes(97_561_547), "93.0 MiB");
});

Deno.test("a chunk whose packages load modules of the runtime gets a function for that; others are unchanged", () => {
  const made = (chunk: string) => reproducible(new Map([["main.js", chunk]]), "main.js").get("main.js");
  const loads = `throw Error('Dynamic require of "'+x+'" is not supported')`;
  assertEquals(
    made(loads),
    `import{createRequire}from"node:module";const require=createRequire(import.meta.url);${loads}`,
  );
  assertEquals(made("const a=1;"), "const a=1;");
});

Deno.test("the names of chunks do not depend on the hashes in them, nor on the order of the files", () => {
  const chunks = (b: string, c: string, d: string): [string, string][] => [
    [b, `import "./${c}";\nimport "./other.js";\nimport("./${d}");\n`],
    ["main.js", `import{x}from"./${c}";const{y}=await import("./${b}");`],
    [c, "const text = 1;\n"],
    [d, `import "./${c}";\n`],
  ];
  const first = reproducible(new Map(chunks("b-AAAA2222.js", "chunk-BBBB3333.js", "chunk-CCCC4444.js")), "main.js");
  const second = reproducible(
    new Map(chunks("b-ZZZZ2222.js", "chunk-YYYY3333.js", "chunk-AAAA4444.js").toReversed()),
    "main.js",
  );
  assertEquals(first, second);
  assertEquals([...first.keys()], ["main.js", "chunk-1.js", "b-2.js", "chunk-3.js"]);
  assertEquals(first.get("b-2.js"), 'import "./chunk-1.js";\nimport "./other.js";\nimport("./chunk-3.js");\n');
});
