import fc from "fast-check";
import { canonicalName, shownName, wireLabels, wireName } from "../../../../forward/policy/names/canonical.ts";
import { InvalidValue } from "../../../../forward/syntax/invalid_value.ts";
import { assertEquals, assertThrows } from "../../../assert.ts";

Deno.test("a name that a person writes becomes A-labels in lower case without a dot at the end", () => {
  for (
    const [written, canonical] of [
      ["API.GitHub.com", "api.github.com"],
      ["api.github.com.", "api.github.com"],
      ["intranet", "intranet"],
      ["_sip._tcp.example.com", "_sip._tcp.example.com"],
      ["bücher.example", "xn--bcher-kva.example"],
      ["BÜCHER.example", "xn--bcher-kva.example"],
      ["bücher。example", "xn--bcher-kva.example"],
      ["xn--bcher-kva.example", "xn--bcher-kva.example"],
      ["r3---sn-4g5e.example", "r3---sn-4g5e.example"],
    ] as const
  ) assertEquals(canonicalName(written), canonical, written);
});

Deno.test("a text that is not a name is refused", () => {
  const long = Array(50).fill("label").join(".");
  for (
    const text of [
      ...["", ".", "a..b", ".a", "a b.example", "a/b", "a@b", "a\0b", "a\nb", "*.example", "a%2eb", "[::1]", "a:b"],
      ...["192.0.2.1", "127.1", "0x7f.1", "0x7f000001", "example.1", "１２７.０.０.１", "a".repeat(64), long],
      ...["exa\u00admple\u3000.com", "a,b"],
    ]
  ) assertThrows(() => canonicalName(text), InvalidValue, "is not a name", text);
});

Deno.test("a name that a guest shows must be canonical, except for its case", () => {
  assertEquals(shownName("API.Example.COM"), "api.example.com", "upper case");
  for (
    const text of ["example.com.", "exam\0ple.com", "bücher.example", "192.0.2.1", "a..b", "", "a b", "example.com\n"]
  ) {
    assertEquals(shownName(text), null, JSON.stringify(text));
  }
});

Deno.test("a label on the wire with a dot in it is refused", () => {
  const dotted = Uint8Array.of(
    11,
    ...new TextEncoder().encode("www.example"),
    3,
    ...new TextEncoder().encode("com"),
    0,
  );
  assertEquals(wireName(dotted, 0), null, "one label www.example");
  assertEquals(wireName(Uint8Array.of(3, 0x61, 0, 0x62, 0), 0), null, "NUL");
  assertEquals(wireName(Uint8Array.of(2, 0xc3, 0xbc, 0), 0), null, "UTF-8");
  assertEquals(wireName(Uint8Array.of(0), 0), null, "the root");
  assertEquals(wireName(Uint8Array.of(9, 3, 0x57, 0x57, 0x57, 1, 0x41, 0), 1), "www.a", "at an offset, in upper case");
});

const label = fc.stringMatching(/^[a-z_]([a-z0-9_-]{0,20}[a-z_])?$/);
const name = fc.array(label, { minLength: 1, maxLength: 8 }).map((labels) => labels.join("."));

Deno.test("a canonical name stays the same in every form", () => {
  fc.assert(fc.property(name, (name) => {
    assertEquals(canonicalName(name), name, "written");
    assertEquals(canonicalName(name.toUpperCase()), name, "written in upper case");
    assertEquals(shownName(name), name, "shown");
    assertEquals(wireName(wireLabels(name), 0), name, "on the wire");
  }));
});

Deno.test("for any text, the canonical form is a fixed point or an error", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
    let name: string;
    try {
      name = canonicalName(text);
    } catch (error) {
      if (error instanceof InvalidValue) return;
      throw error;
    }
    assertEquals(canonicalName(name), name, text);
    assertEquals(shownName(name), name, text);
  }));
});
