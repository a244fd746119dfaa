import { ExitStatus } from "../../../../forward/report/contract_lines.ts";
import { COMMANDS, shownFlags, typedDefault } from "../../../../forward/cli/help/commands.ts";
import { flagHint, help, wordHint } from "../../../../forward/cli/help/help.ts";
import { OUTPUT, OVERVIEW, PAGES, POLICY } from "../../../../forward/cli/help/pages.ts";
import { type Block, type Page, spans } from "../../../../forward/cli/help/page.ts";
import { pageText, termText } from "../../../../forward/cli/help/text.ts";
import { parseOptions, parseRunOptions } from "../../../../forward/cli/flags/options.ts";
import { limitFlag, type LimitName, LIMITS } from "../../../../forward/limits/limits.ts";
import { readPasta } from "../../../../forward/cli/pasta/arguments.ts";
import { readSlirp4netns } from "../../../../forward/cli/slirp4netns/arguments.ts";
import { NEVER_ROUTED } from "../../../../forward/policy/static_list.ts";
import { IpAddress } from "../../../../stack/base/address.ts";
import { parseServiceAddress } from "../../../../forward/syntax/service_address.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../../assert.ts";

const PLAIN = { width: 80, styled: false };

/** What help says; an Error when it has nothing to say. */
function text(...args: readonly string[]): string {
  const outcome = help(args, PLAIN);
  if (outcome.kind === "error") throw new Error(outcome.message);
  return outcome.text;
}

function message(...args: readonly string[]): string {
  const outcome = help(args, PLAIN);
  return outcome.kind === "error" ? outcome.message : "no error";
}

function allBlocks(): Block[] {
  return [OVERVIEW, ...PAGES].flatMap(({ sections }) => sections).flatMap(({ blocks }) => blocks);
}

Deno.test("help: the overview names every page, and each page is there", () => {
  const overview = text();
  assertMatch(overview, /^NAME\n {4}slirpnetstack - user-mode networking for network namespaces\n\nSYNOPSIS\n/);
  for (const { name, summary } of PAGES) {
    assertStringIncludes(overview, `slirpnetstack help ${name}\n`);
    assertStringIncludes(text(name), `NAME\n    slirpnetstack ${name} - ${summary}\n`);
  }
});

Deno.test("help: every flag is on the page of its command, with its default, and has help of its own", () => {
  for (const command of COMMANDS) {
    const page = text(command.name);
    for (const [name, row] of shownFlags(command)) {
      assertMatch(page, new RegExp(`\n {4}-${name}${row.value === undefined ? "(\n| )" : ` ${row.value}\n`}`));
      const own = text(`-${name}`).replaceAll(/\s+/g, " ");
      assertStringIncludes(own, spans(row.help[0]).map(({ text }) => text).join(""));
      if (typedDefault(row, command) !== "") assertMatch(own, /Default(?: with \w+)?: \S+\./);
      assertEquals(text(`--${name}`), text(`-${name}`));
    }
  }
});

Deno.test("help: the page of limits explains every limit, and no other flag", () => {
  const flags = [...text("limits").matchAll(/^ {4}-(\S+) NUMBER$/gm)].map(([, flag]) => flag);
  assertEquals(flags.toSorted(), Object.keys(LIMITS).map((name) => limitFlag(name as LimitName)).toSorted());
  assertStringIncludes(text("limits"), "slirpnetstack_limit_overflows_total");
});

Deno.test("help: no line is longer than the terminal is wide, except lines to be typed", () => {
  for (const page of [OVERVIEW, ...PAGES]) {
    for (const width of [40, 80]) {
      for (const line of pageText(page, { width, styled: false }).split("\n")) {
        assert(line === line.trimEnd(), `space at the end: ${JSON.stringify(line)}`);
        assert(line.length <= width || /^ {8}\S/.test(line) || !line.trim().includes(" "), line);
      }
    }
  }
});

Deno.test("help: on a terminal, literals are bold and placeholders underlined", () => {
  assertEquals(
    termText(["`-mtu` _BYTES_", "As `ip link` says."], { width: 80, styled: true }),
    "    \x1b[1m-mtu\x1b[22m \x1b[4mBYTES\x1b[24m\n          As \x1b[1mip\x1b[22m \x1b[1mlink\x1b[22m says.\n",
  );
  const page: Page = {
    name: "",
    summary: "x",
    synopsis: [],
    sections: [{ title: "Status", blocks: [{ terms: [["0", "Well."]] }] }],
  };
  assertEquals(pageText(page, PLAIN), "NAME\n    slirpnetstack - x\n\nSTATUS\n    0     Well.\n");
});

Deno.test("help: an unknown topic is an error with a suggestion", () => {
  assertEquals(message("-netsn"), 'no help about "-netsn"\nDid you mean `slirpnetstack help -netns`?\n');
  assertEquals(message("forwrds"), 'no help about "forwrds"\nDid you mean `slirpnetstack help forwards`?\n');
  assertMatch(message("weather"), /^no help about "weather"\nTopics are: attach, .*\n$/);
  assertEquals(message("policy", "output"), "help takes one word, not 2\n");
});

Deno.test("an unknown flag: a suggestion", () => {
  assertEquals(flagHint("nets", "attach"), "Did you mean -netns?");
  assertEquals(flagHint("enable-hots", "attach"), "Did you mean -enable-host?");
  assertEquals(flagHint("l", "attach"), "Did you mean -L?");
  assertEquals(flagHint("disable-h", "attach"), "Did you mean -disable-host-networks?");
  assertEquals(flagHint("weather", "attach"), null);
  assertEquals(flagHint("user-keep", "attach"), "-user-keep is a flag of `slirpnetstack run`");
});

Deno.test("an unexpected word: a suggestion of a command", () => {
  assertEquals(wordHint("rum"), "Did you mean `slirpnetstack run`?");
  assertEquals(wordHint("run"), "Did you mean `slirpnetstack run`?");
  assertEquals(wordHint("hlep"), "Did you mean `slirpnetstack help`?");
  assertEquals(wordHint("completion"), "Did you mean `slirpnetstack completions`?");
  assertEquals(wordHint("foo"), null);
});

Deno.test("help: its command lines are right", async () => {
  const lines = [
    ...allBlocks().flatMap((block) => typeof block === "object" && "code" in block ? block.code : []),
    ...COMMANDS.flatMap(({ examples }) => examples.map(([, command]) => command)),
  ].filter((line) => line.startsWith("slirpnetstack"));
  assert(lines.length > 10);
  const context = {
    resolve: () => Promise.reject(new Error("a name")),
    findUser: () => ({ uid: 1, gid: 1, groups: [] }),
  };
  for (const line of lines) {
    const words = line.split(" ").slice(1).map((word) => word.replaceAll("'", ""));
    const [run] = words;
    if (run === "top") {
      assertEquals(words.length, 2, line);
      parseServiceAddress(words[1]!);
      continue;
    }
    if (run === "slirp4netns") {
      const read = readSlirp4netns(words.slice(1), { version: "", missing: () => null });
      assert(read.kind === "start", `${line}: ${JSON.stringify(read)}`);
      continue;
    }
    if (run === "pasta") {
      const read = readPasta(words.slice(1), "");
      assert(read.kind === "start", `${line}: ${JSON.stringify(read)}`);
      continue;
    }
    const outcome = await (run === "run" ? parseRunOptions(words.slice(1), context) : parseOptions(words, context));
    assert(outcome.kind === "options", `${line}: ${JSON.stringify(outcome)}`);
  }
});

Deno.test("help: every exit status is explained, and every address that is never routed is one", () => {
  const statuses = OUTPUT.find(({ title }) => title === "Exit status")!.blocks.flatMap((block) =>
    typeof block === "object" && "terms" in block ? block.terms.map(([term]) => Number(term)) : []
  );
  for (const status of Object.values(ExitStatus)) assert(statuses.includes(status), `${status}`);
  const addresses = JSON.stringify(POLICY).match(/(?<=[" ])[0-9a-f:.]*[:.][0-9a-f:.]*(?=\/\d|,| can't)/g)!;
  assert(addresses.length >= 12, addresses.join(" "));
  for (const address of addresses) assert(NEVER_ROUTED.contains(IpAddress.parse(address)), address);
});
