/** The shortest possible soak. */
import { run } from "../../../scripts/lab/process.ts";
import { PROJECT } from "../../../scripts/lab/program.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { IS_ROOT, NEEDS_ROOT } from "../../e2e/bed/installed.ts";

Deno.test({
  name: `soak: a few seconds of mixed load, its figures and its curves${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    const out = await Deno.makeTempDir({ prefix: "slirpnetstack-soak-" });
    try {
      const command = [
        Deno.execPath(),
        "run",
        "--cached-only",
        "-A",
        "scripts/soak/main.ts",
        "--minutes",
        "0.2",
        "--out",
        out,
      ];
      const { code, stdout, stderr } = await run(command, { cwd: PROJECT, timeout: 60_000, env: { NO_COLOR: "1" } });
      const found = JSON.parse(await Deno.readTextFile(`${out}/soak.json`));
      // growth is ignored: the program has only just started
      const wrong = found.wrong.filter((fault: string) => !/ grew by /.test(fault));
      assertEquals(wrong, [], stdout + stderr);
      assertEquals(code, found.wrong.length === 0 ? 0 : 1);
      assert(found.load.routed.short.done > 50, stdout);
      assertMatch(await Deno.readTextFile(`${out}/soak.svg`), /^<svg [^]*<polyline [^]*<\/svg>\n$/);
    } finally {
      await Deno.remove(out, { recursive: true });
    }
  },
});
