import { refusalAdvice } from "../../ffi/userns_advice.ts";
import { assertMatch, assertStringIncludes } from "../assert.ts";

const reader = (path: string, value: string) => (asked: string) => {
  if (asked !== path) throw new Error("no such file");
  return `${value}\n`;
};

Deno.test("a system that forbids user namespaces: the setting, and its remedy", () => {
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
