import { assertEquals, assertThrows } from "../../assert.ts";
import { InvalidValue } from "../../../forward/syntax/invalid_value.ts";
import { parseInteger, parsePort } from "../../../forward/syntax/numbers.ts";

Deno.test("parsePort takes decimal digits up to 65535", () => {
  for (const [text, port] of [["0", 0], ["80", 80], ["007", 7], ["65535", 65535]] as const) {
    assertEquals(parsePort(text), port);
  }
});

Deno.test("parsePort refuses in the words of strconv.ParseUint", () => {
  for (const text of ["", "a", "-1", "+1", "1a", "0x10", "1_0", " 1", "1.0", "1e3", "\u0661", "65535x"]) {
    const error = assertThrows(() => parsePort(text), InvalidValue);
    assertEquals(error.message, `strconv.ParseUint: parsing "${text}": invalid syntax`);
  }
  assertEquals(
    assertThrows(() => parsePort('a"b'), InvalidValue).message,
    'strconv.ParseUint: parsing "a\\"b": invalid syntax',
  );
  for (const text of ["65536", "99999999999999999999999", "65536x"]) {
    const error = assertThrows(() => parsePort(text), InvalidValue);
    assertEquals(error.message, `strconv.ParseUint: parsing "${text}": value out of range`);
  }
});

Deno.test("parseInteger reads Go's literals", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["1500", 1500],
    ["0x10", 16],
    ["0X_ff", 255],
    ["0b11", 3],
    ["0o17", 15],
    ["010", 8],
    ["0_7", 7],
    ["1_000", 1000],
    ["00", 0],
  ];
  for (const [text, value] of cases) assertEquals(parseInteger(text, 0, 1e6), value, text);
  assertEquals(parseInteger("-0x10", -20, 20), -16);
  assertEquals(parseInteger("+3", -20, 20), 3);
});

Deno.test("parseInteger refuses texts that are not literals, and values out of range", () => {
  for (const text of ["", "a", "_1", "1_", "1__0", "1.5", "08", "0x", "-1", "+1", " 1", "1 ", "--1"]) {
    assertEquals(assertThrows(() => parseInteger(text, 0, 100), InvalidValue).message, "parse error", text);
  }
  for (const text of ["101", "99999999999999999999", "0xffff"]) {
    assertEquals(assertThrows(() => parseInteger(text, 0, 100), InvalidValue).message, "value out of range", text);
  }
  assertEquals(assertThrows(() => parseInteger("-2", -1, 100), InvalidValue).message, "value out of range");
});
