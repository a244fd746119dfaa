import { isBroadcast4, isOnLink4, type StackAddresses } from "../../../stack/link/addresses.ts";
import { DEFAULT_ADDRESSES } from "../../../stack/link/addresses.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";

/** The addresses of a network with this broadcast address and prefix length. */
function network(broadcast: string, prefix4: number): StackAddresses {
  return { ...DEFAULT_ADDRESSES, broadcast4: IpAddress.parse(broadcast), prefix4 };
}

Deno.test("the link's IPv4 network: which addresses are in it, whatever the length of its prefix", () => {
  for (
    const [broadcast, prefix, address, expected] of [
      ["10.0.2.255", 24, "10.0.2.0", true],
      ["10.0.2.255", 24, "10.0.3.0", false],
      ["10.0.135.255", 25, "10.0.135.128", true],
      ["10.0.135.255", 25, "10.0.135.127", false],
      ["10.7.255.255", 13, "10.0.0.1", true],
      ["10.7.255.255", 13, "10.8.0.1", false],
      ["255.255.255.255", 1, "128.0.0.1", true],
      ["255.255.255.255", 1, "127.0.0.1", false],
    ] as const
  ) {
    const { bytes } = IpAddress.parse(address);
    assertEquals(isOnLink4(network(broadcast, prefix), bytes, 0), expected, `${address} in ${broadcast}/${prefix}`);
  }
});

Deno.test("the link's IPv4 network: its last address is a broadcast address, another network's is not", () => {
  const addresses = network("10.0.135.255", 25);
  assertEquals(isBroadcast4(addresses, IpAddress.parse("10.0.135.255").bytes, 0), true, "its own");
  assertEquals(isBroadcast4(addresses, IpAddress.parse("10.0.135.127").bytes, 0), false, "of the other half");
  assertEquals(isBroadcast4(addresses, IpAddress.parse("10.0.2.255").bytes, 0), false, "of the default network");
});
