/**
 * This project's program as a process: from its source with exactly the permissions of `deno task start`, or the
 * executable that the environment variable SLIRPNETSTACK_BIN names. When it attaches to a guest, the flags in
 * SLIRPNETSTACK_FLAGS, separated by blanks, come before all others, so that tests can run with `-sandbox`, for example.
 *
 * @module
 */
import type { Namespace } from "./namespace.ts";
import type { Process } from "./process.ts";
import { until } from "./until.ts";

/** The folder that holds deno.json and main.ts. */
export const PROJECT: string = new URL("../..", import.meta.url).pathname;

/** The program's environment: no colours, and no check for newer versions of the runtime. */
export const PROGRAM_ENVIRONMENT = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" } as const;

/** The command line that starts the program, without its flags. Must be run in {@linkcode PROJECT}. */
export function programCommand(): string[] {
  const executable = Deno.env.get("SLIRPNETSTACK_BIN");
  if (executable) return [executable];
  const task = /"start": "[^\n]* deno (run [^"]+) \\"\$PROJECT\/main.ts\\""/.exec(
    Deno.readTextFileSync(`${PROJECT}deno.json`),
  );
  if (task === null) throw new Error('deno.json has no task `start` that ends with `deno run ... "$PROJECT/main.ts"`');
  return [Deno.execPath(), ...task[1].split(" "), "main.ts"];
}

/** The flags in SLIRPNETSTACK_FLAGS. */
function moreFlags(): string[] {
  return Deno.env.get("SLIRPNETSTACK_FLAGS")?.split(" ").filter((flag) => flag !== "") ?? [];
}

/** Starts the program in `host` on the guest's device; does not wait until it is ready. */
export function launchProgram(host: Namespace, flags: readonly string[], command = programCommand()): Process {
  return host.start([...command, ...moreFlags(), ...flags], { cwd: PROJECT, env: PROGRAM_ENVIRONMENT });
}

/** Starts the program in `host` on the guest's `tun0`, and returns when it has started and the device has a carrier. */
export async function startProgram(
  host: Namespace,
  guest: Namespace,
  flags: readonly string[] = [],
  command?: string[],
): Promise<Process> {
  const program = launchProgram(host, ["-netns", guest.path, ...flags], command);
  try {
    await program.line("stderr", /Slirpnetstack started/, 20_000);
    await until("the carrier of tun0", 5_000, () => guest.hasCarrier("tun0"));
    return program;
  } catch (error) {
    await program.stop();
    throw error;
  }
}
