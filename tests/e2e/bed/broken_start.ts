/**
 * The program with a fault injected while it starts, chosen by the environment variable BROKEN:
 *
 * | BROKEN | what happens |
 * | --- | --- |
 * | `thrown` | the first call of the runtime throws |
 * | `rejected`, `timer` | a promise that nobody waits for is rejected, a timer's function throws, when it has just begun |
 * | `descriptors` | no descriptor is left from the moment that it listens for signals, just before it opens anything |
 *
 * The last is a limit of the process's own, because the runtime can't start with so few descriptors.
 *
 * @module
 */
const { addSignalListener } = Deno;
const query = Deno.permissions.querySync.bind(Deno.permissions);
const broken = Deno.env.get("BROKEN");
const fault = new Error("broken");
let begun = false;

Deno.permissions.querySync = (descriptor) => {
  if (!begun) begin();
  return query(descriptor);
};
Deno.addSignalListener = (signal, handler) => {
  addSignalListener(signal, handler);
  if (signal === "SIGTERM" && broken === "descriptors") takeDescriptors();
};

function begin(): void {
  begun = true;
  if (broken === "thrown") throw fault;
  if (broken === "rejected") Promise.reject(fault);
  if (broken === "timer") {
    setTimeout(() => {
      throw fault;
    });
  }
}

function takeDescriptors(): void {
  let free = 0;
  while (isOpen(free)) free++;
  const limit = `--nofile=${free}:${free}`;
  new Deno.Command("prlimit", { args: ["--pid", String(Deno.pid), limit] }).outputSync();
}

function isOpen(fd: number): boolean {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${fd}`) !== "";
  } catch {
    return false;
  }
}

await import("../../../main.ts");
