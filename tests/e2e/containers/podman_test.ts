/** Rootless podman with this program in place of slirp4netns. */
import { HOST_LINK, WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import { url } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { e2eWith } from "../bed/bed.ts";
import { ContainerBed, ROOTFS } from "../bed/container_bed.ts";

/** The words of `podman run` for a container of the bed. */
function podmanRun(network: string, ...more: readonly string[]): string[] {
  return ["podman", "run", "--network", network, ...more, "--rootfs", ROOTFS];
}

/** Starts a container that stays, and returns the process id of its first process. */
async function startContainer(bed: ContainerBed, network: string, ...more: readonly string[]): Promise<number> {
  const run = await bed.run([...podmanRun(network, "--name=box", "--detach", ...more), "sleep", "1000"]);
  assertEquals(run.code, 0, run.stderr);
  return await pidOf(bed);
}

async function pidOf(bed: ContainerBed): Promise<number> {
  const inspected = await bed.run(["podman", "inspect", "--format={{.State.Pid}}", "box"]);
  assertEquals(inspected.code, 0, inspected.stderr);
  return Number(inspected.stdout);
}

async function removeContainer(bed: ContainerBed): Promise<void> {
  const removed = await bed.run(["podman", "rm", "--force", "--time=0", "box"]);
  assertEquals(removed.code, 0, removed.stderr);
}

e2eWith("podman", "podman: a container fetches by name over IPv4 and IPv6, and its status is passed on", async () => {
  await using bed = await ContainerBed.create();
  const script = "wget -qO- http://world.test/ && wget -qO- http://world6.test/ && exit 7";
  const { stdout, stderr, code } = await bed.run([...podmanRun("slirp4netns", "--rm"), "sh", "-c", script]);
  assertEquals(code, 7, stderr);
  assertEquals(stdout, `Hello, ${HOST_LINK.v4}, this is the world.\nHello, ${HOST_LINK.v6}, this is the world.\n`);
  await bed.noProgramLeft();
});

e2eWith("podman", "podman: a container with a user namespace of its own", async () => {
  await using bed = await ContainerBed.create();
  for (const flag of ["--userns=keep-id", "--uidmap=0:1:1000"]) {
    const { stdout, stderr } = await bed.run([
      ...podmanRun("slirp4netns", "--rm", flag),
      ...["wget", "-qO-", "http://world.test/"],
    ]);
    assertEquals(stdout, `Hello, ${HOST_LINK.v4}, this is the world.\n`, stderr);
  }
});

e2eWith("podman", "podman: the container's network, its policy, the sandbox, and the end", async () => {
  await using bed = await ContainerBed.create();
  const pid = await startContainer(bed, "slirp4netns:mtu=9000,cidr=10.1.2.0/24");
  const there = async (...command: readonly string[]) => (await bed.inNetworkOf(pid, command)).stdout;
  const device = await there("ip", "address", "show", "tap0");
  assertMatch(device, / mtu 9000 /);
  assertMatch(device, /inet 10\.1\.2\.100\/24 brd 10\.1\.2\.255 /);
  assertMatch(device, /inet6 fd00::\S+\/64 scope global dynamic/, "the kernel's own address");
  assertMatch(await there("ip", "route"), /^default via 10\.1\.2\.2 dev tap0/m);

  for (const address of [WORLD.v4, WORLD.v6, WORLD_LINK.v4]) {
    assertMatch(await there("curl", "-sS", "--max-time", "10", url(address)), /^Hello, /, address);
  }
  assertEquals(await there("dig", "+short", "@10.1.2.3", "world.test"), `${WORLD.v4}\n`);
  assertEquals((await bed.inNetworkOf(pid, ["ping", "-c", "1", "-W", "5", WORLD.v4])).code, 0);
  const loopback = await bed.inNetworkOf(pid, ["curl", "-sS", "--max-time", "5", "http://10.1.2.2:9/"]);
  assertEquals(loopback.code, 7, "the host's loopback is closed");

  const [program, ...others] = bed.programs();
  assertEquals(others, []);
  const status = await Deno.readTextFile(`/proc/${program}/status`);
  assertMatch(status, /^NoNewPrivs:\t1$/m);
  assertMatch(status, /^Seccomp:\t2$/m, "a filter of system calls");
  assertMatch(status, new RegExp(`^Uid:\t${bed.base.user}\t`, "m"));
  assert((BigInt(`0x${/^CapEff:\t(.*)$/m.exec(status)?.[1]}`) & 1n << 21n) === 0n, "no CAP_SYS_ADMIN");
  await removeContainer(bed);
  await bed.noProgramLeft();
});

for (const handler of ["slirp4netns", "rootlesskit"]) {
  e2eWith("podman", `podman: published ports, by port_handler=${handler}`, async () => {
    await using bed = await ContainerBed.create();
    const { host, world } = bed.base.lab;
    const ports = ["-p=127.0.0.1:8080:80", "-p=192.0.2.1:8081-8083:8081-8083", "-p=192.0.2.1:8053:53/udp"];
    const pid = await startContainer(bed, `slirp4netns:port_handler=${handler}`, ...ports);
    for (const port of [80, 8081, 8082, 8083, 53]) await bed.serveIn(pid, port);
    const own = handler === "slirp4netns";
    for (const port of [8081, 8082, 8083]) {
      const seen = await bed.ask(world, "tcp", HOST_LINK.v4, port);
      assertEquals(seen, own ? WORLD_LINK.v4 : "10.0.2.100", `the source of a connection from the world to ${port}`);
    }
    assertEquals(await bed.ask(world, "udp", HOST_LINK.v4, 8053), own ? WORLD_LINK.v4 : "10.0.2.100");
    assertEquals(await bed.ask(host, "tcp", "127.0.0.1", 8080), own ? "10.0.2.2" : "10.0.2.100");
    if (own) assertEquals(await bed.ask(host, "udp", HOST_LINK.v4, 8053), HOST_LINK.v4, "from the host itself");

    const taken = await bed.run([
      ...podmanRun(`slirp4netns:port_handler=${handler}`, "--rm", "-p=127.0.0.1:8080:80"),
      "true",
    ]);
    assertEquals(taken.code, 126, taken.stderr);
    await removeContainer(bed);
    await bed.noProgramLeft();
    assertEquals(await bed.ask(host, "tcp", "127.0.0.1", 8080), "", "it does not listen any more");
  });
}

e2eWith("podman", "podman: restart, kill, and a program that is killed", async () => {
  await using bed = await ContainerBed.create();
  await startContainer(bed, "slirp4netns:port_handler=slirp4netns", "-p=127.0.0.1:8080:80");
  const [first] = bed.programs();
  const restarted = await bed.run(["podman", "restart", "--time=0", "box"]);
  assertEquals(restarted.code, 0, restarted.stderr);
  const [second, ...others] = bed.programs();
  assert(second !== first && others.length === 0, `${first}; ${second}, ${others}`);
  const pid = await pidOf(bed);
  await bed.serveIn(pid, 80);
  assertEquals(await bed.ask(bed.base.lab.host, "tcp", "127.0.0.1", 8080), "10.0.2.2");

  assertEquals((await bed.run(["podman", "kill", "box"])).code, 0);
  await bed.noProgramLeft();
  assertEquals((await bed.run(["podman", "start", "box"])).code, 0);
  const again = await pidOf(bed);
  Deno.kill(bed.programs()[0]!, "SIGKILL");
  await until("the end of the device", 5_000, async () => {
    return (await bed.inNetworkOf(again, ["ip", "link", "show", "tap0"])).code === 1;
  });
  await removeContainer(bed);
});
