import { assert, assertEquals } from "../../assert.ts";
import { buildDhcpv6, duidOf, parseDhcpv6 } from "../../../stack/wire/dhcpv6.ts";
import { hex, toHex } from "../../../scripts/lab/packets.ts";

const REQUEST = hex(`
  0b 10ab2f
  0001 000a 00030001020000000100
  0006 0004 00170018
  0008 0002 0000
`);

Deno.test("a client's request for information, dissected", () => {
  const message = parseDhcpv6(REQUEST, 0, REQUEST.length);
  assert(message !== null);
  const options = [...message.options].map(([code, data]) => `${code} ${toHex(data)}`);
  assertEquals({ type: message.type, transaction: toHex(message.transaction) }, { type: 11, transaction: "10ab2f" });
  assertEquals(options, ["1 00030001020000000100", "6 00170018", "8 0000"]);
});

Deno.test("a reply, built", () => {
  const duid = duidOf(hex("7071aa4b29aa"));
  assertEquals(
    toHex(buildDhcpv6(7, hex("10ab2f"), [[2, duid], [14, new Uint8Array(0)]])),
    toHex(hex("07 10ab2f 0002 000a 000300017071aa4b29aa 000e 0000")),
  );
});

Deno.test("malformed messages are refused", () => {
  const parse = (text: string) => parseDhcpv6(hex(text), 0, hex(text).length);
  assertEquals(parse("0b10ab"), null);
  assert(parse("0b10ab2f") !== null);
  assertEquals(parse("0b10ab2f 000100"), null, "half an option");
  assertEquals(parse("0b10ab2f 0001 0002 00"), null, "an option past the end");
  assertEquals(parse(`0b10ab2f 0001 0083 ${"00".repeat(131)}`), null, "an identifier that is too long");
});
