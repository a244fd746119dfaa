/**
 * Programs that some tests need beside this one.
 *
 * @module
 */

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

/** What to append to the name of a test that is ignored without the command. */
export function needs(command: string): string {
  return isInstalled(command) ? "" : ` (ignored: needs ${command})`;
}
