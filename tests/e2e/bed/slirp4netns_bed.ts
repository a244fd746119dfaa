/**
 * The program in place of slirp4netns: a lab, a guest without a device, and the program started with slirp4netns'
 * options, which tells by a byte that it serves.
 *
 * @module
 */
import { Lab } from "../../../scripts/lab/lab.ts";
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import type { Process, Result } from "../../../scripts/lab/process.ts";
import { PROGRAM_ENVIRONMENT, programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";

/** Gives the command descriptor 3, which writes to the file `$0`. */
const WITH_READY_FD = 'exec "$@" 3> "$0"';

/** The command line of the program as slirp4netns, without its options. */
export function slirp4netnsCommand(): string[] {
  return [...programCommand(), "slirp4netns"];
}

/** A lab with its servers, and a guest whose namespace has nothing but its loopback device. */
export class Slirp4netnsBed implements AsyncDisposable {
  private starts = 0;

  private constructor(readonly lab: Lab, readonly guest: Namespace) {}

  static async create(): Promise<Slirp4netnsBed> {
    const lab = await Lab.create();
    try {
      const [guest] = await Promise.all([lab.guest(), startServers(lab)]);
      await guest.sysctl({ "ipv6/conf/default/router_solicitation_interval": 1 });
      return new Slirp4netnsBed(lab, guest);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts the program with these options on `tap0` of the guest. Returns when it has written its byte. */
  start(...options: readonly string[]): Promise<Process> {
    return this.startWith([...options, "--netns-type=path", this.guest.path, "tap0"]);
  }

  /** Starts it with these words, in the host or in `host`. `enter`: words before its command line. */
  async startWith(
    words: readonly string[],
    host: Namespace = this.lab.host,
    enter: readonly string[] = [],
  ): Promise<Process> {
    const ready = `${this.lab.directory}/ready${this.starts++}`;
    const command = ["sh", "-c", WITH_READY_FD, ready, ...enter, ...slirp4netnsCommand(), "-r", "3", ...words];
    const program = this.lab.adopt(host.start(command, { cwd: PROJECT, env: PROGRAM_ENVIRONMENT }));
    await until("the byte of --ready-fd", 20_000, async () => {
      if (program.code !== null) throw new Error(`status ${program.code}: ${program.stderr.join("\n")}`);
      return await Deno.readTextFile(ready).catch(() => "") === "1";
    });
    return program;
  }

  /** Runs the program to its end, without a ready descriptor. */
  run(...words: readonly string[]): Promise<Result> {
    return this.lab.host.run([...slirp4netnsCommand(), ...words], { cwd: PROJECT, env: PROGRAM_ENVIRONMENT });
  }

  /** Runs a shell's script in the guest. */
  inGuest(script: string): Promise<Result> {
    return this.guest.run(["bash", "-c", script]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}
