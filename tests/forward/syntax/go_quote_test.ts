import { assertEquals } from "../../assert.ts";
import { quote } from "../../../forward/syntax/go_quote.ts";

Deno.test("quote escapes what Go's strconv.Quote escapes", () => {
  // The output of Go 1.26 for the same text.
  assertEquals(
    quote("a\u00adb\u200b\u00a0\u3000\u2028\x00\x7f\u0085\u{1F600}\ue000\ufffd\t\r\n\v\f\x07\b\"\\'\u00e9\u0301"),
    String.raw`"a\u00adb\u200b\u00a0\u3000\u2028\x00\x7f\u0085` + "\u{1F600}" + String.raw`\ue000` + "\ufffd" +
      String.raw`\t\r\n\v\f\a\b\"\\'` + "\u00e9\u0301" + '"',
  );
});

Deno.test("quote leaves plain text as it is", () => {
  assertEquals(quote(""), '""');
  assertEquals(quote("notahost\u00f3 x"), '"notahost\u00f3 x"');
});

Deno.test("quote shows unassigned planes and half surrogates in the long forms", () => {
  assertEquals(quote("\u{10ffff}"), String.raw`"\U0010ffff"`);
  assertEquals(quote("\ud800"), String.raw`"\ufffd"`);
});
