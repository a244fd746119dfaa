import { run } from "../../scripts/lab/process.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";

/** Knows no package before `apt-get update`, and then brings an iperf3 that is enough to be found. */
const APT_GET = `#!/bin/sh
cd "\${0%/*}"
echo "$DEBIAN_FRONTEND: $*" >> log
case $1 in
  update) : > updated ;;
  install) [ -e updated ] || exit 100; for tool in $TOOLS; do : > "$tool"; done ;;
esac
`;

/** What setup looks for in PATH, and nowhere in the administrator's folders on any machine. */
const TOOLS = "bash ip nsenter unshare curl busybox dhclient dig ping iperf3 tcpdump python3";

async function setup(tools: string): Promise<{ code: number; stderr: string; log: string[] }> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/apt-get`, APT_GET, { mode: 0o755 });
    const command = [Deno.execPath(), "run", "-A", `${PROJECT}scripts/setup.ts`];
    const { code, stderr } = await run(command, { env: { PATH: directory, TOOLS: tools, NO_COLOR: "1" } });
    const log = await Deno.readTextFile(`${directory}/log`).catch(() => "");
    return { code, stderr, log: log.split("\n").filter((line) => line !== "") };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("setup says nothing when nothing is missing", async () => {
  const { code, stdout, stderr } = await run([Deno.execPath(), "run", "-A", `${PROJECT}scripts/setup.ts`]);
  assertEquals({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
});

Deno.test({
  name: "setup installs what is missing, and updates the list of packages where that is needed",
  ignore: Deno.uid() !== 0,
  async fn() {
    const { code, stderr, log } = await setup(TOOLS);
    assertEquals(code, 0, stderr);
    assertEquals(log.map((line) => line.split(" ").slice(0, 2).join(" ")), [
      "noninteractive: install",
      "noninteractive: update",
      "noninteractive: install",
    ]);
    assertStringIncludes(log[0]!, " iperf3");
  },
});

Deno.test({
  name: "setup fails when something is missing still, and says what",
  ignore: Deno.uid() !== 0,
  async fn() {
    const { code, stderr } = await setup("curl");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "still without iperf3 (package iperf3)");
    assert(!stderr.includes("still without curl"), stderr);
  },
});
