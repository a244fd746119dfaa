import { openDescriptors } from "../../../ffi/process/descriptors.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { readTextFile } from "../../../ffi/libc/text_file.ts";
import { readProcessFigures } from "../../../forward/metrics/process_figures.ts";
import { assert, assertEquals } from "../../assert.ts";

libc();

const FILES: Readonly<Record<string, string>> = {
  "/proc/self/stat": "12 (a (b) c) S 1 12 12 0 -1 4194304 100 200 0 0 1234 66 7 8 20 0 11 0 5000 1000000 300 0\n",
  "/proc/self/status": "Name:\tdeno\nVmPeak:\t  100 kB\nVmSize:\t  2048 kB\nVmRSS:\t     512 kB\nFDSize:\t256\n",
  "/proc/self/limits":
    "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files     \n",
};

Deno.test("the figures of /proc", () => {
  const figures = readProcessFigures({ read: (path) => FILES[path], openDescriptors: (limit) => limit - 1000 });
  assert(figures !== null && figures.heapBytes > 1e6);
  assertEquals({ ...figures, heapBytes: 0 }, {
    heapBytes: 0,
    cpuSeconds: 13,
    residentBytes: 512 * 1024,
    virtualBytes: 2048 * 1024,
    openDescriptors: 24,
    maxDescriptors: 1024,
    startTime: performance.timeOrigin / 1000,
  });
  const unlimited = { ...FILES, "/proc/self/limits": "Max open files   unlimited   unlimited  files\n" };
  const read = (path: string) => unlimited[path as keyof typeof unlimited];
  assertEquals(readProcessFigures({ read, openDescriptors: () => 7 })?.maxDescriptors, Infinity);
});

Deno.test("/proc without the figures", () => {
  const missing = (path: string) => {
    throw new Error(path);
  };
  assertEquals(readProcessFigures({ read: missing, openDescriptors: () => 1 }), null);
  assertEquals(readProcessFigures({ read: () => "nothing of use", openDescriptors: () => 1 }), null);
});

Deno.test("the figures of this process", () => {
  const figures = readProcessFigures({ read: readTextFile, openDescriptors });
  assert(figures !== null);
  const { cpuSeconds, residentBytes, virtualBytes, maxDescriptors, startTime } = figures;
  assert(cpuSeconds > 0 && cpuSeconds < 3600);
  assert(residentBytes > 1e7 && virtualBytes > residentBytes);
  assert(figures.openDescriptors >= 3 && figures.openDescriptors < maxDescriptors);
  assert(startTime < Date.now() / 1000 && startTime > Date.now() / 1000 - 3600);
});
