/**
 * What some tests need: programs beside this one, and root. A test that is ignored has the reason at the end of its
 * name, `(ignored: needs NAME)`, from where scripts/run_tests.ts takes it.
 *
 * @module
 */

/** Whether this process may make network namespaces. */
export const IS_ROOT: boolean = Deno.uid() === 0;

/** What to append to the name of a test that is ignored without root. */
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

/** Likewise without the file or folder. */
export function needsFile(path: string): string {
  try {
    Deno.statSync(path);
    return "";
  } catch {
    return ` (ignored: needs ${path})`;
  }
}

/** What to append to the name of a test that is ignored without the command. */
export function needs(command: string): string {
  return isInstalled(command) ? "" : ` (ignored: needs ${command})`;
}
