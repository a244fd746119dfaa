/**
 * Runs a script in a process of its own, for tests that use up descriptors or end the process.
 *
 * @module
 */
import { type Result, run } from "../../../scripts/lab/process.ts";
import { PROJECT } from "../../../scripts/lab/program.ts";

/** Runs the script with these permissions and the project's import map. */
export async function runScript(script: string, permissions = "--allow-all"): Promise<Result> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, script);
    return await run([Deno.execPath(), "run", "--no-check", "--config", `${PROJECT}deno.json`, permissions, file]);
  } finally {
    await Deno.remove(file);
  }
}
