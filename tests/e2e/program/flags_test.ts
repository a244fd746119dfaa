/** The flags about the program itself, each on a real run, and the messages and statuses of wrong ones. */
import { flagsOf } from "../../../forward/cli/flags/flag_table.ts";
import { HOST_LINK, WORLD } from "../../../scripts/lab/lab.ts";
import { launchProgram, PROGRAM_ENVIRONMENT, programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { run } from "../../../scripts/lab/process.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { e2e, VERSIONS } from "../bed/bed.ts";
import { client, ForwardBed, forwardsCommand } from "../bed/forward_bed.ts";
import { field } from "../bed/reports.ts";

const program = (...flags: readonly string[]) =>
  run([...programCommand(), ...flags], { cwd: PROJECT, env: PROGRAM_ENVIRONMENT });

const PORT_A = 'strconv.ParseUint: parsing "a": invalid syntax';

/** The line after the message about a wrong command line. */
const POINTER = "Run `slirpnetstack -h` for a list of the flags, `slirpnetstack help` for an explanation.";

/** A flag, a bad value, and the reason in the message. */
const BAD_VALUES: readonly (readonly [flag: string, value: string, reason: string])[] = [
  ["L", "80:a", PORT_A],
  ["L", "sctp://80", 'unknown network type "sctp"'],
  ["R", "[::1:80", "missing ']' in \"[::1:80\""],
  ["R", "udpspp://80", 'network type "udpspp" is for local forwards only'],
  ["R", "tcp://:1:x@web-2:0", 'unknown dns type "web-2"'],
  ["allow", "localhost:a", PORT_A],
  ["allow", "localhost:2-1", "min port must be smaller equal than max"],
  ["deny", "10.0.0.0/33", "invalid CIDR address: 10.0.0.0/33"],
  ["allow", "127.1", "lookup 127.1: no such host"],
  ["max-dials", "0", "value out of range: must be 1 to 60000"],
  ["max-buffered-bytes", "1M", "parse error"],
  ["mtu", "1", "value out of range: must be 0 or 68 to 65535"],
  ["fd", "x", "parse error"],
  ["maxprocs", "many", "parse error"],
  ["dns-ttl", "5", 'time: missing unit in duration "5"'],
  ["icmp", "maybe", "must be one of local, auto, off"],
  ["source-ipv4", "::1", "not an IPv4 address"],
  ["source-ipv6", "127.0.0.1", "not an IPv6 address"],
  ["m", "udp://127.0.0.1:80", 'unknown network type "udp"'],
  ["m", "127.0.0.1:80", "must be tcp://IP:PORT or unix://PATH"],
];

Deno.test("a bad value: a message, a pointer to -h and help, nothing on stdout, status 2", async () => {
  for (const [i, [flag, value, reason]] of BAD_VALUES.entries()) {
    const dashes = i % 2 === 0 ? "-" : "--";
    const words = i % 3 === 0 ? [`${dashes}${flag}`, value] : [`${dashes}${flag}=${value}`];
    const { code, stdout, stderr } = await program(...words);
    assertEquals(stderr, `invalid value ${JSON.stringify(value)} for flag -${flag}: ${reason}\n${POINTER}\n`);
    assertEquals(stdout, "");
    assertEquals(code, 2);
  }
});

Deno.test("help and version whose reader has gone: no word of it, status 0", async () => {
  const gone = 'exec {fd}> >(:); wait $!; "$@" >&$fd';
  for (const word of ["-version", "help"]) {
    const command = ["bash", "-c", gone, "bash", ...programCommand(), word];
    const { code, stderr } = await run(command, { cwd: PROJECT, env: PROGRAM_ENVIRONMENT });
    assertEquals(stderr, "", word);
    assertEquals(code, 0, word);
  }
});

Deno.test("an unknown flag, a bad boolean, a name without an address: the same", async () => {
  for (
    const [word, message] of [
      ["-nothing", /^flag provided but not defined: -nothing$/],
      ["--quiet=perhaps", /^invalid boolean value "perhaps" for -quiet: parse error$/],
      ["-L", /^flag needs an argument: -L$/],
      ["-user=no-such-name", /^invalid value "no-such-name" for flag -user: user: unknown user no-such-name$/],
      ["-user=0:1", /^invalid value "0:1" for flag -user: must be another user than root$/],
      ["--allow=notahost\u00f3", /^invalid value "notahost\u00f3" for flag -allow: lookup notahost\u00f3: .+$/],
    ] as const
  ) {
    const { code, stdout, stderr } = await program(word);
    const [first, second] = stderr.split("\n");
    assertMatch(first!, message);
    assertEquals(second, POINTER);
    assertEquals(stdout, "");
    assertEquals(code, 2);
  }
});

Deno.test("a word behind the flags: the same, with a suggestion of a command", async () => {
  for (
    const [words, unexpected, meant] of [
      [["rum", "--", "x"], "rum", "Did you mean `slirpnetstack run`?"],
      [["-quiet", "run", "x"], "run", "Did you mean `slirpnetstack run`?"],
      [["foo"], "foo", ""],
    ] as const
  ) {
    const { code, stdout, stderr } = await program(...words);
    const lines = stderr.split("\n");
    assertEquals(lines.slice(0, 2), [`unexpected argument "${unexpected}"`, POINTER]);
    assertEquals(lines.filter((line) => line.startsWith("Did you mean")).join(), meant, "suggestion");
    assertEquals(stdout, "", "stdout");
    assertEquals(code, 2, "exit status");
  }
});

Deno.test("-h names every flag on stderr, for run too; -version has two lines on stdout", async () => {
  const run = await program("run", "-h");
  assertEquals(run.stderr.split("\n")[0], "Usage of slirpnetstack run:", "stderr");
  assertEquals(run.stdout, "", "stdout");
  assertEquals(run.code, 0, "exit status");
  assertMatch(run.stderr, /^ {2}-user-keep$/m);
  for (const word of ["-h", "--help"]) {
    const { code, stdout, stderr } = await program(word);
    const flags = [...stderr.matchAll(/^ {2}-(\S+)/gm)].map((match) => match[1]);
    const expected = Object.keys(flagsOf("attach")).sort().join(" ");
    assertEquals(flags.join(" "), expected, "flags");
    assertEquals(stderr.split("\n")[0], "Usage of slirpnetstack:", "the first line of stderr");
    assertEquals(stdout, "", "stdout");
    assertEquals(code, 0, "exit status");
  }
  const { code, stdout, stderr } = await program("-version");
  assertMatch(stdout, /^slirpnetstack version \S+\nbuild time \d{4}-\d\d-\d\d-\d\d:\d\dUTC\n$/);
  assertEquals(stderr, "", "stderr");
  assertEquals(code, 0, "exit status");
});

const forwards = new ForwardBed("guest");

e2e("-maxprocs: says on stderr that it has no effect", async () => {
  const bed = await forwards.with("-maxprocs", "2");
  await bed.program.line("stderr", /-maxprocs has no effect/);
});

e2e("-exit-with-parent: ends when the parent has ended, and not without the flag", async () => {
  const bed = await forwards.get();
  await bed.program.stop();
  for (const flag of ["-exit-with-parent", "-exit-with-parent=false"]) {
    const log = `${bed.lab.directory}/stderr${flag}`;
    const words = [...programCommand(), "-netns", bed.guest.path, flag];
    await using parent = bed.lab.host.start(["sh", "-c", `cd '${PROJECT}'; "$@" 2> '${log}' & wait`, "sh", ...words]);
    const said = (pattern: RegExp) => until(String(pattern), 20_000, () => pattern.exec(readIfThere(log)));
    const pid = Number((await said(/^\[\+\] #(\d+) Slirpnetstack started$/m))[1]);
    parent.signal("SIGKILL");
    await parent.ended;
    if (flag === "-exit-with-parent=false") {
      assert(isRunning(pid));
      Deno.kill(pid, "SIGTERM");
    }
    await said(new RegExp(`^\\[-\\] #${pid} Slirpnetstack closing$`, "m"));
    await until("the end of the program", 5_000, () => !isRunning(pid));
  }
});

/** Addresses of the host that nothing is sent from by default. */
const SOURCE = { v4: "198.51.100.77", v6: "2001:db8:77::7" } as const;

e2e("-source-ipv4 and -source-ipv6: outgoing traffic has these source addresses", async () => {
  const { lab } = await forwards.get();
  for (const version of VERSIONS) {
    await lab.host.ip(`address add ${SOURCE[version]} dev lo nodad`);
    await lab.world.ip(`route add ${SOURCE[version]} via ${HOST_LINK[version]}`);
  }
  await lab.start(lab.world, forwardsCommand("serve", WORLD.v4, WORLD.v6)).line("stdout", /^ready$/);
  const flags = ["-source-ipv4", SOURCE.v4, `--source-ipv6=${SOURCE.v6}`];
  const bed = await forwards.with(...flags, "-L", "0.0.0.0:0:10.0.2.100:9100", "-R", `90:${WORLD.v4}:9100`);
  for (const version of VERSIONS) {
    assertEquals(field(await client(bed.guest, "ask", WORLD[version], 9100), "tcp"), SOURCE[version]);
    assertEquals(field(await client(bed.guest, "ask-udp", WORLD[version], 9100), "udp"), SOURCE[version]);
  }
  assertEquals(field(await client(bed.guest, "ask", "10.0.2.2", 90), "tcp"), SOURCE.v4);
  const from = SOURCE.v4.replaceAll(".", "\\.");
  await bed.program.line(
    "stdout",
    new RegExp(`^\\[\\+\\] udp://10\\.0\\.2\\.100:\\d+/${from}:\\d+-203\\.0\\.113\\.1:9100 `),
  );
});

e2e("each thing that can't be opened has a line and a status", async () => {
  const bed = await forwards.get();
  await bed.program.stop();
  const device = ["-netns", bed.guest.path];
  for (
    const [flags, status, line] of [
      [["-fd", "3", ...device], 252, /^Please specify either -fd or -netns$/],
      [["-fd", "3"], 253, /^Failed to open TUN\/TAP: .*fd 3/],
      [
        [...device, "-pcap", "/nowhere/x.pcap"],
        250,
        /^\[!\] Failed to open PCAP file: .*\/nowhere\/x\.pcap.*ENOENT/,
      ],
      [[...device, "-m", "tcp://203.0.113.9:80"], 254, /^\[!\] Failed to start metrics: .+/],
    ] as const
  ) {
    await using program = launchProgram(bed.lab.host, flags);
    assertEquals(await program.end(), status, program.stderr.join("\n"));
    assertMatch(program.stderr.at(-1)!, line);
    assertEquals(program.stdout, []);
  }
});

function isRunning(pid: number): boolean {
  const status = readIfThere(`/proc/${pid}/status`);
  return status !== "" && !/^State:\s*Z/m.test(status);
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

Deno.test("help and completions are on stdout; a mistyped flag gets a suggestion behind the message", async () => {
  for (const [words, expected] of [[["help"], /^NAME\n/], [["completions", "bash"], /\ncomplete -F _slirp/]] as const) {
    const { code, stdout, stderr } = await program(...words);
    assertMatch(stdout, expected);
    assertEquals(stderr, "", "stderr");
    assertEquals(code, 0, "exit status");
  }
  const unknown = await program("help", "mt");
  assertEquals(unknown.stderr, 'no help about "mt"\nDid you mean `slirpnetstack help -mtu`?\n', "stderr");
  assertEquals(unknown.stdout, "", "stdout");
  assertEquals(unknown.code, 2, "exit status");
  const mistyped = await program("-net", "/nowhere");
  const lines = mistyped.stderr.split("\n");
  assertEquals(lines.slice(0, 2), ["flag provided but not defined: -net", POINTER]);
  assertEquals(lines.at(-2), "Did you mean -netns?", "suggestion");
  assertEquals(mistyped.stdout, "", "stdout");
  assertEquals(mistyped.code, 2, "exit status");
});
