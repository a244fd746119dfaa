/**
 * The bed of the tests of `slirpnetstack run`: a lab whose host has a name server, and an ordinary user there, with a
 * copy of the program in a folder with a space in its name.
 *
 * On a test machine that user may be able to read neither the project nor Deno, nor to use /dev/net/tun. So the user's
 * commands have a mount namespace in which these are readable, and everybody may use the device's file, as on most
 * systems. None of that is visible outside, or must be undone. Mounts there are shared, as with systemd, so that a
 * mount that the program fails to keep private would be visible.
 *
 * @module
 */
import { Lab, WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import { Process, type Result, run, type RunOptions } from "../../../scripts/lab/process.ts";
import { programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { filesOf, mountsOf, namespacesOf, processesOf } from "./leftovers.ts";

/** Makes the user's world, and holds it. */
const WORLD_OF_USER = `
at=$1 project=$2 deno=$3 cache=$4 executable=$5 user=$6
mount -t tmpfs -o mode=755 tmpfs "$at"
mknod -m 666 "$at/tun" c 10 200
mount --bind "$at/tun" /dev/net/tun
mkdir "$at/project" "$at/home" "$at/deno" "$at/deno/npm" "$at/bin"
mount --bind "$project" "$at/project"
mount --bind "$cache" "$at/deno/npm"
touch "$at/bin/deno" && mount --bind "$deno" "$at/bin/deno"
if [ -n "$executable" ]; then touch "$at/bin/program" && mount --bind "$executable" "$at/bin/program"; fi
chown "$user:$user" "$at/home" "$at/deno"
echo ready
exec cat`;

/** Runs a command as the user there. */
const AS_USER = `
at=$1 user=$2
shift 2
cd "$at/project"
exec setpriv --reuid "$user" --regid "$user" --clear-groups env -i \\
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$at/home" DENO_DIR="$at/deno" \\
  NO_COLOR=1 DENO_NO_UPDATE_CHECK=1 TERM=dumb SHELL=/bin/sh "$@"`;

/** The lab, the user and the user's world. */
export class RunBed implements AsyncDisposable {
  /** The namespaces, mounts and files from before the user's first command. */
  private readonly mounts: ReadonlyMap<string, string>;

  private constructor(
    readonly lab: Lab,
    /** The user's id, which nobody else has. */
    readonly user: number,
    /** A process in the namespaces in which the user's commands are started. */
    private readonly holder: Process,
    /** The host's name server, which prints the questions that it is asked. */
    readonly resolver: Process,
  ) {
    this.mounts = mountsOf(holder.pid);
  }

  /** Makes it. The name server knows world.test and world6.test, and loop.test and link.test. */
  static async create(): Promise<RunBed> {
    const lab = await Lab.create();
    try {
      const conf = `${lab.directory}/host.conf`;
      await Deno.writeTextFile(conf, "nameserver 127.0.0.53\nsearch test\n");
      await Deno.chmod(lab.directory, 0o755);
      await Deno.mkdir(`${lab.directory}/a user`);
      const resolver = new URL("../../../scripts/lab/resolver.py", import.meta.url).pathname;
      const into = ["loop.test=127.0.0.1", `link.test=${WORLD_LINK.v4}`]; // names that lead into the host's networks
      const names = [`world.test=${WORLD.v4}`, `world6.test=${WORLD.v6}`, ...into];
      const server = lab.start(lab.host, ["python3", "-B", resolver, "127.0.0.53", ...names]);
      await Promise.all([startServers(lab), server.line("stdout", /^ready$/)]);
      await lab.host.sysctl({ "ipv4/ping_group_range": "0 2147483647" }); // the default with systemd
      const user = 100_000 + Deno.pid % 100_000;
      const executable = Deno.env.get("SLIRPNETSTACK_BIN") ?? "";
      const words = [placeIn(lab), PROJECT, Deno.execPath(), await npmCache(), executable, String(user)];
      const make = ["unshare", "--mount", "--propagation", "shared", "sh", "-ec", WORLD_OF_USER, "sh", ...words];
      const holder = lab.start(lab.host.withResolvConf(conf), make);
      await holder.line("stdout", /^ready$/);
      return new RunBed(lab, user, holder, server);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A process in the user's mount namespace. */
  get holderPid(): number {
    return this.holder.pid;
  }

  /** The folder of the user's world. */
  get at(): string {
    return placeIn(this.lab);
  }

  /** The path of Deno for the user. */
  get deno(): string {
    return `${this.at}/bin/deno`;
  }

  /** The program's command line for the user, which can also be typed into a shell. */
  get program(): string[] {
    const [first, ...rest] = programCommand();
    return Deno.env.get("SLIRPNETSTACK_BIN") ? [`${this.at}/bin/program`] : [
      `${this.at}/bin/${first!.split("/").at(-1)}`,
      ...rest.map((word) => word === "main.ts" ? `${this.at}/project/main.ts` : word),
    ];
  }

  /**
   * A command line that runs a command as root in the user's world. The process that starts it becomes the command.
   *
   * @param pid a process whose mount namespace it is started in, made within the user's world; by default the user's
   * own
   */
  asRoot(command: readonly string[], pid: number = this.holder.pid): string[] {
    return ["nsenter", `--net=${this.lab.host.path}`, `--mount=/proc/${pid}/ns/mnt`, "--", ...command];
  }

  /** The same as the user. */
  asUser(command: readonly string[], pid: number = this.holder.pid): string[] {
    return this.asRoot(["sh", "-ec", AS_USER, "sh", this.at, String(this.user), ...command], pid);
  }

  /** Runs `slirpnetstack run` with these words to its end, as the user. */
  run(words: readonly string[], options?: RunOptions): Promise<Result> {
    return run(this.asUser([...this.program, "run", ...words]), options);
  }

  /** Starts `slirpnetstack run` with these words, as the user. */
  start(...words: readonly string[]): Process {
    return this.lab.adopt(Process.start(this.asUser([...this.program, "run", ...words])));
  }

  /** The user's process ids, by their command lines, without zombies. */
  processes(): Map<number, string> {
    return processesOf(this.user);
  }

  /** Waits until the user has no process, namespace, mount or file left. */
  async nothingLeft(): Promise<void> {
    let left: readonly string[] = [];
    try {
      await until("the end of all", 5_000, async () => (left = await this.leftovers()).length === 0);
    } catch (cause) {
      throw new Error(`left behind:\n${left.join("\n")}`, { cause });
    }
  }

  private async leftovers(): Promise<string[]> {
    const { user, at, mounts, holder: { pid } } = this;
    return [
      ...[...processesOf(user)].map((process) => process.join(": ")),
      ...namespacesOf(user),
      ...[...mountsOf(pid)].filter(([id]) => !mounts.has(id)).map(([, line]) => line),
      ...await filesOf(user, pid, `${at}/home`),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}

/** The folder of the user's world, with a space in its name. */
function placeIn(lab: Lab): string {
  return `${lab.directory}/a user`;
}

/** Deno's cache of packages. */
export async function npmCache(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"], cwd: PROJECT }).output();
  const info: unknown = JSON.parse(new TextDecoder().decode(stdout));
  const cache = typeof info === "object" && info !== null ? Reflect.get(info, "npmCache") : undefined;
  if (typeof cache !== "string") throw new Error("deno info does not say where packages are");
  return cache;
}
