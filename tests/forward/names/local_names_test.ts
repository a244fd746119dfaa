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
