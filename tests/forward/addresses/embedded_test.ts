import { embeddedIpv4 } from "../../../forward/addresses/embedded.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("the IPv4 addresses in IPv6 addresses, and none in the others", () => {
  for (
    const [address, ...expected] of [
      ["2002:7f00:1::1", "127.0.0.1"],
      ["2002:c0a8:107:ffff:ffff:ffff:ffff:ffff", "192.168.1.7"],
      // RFC 4380, section 5.2.1: the example's client is 192.0.2.45
      ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "65.54.227.120", "192.0.2.45"],
      ["64:ff9b::169.254.169.254", "169.254.169.254"],
      ["64:ff9b:1:2::10.0.0.1", "10.0.0.1"],
      ["::ffff:0:127.0.0.1", "127.0.0.1"],
      ["::127.0.0.1", "127.0.0.1"],
      ["::2", "0.0.0.2"],
      ["2001:db8::5efe:10.1.2.3", "10.1.2.3"],
      ["2001:db8::200:5efe:10.1.2.3", "10.1.2.3"],
      ["::"],
      ["::1"],
      ["::ffff:10.0.0.1"], // the host's own affair: mapped.ts
      ["64:ff9b:0:0:1::1"],
      ["2001:1::1"],
      ["2001:db8::5eff:10.1.2.3"],
      ["2003:7f00:1::1"],
      ["192.0.2.1"],
    ]
  ) assertEquals(embeddedIpv4(IpAddress.parse(address!)).map(String), expected, address);
});
