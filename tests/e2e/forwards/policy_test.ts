/** The policy: the host's networks, the internet, the static list, and the exceptions. */
import { HOST_LINK, Lab, WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import { both, startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assert, assertEquals } from "../../assert.ts";
import { Bed, e2e, VERSIONS } from "../bed/bed.ts";

/** The host's own addresses, which no guest may reach unless a flag names them: see CLOSED in the policy. */
const STATIC = ["10.0.2.2", "10.0.2.50", "169.254.1.1", "64:ff9b::1"];

/** A host of the IPv4 internet, addressed as behind NAT64. */
const BEHIND_NAT64 = "64:ff9b::198.51.100.7";

const TAP = { mode: "tap", mtu: 1500 } as const;

/** A bed whose host has servers on its own addresses. Each test starts the program with other flags. */
class PolicyBed {
  private made: Promise<Bed> | null = null;

  constructor() {
    Deno.test.afterAll(async () => await (await this.made)?.[Symbol.asyncDispose]());
  }

  async with(...flags: readonly string[]): Promise<Bed> {
    const bed = await (this.made ??= this.make());
    await bed.restart(flags);
    return bed;
  }

  private async make(): Promise<Bed> {
    const bed = await Bed.create(TAP);
    await bed.lab.host.ip(STATIC.map((address) => `address add ${address} dev lo nodad`).join("\n"));
    await bed.lab.addWorldAddress(BEHIND_NAT64);
    await startServers(bed.lab, bed.lab.host, [...both(HOST_LINK), ...STATIC]);
    await startServers(bed.lab, bed.lab.world, [BEHIND_NAT64]);
    return bed;
  }
}

const policy = new PolicyBed();

e2e("by default the internet is open and the host's networks are closed", async () => {
  const bed = await policy.with();
  for (const address of both(WORLD)) await assertOpen(bed, address);
  for (const address of both(WORLD_LINK, HOST_LINK)) await assertClosed(bed, address);
  for (const address of STATIC) await assertClosed(bed, address);
});

e2e("-enable-host opens the host's networks, and the static list stays closed", async () => {
  const bed = await policy.with("-enable-host");
  for (const address of both(WORLD, WORLD_LINK, HOST_LINK)) await assertOpen(bed, address);
  for (const address of STATIC) await assertClosed(bed, address);
});

e2e("no range for IPv6, however wide, opens an IPv4 address that a tunnel or a translator would lead to", async () => {
  const bed = await policy.with(
    "-allow",
    "tcp://[::]/0,udp://[::]/0",
    "-deny",
    "198.51.100.0/24,udp://198.51.100.0/24",
  );
  for (
    const address of [
      ...["2002:7f00:1::1", "64:ff9b::169.254.169.254", "::127.0.0.1", "2001:db8::5efe:192.0.2.1"],
      ...["2001:0:7f00:1::", "64:ff9b::198.51.100.9", "2002:c633:6409::1"],
    ]
  ) await assertClosed(bed, address);
  assertEquals(await connect(bed, WORLD.v6, 7), null);
});

e2e("of an address behind NAT64, the IPv4 address decides", async () => {
  for (const flags of [[], ["-enable-host"], ["-disable-routing", "-allow", "198.51.100.7,udp://198.51.100.7"]]) {
    await assertOpen(await policy.with(...flags), BEHIND_NAT64);
  }
  for (const flags of [["-disable-routing", "-enable-host"], ["-deny", "198.51.100.0/24,udp://198.51.100.0/24"]]) {
    await assertClosed(await policy.with(...flags), BEHIND_NAT64);
  }
  // where the translator has a route of its own, its prefix is one of the host's networks
  const bed = await policy.with();
  const route = `64:ff9b::/96 via ${WORLD_LINK.v6}`;
  await bed.lab.host.ip(`route add ${route}`);
  try {
    await assertOpen(bed, BEHIND_NAT64);
  } finally {
    await bed.lab.host.ip(`route delete ${route}`);
  }
});

e2e("-disable-routing closes only the internet", async () => {
  const bed = await policy.with("-disable-routing", "-enable-host=true");
  for (const address of both(WORLD)) await assertClosed(bed, address);
  for (const address of both(WORLD_LINK)) await assertOpen(bed, address);
});

e2e("-enable-routing=false and -disable-host-networks are the same by other names", async () => {
  const bed = await policy.with("-enable-routing=false", "-enable-host", "-disable-host-networks");
  for (const address of both(WORLD, WORLD_LINK, HOST_LINK)) await assertClosed(bed, address);
});

e2e("-allow opens a range and its ports only, of its network only, even of the static list", async () => {
  const bed = await policy.with(
    "-disable-routing",
    "-allow",
    "tcp://203.0.113.0/24:5-8,tcp://[2001:db8:ffff::1]:7",
    "-allow=udp://192.0.2.0/30:7",
    "-allow",
    "169.254.1.1",
  );
  for (const address of both(WORLD)) {
    assertEquals(await connect(bed, address, 7), null);
    assertEquals(await connect(bed, address, 80), "ECONNREFUSED");
    assert(await datagram(bed, address) !== null);
  }
  assertEquals(await datagram(bed, WORLD_LINK.v4), null);
  assertEquals(await connect(bed, WORLD_LINK.v4, 7), "ECONNREFUSED");
  assertEquals(await connect(bed, "169.254.1.1", 80), null);
});

e2e("-deny precedes everything else, for its range and ports only", async () => {
  const bed = await policy.with(
    "-deny",
    "tcp://203.0.113.1:80,tcp://[2001:db8:ffff::]/64:80",
    "-deny",
    "udp://203.0.113.0/24,udp://[2001:db8:ffff::1]:7",
    "-allow",
    "tcp://203.0.113.1:80",
  );
  for (const version of VERSIONS) {
    assertEquals(await connect(bed, WORLD[version], 7), null);
    assertEquals(await connect(bed, WORLD[version], 80), "ECONNREFUSED");
    assert(await datagram(bed, WORLD[version]) !== null);
  }
});

e2e("a refusal by the policy is reported once for each rule and destination, and not with -quiet", async () => {
  const flags = ["-deny", `${WORLD.v4}:80`];
  const bed = await policy.with(...flags);
  for (let i = 0; i < 3; i++) {
    assertEquals(await connect(bed, WORLD.v4, 80), "ECONNREFUSED");
    for (const address of both(WORLD_LINK)) await assertClosed(bed, address);
  }
  const said = () => bed.program.stderr.filter((line) => line.includes(" refused by the policy: "));
  const host = "it is in the host's own networks, which -enable-host or -allow opens";
  const expected = [
    `[.] tcp://${WORLD.v4}:80 refused by the policy: it is in a range of -deny`,
    ...[`${WORLD_LINK.v4}:7`, `[${WORLD_LINK.v6}]:7`].flatMap((at) =>
      ["tcp", "udp"].map((network) => `[.] ${network}://${at} refused by the policy: ${host}`)
    ),
  ];
  await until("the lines", 10_000, () => said().length >= expected.length);
  assertEquals(said().sort(), expected.sort());
  assertEquals(bed.program.stdout.filter((line) => line.includes("refused by the policy")), [], "stdout");

  await policy.with(...flags, "-quiet");
  assertEquals(await connect(bed, WORLD.v4, 80), "ECONNREFUSED");
  await bed.program.stop();
  assertEquals(said(), []);
});

e2e("the routes of a VPN that takes everything but the default route are not the host's networks", async () => {
  const bed = await policy.with();
  const routes = [
    ...["0.0.0.0/1", "128.0.0.0/1"].map((to) => `${to} via ${WORLD_LINK.v4}`),
    `2000::/3 via ${WORLD_LINK.v6}`,
  ];
  await bed.lab.host.ip(routes.map((route) => `route add ${route}`).join("\n"));
  try {
    await bed.restart([]); // forgets the routes from before
    for (const address of both(WORLD)) await assertOpen(bed, address);
    for (const address of both(WORLD_LINK, HOST_LINK)) await assertClosed(bed, address);
  } finally {
    await bed.lab.host.ip(routes.map((route) => `route delete ${route}`).join("\n"));
  }
});

e2e("on a host without a route, the guest is told at once", async () => {
  const bed = await policy.with();
  await bed.lab.host.ip("route delete 0.0.0.0/0\nroute delete ::/0");
  try {
    for (const address of both(WORLD)) {
      const { error, seconds } = await attempt(bed, address, 7);
      assert(error === "ENETUNREACH" || error === "EHOSTUNREACH", `connect to ${address} says ${error}`);
      assert(seconds < 0.2, `it took ${seconds} s`);
    }
  } finally {
    await Lab.addDefaultRoutes(bed.lab.host);
  }
});

async function assertOpen(bed: Bed, address: string): Promise<void> {
  assertEquals(await connect(bed, address, 7), null, `tcp to ${address}`);
  assertEquals(await datagram(bed, address), null, `udp to ${address}`);
}

/**
 * The errno that Linux makes of an ICMP error "administratively prohibited": icmp_err_convert (net/ipv4/icmp.c) for
 * type 3 code 13, tab_unreach (net/ipv6/icmp.c) for type 1 code 1.
 */
const PROHIBITED = { v4: "EHOSTUNREACH", v6: "EACCES" } as const;

/** Checks that TCP is refused at once and that a datagram is answered by an ICMP error. */
async function assertClosed(bed: Bed, address: string): Promise<void> {
  assertEquals(await connect(bed, address, 7), "ECONNREFUSED", `tcp to ${address}`);
  assertEquals(await datagram(bed, address), PROHIBITED[address.includes(":") ? "v6" : "v4"], `udp to ${address}`);
}

async function connect(bed: Bed, address: string, port: number): Promise<unknown> {
  return (await attempt(bed, address, port)).error;
}

async function attempt(bed: Bed, address: string, port: number): Promise<{ error: unknown; seconds: number }> {
  const report = await bed.client("connect", address, port);
  assert(typeof report === "object" && report !== null && "error" in report && "seconds" in report);
  return { error: report.error, seconds: Number(report.seconds) };
}

async function datagram(bed: Bed, address: string): Promise<unknown> {
  const report = await bed.client("udp", address, 7, 100);
  assert(Array.isArray(report) && report.length === 1);
  return report[0].error;
}
