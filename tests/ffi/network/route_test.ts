import { libc } from "../../../ffi/libc/libc.ts";
import { withNetworkNamespace } from "../../../ffi/network/netns.ts";
import { pathMtuTowards, sourceAddressTowards } from "../../../ffi/network/route.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";
import { IS_ROOT, NEEDS_ROOT, TestNamespace } from "../bed/namespace.ts";

libc();

Deno.test("the source address that the system chooses", () => {
  const towards = (address: string) => sourceAddressTowards({ address: IpAddress.parse(address), port: 53 });
  for (let i = 0; i < 2_000; i++) { // more often than the descriptor limit
    assertEquals(String(towards("127.0.0.1")), "127.0.0.1");
  }
  assertEquals(String(towards("127.9.9.9")), "127.0.0.1");
  assertEquals(String(towards("::1")), "::1");
  assertEquals(towards("255.255.255.255"), null); // not without SO_BROADCAST
});

Deno.test({
  name: `the path MTU that the kernel knows${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    await using namespace = await TestNamespace.make(
      ...["link add up0 mtu 1400 type veth peer name up1", "link set up0 up", "link set up1 up"],
      ...["addr add 10.8.1.1/24 dev up0"],
      ...["addr add fd08:1::1/64 dev up0 nodad", "route add 10.8.2.0/24 dev up0 mtu lock 1000"],
    );
    const towards = (address: string) =>
      withNetworkNamespace(namespace.path, () => pathMtuTowards({ address: IpAddress.parse(address), port: 0 }));
    assertEquals(towards("10.8.1.2"), 1400, "the interface's");
    assertEquals(towards("fd08:1::2"), 1400, "the interface's, IPv6");
    assertEquals(towards("10.8.2.2"), 1000, "the route's");
    assertEquals(towards("203.0.113.1"), 0, "no route");
  },
});
