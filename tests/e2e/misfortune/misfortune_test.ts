/** Misfortunes around the program, each of which costs the connection concerned and nothing more. */
import { HOST_LINK, Lab, WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import { GATEWAY, GUEST, makeDevice } from "../../../scripts/lab/device.ts";
import { check } from "../../../scripts/lab/process.ts";
import { startProgram } from "../../../scripts/lab/program.ts";
import { residentMemory } from "../../../scripts/lab/usage.ts";
import { until } from "../../../scripts/lab/until.ts";
import { url } from "../../../scripts/lab/services.ts";
import { assert, assertEquals } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { client, startNames } from "../bed/forward_bed.ts";
import { ask, assertServing, limit, metrics, misfortune, MisfortuneBed, start } from "../bed/misfortune_bed.ts";
import { field } from "../bed/reports.ts";

const beds = new MisfortuneBed();

/** Becomes the command, with a 4 KiB pipe as stdout; with `inheritable`, its reading end is open and never read. */
const piped = (inheritable: boolean): string[] => [
  "python3",
  "-c",
  "import fcntl, os, sys\nr, w = os.pipe()\nfcntl.fcntl(w, 1031, 4096)\n" +
  `os.set_inheritable(r, ${inheritable ? "True" : "False"})\nos.dup2(w, 1)\nos.execvp(sys.argv[1], sys.argv[1:])`,
];

for (const [what, wrapper] of [["a full pipe that nobody reads", piped(true)], ["closed", piped(false)]] as const) {
  e2e(`stdout is ${what}: serving goes on, and SIGTERM ends it as ever`, async () => {
    const bed = await beds.with([], wrapper);
    await assertServing(bed, 30); // 60 connections have 120 lines of some 90 bytes
    bed.program.signal("SIGTERM");
    assertEquals(await bed.program.end(5_000), 0);
  });
}

e2e("the device is set down and up: connections go on", async () => {
  const bed = await beds.with();
  const [talker] = await start(bed, "talk", WORLD.v4);
  await bed.guest.ip("link set tun0 down");
  await bed.program.line("stderr", /started/); // it runs
  await bed.guest.ip(`
    link set tun0 up
    address replace ${GUEST.v6}/64 dev tun0 nodad
    route replace 0.0.0.0/0 via ${GATEWAY.v4} dev tun0
    route replace ::/0 via ${GATEWAY.v6} dev tun0`);
  assertEquals(field(await ask(talker), "echoed"), true);
  await assertServing(bed);
  assertEquals(bed.program.code, null);
  await talker.sayEnd();
});

e2e("the device's MTU changes while connections are open: these and later ones go on, in both directions", async () => {
  const bed = await beds.with();
  const [talker] = await start(bed, "talk", WORLD.v6);
  for (const [mtu, address] of [[1280, WORLD.v4], [9000, WORLD.v6]] as const) {
    await bed.guest.ip(`link set tun0 mtu ${mtu}`);
    assertEquals(field(await ask(talker), "echoed"), true, `mtu ${mtu}`);
    const { stdout } = await bed.guest.run([
      "sh",
      "-c",
      `curl -s --max-time 20 '${url(address, "/blob")}' | sha256sum`,
    ]);
    assertEquals(stdout.slice(0, 64), bed.servers.blobHash, `mtu ${mtu}, ${address}`);
    const posted = await bed.curl("--data-binary", "@/proc/self/exe", url(address));
    const expected = await bed.guest.run(["sh", "-c", "sha256sum $(command -v curl)"]);
    assertEquals(posted.stdout, expected.stdout.slice(0, 64), `mtu ${mtu}, ${address}`);
    const sizes = [100, 1400, 8000, 20_000];
    assertEquals(await bed.client("udp", WORLD.v4, 7, ...sizes), sizes.map((size) => ({ size, error: null })));
  }
  await bed.guest.ip("link set tun0 mtu 1500");
  await talker.sayEnd();
});

e2e(
  "the guest's namespace is deleted: the program keeps its device until it is told to end, and then all is gone",
  async () => {
    const { lab } = await beds.with();
    const guest = await lab.guest();
    await makeDevice(guest, { mode: "tap", mtu: 1500 });
    const program = await startProgram(lab.host, guest);
    // it is deleted with either namespace
    await lab.host.ip(`link add probe type veth peer name probe netns ${guest.name}`);
    const isThere = async () => (await lab.host.run(["ip", "link", "show", "dev", "probe"])).code === 0;
    await check(["ip", "netns", "delete", guest.name]);
    await assertServing(await beds.with()); // the lab of another program
    assertEquals(program.code, null, "the program still runs");
    assertEquals(await isThere(), true, "it is still there");
    program.signal("SIGTERM");
    assertEquals(await program.end(), 0);
    await until("the end of the namespace", 5_000, async () => !await isThere());
  },
);

/** The most growth: buffers for 64 MiB in all, and the growth of an idle program. */
const BUFFERS = 64 * 1024 * 1024, MAX_GROWTH = BUFFERS + 96 * 1024 * 1024;
/** The bytes that each of 100 connections may have beyond that, to make progress: 16 KiB each way, and one segment. */
const MOST_BUFFERED = BUFFERS + 100 * (2 * 16 + 64) * 1024;

const FREEZE_MS = 60_000;
/** ms between two checks meanwhile that others are served, and of the memory. */
const LOOK_MS = 2_000;

e2e(
  "a guest that is frozen for a minute while 100 connections are full: others go on, memory is bounded, all go on intact",
  async () => {
    const bed = await beds.with(["-quiet", "-max-buffered-bytes", String(BUFFERS)]);
    await bed.guest.sysctl({ "ipv4/tcp_rmem": "4096 65536 262144" }); // the memory of its own kernel is not the subject
    await assertServing(bed);
    const before = residentMemory(bed.program.pid);
    const [gulper] = await start(bed, "gulp", WORLD.v4, 100);
    const everything = { moved: 100, damaged: 0 };
    assertEquals(await ask(gulper, 40_000), everything);
    gulper.signal("SIGSTOP");
    const thaw = performance.now() + FREEZE_MS;
    await until("buffers that are full", 10_000, async () => {
      const first = (await metrics(bed)).get('slirpnetstack_tcp_segments_total{direction="to_guest"}')!;
      await new Promise((resolve) => setTimeout(resolve, 200));
      const second = (await metrics(bed)).get('slirpnetstack_tcp_segments_total{direction="to_guest"}')!;
      return second - first < 100;
    });
    const full = (await limit(bed, "buffered_bytes")).current;
    assert(full > BUFFERS / 2, `${full} bytes are buffered`);
    for (let look = performance.now(); look < thaw; look = performance.now()) {
      await assertServing(bed, 10);
      const { current, max } = await limit(bed, "buffered_bytes");
      assert(max === BUFFERS && current <= MOST_BUFFERED, `${current} bytes are buffered`);
      const growth = residentMemory(bed.program.pid) - before;
      assert(growth < MAX_GROWTH, `memory grew by ${growth} bytes`);
      assert(
        (await metrics(bed)).get('slirpnetstack_open_flows{kind="routed",network="tcp"}')! >= 100,
        "some are lost",
      );
      const rest = Math.min(look + LOOK_MS, thaw) - performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, rest)));
    }
    gulper.signal("SIGCONT");
    assertEquals(await ask(gulper, 40_000), everything);
    await gulper.sayEnd();
    await gulper.stop();
  },
);

e2e(
  "remotes that accept and never read: their writers stop, others go on, memory is bounded and given back",
  async () => {
    const bed = await beds.with(["-quiet", "-max-buffered-bytes", String(BUFFERS)]);
    await assertServing(bed);
    const before = residentMemory(bed.program.pid);
    const [writer, report] = await start(bed, "stuff", WORLD.v4, 100);
    assertEquals(field(report, "open"), 100);
    await assertServing(bed, 10);
    const { current } = await limit(bed, "buffered_bytes");
    assert(current <= MOST_BUFFERED, `${current} bytes are buffered`);
    const growth = residentMemory(bed.program.pid) - before;
    assert(growth < MAX_GROWTH, `memory grew by ${growth} bytes`);
    await writer.stop();
  },
);

e2e(
  "the host's link goes down and comes back: what was open goes on, what is new fails at once and then works",
  async () => {
    const bed = await beds.with();
    const [talker] = await start(bed, "talk", WORLD.v4);
    await bed.lab.host.ip("link set eth0 down");
    const failed = await bed.client("connect", WORLD.v4, 7);
    assert(["ENETUNREACH", "EHOSTUNREACH"].includes(String(field(failed, "error"))), JSON.stringify(failed));
    assert(Number(field(failed, "seconds")) < 1, JSON.stringify(failed));
    await bed.lab.host.ip(`link set eth0 up\naddress replace ${HOST_LINK.v6}/64 dev eth0 nodad`);
    await Lab.addDefaultRoutes(bed.lab.host);
    await until(
      "a way to the world",
      5_000,
      async () => (await bed.lab.host.run(["ping", "-c1", "-W1", WORLD_LINK.v6])).code === 0,
    );
    assertEquals(field(await ask(talker), "echoed"), true);
    await assertServing(bed);
    await talker.sayEnd();
  },
);

e2e("a silent name server: lookups through it time out, others go on", async () => {
  const bed = await beds.with();
  const names = await startNames(bed, { "svc": `${WORLD.v4}:7` }, { delay: 1_000 });
  await beds.with(["-R", `80:svc@srv-${names.port}:7`, "-R", `udp://53:svc@srv-${names.port}:7`]);
  const waiting = client(bed.guest, "pieces", GATEWAY.v4, 80, "01", "end");
  const datagrams = client(bed.guest, "datagrams", GATEWAY.v4, 53, "01", "02");
  await assertServing(bed, 10);
  assertEquals(await waiting, { answer: "", error: "ECONNRESET" });
  assertEquals(await datagrams, { answers: [null, null] });
  await bed.program.line("stdout", /remote-fwd dns lookup error of tcp addr: Failed to lookup SRV "svc"/);
  await names.process.stop();
});

e2e("the capture's disk is full: a line reports it, and serving goes on", async () => {
  const bed = await beds.with();
  const small = `${bed.lab.directory}/small`;
  await Deno.mkdir(small, { recursive: true });
  // in a mount namespace of its own, so that nothing is left behind
  const mount = `mount -t tmpfs -o size=64k none '${small}'; exec "$@"`;
  await beds.with(["-pcap", `${small}/x.pcap`], ["unshare", "--mount", "sh", "-c", mount, "sh"]);
  await assertServing(bed, 60);
  await bed.program.line("stderr", /^\[!\] The capture has ended: .*(ENOSPC|No space)/i);
  await assertServing(bed);
});

e2e("clients of the metrics that never read: others get theirs, and serving goes on", async () => {
  const bed = await beds.with();
  const [, address] = await bed.program.line("stderr", /Running metrics on (\S+)$/);
  const [ip, port] = address!.split(":");
  const [holder] = await start(bed, "many", WORLD.v4, 50); // so that there is something to report
  const mutes = bed.lab.start(bed.lab.host, misfortune("mute", ip!, port!, "/flows", 40));
  await mutes.line("stdout", /"open": 40/);
  await assertServing(bed);
  assertEquals((await metrics(bed)).get('slirpnetstack_open_flows{kind="routed",network="tcp"}'), 50);
  await mutes.stop();
  await holder.sayEnd();
});
