import { getoptLong } from "../../../forward/cli/getopt_long.ts";
import { assertEquals } from "../../assert.ts";

const ROWS = [
  { name: "configure", short: "c" },
  { name: "ready-fd", short: "r", argument: "FD" },
  { name: "enable-sandbox" },
  { name: "enable-seccomp" },
  { name: "enable" },
  { name: "v6", short: "6" },
] as const;

/** The options as `name` or `name=argument`, then the words. */
function read(...args: string[]): string {
  const { options, words, error } = getoptLong(args, ROWS);
  const shown = options.map(({ name, argument }) => argument === "" ? name : `${name}=${argument}`);
  return error ?? [...shown, "|", ...words].join(" ");
}

Deno.test("getopt_long: options stand before, between and behind the words", () => {
  assertEquals(read("-c", "4711", "--ready-fd", "3", "tap0", "-6"), "configure ready-fd=3 v6 | 4711 tap0");
  assertEquals(read("4711", "-", "tap0"), "| 4711 - tap0");
  assertEquals(read("-c", "--", "-6", "--enable"), "configure | -6 --enable");
});

Deno.test("getopt_long: an argument follows, or is part of the option", () => {
  for (const args of [["-r3"], ["-r", "3"], ["--ready-fd=3"], ["--ready-fd", "3"], ["--rea", "3"], ["--r=3"]]) {
    assertEquals(read(...args), "ready-fd=3 |", args.join(" "));
  }
  assertEquals(read("-c6r3"), "configure v6 ready-fd=3 |");
  assertEquals(read("-c6r", "3", "tap0"), "configure v6 ready-fd=3 | tap0");
  assertEquals(read("--ready-fd", "-c"), "ready-fd=-c |", "whatever it looks like");
  assertEquals(read("--ready-fd=a=b"), "ready-fd=a=b |");
  assertEquals(read("-r-1"), "ready-fd=-1 |");
});

Deno.test("getopt_long: abbreviations", () => {
  assertEquals(read("--conf"), "configure |");
  assertEquals(read("--enable"), "enable |", "a whole name is no abbreviation of longer ones");
  assertEquals(read("--enable-sa"), "enable-sandbox |");
  assertEquals(
    read("--enable-s=1"),
    "option '--enable-s=1' is ambiguous; possibilities: '--enable-sandbox' '--enable-seccomp'",
  );
});

Deno.test("getopt_long: errors in the C library's words", () => {
  assertEquals(read("--bogus"), "unrecognized option '--bogus'");
  assertEquals(read("--bogus=1"), "unrecognized option '--bogus=1'");
  assertEquals(read("-cx"), "invalid option -- 'x'");
  assertEquals(read("--configure=1"), "option '--configure' doesn't allow an argument");
  assertEquals(read("--ready"), "option '--ready-fd' requires an argument");
  assertEquals(read("-cr"), "option requires an argument -- 'r'");
});

Deno.test("getopt_long: what stands before an error is found", () => {
  const { options, error } = getoptLong(["-c", "--bogus", "-6"], ROWS);
  assertEquals(options, [{ name: "configure", argument: "" }]);
  assertEquals(error, "unrecognized option '--bogus'");
});
