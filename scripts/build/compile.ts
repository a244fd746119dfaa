/**
 * Makes an executable of the program, which needs nothing beside it: no Deno, no modules, no source.
 *
 *     deno task compile [--target TRIPLE] [--output PATH]
 *
 * It is what `deno compile` makes: Deno's runtime without the tools, with the program's modules behind it. Before that,
 * `deno bundle` makes one file of the program's modules: what no module uses is left out, and one file is read faster at
 * each start than many (of 187 modules: `-version` in 50 ms instead of 69, a start in 83 instead of 100). It is not
 * minified, so that a trace of calls still names the functions; comments are gone.
 *
 * All of that happens in a copy of the sources, where the {@linkcode Stamp} is put in. So compiling changes nothing in
 * the work tree but the executable.
 *
 * The same sources make the same bytes. For that, the files in the executable have the stamp's time, and packages are
 * named in it without the folder that they were in.
 *
 * @module
 */
import config from "../../deno.json" with { type: "json" };
import { argumentsOr } from "../common/arguments.ts";
import { formatBuildTime } from "../../forward/cli/version.ts";
import { readStamp, ROOT, type Stamp } from "./stamp.ts";

/** Where the executable is put unless it is said otherwise. */
const OUTPUT = "bin/slirpnetstack";

/** What starts. */
const MAIN = "main.ts";

/** Where what it imports is. */
const FOLDERS: readonly string[] = ["ffi", "stack", "forward"];

/** What V8 is told, and why. */
export const ENGINE: readonly (readonly [flag: string, reason: string])[] = [
  [
    "--v8-flags=--max-semi-space-size=4,--heap-growing-percent=50,--expose-gc",
    "Little garbage is to lie about after a flood of connections that come to nothing. MiB: what dies young is looked " +
    "for more often. Per cent: what dies old is looked for when the heap has grown by half, not when it is three times " +
    "as large: one of 100,000 frames makes the program grow by 38 MiB in the place of 55 to 87. Streams and calls are " +
    "as fast as without. And the program may have garbage collected when nothing else asks for it: see ffi/process/reclaim_memory.ts",
  ],
];

/** What the executable is allowed to do, and why. It can't do the rest, as nobody is there to be asked. */
export const PERMISSIONS: readonly (readonly [flag: string, reason: string])[] = [
  ["--no-prompt", "nobody answers the questions of a program that runs unattended: what is not allowed fails"],
  ["--allow-ffi", "system calls: namespaces, devices, epoll, sockets; with all libraries, as libc's place varies"],
  ["--allow-net", "what is forwarded, to wherever the policy says; name servers; the metrics' listener"],
  ["--allow-read", "a Unix socket for the metrics, anywhere: Deno asks for it to look at and to listen on one"],
  ["--allow-write", "likewise, to listen there and to remove it at the end"],
];

/** The rest of what `deno compile` is told, and why. */
const COMPILE: readonly (readonly [flag: string, reason: string])[] = [
  ["--no-check", "types were checked before, in the sources; there are none in what was bundled"],
  ["--no-config", "it would look for one around the folder of the bundle"],
  ["--no-lock", "likewise: nothing is left to fetch"],
  ["--no-remote", "likewise"],
  ["--no-npm", "likewise"],
  [
    "--no-code-cache",
    "the cache is a file of a known name in /tmp that is executed at the next start: whoever makes it first runs code " +
    "as the user of this program, who may be root. It also saves nothing here: it is written at the end of a program " +
    "that ends by itself, which this one never does",
  ],
  ["--unstable-net", "as deno.json has it: datagram sockets of the runtime"],
];

/** What to make. */
export interface CompileOptions {
  /** As `deno compile --target` takes it; null: for this machine. */
  readonly target: string | null;
  /** Path of the executable. */
  readonly output: string;
  readonly stamp: Stamp;
}

/** A command that failed has said why on stderr. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

/** Makes an executable, and says on stdout what is in it. Rejects with a {@linkcode CommandFailed}. */
export async function compile({ target, output, stamp }: CompileOptions): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-compile-" });
  try {
    const sources = `${directory}/sources`;
    await copySources(sources, stamp);
    await deno(sources, "check", "--quiet", MAIN);
    const bundle = `${directory}/main.js`;
    await deno(sources, "bundle", "--quiet", "--platform", "deno", "--output", bundle, MAIN);
    await Deno.writeTextFile(bundle, withoutCachePaths(await Deno.readTextFile(bundle)));
    await Deno.utime(bundle, stamp.time, stamp.time);
    await deno(
      directory,
      ...["compile", ...[...COMPILE, ...ENGINE, ...PERMISSIONS].map(([flag]) => flag)],
      ...target === null ? [] : ["--target", target],
      ...["--output", `${directory}/slirpnetstack`, bundle],
    );
    await install(`${directory}/slirpnetstack`, output);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/**
 * A bundle in which packages are called `npm:NAME/VERSION/...`, in comments and as names of what they export, not by
 * where the cache of whoever compiles has them.
 */
export function withoutCachePaths(bundle: string): string {
  return bundle.replaceAll(/^(\/\/ | *")(?:\.\.\/)+[^"\n]*?\/npm\/[^"\/\n]+\//gm, "$1npm:");
}

/** Copies what the program is made of, with the stamp in it. */
async function copySources(to: string, stamp: Stamp): Promise<void> {
  for await (const path of sourceFiles(ROOT)) {
    await Deno.mkdir(`${to}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(new URL(path, ROOT), `${to}/${path}`);
  }
  const { version, time } = stamp;
  const { workspace: _, ...own } = config; // its members are not there
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

/** Puts the executable in its place in one step: a program that is running from there goes on, with the old one. */
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

/** Runs the Deno that runs this. */
async function deno(cwd: string, ...args: readonly string[]): Promise<void> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args], cwd, stdin: "null" });
  const { code } = await command.spawn().status;
  if (code !== 0) throw new CommandFailed(`deno ${args[0]} failed with status ${code}`);
}

/** The size of a file as people read it. */
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
        "runtime from dl.deno.land. Where the latter can't be reached, the variable DENORT_BIN can name a denort.",
    );
    Deno.exit(1);
  }
}
