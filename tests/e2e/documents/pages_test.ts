/** Runs every command of every page, or says which other test runs it. */
import config from "../../../deno.json" with { type: "json" };
import { HOST_LINK, Lab, NOWHERE } from "../../../scripts/lab/lab.ts";
import { check, run } from "../../../scripts/lab/process.ts";
import { programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { documents, tarball } from "../../../scripts/build/release.ts";
import { startResolver, startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e, e2eWith } from "../bed/bed.ts";
import { client, forwardsCommand, simpleProxyHeader, startNames } from "../bed/forward_bed.ts";
import { ContainerBed, ROOTFS, SLIRP4NETNS } from "../bed/container_bed.ts";
import { commandBlocks, FrameStream, pages, Terminal } from "../bed/pages.ts";
import { FilesBed } from "../egress/files_bed.ts";
import { array, hex, text, unhex } from "../bed/reports.ts";

const TITLE = "slirpnetstack";
const RUN = "A command";
const OUT_OF = "A server on the host: `-R`";
const INTO = "A server in the guest: `-L`";
const POLICY = "Who may go where";
const ONLY = "Only these names: `-only`";
const CAPTURE = "Capture: `-pcap`";
const ATTACH = "A guest that exists: `-pid`";
const SECURITY = "Security";
const NPX = "npx --yes deno@2.9.6";

const RECIPES = "scripts/RECIPES.md";
const TAP = "A tap device of your own";
const TUN = "A tun device";
const NAMED = "A named namespace";
const ITSELF = "DHCP and SLAAC";
const MACHINE = "A virtual machine: `-fd`";
const GVISOR = "In gVisor";
const IN_PLACE = "In place of slirp4netns";
const PODMAN = "With podman and buildah";
const ROOTLESSKIT = "With RootlessKit and nerdctl";
const PROXIED = "Behind a load balancer: `tcppp`, `udpspp`";
const BY_NAME = "Services of the host by name";
const COME_AND_GO = "Forwards that come and go: `-api`";
const NAMES = "Names";
const SOURCE = "Source addresses and pings";
const METRICS = "Health, metrics, flows: `-m`";
const LOG = "A log: `-log`";
const SCRIPT = "From a script";
const COMING = "Coming from slirp4netns, pasta or the Go program";

/** The internet addresses in the pages' commands; the lab's world has them. */
const ADDRESSES = ["1.1.1.1", "2606:4700:4700::1111"];

const readme = commandBlocks();
const recipes = commandBlocks(RECIPES);

/** The number of blocks under each heading of each page. A new block needs a test as well. */
Deno.test("pages: every block of commands is known here", () => {
  const counts = pages().map((page) => {
    const byHeading = [...commandBlocks(page)].map(([heading, list]) => [heading, list.length]);
    return [page, Object.fromEntries(byHeading)];
  }).filter(([, byHeading]) => Object.keys(byHeading).length > 0);
  assertEquals(Object.fromEntries(counts), {
    "README.md": {
      [TITLE]: 2,
      "Install": 4,
      [RUN]: 1,
      [OUT_OF]: 1,
      [INTO]: 2,
      [POLICY]: 1,
      [ONLY]: 1,
      [CAPTURE]: 1,
      [ATTACH]: 2,
      [SECURITY]: 1,
      "Development": 1,
    },
    [RECIPES]: {
      [TAP]: 3,
      [TUN]: 2,
      [NAMED]: 3,
      [ITSELF]: 1,
      [MACHINE]: 1,
      [GVISOR]: 1, // gvisor_test.ts runs it
      [IN_PLACE]: 1,
      [PODMAN]: 2,
      [ROOTLESSKIT]: 1,
      [PROXIED]: 1,
      [BY_NAME]: 2,
      [COME_AND_GO]: 3,
      [NAMES]: 2,
      [SOURCE]: 2,
      [METRICS]: 4,
      [LOG]: 1,
      [SCRIPT]: 1,
    },
    "scripts/bench/README.md": { "The benchmark": 1 }, // bench_test.ts runs it, with --quick
    "scripts/soak/README.md": { "The soak": 1 }, // soak_test.ts runs it, for some seconds
    "tests/README.md": { "The tests": 1 },
  });
  assertEquals(commandBlocks("scripts/bench/README.md").get("The benchmark"), ["deno task bench\n"]);
  assertEquals(commandBlocks("scripts/soak/README.md").get("The soak"), [
    "deno task soak --minutes 30 --out /tmp/soak\n",
  ]);
});

Deno.test("pages: the first screen has the two commands for a fresh machine", () => {
  // .ci/run runs them
  assertEquals(readme.get(TITLE)![0], `${NPX} task demo\n${NPX} task test\n`);
});

e2e("pages: the demo shows that everything works, and cleans up", async () => {
  const options = { cwd: PROJECT, env: { NO_COLOR: "" }, timeout: 120_000 };
  const output = await check([Deno.execPath(), "task", "demo"], options);
  assertStringIncludes(output, "8 of 8 as it should be");
  assert(!output.includes("\x1b"), "colours where there is no terminal");
});

Deno.test("pages: install from a release", async () => {
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
    const commands = readme.get("Install")![0].replaceAll("/usr/local/", `${directory}/usr/`);
    await check(["bash", "-ec", commands], { cwd: directory });
    assertEquals(await check([`${directory}/usr/bin/slirpnetstack`]), "it runs\n");
    const page = await Deno.readTextFile(`${directory}/usr/share/man/man1/slirpnetstack.1`);
    assertStringIncludes(page, ".SH NAME\n");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("pages: install by compiling is what CI does", async () => {
  assertEquals(readme.get("Install")![1], "deno task compile\nbin/slirpnetstack -version\n");
  const ci = await Deno.readTextFile(`${PROJECT}.ci/run`);
  assertStringIncludes(ci, '"${compiler[@]}" task compile');
  assertStringIncludes(ci, 'SLIRPNETSTACK_BIN="$PWD/bin/slirpnetstack"');
});

e2e("pages: install from the source", async () => {
  await using lab = await Lab.create();
  const terminal = await Terminal.open(lab);
  const version = /^slirpnetstack version \S+\nbuild time \d{4}-\d\d-\d\d-\d\d:\d\dUTC$/;
  assertMatch(await terminal.run(readme.get("Install")![2]), version);
  assertMatch(await terminal.run("slirpnetstack -version"), version);
});

e2e(`pages: ${RUN}`, async () => {
  await using lab = await makeLab();
  const terminal = await Terminal.open(lab);
  assertMatch(await terminal.run(readme.get(TITLE)![1]), /^Hello, /m);
  const said = await terminal.run(readme.get(RUN)![0]);
  assertMatch(said, /^Hello, /m);
  assertMatch(said, /^status 42$/m);
});

e2e(`pages: ${INTO}; ${OUT_OF}; ${BY_NAME}; ${CAPTURE}; ${LOG}`, async () => {
  await using lab = await makeLab();
  const [terminal, server] = [await Terminal.open(lab), await Terminal.open(lab)];
  const [serve, visit] = readme.get(INTO)!;
  await server.start(serve!);
  await until("the guest's server", 10_000, async () => {
    return (await lab.host.run(visit!.trim().split(" "))).stdout.includes("Directory listing");
  });
  await server.interrupt();
  await startServers(lab, lab.host, ["127.0.0.1"]); // on port 80
  const [reach] = readme.get(OUT_OF)!;
  const [ask, find] = recipes.get(BY_NAME)!;
  const twice = await terminal.run(reach!.replaceAll("8081", "80"));
  assertEquals(twice.match(/^Hello, /gm)?.length, 2, twice);
  await startResolver(lab, lab.host, ["127.0.0.1"], { "example.com": ADDRESSES[0] });
  assertMatch(await terminal.run(ask!), /^example\.com\.\s.*\sA\s+1\.1\.1\.1$/m);
  const names = await startNames({ lab }, { "web.service.consul": "127.0.0.1:80" });
  assertMatch(await terminal.run(find!.replace("8600", String(names.port))), /^Hello, /m);
  const capture = await terminal.run(readme.get(CAPTURE)![0].replaceAll("/tmp/", `${lab.directory}/`));
  assertMatch(capture, /^Hello, /m);
  assertMatch(capture, / IP 10\.0\.2\.100\.\d+ > 1\.1\.1\.1\.80: Flags \[S\],/);
  assertMatch(capture, / IP 1\.1\.1\.1\.80 > 10\.0\.2\.100\.\d+: Flags \[S\.\],/);
  const log = await terminal.run(recipes.get(LOG)![0].replaceAll("/tmp/", `${lab.directory}/`));
  assertMatch(log, / DEBUG flow open: kind=routed network=tcp guest=10\.0\.2\.100:\d+ to=1\.1\.1\.1:80$/m);
});

e2e(`pages: ${COMING}`, async () => {
  await using lab = await makeLab();
  const [guest, host] = [await Terminal.open(lab), await Terminal.open(lab)];
  const [section] = /(?<=^## Coming from )[^]*$/m.exec(await Deno.readTextFile(`${PROJECT}${RECIPES}`))!;
  const commands = [...section.matchAll(/^\|.*\| `(slirpnetstack [^`]+)` +\|$/gm)].map(([, command]) => command!);
  assertEquals(commands.length, 6);
  await guest.type(readme.get(ATTACH)![0]);
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

Deno.test(`pages: ${IN_PLACE}`, async () => {
  const home = await Deno.makeTempDir({ prefix: "slirpnetstack-home-" });
  try {
    const program = `${home}/bin/slirpnetstack`;
    await Deno.mkdir(`${home}/bin`);
    await Deno.writeTextFile(program, '#!/bin/sh\necho "$0"\n', { mode: 0o755 });
    const env = { HOME: home, PATH: `${home}/bin:${Deno.env.get("PATH")}` };
    const [block] = recipes.get(IN_PLACE)!;
    await check(["bash", "-ec", `${block}${block}`], { env }); // also when it is there already
    const link = `${home}/.local/lib/slirpnetstack/slirp4netns`;
    assertEquals(await check([link]), `${link}\n`, "the name that the program sees");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

/** The block in that language under a heading of the recipes. */
function settings(heading: string, language: string): string {
  const page = Deno.readTextFileSync(`${PROJECT}${RECIPES}`);
  const section = page.slice(page.indexOf(`## ${heading}\n`));
  return new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "m").exec(section)![1]!;
}

e2eWith("podman", `pages: ${PODMAN}`, async () => {
  await using bed = await ContainerBed.create();
  await addAddresses(bed.base.lab);
  const [run, build] = recipes.get(PODMAN)!;
  assertMatch(settings(PODMAN, "toml"), /^network_cmd_path = ".*\/slirp4netns"$/m); // the bed has this setting
  const [fetch, publish] = run!.trim().split("\n").map((line) => line.replace("IMAGE", `--rootfs ${ROOTFS}`));
  const fetched = await bed.run(["sh", "-c", fetch!]);
  assertMatch(fetched.stdout, /^Hello, /, fetched.stderr);
  const published = await bed.run(["sh", "-c", publish!]);
  assertEquals(published.code, 0, published.stderr);
  assertMatch(build!, /^PATH=~\/\.local\/lib\/slirpnetstack:\$PATH buildah run /); // buildah_test.ts does that
});

e2eWith("rootlesskit", `pages: ${ROOTLESSKIT}`, async () => {
  await using bed = await ContainerBed.create();
  await addAddresses(bed.base.lab);
  const [command] = recipes.get(ROOTLESSKIT)!;
  const line = command!.replace("$HOME/.local/lib/slirpnetstack/slirp4netns", SLIRP4NETNS);
  const { stdout, stderr } = await bed.run(["sh", "-c", line]);
  assertMatch(stdout, /^Hello, /, stderr);
});

e2e(`pages: ${MACHINE}`, async () => {
  await using lab = await Lab.create();
  const path = `${lab.directory}/vm.sock`;
  using machine = Deno.listen({ transport: "unix", path });
  const terminal = await Terminal.open(lab);
  await Terminal.makeProgram(lab);
  await terminal.type(recipes.get(MACHINE)![0].replace("/tmp/vm.sock", path));
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

Deno.test("pages: the tasks of development are there", async () => {
  const { tasks } = config;
  const [block] = readme.get("Development")!;
  const names = block!.trim().split("\n").map((line) => /^deno task (\w+)/.exec(line)![1]);
  for (const name of names) assert(Object.hasOwn(tasks, name), name);
  const text = await Deno.readTextFile(`${PROJECT}README.md`);
  const described = [...text.matchAll(/^\| `deno task (\w+)` +\|/gm)].map(([, name]) => name!);
  assertEquals([...described, "demo", "start"].toSorted(), Object.keys(tasks).toSorted());
  const ci = await Deno.readTextFile(`${PROJECT}.ci/run`);
  assertStringIncludes(block!, "deno task fuzz --minutes 1\n");
  assertStringIncludes(ci, "task fuzz --minutes 1 ");
  assertMatch(await check([Deno.execPath(), "task", "man"], { cwd: PROJECT }), /bin\/slirpnetstack\.1/);
});

e2e(`pages: ${POLICY}`, async () => {
  await using lab = await makeLab();
  const terminal = await Terminal.open(lab);
  const commands = readme.get(POLICY)![0].trim().split("\n");
  assertEquals(commands.length, 3);
  for (const command of commands) assertMatch(await terminal.run(command), /^Hello, /m, command);
});

e2eWith("npm", `pages: ${ONLY}`, async () => {
  await using bed = await FilesBed.create(["registry.npmjs.org", "api.github.com", "elsewhere.test"]);
  const project = await bed.makeNpmProject(), elsewhere = "curl -sS --max-time 10 https://elsewhere.test/";
  const terminal = await Terminal.open(bed.lab, bed.asHost);
  await Terminal.makeProgram(bed.lab, ["deno", "task", "--config", `${PROJECT}deno.json`, "start"]);
  const environment = `npm_config_cafile='${bed.certificate}' npm_config_cache='${project}/.npm'`;
  await terminal.run(`unalias slirpnetstack; cd '${project}'; export ${environment}`);
  const [command] = readme.get(ONLY)!;
  assertMatch(await terminal.run(command), /added 1 package/);
  assertEquals(await check(["node", "-p", "require('greeting')"], { cwd: project }), "hello\n");
  const refused = await terminal.run(`${command.replace("npm ci", `sh -c "${elsewhere} 2>&1 || true"`).trim()}`);
  assertMatch(refused, /Could not resolve host: elsewhere\.test/);
  assertStringIncludes(terminal.shell.stderr.join("\n"), "-only 'elsewhere.test'");
  const asked = bed.resolver.stdout.filter((line) => line.startsWith("asked"));
  assertEquals(asked.filter((line) => !/ registry\.npmjs\.org (A|AAAA|1|28)$/.test(line)), [], "what left");
});

Deno.test("pages: the tests of a folder", async () => {
  const [block] = commandBlocks("tests/README.md").get("The tests")!;
  const [deno, task, name, ...paths] = block.trim().split(" ");
  assertEquals([deno, task, name], ["deno", "task", "test"]);
  const [setup, runner] = config.tasks.test.split(" && ");
  assertStringIncludes(setup, "scripts/setup.ts --test"); // not run here: it may build and download for minutes
  const command = ["sh", "-c", `${runner.replace("deno ", '"$0" ')} "$@"`, Deno.execPath(), ...paths];
  const said = await check(command, { cwd: PROJECT, env: { NO_COLOR: "1" }, timeout: 120_000 });
  assertMatch(said, /^ok \| \d+ passed \| 0 failed/m);
});

e2e(`pages: ${ATTACH}`, async () => {
  await using lab = await makeLab();
  const [guest, host] = [await Terminal.open(lab), await Terminal.open(lab)];
  const [make, attach] = readme.get(ATTACH)!;
  await guest.type(make!);
  const [pid] = await guest.shell.line("stdout", /^\d+$/);
  await host.start(attach!.replace("PID", pid));
  const enter = ["nsenter", "--target", pid, "--user", "--net", "--preserve-credentials"];
  assertMatch(await check([...enter, "curl", "-sS", "http://1.1.1.1/"]), /^Hello, /);
  await host.interrupt();
  Deno.kill(Number(pid), "SIGTERM");
});

for (const heading of [TAP, TUN]) {
  e2e(`pages: ${heading}`, async () => {
    await using lab = await makeLab();
    const [guest, host] = [await Terminal.open(lab), await Terminal.open(lab)];
    const [make, start] = recipes.get(heading)!;
    const pid = /^\d+$/m.exec(await guest.run(make!))![0];
    await host.start(start!.replace("PID", pid));
    const output = await guest.run(recipes.get(TAP)![2].replaceAll("\n", " &&\n") + "true");
    assertEquals(output.match(/^Hello, /gm)?.length, 2, output);
    assertMatch(output, / 3 received, 0% packet loss/);
    await host.interrupt();
  });
}

e2e(`pages: ${NAMED}; ${SECURITY}; ${METRICS}; ${COME_AND_GO}`, async () => {
  await using lab = await makeLab();
  // Its name is "guest", which may be in use, so the names are in a mount namespace of their own.
  const first = await Terminal.open(lab, ["unshare", "--mount"]);
  const [add, start, use] = recipes.get(NAMED)!;
  await first.run(`mount -t tmpfs tmpfs /run/netns &&\n${add!.trim().replaceAll("\n", " &&\n")}`);
  const second = await Terminal.open(lab, ["nsenter", `--mount=/proc/${first.shell.pid}/ns/mnt`]);
  const [visit, remove] = use!.trim().split("\n");
  for (const command of [start!, ...readme.get(SECURITY)!]) {
    await second.start(command);
    assertStringIncludes(await first.run(visit!), "Hello, ");
    await second.interrupt();
  }
  const [serve, ask, serveFile, askFile] = recipes.get(METRICS)!.map((text) =>
    text.replaceAll("/tmp/", `${lab.directory}/`)
  );
  await second.start(serveFile!);
  const [metrics, top] = askFile!.trim().split("\n");
  assertMatch(await first.run(metrics!), /^slirpnetstack_connections_total\b/m);
  await first.run(visit!);
  assertMatch(await first.run(top!), /^NAME +OPEN +FLOWS .*\n1\.1\.1\.1:80 +0 +1 /m);
  await second.interrupt();
  await second.start(serve!);
  await first.run(visit!);
  const answers = await first.run(ask!.trim().replaceAll("\n", " && echo &&\n"));
  assertMatch(answers, /^ok$/m);
  assertMatch(answers, /^slirpnetstack_connections_total\b/m);
  assertMatch(answers, /^\[/m);
  await second.interrupt();
  const [open, local, remote] = recipes.get(COME_AND_GO)!.map((text) => text.replaceAll("/tmp/", `${lab.directory}/`));
  await second.start(open!);
  const forward = { local: "127.0.0.1:8080", remote: "10.0.2.100:80", protocol: "tcp", direction: "local" };
  assertEquals((await first.run(local!)).trim(), JSON.stringify([forward]), "what is listed, and no other output");
  assertEquals((await first.run(remote!)).trim(), "", "no output");
  await second.interrupt();
  await first.run(remove!);
});

e2e(`pages: ${PROXIED}; ${SOURCE}; ${SCRIPT}`, async () => {
  await using lab = await makeLab();
  const first = await Terminal.open(lab, ["unshare", "--mount"]);
  await first.run(`mount -t tmpfs tmpfs /run/netns &&\n${recipes.get(NAMED)![0].trim().replaceAll("\n", " &&\n")}`);
  const join = ["nsenter", `--mount=/proc/${first.shell.pid}/ns/mnt`];
  const second = await Terminal.open(lab, join);

  await second.start(recipes.get(PROXIED)![0].replace("::80 ", "::9100 ").replace("::53\n", "::9100\n"));
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
  const [start, use] = recipes.get(SOURCE)!;
  await second.start(start!);
  assertMatch(await first.run(use!.trim().replace("\n", " &&\n")), /^Hello, 192\.0\.2\.9, [^]* 1 received/m);
  const [visit, ping] = use!.trim().split("\n");
  assertMatch(await first.run(visit!.replace("1.1.1.1", "[2606:4700:4700::1111]")), /^Hello, 2001:db8:1::9, /m);
  assertMatch(await first.run(`${ping!.replace("1.1.1.1", NOWHERE.v4)} || true`), / 0 received/);
  await second.interrupt();

  await Terminal.makeProgram(lab, programCommand());
  const earlier = second.shell.stderr.length;
  const said = await second.run(`bash -c '${recipes.get(SCRIPT)![0]}kill -9 $$' || true`);
  assertMatch(said, /^Hello, /);
  await second.shell.line("stderr", /Slirpnetstack closing$/, 10_000, earlier);
});

e2e(`pages: ${NAMES}; ${ITSELF}`, async () => {
  await using lab = await makeLab();
  const first = await Terminal.open(lab, ["unshare", "--mount"]);
  // a copy, because files of /etc are written
  await first.run(`cp -a /etc ${lab.directory}/etc &&
    mount --bind ${lab.directory}/etc /etc &&
    echo nameserver 127.0.0.53 > /etc/resolv.conf &&
    mount -t tmpfs tmpfs /run/netns &&
    ${recipes.get(NAMED)![0].trim().replaceAll("\n", " &&\n")}`);
  const second = await Terminal.open(lab, ["nsenter", `--mount=/proc/${first.shell.pid}/ns/mnt`]);
  await startResolver(lab, lab.host, ["127.0.0.53"], { "example.com": ADDRESSES[0] });
  const [start, use] = recipes.get(NAMES)!;
  await second.start(start!);
  assertStringIncludes(await first.run(use!.trim().replaceAll("\n", " &&\n")), "Hello, ");
  await second.interrupt();
  await second.start(recipes.get(ITSELF)![0]);
  await until("an address that the guest has made itself", 10_000, async () => {
    return (await first.run("ip -n guest -6 address show dev tun0 dynamic")).includes("inet6 fd00:");
  });
  await second.interrupt();
});

async function makeLab(): Promise<Lab> {
  const lab = await Lab.create();
  await addAddresses(lab);
  return lab;
}

/** Gives the world the addresses of the pages, with servers. */
async function addAddresses(lab: Lab): Promise<void> {
  for (const address of ADDRESSES) await lab.addWorldAddress(address);
  await startServers(lab, lab.world, ADDRESSES);
}
