import { assert, assertEquals } from "../../assert.ts";
import { type Endpoint, IpAddress, type IpVersion } from "../../../stack/base/address.ts";
import { type FlowEntry, FlowTable } from "../../../stack/base/flow_table.ts";
import { concat } from "../../../scripts/lab/packets.ts";
import { seeded } from "../tcp/bed/simulation.ts";

class Entry implements FlowEntry {
  hash = 0;
  next: FlowEntry | null = null;
  constructor(readonly guest: Endpoint, readonly local: Endpoint) {}
}

function entry(guest: string, guestPort: number, local: string, localPort: number): Entry {
  return new Entry({ address: IpAddress.parse(guest), port: guestPort }, {
    address: IpAddress.parse(local),
    port: localPort,
  });
}

/** Looks up an entry's endpoints as in a packet, at offset 3 of a buffer. */
function find(
  table: FlowTable<Entry>,
  { guest, local }: Entry,
  version: IpVersion = guest.address.version,
): Entry | null {
  const bytes = concat([1, 2, 3], guest.address.bytes, local.address.bytes);
  return table.find(bytes, version, 3, guest.port, 3 + guest.address.bytes.length, local.port);
}

/** Puts all entries into one chain, as colliding hashes would. */
class OneChain extends FlowTable<Entry> {
  constructor() {
    super(0, 0);
    Object.defineProperty(this, "hash", { value: () => 7 });
  }
}

for (
  const [kind, make] of [["hashed", () => new FlowTable<Entry>(1, 2)], ["in one chain", () => new OneChain()]] as const
) {
  Deno.test(`entries of both versions are found by all four parts, ${kind}`, () => {
    const table = make();
    const entries = [
      entry("10.0.2.100", 1000, "192.0.2.1", 80),
      entry("10.0.2.100", 1001, "192.0.2.1", 80),
      entry("10.0.2.100", 1000, "192.0.2.1", 81),
      entry("10.0.2.101", 1000, "192.0.2.1", 80),
      entry("10.0.2.100", 1000, "192.0.2.2", 80),
      entry("fd00::100", 1000, "2001:db8::1", 80),
      entry("fd00::100", 1000, "2001:db8::2", 80),
      entry("fd00::101", 1000, "2001:db8::1", 80),
    ];
    for (const each of entries) table.add(each);
    assertEquals(table.size, entries.length);
    for (const each of entries) {
      assert(find(table, each) === each);
      assert(table.get(each.guest, each.local) === each);
      assert(find(table, each) === each); // and again, as the entry found last
    }
    assertEquals(find(table, entry("10.0.2.100", 80, "192.0.2.1", 1000)), null);
    assertEquals(find(table, entry("192.0.2.1", 1000, "10.0.2.100", 80)), null);
    assertEquals(find(table, entries[5], 4), null);
  });

  Deno.test(`entries are removed first, last and in the middle, and only once, ${kind}`, () => {
    for (const removed of [[0], [1], [2], [0, 1], [1, 0], [2, 1], [0, 2], [2, 0, 1]]) {
      const table = make();
      const entries = [1, 2, 3].map((port) => entry("10.0.2.100", port, "192.0.2.1", 80));
      for (const each of entries) table.add(each);
      for (const index of removed) {
        assert(find(table, entries[index]) === entries[index]);
        table.remove(entries[index]);
        table.remove(entries[index]);
      }
      assertEquals(table.size, 3 - removed.length);
      entries.forEach((each, i) => assert(find(table, each) === (removed.includes(i) ? null : each)));
      assertEquals(new Set(table.values()), new Set(entries.filter((_, i) => !removed.includes(i))));
    }
  });

  Deno.test(`the current entry may be removed while iterating, ${kind}`, () => {
    const table = make();
    for (let port = 1; port <= 50; port++) table.add(entry("10.0.2.100", port, "192.0.2.1", 80));
    let seen = 0;
    for (const each of table.values()) {
      seen++;
      table.remove(each);
    }
    assertEquals(seen, 50, "entries seen");
    assertEquals(table.size, 0, "size");
    assertEquals([...table.values()].length, 0, "entries left");
  });
}

Deno.test("random additions and removals, against a map", () => {
  const random = seeded(5);
  const table = new FlowTable<Entry>(random() | 0, random() | 0);
  const model = new Map<string, Entry>();
  for (let i = 0; i < 20_000; i++) {
    const six = random() % 2 === 0;
    const guest = six ? `fd00::${1 + random() % 4}` : `10.0.2.${random() % 4}`;
    const local = six ? `2001:db8::${random() % 4}` : `192.0.2.${random() % 4}`;
    const candidate = entry(guest, 1 + random() % 4, local, 1 + random() % 4);
    const key = `${guest} ${candidate.guest.port} ${local} ${candidate.local.port}`;
    const known = model.get(key) ?? null;
    assert(find(table, candidate) === known);
    if (known === null) {
      table.add(candidate);
      model.set(key, candidate);
    } else {
      table.remove(known);
      model.delete(key);
    }
    assertEquals(table.size, model.size);
  }
});
