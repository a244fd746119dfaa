/**
 * Makes a release: for each target a tarball with the executable, the manual page, the completions, the pages for users
 * and the licence, and a file with the SHA-256 of all.
 *
 *     deno task release [--target TRIPLE]... [--output FOLDER]
 *
 * The default targets are x86_64 and aarch64 Linux, and the default folder is bin/release. A target whose runtime `deno
 * compile` lacks and can't fetch is left out and reported; then the exit status is 1, and the others are there.
 *
 * The same commit makes the same bytes: names are in order, times are the commit's, owners and modes are fixed, and
 * gzip stores no name and no time. So a tree with changes is refused.
 *
 * @module
 */
import { argumentsOr } from "../common/arguments.ts";
import config from "../../deno.json" with { type: "json" };
import { SCRIPTS } from "../../forward/cli/completions/completions.ts";
import { AUDIT_SCHEMA_FILE, auditSchema } from "../../forward/audit/schema.ts";
import { policySchema, SCHEMA_FILE } from "../../forward/policy/file/schema.ts";
import { CommandFailed, compile, mebibytes } from "./compile.ts";
import { manualPage } from "./man.ts";
import { PACKED_FILES, PACKED_PAGES, packedPage } from "./packed_pages.ts";
import { readStamp, ROOT, type Stamp } from "./stamp.ts";

const TARGETS: readonly string[] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

const OUTPUT = "bin/release";

/** A file of a tarball, by its path in it. */
export interface ReleaseFile {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/** The files of a tarball beside the executable. */
export async function documents(stamp: Pick<Stamp, "version" | "time">): Promise<ReleaseFile[]> {
  const text = (path: string, content: string) => ({ path, mode: 0o644, bytes: new TextEncoder().encode(content) });
  const page = async (path: string) => text(path, packedPage(path, await Deno.readTextFile(new URL(path, ROOT))));
  const copy = async (path: string) => ({
    path,
    mode: path.endsWith(".sh") ? 0o755 : 0o644,
    bytes: await Deno.readFile(new URL(path, ROOT)),
  });
  return [
    ...await Promise.all(PACKED_PAGES.map(page)),
    ...await Promise.all(PACKED_FILES.map(copy)),
    text("slirpnetstack.1", manualPage(stamp)),
    text(SCHEMA_FILE, `${JSON.stringify(policySchema(), null, 2)}\n`),
    text(AUDIT_SCHEMA_FILE, `${JSON.stringify(auditSchema(), null, 2)}\n`),
    text("completions/slirpnetstack.bash", SCRIPTS.bash()),
    text("completions/slirpnetstack.fish", SCRIPTS.fish()),
    text("completions/_slirpnetstack", SCRIPTS.zsh()),
  ];
}

/**
 * Makes a tarball of the files, in one folder named `name`, and returns its bytes. The same files and the same time make
 * the same bytes.
 */
export async function tarball(name: string, files: readonly ReleaseFile[], time: Date): Promise<Uint8Array> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-release-" });
  try {
    for (const { path, mode, bytes } of files) {
      const file = `${directory}/${name}/${path}`;
      await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(file, bytes);
      await Deno.chmod(file, mode);
    }
    const { success, stdout } = await new Deno.Command("sh", {
      args: ["-c", 'set -e; cd "$1"; shift; { tar "$@" || kill $$; } | gzip -9n', "sh", directory, "--create"].concat([
        ...["--format=ustar", "--sort=name", "--owner=root:0", "--group=root:0", "--mode=u+rwX,go+rX,go-w"],
        ...[`--mtime=@${Math.floor(time.getTime() / 1000)}`, name],
      ]),
      env: { LC_ALL: "C" },
      stdin: "null",
      stderr: "inherit",
    }).output();
    if (!success) throw new CommandFailed("tar failed");
    return stdout;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Lines as `sha256sum --check` reads them. */
export async function checksums(files: readonly Pick<ReleaseFile, "path" | "bytes">[]): Promise<string> {
  const lines = await Promise.all(files.map(async ({ path, bytes }) => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes)));
    return `${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}  ${path}\n`;
  }));
  return lines.join("");
}

/** Whether the target is this machine's. A runtime that DENORT_BIN names is for no other. */
function ownTarget(target: string): boolean {
  return target === Deno.build.target;
}

if (import.meta.main) {
  const usage = "usage: deno task release [--target TRIPLE]... [--output FOLDER]";
  const given = argumentsOr(usage, Deno.args, { values: ["target", "output"] });
  const targets = given.values("target").length === 0 ? TARGETS : given.values("target");
  const output = given.value("output") ?? OUTPUT;
  const stamp = await readStamp();
  if (stamp.dirty) {
    console.error(
      "release: files differ from the newest commit; commit first, so that anybody can make the same again",
    );
    Deno.exit(1);
  }
  await Deno.mkdir(output, { recursive: true });
  const made: { path: string; bytes: Uint8Array }[] = [], missing: string[] = [];
  for (const target of targets) {
    const name = `slirpnetstack-${config.version}-${target}`;
    const executable = `${output}/${name}.part`;
    try {
      if (!ownTarget(target) && Deno.env.has("DENORT_BIN")) {
        throw new CommandFailed("DENORT_BIN names a runtime for this machine, and not for that");
      }
      await compile({ target: ownTarget(target) ? null : target, output: executable, stamp });
      const program = { path: "slirpnetstack", mode: 0o755, bytes: await Deno.readFile(executable) };
      const bytes = await tarball(name, [program, ...await documents(stamp)], stamp.time);
      await Deno.writeFile(`${output}/${name}.tar.gz`, bytes);
      made.push({ path: `${name}.tar.gz`, bytes });
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      console.error(`release: nothing for ${target}: ${error.message}`);
      missing.push(target);
    } finally {
      await Deno.remove(executable).catch(() => {});
    }
  }
  await Deno.writeTextFile(`${output}/SHA256SUMS`, await checksums(made));
  for (const { path, bytes } of made) console.log(`${output}/${path}: ${mebibytes(bytes.length)}`);
  if (missing.length > 0) {
    console.error(
      `release: not made: ${missing.join(", ")}. Deno fetches the runtime of another target from dl.deno.land, once.`,
    );
    Deno.exit(1);
  }
}
