/**
 * The lines of `-version`.
 *
 * An executable is stamped when it is compiled. Run from source, the build time is that of the newest commit, or,
 * where the sources are no git checkout (an unpacked archive), that of the newest file.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import { buildTime } from "./build_stamp.ts";

/** The program's version. */
export const version: string = config.version;

/** The two lines, without the last newline. */
export async function versionLines(): Promise<string> {
  const time = buildTime ?? await sourceTime(new URL("..", import.meta.url));
  return `slirpnetstack version ${version}\nbuild time ${time}`;
}

/**
 * The time of the sources under a directory as `YYYY-MM-DD-HH:MMUTC`, or `unknown` when it can't be told (they were
 * loaded from elsewhere than a file system).
 */
export async function sourceTime(root: URL): Promise<string> {
  if (root.protocol !== "file:") return "unknown";
  const time = await newestCommit(root) ?? await newestFile(root);
  return time === null ? "unknown" : formatBuildTime(time);
}

/** `2026-07-01-09:05UTC`. */
export function formatBuildTime(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", "-")}UTC`;
}

/** Null without git, or where the directory itself is no checkout (the one around it may be something else). */
async function newestCommit(root: URL): Promise<Date | null> {
  const gitDir = new URL(".git", root);
  try {
    await Deno.stat(gitDir);
    const { success, stdout } = await new Deno.Command("git", {
      args: ["--git-dir", decodeURIComponent(gitDir.pathname), "log", "-1", "--format=%ct"],
      stdin: "null",
      stderr: "null",
    }).output();
    const seconds = new TextDecoder().decode(stdout).trim();
    return success && /^\d+$/.test(seconds) ? new Date(Number(seconds) * 1000) : null;
  } catch {
    return null; // it is a line for people: what can't be found out is not worth an error
  }
}

/** The modification time of the newest module; null when there is none that can be read. */
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
