import { closeTun, openTun } from "../../../ffi/device/open_tun.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { OwnedDescriptor } from "../../../ffi/libc/owned_descriptor.ts";
import { openAway } from "../../../ffi/network/away.ts";
import { openNetworkNamespace } from "../../../ffi/network/netns.ts";
import { RouteNetlink } from "../../../ffi/network/route_netlink.ts";
import { openNumbers } from "../../../ffi/process/descriptors.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { IS_ROOT, NEEDS_ROOT, run, TestNamespace } from "../bed/namespace.ts";
import { isClosedOnExec } from "../bed/sockets.ts";

libc();

Deno.test({
  name: `a device is made and set up in a namespace that this process never enters${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make();
    using file = openNetworkNamespace(namespace.path);
    const own = Deno.readLinkSync("/proc/thread-self/ns/net");
    const away = openAway(file.fd, null);
    assert(away !== null, "the C library can do it");
    for (const fd of Object.values(away)) assert(isClosedOnExec(fd), `fd ${fd} is not inherited`);
    const tun = openTun("tap9", { create: true, away });
    using _inet = new OwnedDescriptor(away.inet);
    using _netlink = new OwnedDescriptor(away.netlink);
    assertEquals(tun.fd, away.tun);
    using netlink = new RouteNetlink(away);
    netlink.setHardwareAddress("tap9", Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56));
    netlink.addAddress("tap9", Uint8Array.of(10, 1, 135, 228), 25);
    netlink.setUp("tap9", 9000);
    const seen = await namespace.ip("address show tap9");
    assertMatch(seen, /mtu 9000 /);
    assertMatch(seen, /link\/ether 52:54:00:12:34:56 /);
    assertMatch(seen, /inet 10\.1\.135\.228\/25 brd 10\.1\.135\.255 /);
    assert(!(await run("ip", "-brief", "link")).includes("tap9"), "it is not in this process's namespace");
    assertEquals(Deno.readLinkSync("/proc/thread-self/ns/net"), own);
    closeTun(tun);
  },
});

Deno.test({
  name: `this process's own namespace is not away: nothing is opened there${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: () => {
    using file = openNetworkNamespace("/proc/self/ns/net");
    const before = openNumbers();
    assertEquals(openAway(file.fd, null), null);
    assertEquals(openNumbers(), before);
  },
});
