import fc from "fast-check";
import { MAX_PROXY_LINE, parseProxyLine } from "../../../../forward/forwards/proxy_protocol/v1.ts";
import { formatEndpoint } from "../../../../stack/base/address.ts";
import { assert, assertEquals } from "../../../assert.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** What the parser says, as a text. */
function parse(text: string): string {
  const all = bytes(text), line = parseProxyLine(all, all.length);
  if (line.kind === "incomplete") return "incomplete";
  if (line.kind === "invalid") return `invalid: ${line.reason}`;
  const { length, source, destination } = line;
  if (source === null || destination === null) return `${length}: unknown`;
  return `${length}: ${formatEndpoint(source)} > ${formatEndpoint(destination)}`;
}

Deno.test("PROXY line: addresses of both families, and what follows is not looked at", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n", "45: 192.0.2.1:40000 > 198.51.100.1:443"],
    ["PROXY TCP4 1.2.3.4 4.3.2.1 1 2\r\ndata\r\n", "32: 1.2.3.4:1 > 4.3.2.1:2"],
    ["PROXY TCP6 2001:db8::1 ::1 0 65535\r\n\0", "36: [2001:db8::1]:0 > [::1]:65535"],
    ["PROXY TCP6 ::ffff:1.2.3.4 ::ffff:4.3.2.1 1 2\r\n", "46: 1.2.3.4:1 > 4.3.2.1:2"],
    ["PROXY TCP4 abcd::1 dcba::1 1 2\r\n", "32: [abcd::1]:1 > [dcba::1]:2"], // as the Go program takes it
    ["PROXY UNKNOWN\r\n", "15: unknown"],
    ["PROXY UNKNOWN ffff::1 nonsense  x\r\n", "35: unknown"],
  ];
  for (const [text, expected] of cases) assertEquals(parse(text), expected, text);
});

Deno.test("PROXY line: what is no header is said as soon as it can be", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "incomplete"],
    ["PROX", "incomplete"],
    ["PROXY TCP4 1.2.3.4 4.3.2.1 1 2\r", "incomplete"],
    ["G", "invalid: no PROXY header"],
    ["PROXX", "invalid: no PROXY header"],
    ["proxy TCP4", "invalid: no PROXY header"],
    ["PROXY TCP4 1.2.3.4 4.3.2.1 1 2\n", "invalid: a PROXY header ends with CR and LF"],
    ["PROXY TCP4 1.2.3.4 4.3.2.1 1 2\r\r", "invalid: a PROXY header ends with CR and LF"],
    ["PROXY UDP4 1.2.3.4 4.3.2.1 1 2\r\n", "invalid: a PROXY header for neither TCP4 nor TCP6"],
    ["PROXY  TCP4 1.2.3.4 4.3.2.1 1 2\r\n", "invalid: a PROXY header for neither TCP4 nor TCP6"],
    ["PROXY TCP4 1.2.3.4 4.3.2.1 1\r\n", "invalid: a PROXY header needs two addresses and two ports"],
    ["PROXY TCP4 1.2.3.4 4.3.2.1 1 2 \r\n", "invalid: a PROXY header needs two addresses and two ports"],
    ["PROXY TCP4 1.2.3.4  4.3.2.1 1 2\r\n", "invalid: a PROXY header needs two addresses and two ports"],
    ["PROXY TCP4 1.2.3 4.3.2.1 1 2\r\n", "invalid: a PROXY header with a bad address or port"],
    ["PROXY TCP4 1.2.3.4 4.3.2.1 01 2\r\n", "invalid: a PROXY header with a bad address or port"],
    ["PROXY TCP4 1.2.3.4 4.3.2.1 1 65536\r\n", "invalid: a PROXY header with a bad address or port"],
    ["PROXY TCP4 1.2.3.4 4.3.2.1 +1 2\r\n", "invalid: a PROXY header with a bad address or port"],
    ["PROXY TCP6 [::1] ::2 1 2\r\n", "invalid: a PROXY header with a bad address or port"],
    ["PROXY TCP4 1.2.3.4 ::1 1 2\r\n", "invalid: a PROXY header with addresses of two families"],
  ];
  for (const [text, expected] of cases) assertEquals(parse(text), expected, JSON.stringify(text));
});

Deno.test("PROXY line: 107 bytes are the most", () => {
  const longest = `PROXY UNKNOWN ${"x".repeat(MAX_PROXY_LINE - 16)}\r\n`;
  const tooLong = "invalid: a PROXY header has at most 107 bytes";
  assertEquals(longest.length, 107, "number of longest");
  assertEquals(parse(longest), "107: unknown", "parse longest");
  assertEquals(parse(longest.slice(0, -1)), "incomplete");
  assertEquals(parse(longest.replace("\r\n", "x\r\n")), tooLong);
  assertEquals(parse("PROXY UNKNOWN ".padEnd(107, "x")), tooLong);
  assertEquals(parse("PROXY UNKNOWN ".padEnd(106, "x")), "incomplete");
});

Deno.test("PROXY line: any cut of a header is incomplete, and any bytes are something", () => {
  const header = "PROXY TCP6 2001:db8::1 2001:db8::2 40000 443\r\n";
  for (let i = 0; i < header.length; i++) assertEquals(parse(header.slice(0, i)), "incomplete");
  const start = fc.constantFrom("", "PROXY ", "PROXY TCP4 ", "PROXY UNKNOWN", "PROXY TCP4 1.2.3.4 4.3.2.1 1 2\r\n");
  fc.assert(fc.property(start, fc.uint8Array({ maxLength: 200 }), (start, rest) => {
    const all = Uint8Array.from([...bytes(start), ...rest]);
    const line = parseProxyLine(all, all.length);
    assert(line.kind !== "header" || line.length <= all.length);
    assert(line.kind !== "incomplete" || all.length < MAX_PROXY_LINE);
  }));
});
