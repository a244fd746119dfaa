/**
 * The stamp of an executable: its version and its build time.
 *
 * Both come from git where the sources are a checkout, so that the same commit makes the same executable, whenever and
 * wherever it is compiled.
 *
 * @module
 */
import config from "../../deno.json" with { type: "json" };
import { git, sourceDate } from "../../forward/cli/version.ts";

/** The folder that holds deno.json. */
export const ROOT: URL = new URL("../../", import.meta.url);

/** The version and the build time of an executable. */
export interface Stamp {
  /**
   * The version in deno.json. In a checkout whose commit is not tagged `vVERSION`, the commit follows as build metadata
   * (semver.org, item 10): `0.1.0+g0123abc`, or `0.1.0+g0123abc.dirty` when files have been changed.
   */
  readonly version: string;
  /**
   * SOURCE_DATE_EPOCH (reproducible-builds.org) if it is set; else the time of the newest commit, or now when files
   * have been changed since; without git, the time of the newest module.
   */
  readonly time: Date;
  /** Whether files differ from the newest commit. */
  readonly dirty: boolean;
}

/**
 * The stamp of the sources under `root`. Rejects when their time is unknown, or SOURCE_DATE_EPOCH is no number.
 *
 * @param epoch the value of SOURCE_DATE_EPOCH
 */
export async function readStamp(root: URL = ROOT, epoch = Deno.env.get("SOURCE_DATE_EPOCH")): Promise<Stamp> {
  const commit = await git(root, "rev-parse", "--short=7", "HEAD");
  const dirty = commit !== null && (await git(root, "status", "--porcelain", "--untracked-files=no") ?? "") !== "";
  const time = epoch === undefined ? dirty ? new Date() : await sourceDate(root) : parseEpoch(epoch);
  if (time === null) throw new Error(`no module and no commit in ${root}: nothing to stamp the executable with`);
  const tags = commit === null ? [] : (await git(root, "tag", "--points-at", "HEAD") ?? "").split("\n");
  const metadata = commit === null || tags.includes(`v${config.version}`) ? [] : [`g${commit}`];
  if (dirty) metadata.push("dirty");
  const version = metadata.length === 0 ? config.version : `${config.version}+${metadata.join(".")}`;
  return { version, time, dirty };
}

function parseEpoch(text: string): Date {
  if (!/^\d{1,11}$/.test(text)) {
    throw new Error(`SOURCE_DATE_EPOCH is ${JSON.stringify(text)}: a number of seconds was expected`);
  }
  return new Date(Number(text) * 1000);
}
