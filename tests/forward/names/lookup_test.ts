import { chooseService, lookUpEnd, LookupError } from "../../../forward/names/lookup.ts";
import type { Names, ServiceRecord } from "../../../forward/names/names.ts";
import { parseForward } from "../../../forward/syntax/forward_spec.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { FakeNames } from "../bed/fake_host.ts";
import { seededRandom } from "../bed/fakes.ts";

/** Asks for the target of a remote forward. */
async function lookUp(target: string, names: Names): Promise<string> {
  return formatEndpoint(await lookUpEnd(parseForward(`tcp://:1:${target}`, "remote").target, names, () => 0));
}

Deno.test("lookup: an address needs no resolver", async () => {
  const names = new FakeNames({});
  assertEquals(await lookUp("192.0.2.1:80", names), "192.0.2.1:80");
  assertEquals(await lookUp("[2001:db8::1]:80", names), "[2001:db8::1]:80");
  assertEquals(names.asked, []);
});

Deno.test("lookup: a name's first IPv4 address, or its first", async () => {
  const names = new FakeNames({
    addresses: { both: "2001:db8::1 192.0.2.1 192.0.2.2", six: "2001:db8::2 2001:db8::1", mapped: "::ffff:192.0.2.3" },
  });
  assertEquals(await lookUp("both:80", names), "192.0.2.1:80");
  assertEquals(await lookUp("six:80", names), "[2001:db8::2]:80");
  assertEquals(await lookUp("mapped:80", names), "192.0.2.3:80");
  const error = await assertRejects(() => lookUp("none:80", names), LookupError);
  assertEquals(error.message, "lookup none: no such host");
});

Deno.test("lookup: a service record's port, and its host by the server, by the system, or as it stands", async () => {
  const names = new FakeNames({
    services: { "s1": "0 0 8001 here.", "s2": "0 0 8002 there", "s3": "0 0 8003 192.0.2.9", "s4": "0 0 0 here" },
    byServer: { here: "2001:db8::5 192.0.2.5" },
    addresses: { there: "192.0.2.6" },
  });
  assertEquals(await lookUp("s1@srv-53:0", names), "192.0.2.5:8001");
  assertEquals(await lookUp("s2@srv-53:80", names), "192.0.2.6:8002");
  assertEquals(await lookUp("[s3@srv-[::1]:53]:0", names), "192.0.2.9:8003");
  assertEquals(await lookUp("s4@srv-53:80", names), "192.0.2.5:80");
  assertEquals(names.asked, [
    ...["127.0.0.1:53 srv s1", "127.0.0.1:53 host here"],
    ...["127.0.0.1:53 srv s2", "127.0.0.1:53 host there", "system there"],
    "[::1]:53 srv s3",
    ...["127.0.0.1:53 srv s4", "127.0.0.1:53 host here"],
  ]);
});

Deno.test("lookup: no service record, or a host without an address", async () => {
  const names = new FakeNames({ services: { lost: "0 0 1 nowhere", off: "0 0 1 ." } });
  for (const name of ["none", "off"]) {
    const error = await assertRejects(
      () => lookUp(`${name}@srv-192.0.2.53:8600:0`.replace(/^(.*):0$/, "[$1]:0"), names),
      LookupError,
    );
    assertEquals(error.message, `Failed to lookup SRV "${name}" on "192.0.2.53:8600"`);
  }
  const error = await assertRejects(() => lookUp("lost@srv-53:0", names), LookupError);
  assertEquals(error.message, "lookup nowhere: no such host");
});

Deno.test("lookup: of service records the lowest priority counts, then weight", () => {
  const record = (priority: number, weight: number, host: string): ServiceRecord => ({
    priority,
    weight,
    host,
    port: 1,
  });
  const random = seededRandom(7);
  const times = (records: ServiceRecord[]) => {
    const counts: Record<string, number> = {};
    for (let i = 0; i < 1_000; i++) {
      const host = chooseService(records, random)?.host ?? "none";
      counts[host] = (counts[host] ?? 0) + 1;
    }
    return counts;
  };
  assertEquals(times([]), { none: 1_000 });
  assertEquals(times([record(2, 9, "b"), record(1, 0, "a")]), { a: 1_000 });
  const weighted = times([record(1, 1, "a"), record(1, 3, "b"), record(2, 9, "c"), record(1, 0, "d")]);
  assert(Math.abs(weighted.a! - 250) < 50 && weighted.a! + weighted.b! === 1_000, JSON.stringify(weighted));
  const equal = times([record(1, 0, "a"), record(1, 0, "b")]);
  assert(Math.abs(equal.a! - 500) < 60 && equal.a! + equal.b! === 1_000, JSON.stringify(equal));
});
