/**
 * Settings of the kernel's TCP that would let one program's measurements affect the next one's, or let the machine's
 * default decide. Each network namespace of the benchmark has its own.
 *
 * @module
 */
import type { Namespace } from "../../lab/namespace.ts";

/** The settings, by paths below /proc/sys/net. */
export const SETTINGS: Readonly<Record<string, number>> = {
  // A call leaves a socket in TIME-WAIT for a minute on the side that closes first, and connect(2) searches past those
  // for a free port: thousands of them from one program would slow down the next one's calls.
  "ipv4/tcp_max_tw_buckets": 64,
  // Otherwise a connection inherits the slow start threshold and round trip time of the last one to that address.
  "ipv4/tcp_no_metrics_save": 1,
};

/** The kernel's own default, and what most machines have. */
const CONGESTION_CONTROL = "cubic";

/** Applies the settings. Must be called before there are sockets. */
export async function applySettings(namespace: Namespace): Promise<void> {
  await namespace.sysctl(SETTINGS);
  await namespace.sysctl({ "ipv4/tcp_congestion_control": CONGESTION_CONTROL }).catch(() => {}); // see below
}

/**
 * Makes the kernel use cubic in these namespaces from now on. Resolves with the congestion control in use.
 *
 * A new namespace has the machine's default, and may have another only where the machine's
 * `tcp_allowed_congestion_control` names it. Elsewhere, each route carries the setting (ip-route(8), `congctl`), so
 * this must be called again when there are new routes.
 */
export async function useCubic(namespaces: readonly Namespace[]): Promise<string> {
  const used = new Set<string>();
  for (const namespace of namespaces) {
    const own = (await namespace.check(["cat", "/proc/sys/net/ipv4/tcp_congestion_control"])).trim();
    used.add(own === CONGESTION_CONTROL || await routesUseCubic(namespace) ? CONGESTION_CONTROL : own);
  }
  return [...used].join(" and ");
}

/** Returns false when a route can't carry it. */
async function routesUseCubic(namespace: Namespace): Promise<boolean> {
  for (const version of ["-4", "-6"]) {
    const routes = (await namespace.check(["ip", version, "route", "show"])).split("\n").map((line) => line.trim());
    for (const route of routes.filter((route) => route !== "" && !/ congctl |^fe80:|^ff00:/.test(route))) {
      const words = route.replace(/ (expires \S+|linkdown|pref \S+)/g, "").split(" ");
      const changed = await namespace.run(["ip", version, "route", "replace", ...words, "congctl", CONGESTION_CONTROL]);
      if (changed.code !== 0) return false;
    }
  }
  return true;
}

/** Describes the congestion control of a bed, and the machine's own where it differs. */
export function describeCongestionControl(bed: string, machine: string): string {
  return bed === machine ? `congestion control ${bed}` : `congestion control ${bed} (the machine's own is ${machine})`;
}

/** The processors' frequency governor; null where the system does not report one, as in most virtual machines. */
export async function frequencyGovernor(): Promise<string | null> {
  try {
    return (await Deno.readTextFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
