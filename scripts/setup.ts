/**
 * Provides the programs that the tests, the demo and the benchmark run. For root on Debian it installs missing ones
 * with apt-get. For everyone else it prints the command, and the exit status is 1. Prints nothing if nothing is
 * missing.
 *
 *     deno run -A scripts/setup.ts [--test] [--bench]
 *
 * @module
 */
import { argumentsOr } from "./common/arguments.ts";
import { fetchMachine, hasMachine } from "./lab/machine.ts";
import { buildRunsc, runscFolder } from "./lab/runsc.ts";

/** A command and the Debian package that contains it. */
interface Tool {
  readonly command: string;
  readonly package: string;
}

const NEEDED: readonly Tool[] = [
  { command: "bash", package: "bash" },
  { command: "ip", package: "iproute2" },
  { command: "nsenter", package: "util-linux" },
  { command: "unshare", package: "util-linux" },
  { command: "curl", package: "curl" },
  { command: "busybox", package: "busybox" },
  { command: "dhclient", package: "isc-dhcp-client" },
  { command: "dig", package: "bind9-dnsutils" },
  { command: "ping", package: "iputils-ping" },
  { command: "iperf3", package: "iperf3" },
  { command: "tcpdump", package: "tcpdump" },
  { command: "python3", package: "python3" },
];

/** Further programs by which the tests check this program's output. */
const CHECKERS: readonly Tool[] = [
  { command: "promtool", package: "prometheus" },
  { command: "groff", package: "groff-base" },
  { command: "mandoc", package: "mandoc" },
  { command: "fish", package: "fish" },
  { command: "zsh", package: "zsh" },
];

/** For the test with a virtual machine, which also needs a kernel. Without them the test is ignored. */
const EMULATOR: Tool = { command: "qemu-system-x86_64", package: "qemu-system-x86" };

/** The programs that start slirp4netns, and what they need. Their tests are ignored if they are not available. */
const CALLERS: readonly Tool[] = [
  { command: "podman", package: "podman" },
  { command: "buildah", package: "buildah" },
  { command: "rootlesskit", package: "rootlesskit" },
  { command: "crun", package: "crun" },
  { command: "newuidmap", package: "uidmap" },
];

/** Debian's browser, for the tests of the page of `-m`. Without it they are ignored. */
const BROWSER: Tool = { command: "chromium", package: "chromium" };

/** The programs that the benchmark compares with, if they are available. A test compares with the first. */
const SLIRP4NETNS: Tool = { command: "slirp4netns", package: "slirp4netns" };
const PEERS: readonly Tool[] = [SLIRP4NETNS, { command: "pasta", package: "passt" }];

/** Nothing fails without these: tests are ignored, and the benchmark compares with fewer programs. */
const OPTIONAL: readonly Tool[] = [EMULATOR, BROWSER, ...CALLERS, ...PEERS];

/** The folders to search besides PATH: a user's PATH on Debian lacks the administrator's commands. */
const MORE_PLACES = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

const TUN_DEVICE = "/dev/net/tun";

const USAGE = "usage: deno run -A scripts/setup.ts [--test] [--bench]";

if (import.meta.main) {
  const given = argumentsOr(USAGE, Deno.args, { flags: ["test", "bench"] });
  const wanted = new Set([
    ...NEEDED,
    ...(given.has("test") ? [...CHECKERS, EMULATOR, BROWSER, ...CALLERS, SLIRP4NETNS] : []),
    ...(given.has("bench") ? PEERS : []),
  ]);
  const ready = await provide([...wanted]) && await provideTun();
  if (ready && given.has("test")) {
    await provideMachine();
    await provideRunsc();
  }
  Deno.exit(ready ? 0 : 1);
}

/** Installs missing programs, or prints how. Returns false if a required one is still missing. */
async function provide(wanted: readonly Tool[]): Promise<boolean> {
  const missing = wanted.filter((tool) => !isThere(tool.command));
  if (missing.length === 0) return true;
  const names = missing.map((tool) => tool.command).join(", ");
  if (!isThere("apt-get")) {
    console.error(`setup: not found: ${names}. Install them with your system's package manager.`);
  } else if (Deno.uid() !== 0) {
    console.error(`setup: not found: ${names}. Install them with:\n\n    sudo ${install(missing).join(" ")}\n`);
  } else {
    console.error(`setup: not found: ${names}; running ${install(missing).join(" ")}`);
    await aptGet(missing);
  }
  const still = missing.filter((tool) => !isThere(tool.command));
  for (const tool of still) console.error(`setup: still without ${tool.command} (package ${tool.package})`);
  return still.every((tool) => OPTIONAL.includes(tool));
}

function install(tools: readonly Tool[]): string[] {
  const packages = new Set(tools.map((tool) => tool.package));
  return ["apt-get", "install", "--yes", "--no-install-recommends", ...packages];
}

/**
 * Installs the packages. A machine that was never updated, or long ago, needs the list of packages first. A package
 * that is not available keeps apt-get from installing the others, so optional ones are then installed one by one.
 */
async function aptGet(tools: readonly Tool[]): Promise<void> {
  if (await quietly(install(tools))) return;
  await quietly(["apt-get", "update"]);
  if (await quietly(install(tools))) return;
  const needed = tools.filter((tool) => !OPTIONAL.includes(tool));
  if (needed.length > 0) await quietly(install(needed), "inherit");
  for (const tool of tools) if (OPTIONAL.includes(tool)) await quietly(install([tool]));
}

async function quietly(command: readonly string[], output: "null" | "inherit" = "null"): Promise<boolean> {
  const status = await new Deno.Command(command[0], {
    args: command.slice(1),
    // with SYSTEMD_OFFLINE, systemctl(1) does not start a package's service (prometheus has one)
    env: { DEBIAN_FRONTEND: "noninteractive", SYSTEMD_OFFLINE: "1" },
    stdin: "null",
    stdout: output,
    stderr: output,
  }).spawn().status;
  return status.success;
}

/** Downloads the system that a test's virtual machine boots. If that fails, the test is ignored. */
async function provideMachine(): Promise<void> {
  if (hasMachine() || Deno.build.arch !== "x86_64" || !isThere("apt-get")) return;
  try {
    await fetchMachine();
  } catch (error) {
    console.error(`setup: no kernel for a virtual machine: ${error instanceof Error ? error.message : error}`);
  }
}

/** Builds gVisor's runsc if Go is installed. Otherwise, or if that fails, the tests with the real runsc are ignored. */
async function provideRunsc(): Promise<void> {
  if (Deno.uid() !== 0 || !isThere("go") || runscFolder() !== null) return;
  console.error("setup: building gVisor's runsc with go; this takes some minutes, once");
  try {
    await buildRunsc();
  } catch (error) {
    console.error(`setup: no runsc: ${error instanceof Error ? error.message : error}`);
  }
}

/** Makes /dev/net/tun if a container lacks it. For users other than root it prints how. */
async function provideTun(): Promise<boolean> {
  if (exists(TUN_DEVICE)) return true;
  if (Deno.uid() === 0) {
    Deno.mkdirSync("/dev/net", { recursive: true });
    await quietly(["mknod", TUN_DEVICE, "c", "10", "200"]); // Documentation/admin-guide/devices.txt: misc, TAP/TUN
    await quietly(["chmod", "666", TUN_DEVICE]);
    if (exists(TUN_DEVICE)) return true;
  }
  console.error(`setup: ${TUN_DEVICE} is missing. Make it with:

    sudo mkdir -p /dev/net && sudo mknod -m 666 ${TUN_DEVICE} c 10 200
`);
  return false;
}

function isThere(command: string): boolean {
  const places = [...(Deno.env.get("PATH") ?? "").split(":"), ...MORE_PLACES];
  return places.some((place) => exists(`${place}/${command}`));
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    const { NotFound, NotADirectory, PermissionDenied } = Deno.errors; // PermissionDenied: in a folder closed to the user
    if ([NotFound, NotADirectory, PermissionDenied].some((kind) => error instanceof kind)) return false;
    throw error;
  }
}
