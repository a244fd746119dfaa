/**
 * The programs that are compared: each attaches itself to a guest namespace in the way that its documentation shows.
 *
 * @module
 */
import { makeDevice } from "../lab/device.ts";
import { HOST_LINK, type Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { type Process, run } from "../lab/process.ts";
import { startProgram } from "../lab/program.ts";
import { until } from "../lab/until.ts";

/** A guest that a peer is to serve. */
export interface Place {
  readonly guest: Namespace;
  /** The MTU of its device. */
  readonly mtu: number;
  /** No other guest of the lab has it; under 256. */
  readonly number: number;
}

/** A program that connects a guest to the host's network. */
export interface Peer {
  readonly name: string;
  /** Its version in a line, or null when it isn't installed. */
  version(): Promise<string | null>;
  /** Runs it in the lab's host; returns when the guest has its network. Null: there is no process. */
  attach(lab: Lab, place: Place): Promise<Process | null>;
}

/** This project. */
export const OURS: Peer = {
  name: "slirpnetstack",
  version: () => {
    const executable = Deno.env.get("SLIRPNETSTACK_BIN");
    return Promise.resolve(executable ? `the executable ${executable}` : `from source, on Deno ${Deno.version.deno}`);
  },
  async attach(lab, { guest, mtu }) {
    await makeDevice(guest, { mode: "tap", mtu });
    return lab.adopt(await startProgram(lab.host, guest, ["-quiet"]));
  },
};

/** slirp4netns(1). */
export const SLIRP4NETNS: Peer = {
  name: "slirp4netns",
  version: () => firstLine(["slirp4netns", "--version"]),
  async attach(lab, { guest, mtu }) {
    const path = ["--netns-type=path", guest.path];
    const process = lab.start(lab.host, [
      ...["slirp4netns", "--configure", `--mtu=${mtu}`, "--enable-ipv6", ...path, "tun0"],
    ]);
    await ready(guest);
    return process;
  },
};

/** pasta(1): no ports forwarded, the guest gets the host's addresses. Run as root it would become nobody: stay. */
export const PASTA: Peer = {
  name: "pasta",
  version: () => firstLine(["pasta", "--version"]),
  async attach(lab, { guest, mtu }) {
    const noForwards = ["-t", "none", "-u", "none", "-T", "none", "-U", "none"];
    const process = lab.start(lab.host, [
      ...["pasta", "--foreground", "--quiet", "--runas", "0", "--config-net", "--mtu", String(mtu)],
      ...noForwards,
      ...["--ns-ifname", "tun0", "--netns", guest.path],
    ]);
    await ready(guest);
    return process;
  },
};

/** No slirp at all: the kernel routes between two veths. It is the limit, and takes privileges. */
export const KERNEL: Peer = {
  name: "kernel",
  version: () => Promise.resolve(`no slirp: veth, routed by Linux ${Deno.osRelease()}`),
  async attach({ host, world }, { guest, mtu, number }) {
    const [net4, net6] = [`198.18.${number}`, `fd18:0:0:${number}:`];
    await host.sysctl({ "ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1 });
    await host.ip(`
      link add to-guest${number} mtu ${mtu} type veth peer name tun0 mtu ${mtu} netns ${guest.name}
      address add ${net4}.1/24 dev to-guest${number}
      address add ${net6}:1/64 dev to-guest${number} nodad
      link set to-guest${number} up`);
    await guest.ip(`
      address add ${net4}.2/24 dev tun0
      address add ${net6}:2/64 dev tun0 nodad
      link set tun0 up
      route add default via ${net4}.1
      route add default via ${net6}:1`);
    await world.ip(`
      route add ${net4}.0/24 via ${HOST_LINK.v4}
      route add ${net6}:/64 via ${HOST_LINK.v6}`);
    await until("the guest's link", 5_000, () => guest.hasCarrier("tun0"));
    return null;
  },
};

/** The device is there and up, and the guest has a default route. */
async function ready(guest: Namespace): Promise<void> {
  await until("a default route in the guest", 10_000, async () => {
    const routes = await run(["ip", "-n", guest.name, "route", "show", "default"]);
    return routes.stdout.includes("dev tun0") && await guest.hasCarrier("tun0");
  });
}

async function firstLine(command: readonly string[]): Promise<string | null> {
  try {
    return (await run(command)).stdout.split("\n")[0]!;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
