/** `scripts/gvisor.sh`, with a runsc that holds it to the order of its steps and runs the command without gVisor. */
import { Lab } from "../../scripts/lab/lab.ts";
import { check, run } from "../../scripts/lab/process.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { startServers } from "../../scripts/lab/services.ts";
import { until } from "../../scripts/lab/until.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { e2e } from "./bed.ts";
import { commandBlocks, Terminal } from "./readme.ts";

const README = "scripts/gvisor.sh curl http://1.1.1.1/\n";

/**
 * A container is a process in a network namespace of its own, from `create` on. As gVisor does, `start` takes over what
 * the devices there have by then, so it fails where they lack something. The command waits until somebody has the device
 * open: gVisor would ask again and again meanwhile, and does not mind for how long.
 */
const RUNSC = `#!/usr/bin/env bash
set -eu
cd "\${0%/*}"
echo "$1" >> steps
case $1 in
  spec) # -bundle FOLDER -- COMMAND...
    printf '{"process": {"terminal": true},\\n "root": {"path": "rootfs"}}\\n' > "$3/config.json"
    printf '%s\\0' "\${@:5}" > "$3/command" ;;
  create) # -bundle FOLDER ID
    grep -q '"terminal": false' "$3/config.json"
    grep -q '"path": "/"' "$3/config.json"
    mkfifo "$4-made" "$4-go" "$4-status"
    unshare --net timeout 60 bash -c '
      mapfile -d "" -t command < "$1/command"
      echo > "$2-made"
      read -r < "$2-go"
      until ip link show dev tun0 | grep -q LOWER_UP; do sleep 0.05; done
      "\${command[@]}"
      echo $? > "$2-status"' container "$3" "$4" &
    echo $! > "$4-pid"
    read -r < "$4-made" ;;
  state) # ID
    printf '{\\n  "id": "%s",\\n  "pid": %s,\\n  "status": "created"\\n}\\n' "$2" "$(cat "$2-pid")" ;;
  start) # ID
    routes() { nsenter --net="/proc/$(cat "$1-pid")/ns/net" ip "$2" route show default; }
    routes "$2" -4 | grep -q '^default via 10.0.2.2 dev tun0'
    routes "$2" -6 | grep -q '^default via fd00::2 dev tun0'
    echo > "$2-go" ;;
  wait) # ID
    printf '{"id":"%s","exitStatus":%s}\\n' "$2" "$(cat "$2-status")" ;;
  delete) # -force ID
    kill "$(cat "$3-pid")" ;;
esac
`;

e2e(
  "the gVisor script: create, the device, start, the program: a page, the command's status, and nothing left",
  async () => {
    await using lab = await Lab.create();
    for (const address of ["1.1.1.1", "2606:4700:4700::1111"]) await lab.addWorldAddress(address);
    await startServers(lab, lab.world, ["1.1.1.1", "2606:4700:4700::1111"]);
    const terminal = await Terminal.open(lab);
    await Deno.writeTextFile(`${lab.directory}/bin/runsc`, RUNSC, { mode: 0o755 });
    const bundles = `${lab.directory}/bundles`;
    await terminal.run(`mkdir '${bundles}' && export TMPDIR='${bundles}'`);

    assertMatch(await terminal.run(README), /^Hello, /m);
    const command = "curl -sS 'http://[2606:4700:4700::1111]/' && exit 7";
    const said = await terminal.run(`scripts/gvisor.sh sh -c "${command}"; echo "status $?"`);
    assertMatch(said, /^Hello, /m);
    assertMatch(said, /^status 7$/m);

    const steps = (await Deno.readTextFile(`${lab.directory}/bin/steps`)).trim().split("\n");
    const each = ["spec", "create", "state", "start", "wait", "delete"];
    assertEquals(steps, [...each, ...each]);
    assertEquals([...Deno.readDirSync(bundles)], []);
    await until("the end of the programs", 5_000, async () => {
      const pids = (await check(["ip", "netns", "pids", lab.host.name])).trim().split("\n");
      return pids.every((pid) => pid === String(terminal.shell.pid));
    });
  },
);

Deno.test("the gVisor script is sound, is what the README has, and says what is missing", async () => {
  const script = `${PROJECT}scripts/gvisor.sh`;
  assertEquals(commandBlocks().get("In gVisor"), [README]);
  await check(["bash", "-n", script]);
  const result = await run(["/bin/bash", script, "true"], { env: { PATH: "/nowhere" } });
  assertEquals(result.code, 1);
  assertStringIncludes(result.stderr, "runsc is missing");
});
