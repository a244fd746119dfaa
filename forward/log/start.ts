/**
 * Opens the program's log of `-log` and `-log-level`.
 *
 * @module
 */
import { ExitStatus, logFailed } from "../report/contract_lines.ts";
import type { SharedOptions } from "../cli/flags/options.ts";
import type { Output } from "../report/output.ts";
import { attempt } from "../report/start_failed.ts";
import type { ProgramLog } from "./program_log.ts";

/** A file for appending, whose writes never wait. */
export interface LogFile {
  /** Writes `bytes[from..to)` and returns how many; 0: not now. Throws when it can't. */
  write(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): number;
}

/** The parts of the system that the log needs. */
export interface LogParts {
  /** Opens a file, which is made if it is missing. Throws when it can't. */
  readonly append: (path: string) => LogFile;
  readonly stderr: Output;
}

/**
 * Opens the log that the flags ask for; null: none. Must be called before `-user` and `-sandbox` take effect, because the
 * file and LogTape can't be opened afterwards. Rejects with a {@linkcode StartFailed}.
 */
export async function startLog(
  { log: path, logLevel, logFormat: format }: Pick<SharedOptions, "log" | "logLevel" | "logFormat">,
  { append, stderr }: LogParts,
): Promise<ProgramLog | null> {
  if (path === null && logLevel === null) return null;
  const write = path === null
    ? stderrWriter(stderr)
    : fileWriter(attempt(ExitStatus.FAILURE, logFailed, () => append(path)));
  const { openProgramLog } = await import("./logtape.ts");
  return openProgramLog({ level: logLevel ?? "info", format }, { write, now: () => performance.now() });
}

function stderrWriter(stderr: Output): (text: string) => boolean {
  return (text) => {
    stderr.text(text);
    return true; // it counts the lines that it drops itself
  };
}

/** Writes records to the file. When the disk is full or the reader of a pipe slow, records are lost, and that is all. */
function fileWriter(file: LogFile): (text: string) => boolean {
  const encoder = new TextEncoder();
  return (text) => {
    const bytes = encoder.encode(text);
    try {
      return file.write(bytes, 0, bytes.length) === bytes.length;
    } catch {
      return false;
    }
  };
}
