import { guestResolvConf } from "../../../forward/dns/guest_resolv_conf.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("the guest's resolv.conf: the program's addresses, the host's search list and options", () => {
  const servers = ["10.0.2.3", "fd00::3"].map((text) => IpAddress.parse(text));
  const host = "# host\nnameserver 127.0.0.53\noptions edns0 trust-ad\n search a.example b.example\ndomainname x\n";
  assertEquals(guestResolvConf(host, servers).split("\n").slice(1), [
    "nameserver 10.0.2.3",
    "nameserver fd00::3",
    "options edns0 trust-ad",
    " search a.example b.example",
    "",
  ]);
  assertEquals(guestResolvConf("", []).split("\n").length, 2);
  assertEquals(guestResolvConf(host, servers, "allowed").split("\n").slice(1), [
    "nameserver 10.0.2.3",
    "nameserver fd00::3",
    "options edns0 trust-ad",
    "search .",
    "",
  ], "where only names of -allow are answered for, they are asked for as they are");
});
