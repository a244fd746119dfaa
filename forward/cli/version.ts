/**
 * The lines of `-version`.
 *
 * An executable is stamped when it is compiled. Run from source, the build time is that of the newest commit, or, if the
 * sources are not a git checkout (an unpacked archive), that of the newest file. The version is in deno.json, from which
 * main.ts passes it to the parts of the program that show it.
 *
 * @module
 */
import { buildTime } from "./build_stamp.ts";

/** The two lines, without the last newline. */
export async function versionLines(version: string): Promise<string> {
  const time = buildTime ?? await sourceTime(new URL("../../", import.meta.url));
  return `slirpnetstack version ${version}\nbuild time ${time}`;
}

/**
 * The time of the sources under a directory as `YYYY-MM-DD-HH:MMUTC`, or `unknown` if they were not loaded from a file
 * system.
 */
export async function sourceTime(root: URL): Promise<string> {
  const time = await sourceDate(root);
  return time === null ? "unknown" : formatBuildTime(time);
}

/** The time of the newest commit under a directory, or else of the newest module; null: not known. */
export async function sourceDate(root: URL): Promise<Date | null> {
  if (root.protocol !== "file:") return null;
  const seconds = await git(root, "log", "-1", "--format=%ct") ?? "";
  return /^\d+$/.test(seconds) ? new Date(Number(seconds) * 1000) : await newestFile(root);
}

/** `2026-07-01-09:05UTC`. */
export function formatBuildTime(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", "-")}UTC`;
}

/**
 * The output of git about the checkout in `root`, without space around it. Null: there is no git, or the directory itself
 * is not a checkout. (One around it may be of another project.)
 */
export async function git(root: URL, ...args: readonly string[]): Promise<string | null> {
  const gitDir = new URL(".git", root);
  try {
    await Deno.stat(gitDir);
    const { success, stdout } = await new Deno.Command("git", {
      args: ["--no-optional-locks", `--git-dir=${pathOf(gitDir)}`, `--work-tree=${pathOf(root)}`, ...args],
      stdin: "null",
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch {
    return null; // the line is for people, and not worth an error
  }
}

function pathOf(url: URL): string {
  return decodeURIComponent(url.pathname);
}

/** The modification time of the newest module; null: none can be read. */
async function newestFile(directory: URL): Promise<Date | null> {
  let newest: Date | null = null;
  try {
    for await (const entry of Deno.readDir(directory)) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const url = new URL(encodeURIComponent(entry.name) + (entry.isDirectory ? "/" : ""), directory);
      let time: Date | null = null;
      if (entry.isDirectory) time = await newestFile(url);
      else if (entry.name.endsWith(".ts")) time = (await Deno.stat(url)).mtime;
      if (time !== null && (newest === null || time > newest)) newest = time;
    }
  } catch {
    return newest; // likewise
  }
  return newest;
}
