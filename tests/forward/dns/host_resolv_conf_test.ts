import { parseResolvConf } from "../../../forward/dns/host_resolv_conf.ts";
import { assertEquals } from "../../assert.ts";

const read = (text: string) => {
  const { servers, ...rest } = parseResolvConf(text);
  return { servers: servers.map(({ address, zone }) => zone === null ? `${address}` : `${address}%${zone}`), ...rest };
};

Deno.test("resolv.conf: servers and options", () => {
  assertEquals(
    read(`# by hand
search example.net
nameserver 192.0.2.1
  nameserver\t2001:db8::1   # the second
;nameserver 192.0.2.9
nameserver fe80::1%eth0
nameserver 192.0.2.4
options rotate timeout:3 ndots:2
options attempts:4 edns0
`),
    {
      servers: ["192.0.2.1", "2001:db8::1", "fe80::1%eth0"],
      search: ["example.net"],
      timeout: 3,
      attempts: 4,
      rotate: true,
    },
  );
});

Deno.test("resolv.conf: malformed lines are skipped, and numbers have the C library's bounds", () => {
  const defaults = { servers: ["127.0.0.1"], search: [], timeout: 5, attempts: 2, rotate: false };
  assertEquals(read(""), defaults);
  assertEquals(
    read("nameserver\nnameserver dns.example\nnameserver 1.2.3\noptions timeout:x attempts:\noptions"),
    defaults,
  );
  assertEquals(read("options timeout:900 attempts:99"), { ...defaults, timeout: 30, attempts: 5 });
  assertEquals(read("options timeout:0 attempts:0"), { ...defaults, timeout: 1, attempts: 1 });
});

Deno.test("resolv.conf: the last of `search` and `domain` counts, and the root is no search domain", () => {
  const search = (text: string) => read(text).search;
  assertEquals(search("search corp.example example.net\n"), ["corp.example", "example.net"]);
  assertEquals(search("domain corp.example example.net\n"), ["corp.example"]);
  assertEquals(search("search a.example\ndomain b.example\nsearch c.example d.example"), ["c.example", "d.example"]);
  assertEquals(search("search a.example\nsearch ."), []);
});
