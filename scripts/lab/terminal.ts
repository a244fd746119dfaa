/**
 * Commands in a terminal of their own.
 *
 * @module
 */

const SCRIPT = new URL("terminal.py", import.meta.url).pathname;

/** The command line that runs a command in a terminal, with typed input; the steps are those of terminal.py. */
export function inTerminal(steps: readonly string[], command: readonly string[]): string[] {
  return ["python3", "-B", SCRIPT, ...steps, "--", ...command];
}
