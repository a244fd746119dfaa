/**
 * The programs that are compared. Each attaches itself to a guest namespace as its documentation shows, with the flags
 * that make it fastest.
 *
 * gvproxy is not among them: its documentation attaches virtual machines, through sockets of QEMU, vfkit and User Mode
 * Linux or vsock, and never a device in a namespace. A bridge of ours between the two would be measured with it.
 *
 * @module
 */
import { makeDevice } from "../../lab/device.ts";
import { HOST_LINK, type Lab } from "../../lab/lab.ts";
import type { Namespace } from "../../lab/namespace.ts";
import { type Process, run } from "../../lab/process.ts";
import { programCommand, PROJECT, startProgram } from "../../lab/program.ts";
import { until } from "../../lab/until.ts";

/** A guest that a peer is to serve. */
export interface Place {
  readonly guest: Namespace;
  /** The MTU of its device. */
  readonly mtu: number;
  /** An index under 256 that no other guest of the lab has. */
  readonly number: number;
}

/** How to start a program whose start-up time is measured. */
export interface Launch {
  /** The command line, for the host, in this directory. */
  readonly command: readonly string[];
  readonly cwd?: string;
  /** The sign that it is ready: a line that it prints, or its exit when it goes on in the background. */
  readonly ready: "exit" | { readonly on: "stdout" | "stderr"; readonly says: RegExp };
  /** Its process id once it is ready. Not given: that of the process that was started. */
  pid?(): number;
}

/** A program that connects a guest to the host's network. */
export interface Peer {
  readonly name: string;
  /** Its version in a line, or null when it isn't installed. */
  version(): Promise<string | null>;
  /** Runs it in the lab's host, and returns when the guest has its network. Null: there is no process. */
  attach(lab: Lab, place: Place): Promise<Process | null>;
  /** Prepares a start; null: there is nothing to start. */
  readonly launch: ((lab: Lab, place: Place) => Promise<Launch>) | null;
  /** Prepares a command in a guest of its own, run by a user without privileges. Not given: the peer can't do that. */
  readonly run?: (command: readonly string[]) => Promise<Pick<Launch, "command" | "cwd">>;
}

/** Where `deno task compile` puts the executable. */
const EXECUTABLE = `${PROJECT}bin/slirpnetstack`;

/**
 * This project, the same in every piece of work: the program that SLIRPNETSTACK_BIN names, or else the executable if
 * there is one and `source` is false, or else the source.
 */
export function ours(source: boolean): Peer {
  return ofThisProject("slirpnetstack", ourCommand(source));
}

/** An executable of another version of this project, to compare with {@linkcode ours} in the same run. */
export function baseline(executable: string): Peer {
  return ofThisProject("baseline", [executable]);
}

function ofThisProject(name: string, command: readonly string[]): Peer {
  return {
    name,
    version: async () => {
      const said = await firstLine([...command, "-version"], PROJECT);
      return command.length === 1 ? `${command[0].replace(PROJECT, "")}, ${said}` : `from source, ${said}`;
    },
    async attach(lab, { guest, mtu }) {
      await makeDevice(guest, { mode: "tap", mtu });
      return lab.adopt(await startProgram(lab.host, guest, ["-quiet"], [...command]));
    },
    async launch(_lab, { guest, mtu }) {
      await makeDevice(guest, { mode: "tap", mtu });
      return {
        command: [...command, "-quiet", "-netns", guest.path],
        cwd: PROJECT,
        ready: { on: "stderr", says: /Slirpnetstack started/ },
      };
    },
    run: (words) => Promise.resolve({ command: [...command, "run", "-userns", "--", ...words], cwd: PROJECT }),
  };
}

function ourCommand(source: boolean): string[] {
  const compiled = !source && !Deno.env.get("SLIRPNETSTACK_BIN") && exists(EXECUTABLE);
  return compiled ? [EXECUTABLE] : programCommand();
}

/** slirp4netns(1). */
export const SLIRP4NETNS: Peer = {
  name: "slirp4netns",
  version: () => firstLine(["slirp4netns", "--version"]),
  async attach(lab, place) {
    const process = lab.start(lab.host, slirp4netnsCommand(place));
    await hasNetwork(place.guest, process);
    return process;
  },
  launch: (_lab, place) =>
    Promise.resolve({
      // it writes a 1 to the descriptor of --ready-fd, here our end of its stdout
      command: ["sh", "-c", 'exec "$@" 3>&1 >/dev/null', "sh", ...slirp4netnsCommand(place, ["--ready-fd=3"])],
      ready: { on: "stdout", says: /1/ },
    }),
};

function slirp4netnsCommand({ guest, mtu }: Place, more: readonly string[] = []): string[] {
  return [
    ...["slirp4netns", "--configure", `--mtu=${mtu}`, "--enable-ipv6", ...more],
    ...["--netns-type=path", guest.path, "tun0"],
  ];
}

/** pasta(1) by that name or path. */
export function pasta(name: string, program: string): Peer {
  return {
    name,
    version: async () => {
      const version = await firstLine([program, "--version"]);
      if (!version?.includes("unknown")) return version;
      const packaged = await firstLine(["dpkg-query", "--show", "passt"]); // some builds know no version of their own
      return packaged === null ? version : packaged.replace("\t", " ");
    },
    async attach(lab, place) {
      const process = lab.start(lab.host, pastaCommand(program, place, ["--foreground"]));
      await hasNetwork(place.guest, process);
      return process;
    },
    launch: (lab, place) => {
      const pidFile = `${lab.directory}/pasta-${place.number}.pid`;
      return Promise.resolve({
        command: pastaCommand(program, place, ["--pid", pidFile]),
        ready: "exit",
        pid: () => Number(Deno.readTextFileSync(pidFile)),
      });
    },
  };
}

/** No ports are forwarded, and the guest gets the host's addresses. As root it would change to nobody: stay root. */
function pastaCommand(program: string, { guest, mtu }: Place, more: readonly string[]): string[] {
  const noForwards = ["-t", "none", "-u", "none", "-T", "none", "-U", "none"];
  return [
    ...[program, "--quiet", "--runas", "0", "--config-net", "--mtu", String(mtu), ...more],
    ...noForwards,
    ...["--ns-ifname", "tun0", "--netns", guest.path],
  ];
}

/** pasta as the system has it. */
export const PASTA: Peer = pasta("pasta", "pasta");

/** The Go program of the same name, or another build of this one, by its path. It is called as both document it. */
function namesake(name: string, program: string): Peer {
  const command = (guest: Namespace) => [program, "-interface", "tun0", "-netns", guest.path];
  return {
    name,
    version: async () => `${program}, ${await firstLine([program, "-version"]) || "which tells no version"}`,
    async attach(lab, { guest, mtu }) {
      await makeDevice(guest, { mode: "tap", mtu });
      const process = lab.start(lab.host, command(guest));
      await process.line("stderr", /Slirpnetstack started/, 20_000);
      await hasNetwork(guest, process);
      return process;
    },
    async launch(_lab, { guest, mtu }) {
      await makeDevice(guest, { mode: "tap", mtu });
      return { command: command(guest), ready: { on: "stderr", says: /Slirpnetstack started/ } };
    },
  };
}

/** No user-mode networking at all: the kernel routes between two veths. It is the limit, and needs privileges. */
export const KERNEL: Peer = {
  name: "kernel",
  version: () => Promise.resolve(`no slirp: veth, routed by Linux ${Deno.osRelease()}`),
  async attach({ host, world }, { guest, mtu, number }) {
    const [net4, net6] = [`198.18.${number}`, `fd18:0:0:${number}:`];
    await host.ip(`
      link add to-guest${number} mtu ${mtu} type veth peer name tun0 mtu ${mtu} netns ${guest.name}
      address add ${net4}.1/24 dev to-guest${number}
      address add ${net6}:1/64 dev to-guest${number} nodad
      link set to-guest${number} up`);
    await guest.ip(`
      address add ${net4}.2/24 dev tun0
      address add ${net6}:2/64 dev tun0 nodad
      link set tun0 up
      route add default via ${net4}.1
      route add default via ${net6}:1`);
    await world.ip(`
      route add ${net4}.0/24 via ${HOST_LINK.v4}
      route add ${net6}:/64 via ${HOST_LINK.v6}`);
    await hasNetwork(guest, null);
    return null;
  },
  launch: null,
};

/** All peers: those that Debian packages, others that lie on PATH, and the kernel. */
export async function competitors(): Promise<Peer[]> {
  const [first, ...morePastas] = await onPath("pasta");
  const namesakes = (await onPath("slirpnetstack")).filter((path) =>
    path !== EXECUTABLE && path !== Deno.env.get("SLIRPNETSTACK_BIN")
  );
  return [
    SLIRP4NETNS,
    first === undefined ? PASTA : pasta("pasta", first),
    ...morePastas.map((path, index) => pasta(`pasta-${index + 2}`, path)),
    ...namesakes.map((path, index) => namesake(`slirpnetstack-${index + 2}`, path)),
    KERNEL,
  ];
}

/** The paths of the programs of that name in the directories of PATH, each file once. */
export async function onPath(name: string): Promise<string[]> {
  const found = new Map<string, string>();
  for (const directory of (Deno.env.get("PATH") ?? "").split(":").filter((directory) => directory !== "")) {
    const path = `${directory}/${name}`;
    if (!exists(path)) continue;
    const file = await Deno.realPath(path);
    if (!found.has(file)) found.set(file, path);
  }
  return [...found.values()];
}

/** Waits until the device is up and the guest has a default route. Throws when the process ends first. */
async function hasNetwork(guest: Namespace, process: Process | null): Promise<void> {
  await until("a default route in the guest", 10_000, async () => {
    if (process !== null && process.code !== null) {
      throw new Error(`ended at the start with status ${process.code}: ${process.stderr.join(" ")}`);
    }
    const routes = await run(["ip", "-n", guest.name, "route", "show", "default"]);
    return routes.stdout.includes("dev tun0") && await guest.hasCarrier("tun0");
  });
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

async function firstLine(command: readonly string[], cwd?: string): Promise<string | null> {
  try {
    return (await run(command, cwd === undefined ? {} : { cwd })).stdout.split("\n")[0];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
