/**
 * The executable that `deno task compile` makes, in places where it has nothing but itself. SLIRPNETSTACK_BIN names it.
 * Without that variable, there are no tests here; with it, all other tests in this folder use that executable as well.
 */
import { makeDevice } from "../../../scripts/lab/device.ts";
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import { type Process, run } from "../../../scripts/lab/process.ts";
import { both, startServers, url } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { IS_ROOT, NEEDS_ROOT } from "../bed/installed.ts";

const EXECUTABLE = Deno.env.get("SLIRPNETSTACK_BIN") ?? "";

/** The most bytes. Deno's runtime is 93 MiB of them. */
const MAX_SIZE = 105 * 2 ** 20;

/**
 * ms. One of several runs must be that fast, so that other work on this machine does not count. `deno task bench`
 * measures the start; here it must only stay in its class.
 */
const MAX_VERSION_TIME = 150, MAX_START_TIME = 500;
/** On a slower machine: the most times as long as the runtime takes to do nothing. */
const MAX_VERSION_RATIO = 3;

/** A path that must be quoted wherever it passes a shell or a URL. */
const PLACE = "a path with spaces, 100% ü #1";

/** Registers a test that needs an executable. */
function executable(name: string, fn: () => Promise<void>, needsRoot = true): void {
  if (EXECUTABLE === "") return;
  const ignore = needsRoot && !IS_ROOT;
  Deno.test({
    name: `executable: ${name}${needsRoot ? NEEDS_ROOT : ""}`,
    ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn,
  });
}

executable("its size, and what it says of itself with an empty environment in an empty directory", async () => {
  assert((await Deno.stat(EXECUTABLE)).size < MAX_SIZE);
  const path = await Deno.realPath(EXECUTABLE);
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-" });
  try {
    const times: number[] = [];
    let limit: number;
    do {
      const nothing = await run([Deno.execPath(), "eval", "--no-config", "0"], { cwd: directory });
      limit = Math.max(MAX_VERSION_TIME, MAX_VERSION_RATIO * nothing.milliseconds);
      const { code, stdout, stderr, milliseconds } = await run(["env", "-i", path, "-version"], { cwd: directory });
      assertMatch(stdout, /^slirpnetstack version \d+\.\d+\.\d+\S*\nbuild time \d{4}-\d\d-\d\d-\d\d:\d\dUTC\n$/);
      assertEquals(stderr, "", "stderr");
      assertEquals(code, 0, "exit status");
      times.push(milliseconds);
    } while (times.at(-1)! > limit && times.length < 20);
    assert(times.at(-1)! <= limit, `-version took ${times.map(Math.round)} ms`);
    assertEquals([...Deno.readDirSync(directory)], []);
  } finally {
    await Deno.remove(directory);
  }
}, false);

executable("from a path with spaces, where nothing can be written, it serves a guest", async () => {
  await using lab = await Lab.create();
  const [guest] = await Promise.all([lab.guest(), startServers(lab)]);
  await makeDevice(guest, { mode: "tap", mtu: 1500 });
  // It has mounts of its own: / is read-only, and so is /tmp, which is empty except for the executable and its working
  // directory.
  const script = `
    mount -t tmpfs tmpfs /mnt; mkdir "/mnt/$2" /mnt/empty; cp "$1" "/mnt/$2/slirp net"
    mount --move /mnt /tmp; mount -o remount,ro /tmp; mount --no-mtab -o remount,bind,ro /
    ! touch /tmp/x /x 2>&- || exit 1
    cd /tmp/empty; program="/tmp/$2/slirp net"; shift 2; exec env -i "$program" "$@"`;
  const program = lab.start(lab.host, [
    ...["unshare", "--mount", "sh", "-ec", script, "sh", await Deno.realPath(EXECUTABLE), PLACE],
    ...["-netns", guest.path],
  ]);
  await started(program);
  for (const address of both(WORLD)) {
    assertStringIncludes(await guest.check(["curl", "--silent", "--max-time", "20", url(address)]), "Hello, ");
  }
  assertEquals(program.stdout.filter((line) => line.includes("Routing conn new")).length, 2, program.stdout.join("\n"));
  assertEquals(await program.stop(), 0);
});

executable("another user, in the guest's namespace, on a device that was made for that user", async () => {
  await using lab = await Lab.create();
  const guest = await lab.guest();
  await guest.ip(`
    tuntap add mode tap name tun0 user 65534
    link set tun0 up
    address add 10.0.2.100/24 dev tun0`);
  const copy = `${lab.directory}/slirpnetstack`;
  await Deno.chmod(lab.directory, 0o755);
  await Deno.copyFile(EXECUTABLE, copy);
  const program = lab.start(guest, asNobody("--no-new-privs", "env", "-i", "-C", "/", copy, "-interface", "tun0"));
  await started(program);
  await guest.check(["ping", "-c", "1", "-W", "10", "10.0.2.2"]);
  assertEquals(await program.stop(), 0);
});

executable(
  "`run` as another user, from a path with spaces, with an empty environment: the command's status",
  async () => {
    const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-" });
    try {
      await Deno.chmod(directory, 0o755);
      await Deno.mkdir(`${directory}/${PLACE}`);
      const copy = `${directory}/${PLACE}/slirp net`;
      await Deno.copyFile(EXECUTABLE, copy);
      const command = [copy, "run", "--", "sh", "-c", "ping -c 1 -W 10 10.0.2.2 && exit 7"];
      const environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
      const { code, stdout, stderr } = await run(asNobody(...environment, ...command), { cwd: "/" });
      assertEquals(code, 7, stdout + stderr);
      assertStringIncludes(stdout, " 1 received");
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);

executable("starts soon, and leaves nothing behind in /tmp", async () => {
  await using lab = await Lab.create();
  const guest = await lab.guest();
  await makeDevice(guest, { mode: "tap", mtu: 1500 });
  const path = await Deno.realPath(EXECUTABLE);
  const words = [path, "-netns", guest.path];
  const script = `
    mount -t tmpfs tmpfs /mnt; cp "$1" /mnt/program; mount -t tmpfs tmpfs /tmp; cd /tmp
    shift; set -- /mnt/program "$@"
    trap 'kill $pid' TERM; HOME=/tmp "$@" & pid=$!; wait $pid || wait $pid; ls -A /tmp`;
  const program = lab.start(lab.host, ["unshare", "--mount", "sh", "-ec", script, "sh", ...words]);
  await started(program);
  assertEquals(await program.stop(), 0);
  assertEquals(program.stdout, []);

  const times: number[] = [];
  do {
    await until("the device is free", 5_000, async () => !await guest.hasCarrier("tun0"));
    const begin = performance.now();
    const program = lab.start(lab.host, words);
    await started(program);
    times.push(performance.now() - begin);
    assertEquals(await program.stop(), 0);
  } while (times.at(-1)! > MAX_START_TIME && times.length < 20);
  assert(times.at(-1)! <= MAX_START_TIME, `it started in ${times.map(Math.round)} ms`);
});

async function started(program: Process): Promise<void> {
  await program.line("stderr", /Slirpnetstack started$/, 20_000);
}

/**
 * A command line that runs a command as nobody, with a tun device that nobody may use whatever the system's own node
 * says.
 */
function asNobody(...command: readonly string[]): string[] {
  const script = `
    mount -t tmpfs tmpfs /mnt; mknod -m 666 /mnt/tun c 10 200; mount --bind /mnt/tun /dev/net/tun
    exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"`;
  return ["unshare", "--mount", "sh", "-ec", script, "sh", ...command];
}

executable("called by the name of slirp4netns or pasta, it is that", async () => {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-" });
  try {
    const link = `${directory}/slirp4netns`;
    await Deno.symlink(await Deno.realPath(EXECUTABLE), link);
    const byLink = await run([link, "--version"]);
    assertMatch(byLink.stdout, /^slirp4netns version /, "by a link");
    await Deno.symlink(await Deno.realPath(EXECUTABLE), `${directory}/pasta`);
    assertMatch((await run([`${directory}/pasta`, "--version"])).stdout, /^pasta slirpnetstack /, "that of pasta");
    const onPath = await run(["sh", "-c", "slirp4netns --help"], {
      env: { PATH: `${directory}:${Deno.env.get("PATH")}` },
    });
    assertMatch(onPath.stdout, /^Usage: slirp4netns /, "by a link on PATH");
    const byName = await run(["bash", "-c", 'exec -a slirp4netns "$0" --version', EXECUTABLE]);
    assertMatch(byName.stdout, /^slirp4netns version /, "by exec -a");
    const byWord = await run([EXECUTABLE, "slirp4netns", "--bogus"]);
    assertEquals(byWord.code, 1, "by its first word");
    assertMatch(
      (await run([EXECUTABLE, "-version"])).stdout,
      /^slirpnetstack version /,
      "and by its own name it is not",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}, false);
