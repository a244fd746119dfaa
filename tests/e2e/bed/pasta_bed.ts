/**
 * The program in place of pasta: a lab, a guest with nothing but its loopback device, and a caller that does what
 * podman does: it runs the program to its end with pipes for stdout and stderr, reads both to their ends, and later ends
 * the daemon by removing the path of the guest's namespace or by a signal to the process of the pid file.
 *
 * @module
 */
import { Lab } from "../../../scripts/lab/lab.ts";
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import { check, type Result, run } from "../../../scripts/lab/process.ts";
import { PROGRAM_ENVIRONMENT, programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";

/** The addresses that podman gives pasta. */
export const PODMAN_DNS = "169.254.1.1", PODMAN_HOST = "169.254.1.2";

/** A lab with its servers, and a guest. */
export class PastaBed implements AsyncDisposable {
  private constructor(readonly lab: Lab, readonly guest: Namespace) {}

  static async create(): Promise<PastaBed> {
    const lab = await Lab.create();
    try {
      const [guest] = await Promise.all([lab.guest(), startServers(lab)]);
      return new PastaBed(lab, guest);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The file that the daemon's process id is written to. */
  get pidFile(): string {
    return `${this.lab.directory}/pasta.pid`;
  }

  /** Runs the program to its end, in the host or in `host`. `enter`: a command that becomes the program. */
  run(
    words: readonly string[],
    host: Namespace = this.lab.host,
    enter: readonly string[] = [],
  ): Promise<Result> {
    return host.run([...enter, ...programCommand(), "pasta", ...words], { cwd: PROJECT, env: PROGRAM_ENVIRONMENT });
  }

  /** Starts it as podman does, with these ports. Returns the daemon's process id. */
  async start(ports: readonly string[] = [], host?: Namespace): Promise<number> {
    const none = ["-t", "-u", "-T", "-U"].filter((option) => !ports.includes(option)).flatMap((option) => [
      option,
      "none",
    ]);
    return await this.startWith([
      ...["--config-net", ...ports, "--dns-forward", PODMAN_DNS, ...none, "--no-map-gw", "--quiet"],
      ...["--netns", this.guest.path, "--map-guest-addr", PODMAN_HOST],
    ], host);
  }

  /** Starts it with these words and a pid file. */
  async startWith(words: readonly string[], host?: Namespace, enter?: readonly string[]): Promise<number> {
    const { code, stdout, stderr } = await this.run(["--pid", this.pidFile, ...words], host, enter);
    if (code !== 0 || stdout !== "" || stderr !== "") throw new Error(`status ${code}: ${stdout}${stderr}`);
    return Number(await Deno.readTextFile(this.pidFile));
  }

  /** Runs a shell's script in the guest. */
  inGuest(script: string): Promise<Result> {
    return this.guest.run(["bash", "-c", script]);
  }

  /** Ends the daemon by the removal of the guest's namespace, and then the lab. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pid = Number(await Deno.readTextFile(this.pidFile).catch(() => "0"));
    await run(["ip", "netns", "delete", this.guest.name]);
    if (pid > 0) {
      await ended(pid).catch(async () => await check(["kill", "-KILL", String(pid)]));
    }
    await this.lab[Symbol.asyncDispose]();
  }
}

/** Waits until a process has ended. */
export async function ended(pid: number): Promise<void> {
  await until(`the end of process ${pid}`, 10_000, async () => {
    const status = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
    return status === "" || /\) Z /.test(status);
  });
}
