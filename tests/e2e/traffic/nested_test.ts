/** A container behind a smaller link inside the guest is reached by packets larger than that link. */
import { GATEWAY, makeDevice } from "../../../scripts/lab/device.ts";
import { type AddressPair, Lab, WORLD } from "../../../scripts/lab/lab.ts";
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import { startProgram } from "../../../scripts/lab/program.ts";
import { startServers } from "../../../scripts/lab/services.ts";
import { until } from "../../../scripts/lab/until.ts";
import { assertEquals, assertStringIncludes } from "../../assert.ts";
import { e2e, VERSIONS } from "../bed/bed.ts";

/** The MTUs of the guest's device, which is the program's default, and of a container engine's bridge. */
const GUEST_MTU = 65_520, NESTED_MTU = 1500;
const BRIDGE: AddressPair = { v4: "172.17.0.1", v6: "fd00:17::1" };
const CONTAINER: AddressPair = { v4: "172.17.0.2", v6: "fd00:17::2" };

/** A namespace behind a bridge in the guest, which is its router. */
async function addContainer(lab: Lab, guest: Namespace): Promise<Namespace> {
  const container = await lab.guest();
  await guest.sysctl({ "ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1 });
  await guest.ip(`
    link add br0 mtu ${NESTED_MTU} type bridge forward_delay 0
    link add port mtu ${NESTED_MTU} type veth peer name eth0 mtu ${NESTED_MTU} netns ${container.name}
    link set port master br0 up
    link set br0 up
    address add ${BRIDGE.v4}/24 dev br0
    address add ${BRIDGE.v6}/64 dev br0 nodad`);
  await container.ip(`
    link set eth0 up
    address add ${CONTAINER.v4}/24 dev eth0
    address add ${CONTAINER.v6}/64 dev eth0 nodad
    route add default via ${BRIDGE.v4}
    route add default via ${BRIDGE.v6}`);
  return container;
}

e2e("a container behind a bridge of MTU 1500: large datagrams, large pings and TCP, with the default MTU", async () => {
  await using lab = await Lab.create();
  await startServers(lab);
  const guest = await lab.guest();
  await makeDevice(guest, { mode: "tap", mtu: GUEST_MTU });
  const container = await addContainer(lab, guest);
  lab.adopt(await startProgram(lab.host, guest, []));
  for (const version of VERSIONS) {
    const address = WORLD[version];
    await guest.check(["ping", "-c", "1", "-W", "5", GATEWAY[version]]); // so that its hardware address is known
    // over IPv6 the first answer tells the guest's router that it is too big, and is lost
    await until(`a datagram of 8,000 bytes over IP${version}`, 20_000, async () => {
      return (await udpSizes(container, address, 8000)).every((error) => error === null);
    });
    assertEquals(await udpSizes(container, address, 1473, 4000, 30_000), [null, null, null], `datagrams, IP${version}`);
    const ping = ["ping", "-c", "3", "-i", "0.2", "-W", "5", "-s", "4000", address];
    assertStringIncludes(await container.check(ping), "3 received", `pings, IP${version}`);
    const url = `http://${version === "v4" ? address : `[${address}]`}/blob`;
    const download = ["curl", "-sS", "--max-time", "30", "-o", "/dev/null", "-w", "%{size_download}", url];
    assertEquals(await container.check(download), await guest.check(download), `a download, IP${version}`);
  }
});

/** The errors of exchanges with the world's UDP echo server, one for each size; null: the datagram came back intact. */
async function udpSizes(where: Namespace, address: string, ...sizes: readonly number[]): Promise<(string | null)[]> {
  const path = new URL("../../../scripts/lab/guest.py", import.meta.url).pathname;
  const command = ["python3", "-B", path, "udp", address, "7", ...sizes.map(String)];
  const report = JSON.parse(await where.check(command, { timeout: 60_000 })) as { error: string | null }[];
  return report.map(({ error }) => error);
}
