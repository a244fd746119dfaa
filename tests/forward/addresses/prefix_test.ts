import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../../assert.ts";
import { Prefix, PrefixSet } from "../../../forward/addresses/prefix.ts";
import { IpAddress } from "../../../stack/base/address.ts";

const ip = IpAddress.parse;

Deno.test("a prefix drops the bits after its length", () => {
  const cases: [string, string][] = [
    ["10.0.2.2/24", "10.0.2.0/24"],
    ["255.255.255.255/0", "0.0.0.0/0"],
    ["255.255.255.255/1", "128.0.0.0/1"],
    ["255.255.255.255/31", "255.255.255.254/31"],
    ["255.255.255.255/32", "255.255.255.255/32"],
    ["192.0.2.77/28", "192.0.2.64/28"],
    ["fe80::1/10", "fe80::/10"],
    ["febf:ffff::/10", "fe80::/10"],
    ["2001:db8::1/128", "2001:db8::1/128"],
    ["::1/0", "::/0"],
  ];
  for (const [text, shown] of cases) assertEquals(Prefix.parse(text).toString(), shown, text);
});

Deno.test("texts that are not prefixes", () => {
  for (
    const text of [
      "",
      "/",
      "10.0.0.0",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0/8",
      "010.0.0.0/8",
      "0x0a.0.0.0/8",
      "10.0.0.0/-1",
      "10.0.0.0/8/8",
      "10.0.0.0/255.0.0.0",
      "::/129",
      "::/ 1",
      "::/1e1",
      "fe80::1%eth0/64",
      "name/8",
    ]
  ) {
    assertEquals(Prefix.tryParse(text), null, text);
    assertThrows(() => Prefix.parse(text), TypeError, JSON.stringify(text));
  }
  for (const length of [-1, 33, 1.5, NaN]) assertThrows(() => Prefix.of(ip("10.0.0.0"), length), RangeError);
});

Deno.test("a prefix holds its first and last address and none beside them", () => {
  const prefix = Prefix.parse("172.16.0.0/12");
  for (const inside of ["172.16.0.0", "172.31.255.255", "172.20.1.2"]) assert(prefix.contains(ip(inside)), inside);
  for (const outside of ["172.15.255.255", "172.32.0.0", "::ac10:0"]) assert(!prefix.contains(ip(outside)), outside);
  assert(!Prefix.parse("::/0").contains(ip("1.2.3.4")), "versions are different worlds");
  assert(prefix.containsAt(Uint8Array.of(9, 9, 172, 31, 9, 9), 2));
});

const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Close together, so that sets overlap and addresses hit.
  fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(0, 128, 255)).map(([a, b]) => Uint8Array.of(10, 0, a, b)),
).map((bytes) => IpAddress.of(bytes));

const prefix = fc.tuple(address, fc.nat(128)).map(([address, length]) =>
  Prefix.of(address, length % (address.bytes.length * 8 + 1))
);

Deno.test("a prefix is read as it is shown", () => {
  fc.assert(fc.property(prefix, (prefix) => {
    assertEquals(Prefix.parse(prefix.toString()), prefix);
  }));
});

Deno.test("containment is agreement in the first bits", () => {
  const bits = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  fc.assert(fc.property(prefix, address, (prefix, address) => {
    const agree = prefix.version === address.version &&
      bits(prefix.bytes).slice(0, prefix.length) === bits(address.bytes).slice(0, prefix.length);
    assertEquals(prefix.contains(address), agree);
  }));
});

Deno.test("a set contains the addresses of all its prefixes", () => {
  fc.assert(fc.property(fc.array(prefix), fc.array(address), (prefixes, addresses) => {
    const set = new PrefixSet(prefixes);
    for (const address of [...addresses, ...prefixes.map((prefix) => IpAddress.of(prefix.bytes))]) {
      assertEquals(set.contains(address), prefixes.some((prefix) => prefix.contains(address)), String(address));
    }
  }));
});

Deno.test("the empty set holds nothing", () => {
  const set = new PrefixSet([]);
  assert(!set.contains(ip("0.0.0.0")) && !set.contains(ip("::")));
});
