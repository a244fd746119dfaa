import { encodeDomain, encodeDomains } from "../../../stack/wire/domain_names.ts";
import { assertEquals } from "../../assert.ts";
import { toHex } from "../../../scripts/lab/packets.ts";

Deno.test("domain names in DNS wire format", () => {
  const encoded = (name: string) => {
    const bytes = encodeDomain(name);
    return bytes && toHex(bytes);
  };
  assertEquals(encoded("example.net"), "076578616d706c65036e657400");
  assertEquals(encoded("example.net."), "076578616d706c65036e657400");
  for (const name of ["", ".", "a..b", ".a", "a b", "b\u00fccher.example", "x".repeat(64), "a.".repeat(128)]) {
    assertEquals(encoded(name), null, name);
  }
  assertEquals(encoded("a.".repeat(127))?.length, 510, "the longest name");
});

Deno.test("names that fit are kept, in order", () => {
  assertEquals(toHex(encodeDomains(["a", "!", "b", "c"], 6)), "016100" + "016200");
  assertEquals(encodeDomains([], 6).length, 0);
});
