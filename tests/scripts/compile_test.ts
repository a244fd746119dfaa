import config from "../../deno.json" with { type: "json" };
import { ENGINE, mebibytes, PERMISSIONS, WORKERS } from "../../scripts/compile.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { assert, assertEquals } from "../assert.ts";

/** The program's modules, as paths from the project's folder. */
function* modules(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(PROJECT + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* modules(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

Deno.test("every second thread's module is in the executable, by a name of its own", () => {
  const found: string[] = [];
  for (const path of ["main.ts", ...["ffi", "stack", "forward"].flatMap((folder) => [...modules(folder)])]) {
    const text = Deno.readTextFileSync(PROJECT + path);
    const made = text.match(/\bnew Worker\(/g)?.length ?? 0;
    const names = [...text.matchAll(/new Worker\(new URL\("\.\/([^"/]+)", import\.meta\.url\)/g)].map((match) =>
      match[1]!
    );
    assertEquals(names.length, made, `${path}: a worker must be named as ./NAME, beside the module that starts it`);
    found.push(...names.map((name) => path.replace(/[^/]*$/, name)));
  }
  assertEquals(found.toSorted(), WORKERS.toSorted());
  assertEquals(new Set(WORKERS.map((path) => path.replace(/.*\//, ""))).size, WORKERS.length);
});

Deno.test("the executable may do what the start task may, but it never runs git", () => {
  const flags = config.tasks.start.match(/--\S+/g)!.filter((flag) => flag !== "--allow-run=git");
  const told = [...ENGINE, ...PERMISSIONS];
  assertEquals(told.map(([flag]) => flag).toSorted(), flags.toSorted());
  for (const [flag, reason] of told) assert(reason.length > 20, flag);
});

Deno.test("sizes are in MiB", () => {
  assertEquals(mebibytes(97_561_547), "93.0 MiB");
});
