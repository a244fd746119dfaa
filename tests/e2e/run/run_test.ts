/** `slirpnetstack run` by a user without privileges: what the command gets, how it ends, and what is left. */
import { WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import { check, run as execute } from "../../../scripts/lab/process.ts";
import { clientCommand } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e } from "../bed/bed.ts";
import { RunBed } from "../bed/run_bed.ts";

const CURL = "curl --silent --show-error --max-time 10";

let made: Promise<RunBed> | null = null;
const bed = () => made ??= RunBed.create();
Deno.test.afterAll(async () => await (await made)?.[Symbol.asyncDispose]());

e2e("run: TCP, UDP and ping over both versions, and names; the host's resolv.conf stays", async () => {
  const { run, nothingLeft } = bound(await bed());
  const udp = (address: string) => clientCommand("udp", address, 7, 1, 1400, 30_000).join(" ");
  const place = new URL("../../..", import.meta.url).pathname;
  const script = `
    set -e
    ${CURL} http://${WORLD.v4}/ 'http://[${WORLD.v6}]/' http://world.test/ http://world6.test/ http://world/
    ${udp(WORLD.v4).replaceAll(place, "./")}
    ${udp(WORLD.v6).replaceAll(place, "./")}
    for address in ${WORLD.v4} ${WORLD.v6} 10.0.2.2 fd00::2 10.0.2.3 fd00::3; do ping -c 1 -W 5 $address; done
    cat /etc/resolv.conf
    cat /sys/class/net/tun0/mtu 2>/dev/null || ip -o link show dev tun0
    ${CURL} http://${WORLD_LINK.v4}/ 2>&1 || echo host network: $?
    id -u; ls /proc | grep -c '^[0-9]*$'`;
  const { stdout, stderr, code } = await run(["sh", "-c", script]);
  assertEquals(stderr, "", `stderr: ${stdout}`);
  assertEquals(code, 0, `exit status: ${stdout}`);
  assertEquals(stdout.match(/^Hello, /gm)?.length, 5, stdout);
  assertEquals(stdout.match(/"error": null/g)?.length, 6, stdout);
  assertEquals(stdout.match(/ 1 received, 0% packet loss/g)?.length, 6, stdout);
  assertStringIncludes(stdout, "nameserver 10.0.2.3\nnameserver fd00::3\nsearch test\n");
  assertMatch(stdout, /65520/);
  assertStringIncludes(stdout, "host network: 7"); // refused, because nothing allows it
  assertMatch(stdout, /^0\n\d$/m); // root, among few
  await nothingLeft();
});

e2e("run -cidr: the guest's address, its router, name server and the host's loopback are in that network", async () => {
  const { run, nothingLeft } = bound(await bed());
  const script = `
    set -e
    ip -4 -o address show dev tun0; ip route show default; cat /etc/resolv.conf
    ${CURL} http://world.test/
    ping -c 1 -W 5 10.0.135.130
    ${CURL} http://10.0.135.140/ 2>&1 || echo in the network: $?`;
  const { stdout, stderr, code } = await run(["-cidr", "10.0.135.128/25", "--", "sh", "-c", script]);
  assertEquals(stderr, "", `stderr: ${stdout}`);
  assertEquals(code, 0, `exit status: ${stdout}`);
  assertStringIncludes(stdout, "inet 10.0.135.228/25", "the guest's address");
  assertStringIncludes(stdout, "default via 10.0.135.130 dev tun0", "the route");
  assertStringIncludes(stdout, "nameserver 10.0.135.131\n", "the name server");
  assertStringIncludes(stdout, "Hello, ", "a name, and the world");
  assertStringIncludes(stdout, " 1 received", "a ping of the program");
  assertStringIncludes(stdout, "in the network: 7", "the guest's own network is never routed");
  await nothingLeft();
});

e2e("run: names by dig and getent; a large answer, truncated over UDP and whole over TCP", async () => {
  const { run, nothingLeft } = bound(await bed());
  const script = `
    for network in +notcp +tcp; do dig $network +short world.test; dig $network +short world6.test AAAA; done
    getent ahostsv4 world | head -n 1
    getent hosts nobody.test || echo status $?
    dig +notcp +ignore +bufsize=1232 txt-60000.test TXT | grep -o 'flags:.* tc '
    dig +tcp +short txt-60000.test TXT | tr -cd x | wc -c
    dig +bufsize=1232 +short txt-60000.test TXT | tr -cd x | wc -c`;
  const { stdout, stderr, code } = await run(["sh", "-c", script]);
  assertEquals(stderr, "", `stderr: ${stdout}`);
  assertEquals(code, 0, `exit status: ${stdout}`);
  const both = `${WORLD.v4}\n${WORLD.v6}\n`;
  assertMatch(stdout.slice(both.length * 2), /^203\.0\.113\.1 .*\nstatus 2\nflags: qr tc \n60000\n60000\n$/, stdout);
  assertEquals(stdout.slice(0, both.length * 2), both + both);
  await nothingLeft();
});

e2e("run -disable-routing: no name server is asked; names of -allow have their addresses", async () => {
  const { run, resolver, nothingLeft } = bound(await bed());
  const from = resolver.stdout.length;
  const asked = () => resolver.stdout.slice(from).filter((line) => /^asked.*secret/.test(line));
  const script = `
    getent hosts secret.evil.example || echo getent: $?
    for network in +notcp +tcp; do
      for server in 10.0.2.3 fd00::3; do dig $network @$server secret-dig.test | grep -o 'status: [A-Z]*'; done
    done
    dig +short world.test; dig world.test AAAA | grep -o 'status: [A-Z]*, .*\\|ANSWER: [0-9]*'
    getent ahostsv4 world.test | head -n 1
    ${CURL} http://world.test/
    ${CURL} http://world6.test/ 2>&1; echo curl: $?`;
  const closed = ["-disable-routing", "-allow", "world.test:80"];
  const { stdout, stderr, code } = await run([...closed, "sh", "-c", script]);
  assertEquals(stderr, "", `stderr: ${stdout}`);
  assertEquals(code, 0, `exit status: ${stdout}`);
  assertMatch(stdout, /^getent: 2\n(status: REFUSED\n){4}203\.0\.113\.1\nstatus: NOERROR, .*\nANSWER: 0\n/);
  assertMatch(stdout, /\n203\.0\.113\.1 +STREAM world\.test\nHello, /);
  assertMatch(stdout, /\ncurl: \(6\) .*world6\.test\ncurl: 6\n$/, "what is not allowed has no address");
  assertEquals(asked(), [], "the host's name server");

  // -dns asks for it
  const open = await run([...closed, "-dns", "dig", "+short", "secret-world.test"]);
  assertEquals(open.stderr, "", "stderr");
  assertEquals(open.code, 0, "exit status");
  assert(asked().length > 0, "the host's name server is asked with -dns");
  await nothingLeft();
});

e2e("run: the host's name server is down: an answer at once", async () => {
  const { lab, run } = bound(await bed());
  const script = `
    try() { start=$(date +%s%3N); "$@"; echo status $? in $(($(date +%s%3N) - start)) ms; }
    try dig +tries=1 +timeout=10 world.test
    try dig +tcp +tries=1 +timeout=10 world.test
    try getent hosts world.test
    try ${CURL} http://world.test/ 2>&1`;
  const conf = `${lab.directory}/host.conf`;
  const before = await Deno.readTextFile(conf);
  try {
    await Deno.writeTextFile(conf, "nameserver 127.0.0.99\n");
    const { stdout, stderr } = await run(["sh", "-c", script]);
    assertEquals(stdout.match(/status: SERVFAIL/g)?.length, 2, `stdout: ${stdout}`);
    assertEquals(stderr, "", `stderr: ${stdout}`);
    const ends = [...stdout.matchAll(/^status (\d+) in (\d+) ms$/gm)].map(([, ...numbers]) => numbers.map(Number));
    assertEquals(ends.map(([status]) => status), [0, 0, 2, 6], stdout);
    for (const [, milliseconds] of ends) assert(milliseconds! < 4_000, stdout);
  } finally {
    await Deno.writeTextFile(conf, before);
  }
});

e2e("run: the status is the command's", async () => {
  const { run } = bound(await bed());
  const status = async (...words: string[]) => (await run(words)).code;
  assertEquals(await status("true"), 0);
  assertEquals(await status("--", "sh", "-c", "exit 42"), 42);
  assertEquals(await status("sh", "-c", "kill -TERM $$"), 143);
  assertEquals(await status("-user-keep", "sh", "-c", "exit 7"), 7);
  for (const [command, code, reason] of [["no such", 127, /No such file/], ["/etc/passwd", 126, /denied/]] as const) {
    const result = await run([command]);
    assertEquals(result.stdout, "", "stdout");
    assertEquals(result.code, code, "exit status");
    assertMatch(result.stderr, /^\[!\] Failed to run .+\n$/);
    assertMatch(result.stderr, reason);
  }
  const wrong = await run(["-netns", "/proc/1/ns/net", "true"]);
  assertEquals(wrong.code, 2);
  assertMatch(
    wrong.stderr,
    /^flag provided but not defined: -netns\nRun `slirpnetstack run -h` for .+\n-netns is a flag of .+\n$/,
  );
});

e2e("run: from the source, `deno task start` runs the command in the folder that it was called in", async () => {
  const { at, asUser } = bound(await bed());
  const task = [`${at}/bin/deno`, "task", "--quiet", "--config", `${at}/project/deno.json`, "start", "run", "--"];
  const command = [
    "sh",
    "-c",
    'cd "$1" && shift && exec "$@"',
    "sh",
    `${at}/home`,
    ...task,
    "sh",
    "-c",
    'pwd; echo "$1"',
  ];
  const { stdout, stderr, code } = await execute(asUser([...command, "sh", "two  words"]));
  assertEquals(stdout, `${at}/home\ntwo  words\n`, "stdout");
  assertEquals(stderr, "", "stderr");
  assertEquals(code, 0, "exit status");
});

e2e("run: stdin, stdout and stderr are the command's; descriptors, limits and signals are unchanged", async () => {
  const { lab, run, asUser, program } = bound(await bed());
  const echoed = await run(["sh", "-c", "cat; echo to stderr >&2; ulimit -Sn; grep Sig[BI] /proc/self/status"], {
    stdin: "some\ninput",
  });
  assertEquals(echoed.stderr, "to stderr\n");
  const [, limit, ignored] = /^some\ninput(\d+)\nSigBlk:\t0+\nSigIgn:\t([0-9a-f]+)\n$/.exec(echoed.stdout)!;
  assert(Number(limit) > 0);
  const own = /^SigIgn:\t([0-9a-f]+)$/m.exec(await Deno.readTextFile("/proc/self/status"))![1];
  const others = 0x7fffffffn & ~(1n << 12n); // not SIGPIPE, which the runtime ignores, and the command does not
  assertEquals(BigInt(`0x${ignored}`) & 0x7fffffffn, BigInt(`0x${own}`) & others);
  const file = `${lab.directory}/out`;
  const shell = `exec >'${file}' 2>&1 <'${file}.in' "$@"`;
  await Deno.writeTextFile(`${file}.in`, "from a file\n");
  const command = asUser([...program, "run", "sh", "-c", "cat; echo err >&2"]);
  assertEquals((await execute(["sh", "-c", shell, "sh", ...command])).code, 0);
  assertEquals(await Deno.readTextFile(file), "from a file\nerr\n");
});

e2e("run: -user-keep is the user, without privileges; -verbose says what happens", async () => {
  const { user, run } = bound(await bed());
  const words = ["-verbose", "-user-keep", "sh", "-c", `id -u; grep CapEff /proc/self/status; ${CURL} http://world/`];
  const { stdout, stderr } = await run(words);
  assertMatch(stdout, new RegExp(`^${user}\nCapEff:\t0+\nHello, `));
  assertMatch(stderr, /^\[\+\] #\d+ Slirpnetstack started\n(?:.*\n)*.* Routing conn new\n/);
  const refused = await run(["-verbose", "sh", "-c", `${CURL} http://${WORLD_LINK.v4}/ || true`]);
  assertMatch(refused.stderr, /^\[\.\] tcp:\/\/192\.0\.2\.2:80 refused by the policy: .*-enable-host/m);
  assertEquals((await run(["-user-keep", "no-such-command"])).code, 127);
});

e2e("run: forwards, captures and -host-loopback", async () => {
  const { lab, at, run, start } = bound(await bed());
  const service = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, h.ThreadingHTTPServer, port=8080)";
  await using server = start("-verbose", "-L", "18080::8080", "-pcap", "/dev/null", "python3", "-c", service);
  await server.line("stderr", /Local listen tcp:\/\/127\.0\.0\.1:18080/);
  const call = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:18080/"];
  await until("the guest's server", 10_000, async () => (await lab.host.run(call)).stdout === "200");
  const here = ["sh", "-c", `${CURL} -o /dev/null -w '%{http_code}' http://10.0.2.2:18080/`];
  assertEquals((await run(["-host-loopback", ...here])).stdout, "200");
  assertEquals((await run(here)).stdout, "000");
  assertEquals((await run(["-host-loopback", "-deny", "10.0.2.2:18080", ...here])).stdout, "000");
  assert(at.includes(" "));
});

e2e("run: nothing is left, whichever process is killed", async () => {
  const { processes, nothingLeft, start } = bound(await bed());
  const find = (what: RegExp) => [...processes()].find(([, line]) => what.test(line))?.[0];
  const both = ["sh", "-c", "setsid sleep 1001 & sleep 1002; exit 3"];
  for (
    const [victim, code] of [
      [/main\.ts run|program run/, 137], // the program itself
      [/^sleep 1002$/, 3], // what the command waits for: it ends in its own way
      [/^sh -c setsid/, 137], // the command
      [/^cat$/, 137], // the first process of the namespace
    ] as const
  ) {
    const program = start(...both);
    const pids = await until("both sleeps", 20_000, () => {
      const found = [/^sleep 1001$/, /^sleep 1002$/].map(find);
      return found.every((pid) => pid !== undefined) && found;
    });
    assertEquals(pids.length, 2);
    Deno.kill(find(victim)!, "SIGKILL");
    assertEquals(await program.end(), code, String(victim));
    await nothingLeft();
  }
  const program = start("sh", "-c", "trap 'exit 9' TERM; echo ready; read line");
  await program.line("stdout", /^ready$/, 20_000);
  Deno.kill(find(/main\.ts run|program run/)!, "SIGTERM");
  assertEquals(await program.end(), 9); // handed on
  await nothingLeft();
});

e2e("run: in itself, and ten at once", async () => {
  const { run, program, nothingLeft } = bound(await bed());
  const inner = await run([...program, "run", "sh", "-c", `${CURL} http://world.test/; exit 5`], { timeout: 60_000 });
  assertEquals(inner.stderr, "", "stderr");
  assertEquals(inner.code, 5, "exit status");
  assertMatch(inner.stdout, /^Hello, /);
  const all = await Promise.all(
    Array.from(
      { length: 10 },
      (_, i) => run(["sh", "-c", `${CURL} http://${WORLD.v4}/; exit ${i}`], { timeout: 60_000 }),
    ),
  );
  assertEquals(all.map(({ code }) => code), Array.from({ length: 10 }, (_, i) => i));
  for (const { stdout } of all) assertMatch(stdout, /^Hello, /);
  await nothingLeft();
});

e2e("run: each refusal by the system is named, with its remedy", async () => {
  const { at, asRoot, asUser, program, nothingLeft } = bound(await bed());
  const refused = async (before: readonly string[]) => {
    const { stdout, stderr, code } = await execute(asUser([...before, ...program, "run", "echo", "never"]));
    assertEquals(stdout, "", `stdout: ${stderr}`);
    assertEquals(code, 253, `exit status: ${stderr}`);
    assertMatch(stderr, /^\[!\] Failed to make the guest: .+\n$/);
    return stderr;
  };
  const inNamespace = (
    script: string,
  ) => ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script, "sh"];
  const forbidden = inNamespace(
    'echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all "$@"',
  );
  assertStringIncludes(await refused(forbidden), "sysctl -w user.max_user_namespaces");
  assertStringIncludes(
    await refused([
      "sh",
      "-c",
      'mkdir "$DENO_DIR/few"; ln -s /usr/bin/git "$DENO_DIR/few"; exec env PATH="$DENO_DIR/few" "$@"',
      "sh",
    ]),
    "install util-linux",
  );
  const noTun = inNamespace('mount --bind /proc/version /dev/net/tun; exec "$@"');
  assertStringIncludes(await refused(noTun), "/dev/net/tun");
  const missing = await refused(inNamespace('mount -t tmpfs tmpfs /dev/net; exec "$@"'));
  assertMatch(missing, /open on \/dev\/net\/tun: .*ENOENT.* modprobe tun.* mknod -m 666 \/dev\/net\/tun c 10 200/);
  try {
    await check(asRoot(["chmod", "600", `${at}/tun`]));
    assertMatch(await refused([]), /open on \/dev\/net\/tun: .*EACCES.* chmod 666 \/dev\/net\/tun/);
  } finally {
    await check(asRoot(["chmod", "666", `${at}/tun`]));
  }
  await nothingLeft();
});

e2e("run: without /etc/resolv.conf, and with a link that leads nowhere", async () => {
  const { asUser, program } = bound(await bed());
  for (const make of ["true", "ln -s /nowhere/at/all /proc/etc/resolv.conf"]) {
    // an /etc of its own, in which that file is not
    const script = `
      mount -t tmpfs tmpfs /proc/bus; mkdir /proc/bus/etc; cp -r /etc/hosts /etc/passwd /etc/nsswitch.conf /proc/bus/etc/
      mkdir /proc/bus/etc/deep; ln -s ../etc/hosts /proc/bus/etc/link; ${make.replace("/proc/etc", "/proc/bus/etc")}
      mount --bind /proc/bus/etc /etc; umount -l /proc/bus; exec "$@"`;
    const before = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script, "sh"];
    const inside = `cat /etc/resolv.conf; ls /etc; cat /etc/link >/dev/null && ls -d /etc/deep && test -s /etc/passwd`;
    const { stdout, stderr, code } = await execute(asUser([...before, ...program, "run", "sh", "-c", inside]));
    assertEquals(stderr, "", `stderr: ${stdout}`);
    assertEquals(code, 0, `exit status: ${stdout}`);
    assertMatch(stdout, /^nameserver 10\.0\.2\.3$[^]*\nresolv\.conf\n\/etc\/deep\n$/m);
  }
});

/** The bed with its methods bound, so that it can be destructured. */
function bound(bed: RunBed) {
  return {
    lab: bed.lab,
    at: bed.at,
    user: bed.user,
    resolver: bed.resolver,
    program: bed.program,
    run: bed.run.bind(bed),
    start: bed.start.bind(bed),
    asRoot: bed.asRoot.bind(bed),
    asUser: bed.asUser.bind(bed),
    processes: bed.processes.bind(bed),
    nothingLeft: bed.nothingLeft.bind(bed),
  };
}
