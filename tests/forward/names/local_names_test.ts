import { LocalNames } from "../../../forward/names/local_names.ts";
import { assert, assertEquals } from "../../assert.ts";

Deno.test("names that the host itself defines", () => {
  let hosts =
    "127.0.0.1\tlocalhost\n127.0.1.1 Machine.example machine # other\n# 10.0.0.1 commented\n::1 ip6-loopback\n";
  const own = new LocalNames((path) => {
    if (path !== "/etc/hosts" || hosts === "") throw new Error(path);
    return hosts;
  });
  const asked = ["localhost", "LocalHost.", "db.localhost", "machine", "machine.EXAMPLE.", "ip6-loopback"];
  assertEquals(asked.filter((name) => !own.has(name)), []);
  const others = ["127.0.0.1", "other", "commented", "notlocalhost", "localhost.example", "", "example", "10.0.0.1"];
  assertEquals(others.filter((name) => own.has(name)), []);
  hosts = "";
  assert(!own.has("machine"), "a name of the file, when the file is gone");
  assert(own.has("localhost"), "localhost, without a file");
});

/** The addresses of a name as text; null: the host does not define it. */
function addressesOf(names: LocalNames, name: string): readonly string[] | null {
  return names.addresses(name)?.map(String) ?? null;
}

Deno.test("the addresses of names that the host defines; beside an unspecified address there is none", () => {
  const hosts =
    "192.0.2.5 db.internal DB\n2001:db8::5 db.internal\n0.0.0.0 ads.example\n:: ads.example\nbad line.example\n";
  const names = new LocalNames(() => hosts);
  assertEquals(addressesOf(names, "DB.internal."), ["192.0.2.5", "2001:db8::5"]);
  assertEquals(addressesOf(names, "db"), ["192.0.2.5"]);
  assertEquals(addressesOf(names, "ads.example"), [], "blocked by the file");
  assertEquals(addressesOf(names, "line.example"), [], "not an address");
  assertEquals(addressesOf(names, "other"), null);
  assertEquals(addressesOf(names, "localhost"), ["127.0.0.1", "::1"], "localhost, which the file has not");
  assertEquals(addressesOf(names, "x.localhost"), ["127.0.0.1", "::1"]);
});

Deno.test("with a clock, the file is read once a second at most", () => {
  let reads = 0, time = 0, hosts = "192.0.2.5 a\n";
  const names = new LocalNames(() => {
    reads++;
    return hosts;
  }, () => time);
  for (let i = 0; i < 10; i++) names.has("a");
  assertEquals(reads, 1);
  hosts = "192.0.2.5 b\n";
  time = 999;
  assertEquals(names.has("b"), false, "before a second has passed");
  time = 1_000;
  assertEquals(names.has("b"), true, "after it");
  assertEquals(reads, 2);
});
