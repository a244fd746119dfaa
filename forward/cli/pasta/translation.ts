/**
 * Translates pasta's command line to this program's options.
 *
 * | pasta | here |
 * | --- | --- |
 * | addresses, gateway and interface name, copied from the host unless given | {@linkcode StackAddresses}, `-interface` |
 * | the device is made if it is missing | `-make-tap`; with `--config-net`, `-configure` |
 * | all that the host reaches | `-enable-routing`, `-enable-host`, and the manner `asHost` |
 * | the gateway is the host's loopback, unless `--no-map-gw`; `--map-host-loopback`, `--map-guest-addr` | the manner `mapped` |
 * | `--dns-forward` | `-dns`, at that address |
 * | `-t`, `-u` | `-L`, one a port and IP version |
 * | `-t auto`, `-u auto` | the manner `follow` |
 * | pings by the destination | `-icmp auto` |
 * | nothing is printed about connections | `-quiet` |
 *
 * A host without a default route has a guest with link-local addresses, 169.254.2.1 and 169.254.2.2.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../../stack/base/address.ts";
import { DEFAULT_ADDRESSES, type StackAddresses } from "../../../stack/base/link_addresses.ts";
import { broadcastOf } from "../../addresses/guest_configuration.ts";
import { WILDCARDS } from "../../addresses/wildcards.ts";
import type { FollowedNetwork } from "../../syntax/followed_network.ts";
import type { LoopbackPair } from "../../host/loopback.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";
import type { ForwardSpec } from "../../syntax/forward_spec.ts";
import type { Manner } from "../flags/manner.ts";
import type { Options } from "../flags/options.ts";
import type { PastaSettings, PerVersion } from "./arguments.ts";
import type { PortSpec } from "./port_spec.ts";

/** How the host reaches the internet over one IP version. */
export interface HostLink {
  /** The name of the interface that the default route goes through. */
  readonly interface: string;
  /** Its address, and the bits of its network's prefix. */
  readonly address: IpAddress;
  readonly prefixLength: number;
  /** The router; null: there is none on the link. */
  readonly gateway: IpAddress | null;
}

/** What a command line is translated with. */
export interface PastaContext {
  /** The options of a command line without flags. */
  readonly defaults: Options;
  /** The host's link, through that interface if it is not null; null: the host has none. */
  readonly hostLink: (version: IpVersion, name: string | null) => HostLink | null;
}

/** The options, or why there are none: a line without its newline. */
export type PastaTranslation =
  | { readonly kind: "options"; readonly options: Options }
  | { readonly kind: "error"; readonly message: string };

/** The addresses of a guest whose host has no default route (RFC 3927), and the name of its interface. */
const LOCAL_LINK: HostLink = {
  interface: "tap0",
  address: IpAddress.parse("169.254.2.1"),
  prefixLength: 16,
  gateway: IpAddress.parse("169.254.2.2"),
};

/** The program's address for a guest that is told no gateway: pasta's own. */
const OWN_ADDRESS = { 4: IpAddress.parse("169.254.2.2"), 6: IpAddress.parse("fe80::1") } as const;

const LOOPBACK = { 4: IpAddress.parse("127.0.0.1"), 6: IpAddress.parse("::1") } as const;

/** Translates a command line whose values are right one by one. `path`: that of the guest's network namespace. */
export function translatePasta(
  settings: PastaSettings,
  path: string,
  { defaults, hostLink }: PastaContext,
): PastaTranslation {
  try {
    const links = readLinks(settings, hostLink);
    const addresses = linkAddresses(settings, links);
    const { dnsForward, outbound } = settings;
    const manner: Manner = {
      ipv6: links[6] !== null,
      fixedIpv4: links[4] !== null,
      fixedIpv6: links[6] !== null,
      brief: false,
      asHost: true,
      refusal: "network",
      keepsLowPorts: true,
      mapped: mappedPairs(settings, links, addresses),
      follow: [...followed("tcp", settings.tcpPorts), ...followed("udp", settings.udpPorts)],
    };
    const options: Options = {
      ...defaults,
      netns: path,
      interface: settings.nsIfname ?? links[4]?.interface ?? links[6]?.interface ?? LOCAL_LINK.interface,
      fd: null,
      bess: null,
      addresses,
      configure: settings.configNet,
      makeTap: true,
      macAddress: settings.macAddress,
      mtu: settings.mtu,
      manner,
      localForwards: [
        ...forwardsOf("tcp", settings.tcpPorts, links, addresses),
        ...forwardsOf("udp", settings.udpPorts, links, addresses),
      ],
      enableRouting: true,
      enableHost: true,
      dns: dnsForward[4] !== null || dnsForward[6] !== null,
      dnsNames: "all",
      dhcp: settings.dhcp && !settings.configNet,
      slaac: false,
      icmp: "auto",
      sourceIpv4: outbound[4],
      sourceIpv6: outbound[6],
      pcap: settings.pcap,
      quiet: true,
    };
    return { kind: "options", options };
  } catch (error) {
    if (error instanceof InvalidValue) return { kind: "error", message: error.message };
    throw error;
  }
}

/** The links as the guest is to have them; null: it does not have that IP version. `host`: the host's own address. */
type GuestLinks = PerVersion<HostLink & { readonly host: IpAddress }>;

function readLinks(settings: PastaSettings, hostLink: PastaContext["hostLink"]): GuestLinks {
  const { ipv4, ipv6, address, gateway } = settings;
  if (!ipv4 && !ipv6) throw new InvalidValue("Options ipv4-only and ipv6-only are mutually exclusive");
  const link = (version: IpVersion, wanted: boolean) => {
    if (!wanted) return null;
    const found = hostLink(version, settings.interface);
    const given = address[version];
    if (found === null && given === null) return null;
    const own = found ?? { ...LOCAL_LINK, gateway: null, prefixLength: version === 4 ? 24 : 64 };
    return {
      interface: own.interface,
      address: given ?? own.address,
      prefixLength: prefixLength(version, settings, own),
      gateway: gateway[version] ?? own.gateway,
      host: own.address,
    };
  };
  const links: GuestLinks = { 4: link(4, ipv4), 6: link(6, ipv6) };
  if (links[4] !== null || links[6] !== null) return links;
  if (settings.interface !== null) throw new InvalidValue(`Interface ${settings.interface} has no address to copy`);
  if (!ipv4) throw new InvalidValue("The host has no default route over IPv6: give --address and --gateway");
  return { 4: { ...LOCAL_LINK, host: LOCAL_LINK.address }, 6: null };
}

/** The bits of the guest's network: those given, the host's, or for another address those of its class (RFC 791). */
function prefixLength(version: IpVersion, { address, netmask }: PastaSettings, own: HostLink): number {
  const given = address[version];
  if (version === 6) return 64;
  if (netmask !== null) return netmask;
  if (given === null || given.equals(own.address)) return own.prefixLength;
  const [first] = given.bytes;
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

function linkAddresses({ dnsForward }: PastaSettings, { 4: four, 6: six }: GuestLinks): StackAddresses {
  const guest4 = four?.address ?? LOCAL_LINK.address, prefix4 = four?.prefixLength ?? LOCAL_LINK.prefixLength;
  const gateway6 = six?.gateway ?? OWN_ADDRESS[6];
  return {
    ...DEFAULT_ADDRESSES,
    gateway4: four?.gateway ?? OWN_ADDRESS[4],
    gateway6,
    linkLocal6: gateway6.bytes[0] === 0xfe ? gateway6 : DEFAULT_ADDRESSES.linkLocal6,
    prefix4,
    broadcast4: broadcastOf(guest4, prefix4),
    guest4,
    guest6: six?.address ?? DEFAULT_ADDRESSES.guest6,
    dns4: dnsForward[4] ?? WILDCARDS[4], // no packet has that destination
    dns6: dnsForward[6] ?? WILDCARDS[6],
  };
}

/** The addresses of the guest's network that stand for the host's loopback, and for the host's own address. */
function mappedPairs(
  { mapHostLoopback, mapGuestAddr, mapGateway }: PastaSettings,
  links: GuestLinks,
  { gateway4, gateway6 }: StackAddresses,
): readonly LoopbackPair[] {
  const pairs: LoopbackPair[] = [];
  for (const version of [4, 6] as const) {
    const link = links[version];
    if (link === null) continue;
    const given = mapHostLoopback === "none" ? null : mapHostLoopback[version];
    const byGateway = mapGateway && mapHostLoopback !== "none" ? (version === 4 ? gateway4 : gateway6) : null;
    const loopback = given ?? byGateway;
    if (loopback !== null) pairs.push({ gateway: loopback, loopback: LOOPBACK[version] });
    const host = mapGuestAddr[version];
    if (host !== null) pairs.push({ gateway: host, loopback: link.host });
  }
  return pairs;
}

/** The networks whose ports are followed: no option is the same as `auto`. */
function followed(network: "tcp" | "udp", specs: readonly PortSpec[]): FollowedNetwork[] {
  if (specs.length === 0) return [{ network, address: null, excludes: () => false }];
  return specs.flatMap((spec) => {
    if (spec.kind !== "auto") return [];
    const excludes = (port: number) => spec.excluded.some(({ first, last }) => port >= first && port <= last);
    return [{ network, address: spec.address, excludes }];
  });
}

/** The forwards of the ports of all options. */
function forwardsOf(
  network: "tcp" | "udp",
  specs: readonly PortSpec[],
  links: GuestLinks,
  { guest4, guest6 }: StackAddresses,
): ForwardSpec[] {
  const forward = (bind: IpAddress, bindPort: number, target: IpAddress, targetPort: number): ForwardSpec => ({
    network,
    oneAnswer: false,
    proxyProtocol: false,
    oneVersion: true,
    bind: { host: { kind: "address", address: bind }, port: bindPort },
    target: { host: { kind: "address", address: target }, port: targetPort },
  });
  const guests = { 4: links[4] === null ? null : guest4, 6: links[6] === null ? null : guest6 };
  return specs.flatMap((spec) => {
    if (spec.kind !== "ports") return [];
    const { address } = spec;
    return spec.pairs.flatMap(({ bind, target }) => {
      if (address !== null) {
        const guest = guests[address.version] ?? guests[4] ?? guests[6] ?? guest4;
        return [forward(address, bind, guest, target)];
      }
      return ([4, 6] as const).flatMap((version) => {
        const guest = guests[version];
        return guest === null ? [] : [forward(WILDCARDS[version], bind, guest, target)];
      });
    });
  });
}
