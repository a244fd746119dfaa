/** Lost datagrams: the guest gets the ICMP error of the host or router that dropped one, about that one only. */
import { GATEWAY } from "../../../scripts/lab/device.ts";
import { HOST_LINK, LINK_MTU, WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import { startServers } from "../../../scripts/lab/services.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { Bed, e2e, e2eWith, VERSIONS } from "../bed/bed.ts";

/** A host two routers away, and the MTU of the last link. */
const FAR = { v4: "198.51.100.77", v6: "2001:db8:beef::77" } as const;
const FAR_MTU = 1300;
/** A link of the host's for which a datagram of the guest's is too large. */
const SMALL_MTU = 1400;

/** ICMP's types and codes, and the sizes of IP's and UDP's headers, by version. */
const ICMP = {
  v4: { port: { type: 3, code: 3 }, tooBig: { type: 3, code: 4 }, headers: 28 },
  v6: { port: { type: 1, code: 4 }, tooBig: { type: 2, code: 0 }, headers: 48 },
} as const;

/** Echoes datagrams; see world.py. */
const ECHO = 7;
const CLOSED = 9;

let made: Promise<{ bed: Bed; far: Namespace }> | null = null;
Deno.test.afterAll(async () => await (await made)?.bed[Symbol.asyncDispose]());

async function make(): Promise<{ bed: Bed; far: Namespace }> {
  const bed = await Bed.create({ mode: "tap", mtu: 1500 });
  return { bed, far: await bed.lab.beyond(FAR, FAR_MTU) };
}

/** The bed, with the program running with these flags. */
async function bedWith(...flags: readonly string[]): Promise<{ bed: Bed; far: Namespace }> {
  const all = await (made ??= make());
  await all.bed.restart(flags);
  return all;
}

const SCRIPT = new URL("../../../scripts/lab/udp_errors.py", import.meta.url).pathname;

/** The outcomes of the guest's datagrams from that port; see udp_errors.py. */
async function send(bed: Bed, port: number, address: string, ...datagrams: readonly string[]): Promise<unknown[]> {
  const said = await bed.guest.run(["python3", "-B", SCRIPT, String(port), address, ...datagrams], { timeout: 60_000 });
  assertEquals(said.stderr, "");
  return JSON.parse(said.stdout);
}

e2e("a closed port is reported at once, and no other port of that address", async () => {
  const { bed } = await bedWith();
  for (const version of VERSIONS) {
    const address = WORLD[version];
    const refused = (size: number) => ({
      error: "ECONNREFUSED",
      ...ICMP[version].port,
      info: 0,
      from: address,
      port: CLOSED,
      size,
    });
    const seen = await send(bed, 4001, address, `${CLOSED}:100`, `${ECHO}:50`, `${CLOSED}:0`, `${ECHO}:1400`);
    assertEquals(seen, [refused(100), { answer: 50 }, refused(0), { answer: 1400 }]);
  }
});

e2e("a service that is back is not refused any more", async () => {
  const { bed, far } = await bedWith();
  for (const version of VERSIONS) {
    const [first] = await send(bed, 4002, FAR[version], `${ECHO}:10`);
    assert(JSON.stringify(first).includes("ECONNREFUSED"), JSON.stringify(first));
    const servers = await startServers(bed.lab, far, [FAR[version]]);
    assertEquals(await send(bed, 4002, FAR[version], `${ECHO}:10`), [{ answer: 10 }]);
    await servers.process.stop();
  }
});

e2eWith("dig", "dig is told at once that no name server is there", async () => {
  const { bed } = await bedWith();
  for (const version of VERSIONS) {
    const command = ["dig", `@${WORLD[version]}`, "-p", String(CLOSED), "+tries=1", "+time=20", "name.example"];
    const { stdout, milliseconds } = await bed.guest.run(command);
    assertMatch(stdout, /connection refused/);
    assert(milliseconds < 10_000, `${milliseconds} ms`);
  }
});

for (const [protocol, flags] of [["UDP", []], ["TCP", ["-T", "-p", "80"]]] as const) {
  e2eWith("traceroute", `traceroute by ${protocol} shows the program, the routers and the destination`, async () => {
    const { bed } = await bedWith();
    for (const version of VERSIONS) {
      const command = ["traceroute", "-n", "-q", "1", "-N", "1", "-w", "5", ...flags, FAR[version]];
      const { stdout } = await bed.guest.run(command);
      const hops = [...stdout.matchAll(/^ *\d+ +(\S+)/gm)].map(([, hop]) => hop);
      assertEquals(hops, [GATEWAY[version], WORLD_LINK[version], FAR[version]], stdout);
    }
  });
}

e2e("a datagram that is too large for a link of the host's is answered with that link's MTU", async () => {
  const { bed } = await bedWith();
  const { host } = bed.lab;
  await host.ip(`link set eth0 mtu ${SMALL_MTU}`);
  try {
    for (const version of VERSIONS) {
      const fits = SMALL_MTU - ICMP[version].headers;
      const [first, second] = await send(bed, 4003, WORLD[version], `${ECHO}:${fits + 1}`, `${ECHO}:${fits}`);
      const { size: _, ...error } = Object(first);
      const from = GATEWAY[version];
      assertEquals(error, { error: "EMSGSIZE", ...ICMP[version].tooBig, info: SMALL_MTU, from, port: ECHO });
      assertEquals(second, { answer: fits });
    }
  } finally {
    await host.ip(`link set eth0 mtu ${LINK_MTU}`);
  }
});

e2e("a datagram that is too large for a link further away is answered by the router before it", async () => {
  const { bed, far } = await bedWith();
  const servers = await startServers(bed.lab, far, [FAR.v4, FAR.v6]);
  for (const version of VERSIONS) {
    const fits = FAR_MTU - ICMP[version].headers;
    const [first, second] = await send(bed, 4004, FAR[version], `${ECHO}:${fits + 1}`, `${ECHO}:${fits}`);
    const { error, info, from } = Object(first);
    assertEquals({ error, info, from }, { error: "EMSGSIZE", info: FAR_MTU, from: WORLD_LINK[version] });
    assertEquals(second, { answer: fits });
  }
  await servers.process.stop();
});

e2e("a remote forward to a closed port: the address that the guest has asked says so", async () => {
  const flags = VERSIONS.flatMap((version) => {
    const [gateway, link] = [GATEWAY[version], HOST_LINK[version]].map((a) => a.includes(":") ? `[${a}]` : a);
    return ["-R", `udp://${gateway}:5000:${link}:${CLOSED}`];
  });
  const { bed } = await bedWith(...flags);
  for (const version of VERSIONS) {
    const { port } = ICMP[version];
    const refused = { error: "ECONNREFUSED", ...port, info: 0, from: GATEWAY[version], port: 5000, size: 30 };
    assertEquals(await send(bed, 4005, GATEWAY[version], "5000:30", "5000:30"), [refused, refused]);
  }
});
