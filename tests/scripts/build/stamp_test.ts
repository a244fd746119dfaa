import config from "../../../deno.json" with { type: "json" };
import { check } from "../../../scripts/lab/process.ts";
import { readStamp } from "../../../scripts/build/stamp.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../../assert.ts";
import { isInstalled, needs } from "../../e2e/bed/installed.ts";

const { version } = config;
const JULY = new Date("2026-07-01T09:05:00Z");

Deno.test("without git: the plain version, and the time of the newest module", async () => {
  const { root, remove } = await sources();
  try {
    assertEquals(await readStamp(root, undefined), { version, time: JULY, dirty: false });
    assertEquals((await readStamp(root, "86400")).time, new Date("1970-01-02T00:00:00Z"));
    await assertRejects(() => readStamp(root, "yesterday"), Error, 'SOURCE_DATE_EPOCH is "yesterday"');
    await assertRejects(() => readStamp(root, ""), Error, "a number of seconds was expected");
    await Deno.remove(new URL("a.ts", root));
    await assertRejects(() => readStamp(root, undefined), Error, "nothing to stamp the executable with");
  } finally {
    await remove();
  }
});

Deno.test({
  name: `with git: the commit and its time, the tag, changed files${needs("git")}`,
  ignore: !isInstalled("git"),
  async fn() {
    const { root, remove } = await sources();
    const git = (...args: string[]) =>
      check(["git", "-c", "user.name=T", "-c", "user.email=t@example.com", ...args], {
        cwd: root.pathname,
        env: { GIT_COMMITTER_DATE: "2026-03-04T05:06:07Z", GIT_AUTHOR_DATE: "2020-01-01T00:00:00Z" },
      });
    try {
      await git("init", "--quiet");
      await git("add", "a.ts");
      await git("commit", "--quiet", "-m", "first");
      const commit = (await git("rev-parse", "--short=7", "HEAD")).trim();
      const time = new Date("2026-03-04T05:06:07Z");
      assertEquals(await readStamp(root, undefined), { version: `${version}+g${commit}`, time, dirty: false });
      await Deno.writeTextFile(new URL("untracked", root), "");
      assertEquals((await readStamp(root, undefined)).dirty, false);

      const before = Date.now();
      await Deno.writeTextFile(new URL("a.ts", root), "// changed\n");
      const changed = await readStamp(root, undefined);
      assertEquals(changed.version, `${version}+g${commit}.dirty`, "version");
      assertEquals(changed.dirty, true, "dirty");
      assert(changed.time.getTime() >= before, `${changed.time}`);

      await git("tag", "v0.0.1");
      await git("tag", `v${version}`);
      assertMatch((await readStamp(root, undefined)).version, /^\d+\.\d+\.\d+\+dirty$/);
      await git("checkout", "--quiet", "a.ts");
      assertEquals(await readStamp(root, undefined), { version, time, dirty: false });
    } finally {
      await remove();
    }
  },
});

/** A folder with one module, of July. */
async function sources(): Promise<{ root: URL; remove: () => Promise<void> }> {
  const path = await Deno.makeTempDir({ prefix: "slirpnetstack-stamp-" });
  const root = new URL(`file://${path}/`);
  const module = new URL("a.ts", root);
  await Deno.writeTextFile(module, "");
  await Deno.utime(module, JULY, JULY);
  return { root, remove: () => Deno.remove(path, { recursive: true }) };
}
