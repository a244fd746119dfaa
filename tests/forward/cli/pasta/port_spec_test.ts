import { parsePortSpec } from "../../../../forward/cli/pasta/port_spec.ts";
import { InvalidValue } from "../../../../forward/syntax/invalid_value.ts";
import { assertEquals, assertThrows } from "../../../assert.ts";

function ports(text: string): string {
  const spec = parsePortSpec(text);
  if (spec.kind === "none") return spec.kind;
  if (spec.kind === "auto") {
    return [spec.address ?? "*", "auto", ...spec.excluded.map(({ first, last }) => `~${first}-${last}`)].join(" ");
  }
  const pairs = spec.pairs.map(({ bind, target }) => bind === target ? `${bind}` : `${bind}:${target}`);
  return `${spec.address ?? "*"} ${pairs.join(" ")}`;
}

Deno.test("pasta: port specifications", () => {
  for (
    const [text, expected] of [
      ["none", "none"],
      ["auto", "* auto"],
      ["all", "* auto"],
      ["127.0.0.1/auto,~5-6", "127.0.0.1 auto ~5-6"],
      ["~5,~7-9", "* auto ~5-5 ~7-9"],
      ["22", "* 22"],
      ["22:23", "* 22:23"],
      ["22,25", "* 22 25"],
      ["22-24", "* 22 23 24"],
      ["22-24:32-34", "* 22:32 23:33 24:34"],
      ["8080-8080:80-80", "* 8080:80"],
      ["192.0.2.1/5", "192.0.2.1 5"],
      ["::1/5:6", "::1 5:6"],
      ["5-9,~6-8", "* 5 9"],
      ["~7,5-9:15-19,~6", "* 5:15 8:18 9:19"],
      ["192.0.2.1/20-22,~21", "192.0.2.1 20 22"],
      ["65535", "* 65535"],
    ]
  ) assertEquals(ports(text), expected, text);
});

Deno.test("pasta: what is no port specification", () => {
  for (
    const text of [
      "",
      "0",
      "65536",
      "x",
      "9-5",
      "5-6:7",
      "1:2:3",
      "nowhere/5",
      "5,",
      "~",
      "5,~5",
      "/5",
      "-5",
      "[::1]/5",
    ]
  ) assertThrows(() => parsePortSpec(text), InvalidValue, text);
});
