import { completeValue } from "../../../../forward/forwards/control/json_request.ts";
import { assertEquals } from "../../../assert.ts";

Deno.test("the first JSON value of a text, if it is complete", () => {
  for (
    const [text, value] of [
      ["", null],
      ["  \n", null],
      ["{", null],
      ['{"a":{}', null],
      ["{}", "{}"],
      [' \n{"a": [1, {}]}\nrest', '{"a": [1, {}]}'],
      ['{"a":"}"', null],
      ['{"a":"}"}', '{"a":"}"}'],
      ['{"a":"\\"}"', null],
      ['{"a":"\\\\"}', '{"a":"\\\\"}'],
      ["[1]{}", "[1]"],
      ["{]", "{]"],
      ["12", null],
      ['"{}"', null],
      ["x{}", null],
    ] as const
  ) assertEquals(completeValue(text), value, JSON.stringify(text));
});
