/** Several stations behind one tap, which is a port of a bridge. */
import { GATEWAY, GUEST } from "../../../scripts/lab/device.ts";
import { type AddressPair, Lab, WORLD } from "../../../scripts/lab/lab.ts";
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import { startProgram } from "../../../scripts/lab/program.ts";
import { startServers, url } from "../../../scripts/lab/services.ts";
import { assert, assertEquals, assertStringIncludes } from "../../assert.ts";
import { e2e, VERSIONS } from "../bed/bed.ts";

const SECOND: AddressPair = { v4: "10.0.2.101", v6: "fd00::101" };

/** A namespace behind the bridge `br0` of another one. */
async function addStation(lab: Lab, bridge: Namespace, name: string, { v4, v6 }: AddressPair): Promise<Namespace> {
  const station = await lab.guest();
  await bridge.ip(`
    link add ${name} type veth peer name eth0 netns ${station.name}
    link set ${name} master br0 up`);
  await station.ip(`
    link set eth0 up
    address add ${v4}/24 dev eth0
    address add ${v6}/64 dev eth0 nodad
    route add default via ${GATEWAY.v4}
    route add default via ${GATEWAY.v6}`);
  return station;
}

e2e("two stations behind one tap: each gets its own packets, even a quiet one", async () => {
  await using lab = await Lab.create();
  await startServers(lab);
  const bridge = await lab.guest();
  await bridge.ip(`
    link add br0 type bridge forward_delay 0
    link set br0 up
    tuntap add mode tap name tun0
    link set tun0 master br0 up`);
  const first = await addStation(lab, bridge, "port1", GUEST);
  const second = await addStation(lab, bridge, "port2", SECOND);
  await startServers(lab, second, [SECOND.v4, SECOND.v6]);
  const forwards = VERSIONS.flatMap((version, index) => {
    const target = version === "v4" ? SECOND[version] : `[${SECOND[version]}]`;
    return ["-L", `127.0.0.1:${8001 + index}:${target}:80`];
  });
  lab.adopt(await startProgram(lab.host, bridge, forwards));

  // so that the other station is never the last one that was heard
  const talk = lab.start(first, ["ping", "-q", "-i", "0.002", GATEWAY.v4]);
  await first.check(["ping", "-c", "1", "-W", "5", GATEWAY.v4]);
  for (const port of [8001, 8002]) {
    const answer = await lab.host.check(["curl", "-sS", "--max-time", "10", url("127.0.0.1", "/", port)]);
    assertStringIncludes(answer, "Hello, ", `the forward on port ${port} to the quiet station`);
  }
  for (const version of VERSIONS) {
    const blob = ["curl", "-sS", "--max-time", "60", "-o", "/dev/null", "-w", "%{size_download}"];
    const both = await Promise.all(
      [first, second].map((station) => station.check([...blob, url(WORLD[version], "/blob")])),
    );
    assertEquals(both[0], both[1], `bytes of two downloads at once, IP${version}`);
    assert(Number(both[0]) > 1_000_000, `${both[0]} bytes`);
    // and no other station answers for the other one
    await first.ip("neighbour flush dev eth0");
    await first.check(["ping", "-c", "2", "-i", "0.1", "-W", "5", SECOND[version]]);
    const { address: mac } = JSON.parse(await second.check(["ip", "-json", "link", "show", "eth0"]))[0];
    const known = await first.check(["ip", "neighbour", "show", SECOND[version], "dev", "eth0"]);
    assertStringIncludes(known, `lladdr ${mac}`);
  }
  talk.signal("SIGINT");
  await talk.end();
  assertStringIncludes(talk.stdout.join("\n"), " 0% packet loss");
});
