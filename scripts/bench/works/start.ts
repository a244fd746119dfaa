/**
 * Start-up time from exec to ready, the memory of a program at rest, and the time from exec to the first byte of a
 * command in a guest of its own.
 *
 * The first start of a program reads its files from the disk, and may fill caches, so it is not counted.
 *
 * Each program defines when it is ready: see `launch` in peers.ts. The guest, and the device where the program needs
 * one, are made before the clock starts. A command of its own includes making the guest.
 *
 * @module
 */
import { until } from "../../lab/until.ts";
import type { Seat } from "../bed/bed.ts";
import type { Launch } from "../bed/peers.ts";
import { processTree, treeCpuTime, treeMemory } from "../bed/process_tree.ts";
import type { Work } from "../bed/work.ts";

const MTU = 65_520;
const MIB = 1 << 20;
/** ms for a program to be ready. */
const PATIENCE = 15_000;

/** The measurement of the start of a program that attaches to a guest. */
export function startWork(rounds: number): Work {
  return {
    id: "start",
    mtu: MTU,
    rounds,
    seconds: 0,
    figures: [
      { id: "start-ready", name: "start to ready", unit: "ms", better: "less" },
      { id: "start-memory", name: "memory at rest", unit: "MiB", better: "less" },
    ],
    sample: onceUncounted(async ({ bed, peer }: Seat) => {
      if (peer.launch === null) return [null, null];
      const launch = await peer.launch(bed.lab, await bed.newPlace(MTU));
      const command = bed.lab.host.enter(launch.command);
      const start = performance.now();
      const child = spawn(command, launch.cwd);
      let pid = child.pid;
      try {
        await inTime(isReady(child, launch.ready));
        const ready = performance.now() - start;
        pid = launch.pid?.() ?? child.pid;
        await rest(pid);
        return [ready, treeMemory(pid) / MIB];
      } finally {
        for (const each of [...processTree(pid), child.pid]) kill(each);
        await child.status;
        await Promise.allSettled([child.stdout.cancel(), child.stderr.cancel()]); // one may still be read from
      }
    }),
  };
}

/** The measurement of a start that makes a guest and runs `echo` in it. */
export function runWork(rounds: number): Work {
  return {
    id: "run",
    mtu: MTU,
    rounds,
    seconds: 0,
    figures: [{ id: "run-first-byte", name: "`run` to the command's first byte", unit: "ms", better: "less" }],
    sample: onceUncounted(async ({ bed, peer }: Seat) => {
      if (peer.run === undefined) return [null];
      const launch = await peer.run(["echo", "x"]);
      const start = performance.now();
      const child = spawn(bed.lab.host.enter(launch.command), launch.cwd);
      try {
        await inTime(isReady(child, { on: "stdout", says: /x/ }));
        const first = performance.now() - start;
        await inTime(isReady(child, "exit"));
        return [first];
      } finally {
        kill(child.pid); // and nothing lingers
        await child.status;
        await Promise.allSettled([child.stdout.cancel(), child.stderr.cancel()]);
      }
    }),
  };
}

/** The same sample, with an uncounted one before each peer's first. */
export function onceUncounted<Of extends { readonly peer: object }, Values>(
  sample: (of: Of) => Promise<Values>,
): (of: Of) => Promise<Values> {
  const warm = new WeakSet<object>();
  return async (of) => {
    if (!warm.has(of.peer)) await sample(of);
    warm.add(of.peer);
    return await sample(of);
  };
}

function spawn(command: readonly string[], cwd: string | undefined): Deno.ChildProcess {
  return new Deno.Command(command[0], {
    args: command.slice(1),
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Resolves when the program reports that it is ready. Rejects when it ends first. */
async function isReady(child: Deno.ChildProcess, ready: Launch["ready"]): Promise<void> {
  if (ready === "exit") {
    const { code } = await child.status;
    if (code !== 0) throw new Error(`status ${code} at the start`);
    return;
  }
  let text = "";
  const reader = child[ready.on].getReader(); // the few lines on the other stream fit in its pipe
  const decoder = new TextDecoder();
  try {
    while (!ready.says.test(text)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`ended at the start: ${text.trim()}`);
      text += decoder.decode(value);
    }
  } finally {
    reader.releaseLock();
  }
}

function inTime(ready: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not ready after ${PATIENCE / 1000} s`)), PATIENCE);
  });
  return Promise.race([ready, late]).finally(() => clearTimeout(timer));
}

/** Waits until it has used no CPU time for a third of a second. */
async function rest(pid: number): Promise<void> {
  let [before, since] = [treeCpuTime(pid), performance.now()];
  await until("the program to rest", PATIENCE, () => {
    const now = treeCpuTime(pid);
    if (now !== before) [before, since] = [now, performance.now()];
    return performance.now() - since > 333;
  });
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended
  }
}
