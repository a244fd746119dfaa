/**
 * The program as root of a user namespace, in a network namespace that belongs to another: as rootless podman starts
 * everything. It may enter the guest's network namespace, and could not come back.
 */
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import { type Process, type Result, run } from "../../../scripts/lab/process.ts";
import { PROGRAM_ENVIRONMENT, programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { startServers, url } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assertEquals, assertMatch } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";

/** A user namespace whose root is in the lab's host, and a guest's network namespace that it owns. */
class ForeignHost implements AsyncDisposable {
  private constructor(readonly lab: Lab, readonly root: string, readonly guest: string) {}

  static async create(): Promise<ForeignHost> {
    const lab = await Lab.create();
    try {
      await startServers(lab);
      const wait = ["sh", "-c", "echo $$; exec sleep 1000"];
      const root = lab.start(lab.host, ["unshare", "--user", "--map-root-user", ...wait]);
      const [rootPid] = await root.line("stdout", /^\d+$/);
      const guest = lab.start(lab.host, [...within(rootPid), "unshare", "--net", ...wait]);
      const [guestPid] = await guest.line("stdout", /^\d+$/);
      return new ForeignHost(lab, rootPid!, guestPid!);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts the program on the guest. */
  start(...flags: readonly string[]): Process {
    const words = [...within(this.root), ...programCommand(), "-pid", this.guest, ...flags];
    return this.lab.adopt(this.lab.host.start(words, { cwd: PROJECT, env: PROGRAM_ENVIRONMENT }));
  }

  /** Runs a command in the guest's network. */
  inGuest(...command: readonly string[]): Promise<Result> {
    return run(["nsenter", "--target", this.guest, "--user", "--preserve-credentials", "--net", "--", ...command]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}

/** The words that put a command into the user namespace of a process, with its ids. */
function within(pid: string): string[] {
  return ["nsenter", "--target", pid, "--user", "--preserve-credentials", "--"];
}

/** The network namespaces of a process's threads. */
function networksOf(pid: number): Set<string> {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return new Set(threads.map(({ name }) => Deno.readLinkSync(`/proc/${pid}/task/${name}/ns/net`)));
}

e2e(
  "as root of a user namespace on a foreign host: the device is made and set up, and the host is reached",
  async () => {
    await using bed = await ForeignHost.create();
    for (const more of [[], ["-sandbox"]]) {
      const program = bed.start("-configure", "-interface", "tap0", "-mac-address", "52:54:00:12:34:56", ...more);
      await program.line("stderr", /Slirpnetstack started$/, 20_000);
      for (const address of [WORLD.v4, WORLD.v6]) {
        assertMatch((await bed.inGuest("curl", "-sS", "--max-time", "10", url(address))).stdout, /^Hello, /);
      }
      assertMatch((await bed.inGuest("ip", "link", "show", "tap0")).stdout, /link\/ether 52:54:00:12:34:56 /);
      const address = (await bed.inGuest("ip", "-4", "address", "show", "tap0")).stdout;
      assertMatch(address, /inet 10\.0\.2\.100\/24 brd 10\.0\.2\.255 /);
      await until("the end of the thread in the guest's network", 5_000, () => networksOf(program.pid).size === 1);
      program.signal("SIGKILL");
      await program.ended;
      assertEquals((await bed.inGuest("ip", "link", "show", "tap0")).code, 1, "the device is gone with the program");
    }
  },
);

e2e("as root of a user namespace on a foreign host: errors of the device are those of any other start", async () => {
  await using bed = await ForeignHost.create();
  const missing = bed.start();
  assertEquals(await missing.end(20_000), 253);
  assertMatch(missing.stderr.at(-1)!, /^Failed to open TUN\/TAP: .*on tun0: .*ENODEV.*-configure/);
  const own = bed.start("-netns", `/proc/${bed.root}/ns/net`, "-configure");
  assertEquals(await own.end(20_000), 253);
  assertMatch(own.stderr.at(-1)!, /-configure is refused/);
});
