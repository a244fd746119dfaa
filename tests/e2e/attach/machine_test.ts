/** `-fd`: a virtual machine in QEMU configures itself and fetches 30 MB over IPv4 and IPv6. */
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import { hasMachine, machineCommand } from "../../../scripts/lab/machine.ts";
import type { Process } from "../../../scripts/lab/process.ts";
import { PROGRAM_ENVIRONMENT, programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { startServers, url, type World } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assertEquals } from "../../assert.ts";
import { needs } from "../bed/installed.ts";
import { e2eUnless } from "../bed/bed.ts";
import { commandBlocks, Terminal } from "../bed/pages.ts";

const RECIPES = "scripts/RECIPES.md";
const text = (await Deno.readTextFile(`${PROJECT}${RECIPES}`)).replaceAll("\n", " ");
const QEMU = "qemu-system-x86_64";
/** Its device; it needs no firmware to boot from. */
const DEVICE = "virtio-net-pci,netdev=net,romfile=";
const URLS = [url(WORLD.v4, "/blob"), url(WORLD.v6, "/blob")];
/** Generous, because the machine is emulated and may share its processor. */
const PATIENCE_MS = 90_000;

function withMachine(name: string, run: (lab: Lab, servers: World) => Promise<void>): void {
  const missing = hasMachine() ? needs(QEMU) : " (ignored: needs a kernel, see scripts/setup.ts)";
  e2eUnless(missing, name, async () => {
    await using lab = await Lab.create();
    await run(lab, await startServers(lab));
  });
}

/** Waits until the machine has powered off. It must have fetched everything intact. */
async function hasFetched(machine: Process, { blobHash }: World): Promise<void> {
  assertEquals(await machine.end(PATIENCE_MS), 0);
  const fetched = machine.stdout.flatMap((line) => /fetched (\S+) (\S+)/.exec(line)?.slice(1) ?? []);
  assertEquals(fetched, URLS.flatMap((address) => [address, blobHash]), machine.stdout.join("\n"));
}

withMachine("a virtual machine on a stream socket, as the recipe has it", async (lab, servers) => {
  const [path, heading] = [`${lab.directory}/vm.sock`, "A virtual machine: `-fd`"];
  const [, netdev] = /`-netdev (stream\S+) -device virtio-net-pci,netdev=net`/.exec(text)!;
  const network = ["-netdev", netdev!.replace("/tmp/vm.sock", path), "-device", DEVICE];
  const machine = lab.adopt(lab.host.start(await machineCommand(lab.directory, network, URLS)));
  await until("the machine's socket", 10_000, () => Deno.stat(path).then(() => true, () => null));
  const terminal = await Terminal.open(lab);
  await Terminal.makeProgram(lab);
  await terminal.start(commandBlocks(RECIPES).get(heading)![0].replace("/tmp/vm.sock", path));
  await hasFetched(machine, servers);
});

withMachine("a virtual machine on a datagram socket, as the recipe has it", async (lab, servers) => {
  const program = [...programCommand(), "-fd", "{fd}", "-slaac"];
  const [, netdev] = /`-netdev (dgram,[^`]+=)FD`/.exec(text)!;
  const network = ["-netdev", `${netdev}{fd}`, "-device", DEVICE];
  const machine = await machineCommand(lab.directory, network, URLS);
  assertEquals(machine[machine.indexOf("-machine") + 1], "accel=tcg");
  const pair = ["python3", "-B", `${PROJECT}scripts/lab/pair.py`, ...program, "--", ...machine];
  await hasFetched(lab.adopt(lab.host.start(pair, { cwd: PROJECT, env: PROGRAM_ENVIRONMENT })), servers);
});
