/** Start, lines and end, as scripts around the program rely on them. */
import { GATEWAY, GUEST, makeDevice } from "../../../scripts/lab/device.ts";
import { HOST_LINK, Lab, WORLD } from "../../../scripts/lab/lab.ts";
import { run } from "../../../scripts/lab/process.ts";
import { launchProgram } from "../../../scripts/lab/program.ts";
import { clientCommand, startServers, url } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { Bed, BedKeeper, e2e, e2eEach, VERSIONS } from "../bed/bed.ts";
import { client, forwardsCommand, LOOPBACK } from "../bed/forward_bed.ts";
import { escape, field, text } from "../bed/reports.ts";

const TAP = { mode: "tap", mtu: 1500 } as const;

e2e("the start prints its lines in order, and signals the parent when it is done", async () => {
  let told = 0;
  const listener = () => told++;
  Deno.addSignalListener("SIGWINCH", listener);
  try {
    await using bed = await Bed.create(TAP);
    assertEquals(bed.program.stderr, [
      `[.] Joininig netns ${bed.guest.path}`,
      "[.] Opening tun interface tun0",
      `[+] #${bed.program.pid} Slirpnetstack started`,
    ]);
    await until("SIGWINCH", 2_000, () => told > 0);
  } finally {
    Deno.removeSignalListener("SIGWINCH", listener);
  }
});

for (const name of ["SIGTERM", "SIGINT"] as const) {
  e2e(`${name} resets the connections on both sides, says so, and the status is 0`, async () => {
    await using bed = await Bed.create(TAP);
    const clients = await Promise.all([WORLD.v4, WORLD.v6].map(async (address) => {
      const client = bed.lab.start(bed.guest, clientCommand("await-end", address));
      await client.line("stdout", /"open": 1/);
      return client;
    }));
    bed.program.signal(name);
    const start = performance.now();
    assertEquals(await bed.program.end(), 0);
    assert(performance.now() - start < 2_000, `it took ${performance.now() - start} ms`);
    assertEquals(bed.program.stderr.at(-1), `[-] #${bed.program.pid} Slirpnetstack closing`);
    for (const client of clients) await client.line("stdout", /"error": "ECONNRESET"/);
  });
}

e2e("started in the guest's namespace, without -netns: the device there, nothing joined, and traffic", async () => {
  await using lab = await Lab.create();
  const guest = await lab.guest();
  await Promise.all([makeDevice(guest, TAP), startServers(lab, guest, ["127.0.0.1"])]);
  const program = lab.adopt(launchProgram(guest, ["-R", "80:127.0.0.1:80"]));
  await program.line("stderr", /Slirpnetstack started$/, 20_000);
  assertEquals(program.stderr.filter((line) => line.startsWith("[")), [
    "[.] Opening tun interface tun0",
    `[+] #${program.pid} Slirpnetstack started`,
  ]);
  await guest.check(["ping", "-c", "1", "-W", "10", GATEWAY.v4]);
  const page = await guest.check(["curl", "--silent", "--show-error", "--max-time", "20", url(GATEWAY.v4)]);
  assertMatch(page, /^Hello, /); // over the device, and back into the same namespace from the host's side
  await program.line(
    "stdout",
    new RegExp(`^\\[\\+\\] tcp://${GUEST.v4}:\\d+-${GATEWAY.v4}:80/.* remote-fwd conn new$`),
  );
  assertEquals(await program.stop(), 0);
});

for (const mode of ["tap", "tun"] as const) {
  e2e(`a ${mode} device that goes away ends it with a line and a status that is not 0`, async () => {
    await using bed = await Bed.create({ mode, mtu: 1500 });
    await bed.guest.ip("link delete tun0");
    assert(await bed.program.end() !== 0);
    assertMatch(bed.program.stderr.at(-1)!, /^\[!\] .*tun0/);
  });
}

e2e("a missing namespace or device: status 253 and the reason", async () => {
  await using lab = await Lab.create();
  const guest = await lab.guest();
  await makeDevice(guest, TAP);
  for (
    const [flags, reason] of [
      [["-netns", "/run/netns/none-of-that-name"], /none-of-that-name/],
      [["-netns", guest.path, "-interface", "tun7"], /tun7/],
      [["-netns", guest.path, "-interface", "lo"], /lo/],
    ] as const
  ) {
    await using program = launchProgram(lab.host, flags);
    assertEquals(await program.end(), 253, program.stderr.join("\n"));
    assertMatch(program.stderr.at(-1)!, /^Failed to open TUN\/TAP: /);
    assertMatch(program.stderr.at(-1)!, reason);
    assertEquals(program.stdout, []);
  }
});

/** Starts the program with a fault; see broken_start.ts. */
function startBroken(how: string, flags: readonly string[]) {
  const script = new URL("../bed/broken_start.ts", import.meta.url).pathname;
  return run([Deno.execPath(), "run", "--cached-only", "-A", script, ...flags], {
    env: { NO_COLOR: "1", BROKEN: how },
  });
}

e2e("no descriptor is left at the start: status 1 and the thing that could not be made", async () => {
  for (const sockets of ["libc", "deno"]) {
    const { stdout, stderr, code } = await startBroken("descriptors", ["-sockets", sockets]);
    const line = "[!] Failed to watch descriptors: epoll_create1: Too many open files (EMFILE)\n";
    assertEquals(stdout, "", "stdout");
    assertEquals(stderr, line, "stderr");
    assertEquals(code, 1, "exit status");
  }
});

e2e("a fault before the program has started, awaited or not: status 1", async () => {
  for (const how of ["thrown", "rejected", "timer"]) {
    const { stdout, stderr, code } = await startBroken(how, ["-version"]);
    assertEquals(stdout, "", `stdout: ${how}`);
    assertEquals(code, 1, `exit status: ${how}`);
    assertMatch(stderr, /^\[!\] Internal error: Error: broken\n/, how);
  }
});

e2e("-quiet leaves stdout empty, during connections, forwards and failures", async () => {
  const local = ["-L", "91::9100", "-L", "udp://91::9100", "-L", "tcppp://92::9100", "-L", "93"];
  const remote = ["-R", "91::9100", "-R", "udp://91::9100", "-R", "92:name@srv-1:0", "-R", "93"];
  await using bed = await Bed.create(TAP, ["-quiet", ...local, ...remote]);
  const { guest, lab } = bed;
  assertEquals(await bed.client("echo", WORLD.v4, 1, "in-turn"), { echoed: 1, errors: [] });
  assertEquals(await bed.client("udp", WORLD.v4, 7, 1), [{ size: 1, error: null }]);
  assertEquals(field(await bed.client("connect", WORLD.v4, 1), "error"), "ECONNREFUSED");
  for (
    const [from, listener, to, target] of [
      [lab.host, LOOPBACK.v4, guest, GUEST.v4],
      [guest, GATEWAY.v4, lab.host, LOOPBACK.v4],
    ] as const
  ) {
    await lab.start(to, forwardsCommand("serve", target)).line("stdout", /^ready$/);
    assertEquals(typeof field(await client(from, "ask", listener, 91), "tcp"), "string");
    assertEquals(typeof field(await client(from, "ask-udp", listener, 91), "udp"), "string");
    for (const port of [92, 93]) {
      assertMatch(text(await client(from, "pieces", listener, port, "00", "end"), "error"), /^ECONN(REFUSED|RESET)$/);
    }
  }
  await bed.program.stop();
  assertEquals(bed.program.stdout, []);
});

e2e("a UDP association has a line when it is new and one when it is done", async () => {
  await using bed = await Bed.create(TAP, ["-max-udp-associations", "1"]); // so that each ends the one before
  for (const version of VERSIONS) {
    const address = WORLD[version], sizes = [1, 2];
    assertEquals(await bed.client("udp", address, 7, ...sizes), sizes.map((size) => ({ size, error: null })));
    const [guest, host, remote] = [GUEST[version], HOST_LINK[version], address].map(endpoint);
    const opened = new RegExp(`^\\[\\+\\] (udp://${guest}:\\d+/${host}:\\d+-${remote}:7) Routing conn new$`);
    const [, ends] = await bed.program.line("stdout", opened);
    const done = `[-] ${ends} Routing conn done: l=[too many associations]/0 r=0/0`;
    await bed.program.line("stdout", new RegExp(`^${escape(done)}$`));
  }
});

e2eEach(new BedKeeper(), {
  "a routed connection has a line when it is new and one when it is done": async (bed, address, version) => {
    const from = version === "v4" ? "10\\.0\\.2\\.100:\\d+" : "\\[fd00::100\\]:\\d+";
    const host = `${endpoint(HOST_LINK[version])}:\\d+-${endpoint(address)}:7`;
    await bed.client("echo", address, 1, "in-turn");
    await bed.program.line("stdout", new RegExp(`^\\[\\+\\] tcp://${from}/${host} Routing conn new$`));
    const done = await bed.program.line(
      "stdout",
      new RegExp(`^\\[-\\] tcp://${from}/${host} Routing conn done: l=(\\S+)/(\\S+) r=(\\S+)/(\\S+)$`),
    );
    assertEquals(done.slice(1), ["[EOF]", "0", "EOF", "0"]);
  },

  "a connection that the server refuses has a line": async (bed, address, version) => {
    const from = version === "v4" ? "10\\.0\\.2\\.100:\\d+" : "\\[fd00::100\\]:\\d+";
    await bed.client("connect", address, 1);
    await bed.program.line(
      "stdout",
      new RegExp(
        `^\\[!\\] tcp://${from}/${endpoint(address)}:1 Routing conn error: l=0/0 r=\\[connection refused\\]/0$`,
      ),
    );
  },
});

function endpoint(address: string): string {
  return address.includes(":") ? `\\[${address}\\]` : address.replaceAll(".", "\\.");
}
