/**
 * Makes an executable of the program that needs nothing beside it: no Deno, no modules, no source.
 *
 *     deno task compile [--target TRIPLE] [--output PATH]
 *
 * `deno compile` puts the program's modules behind Deno's runtime without the tools. Before that, `deno bundle` makes a
 * few chunks of the modules: unused code is left out, and few files are read faster at each start than many (of 187
 * modules: `-version` in 50 ms instead of 69, a start in 83 instead of 100). What is imported dynamically is in chunks
 * of its own, which are only read and evaluated when needed. They are minified: a start takes 6 % less time, and a program
 * at rest 0.9 MiB less memory. Stack traces still name the methods, but not the classes.
 *
 * All of that happens in a copy of the sources, into which the {@linkcode Stamp} is written. So compiling changes
 * nothing in the work tree but the executable.
 *
 * The same sources make the same bytes: the files in the executable have the stamp's time, and chunks are named without
 * the hash of their contents, which depends on where the cache is.
 *
 * @module
 */
import config from "../../deno.json" with { type: "json" };
import { argumentsOr } from "../common/arguments.ts";
import { formatBuildTime } from "../../forward/cli/version.ts";
import { readStamp, ROOT, type Stamp } from "./stamp.ts";

/** The default path of the executable. */
const OUTPUT = "bin/slirpnetstack";

/** The entry point. */
const MAIN = "main.ts";

/** The chunk that is made of it, and imports the others. */
const ENTRY = "main.js";

/** The folders of the modules that it imports. */
const FOLDERS: readonly string[] = ["ffi", "stack", "forward"];

/** The flags of V8, with their reasons. */
export const ENGINE: readonly (readonly [flag: string, reason: string])[] = [
  [
    "--v8-flags=--min-semi-space-size=2,--max-semi-space-size=4,--heap-growing-percent=50,--expose-gc",
    "They limit the garbage after a flood of failing connections. A small semi-space (MiB) collects young garbage more " +
    "often; from the start it has room for all that a start allocates. Old garbage is collected when the heap has " +
    "grown by half (per cent), not when it is three times as large: a flood of 100,000 frames makes the program grow " +
    "by 38 MiB instead of 55 to 87. Streams and calls are as fast as without. The program itself may start a " +
    "collection: see ffi/process/reclaim_memory.ts",
  ],
];

/** The executable's permissions, with their reasons. Everything else is denied, because nobody is there to be asked. */
export const PERMISSIONS: readonly (readonly [flag: string, reason: string])[] = [
  ["--no-prompt", "nobody answers the questions of a program that runs unattended, so the rest fails"],
  ["--allow-ffi", "system calls: namespaces, devices, epoll, sockets; with all libraries, because libc's path varies"],
  ["--allow-net", "forwarded traffic, wherever the policy allows it; name servers; the metrics' listener"],
  ["--allow-read", "a Unix socket for the metrics, at any path: Deno needs it to stat one and to listen on it"],
  ["--allow-write", "the same, to listen there and to remove it at the end"],
];

/** The other arguments of `deno compile`, with their reasons. */
const COMPILE: readonly (readonly [flag: string, reason: string])[] = [
  ["--no-check", "types were checked in the sources; the bundle has none"],
  ["--no-config", "it would look for one in the folders around the bundle"],
  ["--no-lock", "the bundle has no packages to fetch"],
  ["--no-remote", "the same"],
  ["--no-npm", "the same"],
  [
    "--no-code-cache",
    "the cache is a file with a known name in /tmp that the next start executes: another user who makes it first runs " +
    "code as this program's user, who may be root. It also saves nothing: it is written by programs that end by " +
    "themselves, which this one never does",
  ],
  ["--unstable-net", "as in deno.json: datagram sockets of the runtime"],
];

/** The arguments of each `deno bundle`. */
const BUNDLE: readonly string[] = ["--quiet", "--platform", "deno", "--minify"];

/** The executable to make. */
export interface CompileOptions {
  /** As `deno compile --target` takes it; null: for this machine. */
  readonly target: string | null;
  /** Path of the executable. */
  readonly output: string;
  readonly stamp: Stamp;
}

/** A command that failed has printed the reason on stderr. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

/** Makes an executable, and prints its contents on stdout. Rejects with a {@linkcode CommandFailed}. */
export async function compile({ target, output, stamp }: CompileOptions): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-compile-" });
  try {
    const sources = `${directory}/sources`;
    await copySources(sources, stamp);
    await deno(sources, "check", "--quiet", MAIN);
    const chunks = `${directory}/chunks`;
    await deno(sources, "bundle", ...BUNDLE, "--code-splitting", "--outdir", chunks, MAIN);
    await writeChunks(directory, reproducible(await readChunks(chunks), ENTRY), stamp.time);
    await deno(
      directory,
      ...["compile", ...[...COMPILE, ...ENGINE, ...PERMISSIONS].map(([flag]) => flag)],
      ...target === null ? [] : ["--target", target],
      ...["--output", `${directory}/slirpnetstack`, `${directory}/${ENTRY}`],
    );
    await install(`${directory}/slirpnetstack`, output);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/**
 * Chunks by their names, as the same sources give them on every machine. They are called by the order in which `entry` and
 * what it imports name them; they come with a hash in their names.
 */
export function reproducible(chunks: ReadonlyMap<string, string>, entry: string): Map<string, string> {
  const names = new Map([[entry, entry]]);
  for (const name of names.keys()) { // it grows
    for (const [, found] of chunks.get(name)!.matchAll(CHUNK_NAME)) {
      if (chunks.has(found!) && !names.has(found!)) names.set(found!, `${found!.replace(HASH, "")}-${names.size}.js`);
    }
  }
  const made = new Map<string, string>();
  for (const [name, renamed] of names) {
    const text = chunks.get(name)!.replaceAll(CHUNK_NAME, (whole, found) => {
      return names.has(found) ? `"./${names.get(found)}"` : whole;
    });
    made.set(renamed, withRequire(text));
  }
  return made;
}

/** How chunks name each other. */
const CHUNK_NAME = /"\.\/([\w-]+\.js)"/g;

/** The end of a chunk's name. */
const HASH = /-[A-Z0-9]+\.js$/;

/** What Deno 2.7 forgets in a minified chunk: where packages that are CommonJS get the runtime's modules from. */
function withRequire(chunk: string): string {
  if (!chunk.includes("Dynamic require of")) return chunk;
  return `import{createRequire}from"node:module";const require=createRequire(import.meta.url);${chunk}`;
}

async function readChunks(folder: string): Promise<Map<string, string>> {
  const chunks = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) chunks.set(name, await Deno.readTextFile(`${folder}/${name}`));
  return chunks;
}

async function writeChunks(folder: string, chunks: ReadonlyMap<string, string>, time: Date): Promise<void> {
  for (const [name, text] of chunks) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    await Deno.utime(`${folder}/${name}`, time, time);
  }
}

/** Copies the program's sources, and writes the stamp into the copy. */
async function copySources(to: string, stamp: Stamp): Promise<void> {
  for await (const path of sourceFiles(ROOT)) {
    await Deno.mkdir(`${to}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(new URL(path, ROOT), `${to}/${path}`);
  }
  const { version, time } = stamp;
  const { workspace: _, ...own } = config; // its members are not copied
  await Deno.writeTextFile(`${to}/deno.json`, JSON.stringify({ ...own, version }));
  await Deno.writeTextFile(
    `${to}/forward/cli/build_stamp.ts`,
    `export const buildTime: string | null = ${JSON.stringify(formatBuildTime(time))};\n`,
  );
}

/** Everything that the program's modules may import, as paths from the root. */
async function* sourceFiles(root: URL): AsyncGenerator<string> {
  yield* ["deno.lock", MAIN];
  for (const folder of FOLDERS) yield* filesIn(root, folder);
}

async function* filesIn(root: URL, folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesIn(root, path);
    else if (entry.isFile) yield path;
  }
}

/** Replaces the executable in one step. A program that runs from the old file goes on with the old one. */
async function install(made: string, output: string): Promise<void> {
  const folder = output.includes("/") ? output.replace(/\/[^/]*$/, "/") : "./";
  await Deno.mkdir(folder, { recursive: true });
  const temporary = await Deno.makeTempFile({ dir: folder, prefix: ".slirpnetstack-" });
  try {
    await Deno.copyFile(made, temporary);
    await Deno.chmod(temporary, 0o755);
    await Deno.rename(temporary, output);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** Runs the Deno that runs this script. */
async function deno(cwd: string, ...args: readonly string[]): Promise<void> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args], cwd, stdin: "null" });
  const { code } = await command.spawn().status;
  if (code !== 0) throw new CommandFailed(`deno ${args[0]} failed with status ${code}`);
}

/** The size of a file in MiB, for people. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

if (import.meta.main) {
  const usage = "usage: deno task compile [--target TRIPLE] [--output PATH]";
  const given = argumentsOr(usage, Deno.args, { values: ["target", "output"] });
  const target = given.value("target"), output = given.value("output") ?? OUTPUT;
  try {
    const stamp = await readStamp();
    await compile({ target, output, stamp });
    const { size } = await Deno.stat(output);
    console.log(`${output}: ${stamp.version}, ${formatBuildTime(stamp.time)}, ${mebibytes(size)}`);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.error(
      `compile: ${error.message}. Deno fetches what it needs for this once: the bundler from the npm registry, the ` +
        "runtime from dl.deno.land. Without dl.deno.land, the variable DENORT_BIN can name a denort.",
    );
    Deno.exit(1);
  }
}
