import { readCommandLine } from "../../../forward/cli/command_line.ts";
import { Output } from "../../../forward/report/output.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";

/** What becomes of a command line, and what is told of it. */
async function read(...args: readonly string[]) {
  const said = { stdout: "", stderr: "" };
  const output = (name: keyof typeof said) =>
    new Output({
      writeSync: (bytes) => {
        said[name] += new TextDecoder().decode(bytes);
        return bytes.length;
      },
    });
  const findUser = () => ({ uid: 1, gid: 2, groups: [] });
  const context = { version: "1.2.3", stdout: output("stdout"), stderr: output("stderr"), read: () => "", findUser };
  return { command: await readCommandLine(args, context), ...said };
}

Deno.test("command line: a guest that exists, and one that is made for a command", async () => {
  const attach = await read("-pid", "7", "-user", "somebody");
  assert(attach.command.kind === "attach");
  assertEquals(attach.command.options.netns, "/proc/7/ns/net", "attach: netns");
  assertEquals(attach.command.options.user?.uid, 1, "attach: uid");
  const run = await read("run", "-mtu", "1500", "--", "sh", "-c", "true");
  assert(run.command.kind === "run");
  assertEquals(run.command.options.mtu, 1500, "run: MTU");
  assertEquals(run.command.words, ["sh", "-c", "true"], "run: words");
  for (const { command, stdout, stderr } of [attach, run]) {
    assertEquals(stdout, "", `${command.kind}: stdout`);
    assertEquals(stderr, "", `${command.kind}: stderr`);
  }
});

Deno.test("command line: help goes to stdout, errors to stderr, and nothing else is printed", async () => {
  const cases: [string[], number, RegExp, RegExp][] = [
    [["help"], 0, /slirpnetstack/, /^$/],
    [["help", "nothing-of-that-name"], 2, /^$/, /no help about "nothing-of-that-name"/],
    [["completions", "bash"], 0, /complete/, /^$/],
    [["-version"], 0, /^slirpnetstack version 1\.2\.3\nbuild time .+\n$/, /^$/],
    [["run", "-version"], 0, /^slirpnetstack version 1\.2\.3\n/, /^$/],
    [["-h"], 0, /^$/, /^Usage of slirpnetstack:\n/],
    [["run", "-h"], 0, /^$/, /^Usage of slirpnetstack run:\n/],
  ];
  for (const [args, status, stdout, stderr] of cases) {
    const result = await read(...args);
    assertEquals(result.command, { kind: "end", status }, args.join(" "));
    assertMatch(result.stdout, stdout);
    assertMatch(result.stderr, stderr);
  }
});

/** What follows the message about a wrong command line. */
const POINTER = "Run `slirpnetstack -h` for a list of the flags, `slirpnetstack help` for an explanation.\n";
const RUN_POINTER =
  "Run `slirpnetstack run -h` for a list of the flags, `slirpnetstack help run` for an explanation.\n";

Deno.test("command line: an error has its message, a pointer to -h and help, and a suggestion", async () => {
  const cases: [args: string[], stderr: string][] = [
    [["-mtu", "x"], `invalid value "x" for flag -mtu: parse error\n${POINTER}`],
    [["-L"], `flag needs an argument: -L\n${POINTER}`],
    [["-quiet=perhaps"], `invalid boolean value "perhaps" for -quiet: parse error\n${POINTER}`],
    [["-nothing"], `flag provided but not defined: -nothing\n${POINTER}`],
    [["-interfac", "x"], `flag provided but not defined: -interfac\n${POINTER}Did you mean -interface?\n`],
    [["hlep"], `unexpected argument "hlep"\n${POINTER}Did you mean \`slirpnetstack help\`?\n`],
    [["run", "-mtu", "x"], `invalid value "x" for flag -mtu: parse error\n${RUN_POINTER}`],
    [
      ["run", "-netns", "x"],
      `flag provided but not defined: -netns\n${RUN_POINTER}-netns is a flag of \`slirpnetstack\`\n`,
    ],
  ];
  for (const [args, stderr] of cases) {
    const result = await read(...args);
    assertEquals(result.command, { kind: "end", status: 2 }, args.join(" "));
    assertEquals(result.stdout, "", args.join(" "));
    assertEquals(result.stderr, stderr);
  }
});
