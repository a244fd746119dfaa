import { policyCommand } from "../../../forward/cli/policy_command.ts";
import { assertEquals, assertStringIncludes } from "../../assert.ts";

const POLICY = `{
  "version": 1,
  "rules": [
    { "allow": "tcp://git.example.com:22", "id": "git" },
    { "allow": "192.0.2.0/24:443" },
    { "deny": "192.0.2.7" },
    { "deny": "gist.example.com" }
  ]
}`;

/** Status and text of the command. */
async function run(...args: string[]): Promise<string> {
  const { status, text, isError } = await policyCommand(args, (path) => {
    if (path === "p.json") return POLICY;
    throw new Error(`${path}: no such file`);
  });
  return `${status}${isError ? " error" : ""}\n${text}`;
}

Deno.test("explain shows the rule that decides, and its status shows whether a flow is allowed", async () => {
  assertEquals(
    await run("explain", "p.json", "Git.Example.com:22"),
    "0\nquestion for git.example.com: allowed\ntcp://git.example.com:22: allowed by git; it may carry anything\n" +
      "udp://git.example.com:22: refused, no rule allows it\n",
  );
  assertEquals(
    await run("explain", "p.json", "gist.example.com"),
    "1\nquestion for gist.example.com: refused, denied by !gist.example.com\n" +
      "tcp://gist.example.com:443: refused, denied by !gist.example.com\n" +
      "udp://gist.example.com:443: refused, denied by !gist.example.com\n",
  );
  assertEquals(
    await run("explain", "p.json", "192.0.2.1:443"),
    "0\ntcp://192.0.2.1:443: allowed by 192.0.2.0/24:443; it may carry anything\n" +
      "udp://192.0.2.1:443: refused, no rule allows it\n",
  );
  assertStringIncludes(
    await run("explain", "p.json", "192.0.2.7:443"),
    "tcp://192.0.2.7:443: refused, denied by !192.0.2.7",
  );
});

Deno.test("show prints a preset with its source, and schema the schema", async () => {
  assertStringIncludes(await run("show", "@npm"), "version 1, 2026-11-28, from https://docs.npmjs.com");
  assertStringIncludes(await run("show", "@npm"), "\nregistry.npmjs.org\n");
  assertStringIncludes(await run("schema"), '"additionalProperties": false');
});

Deno.test("errors go to stderr, with status 2", async () => {
  assertStringIncludes(await run(), "2 error\nusage: ");
  assertStringIncludes(await run("explain", "p.json"), "2 error\nusage: ");
  assertStringIncludes(await run("explain", "q.json", "a.example"), "2 error\nq.json: no such file");
  assertStringIncludes(await run("explain", "p.json", "a b"), '2 error\n"a b" is not a name');
  assertStringIncludes(await run("explain", "p.json", "a.example:80-90"), "2 error\none port is needed");
  assertStringIncludes(await run("show", "npm"), "2 error\na preset is missing: one of @npm");
  assertStringIncludes(await run("show", "@nmp"), "2 error\nunknown preset");
});
