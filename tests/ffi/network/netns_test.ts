import { SystemError } from "../../../ffi/libc/errors.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { mayComeBack, withNetworkNamespace } from "../../../ffi/network/netns.ts";
import { assertEquals, assertFields, assertMatch, assertNotEquals, assertThrows } from "../../assert.ts";
import { IS_ROOT, NEEDS_ROOT, TestNamespace } from "../bed/namespace.ts";

libc();

const own = () => Deno.readLinkSync("/proc/thread-self/ns/net");

Deno.test({
  name: `work runs in the other namespace, then the thread returns to its own${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make();
    const before = own();
    const there = withNetworkNamespace(namespace.path, own);
    assertNotEquals(there, before);
    assertEquals(own(), before);
    assertThrows(() =>
      withNetworkNamespace(namespace.path, () => {
        throw new RangeError("within");
      }), RangeError);
    assertEquals(own(), before);
    assertThrows(() => withNetworkNamespace(namespace.path, () => Promise.resolve()), TypeError);
    assertEquals(own(), before);
  },
});

Deno.test("a namespace that does not exist", () => {
  const error = assertThrows(() => withNetworkNamespace("/run/netns/none-such", () => {}), SystemError);
  assertEquals(error.code, "ENOENT");
  assertMatch(error.message, /^open on \/run\/netns\/none-such: .*no such namespace/);
});

Deno.test({
  name: `files other than network namespaces are refused${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: () => {
    const before = own();
    for (const path of ["/dev/null", "/proc/self/ns/uts", "/tmp"]) {
      const error = assertThrows(() => withNetworkNamespace(path, () => {}), SystemError);
      assertFields(error, { syscall: "setns", code: "EINVAL" });
      assertMatch(error.message, /not a network namespace/);
    }
    assertEquals(own(), before);
  },
});

Deno.test({
  name:
    `the way back is closed to the root of a user namespace in the host's network, and open in its own${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    assertEquals(mayComeBack(), true);
    const script = `
      import { mayComeBack } from ${JSON.stringify(import.meta.resolve("../../../ffi/network/netns.ts"))};
      console.log(mayComeBack());`;
    const said = async (...flags: readonly string[]) => {
      const args = ["--user", "--map-root-user", ...flags, Deno.execPath(), "eval", script];
      const { stdout, stderr } = await new Deno.Command("unshare", { args }).output();
      return new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr);
    };
    assertEquals(await said(), "false\n");
    assertEquals(await said("--net"), "true\n");
  },
});

Deno.test({
  name: `without CAP_SYS_ADMIN the error says what to do${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make();
    const script = `
      import { withNetworkNamespace } from ${JSON.stringify(import.meta.resolve("../../../ffi/network/netns.ts"))};
      try { withNetworkNamespace(${JSON.stringify(namespace.path)}, () => {}); } catch (e) { console.log(e.message); }`;
    const { stdout } = await new Deno.Command("setpriv", {
      args: ["--bounding-set=-sys_admin", "--inh-caps=-sys_admin", Deno.execPath(), "eval", script],
    }).output();
    assertMatch(new TextDecoder().decode(stdout), /^setns on .*: Operation not permitted \(EPERM\): .*as root/);
  },
});
