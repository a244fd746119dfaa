import { RealAddresses } from "../../../../forward/policy/names/real_addresses.ts";
import { IpAddress } from "../../../../stack/base/address.ts";
import { assertEquals } from "../../../assert.ts";

const ADDRESS = IpAddress.parse("192.0.2.1"), SIX = IpAddress.parse("2001:db8::1");
const MINUTE = 60_000;

function names(table: RealAddresses, address: IpAddress, now: number): readonly string[] {
  return table.namesAt(address.bytes, 0, address.version, now);
}

Deno.test("an address stands for a name for the time of the answer, at least a minute, and five minutes more", () => {
  const table = new RealAddresses(10);
  table.note("short.example", [ADDRESS, SIX], 1_000, 0);
  table.note("long.example", [ADDRESS], 10 * MINUTE, 0);
  assertEquals(names(table, ADDRESS, 6 * MINUTE - 1), ["short.example", "long.example"], "both");
  assertEquals(names(table, SIX, 6 * MINUTE - 1), ["short.example"], "IPv6");
  assertEquals(names(table, ADDRESS, 6 * MINUTE), ["long.example"], "a minute and five");
  assertEquals(names(table, ADDRESS, 15 * MINUTE - 1), ["long.example"], "before ten minutes and five");
  assertEquals(names(table, ADDRESS, 15 * MINUTE), [], "after it");
});

Deno.test("an answer again makes it last longer", () => {
  const table = new RealAddresses(10);
  table.note("a.example", [ADDRESS], 0, 0);
  table.note("a.example", [ADDRESS], 0, 5 * MINUTE);
  assertEquals(names(table, ADDRESS, 11 * MINUTE - 1), ["a.example"]);
  assertEquals(table.usage, { current: 1, limit: 10, overflows: 0 });
});

Deno.test("rotating addresses stay for those who keep them", () => {
  const table = new RealAddresses(10);
  const other = IpAddress.parse("192.0.2.2");
  table.note("a.example", [ADDRESS], 0, 0);
  table.note("a.example", [other], 0, MINUTE);
  assertEquals(names(table, ADDRESS, 2 * MINUTE), ["a.example"], "the former one");
  assertEquals(names(table, other, 2 * MINUTE), ["a.example"], "the later one");
  assertEquals(names(table, IpAddress.parse("192.0.2.3"), 0), [], "another");
});

Deno.test("when full, the pair that was answered for longest ago goes", () => {
  const table = new RealAddresses(2);
  table.note("a.example", [ADDRESS], 0, 0);
  table.note("b.example", [ADDRESS], 0, 0);
  table.note("a.example", [ADDRESS], 0, 1);
  table.note("c.example", [ADDRESS], 0, 2);
  assertEquals(names(table, ADDRESS, 3), ["a.example", "c.example"]);
  assertEquals(table.has("b.example"), false, "the one that went");
  assertEquals(table.has("a.example"), true, "the one that was answered for again");
  assertEquals(table.usage, { current: 2, limit: 2, overflows: 1 });
});
