/**
 * Requirements of some tests: other programs, and root. An ignored test has the reason at the end of its name,
 * `(ignored: needs NAME)`, from which scripts/run_tests.ts takes it.
 *
 * @module
 */

/** Whether this process may make network namespaces. */
export const IS_ROOT: boolean = Deno.uid() === 0;

/** The text to append to the name of a test that is ignored without root. */
export const NEEDS_ROOT: string = IS_ROOT ? "" : " (ignored: needs root)";

/** Whether a command can be run. */
export function isInstalled(command: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${command}`).isFile;
    } catch {
      return false;
    }
  });
}

/** The same for a file or folder. */
export function needsFile(path: string): string {
  try {
    Deno.statSync(path);
    return "";
  } catch {
    return ` (ignored: needs ${path})`;
  }
}

/** The text to append to the name of a test that is ignored without the command. */
export function needs(command: string): string {
  return isInstalled(command) ? "" : ` (ignored: needs ${command})`;
}
