import { readCommandLine } from "../../../forward/options/command_line.ts";
import { Output } from "../../../forward/output.ts";
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
  const context = { stdout: output("stdout"), stderr: output("stderr"), read: () => "", findUser };
  return { command: await readCommandLine(args, context), ...said };
}

Deno.test("command line: a guest that exists, and one that is made for a command", async () => {
  const attach = await read("-pid", "7", "-user", "somebody");
  assert(attach.command.kind === "attach");
  assertEquals([attach.command.options.netns, attach.command.options.user?.uid], ["/proc/7/ns/net", 1]);
  const run = await read("run", "-mtu", "1500", "--", "sh", "-c", "true");
  assert(run.command.kind === "run");
  assertEquals([run.command.options.mtu, run.command.words], [1500, ["sh", "-c", "true"]]);
  for (const { stdout, stderr } of [attach, run]) assertEquals([stdout, stderr], ["", ""]);
});

Deno.test("command line: what is asked for is told on stdout, what is wrong on stderr, and that is all", async () => {
  const cases: [string[], number, RegExp, RegExp][] = [
    [["help"], 0, /slirpnetstack/, /^$/],
    [["help", "nothing-of-that-name"], 2, /^$/, /no help about "nothing-of-that-name"/],
    [["completions", "bash"], 0, /complete/, /^$/],
    [["-version"], 0, /^slirpnetstack version .+\nbuild time .+\n$/, /^$/],
    [["run", "-version"], 0, /^slirpnetstack version /, /^$/],
    [["-h"], 0, /^$/, /^Usage of slirpnetstack:\n/],
    [["run", "-h"], 0, /^$/, /^Usage of slirpnetstack run:\n/],
    [["-mtu", "x"], 2, /^$/, /^invalid value "x" for flag -mtu: parse error\nUsage of slirpnetstack:\n/],
    [["-interfac", "x"], 2, /^$/, /^flag provided but not defined: -interfac\n(.|\n)*\nDid you mean -interface\?\n$/],
    [["run", "-netns", "x"], 2, /^$/, /^flag provided but not defined: -netns\n(.|\n)*\n-netns is a flag of /],
    [["hlep"], 2, /^$/, /^unexpected argument "hlep"\n(.|\n)*\nDid you mean `slirpnetstack help`\?\n$/],
  ];
  for (const [args, status, stdout, stderr] of cases) {
    const result = await read(...args);
    assertEquals(result.command, { kind: "end", status }, args.join(" "));
    assertMatch(result.stdout, stdout);
    assertMatch(result.stderr, stderr);
  }
});
