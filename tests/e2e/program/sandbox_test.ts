/**
 * `-user` and `-sandbox`: the program has given up the privileges that it doesn't need, and still does all its work.
 */
import { GATEWAY, makeDevice } from "../../../scripts/lab/device.ts";
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import { Process } from "../../../scripts/lab/process.ts";
import { PROGRAM_ENVIRONMENT, programCommand, PROJECT, startProgram } from "../../../scripts/lab/program.ts";
import { startResolver, startServers, url } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { type Bed, e2e, VERSIONS } from "../bed/bed.ts";
import { client, ForwardBed, hostClient, ports } from "../bed/forward_bed.ts";
import { field } from "../bed/reports.ts";

const forwards = new ForwardBed("host");

/** /proc/PID/status of each of its threads. */
function threads(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) => {
    try {
      return [Deno.readTextFileSync(`/proc/${pid}/task/${name}/status`)];
    } catch {
      return []; // it has just ended
    }
  });
}

function values(pid: number, name: string): string[] {
  const pattern = new RegExp(`^${name}:\\s*(.*?)\\s*$`, "m");
  return [...new Set(threads(pid).map((status) => pattern.exec(status)![1].replaceAll("\t", " ")))];
}

/** SigCgt: a bit for each signal that has a handler. */
function handles(pid: number, signal: number): boolean {
  return values(pid, "SigCgt").some((mask) => (BigInt(`0x${mask}`) >> BigInt(signal - 1) & 1n) === 1n);
}

/** Uses every feature once, over both versions. */
async function worksFor(bed: Bed): Promise<void> {
  for (const version of VERSIONS) {
    assertEquals(await bed.client("echo", WORLD[version], 20, "at-once"), { echoed: 20, errors: [] });
    assertEquals(await bed.client("udp", WORLD[version], 7, 1000), [{ size: 1000, error: null }]);
    assertEquals(field(await bed.client("connect", WORLD[version], 1), "error"), "ECONNREFUSED");
    assertEquals(await bed.client("reset-by-server", WORLD[version]), { error: "ECONNRESET" });
    const { code, stdout } = await bed.guest.run(["ping", "-n", "-c", "1", "-W", "5", WORLD[version]]);
    assertEquals(code, 0, stdout);
  }
  const blob = await bed.curl(url(WORLD.v4, "/blob"), "--output", "/dev/null", "--write-out", "%{size_download}");
  assertEquals(blob.stdout, "30000000", blob.stderr);
  assertEquals(field(await client(bed.guest, "ask", GATEWAY.v4, 91), "tcp"), "127.0.0.1", "by a name, looked up now");
  assertEquals(await hostClient(bed, "echo", "127.0.0.1", 1, "in-turn"), { echoed: 1, errors: [] });
}

const FLAGS = ["-icmp", "auto", "-L", "tcp://127.0.0.1:0:10.0.2.100:1", "-R", "91:localhost:9100", "-dns"];

e2e("-sandbox -user: no thread has a privilege left; everything works, and SIGTERM ends it", async () => {
  const { lab } = await forwards.get();
  await lab.host.sysctl({ "ipv4/ping_group_range": "0 2147483647" });
  const socket = `${lab.directory}/metrics`, capture = `${lab.directory}/sandbox.pcap`;
  let told = 0;
  const listener = () => told++;
  Deno.addSignalListener("SIGWINCH", listener);
  const bed = await forwards.with(...FLAGS, "-sandbox", "-user", "nobody", "-m", `unix://${socket}`, "-pcap", capture);
  const { pid } = bed.program;
  await until("SIGWINCH", 2_000, () => told > 0);
  Deno.removeSignalListener("SIGWINCH", listener);
  await worksFor(bed);
  assert(threads(pid).length > 3, "no threads but one");
  const nobody = "65534 65534 65534 65534";
  assertEquals(values(pid, "Uid"), [nobody], "Uid");
  assertEquals(values(pid, "Gid"), [nobody], "Gid");
  assertEquals(values(pid, "Groups"), ["65534"], "Groups");
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) assertEquals(values(pid, set), ["0".repeat(16)], set);
  assertEquals(values(pid, "NoNewPrivs"), ["1"], "NoNewPrivs");
  assertEquals(values(pid, "Seccomp"), ["2"], "Seccomp");
  const metrics = await lab.host.check(["curl", "-sS", "--unix-socket", socket, "http://x/metrics"]);
  assertMatch(metrics, /^process_open_fds \d+$/m);
  bed.program.signal("SIGTERM");
  assertEquals(await bed.program.end(), 0);
  assertEquals(bed.program.stderr.filter((line) => line.startsWith("[!]")), []);
  assert(Deno.statSync(capture).size > 30_000_000);
});

e2e(
  "-sandbox alone, by root: raw sockets for pings where the system permits no others; metrics' socket is removed",
  async () => {
    const { lab } = await forwards.get();
    await lab.host.sysctl({ "ipv4/ping_group_range": "1 0" });
    const socket = `${lab.directory}/metrics2`;
    const bed = await forwards.with(...FLAGS, "-sandbox", "-m", `unix://${socket}`);
    await worksFor(bed);
    assertEquals(values(bed.program.pid, "NoNewPrivs"), ["1"], "NoNewPrivs");
    assertEquals(values(bed.program.pid, "Seccomp"), ["2"], "Seccomp");
    assertEquals(ports(bed).length, 2);
    assertEquals(await bed.program.stop(), 0);
    assert(await lab.host.run(["test", "-e", socket]).then(({ code }) => code !== 0), "the socket stays");
  },
);

/** Places of the host's resolv.conf: the file itself, or a link to PLACE in the lab's folder. */
const RESOLV_CONFS: readonly (readonly [what: string, place: string, links: readonly (readonly [string, string])[]])[] =
  [
    ["a resolv.conf", "etc/resolv.conf", []],
    ["what resolv.conf is a link to", "run/manager/resolv.conf", [["etc/resolv.conf", "PLACE"]]],
    [
      "what resolv.conf leads to by two links",
      "run/manager/real.conf",
      [["etc/resolv.conf", "LAB/stub/resolv.conf"], ["stub/resolv.conf", "../run/manager/real.conf"]],
    ],
  ];

for (
  const [flags, [what, place, links]] of [["-sandbox"], ["-sandbox", "-user", "nobody"]].flatMap((flags) =>
    RESOLV_CONFS.map((conf) => [flags, conf] as const)
  )
) {
  e2e(
    `${flags.join(" ")}: ${what} that another is renamed to is noticed, by -dns and for names of -R`,
    async () => {
      await using lab = await Lab.create();
      const etc = `${lab.directory}/etc`, conf = `${lab.directory}/${place}`;
      await lab.host.check(["cp", "-a", "/etc", etc]);
      await Deno.chmod(lab.directory, 0o755); // for other users
      for (const folder of ["run/manager", "stub"]) await Deno.mkdir(`${lab.directory}/${folder}`, { recursive: true });
      await Deno.remove(`${etc}/resolv.conf`).catch(() => {});
      for (const [from, to] of links) {
        await Deno.symlink(to.replace("PLACE", conf).replace("LAB", lab.directory), `${lab.directory}/${from}`);
      }
      const configure = async (server: string) => {
        await Deno.writeTextFile(`${conf}.new`, `nameserver ${server}\noptions timeout:1 attempts:1\n`);
        await Deno.rename(`${conf}.new`, conf);
      };
      await configure("127.0.0.53");
      const [guest] = await Promise.all([
        lab.guest(),
        startServers(lab),
        startResolver(lab, lab.host, ["127.0.0.53"], { "web.test": "203.0.113.77" }),
        startResolver(lab, lab.host, ["127.0.0.54"], { "web.test": WORLD.v4 }),
      ]);
      await makeDevice(guest, { mode: "tap", mtu: 1500 });
      const forward = ["-dns", "-dns-ttl", "0", "-R", "91:web.test:7"];
      const program = await startProgram(lab.host.withEtc(etc), guest, [...flags, ...forward]);
      lab.adopt(program);
      const dig = async () => (await guest.run(["dig", "@10.0.2.3", "+short", "+tries=1", "web.test"])).stdout.trim();
      assertEquals(await dig(), "203.0.113.77");
      await configure("127.0.0.54");
      await until("the new name server to be asked", 5_000, async () => await dig() === WORLD.v4);
      assertEquals(await client(guest, "pieces", GATEWAY.v4, 91, "01", "end"), { answer: "\x01", error: null });
      // the last of four ids is the one that opens files
      const status = await Deno.readTextFile(`/proc/${program.pid}/status`);
      assertMatch(status, flags.includes("-user") ? /^Uid:(\s65534){4}$/m : /^Uid:(\s0){3}\s65534$/m);
    },
  );
}

e2e("-sandbox: a resolv.conf that becomes a link to elsewhere can't be read, and is reported once", async () => {
  await using lab = await Lab.create();
  const etc = `${lab.directory}/etc`, conf = `${etc}/resolv.conf`, elsewhere = `${lab.directory}/elsewhere`;
  await lab.host.check(["cp", "-a", "/etc", etc]);
  await Deno.chmod(lab.directory, 0o755);
  await Deno.writeTextFile(`${conf}.new`, "nameserver 127.0.0.53\n");
  await Deno.rename(`${conf}.new`, conf);
  const [guest] = await Promise.all([
    lab.guest(),
    startResolver(lab, lab.host, ["127.0.0.53"], { "web.test": WORLD.v4 }),
  ]);
  await makeDevice(guest, { mode: "tap", mtu: 1500 });
  const program = lab.adopt(await startProgram(lab.host.withEtc(etc), guest, ["-sandbox", "-dns"]));
  const dig = async () => (await guest.run(["dig", "@10.0.2.3", "+short", "+tries=1", "web.test"])).stdout.trim();
  assertEquals(await dig(), WORLD.v4);
  await Deno.writeTextFile(elsewhere, "nameserver 127.0.0.54\n");
  await Deno.symlink(elsewhere, `${conf}.new`);
  await Deno.rename(`${conf}.new`, conf);
  const said = () => program.stderr.filter((line) => line.includes("resolv.conf"));
  await until("the line", 10_000, async () => await dig() === WORLD.v4 && said().length > 0);
  assertMatch(said()[0], /^\[!\] \/etc\/resolv\.conf can't be read, so 127\.0\.0\.53 is asked for names: .*EACCES/);
  await Deno.writeTextFile(`${conf}.new`, "nameserver 127.0.0.53\n");
  await Deno.rename(`${conf}.new`, conf);
  assertEquals(await dig(), WORLD.v4);
  assertEquals(said().length, 1);
});

e2e("run: the program is in the sandbox unless -sandbox=false, and its command never is", async () => {
  const bed = await forwards.get();
  for (const flags of [[], ["-sandbox=false"]]) {
    const script =
      `trap 'exit 5' TERM; grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status; echo ready; while :; do sleep 0.1; done`;
    const command = [...programCommand(), "run", ...flags, "--", "sh", "-c", script];
    await using program = Process.start(bed.lab.host.enter(command), { cwd: PROJECT, env: PROGRAM_ENVIRONMENT });
    await program.line("stdout", /^ready$/, 20_000);
    assertEquals(program.stdout.slice(0, 2), ["NoNewPrivs:\t0", "Seccomp:\t0"]);
    const filtered = flags.length === 0 ? "2" : "0";
    await until("the filter", 5_000, () => values(program.pid, "Seccomp").join() === filtered);
    await until("SIGTERM to be handled", 5_000, () => handles(program.pid, 15));
    program.signal("SIGTERM");
    assertEquals(await program.end(), 5, program.stderr.join("\n"));
    assertEquals(program.stderr, []);
  }
});

e2e("-user without the right to change users: a line with the reason, status 1, and nothing on stdout", async () => {
  const bed = await forwards.get();
  await bed.program.stop();
  const make = 'ip tuntap add mode tap name tun0 && ip link set tun0 up && exec "$@"';
  const command = ["unshare", "-Urn", "sh", "-c", make, "sh", ...programCommand(), "-user", "nobody"];
  await using program = Process.start(bed.lab.host.enter(command), { cwd: PROJECT, env: PROGRAM_ENVIRONMENT });
  assertEquals(await program.end(20_000), 1, program.stderr.join("\n"));
  assertMatch(
    program.stderr.at(-1)!,
    /^\[!\] Failed to give up privileges: setgroups on 65534: Operation not permitted \(EPERM\): only root can become another user$/,
  );
  assert(!program.stderr.some((line) => line.endsWith("started")));
  assertEquals(program.stdout, []);
});
