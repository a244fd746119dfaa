import fc from "fast-check";
import { assertEquals, assertThrows } from "../../assert.ts";
import { parseDuration } from "../../../forward/syntax/duration.ts";
import { InvalidValue } from "../../../forward/syntax/invalid_value.ts";

// Texts, values and messages below are those of Go 1.26.

Deno.test("parseDuration accepts what Go accepts", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["-0", 0],
    ["+0", 0],
    ["5s", 5000],
    ["+5s", 5000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    [".5s", 500],
    ["5.s", 5000],
    ["-1.5h", -5_400_000],
    ["100ns", 0.0001],
    ["1us", 0.001],
    ["1\u00b5s", 0.001],
    ["1\u03bcs", 0.001],
    ["1ms", 1],
    ["1h1h", 7_200_000],
    ["5m0s", 300_000],
    ["0.100000000000000000000h", 360_000],
    ["1.00000000000000000001s", 1000],
    ["0.9223372036854775807h", 3320413.933267],
    ["0.0000000001s", 0],
    ["9223372036854775807ns", 9223372036854.775807],
    ["-9223372036854775808ns", -9223372036854.775808],
    ["2562047h47m16.854775807s", 9223372036854.775807],
  ];
  for (const [text, milliseconds] of cases) assertEquals(parseDuration(text) + 0, milliseconds, text);
});

Deno.test("parseDuration refuses in Go's words", () => {
  const cases: [string, string][] = [
    ["", 'time: invalid duration ""'],
    ["5.", 'time: missing unit in duration "5."'],
    [".", 'time: invalid duration "."'],
    ["1", 'time: missing unit in duration "1"'],
    ["1x", 'time: unknown unit "x" in duration "1x"'],
    ["s", 'time: invalid duration "s"'],
    ["-", 'time: invalid duration "-"'],
    ["-s", 'time: invalid duration "-s"'],
    ["--5s", 'time: invalid duration "--5s"'],
    ["9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'],
    ["3000000000h", 'time: invalid duration "3000000000h"'],
    ["2562047h47m16.854775808s", 'time: invalid duration "2562047h47m16.854775808s"'],
    ["1.1.1s", 'time: missing unit in duration "1.1.1s"'],
    ["5 s", 'time: unknown unit " s" in duration "5 s"'],
    ["5S", 'time: unknown unit "S" in duration "5S"'],
    ["1d", 'time: unknown unit "d" in duration "1d"'],
    ["1h-1m", 'time: unknown unit "h-" in duration "1h-1m"'],
    ['x"s', 'time: invalid duration "x\\"s"'],
    ["1\u00b5", 'time: unknown unit "\\xc2\\xb5" in duration "1\\xc2\\xb5"'],
  ];
  for (const [text, message] of cases) {
    assertEquals(assertThrows(() => parseDuration(text), InvalidValue).message, message, text);
  }
});

Deno.test("parseDuration adds up hours, minutes, seconds and milliseconds", () => {
  fc.assert(fc.property(fc.nat(1000), fc.nat(59), fc.nat(59), fc.nat(999), fc.boolean(), (h, m, s, ms, negative) => {
    const text = `${negative ? "-" : ""}${h}h${m}m${s}s${ms}ms`;
    const expected = ((h * 60 + m) * 60 + s) * 1000 + ms;
    assertEquals(parseDuration(text) + 0, (negative ? -expected : expected) + 0);
  }));
});

Deno.test("parseDuration gives a number or an InvalidValue for any text", () => {
  const piece = fc.constantFrom("1", "9", ".", "-", "+", "h", "m", "s", "ns", "\u00b5s", "x", " ", "0");
  fc.assert(fc.property(fc.array(piece), (pieces) => {
    try {
      assertEquals(Number.isFinite(parseDuration(pieces.join(""))), true);
    } catch (error) {
      assertEquals(error instanceof InvalidValue, true, String(error));
    }
  }));
});
