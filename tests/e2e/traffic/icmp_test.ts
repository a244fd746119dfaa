/** The answer to the guest's pings: by the program, by the real destination, or none. */
import { GATEWAY } from "../../../scripts/lab/device.ts";
import { HOST_LINK, NOWHERE, WORLD, WORLD_LINK } from "../../../scripts/lab/lab.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { Bed, e2e, VERSIONS } from "../bed/bed.ts";
import { escape } from "../bed/reports.ts";

/** An address that the world would forward to, so that a hop limit of 1 ends there. */
const BEYOND = { v4: "198.51.100.200", v6: "2001:db8:beef::1" } as const;

/** A host behind a link of this MTU, two routers away. */
const FAR = { v4: "198.51.100.77", v6: "2001:db8:feed::77" } as const;
const FAR_MTU = 1300;

let made: Promise<Bed> | null = null;
Deno.test.afterAll(async () => await (await made)?.[Symbol.asyncDispose]());

async function bedWith(...flags: readonly string[]): Promise<Bed> {
  const bed = await (made ??= make());
  await bed.restart(flags);
  return bed;
}

async function make(): Promise<Bed> {
  const bed = await Bed.create({ mode: "tap", mtu: 1500 });
  await bed.lab.beyond(FAR, FAR_MTU);
  return bed;
}

/** Runs ping in the guest, and returns its output and status. */
async function ping(bed: Bed, address: string, ...flags: readonly string[]): Promise<{ said: string; code: number }> {
  const { stdout, code } = await bed.guest.run(["ping", "-n", "-c", "1", "-W", "2", ...flags, address]);
  return { said: stdout, code };
}

/** The two kinds of sockets for pings, as the system may permit them. */
const PERMITTED = { "ping sockets": "0 2147483647", "raw sockets": "1 0" } as const;

for (const [kind, groups] of Object.entries(PERMITTED)) {
  e2e(`-icmp auto, by ${kind}: the destination answers, and errors are passed on`, async () => {
    const bed = await bedWith("-icmp", "auto");
    await bed.lab.host.sysctl({ "ipv4/ping_group_range": groups });
    for (const version of VERSIONS) {
      const world = escape(WORLD[version]);
      for (const size of [0, 56, 1400, 4000]) {
        const { said } = await ping(bed, WORLD[version], "-s", String(size), "-p", "a5c3");
        assertMatch(said, new RegExp(`^${size + 8} bytes from ${world}: icmp_seq=1 ttl=64`, "m"));
        assert(!said.includes("wrong data"), said);
      }
      // several, because the world sends one a second only
      const nowhere = await ping(bed, NOWHERE[version], "-c", "3");
      assertMatch(
        nowhere.said,
        new RegExp(`^From ${escape(WORLD_LINK[version])} icmp_seq=\\d .*(unreachable|No route)`, "im"),
      );
      const denied = await ping(bed, HOST_LINK[version]);
      assertMatch(
        denied.said,
        new RegExp(`^From ${escape(GATEWAY[version])} icmp_seq=1 .*(filtered|prohibited)`, "im"),
      );
      assertEquals((await ping(bed, GATEWAY[version])).code, 0);
      await bed.lab.world.ip(`route replace ${BEYOND[version]} via ${HOST_LINK[version]}`);
      const ended = await ping(bed, BEYOND[version], "-t", "1");
      assertMatch(ended.said, new RegExp(`^From ${escape(GATEWAY[version])} icmp_seq=1 Time (to live|exceeded)`, "im"));
      const exceeded = await ping(bed, BEYOND[version], "-t", "2");
      assertMatch(
        exceeded.said,
        new RegExp(`^From ${escape(WORLD_LINK[version])} icmp_seq=1 Time (to live|exceeded)`, "im"),
      );
      const many = await bed.guest.run(["ping", "-n", "-q", "-c", "20", "-i", "0.01", "-w", "10", WORLD[version]]);
      assertMatch(many.stdout, /(?<sent>2\d) packets transmitted, \k<sent> received/); // a late one may be sent on top
    }
  });
}

for (const [kind, groups] of Object.entries(PERMITTED)) {
  e2e(`-icmp auto, by ${kind}: the error about a ping that is too large has the link's MTU`, async () => {
    const bed = await bedWith("-icmp", "auto");
    await bed.lab.host.sysctl({ "ipv4/ping_group_range": groups });
    for (const version of VERSIONS) {
      // what an earlier error has taught the kernels
      for (const where of [bed.lab.host, bed.guest]) {
        for (const family of ["-4", "-6"]) await where.check(["ip", family, "route", "flush", "cache"]);
      }
      const { said } = await ping(bed, FAR[version], "-M", "do", "-s", "1400");
      assertMatch(said, new RegExp(`^From ${escape(WORLD_LINK[version])} icmp_seq=1 .*mtu ?= ?${FAR_MTU}\\b`, "m"));
      assertEquals((await ping(bed, FAR[version], "-M", "do", "-s", "1200")).code, 0, "a ping that fits");
    }
  });
}

e2e("-icmp auto: the router answers pings to its link-local address", async () => {
  const bed = await bedWith("-icmp", "auto");
  assertEquals((await ping(bed, "fe80::7271:aaff:fe4b:29aa%tun0")).code, 0);
});

e2e("-icmp auto without a route: the program says so", async () => {
  const bed = await bedWith("-icmp=auto");
  await bed.lab.host.ip("route delete 0.0.0.0/0\nroute delete ::/0");
  try {
    for (const version of VERSIONS) {
      const { said } = await ping(bed, WORLD[version]);
      assertMatch(said, new RegExp(`^From ${escape(GATEWAY[version])} icmp_seq=1 .*(unreachable|No route)`, "im"));
    }
  } finally {
    await bed.lab.host.ip(`route add default via ${WORLD_LINK.v4}\nroute add default via ${WORLD_LINK.v6}`);
  }
});

e2e("-icmp local: any address answers; -icmp off: none", async () => {
  for (const [mode, code] of [["local", 0], ["off", 1]] as const) {
    const bed = await bedWith("-icmp", mode);
    for (const version of VERSIONS) {
      for (const address of [GATEWAY[version], WORLD[version], NOWHERE[version]]) {
        assertEquals((await ping(bed, address, "-W", "0.3")).code, code, `${mode} ${address}`);
      }
    }
  }
});
