import fc from "fast-check";
import { assertEquals, assertRejects } from "../../../assert.ts";
import { defaultOf, FLAG_KINDS, type FlagRow, shownDefault } from "../../../../forward/cli/flags/flag_row.ts";
import { makeFlag, valueReaders } from "../../../../forward/cli/flags/flag_values.ts";
import { Flag, formatUsage, parseFlags } from "../../../../forward/cli/flags/go_flags.ts";
import { InvalidValue } from "../../../../forward/syntax/invalid_value.ts";
import { mapRecord } from "../../../../forward/syntax/records.ts";

const group = "Guest", help = ["Help."] as const;

/** Some flags, without a list. */
const ROWS = {
  "quiet": { kind: "boolean", group, help, usage: "Print less" },
  "enable-routing": { kind: "boolean", default: true, group, help, usage: "Routing\nsecond line" },
  "mtu": { kind: "mtu", default: 0, group, help, usage: "MTU" },
  "interface": { kind: "text", default: "tun0", group, help, usage: "interface name" },
  "netns": { kind: "path", group, help, usage: "path" },
  "icmp": { kind: "choice", choices: ["local", "off"], default: "local", group, help, usage: "ping" },
  "x": { kind: "boolean", group, help, usage: "short" },
} as const satisfies Readonly<Record<string, FlagRow>>;

const READERS = valueReaders({ resolve: () => Promise.resolve([]) });

function makeTable() {
  const made = mapRecord<keyof typeof ROWS, FlagRow, ReturnType<typeof makeFlag>>(
    ROWS,
    (row) => makeFlag(row, defaultOf(row, "attach"), READERS),
  );
  return {
    ...made,
    "L": new Flag<readonly string[]>([], (text, soFar) => {
      if (text === "bad") throw new InvalidValue("very bad");
      return [...soFar, ...text.split(",")];
    }),
  };
}

/** Parses words, and gives the outcome with the values that differ from the defaults. */
async function parse(...args: string[]): Promise<unknown> {
  const table = makeTable(), defaults = makeTable();
  const outcome = await parseFlags(table, args);
  if (outcome.kind !== "parsed") return outcome;
  const before = new Map(Object.entries(defaults).map(([name, flag]) => [name, JSON.stringify(flag.value)]));
  const changed = Object.entries(table).filter(([name, flag]) => JSON.stringify(flag.value) !== before.get(name));
  return { values: Object.fromEntries(changed.map(([name, flag]) => [name, flag.value])), rest: outcome.rest };
}

const failed = (message: string) => ({ kind: "error", message });

Deno.test("one dash or two, a value after an equals sign or in the next argument", async () => {
  const expected = { values: { netns: "/a=b", mtu: 99 }, rest: [] };
  assertEquals(await parse("-netns", "/a=b", "-mtu", "99"), expected);
  assertEquals(await parse("--netns=/a=b", "--mtu=99"), expected);
});

Deno.test("a value may look like a flag", async () => {
  assertEquals(await parse("-interface", "--", "-netns", "-quiet"), {
    values: { interface: "--", netns: "-quiet" },
    rest: [],
  });
  assertEquals(await parse("-netns="), { values: {}, rest: [] });
});

Deno.test("a boolean takes a value only after an equals sign", async () => {
  assertEquals(await parse("-quiet", "true", "-x"), { values: { quiet: true }, rest: ["true", "-x"] });
  for (const yes of ["1", "t", "T", "TRUE", "true", "True"]) {
    assertEquals(await parse(`-quiet=${yes}`), { values: { quiet: true }, rest: [] });
  }
  for (const no of ["0", "f", "F", "FALSE", "false", "False"]) {
    assertEquals(await parse(`-enable-routing=${no}`), { values: { "enable-routing": false }, rest: [] });
  }
  for (const odd of ["x", "", "tRue", "yes", "2", " 1"]) {
    assertEquals(await parse(`-quiet=${odd}`), failed(`invalid boolean value "${odd}" for -quiet: parse error`));
  }
});

Deno.test("the last value counts; a list takes all", async () => {
  assertEquals(await parse("-netns=a", "-netns=b", "-L", "a", "-L=b=,c", "--L="), {
    values: { netns: "b", L: ["a", "b=", "c", ""] },
    rest: [],
  });
});

Deno.test("flags end at --, at - and at the first argument without a dash", async () => {
  assertEquals(await parse("-quiet", "--", "-x"), { values: { quiet: true }, rest: ["-x"] });
  assertEquals(await parse("-", "-quiet"), { values: {}, rest: ["-", "-quiet"] });
  assertEquals(await parse("run", "-quiet"), { values: {}, rest: ["run", "-quiet"] });
  assertEquals(await parse("", "-quiet"), { values: {}, rest: ["", "-quiet"] });
  assertEquals(await parse(), { values: {}, rest: [] });
});

/** A flag that there isn't. */
const unknown = (name: string) => ({ ...failed(`flag provided but not defined: -${name}`), unknown: name });

Deno.test("errors have Go's texts", async () => {
  assertEquals(await parse("-nope"), unknown("nope"));
  assertEquals(await parse("--nope=1"), unknown("nope"));
  assertEquals(await parse("-constructor"), unknown("constructor"));
  assertEquals(await parse("-__proto__=1"), unknown("__proto__"));
  assertEquals(await parse("-mtu"), failed("flag needs an argument: -mtu"));
  assertEquals(await parse("---x"), failed("bad flag syntax: ---x"));
  assertEquals(await parse("-=x"), failed("bad flag syntax: -=x"));
  assertEquals(await parse("--=x"), failed("bad flag syntax: --=x"));
  assertEquals(await parse("-mtu", "a\n"), failed(String.raw`invalid value "a\n" for flag -mtu: parse error`));
  assertEquals(await parse("-mtu", "-1"), failed(`invalid value "-1" for flag -mtu: parse error`));
  assertEquals(
    await parse("-mtu", "99999999999999999999"),
    failed(`invalid value "99999999999999999999" for flag -mtu: value out of range`),
  );
  assertEquals(
    await parse("-mtu=67"),
    failed(`invalid value "67" for flag -mtu: value out of range: must be 0 or 68 to 65535`),
  );
  assertEquals(await parse("-L=bad"), failed(`invalid value "bad" for flag -L: very bad`));
  assertEquals(await parse("-icmp", "on"), failed(`invalid value "on" for flag -icmp: must be one of local, off`));
});

Deno.test("the first error is reported, whatever comes before it", async () => {
  assertEquals(await parse("-quiet", "-L=bad", "-nope"), failed(`invalid value "bad" for flag -L: very bad`));
  assertEquals(await parse("-nope", "-h"), unknown("nope"));
});

Deno.test("-h and -help ask for help, even with a value", async () => {
  for (const help of ["-h", "--h", "-help", "--help", "-h=1", "-help=false"]) {
    assertEquals(await parse("-quiet", help, "-nope"), { kind: "help" });
  }
  assertEquals(await parse("x", "-h"), { values: {}, rest: ["x", "-h"] });
});

Deno.test("an error of the program itself is not reported as the user's", async () => {
  const table = {
    broken: new Flag(0, () => {
      throw new RangeError("a bug");
    }),
  };
  await assertRejects(() => parseFlags(table, ["-broken=1"]), RangeError, "a bug");
});

Deno.test("the usage has Go's layout", () => {
  const lines = mapRecord<keyof typeof ROWS, FlagRow, { word: string; usage: string; shown: string }>(
    ROWS,
    (row) => ({ word: FLAG_KINDS[row.kind].word, usage: row.usage, shown: shownDefault(row, "attach") }),
  );
  assertEquals(
    formatUsage("slirpnetstack", { ...lines, "L": { word: "value", usage: "fwd", shown: "" } }),
    `Usage of slirpnetstack:
  -L value
    \tfwd
  -enable-routing
    \tRouting
    \tsecond line (default true)
  -icmp string
    \tping (default "local")
  -interface string
    \tinterface name (default "tun0")
  -mtu uint
    \tMTU
  -netns string
    \tpath
  -quiet
    \tPrint less
  -x\tshort
`,
  );
});

Deno.test("any text is kept as a value, in both ways to give it", async () => {
  await fc.assert(fc.asyncProperty(fc.string(), fc.boolean(), async (text, equals) => {
    const table = makeTable();
    const outcome = await parseFlags(table, equals ? [`-interface=${text}`, "end"] : ["-interface", text, "end"]);
    assertEquals(outcome, { kind: "parsed", rest: ["end"] });
    assertEquals(table.interface.value, text);
  }));
});

Deno.test("no arguments make the parser throw", async () => {
  const word = fc.constantFrom("-", "--", "-h", "-quiet", "-quiet=", "-mtu", "=", "-=", "---", "", "1", "-L", "-L=bad");
  await fc.assert(fc.asyncProperty(fc.array(word), async (args) => {
    await parseFlags(makeTable(), args);
  }));
});
