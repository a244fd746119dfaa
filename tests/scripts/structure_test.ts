/** The structure of the code: who may import whom, and no circle among files or folders. */
import { dirname, join, normalize } from "node:path";
import { ROOT } from "../../scripts/build/stamp.ts";
import { assert, assertEquals } from "../assert.ts";

/** The files and folders that each one at the top may import, besides itself and packages. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "deno.json": [],
  "main.ts": ["deno.json", "ffi", "forward", "stack"],
  stack: [],
  forward: ["stack"],
  ffi: ["forward", "stack"],
  scripts: ["deno.json", "main.ts", "ffi", "forward", "stack"],
  tests: ["deno.json", "main.ts", "ffi", "forward", "stack", "scripts"],
};

/** The most files beside each other in a folder. */
const MOST_FILES = 16;

const root = ROOT.pathname;

/** All modules, by their paths from the root, each with those of ours that it imports. */
const imports: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.keys(MAY_IMPORT).flatMap((top) => isModule(top) ? [top] : modulesIn(top)).map((path) => [
    path,
    importsOf(path),
  ]),
);

function modulesIn(folder: string): string[] {
  return [...Deno.readDirSync(root + folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return modulesIn(path);
    return isModule(name) ? [path] : [];
  });
}

/** Whether a file can be imported. A configuration counts, because it may be in another folder than the importer. */
function isModule(name: string): boolean {
  return name.endsWith(".ts") || name.endsWith(".json");
}

function importsOf(path: string): Set<string> {
  const text = Deno.readTextFileSync(root + path);
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\b[^"';]*?\bfrom "(\.[^"]+\.(?:ts|json))"|\bimport\("(\.[^"]+\.ts)"\)/gm),
  ];
  return new Set(specifiers.map(([, fixed, dynamic]) => normalize(join(dirname(path), fixed ?? dynamic!))));
}

/** The modules that are evaluated before a module is: its fixed imports, other than those of types alone. */
function evaluatedWith(path: string): string[] {
  const text = Deno.readTextFileSync(root + path);
  return [...text.matchAll(/^(?:import|export)(?! type)\b[^"';]*?\bfrom "(\.[^"]+\.ts)"/gm)]
    .map(([, specifier]) => normalize(join(dirname(path), specifier!)));
}

/** One circle in a graph, as a list of nodes that starts and ends with the same; null: there is none. */
function circle(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | null {
  const done = new Set<string>(), path: string[] = [];
  const visit = (node: string): string[] | null => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return null;
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const found = visit(next);
      if (found !== null) return found;
    }
    path.pop();
    done.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const found = visit(node);
    if (found !== null) return found;
  }
  return null;
}

Deno.test("structure: every import leads to a module, in a folder that may be imported from there", () => {
  for (const [path, targets] of imports) {
    const top = path.split("/")[0];
    for (const target of targets) {
      assert(imports.has(target), `${path} imports ${target}, which is not there`);
      const other = target.split("/")[0];
      assert(other === top || MAY_IMPORT[top].includes(other), `${path} imports ${target}`);
    }
  }
});

Deno.test("structure: no files import each other in a circle", () => {
  assertEquals(circle(imports), null);
});

Deno.test("structure: no folders import each other in a circle", () => {
  const folders = new Map<string, Set<string>>();
  for (const [path, targets] of imports) {
    const folder = dirname(path), others = folders.get(folder) ?? new Set<string>();
    folders.set(folder, others);
    for (const target of targets) if (dirname(target) !== folder) others.add(dirname(target));
  }
  assertEquals(circle(folders), null);
});

/** All modules that are evaluated by an import of a module. */
function loadedBy(path: string): Set<string> {
  const loaded = new Set([path]);
  for (const module of loaded) for (const target of evaluatedWith(module)) loaded.add(target);
  return loaded;
}

Deno.test("structure: help, the version and mistakes are answered without the modules of the program proper", () => {
  const loaded = loadedBy("main.ts");
  assert(loaded.has("forward/cli/command_line.ts"), "the command line is read");
  for (const path of loaded) {
    assert(
      !/^(?:ffi\/program\/|stack\/(?!base\/)|forward\/(?:dns|tcp|udp|metrics|cli\/(?:slirp4netns|top))\/)/.test(path),
      `${path} is loaded`,
    );
    assert(
      !/^import [^;]*?"(?:node|npm):/m.test(Deno.readTextFileSync(root + path)),
      `${path} loads a module of Node's`,
    );
  }
});

Deno.test("structure: a start loads neither metrics, capture, sandbox, `run`, Deno's sockets nor those of `-fd`", () => {
  const loaded = loadedBy("ffi/program/program.ts");
  assert(loaded.has("stack/tcp/tcp.ts"), "TCP is loaded");
  const byNeed = [
    ...[
      "forward/metrics/server.ts",
      "forward/metrics/flows/",
      "forward/metrics/names/",
      "forward/metrics/page/",
      "forward/slirp_metrics.ts",
      "forward/log/logtape.ts",
      "forward/log/watch.ts",
    ],
    ...["forward/capture/", "forward/host/deno", "ffi/device/socket_device.ts", "ffi/device/stream_device.ts"],
    ...[
      "forward/dns/edns.ts",
      "forward/dns/host_answers.ts",
      "ffi/sandbox/confine.ts",
      "ffi/sandbox/seccomp",
      "ffi/sandbox/landlock.ts",
      "ffi/guest/guest_command.ts",
      "ffi/guest/job_control.ts",
    ],
  ];
  for (const start of byNeed) {
    assert([...imports.keys()].some((path) => path.startsWith(start)), `${start} is a part of the program`);
    assertEquals([...loaded].filter((path) => path.startsWith(start)), [], start);
  }
});

Deno.test("structure: a folder has few files beside each other", () => {
  const counts = new Map<string, number>();
  for (const path of imports.keys()) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  for (const [folder, count] of counts) assert(count <= MOST_FILES, `${folder} has ${count} files`);
});

Deno.test("structure: a circle is found", () => {
  const graph = new Map([["a", new Set(["b"])], ["b", new Set(["c"])], ["c", new Set(["b"])]]);
  assertEquals(circle(graph), ["b", "c", "b"]);
});
