/** `scripts/gvisor.sh`, with the real runsc where there is one, and with one that runs the command without gVisor. */
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import { check, run } from "../../../scripts/lab/process.ts";
import { PROJECT } from "../../../scripts/lab/program.ts";
import { runscFolder } from "../../../scripts/lab/runsc.ts";
import { startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { e2e, e2eUnless } from "../bed/bed.ts";
import { commandBlocks, Terminal } from "../bed/pages.ts";

const COMMAND = "scripts/gvisor.sh curl http://1.1.1.1/\n";
const ADDRESSES = ["1.1.1.1", "2606:4700:4700::1111"];

/**
 * Like gVisor, `run` takes over the configuration that the namespace's devices have at that time. So it fails if
 * something is missing, or if no process has the device open yet, because a short command would find no network.
 */
const RUNSC = `#!/usr/bin/env bash
set -eu
cd "\${0%/*}"
echo "$1" >> steps
case $1 in
  spec) # -bundle FOLDER -- COMMAND...
    printf '{"process": {"terminal": true},\\n "root": {"path": "rootfs"},\\n {"type": "network"}}\\n' > "$3/config.json"
    printf '%s\\0' "\${@:5}" > "$3/command" ;;
  run) # -bundle FOLDER ID
    grep -q '"terminal": false' "$3/config.json"
    grep -q '"path": "/"' "$3/config.json"
    namespace=$(sed -n 's|.*"type": "network", "path": "\\([^"]*\\)".*|\\1|p' "$3/config.json")
    inside() { nsenter --net="$namespace" "$@"; }
    inside ip -4 route show default | grep -q '^default via 10.0.2.2 dev tun0'
    inside ip -6 route show default | grep -q '^default via fd00::2 dev tun0'
    inside ip link show dev tun0 | grep -q LOWER_UP
    mapfile -d "" -t command < "$3/command"
    inside timeout 60 "\${command[@]}" ;;
  delete) # -force ID
    ;;
esac
`;

/** The lab's terminal, with this folder's runsc first on PATH. */
async function terminalWith(lab: Lab, folder: string): Promise<Terminal> {
  for (const address of ADDRESSES) await lab.addWorldAddress(address);
  const terminal = await Terminal.open(lab);
  const bundles = `${lab.directory}/bundles`;
  await terminal.run(`PATH='${folder}':$PATH; mkdir '${bundles}' && export TMPDIR='${bundles}'`);
  return terminal;
}

/** Checks that no bundle, namespace or process of the script is left. */
async function nothingIsLeft(lab: Lab, terminal: Terminal): Promise<void> {
  assertEquals([...Deno.readDirSync(`${lab.directory}/bundles`)], []);
  const namespaces = await check(["ip", "netns", "list"]);
  const ids = await terminal.run(`cat '${lab.directory}/ids'`);
  for (const id of ids.trim().split("\n")) assertEquals(namespaces.includes(`slirpnetstack-${id}`), false, id);
  await until("the end of the programs", 5_000, async () => {
    const pids = (await check(["ip", "netns", "pids", lab.host.name])).trim().split("\n");
    return pids.every((pid) => pid === String(terminal.shell.pid));
  });
}

/** A command line of the script that records its process id, which is in the names of all that it makes. */
function script(lab: Lab, command: string): string {
  return `bash -c 'echo $$ >> "$0"; exec scripts/gvisor.sh "$@"' '${lab.directory}/ids' ${command}`;
}

e2e(
  "the gVisor script: the device, the program, the container: a page, the command's status, and nothing left",
  async () => {
    await using lab = await Lab.create();
    const terminal = await terminalWith(lab, `${lab.directory}/bin`);
    await startServers(lab, lab.world, ADDRESSES);
    await Deno.writeTextFile(`${lab.directory}/bin/runsc`, RUNSC, { mode: 0o755 });

    assertMatch(await terminal.run(COMMAND), /^Hello, /m);
    const command = `sh -c "curl -sS http://[2606:4700:4700::1111]/ && exit 7"`;
    const said = await terminal.run(`${script(lab, command)}; echo "status $?"`);
    assertMatch(said, /^Hello, /m);
    assertMatch(said, /^status 7$/m);

    const steps = (await Deno.readTextFile(`${lab.directory}/bin/steps`)).trim().split("\n");
    const each = ["spec", "run", "delete"];
    assertEquals(steps, [...each, ...each]);
    await nothingIsLeft(lab, terminal);
  },
);

const runsc = runscFolder();

e2eUnless(
  runsc === null ? " (ignored: needs runsc)" : "",
  "gVisor itself: a page, 30 MB intact over each family, a refusal, and the status of commands that end at once",
  async () => {
    await using lab = await Lab.create();
    const terminal = await terminalWith(lab, runsc!);
    const { blobHash } = await startServers(lab, lab.world, ADDRESSES);

    assertMatch(await terminal.run(COMMAND), /^Hello, /m);
    for (const host of ["1.1.1.1", "[2606:4700:4700::1111]"]) {
      const said = await terminal.run(script(lab, `sh -c "curl -sS http://${host}/blob | sha256sum"`));
      assertMatch(said, new RegExp(`^${blobHash} `, "m"), host);
    }
    const refused = await terminal.run(
      `${script(lab, `curl -sS --max-time 20 http://1.1.1.1:9/`)} 2>/dev/null; echo "status $?"`,
    );
    assertMatch(refused, /^status 7$/m, "curl: could not connect");
    for (let i = 0; i < 5; i++) {
      const said = await terminal.run(`${script(lab, `sh -c "exit 42"`)}; echo "status $?"`);
      assertMatch(said, /^status 42$/m, `short command ${i}`);
    }
    const world = `curl -sS http://${WORLD.v4}/`;
    assertMatch(
      await terminal.run(`echo "${world}" | ${script(lab, "sh")}; echo "status $?"`),
      /^status 7$/m,
      "no server",
    );
    await nothingIsLeft(lab, terminal);
  },
);

Deno.test("the gVisor script is sound, is what the recipe has, and says what is missing", async () => {
  const script = `${PROJECT}scripts/gvisor.sh`;
  assertEquals(commandBlocks("scripts/RECIPES.md").get("In gVisor"), [COMMAND]);
  await check(["bash", "-n", script]);
  const result = await run(["/bin/bash", script, "true"], { env: { PATH: "/nowhere" } });
  assertEquals(result.code, 1);
  assertStringIncludes(result.stderr, "runsc is missing");
});
