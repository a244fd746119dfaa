import { Output } from "../../forward/output.ts";
import { assertEquals } from "../assert.ts";

Deno.test("Output: lines whole, however little is taken at once", () => {
  const written: number[] = [];
  const output = new Output({
    writeSync: (bytes) => {
      written.push(bytes[0]!);
      return 1;
    },
  });
  output.line("[+] ä");
  assertEquals(new TextDecoder().decode(Uint8Array.from(written)), "[+] ä\n");
});

Deno.test("Output: a reader that went away is not written to again", () => {
  let calls = 0;
  const output = new Output({
    writeSync: () => {
      calls++;
      throw new Deno.errors.BrokenPipe("nobody reads");
    },
  });
  output.line("one");
  output.line("two");
  assertEquals(calls, 1);
});

Deno.test("Output: a reader that is slow misses lines", () => {
  let full = true;
  const lines: string[] = [];
  const output = new Output({
    writeSync: (bytes) => {
      if (full) throw new Deno.errors.WouldBlock("full");
      lines.push(new TextDecoder().decode(bytes));
      return bytes.length;
    },
  });
  output.line("one");
  full = false;
  output.line("two");
  assertEquals(lines, ["two\n"]);
});
