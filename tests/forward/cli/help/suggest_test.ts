import { nearest } from "../../../../forward/cli/help/suggest.ts";
import { assertEquals } from "../../../assert.ts";

const WORDS = ["netns", "interface", "mtu", "m", "L", "enable-routing", "enable-host", "exit-with-parent"];

Deno.test("the nearest word: missing, wrong, surplus or swapped letters; case is ignored", () => {
  for (
    const [word, expected] of [
      ["netn", "netns"],
      ["metns", "netns"],
      ["nettns", "netns"],
      ["nents", "netns"],
      ["NETNS", "netns"],
      ["mut", "mtu"],
      ["l", "L"],
      ["enable_host", "enable-host"],
      ["enablerouting", "enable-routing"],
      ["interfce", "interface"],
    ] as const
  ) assertEquals(nearest(word, WORDS), expected, word);
});

Deno.test("the nearest word: the beginning of only one word", () => {
  assertEquals(nearest("exit", WORDS), "exit-with-parent");
  assertEquals(nearest("enable", WORDS), null);
});

Deno.test("the nearest word: none is near", () => {
  for (const word of ["", "x", "xyz", "weather", "netns-and-much-more", "a".repeat(100_000)]) {
    assertEquals(nearest(word, WORDS), null, word.slice(0, 40));
  }
  assertEquals(nearest("netns", []), null);
});
