import { fetchDocument, NoDocument, readDocument } from "../../../../forward/cli/top/read_document.ts";
import { rowsOf, sorted } from "../../../../forward/cli/top/rows.ts";
import { bytesText, ruleText } from "../../../../forward/cli/top/table.ts";
import { topCommand } from "../../../../forward/cli/top/top_command.ts";
import { View, wholeTable } from "../../../../forward/cli/top/view.ts";
import type { NameLine, NamesDocument } from "../../../../forward/metrics/names/document.ts";
import { parseServiceAddress } from "../../../../forward/syntax/service_address.ts";
import { MetricsServer } from "../../../../forward/metrics/server.ts";
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "../../../assert.ts";
import { FakeSource } from "../../metrics/fake_source.ts";

function lineOf(name: string, more: Partial<NameLine> = {}): NameLine {
  const counts = { open: 0, flows: 0, bytes_out: 0, bytes_in: 0, refusals: 0 };
  return { name, kind: "name", ...counts, rule: null, reason: null, shown: null, remedy: null, ...more };
}

const API = lineOf("api.example.com", {
  open: 2,
  flows: 13,
  bytes_out: 5_120,
  bytes_in: 3_000_000,
  rule: "*.example.com",
});
const EVIL = lineOf("evil.test", { refusals: 7, reason: "no_rule", remedy: "-only evil.test" });

function documentOf(seconds: number, ...names: readonly NameLine[]): NamesDocument {
  return { version: 1, seconds, limit: 1_024, names, other: lineOf("", { kind: "other" }) };
}

const BEFORE = documentOf(100, { ...API, bytes_in: 2_000_000 }), NOW = documentOf(102, EVIL, API);
const PLAIN = { width: 80, height: 10, coloured: false };

Deno.test("top: rates are the difference of two documents by the program's clock", () => {
  const [evil, api] = rowsOf(NOW, BEFORE);
  assertEquals(api!.rateIn, 500_000, "in 2 seconds");
  assertEquals(api!.rateOut, 0);
  assertEquals(evil!.rateIn, 0, "a new name had nothing before");
  assertEquals(rowsOf(NOW, null)[1]!.rateIn, null, "no document before");
  assertEquals(rowsOf(BEFORE, NOW)[0]!.rateIn, null, "the program was started anew");
  assertEquals(rowsOf(documentOf(103, lineOf("api.example.com")), NOW)[0]!.rateIn, 0, "a line that has begun anew");
});

Deno.test("top: the orders; what has no line is the last", () => {
  const other = lineOf("", { kind: "other", flows: 900 });
  const rows = rowsOf({ ...documentOf(102, EVIL, lineOf("a.test", { flows: 99 }), API), other }, BEFORE);
  const names = (order: Parameters<typeof sorted>[1]) => sorted(rows, order).map(({ name }) => name).join(" ");
  assertEquals(names("rate"), "api.example.com evil.test a.test ");
  assertEquals(names("name"), "a.test api.example.com evil.test ");
  assertEquals(names("flows"), "a.test api.example.com evil.test ");
  assertEquals(names("refused"), "evil.test api.example.com a.test ");
  assertEquals(names("open"), "api.example.com evil.test a.test ");
});

Deno.test("top: one table of 80 columns, without colours", () => {
  const long = lineOf(`${"c2VjcmV0".repeat(20)}.evil.test`, { refusals: 1_234_567 });
  const table = wholeTable({ ...NOW, names: [...NOW.names, long] }, BEFORE, 80);
  assertEquals(
    table,
    [
      "NAME                            OPEN  FLOWS *OUT/S   IN/S    OUT     IN  REFUSED",
      "api.example.com                    2     13      0   488K   5.0K   2.9M        0",
      "..0c2VjcmV0c2VjcmV0.evil.test      0      0      0      0      0      0       1M",
      "evil.test                          0      0      0      0      0      0        7",
      "",
    ].join("\n"),
  );
});

Deno.test("top: bytes in five columns", () => {
  const texts = [0, 999, 1_023, 1_024, 1_500, 10_239, 1_048_575, 1_048_576, 5e9, 2 ** 50].map(bytesText);
  assertEquals(texts, ["0", "999", "1023", "1.0K", "1.5K", "10K", "1.0M", "1.0M", "4.7G", "1.0P"]);
});

Deno.test("top: keys sort, show refusals only, select, and print the rule", () => {
  const view = new View("unix:///run/guest.sock");
  view.update(BEFORE);
  view.update(NOW);
  const lines = view.lines(PLAIN);
  assertEquals(lines.length, 10, "the whole screen");
  assertEquals(lines[0], "0/s out, 488K/s in, 2 open, 7 refused  unix:///run/guest.sock");
  assertMatch(lines[2]!, /^>api\.example\.com /);
  assertMatch(lines[3]!, /^ evil\.test /);
  assertEquals(view.press("x"), false);
  assertMatch(view.lines(PLAIN)[2]!, /^>evil\.test /, "sorted by refusals; the first is selected");
  assertMatch(view.lines(PLAIN)[1]!, /\*REFUSED$/);
  view.press("\x1b[B");
  assertMatch(view.lines(PLAIN)[3]!, /^>api\.example\.com /, "down");
  view.press("s");
  assertMatch(view.lines(PLAIN)[2]!, /^>api\.example\.com /, "the selection stays with its name");
  view.press("\r");
  assertEquals(view.lines(PLAIN)[7], "api.example.com: allowed by *.example.com");
  view.press("d");
  assertEquals(view.lines(PLAIN).slice(2, 4).map((line) => line.slice(0, 10)), [">evil.test", ""], "refused only");
  view.press("\r");
  const rule = "evil.test: refused 7 times, last no_rule: no rule allows it; -only evil.test would let it";
  assertEquals(view.lines(PLAIN).slice(7, 9).join(" "), rule);
  assertEquals(view.rules, ["api.example.com: allowed by *.example.com", rule], "for the end");
  view.failed("no answer");
  assertEquals(view.lines(PLAIN)[7], "no answer");
  assertMatch(view.lines(PLAIN)[2]!, /evil\.test/, "the last document stays");
  assertEquals(["q", "\x03"].map((key) => new View("").press(key)), [true, true]);
});

Deno.test("top: no line is wider than the screen, the selection is in sight, and colours are as wanted", () => {
  const view = new View("tcp://127.0.0.1:9100");
  const names = Array.from({ length: 50 }, (_, i) => lineOf(`n${String(i).padStart(2, "0")}.test`, { refusals: 1 }));
  view.update(documentOf(1, ...names));
  for (let i = 0; i < 30; i++) view.press("j");
  for (const [width, height] of [[80, 24], [40, 10], [20, 3], [200, 60]] as const) {
    const lines = view.lines({ width, height, coloured: false });
    for (const line of lines) assert(line.length <= width, `${width}: ${line}`);
    assert(lines.some((line) => line.startsWith(">n30.test")), `${width} x ${height}`);
    assertEquals(lines.join("").includes("\x1b"), false);
  }
  assertStringIncludes(view.lines({ ...PLAIN, coloured: true }).join(""), "\x1b[1;31m>n30.test");
  for (let i = 0; i < 99; i++) view.press("j");
  assertMatch(view.lines(PLAIN).join("\n"), /^>n49\.test/m, "the last");
  assertMatch(new View("").lines(PLAIN)[2]!, /no flows yet/);
});

Deno.test("top: the rule for each kind of line", () => {
  const rule = (line: Partial<NameLine>) => ruleText({ ...lineOf("a.test", line), rateIn: null, rateOut: null });
  assertEquals(rule({ kind: "address", flows: 1 }), "a.test: allowed by its address");
  assertEquals(
    rule({ flows: 1, rule: "a.test", refusals: 1, reason: "name_mismatch", shown: "evil.example" }),
    "a.test: allowed by a.test; refused once, last name_mismatch (evil.example): the flow has shown another name",
  );
  assertMatch(rule({ kind: "other" }), /no lines of their own/);
});

Deno.test("top: a document that is none, and texts that would rule the terminal", () => {
  for (const text of ["", "[]", "{}", '{"version":2,"names":[],"other":{}}', '{"version":1,"names":[1],"other":{}}']) {
    assertEquals(readDocument(text), null, text);
  }
  const hostile = {
    ...EVIL,
    name: "\x1b]0;x\x07evil\n",
    remedy: "\x9b1m",
    reason: "nonsense",
    flows: "many",
    open: -1,
  };
  const read = readDocument(JSON.stringify({ ...NOW, names: [hostile] }))!.names[0]!;
  assertEquals(read, { ...EVIL, name: "?]0;x?evil?", remedy: "?1m", reason: null, flows: 0, open: 0 });
  assertEquals(readDocument(JSON.stringify(NOW)), NOW);
});

Deno.test("top: a table of a server, and the addresses that have none", async () => {
  const server = await MetricsServer.listen(parseServiceAddress("tcp://127.0.0.1:0"));
  const said = { stdout: "", stderr: "" };
  const outputs = {
    stdout: { text: (text: string) => said.stdout += text },
    stderr: { text: (text: string) => said.stderr += text },
  };
  const address = `tcp://${server.address}`;
  try {
    const early = await assertRejects(() => fetchDocument(parseServiceAddress(address)), NoDocument);
    assertEquals(early.message, `${address} is not the -m of a slirpnetstack with /names: status 404`);
    const source = new FakeSource();
    server.show(source);
    source.names.refusedQuestion("evil.test", "no_rule");
    assertEquals(await topCommand([address], outputs), 0, said.stderr);
    assertMatch(said.stdout, /^NAME .*\nevil\.test .* 1\n$/);
    assertEquals(await topCommand([], outputs), 2, "no address");
    assertEquals(await topCommand(["127.0.0.1:9100"], outputs), 2, "no network");
    assertMatch(said.stderr, /^one address is needed.*\nusage: .*\nmust be tcp:/);
  } finally {
    server.close();
  }
  said.stderr = "";
  assertEquals(await topCommand([address], outputs), 1);
  assertMatch(said.stderr, /^no answer from tcp:\/\/127\.0\.0\.1:\d+: connection (?:refused|reset by peer)\n$/);
});
