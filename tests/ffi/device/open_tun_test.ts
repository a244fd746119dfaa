import { SystemError } from "../../../ffi/libc/errors.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { withNetworkNamespace } from "../../../ffi/network/netns.ts";
import { closeTun, negotiateOffload, openTun, type OpenTunOptions, takeTun } from "../../../ffi/device/open_tun.ts";
import { assert, assertEquals, assertFields, assertMatch, assertThrows } from "../../assert.ts";
import { IS_ROOT, NEEDS_ROOT, TestNamespace } from "../bed/namespace.ts";

libc();

function open(namespace: TestNamespace, name: string, options?: OpenTunOptions) {
  return withNetworkNamespace(namespace.path, () => openTun(name, options));
}

Deno.test({
  name: `tun and tap are detected, with one queue or several${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make(
      "tuntap add tap1 mode tap",
      "tuntap add tap2 mode tap multi_queue",
      "tuntap add tun1 mode tun",
      "tuntap add tun2 mode tun multi_queue",
      "link set tap2 mtu 65521",
      "link set tun2 mtu 1280",
    );
    for (
      const [name, medium, mtu] of [
        ["tap1", "ethernet", 1500],
        ["tap2", "ethernet", 65521],
        ["tun1", "ip", 1500],
        ["tun2", "ip", 1280],
      ] as const
    ) {
      for (const offload of [true, false]) {
        const tun = open(namespace, name, { offload });
        assertFields(tun, { name, medium, mtu, vnetHeader: offload });
        assertEquals(tun.offload > 0, offload);
        closeTun(tun);
      }
    }
    const tun = open(namespace, "tap1", { mtu: 9000 });
    assertEquals(tun.mtu, 9000);
    closeTun(tun);
  },
});

Deno.test({
  name: `a missing interface is an error, and is not created${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make("tuntap add tap1 mode tap");
    const error = assertThrows(() => open(namespace, "tap0"), SystemError);
    assertEquals(error.code, "ENODEV");
    assertMatch(error.message, / on tap0: .*no such interface/);
    assert(!(await namespace.ip("-brief link")).includes("tap0"));
    assertThrows(() => openTun("tap1"), SystemError, "no such interface"); // it is in the other namespace
    for (const name of ["", "sixteen-letters-", "with\u0000nul"]) assertThrows(() => open(namespace, name), Error);
  },
});

Deno.test({
  name: `a missing tap is made where that is asked for, and goes away with the descriptor${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make("tuntap add tap1 mode tap");
    const made = open(namespace, "tap0", { create: true });
    assertFields(made, { name: "tap0", medium: "ethernet", mtu: 1500 });
    assertMatch(await namespace.ip("-brief link"), /^tap0 /m);
    closeTun(made);
    assert(!(await namespace.ip("-brief link")).includes("tap0"), "it was not persistent");
    closeTun(open(namespace, "tap1", { create: true }));
    assertMatch(await namespace.ip("-brief link"), /^tap1 /m, "one that was there stays");
  },
});

/** A copy of the descriptor, as a program that is started inherits it. */
function inherited(fd: number): number {
  const F_DUPFD = 0;
  const copy = libc().fcntl(fd, F_DUPFD, 3);
  assert(copy > 0);
  return copy;
}

Deno.test({
  name: `an attached device is taken over by its descriptor, from another namespace${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make("tuntap add tap1 mode tap", "tuntap add tun1 mode tun");
    const F_GETFL = 3, O_NONBLOCK = 0o4000, F_SETFL = 4;
    for (const [name, medium] of [["tap1", "ethernet"], ["tun1", "ip"]] as const) {
      for (const offload of [true, false]) {
        const first = open(namespace, name, { offload });
        const fd = inherited(first.fd);
        libc().fcntl(fd, F_SETFL, 0); // as its maker may have left it
        const tun = takeTun(fd, { mtu: 9000, offload });
        assert(tun !== null);
        assertFields(tun, { fd, name, medium, mtu: 9000, vnetHeader: offload, offload: first.offload });
        assert((libc().fcntl(fd, F_GETFL, 0) & O_NONBLOCK) !== 0, "reads do not wait");
        closeTun(first);
        closeTun(tun);
      }
    }
    const plain = open(namespace, "tap1", { offload: false });
    const fd = inherited(plain.fd);
    assertEquals(takeTun(fd, {})?.mtu, 1500, "the default");
    assertThrows(() => takeTun(plain.fd, {}), SystemError, "it was not inherited");
    libc().close(fd);
    closeTun(plain);
    const segmented = open(namespace, "tap1");
    const error = assertThrows(() => takeTun(segmented.fd, { offload: false }), SystemError);
    assertMatch(error.message, /-offload=false/);
    closeTun(segmented);
  },
});

Deno.test({
  name: `a descriptor that is attached to nothing is refused, and one of another kind is left alone${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: () => {
    assertEquals(takeTun(0, {}), null);
    const fd = libc().open(new TextEncoder().encode("/dev/net/tun\0"), 2, 0);
    assertMatch(assertThrows(() => takeTun(fd, {}), SystemError).message, /EBADFD.*attached to no interface/);
    libc().close(fd);
  },
});

Deno.test({
  name: `an interface of another kind is refused${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make("link add veth1 type veth peer name veth2");
    for (const name of ["lo", "veth1"]) {
      const error = assertThrows(() => open(namespace, name), SystemError, "neither a tun nor a tap");
      assertEquals(error.code, "EINVAL");
    }
  },
});

Deno.test({
  name: `a device that is in use is refused${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make("tuntap add tun1 mode tun");
    const first = open(namespace, "tun1");
    const error = assertThrows(() => open(namespace, "tun1"), SystemError, "another program has it open");
    assertEquals(error.code, "EBUSY");
    closeTun(first);
    closeTun(open(namespace, "tun1"));
  },
});

Deno.test("offloads are reduced to those that the kernel accepts", () => {
  const asked: number[] = [];
  const from = (known: number) => (flags: number) => {
    asked.push(flags);
    return (flags & ~known) === 0;
  };
  assertEquals(negotiateOffload(from(0x7f)), 0x6f); // Linux 6.2
  assertEquals(asked, [0x6f]);
  assertEquals(negotiateOffload(from(0x1f)), 0x0f); // before
  assertEquals(negotiateOffload(from(0x01)), 0x01);
  assertEquals(negotiateOffload(from(0x00)), 0x00);
  assertEquals(negotiateOffload(() => false), 0x00);
});
