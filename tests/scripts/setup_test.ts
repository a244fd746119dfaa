import { run } from "../../scripts/lab/process.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { e2e } from "../e2e/bed/bed.ts";
import { RunBed } from "../e2e/bed/run_bed.ts";
import { IS_ROOT, NEEDS_ROOT } from "../e2e/bed/installed.ts";

/** Knows no package before `apt-get update`; then brings $TOOLS, enough to be found; has no package of the name $UNKNOWN. */
const APT_GET = `#!/bin/sh
cd "\${0%/*}"
echo "$DEBIAN_FRONTEND: $*" >> log
case $1 in
  update) : > updated ;;
  install)
    [ -e updated ] || exit 100
    case " $* " in *" $UNKNOWN "*) exit 100 ;; esac
    for tool in $TOOLS; do : > "$tool"; done ;;
esac
`;

/** The programs that setup looks for, in PATH only, never in the administrator's folders. */
const TOOLS = "bash ip nsenter unshare curl busybox dhclient dig ping iperf3 tcpdump python3";
/** The programs that setup needs with `--test`. */
const CHECKERS = "promtool groff mandoc fish zsh";

/** Calls `use` with a folder for all of PATH, in which there is an apt-get. */
async function inFolder<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-setup-" });
  try {
    await Deno.writeTextFile(`${directory}/apt-get`, APT_GET, { mode: 0o755 });
    return await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function setup(
  tools: string,
  flags: readonly string[] = [],
  unknown = "none",
): Promise<{ code: number; stderr: string; log: string[] }> {
  return inFolder(async (directory) => {
    const command = [Deno.execPath(), "run", "--cached-only", "-A", `${PROJECT}scripts/setup.ts`, ...flags];
    const env = { PATH: directory, TOOLS: tools, UNKNOWN: unknown, NO_COLOR: "1" };
    const { code, stderr } = await run(command, { env });
    const log = await Deno.readTextFile(`${directory}/log`).catch(() => "");
    return { code, stderr, log: log.split("\n").filter((line) => line !== "") };
  });
}

Deno.test("setup says nothing when nothing is missing", async () => {
  const { code, stdout, stderr } = await run([
    Deno.execPath(),
    "run",
    "--cached-only",
    "-A",
    `${PROJECT}scripts/setup.ts`,
  ]);
  assertEquals({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
});

Deno.test({
  name: `setup installs what is missing, and updates the list of packages where that is needed${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  async fn() {
    const { code, stderr, log } = await setup(TOOLS);
    assertEquals(code, 0, stderr);
    assertEquals(log.map((line) => line.split(" ").slice(0, 2).join(" ")), [
      "noninteractive: install",
      "noninteractive: update",
      "noninteractive: install",
    ]);
    assertStringIncludes(log[0], " iperf3");
  },
});

Deno.test({
  name: `setup fails when something is missing still, and says what${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  async fn() {
    const { code, stderr } = await setup("curl");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "still without iperf3 (package iperf3)");
    assert(!stderr.includes("still without curl"), stderr);
  },
});

Deno.test({
  name: `setup --test installs slirp4netns, and where there is none, all others${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  async fn() {
    for (const unknown of ["none", "slirp4netns"]) {
      const { code, stderr, log } = await setup(`${TOOLS} ${CHECKERS}`, ["--test"], unknown);
      assertEquals(code, 0, stderr);
      for (const name of ["podman", "uidmap", "slirp4netns"]) assertStringIncludes(log[0], ` ${name}`);
      assertStringIncludes(stderr, "still without slirp4netns (package slirp4netns)"); // it is not among the tools
    }
    const { code, stderr } = await setup(TOOLS, ["--test"], "slirp4netns");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "still without promtool (package prometheus)");
  },
});

e2e(
  "setup --test tells a user without privileges the command, and does without what is optional",
  () =>
    inFolder(async (directory) => {
      await using bed = await RunBed.create();
      await Deno.chmod(directory, 0o755);
      await Deno.mkdir(`${directory}/closed`, { mode: 0o700 });
      const words = [
        "env",
        `PATH=${directory}/closed:${directory}`,
        bed.deno,
        "run",
        "--cached-only",
        "-A",
        "scripts/setup.ts",
        "--test",
      ];
      const asUser = () => run(bed.asUser(words));
      const none = await asUser();
      assertEquals(none.code, 1, "exit status");
      assertEquals(none.stdout, "", "stdout");
      const command = /\n\n {4}sudo apt-get install --yes --no-install-recommends (.+)\n\n/.exec(none.stderr);
      assert(command !== null, none.stderr);
      for (const name of ["curl", "iperf3", "prometheus", "slirp4netns"]) {
        assert(command[1].split(" ").includes(name), name);
      }

      for (const tool of `${TOOLS} ${CHECKERS}`.split(" ")) {
        await Deno.writeTextFile(`${directory}/${tool}`, "");
      }
      const some = await asUser();
      assertEquals(some.code, 0, `exit status: ${some.stderr}`);
      assertEquals(some.stdout, "", `stdout: ${some.stderr}`);
      assertMatch(some.stderr, /\n {4}sudo apt-get install --yes --no-install-recommends .*slirp4netns\n/);
      assert(![...Deno.readDirSync(directory)].some(({ name }) => name === "log"), "apt-get was run");

      await Deno.remove(`${directory}/apt-get`);
      await Deno.remove(`${directory}/curl`);
      const elsewhere = await asUser();
      assertEquals(elsewhere.code, 1, "exit status");
      assertEquals(elsewhere.stdout, "", "stdout");
      assertMatch(elsewhere.stderr, /not found: curl, .*Install them with your system's package manager/);
    }),
);
