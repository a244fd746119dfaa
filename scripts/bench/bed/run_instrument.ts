/**
 * Runs the measuring instrument: its server in the world, its client in a guest.
 *
 * @module
 */
import type { Lab } from "../../lab/lab.ts";
import type { Namespace } from "../../lab/namespace.ts";

/** Starts the server on these addresses of the world, and waits until it listens. */
export async function startInstrument(lab: Lab, addresses: readonly string[]): Promise<void> {
  const server = lab.start(lab.world, command("server.ts", addresses));
  await server.line("stdout", /^ready$/);
}

/** Runs a client in the guest to its end: see instrument/client.ts. Throws an Error with its stderr when it fails. */
export async function instrument(
  guest: Namespace,
  ...words: readonly (string | number)[]
): Promise<Record<string, number>> {
  const result = await guest.run(instrumentCommand(...words), { timeout: 60_000 });
  if (result.code !== 0) throw new Error(result.stderr.trim() || `the instrument ended with status ${result.code}`);
  return JSON.parse(result.stdout);
}

/** The command line of a client. */
export function instrumentCommand(...words: readonly (string | number)[]): string[] {
  return command("client.ts", words.map(String));
}

function command(file: string, words: readonly string[]): string[] {
  const path = new URL(`../instrument/${file}`, import.meta.url).pathname;
  return [Deno.execPath(), "run", "--quiet", "--no-lock", "--allow-ffi", path, ...words];
}
