/**
 * A million hostile frames into a stack of each medium: nothing is thrown, and nothing accumulates. The program is
 * scripts/fuzz/million.ts.
 *
 * @module
 */
import { assertEquals } from "../assert.ts";

for (const medium of ["ethernet", "ip"] as const) {
  Deno.test(`a million hostile frames, medium ${medium}`, async () => {
    const program = new URL("../../scripts/fuzz/million.ts", import.meta.url).href;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--cached-only", "--v8-flags=--expose-gc", program, medium],
    });
    const { success, stderr } = await command.output();
    assertEquals({ success, stderr: new TextDecoder().decode(stderr) }, { success: true, stderr: "" });
  });
}
