/**
 * Reads slirp4netns' command line to the end: prints help, the version and errors, or returns what is to be started. The
 * modules of the flags are loaded only for a start: callers ask for help before each.
 *
 * @module
 */
import type { Output } from "../../report/output.ts";
import type { Command } from "../command_line.ts";
import { readSlirp4netns, type Slirp4netnsContext } from "./arguments.ts";
import type { TranslationContext } from "./translation.ts";

/** Where to print, and what to look things up with. */
export interface Slirp4netnsCommandContext extends Slirp4netnsContext, Pick<TranslationContext, "interfaceAddress"> {
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Reads the arguments after the name. */
export async function readSlirp4netnsCommandLine(
  args: readonly string[],
  context: Slirp4netnsCommandContext,
): Promise<Command> {
  const { stdout, stderr, interfaceAddress } = context;
  const read = readSlirp4netns(args, context);
  if (read.stdout !== "") stdout.text(read.stdout);
  if (read.kind === "end") {
    if (read.stderr !== "") stderr.text(read.stderr);
    return { kind: "end", status: read.status };
  }
  const { parseOptions } = await import("../flags/options.ts");
  const { translateSlirp4netns } = await import("./translation.ts");
  const { slirp4netnsBanner } = await import("./banner.ts");
  const parsed = await parseOptions([], { resolve: () => Promise.reject(new Error("no flag has a name")) });
  if (parsed.kind !== "options") throw new Error("a command line without flags is right");
  const translation = translateSlirp4netns(read.settings, read.target, { defaults: parsed.options, interfaceAddress });
  if (translation.kind === "error") {
    stderr.line(translation.message);
    return { kind: "end", status: FAILURE };
  }
  const { options, network } = translation;
  const banner = slirp4netnsBanner(options, network);
  return { kind: "slirp4netns", options, flags: args, banner };
}

/** The status of all failures. */
const FAILURE = 1;
