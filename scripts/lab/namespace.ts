/**
 * A network namespace made by `ip netns add`, and commands in it.
 *
 * @module
 */
import { check, Process, type Result, run, type RunOptions } from "./process.ts";

/** Mounts one file or folder over another, for one command only. */
const inPlaceOf = (path: string) => ["unshare", "--mount", "sh", "-ec", `mount --bind "$0" ${path}; exec "$@"`];

/** A named network namespace. The caller deletes it; {@linkcode Lab} does. */
export class Namespace {
  /** @param before words put before each command */
  private constructor(readonly name: string, private readonly before: readonly string[] = []) {}

  /** Makes it, with its loopback device up. Needs root. */
  static async create(name: string): Promise<Namespace> {
    await check(["ip", "netns", "add", name]);
    const namespace = new Namespace(name);
    await namespace.ip("link set lo up");
    return namespace;
  }

  /** The same namespace, where commands see that file as /etc/resolv.conf. */
  withResolvConf(file: string): Namespace {
    return new Namespace(this.name, [...inPlaceOf("/etc/resolv.conf"), file]);
  }

  /** The same namespace, where commands see that folder as /etc. */
  withEtc(folder: string): Namespace {
    return new Namespace(this.name, [...inPlaceOf("/etc"), folder]);
  }

  /** The path that setns(2), nsenter and `-netns` take. */
  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** Runs `ip` commands, one a line, without the word `ip`. Throws at the first that fails. */
  async ip(commands: string): Promise<void> {
    await check(["ip", "-n", this.name, "-batch", "-"], { stdin: commands });
  }

  /** Whether the device exists, is up and has a carrier, so that a program is attached to it. */
  async hasCarrier(device: string): Promise<boolean> {
    const result = await run(["ip", "-n", this.name, "link", "show", "dev", device]);
    return /[<,]LOWER_UP[,>]/.test(result.stdout);
  }

  /** Writes kernel settings of this namespace: paths below /proc/sys/net, with `/`. */
  async sysctl(settings: Record<string, string | number>): Promise<void> {
    const lines = Object.entries(settings).map(([path, value]) => `echo '${value}' > /proc/sys/net/${path}`);
    await this.check(["sh", "-ec", lines.join("\n")]);
  }

  /** The command line that runs a command in here. The process that starts it becomes the command. */
  enter(command: readonly string[]): string[] {
    return ["nsenter", `--net=${this.path}`, "--", ...this.before, ...command];
  }

  /** Runs a command in here to its end: see {@linkcode run}. */
  run(command: readonly string[], options?: RunOptions): Promise<Result> {
    return run(this.enter(command), options);
  }

  /** Runs a command in here that must succeed; returns its stdout. */
  check(command: readonly string[], options?: RunOptions): Promise<string> {
    return check(this.enter(command), options);
  }

  /** Starts a process in here. The caller ends it; {@linkcode Lab} kills what is left. */
  start(command: readonly string[], options?: Pick<RunOptions, "cwd" | "env">): Process {
    return Process.start(this.enter(command), options);
  }
}
