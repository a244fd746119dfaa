import { assertEquals } from "../../assert.ts";
import { Prefix } from "../../../forward/addresses/prefix.ts";
import { isNeverRouted, NEVER_ROUTED, neverReached, neverRouted } from "../../../forward/policy/static_list.ts";
import { IpAddress } from "../../../stack/base/address.ts";

Deno.test("the list holds the first and the last address of each entry", () => {
  for (
    const text of [
      "0.0.0.0",
      "0.255.255.255",
      "10.0.2.0",
      "10.0.2.255",
      "127.0.0.0",
      "127.255.255.255",
      "169.254.0.0",
      "169.254.169.254",
      "169.254.255.255",
      "224.0.0.0",
      "239.255.255.255",
      "255.255.255.255",
      "::",
      "::1",
      "::127.0.0.1",
      "::255.255.255.255",
      "::ffff:0.0.0.0",
      "::ffff:8.8.8.8",
      "::ffff:127.0.0.1",
      "64:ff9b:1::",
      "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
      "fe80::1",
      "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      "ff00::",
      "ff02::1",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ]
  ) assertEquals(NEVER_ROUTED.contains(IpAddress.parse(text)), true, text);
});

Deno.test("the list holds only its entries", () => {
  for (
    const text of [
      "1.0.0.0",
      "10.0.1.255",
      "10.0.3.0",
      "126.255.255.255",
      "128.0.0.0",
      "169.253.255.255",
      "169.255.0.0",
      "192.168.1.100",
      "223.255.255.255",
      "240.0.0.0",
      "255.255.255.254",
      "::1:0:0",
      "::fffe:0:0",
      "::1:0:0:0",
      "::fffe:0:0:0",
      "64:ff9b::8.8.8.8", // the IPv4 address decides
      "64:ff9b::127.0.0.1",
      "64:ff9b::1:0:0",
      "::ffff:0:8.8.8.8",
      "64:ff9b:2::1",
      "2001:db8::1",
      "3ffe::100",
      "fd00::2",
      "fe7f:ffff::",
      "fec0::",
      "feff:ffff::",
    ]
  ) assertEquals(NEVER_ROUTED.contains(IpAddress.parse(text)), false, text);
});

Deno.test("a never-routed address is refused in every form", () => {
  for (
    const [text, expected] of [
      ["127.0.0.1", true],
      ["::ffff:127.0.0.1", true],
      ["64:ff9b::169.254.169.254", true],
      ["::ffff:0:10.0.2.2", true],
      ["2002:7f00:1::1", true],
      ["2001:db8::5efe:127.0.0.1", true],
      ["fe80::1", true],
      ["64:ff9b::8.8.8.8", false],
      ["2002:808:808::1", false],
      ["2001:db8::1", false],
    ] as const
  ) assertEquals(isNeverRouted(IpAddress.parse(text)), expected, text);
});

Deno.test("a guest that reaches what the host reaches: all but the gateway, loopback, multicast and the like", () => {
  const list = neverReached(["10.0.2.2", "fd00::2"].map(IpAddress.parse));
  for (const text of ["169.254.169.254", "10.0.2.3", "10.0.2.100", "fd00::3", "192.0.2.1"]) {
    assertEquals(list.contains(IpAddress.parse(text)), false, `${text} is reached`);
  }
  for (
    const text of ["10.0.2.2", "fd00::2", "127.0.0.1", "::1", "0.0.0.0", "224.0.0.1", "fe80::1", "::ffff:10.0.0.1"]
  ) {
    assertEquals(list.contains(IpAddress.parse(text)), true, `${text} is not reached`);
  }
});

Deno.test("the guest's own network is on the list, whichever it is, and the default one then is not", () => {
  const list = neverRouted([Prefix.parse("10.7.0.0/16")]);
  assertEquals(list.contains(IpAddress.parse("10.7.9.9")), true, "10.7.0.0/16");
  assertEquals(list.contains(IpAddress.parse("10.0.2.9")), false, "10.0.2.0/24");
});
