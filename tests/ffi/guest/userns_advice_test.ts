import { refusalAdvice } from "../../../ffi/guest/userns_advice.ts";
import { assertMatch, assertStringIncludes } from "../../assert.ts";

const reader = (path: string, value: string) => (asked: string) => {
  if (asked !== path) throw new Error("no such file");
  return `${value}\n`;
};

const MOUNTED = "23 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n24 23 0:22 / /proc rw - proc proc rw\n";

Deno.test("a chroot, whose root is not a mount point", () => {
  const inside = MOUNTED.slice(MOUNTED.indexOf("\n") + 1);
  assertMatch(refusalAdvice(reader("/proc/self/mountinfo", inside)), /^: this is a chroot, /);
  assertMatch(refusalAdvice(reader("/proc/self/mountinfo", MOUNTED)), /^: the system forbids/);
});

Deno.test("a system that forbids user namespaces: the error names the setting and the remedy", () => {
  for (
    const [name, value] of [
      ["user.max_user_namespaces", "0"],
      ["kernel.unprivileged_userns_clone", "0"],
      ["kernel.apparmor_restrict_unprivileged_userns", "1"],
    ] as const
  ) {
    const advice = refusalAdvice(reader(`/proc/sys/${name.replace(".", "/")}`, value));
    assertStringIncludes(advice, `: ${name} is ${value}; as root: sysctl -w ${name}=`);
    assertMatch(refusalAdvice(reader(`/proc/sys/${name.replace(".", "/")}`, "7")), /^: the system forbids/);
  }
});
