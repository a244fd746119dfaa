import { assertEquals, assertThrows } from "../../assert.ts";
import { splitNetwork, splitParts } from "../../../forward/syntax/bracketed.ts";
import { InvalidValue } from "../../../forward/syntax/invalid_value.ts";

Deno.test("splitParts splits at colons outside of brackets, which nest", () => {
  const cases: [string, string[]][] = [
    ["", [""]],
    [":", ["", ""]],
    ["80", ["80"]],
    ["1.2.3.4:80", ["1.2.3.4", "80"]],
    ["[::1]:80", ["::1", "80"]],
    ["[fd00::]/64:80", ["fd00::/64", "80"]],
    ["[::]:::5", ["::", "", "", "5"]],
    [":2222:[name@srv-127.0.0.1:53]:0", ["", "2222", "name@srv-127.0.0.1:53", "0"]],
    [":2222:[name@srv-[::1]:53]:0", ["", "2222", "name@srv-[::1]:53", "0"]],
    ["[[[::]]]", ["[[::]]"]],
  ];
  for (const [text, parts] of cases) assertEquals(splitParts(text), parts, text);
});

Deno.test("splitParts refuses brackets that don't match", () => {
  assertEquals(assertThrows(() => splitParts("[::1:80"), InvalidValue).message, `missing ']' in "[::1:80"`);
  assertEquals(assertThrows(() => splitParts("::1]:80"), InvalidValue).message, `unexpected ']' in "::1]:80"`);
  assertThrows(() => splitParts("[a]]["), InvalidValue);
});

Deno.test("splitNetwork takes what is before ://", () => {
  assertEquals(splitNetwork("80"), { network: "tcp", rest: "80" });
  assertEquals(splitNetwork("udp://:53"), { network: "udp", rest: ":53" });
  assertEquals(splitNetwork("://x"), { network: "", rest: "x" });
  assertEquals(splitNetwork("a://b://c"), { network: "a", rest: "b://c" });
});
