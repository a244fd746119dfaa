/**
 * The programs that are compared: each attaches itself to a guest namespace in the way that its documentation shows.
 *
 * @module
 */
import { makeDevice } from "../lab/device.ts";
import type { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { run } from "../lab/process.ts";
import { startProgram } from "../lab/program.ts";
import { until } from "../lab/until.ts";

/** A program that connects a guest to the host's network. */
export interface Peer {
  readonly name: string;
  /** Its version in a line, or null when it isn't installed. */
  version(): Promise<string | null>;
  /** Runs it in the lab's host for `guest`, whose device gets this MTU; returns when the guest has its network. */
  attach(lab: Lab, guest: Namespace, mtu: number): Promise<void>;
}

/** This project. */
export const OURS: Peer = {
  name: "slirpnetstack",
  version: () => Promise.resolve(`from this folder, on Deno ${Deno.version.deno}`),
  async attach(lab, guest, mtu) {
    await makeDevice(guest, { mode: "tap", mtu });
    lab.adopt(await startProgram(lab.host, guest, ["-quiet"]));
  },
};

/** slirp4netns(1). */
export const SLIRP4NETNS: Peer = {
  name: "slirp4netns",
  version: () => firstLine(["slirp4netns", "--version"]),
  async attach(lab, guest, mtu) {
    const path = ["--netns-type=path", guest.path];
    lab.start(lab.host, ["slirp4netns", "--configure", `--mtu=${mtu}`, "--enable-ipv6", ...path, "tun0"]);
    await ready(guest);
  },
};

/** pasta(1): no ports forwarded, the guest gets the host's addresses. Run as root it would become nobody: stay. */
export const PASTA: Peer = {
  name: "pasta",
  version: () => firstLine(["pasta", "--version"]),
  async attach(lab, guest, mtu) {
    const noForwards = ["-t", "none", "-u", "none", "-T", "none", "-U", "none"];
    lab.start(lab.host, [
      ...["pasta", "--foreground", "--quiet", "--runas", "0", "--config-net", "--mtu", String(mtu)],
      ...noForwards,
      ...["--ns-ifname", "tun0", "--netns", guest.path],
    ]);
    await ready(guest);
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
