import { outermostBelow } from "../../../ffi/mounts/guest_sysfs.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("mounts below a folder, without nested ones", () => {
  const paths = [
    ...["/", "/sys", "/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup-old", "/sys/kernel/debug"],
    ...["/sys/kernel/debug/tracing", "/sys/fs/cgroup", "/system"],
  ];
  const entries = paths.map((path) => ({ path, options: [] }));
  assertEquals(outermostBelow("/sys", entries).toSorted(), [
    "/sys/fs/cgroup",
    "/sys/fs/cgroup-old",
    "/sys/kernel/debug",
  ]);
});
