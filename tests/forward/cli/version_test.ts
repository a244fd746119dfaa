import { assertEquals, assertMatch } from "../../assert.ts";
import { isInstalled, needs } from "../../e2e/bed/installed.ts";
import { formatBuildTime, sourceTime, versionLines } from "../../../forward/cli/version.ts";

const JULY = new Date("2026-07-01T09:05:59Z");

/** A directory with two modules, the newer one of July, and files that don't count, of now. */
async function sources(): Promise<URL> {
  const path = await Deno.makeTempDir({ prefix: "slirpnetstack version %20" });
  await Deno.mkdir(`${path}/inner #1`);
  await Deno.mkdir(`${path}/.hidden`);
  await Deno.mkdir(`${path}/node_modules`);
  for (const name of ["a.ts", "inner #1/b?.ts"]) await Deno.writeTextFile(`${path}/${name}`, "");
  for (const name of [".hidden/c.ts", "node_modules/d.ts", "inner #1/log"]) {
    await Deno.writeTextFile(`${path}/${name}`, "");
  }
  await Deno.utime(`${path}/a.ts`, new Date("2025-01-01T00:00:00Z"), new Date("2025-01-01T00:00:00Z"));
  await Deno.utime(`${path}/inner #1/b?.ts`, JULY, JULY);
  return new URL(`file://${path.split("/").map(encodeURIComponent).join("/")}/`);
}

async function git(root: URL, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: ["-C", decodeURIComponent(root.pathname), "-c", "user.name=T", "-c", "user.email=t@example.com", ...args],
    env: { GIT_COMMITTER_DATE: "2026-03-04T05:06:07Z", GIT_AUTHOR_DATE: "2020-01-01T00:00:00Z" },
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("the build time is in UTC, to the minute", () => {
  assertEquals(formatBuildTime(JULY), "2026-07-01-09:05UTC");
});

Deno.test("without git it is that of the newest module", async () => {
  const root = await sources();
  try {
    assertEquals(await sourceTime(root), "2026-07-01-09:05UTC");
    await Deno.mkdir(new URL(".git", root)); // no repository in spite of its name
    assertEquals(await sourceTime(root), "2026-07-01-09:05UTC");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test({
  name: `in a git checkout it is that of the newest commit${needs("git")}`,
  ignore: !isInstalled("git"),
  async fn() {
    const root = await sources();
    try {
      await git(root, "init", "--quiet");
      assertEquals(await sourceTime(root), "2026-07-01-09:05UTC", "no commit yet");
      const tree = await git(root, "mktree");
      await git(root, "update-ref", "HEAD", await git(root, "commit-tree", "-m", "first", tree));
      assertEquals(await sourceTime(root), "2026-03-04-05:06UTC");
      assertEquals(await sourceTime(new URL("inner%20%231/", root)), "2026-07-01-09:05UTC", "not the one around it");
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});

Deno.test("sources that are not in a file system have no time", async () => {
  assertEquals(await sourceTime(new URL("https://example.com/x/")), "unknown");
  assertEquals(await sourceTime(new URL("file:///nonexistent/")), "unknown");
});

Deno.test("-version prints two lines", async () => {
  assertMatch(
    await versionLines("1.2.3+g0123abc"),
    /^slirpnetstack version 1\.2\.3\+g0123abc\nbuild time \d{4}-\d\d-\d\d-\d\d:\d\dUTC$/,
  );
});
