import { SystemError } from "../../../ffi/libc/errors.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { parentPid, raiseDescriptorLimit, sendSignal } from "../../../ffi/process/process.ts";
import { assert, assertEquals, assertThrows } from "../../assert.ts";
import { SIGTERM } from "../../../ffi/libc/constants/process.ts";

libc();

Deno.test("the parent process is the one that Deno reports", () => {
  assertEquals(parentPid(), Deno.ppid);
});

Deno.test("signals reach a process, and fail for a missing one", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  sendSignal(child.pid, 0);
  sendSignal(child.pid, SIGTERM);
  assertEquals((await child.status).signal, "SIGTERM");
  const error = assertThrows(() => sendSignal(child.pid, 0), SystemError, `kill on process ${child.pid}`);
  assertEquals(error.code, "ESRCH");
});

Deno.test("the descriptor limit is raised to the hard limit", async () => {
  const limit = raiseDescriptorLimit();
  assert(limit >= 64);
  const limits = await Deno.readTextFile("/proc/self/limits");
  const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(limits)!;
  assertEquals({ soft: Number(soft), hard: Number(hard) }, { soft: limit, hard: limit });
});

Deno.test("a process ends with its parent, and detects a parent that has ended before", async () => {
  const module = JSON.stringify(import.meta.resolve("../../../ffi/process/process.ts"));
  const constants = JSON.stringify(import.meta.resolve("../../../ffi/libc/constants/process.ts"));
  const script = `
    import { SIGTERM } from ${constants};
    import { parentPid, signalWhenParentEnds } from ${module};
    console.log(signalWhenParentEnds(SIGTERM, parentPid()), signalWhenParentEnds(SIGTERM, -1), Deno.pid);
    setInterval(() => {}, 1000);`;
  // the shell writes its own line only when a signal tells it to end
  const shell = new Deno.Command("sh", {
    args: ["-c", '"$0" eval "$1" & read line; exit 0', Deno.execPath(), script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = shell.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let line = "";
  while (!line.includes("\n")) line += (await reader.read()).value ?? "\n";
  const [, pid] = /^true false (\d+)\n$/.exec(line)!;
  await shell.stdin.close();
  await shell.status;
  assertEquals((await reader.read()).done, true); // the child held the pipe open until its end
  assertThrows(() => Deno.statSync(`/proc/${pid}/exe`), Error);
});
