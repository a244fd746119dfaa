import config from "../../../deno.json" with { type: "json" };
import { ENGINE, mebibytes, PERMISSIONS, withoutCachePaths } from "../../../scripts/build/compile.ts";
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

Deno.test("a bundle does not name the folders of packages, and is otherwise unchanged", () => {
  const bundle = (folder: string) =>
    `// ${folder}a/1.0.0/index.js
var require_a = __commonJS({
  "${folder}a/1.0.0/index.js"(exports) {
    exports.path = "../x/npm/y/z";
    load("../npm/y");
  }
});
// main.ts
`;
  for (const folder of ["../../../root/.cache/deno/npm/registry.npmjs.org/", "../../a user/deno/npm/registry.test/"]) {
    assertEquals(withoutCachePaths(bundle(folder)), bundle("npm:"));
  }
});
