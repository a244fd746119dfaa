/** RootlessKit, on which rootless Docker, nerdctl and BuildKit stand, with this program in place of slirp4netns. */
import { HOST_LINK, WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import type { Process } from "../../../scripts/lab/process.ts";
import { url } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { e2eWith } from "../bed/bed.ts";
import { ContainerBed, SLIRP4NETNS } from "../bed/container_bed.ts";

/** The words of `rootlesskit`, as Docker has them, with a sandbox besides. */
const ROOTLESSKIT = [
  ...["rootlesskit", "--net=slirp4netns", `--slirp4netns-binary=${SLIRP4NETNS}`, "--mtu=65520"],
  ...["--slirp4netns-sandbox=auto", "--slirp4netns-seccomp=auto", "--disable-host-loopback", "--copy-up=/etc"],
];

/** Starts a shell that stays, and returns it with its process id. */
async function start(bed: ContainerBed, ...flags: readonly string[]): Promise<[kit: Process, pid: number]> {
  const kit = bed.start(...ROOTLESSKIT, ...flags, "sh", "-c", "echo shell $$; cat /proc/self/status; exec sleep 1000");
  await kit.line("stdout", /^shell /, 20_000);
  const pid = await until("the shell", 5_000, () => {
    return [...bed.base.processes()].find(([, line]) => line === "sleep 1000")?.[0];
  });
  return [kit, pid];
}

e2eWith(
  "rootlesskit",
  "RootlessKit: the world by name, over IPv4 and IPv6, with the addresses that it sets",
  async () => {
    await using bed = await ContainerBed.create();
    const script = "curl -sS --max-time 10 http://world.test/; ip -o -4 address show tap0; ip link show tap0";
    const { stdout, stderr, code } = await bed.run([...ROOTLESSKIT, "sh", "-c", script]);
    assertEquals(code, 0, stderr);
    assert(stdout.startsWith(`Hello, ${HOST_LINK.v4}, this is the world.\n`), stdout);
    assertMatch(stdout, / 10\.0\.2\.100\/24 /);
    assertMatch(stdout, / mtu 65520 /);
    await bed.noProgramLeft();

    const [, pid] = await start(bed, "--ipv6");
    await until("an address by SLAAC, known to be unique", 10_000, async () => {
      const { stdout } = await bed.inNetworkOf(pid, ["ip", "-6", "-oneline", "address", "show", "dev", "tap0"]);
      return /inet6 fd00::/.test(stdout) && !/tentative/.test(stdout);
    });
    const six = await bed.inNetworkOf(pid, ["curl", "-sS", "--max-time", "10", url(WORLD.v6)]);
    assertEquals(six.stdout, `Hello, ${HOST_LINK.v6}, this is the world.\n`, six.stderr);
  },
);

for (const driver of ["builtin", "slirp4netns"]) {
  e2eWith("rootlesskit", `RootlessKit: published ports, by --port-driver=${driver}`, async () => {
    await using bed = await ContainerBed.create();
    const { host, world } = bed.base.lab;
    const ports = ["-p=127.0.0.1:8080:80/tcp", "-p=192.0.2.1:8081:81/tcp", "-p=192.0.2.1:8053:53/udp"];
    const [kit, pid] = await start(bed, `--port-driver=${driver}`, ...ports);
    for (const port of [80, 81, 53]) await bed.serveIn(pid, port);
    const own = driver === "slirp4netns";
    await until("the ports", 10_000, async () => await bed.ask(host, "tcp", "127.0.0.1", 8080) !== "");
    assertEquals(await bed.ask(host, "tcp", "127.0.0.1", 8080), own ? "10.0.2.2" : "127.0.0.1");
    assertEquals(await bed.ask(world, "tcp", HOST_LINK.v4, 8081), own ? WORLD_LINK.v4 : "127.0.0.1");
    assertEquals(await bed.ask(world, "udp", HOST_LINK.v4, 8053), own ? WORLD_LINK.v4 : "127.0.0.1");

    const [program] = bed.programs();
    const status = await Deno.readTextFile(`/proc/${program}/status`);
    assertMatch(status, /^NoNewPrivs:\t1$/m);
    assertMatch(status, /^Seccomp:\t2$/m);
    kit.signal("SIGKILL"); // RootlessKit asks the kernel to end its children
    await kit.ended;
    await bed.noProgramLeft();
    assertEquals(await bed.ask(host, "tcp", "127.0.0.1", 8080), "", "nobody listens");
  });
}
