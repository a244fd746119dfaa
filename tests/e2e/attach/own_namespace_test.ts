/** `-configure` if the guest's network namespace is the program's own: the host's. */
import { Lab } from "../../../scripts/lab/lab.ts";
import { Process, run } from "../../../scripts/lab/process.ts";
import { launchProgram } from "../../../scripts/lab/program.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { RunBed } from "../bed/run_bed.ts";

const REFUSED =
  /^Failed to open TUN\/TAP: -configure is refused: .* network namespace is the one that this program runs in.*-pid or -netns/;

/** Everything that `-configure` may change: devices, addresses, and the routes of both families. */
async function stateOf(lab: Lab): Promise<string> {
  const state = ["-o link", "-o address", "-4 route show table all", "-6 route show table all"].map((what) =>
    lab.host.check(["ip", ...what.split(" ")])
  );
  const settings = lab.host.check(["cat", "/proc/sys/net/ipv4/ping_group_range"]);
  // without lifetimes and use counts, which change by themselves
  return (await Promise.all([...state, settings])).join("\n").replace(/(expires|valid_lft|preferred_lft) \w+/g, "");
}

/** An idle lab. The host's loopback device is down, because that would be changed too. */
async function labWithLoopbackDown(): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip("link set lo down");
  await until("the link-local address", 10_000, async () => {
    return /fe80::/.test(await lab.host.check(["ip", "-6", "route", "show", "table", "local"]));
  });
  return lab;
}

e2e("-configure on the program's own network namespace is refused, and nothing there changes", async () => {
  await using lab = await labWithLoopbackDown();
  const start = (...command: readonly string[]) => lab.start(lab.host, command).pid;
  const pids = {
    "a process that has not made its namespaces yet": start("sleep", "1000"),
    "a container with the host's network": start("unshare", "--mount", "--uts", "--ipc", "sleep", "1000"),
    "a user namespace alone": start("unshare", "--user", "--map-root-user", "sleep", "1000"),
  };
  const targets: [string, readonly string[]][] = [
    ["no target", []],
    ["the name of the namespace", ["-netns", lab.host.path]],
    ...Object.entries(pids).map(([name, pid]): [string, readonly string[]] => [name, ["-pid", `${pid}`]]),
  ];
  const before = await stateOf(lab);
  assertMatch(before, /^default via /m, "the host has a route that could be lost");
  for (const [name, target] of targets) {
    await using program = launchProgram(lab.host, [...target, "-configure"]);
    assertEquals(await program.end(), 253, `${name}: ${program.stderr.join("\n")}`);
    assertMatch(program.stderr.at(-1)!, REFUSED, name);
    assertEquals(await stateOf(lab), before, name);
  }
});

e2e("-configure on the own namespace without root: the same line", async () => {
  await using bed = await RunBed.create();
  const waiting = bed.lab.adopt(Process.start(bed.asUser(["sh", "-c", "echo $$; exec sleep 1000"])));
  const [pid] = await waiting.line("stdout", /^\d+$/, 20_000);
  for (const target of [[], ["-pid", pid]]) {
    const { stderr, code } = await run(bed.asUser([...bed.program, ...target, "-configure"]));
    assertEquals(code, 253, stderr);
    assertMatch(stderr.trimEnd().split("\n").at(-1)!, REFUSED);
  }
});

e2e("-configure on a namespace of the guest's own works, and leaves the host's unchanged", async () => {
  await using lab = await labWithLoopbackDown();
  const guest = await lab.guest();
  const before = await stateOf(lab);
  const program = lab.adopt(launchProgram(lab.host, ["-netns", guest.path, "-configure"]));
  await program.line("stderr", /Slirpnetstack started$/, 20_000);
  assertMatch(await guest.check(["ip", "route"]), /^default via 10\.0\.2\.2 dev tun0/m);
  assertEquals(await stateOf(lab), before);
  assert(await program.stop() === 0);
});
