import { MAX_NAMES_SHOWN, NameTable } from "../../../../forward/metrics/names/name_table.ts";
import { namesJson, readNames } from "../../../../forward/metrics/names/names_json.ts";
import { rated } from "../../../../forward/metrics/names/rates.ts";
import { EndReport } from "../../../../forward/report/end_report.ts";
import { NO_OBSERVERS } from "../../../../forward/report/flow_observers.ts";
import { assertEquals, assertFields, assertThrows } from "../../../assert.ts";
import { endpoint } from "../../bed/fakes.ts";

const GUEST = endpoint("10.0.2.100:40000"), HOST = endpoint("198.51.100.1:50000"), PEER = endpoint("203.0.113.9:443");
const NAMED = { name: "api.test", own: endpoint("198.18.0.7:443"), rule: "*.test", isHeld: true };

Deno.test("names: flows, bytes and refusals are counted for each", () => {
  const table = new NameTable(), { routedTcp } = table.observe(NO_OBSERVERS);
  const row = (name: string) => [...table.rows()].find((row) => row.name === name)!;
  const traffic = { sentBytes: 10, answeredBytes: 20 };
  routedTcp.opened(GUEST, HOST, PEER, traffic, NAMED);
  Object.assign(traffic, { sentBytes: 15 });
  assertFields(row("api.test"), { flows: 1, opened: 1, bytes_out: 15, bytes_in: 20, rule: "*.test", refused: 0 });
  routedTcp.done(GUEST, HOST, PEER, new EndReport(), NAMED);
  Object.assign(traffic, { sentBytes: 99 });
  assertFields(row("api.test"), { flows: 0, opened: 1, bytes_out: 15, bytes_in: 20 });
  routedTcp.opened(GUEST, HOST, PEER);
  assertFields(row("203.0.113.9:443"), { flows: 1, rule: null, bytes_out: 0 });
  routedTcp.judged?.(GUEST, NAMED, { refusal: "name_mismatch", shown: null });
  assertFields(row("api.test"), { refused: 1, reason: "name_mismatch", remedy: null });
});

Deno.test("names: refusals have the rule that would have allowed them", () => {
  const table = new NameTable();
  table.refusedQuestion({ guest: null, name: "a.test", type: 1 }, "no_rule");
  table.refusedQuestion({ guest: null, name: null, type: 1 }, "no_rule");
  table.refusedFlow({ network: "tcp", guest: GUEST, to: endpoint("198.18.0.9:22"), name: "b.test", reason: "no_rule" });
  table.refusedFlow({ network: "udp", guest: GUEST, to: PEER, name: null, reason: "no_rule" });
  table.refusedFlow({ network: "icmp", guest: GUEST, to: PEER, name: null, reason: "no_rule" });
  table.refusedFlow({ network: "tcp", guest: GUEST, to: PEER, name: "c.test", reason: "denied" });
  assertEquals([...table.rows()].map(({ name, remedy }) => `${name} ${remedy}`), [
    "a.test a.test",
    "b.test b.test:22",
    "203.0.113.9:443 udp://203.0.113.9:443",
    "203.0.113.9 null",
    "c.test null",
  ]);
});

Deno.test("names: the table is bounded; names with open flows stay", () => {
  const table = new NameTable(), { routedTcp } = table.observe(NO_OBSERVERS);
  routedTcp.opened(GUEST, HOST, PEER, undefined, NAMED);
  for (let i = 0; i < 2 * MAX_NAMES_SHOWN; i++) {
    table.refusedQuestion({ guest: null, name: `n${i}.test`, type: 1 }, "no_rule");
  }
  const names = [...table.rows()].map(({ name }) => name);
  assertEquals(names.length, MAX_NAMES_SHOWN);
  assertEquals(names[0], "api.test");
  assertEquals(names.at(-1), `n${2 * MAX_NAMES_SHOWN - 1}.test`);
});

Deno.test("names: the JSON is read again, and gives rates", () => {
  const table = new NameTable(), { routedTcp } = table.observe(NO_OBSERVERS);
  const traffic = { sentBytes: 1_000, answeredBytes: 0 };
  routedTcp.opened(GUEST, HOST, PEER, traffic, NAMED);
  const before = readNames(namesJson(table.rows(), 5_000.4));
  assertEquals(rated(null, before)[0]?.rateOut, 0, "nothing to compare with");
  Object.assign(traffic, { sentBytes: 4_000, answeredBytes: 500 });
  const now = readNames(namesJson(table.rows(), 7_000));
  assertFields(rated(before, now)[0]!, { rateOut: 1_500, rateIn: 250 });
  assertThrows(() => readNames('{"time": 1, "names": [{"name": 1}]}'), Error, "not the JSON of names");
});
