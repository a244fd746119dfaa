import { NeighbourTable } from "../../../stack/link/neighbour_table.ts";
import { assert, assertEquals } from "../../assert.ts";
import { hex, toHex } from "../../../scripts/lab/packets.ts";
import { seeded } from "../tcp/bed/simulation.ts";

const [ONE, TWO] = [hex("020000000001"), hex("020000000002")];

Deno.test("NeighbourTable: addresses of both versions at any offset, and what counts as a change", () => {
  const table = new NeighbourTable(4, 1, 2);
  const four = hex("ff 0a000264"), six = hex("ffff fd000000000000000000000000000100");
  assert(table.learn(four, 1, 4, ONE, 0), "a new address");
  assert(!table.learn(four, 1, 4, ONE, 0), "the same again");
  assert(table.learn(six, 2, 6, ONE, 0), "an entry of the other version");
  assertEquals(table.find(hex("0a000265"), 0, 4), null);
  assertEquals(table.find(hex("0a000264 00000000 00000000 00000000"), 0, 6), null, "the version counts");
  assert(table.learn(hex("0a000264"), 0, 4, hex("00 020000000002"), 1), "another hardware address");
  assertEquals(toHex(table.find(four, 1, 4)!.mac), "020000000002");
  assertEquals(table.size, 2);
});

Deno.test("NeighbourTable: random operations, against a list", () => {
  const random = seeded(11);
  const table = new NeighbourTable(16, 0, 0);
  /** The least recently used first. */
  const list: { name: number; mac: string }[] = [];
  const take = (name: number) => {
    const index = list.findIndex((each) => each.name === name);
    return index < 0 ? null : list.splice(index, 1)[0];
  };
  for (let i = 0; i < 20_000; i++) {
    const name = random() % 40, version = name % 2 === 0 ? 4 : 6;
    const address = new Uint8Array(16);
    address.set(version === 4 ? [10, 0, 2, name] : [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, name]);
    const known = take(name);
    const kind = random() % 4;
    if (kind === 0) {
      const entry = table.find(address, 0, version);
      assertEquals(entry && toHex(entry.mac), known && known.mac);
      if (entry !== null) table.remove(entry);
    } else if (kind === 1) {
      const entry = table.find(address, 0, version);
      assertEquals(entry && toHex(entry.mac), known && known.mac);
      if (known !== null) list.push(known);
    } else {
      const mac = random() % 2 === 0 ? ONE : TWO;
      assertEquals(table.learn(address, 0, version, mac, 0), known?.mac !== toHex(mac));
      if (known === null && list.length === 16) list.shift();
      list.push({ name, mac: toHex(mac) });
    }
    assertEquals(table.size, list.length);
  }
  assert(table.evicted > 100, `${table.evicted} evictions`);
});
