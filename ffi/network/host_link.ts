/**
 * How the host reaches the internet: the interface of its default route, its address there, and the router. As the
 * calling thread's namespace has them.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../stack/base/address.ts";
import { SIOCGIFADDR, SIOCGIFNETMASK } from "../libc/constants/ioctl.ts";
import { readTextFileIfThere } from "../libc/text_file.ts";
import { interfaceIpv4 } from "./interface_address.ts";

/** The default route's interface, and the host's address there. */
export interface HostLink {
  readonly interface: string;
  readonly address: IpAddress;
  /** Bits of the network's prefix. */
  readonly prefixLength: number;
  /** The router; null: the route has none. */
  readonly gateway: IpAddress | null;
}

/** The flags of a route: it is in use, it refuses (linux/route.h, linux/ipv6_route.h). */
const RTF_UP = 1, RTF_REJECT = 0x200;

/** The flags of an address that is not one to copy: temporary, deprecated or tentative (linux/if_addr.h). */
const IFA_UNSUITABLE = 0x01 | 0x20 | 0x40;

/**
 * The link of the default route with the lowest metric.
 *
 * @param name the interface that the route must go through; null: any
 * @returns null if there is no such route, or the interface has no address; with a name, an interface without such a route
 * will do
 */
export function hostLink(version: IpVersion, name: string | null): HostLink | null {
  const routes = (version === 4 ? defaultRoutes4() : defaultRoutes6())
    .filter((route) => name === null || route.interface === name)
    .sort((one, other) => one.metric - other.metric);
  const [route = name === null ? null : { interface: name, gateway: null }] = routes;
  if (route === null) return null;
  const own = version === 4 ? address4(route.interface) : address6(route.interface);
  return own === null ? null : { interface: route.interface, gateway: route.gateway, ...own };
}

interface DefaultRoute {
  readonly interface: string;
  readonly gateway: IpAddress | null;
  readonly metric: number;
}

function rowsOf(file: string): string[][] {
  return readTextFileIfThere(`/proc/thread-self/net/${file}`).split("\n").map((line) => line.trim().split(/\s+/));
}

/** The rows of /proc/net/route: interface, destination, gateway, flags, two counters, metric, mask. */
function defaultRoutes4(): DefaultRoute[] {
  return rowsOf("route").flatMap(([name, destination, gateway, flags, , , metric, mask]) => {
    if (destination !== "00000000" || mask !== "00000000" || (parseInt(flags, 16) & RTF_UP) === 0) return [];
    const bytes = bytesOf(gateway).reverse(); // in the machine's byte order
    return [{ interface: name, gateway: addressOrNull(bytes), metric: Number(metric) }];
  });
}

/** The rows of /proc/net/ipv6_route: destination, its length, source, its length, gateway, metric, two counters, flags, interface. */
function defaultRoutes6(): DefaultRoute[] {
  return rowsOf("ipv6_route").flatMap(([destination, length, , , gateway, metric, , , flags, name]) => {
    if (!/^0{32}$/.test(destination) || length !== "00") return [];
    if ((parseInt(flags, 16) & (RTF_UP | RTF_REJECT)) !== RTF_UP) return [];
    return [{ interface: name, gateway: addressOrNull(bytesOf(gateway)), metric: parseInt(metric, 16) }];
  });
}

function bytesOf(hex: string): number[] {
  return Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

function addressOrNull(bytes: readonly number[]): IpAddress | null {
  return bytes.every((byte) => byte === 0) ? null : IpAddress.of(bytes);
}

type OwnAddress = Pick<HostLink, "address" | "prefixLength">;

function address4(name: string): OwnAddress | null {
  const address = interfaceIpv4(name, SIOCGIFADDR), mask = interfaceIpv4(name, SIOCGIFNETMASK);
  if (address === null) return null;
  const bits = Array.from(mask?.bytes ?? [255, 255, 255, 255], (byte) => byte.toString(2).padStart(8, "0")).join("");
  return { address, prefixLength: bits.lastIndexOf("1") + 1 };
}

/** The rows of /proc/net/if_inet6: address, index, length of the prefix, scope, flags, interface. */
function address6(name: string): OwnAddress | null {
  const global = rowsOf("if_inet6").filter(([, , , scope, , own]) => own === name && scope === "00");
  const found = global.find(([, , , , flags]) => (parseInt(flags, 16) & IFA_UNSUITABLE) === 0) ?? global.at(0);
  if (found === undefined) return null;
  return { address: IpAddress.of(bytesOf(found[0])), prefixLength: parseInt(found[2], 16) };
}
