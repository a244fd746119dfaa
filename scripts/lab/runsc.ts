/**
 * gVisor's `runsc`, for a test with the real one: the command on PATH, or one that {@linkcode buildRunsc} has built
 * with Go below bin/.
 *
 * @module
 */
import { check } from "./process.ts";
import { PROJECT } from "./program.ts";

/** A version of gVisor's branch `go`, which the Go tools can build. */
const MODULE = "gvisor.dev/gvisor/runsc@v0.0.0-20260701204157-69c2d17aea96";

/** The folder of the built one. */
const FOLDER = `${PROJECT}bin/gvisor`;

/** ms for a build, which takes two minutes on two processors. */
const PATIENCE_MS = 900_000;

/** The folder of a runsc, to be put on a PATH; null: there is none. */
export function runscFolder(): string | null {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), FOLDER];
  return folders.find((folder) => isFile(`${folder}/runsc`)) ?? null;
}

/** Builds it with `go`, from modules of the Go proxy. Rejects with the compiler's message when that fails. */
export async function buildRunsc(): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-runsc-" });
  try {
    const env = { CGO_ENABLED: "0", GOBIN: directory };
    await check(["go", "install", "-trimpath", "-ldflags=-s -w", MODULE], {
      env,
      cwd: directory,
      timeout: PATIENCE_MS,
    });
    await Deno.mkdir(FOLDER, { recursive: true });
    await Deno.copyFile(`${directory}/runsc`, `${FOLDER}/runsc.${Deno.pid}`);
    await Deno.rename(`${FOLDER}/runsc.${Deno.pid}`, `${FOLDER}/runsc`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
