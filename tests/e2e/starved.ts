/**
 * The program without a descriptor to spare from the moment on at which it listens for signals, just before it opens
 * anything: by a limit of the process's own, as the runtime can't start with so few.
 *
 * @module
 */
const { addSignalListener } = Deno;
Deno.addSignalListener = (signal, handler) => {
  addSignalListener(signal, handler);
  if (signal === "SIGTERM") takeDescriptors();
};

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

await import("../../main.ts");
