import { openProgramLog } from "../../../forward/log/logtape.ts";
import type { LogOptions } from "../../../forward/log/program_log.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";

/** A log whose lines are kept, and whose clock stands still unless it is moved. */
function open(options: Partial<LogOptions> = {}) {
  const lines: string[] = [], clock = { now: 0, isFull: false };
  const write = (text: string) => {
    if (!clock.isFull) lines.push(text);
    return !clock.isFull;
  };
  const log = openProgramLog({ level: "info", format: "text", ...options }, { write, now: () => clock.now });
  return { log, lines, clock };
}

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

Deno.test("program log: a line of text has the time, the level, the event and its facts", () => {
  const { log, lines } = open();
  log.info("device open", { name: "tun0", mtu: 1500, offload: true, zone: null, servers: ["192.0.2.1", "::1"] });
  assertEquals(lines.length, 1);
  const facts = 'name=tun0 mtu=1500 offload=true servers="192.0.2.1 ::1"';
  assertMatch(lines[0], new RegExp(`^${TIME} INFO device open: ${facts}\n$`));
});

Deno.test("program log: a line of JSON is one object with the facts in it", () => {
  const { log, lines } = open({ format: "json" });
  log.warning("limit reached", { resource: "dials", limit: 4 });
  const { "@timestamp": time, ...rest } = JSON.parse(lines[0]);
  assertMatch(time, new RegExp(`^${TIME}$`));
  assertEquals(rest.level, "WARN", "level");
  assertEquals(rest.message, "limit reached", "message");
  assertEquals(rest.resource, "dials", "a text");
  assertEquals(rest.limit, 4, "a number");
});

Deno.test("program log: records below its level are left out, and their facts are not made", () => {
  const { log, lines } = open({ level: "warning" });
  log.debug("one", () => {
    throw new Error("made");
  });
  log.info("two");
  log.warning("three");
  log.error("four");
  assertEquals(lines.map((line) => line.trimEnd().split(" ").at(-1)), ["three", "four"]);
});

const HOSTILE = 'x\n2026-01-01T00:00:00.000Z ERROR forged\r\x1b[2J\x9b2J\u2028\u2029\x7f" \\';

Deno.test("program log: no text from outside makes a line of its own, or moves a terminal's cursor", () => {
  for (const format of ["text", "json"] as const) {
    const { log, lines } = open({ format });
    log.info("name resolved", { name: HOSTILE, list: [HOSTILE] });
    assertEquals(lines.length, 1, format);
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(lines[0].slice(0, -1)), `${format}: ${JSON.stringify(lines[0])}`);
    assertEquals(lines[0].at(-1), "\n", format);
    if (format === "json") assertEquals(JSON.parse(lines[0]).name, HOSTILE, "it is all there");
  }
});

Deno.test("program log: a record is below 4 KiB, however long its facts are", () => {
  for (const format of ["text", "json"] as const) {
    for (const character of ["a", '"', "\u{1f600}", "\u0001", "\u2028", "\u{10ffff}", "\ud800"]) {
      const { log, lines } = open({ format });
      const long = character.repeat(10_000);
      const facts = {
        first: long.slice(0, 100),
        second: long,
        list: Array.from({ length: 1_000 }, () => long),
        end: 1,
      };
      log.info("starting", facts);
      const { length } = new TextEncoder().encode(lines[0]);
      assert(1_000 < length && length < 4_096, `${format}, ${JSON.stringify(character)}: ${length}`);
    }
  }
});

Deno.test("program log: a flood of one level is limited and counted, and does not affect the others", () => {
  const { log, lines, clock } = open({ level: "debug" });
  for (let i = 0; i < 100_000; i++) log.debug("flow open", { i });
  const flood = lines.length;
  assert(flood <= 200, `${flood} lines of 100,000`);
  log.warning("limit reached");
  assertMatch(lines.at(-1)!, / WARNING limit reached\n$/);
  clock.now += 60_000;
  log.debug("flow open", { i: -1 });
  assertMatch(lines.at(-2)!, new RegExp(` DEBUG records left out: count=${100_000 - flood}\n$`));
  assertMatch(lines.at(-1)!, / DEBUG flow open: i=-1\n$/);
});

Deno.test("program log: records that could not be written are counted in the next one", () => {
  const { log, lines, clock } = open();
  clock.isFull = true;
  log.info("one");
  log.info("two");
  clock.isFull = false;
  log.info("three");
  assertMatch(lines.join(""), / records left out: count=2\n.* three\n$/);
});
