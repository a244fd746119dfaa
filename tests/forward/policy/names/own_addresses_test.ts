import { OWN_PREFIXES, OwnAddresses } from "../../../../forward/policy/names/own_addresses.ts";
import { IpAddress } from "../../../../stack/base/address.ts";
import { assert, assertEquals, assertNotEquals } from "../../../assert.ts";

Deno.test("a name has the same addresses in every run, and these stand for it", () => {
  const own = new OwnAddresses(10), entry = own.claim("api.github.com")!;
  const again = new OwnAddresses(10).claim("api.github.com")!;
  for (const address of [entry.address4, entry.address6]) {
    assert(OWN_PREFIXES.some((prefix) => prefix.contains(address)), `${address} is of an own prefix`);
    assert(own.isOwn(address.bytes, 0, address.version), `${address} is own`);
    assertEquals(own.at(address.bytes, 0, address.version), entry, `${address} stands for the name`);
  }
  assertEquals(`${again.address4}`, `${entry.address4}`, "IPv4 in another run");
  assertEquals(`${again.address6}`, `${entry.address6}`, "IPv6 in another run");
  assertEquals(own.claim("api.github.com"), entry, "claimed twice");
  assertEquals(own.usage.current, 1, "one name");
});

Deno.test("an own address is recognised even if it stands for no name", () => {
  const own = new OwnAddresses(10);
  for (const text of ["198.18.0.1", "198.19.255.254", "fd00:0:0:5e::1"]) {
    const { bytes, version } = IpAddress.parse(text);
    assertEquals(own.isOwn(bytes, 0, version), true, text);
    assertEquals(own.at(bytes, 0, version), null, text);
  }
  for (const text of ["198.17.255.255", "198.20.0.0", "fd00::3", "fd00:0:0:5f::1"]) {
    const { bytes, version } = IpAddress.parse(text);
    assertEquals(own.isOwn(bytes, 0, version), false, text);
  }
});

Deno.test("no two of many names have the same address, and none is the first or the last of the prefix", () => {
  const own = new OwnAddresses(65_536), seen = new Set<string>();
  for (let i = 0; i < 65_536; i++) {
    const { address4, address6 } = own.claim(`n${i}.example`)!;
    seen.add(address4.toString()).add(address6.toString());
  }
  assertEquals(seen.size, 2 * 65_536);
  assert(!seen.has("198.18.0.0") && !seen.has("198.19.255.255"));
});

Deno.test("when full, the name unused for longest without a flow is dropped", () => {
  const own = new OwnAddresses(2);
  const first = own.claim("a.example")!, second = own.claim("b.example")!;
  first.flows++;
  const third = own.claim("c.example")!;
  assertEquals(own.find("a.example"), first, "it has a flow");
  assertEquals(own.find("b.example"), null, "it had none");
  assertEquals(own.at(second.address4.bytes, 0, 4), null, "its address stands for nothing");
  assertEquals(own.at(third.address4.bytes, 0, 4), third, "the new one has an address");
  third.flows++;
  assertEquals(own.claim("d.example"), null, "both have flows");
  first.flows--;
  assertNotEquals(own.claim("d.example"), null, "one has none any more");
  assertEquals(own.usage, { current: 2, limit: 2, overflows: 2 });
});
