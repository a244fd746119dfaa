import { LookupError } from "../../../forward/names/lookup.ts";
import { Target } from "../../../forward/names/target.ts";
import { parseForward } from "../../../forward/syntax/forward_spec.ts";
import { NameGuard } from "../../../forward/policy/name_guard.ts";
import { Policy } from "../../../forward/policy/policy.ts";
import { Prefix, PrefixSet } from "../../../forward/addresses/prefix.ts";
import { parseRanges } from "../../../forward/policy/range.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import { assertEquals, assertRejects } from "../../assert.ts";
import { FakeNames } from "../bed/fake_host.ts";

interface Rules {
  readonly allow?: string;
  readonly deny?: string;
  readonly enableHost?: boolean;
  readonly enableRouting?: boolean;
}

const hostNetworks = new PrefixSet(["192.168.1.0/24", "fd11::/64"].map(Prefix.parse));

/** A forward's target whose name has that address, under these ranges. */
async function target(forward: string, address: string, ranges: Rules = {}) {
  const read = (text = "") => text === "" ? [] : parseRanges(text, () => Promise.reject(new Error("no names here")));
  const policy = new Policy({
    ...{ allow: await read(ranges.allow), deny: await read(ranges.deny), hostNetworks },
    ...{ enableHost: ranges.enableHost ?? false, enableRouting: ranges.enableRouting ?? true },
  });
  const guard = new NameGuard(policy, { has: (name) => name === "localhost" }, hostNetworks);
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

Deno.test("a stranger's name must not resolve to a never-routed address", async () => {
  for (
    const address of [
      "127.0.0.1",
      "169.254.169.254",
      "0.0.0.0",
      "10.0.2.2",
      "::1",
      "fe80::1",
      "2002:7f00:1::1",
      "64:ff9b::7f00:1",
    ]
  ) {
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

Deno.test("other addresses that a name may resolve to", async () => {
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
  assertEquals(await outcome("1:192.0.2.1:80", "", { deny }), "192.0.2.1:80"); // an address that is written is meant
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

/** What becomes of a forward whose name leads there, and then elsewhere. */
async function rebound(forward: string, first: string, second: string, rules: Rules = {}): Promise<string> {
  const { names, target: asked } = await target(forward, first, rules);
  assertEquals((await asked.ask()).address.toString(), first);
  names.answers.addresses.web = second;
  try {
    return formatEndpoint(await asked.ask());
  } catch (error) {
    if (!(error instanceof LookupError)) throw error;
    return error.message;
  }
}

Deno.test("a name from outside that is rebound into the host's networks", async () => {
  const refused = (address: string, shown: string) =>
    `lookup web: ${address} is in the host's own networks, and the name has led elsewhere before; ` +
    `-allow tcp://${shown}:80 would let it`;
  const into4 = ["1:web:80", "192.0.2.1", "192.168.1.7"] as const;
  assertEquals(await rebound(...into4), refused("192.168.1.7", "192.168.1.7"));
  assertEquals(await rebound(...into4, { enableRouting: false }), refused("192.168.1.7", "192.168.1.7"));
  assertEquals(await rebound("1:web:80", "2001:db8::1", "fd11::7"), refused("fd11::7", "[fd11::7]"));
  assertEquals(
    await rebound("1:web:80", "192.0.2.1", "2002:c0a8:107::1"),
    refused("2002:c0a8:107::1", "[2002:c0a8:107::1]"),
  );
  for (const rules of [{ allow: "192.168.1.7" }, { enableHost: true }, { enableHost: true, enableRouting: false }]) {
    assertEquals(await rebound(...into4, rules), "192.168.1.7:80");
  }
});

Deno.test("a name that has always led into the host's networks, or that the user's own server gives", async () => {
  assertEquals(await rebound("1:web:80", "192.168.1.7", "192.168.1.8"), "192.168.1.8:80");
  assertEquals(await rebound("1:web:80", "192.168.1.7", "192.0.2.1"), "192.0.2.1:80");
  assertEquals(await rebound("1:svc@srv-53:80", "192.0.2.1", "192.168.1.7"), "192.168.1.7:80");
});
