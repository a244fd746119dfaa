/**
 * Reads pasta's command line to the end: prints help, the version and errors, or returns what is to be started.
 *
 * Unless it stays in the foreground, the program starts itself once more, in the background, with a descriptor to tell by
 * that it serves. That process serves the guest, and this one waits until it does.
 *
 * @module
 */
import type { Output } from "../../report/output.ts";
import type { Command } from "../command_line.ts";
import { readPasta } from "./arguments.ts";
import type { PastaContext } from "./translation.ts";

/** Where to print, and what to look things up with. */
export interface PastaCommandContext extends Pick<PastaContext, "hostLink"> {
  /** This program's version. */
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Reads the arguments after the name. `daemon`: the descriptor of the process in the background; null: it is not. */
export async function readPastaCommandLine(
  args: readonly string[],
  daemon: number | null,
  context: PastaCommandContext,
): Promise<Command> {
  const { version, stdout, stderr, hostLink } = context;
  const read = readPasta(args, version);
  if (read.kind === "end") {
    if (read.stdout !== "") stdout.text(read.stdout);
    if (read.stderr !== "") stderr.text(read.stderr);
    return { kind: "end", status: read.status };
  }
  const { settings, path } = read;
  if (!settings.foreground && daemon === null) return { kind: "background", words: args };
  const { parseOptions } = await import("../flags/options.ts");
  const { translatePasta } = await import("./translation.ts");
  const parsed = await parseOptions([], { resolve: () => Promise.reject(new Error("no flag has a name")) });
  if (parsed.kind !== "options") throw new Error("a command line without flags is right");
  const translation = translatePasta(settings, path, { defaults: parsed.options, hostLink });
  if (translation.kind === "error") {
    stderr.line(translation.message);
    return { kind: "end", status: FAILURE };
  }
  return {
    kind: "pasta",
    options: { ...translation.options, readyFd: daemon },
    flags: args,
    endsWith: settings.quitWithNetns ? path : null,
    pidFile: settings.pidFile,
  };
}

/** The status of all failures. */
const FAILURE = 1;
