import { LookupError } from "../../../forward/names/lookup.ts";
import { Target } from "../../../forward/names/target.ts";
import { parseForward } from "../../../forward/options/forward_spec.ts";
import { NameGuard } from "../../../forward/policy/name_guard.ts";
import { Policy } from "../../../forward/policy/policy.ts";
import { Prefix, PrefixSet } from "../../../forward/policy/prefix.ts";
import { parseRanges } from "../../../forward/policy/range.ts";
import { formatEndpoint } from "../../../stack/address.ts";
import { assertEquals, assertRejects } from "../../assert.ts";
import { FakeNames } from "../fake_host.ts";

/** A forward's target whose name has that address, under these ranges. */
async function target(forward: string, address: string, ranges: { allow?: string; deny?: string } = {}) {
  const read = (text = "") => text === "" ? [] : parseRanges(text, () => Promise.reject(new Error("no names here")));
  const policy = new Policy({
    ...{ allow: await read(ranges.allow), deny: await read(ranges.deny), enableHost: false, enableRouting: true },
    hostNetworks: new PrefixSet([Prefix.parse("192.168.1.0/24")]),
  });
  const guard = new NameGuard(policy, { has: (name) => name === "localhost" });
  const names = new FakeNames({
    addresses: { web: address, localhost: address },
    services: { svc: "0 0 80 web" },
  });
  const { network, target } = parseForward(forward, "remote");
  const options = { names, ttl: 1_000, now: () => 0, random: () => 0 };
  return {
    names,
    target: new Target(target, { ...options, check: (answer) => guard.check(network, target.host, answer) }),
  };
}

async function outcome(...args: Parameters<typeof target>): Promise<string> {
  const { target: asked } = await target(...args);
  try {
    return formatEndpoint(await asked.ask());
  } catch (error) {
    if (!(error instanceof LookupError)) throw error;
    assertEquals(asked.known(), null);
    return error.message;
  }
}

Deno.test("a stranger's name leads to nothing that is never routed", async () => {
  for (const address of ["127.0.0.1", "169.254.169.254", "0.0.0.0", "10.0.2.2", "::1", "fe80::1", "2002:7f00:1::1"]) {
    const shown = address.includes(":") ? `[${address}]` : address;
    assertEquals(
      await outcome("1:web:80", address),
      `lookup web: ${address} is never routed; -allow tcp://${shown}:80 would let it`,
    );
  }
  assertEquals(
    await outcome("1:web:80", "::ffff:127.0.0.1"),
    "lookup web: 127.0.0.1 is never routed; -allow tcp://127.0.0.1:80 would let it",
  );
});

Deno.test("where else it may lead", async () => {
  assertEquals(await outcome("1:web:80", "192.0.2.1"), "192.0.2.1:80");
  assertEquals(await outcome("1:web:80", "192.168.1.7"), "192.168.1.7:80"); // what such forwards are for
  assertEquals(await outcome("1:localhost:80", "127.0.0.1"), "127.0.0.1:80");
  assertEquals(await outcome("1:svc@srv-53:80", "127.0.0.1"), "127.0.0.1:80");
  assertEquals(
    await outcome("1:svc@srv-53:80", "169.254.169.254"),
    "lookup svc: 169.254.169.254 is never routed; -allow tcp://169.254.169.254:80 would let it",
  );
});

Deno.test("ranges: deny closes, allow opens, for the network and port only", async () => {
  const deny = "192.0.2.0/24:80,udp://192.0.2.0/24";
  assertEquals(await outcome("1:web:80", "192.0.2.1", { deny }), "lookup web: 192.0.2.1 is denied by -deny");
  assertEquals(await outcome("1:web:81", "192.0.2.1", { deny }), "192.0.2.1:81");
  assertEquals(await outcome("udp://1:web:81", "192.0.2.1", { deny }), "lookup web: 192.0.2.1 is denied by -deny");
  assertEquals(await outcome("1:192.0.2.1:80", "", { deny }), "192.0.2.1:80"); // whoever writes the address means it
  const allow = "127.0.0.1:80";
  assertEquals(await outcome("1:web:80", "127.0.0.1", { allow }), "127.0.0.1:80");
  assertEquals((await outcome("1:web:81", "127.0.0.1", { allow })).includes("never routed"), true);
});

Deno.test("a name that is rebound after the first answer", async () => {
  const { names, target: rebound } = await target("1:web:80", "192.0.2.1");
  assertEquals(formatEndpoint(await rebound.ask()), "192.0.2.1:80");
  names.answers.addresses.web = "127.0.0.1";
  await assertRejects(() => rebound.ask(), LookupError, "lookup web: 127.0.0.1 is never routed");
});
