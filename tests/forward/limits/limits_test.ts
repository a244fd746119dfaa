import {
  DEFAULT_LIMITS,
  limitCounts,
  limitFlag,
  type LimitName,
  type LimitRow,
  LIMITS,
} from "../../../forward/limits/limits.ts";
import { assert, assertEquals } from "../../assert.ts";

const rows = Object.entries<LimitRow>(LIMITS) as [LimitName, LimitRow][];

Deno.test("limits: each default is in its range", () => {
  for (const [name, limit] of rows) {
    assert(limit.least <= limit.default, `${name}: below its least`);
    assert(limit.default <= limit.most, `${name}: above its most`);
    assertEquals(DEFAULT_LIMITS[name], limit.default, name);
  }
});

Deno.test("limits: a name gives the flag, and what is counted with the metrics' label", () => {
  assertEquals(limitFlag("tcpConnections"), "max-tcp-connections");
  assertEquals(limitFlag("pings"), "max-pings");
  assertEquals(limitCounts("halfOpen"), [["halfOpen", "half_open"]]);
  assertEquals(limitCounts("udpAssociations"), [
    ["udpAssociations", "udp_associations"],
    ["udpClients", "udp_clients"],
  ]);
});

Deno.test("limits: no two have the same count or the same label", () => {
  const counts = rows.flatMap(([name]) => limitCounts(name));
  assertEquals(new Set(counts.map(([count]) => count)).size, counts.length, "counts");
  assertEquals(new Set(counts.map(([, resource]) => resource)).size, counts.length, "labels");
});
