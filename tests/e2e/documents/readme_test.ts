/** Every command of the README is run here, or it is said what else runs it. */
import config from "../../../deno.json" with { type: "json" };
import { HOST_LINK, Lab, NOWHERE } from "../../../scripts/lab/lab.ts";
import { check, run } from "../../../scripts/lab/process.ts";
import { programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { documents, tarball } from "../../../scripts/build/release.ts";
import { startResolver, startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { client, forwardsCommand, simpleProxyHeader, startNames } from "../bed/forward_bed.ts";
import { commandBlocks, FrameStream, Terminal } from "../bed/readme.ts";
import { array, hex, text, unhex } from "../bed/reports.ts";

const TITLE = "slirpnetstack";
const RUN = "A command of your own";
const ATTACH = "A guest that exists, by a process in it";
const TAP = "A namespace of your own, with a tap device";
const TUN = "With a tun device";
const NAMED = "With a named namespace";
const INTO = "A server in the guest: `-L`";
const OUT_OF = "A server on the host: `-R`";
const PROXIED = "Behind a load balancer: `tcppp`, `udpspp`";
const CAPTURE = "What was said: `-pcap`";
const LOG = "What the program did: `-log`";
const METRICS = "Health, metrics, flows: `-m`";
const NAMES = "Names";
const ITSELF = "A guest that configures itself";
const POLICY = "Who may go where";
const SOURCE = "Where it comes from, and where pings go";
const SCRIPT = "From a script";
const MACHINE = "A virtual machine: `-fd`";
const COMING = "Coming from slirp4netns, pasta or the Go program";
const GIVES_UP = "What the program gives up";
const NPX = "npx --yes deno@2.9.6";

/** The internet addresses that the README's guests call; the lab's world has them. */
const ADDRESSES = ["1.1.1.1", "2606:4700:4700::1111"];

const blocks = commandBlocks();

/** How many blocks each heading has: one that is added here needs a test as well. */
Deno.test("README: every block of commands is known here", () => {
  assertEquals(Object.fromEntries([...blocks].map(([heading, list]) => [heading, list.length])), {
    [TITLE]: 1,
    "Install": 4,
    [RUN]: 1,
    [TAP]: 3,
    [ATTACH]: 2,
    [TUN]: 2,
    [NAMED]: 3,
    [INTO]: 2,
    [PROXIED]: 1,
    [OUT_OF]: 3,
    [CAPTURE]: 1,
    [LOG]: 1,
    [METRICS]: 4,
    [NAMES]: 2,
    [ITSELF]: 1,
    [POLICY]: 3,
    [SOURCE]: 2,
    [SCRIPT]: 1,
    [MACHINE]: 1,
    "In gVisor": 1, // gvisor_test.ts runs it
    "Figures": 1, // bench_test.ts runs it, with --quick
    "Under load for long": 1, // soak_test.ts runs it, for some seconds
    [GIVES_UP]: 1,
    "Development": 1,
  });
  assertEquals(blocks.get("Figures"), ["deno task bench\n"]);
  assertEquals(blocks.get("Under load for long"), ["deno task soak --minutes 30 --out /tmp/soak\n"]);
});

Deno.test("README: the first screen has the two commands for a fresh machine", () => {
  // .ci/run runs them
  assertEquals(blocks.get(TITLE), [`${NPX} task demo\n${NPX} task test\n`]);
});

e2e("README: the demo shows that everything works, and cleans up", async () => {
  const options = { cwd: PROJECT, env: { NO_COLOR: "" }, timeout: 120_000 };
  const output = await check([Deno.execPath(), "task", "demo"], options);
  assertStringIncludes(output, "8 of 8 as it should be");
  assert(!output.includes("\x1b"), "colours where there is no terminal");
});

Deno.test("README: install from a release", async () => {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-readme-" });
  try {
    const stamp = { version: "1.2.3", time: new Date("2026-07-01T09:05:00Z") };
    const program = {
      path: "slirpnetstack",
      mode: 0o755,
      bytes: new TextEncoder().encode("#!/bin/sh\necho it runs\n"),
    };
    const name = `slirpnetstack-1.2.3-${Deno.build.arch}-unknown-linux-gnu`;
    const bytes = await tarball(name, [program, ...await documents(stamp)], stamp.time);
    await Deno.writeFile(`${directory}/${name}.tar.gz`, bytes);
    const commands = blocks.get("Install")![0]!.replaceAll("/usr/local/", `${directory}/usr/`);
    await check(["bash", "-ec", commands], { cwd: directory });
    assertEquals(await check([`${directory}/usr/bin/slirpnetstack`]), "it runs\n");
    const page = await Deno.readTextFile(`${directory}/usr/share/man/man1/slirpnetstack.1`);
    assertStringIncludes(page, ".SH NAME\n");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("README: install by compiling is what CI does", async () => {
  assertEquals(blocks.get("Install")![1], "deno task compile\nbin/slirpnetstack -version\n");
  const ci = await Deno.readTextFile(`${PROJECT}.ci/run`);
  assertStringIncludes(ci, '"${compiler[@]}" task compile');
  assertStringIncludes(ci, 'SLIRPNETSTACK_BIN="$PWD/bin/slirpnetstack"');
});

e2e("README: install from the source", async () => {
  await using lab = await Lab.create();
  const terminal = await Terminal.open(lab);
  const version = /^slirpnetstack version \S+\nbuild time \d{4}-\d\d-\d\d-\d\d:\d\dUTC$/;
  assertMatch(await terminal.run(blocks.get("Install")![2]!), version);
  assertMatch(await terminal.run("slirpnetstack -version"), version);
});

e2e(`README: ${RUN}`, async () => {
  await using lab = await makeLab();
  const terminal = await Terminal.open(lab);
  const said = await terminal.run(blocks.get(RUN)![0]!);
  assertMatch(said, /^Hello, /m);
  assertMatch(said, /^status 42$/m);
});

e2e(`README: ${INTO}; ${OUT_OF}; ${CAPTURE}; ${LOG}`, async () => {
  await using lab = await makeLab();
  const [terminal, server] = [await Terminal.open(lab), await Terminal.open(lab)];
  const [serve, visit] = blocks.get(INTO)!;
  await server.start(serve!);
  await until("the guest's server", 10_000, async () => {
    return (await lab.host.run(visit!.trim().split(" "))).stdout.includes("Directory listing");
  });
  await server.interrupt();
  await startServers(lab, lab.host, ["127.0.0.1"]); // on port 80
  const [reach, ask, find] = blocks.get(OUT_OF)!;
  const twice = await terminal.run(reach!.replaceAll("8081", "80"));
  assertEquals(twice.match(/^Hello, /gm)?.length, 2, twice);
  await startResolver(lab, lab.host, ["127.0.0.1"], { "example.com": ADDRESSES[0]! });
  assertMatch(await terminal.run(ask!), /^example\.com\.\s.*\sA\s+1\.1\.1\.1$/m);
  const names = await startNames({ lab }, { "web.service.consul": "127.0.0.1:80" });
  assertMatch(await terminal.run(find!.replace("8600", String(names.port))), /^Hello, /m);
  const capture = await terminal.run(blocks.get(CAPTURE)![0]!.replaceAll("/tmp/", `${lab.directory}/`));
  assertMatch(capture, /^Hello, /m);
  assertMatch(capture, / IP 10\.0\.2\.100\.\d+ > 1\.1\.1\.1\.80: Flags \[S\],/);
  assertMatch(capture, / IP 1\.1\.1\.1\.80 > 10\.0\.2\.100\.\d+: Flags \[S\.\],/);
  const log = await terminal.run(blocks.get(LOG)![0]!.replaceAll("/tmp/", `${lab.directory}/`));
  assertMatch(log, / DEBUG flow open: kind=routed network=tcp guest=10\.0\.2\.100:\d+ to=1\.1\.1\.1:80$/m);
});

e2e(`README: ${COMING}`, async () => {
  await using lab = await makeLab();
  const [guest, host] = [await Terminal.open(lab), await Terminal.open(lab)];
  const [section] = /(?<=^### Coming from )[^]*?(?=^### )/m.exec(await Deno.readTextFile(`${PROJECT}README.md`))!;
  const commands = [...section.matchAll(/^\|.*\| `(slirpnetstack [^`]+)` +\|$/gm)].map(([, command]) => command!);
  assertEquals(commands.length, 6);
  await guest.type(blocks.get(ATTACH)![0]!);
  const [pid] = await guest.shell.line("stdout", /^\d+$/);
  const enter = ["nsenter", "--target", pid, "--user", "--net", "--preserve-credentials"];
  const curl = (address: string) => [...enter, "curl", "-sS", "--max-time", "5", `http://${address}/`];
  for (const command of commands) {
    if (command.endsWith(" COMMAND")) {
      assertMatch(await host.run(command.replace("COMMAND", "curl -sS http://1.1.1.1/")), /^Hello, /m);
      continue;
    }
    const configured = command.includes("-configure") ? command : `${command} -configure`; // where it has no device
    const place = configured.replace("PID", pid).replace("PATH", `/proc/${pid}/ns/net`);
    const words = place.replace("FILE", `${lab.directory}/capture`).replace("-ready-fd 3", "");
    await host.start(`${words}\n`);
    const { stdout, stderr } = await run(curl("1.1.1.1"));
    assertMatch(stdout + stderr, command.includes("-disable-routing") ? /refused|Couldn't connect/ : /^Hello, /);
    await host.interrupt();
  }
  Deno.kill(Number(pid), "SIGTERM");
});

e2e(`README: ${MACHINE}`, async () => {
  await using lab = await Lab.create();
  const path = `${lab.directory}/vm.sock`;
  using machine = Deno.listen({ transport: "unix", path });
  const terminal = await Terminal.open(lab);
  await Terminal.makeProgram(lab);
  await terminal.type(blocks.get(MACHINE)![0]!.replace("/tmp/vm.sock", path));
  using socket = await machine.accept();
  // An ARP request for the gateway, behind its length; RFC 826.
  const ethernet = [...Array<number>(6).fill(0xff), 0x52, 0x54, 0, 0, 0, 1, 0x08, 0x06];
  const arp = [0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 1, 10, 0, 2, 100, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2];
  await socket.write(Uint8Array.from([0, 0, 0, 42, ...ethernet, ...arp]));
  const reader = new FrameStream(socket);
  let frame: Uint8Array;
  do frame = await reader.next(); while (frame[12] !== 0x08 || frame[13] !== 0x06); // it advertises itself meanwhile
  assertEquals([...frame.subarray(20, 22), ...frame.subarray(28, 32)], [0, 2, 10, 0, 2, 2]);
  await terminal.interrupt();
});

Deno.test("README: the tasks of development are there", async () => {
  const { tasks } = config;
  const [block] = blocks.get("Development")!;
  const names = block!.trim().split("\n").map((line) => /^deno task (\w+)/.exec(line)![1]!);
  for (const name of names) assert(Object.hasOwn(tasks, name), name);
  const readme = await Deno.readTextFile(`${PROJECT}README.md`);
  const described = [...readme.matchAll(/^\| `deno task (\w+)` +\|/gm)].map(([, name]) => name!);
  assertEquals([...described, "demo", "start"].toSorted(), Object.keys(tasks).toSorted());
  const ci = await Deno.readTextFile(`${PROJECT}.ci/run`);
  assertStringIncludes(block!, "deno task fuzz --minutes 1\n");
  assertStringIncludes(ci, "task fuzz --minutes 1 ");
  assertMatch(await check([Deno.execPath(), "task", "man"], { cwd: PROJECT }), /bin\/slirpnetstack\.1/);
});

e2e(`README: ${ATTACH}`, async () => {
  await using lab = await makeLab();
  const [guest, host] = [await Terminal.open(lab), await Terminal.open(lab)];
  const [make, attach] = blocks.get(ATTACH)!;
  await guest.type(make!);
  const [pid] = await guest.shell.line("stdout", /^\d+$/);
  await host.start(attach!.replace("PID", pid));
  const enter = ["nsenter", "--target", pid, "--user", "--net", "--preserve-credentials"];
  assertMatch(await check([...enter, "curl", "-sS", "http://1.1.1.1/"]), /^Hello, /);
  await host.interrupt();
  Deno.kill(Number(pid), "SIGTERM");
});

for (const heading of [TAP, TUN]) {
  e2e(`README: ${heading}`, async () => {
    await using lab = await makeLab();
    const [guest, host] = [await Terminal.open(lab), await Terminal.open(lab)];
    const [make, start] = blocks.get(heading)!;
    const pid = /^\d+$/m.exec(await guest.run(make!))![0];
    await host.start(start!.replace("PID", pid));
    const output = await guest.run(blocks.get(TAP)![2]!.replaceAll("\n", " &&\n") + "true");
    assertEquals(output.match(/^Hello, /gm)?.length, 2, output);
    assertMatch(output, / 3 received, 0% packet loss/);
    await host.interrupt();
  });
}

e2e(`README: ${NAMED}; ${POLICY}; ${GIVES_UP}; ${METRICS}`, async () => {
  await using lab = await makeLab();
  // Its name is "guest", which others may have, too: so the names are in a mount namespace of their own.
  const first = await Terminal.open(lab, ["unshare", "--mount"]);
  const [add, start, use] = blocks.get(NAMED)!;
  await first.run(`mount -t tmpfs tmpfs /run/netns &&\n${add!.trim().replaceAll("\n", " &&\n")}`);
  const second = await Terminal.open(lab, ["nsenter", `--mount=/proc/${first.shell.pid}/ns/mnt`]);
  const [visit, remove] = use!.trim().split("\n");
  for (const command of [start!, ...blocks.get(POLICY)!, ...blocks.get(GIVES_UP)!]) {
    await second.start(command);
    assertStringIncludes(await first.run(visit!), "Hello, ");
    await second.interrupt();
  }
  const [serve, ask, serveFile, askFile] = blocks.get(METRICS)!.map((text) =>
    text.replaceAll("/tmp/", `${lab.directory}/`)
  );
  await second.start(serveFile!);
  assertMatch(await first.run(askFile!), /^slirpnetstack_connections_total\b/m);
  await second.interrupt();
  await second.start(serve!);
  await first.run(visit!);
  const answers = await first.run(ask!.trim().replaceAll("\n", " && echo &&\n"));
  assertMatch(answers, /^ok$/m);
  assertMatch(answers, /^slirpnetstack_connections_total\b/m);
  assertMatch(answers, /^\[/m);
  await second.interrupt();
  await first.run(remove!);
});

e2e(`README: ${PROXIED}; ${SOURCE}; ${SCRIPT}`, async () => {
  await using lab = await makeLab();
  const first = await Terminal.open(lab, ["unshare", "--mount"]);
  await first.run(`mount -t tmpfs tmpfs /run/netns &&\n${blocks.get(NAMED)![0]!.trim().replaceAll("\n", " &&\n")}`);
  const join = ["nsenter", `--mount=/proc/${first.shell.pid}/ns/mnt`];
  const second = await Terminal.open(lab, join);

  await second.start(blocks.get(PROXIED)![0]!.replace("::80 ", "::9100 ").replace("::53\n", "::9100\n"));
  const service = forwardsCommand("serve", "10.0.2.100");
  await lab.start(lab.host, [...join, "ip", "netns", "exec", "guest", ...service]).line("stdout", /^ready$/);
  const report = await client(lab.host, "pieces", "127.0.0.1", 8080, hex("PROXY TCP4 1.2.3.4 4.3.2.1 1 2\r\n"));
  assertMatch(text(report, "answer"), /^1\.2\.3\.4 \d+\nping$/);
  const [from, to] = ["1.2.3.5", "4.3.2.1"].map((address) => ({ address: IpAddress.parse(address), port: 1 }));
  const header = simpleProxyHeader(from!, to!);
  const [answer] = array(await client(lab.host, "datagrams", "127.0.0.1", 5353, header + hex("ping")), "answers");
  assertMatch(unhex(String(answer).slice(header.length)), /^1\.2\.3\.5 \d+\nping$/);
  await second.interrupt();

  await lab.host.ip("address add 192.0.2.9 dev eth0\naddress add 2001:db8:1::9 dev eth0 nodad");
  await lab.world.ip(`route add 192.0.2.9 via ${HOST_LINK.v4}`);
  const [start, use] = blocks.get(SOURCE)!;
  await second.start(start!);
  assertMatch(await first.run(use!.trim().replace("\n", " &&\n")), /^Hello, 192\.0\.2\.9, [^]* 1 received/m);
  const [visit, ping] = use!.trim().split("\n");
  assertMatch(await first.run(visit!.replace("1.1.1.1", "[2606:4700:4700::1111]")), /^Hello, 2001:db8:1::9, /m);
  assertMatch(await first.run(`${ping!.replace("1.1.1.1", NOWHERE.v4)} || true`), / 0 received/);
  await second.interrupt();

  await Terminal.makeProgram(lab, programCommand());
  const earlier = second.shell.stderr.length;
  const said = await second.run(`bash -c '${blocks.get(SCRIPT)![0]!}kill -9 $$' || true`);
  assertMatch(said, /^Hello, /);
  await second.shell.line("stderr", /Slirpnetstack closing$/, 10_000, earlier);
});

e2e(`README: ${NAMES}; ${ITSELF}`, async () => {
  await using lab = await makeLab();
  const first = await Terminal.open(lab, ["unshare", "--mount"]);
  // files of /etc are written: to a copy
  await first.run(`cp -a /etc ${lab.directory}/etc &&
    mount --bind ${lab.directory}/etc /etc &&
    echo nameserver 127.0.0.53 > /etc/resolv.conf &&
    mount -t tmpfs tmpfs /run/netns &&
    ${blocks.get(NAMED)![0]!.trim().replaceAll("\n", " &&\n")}`);
  const second = await Terminal.open(lab, ["nsenter", `--mount=/proc/${first.shell.pid}/ns/mnt`]);
  await startResolver(lab, lab.host, ["127.0.0.53"], { "example.com": ADDRESSES[0]! });
  const [start, use] = blocks.get(NAMES)!;
  await second.start(start!);
  assertStringIncludes(await first.run(use!.trim().replaceAll("\n", " &&\n")), "Hello, ");
  await second.interrupt();
  await second.start(blocks.get(ITSELF)![0]!);
  await until("an address that the guest has made itself", 10_000, async () => {
    return (await first.run("ip -n guest -6 address show dev tun0 dynamic")).includes("inet6 fd00:");
  });
  await second.interrupt();
});

async function makeLab(): Promise<Lab> {
  const lab = await Lab.create();
  for (const address of ADDRESSES) await lab.addWorldAddress(address);
  await startServers(lab, lab.world, ADDRESSES);
  return lab;
}
