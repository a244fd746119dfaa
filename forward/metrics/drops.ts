/**
 * Drops by layer and reason, from the counters of the device and the stack.
 *
 * @module
 */
import type { DhcpCounters, IcmpCounters, IpCounters, LinkCounters, UdpCounters } from "../../stack/base/counters.ts";
import type { StackCounters } from "../../stack/stack.ts";
import type { TcpCounters } from "../../stack/tcp/context.ts";
import type { Sample } from "./exposition.ts";
import type { DeviceFigures } from "./source.ts";

/** Counters that count drops, and the reason that each stands for. */
type Reasons<C> = Readonly<Partial<Record<keyof C, string>>>;

const DEVICE: Reasons<DeviceFigures> = { dropsIn: "unreadable", dropsOut: "not_taken" };

const LINK: Reasons<LinkCounters> = {
  malformed: "malformed",
  notForUs: "not_for_us",
  unknownType: "unknown_type",
  arpMalformed: "arp_malformed",
  ndpMalformed: "ndp_malformed",
  neighbourDropped: "no_neighbour",
};

const IP: Reasons<IpCounters> = {
  malformed: "malformed",
  martian: "martian",
  unknownProtocol: "unknown_protocol",
  reassemblyTimeouts: "reassembly_timeout",
  reassemblyEvicted: "reassembly_evicted",
  reassemblyConflicts: "reassembly_conflict",
  fragmentsDropped: "fragment",
  tooLarge: "too_large",
};

const IPV4: Reasons<IpCounters> = { ...IP, badChecksum: "checksum" };
const IPV6: Reasons<IpCounters> = { ...IP, extensions: "extensions" };

const ICMP: Reasons<IcmpCounters> = {
  malformed: "malformed",
  ignored: "unknown_type",
  errorsForbidden: "error_forbidden",
  errorsLimited: "error_rate_limit",
};

const UDP: Reasons<UdpCounters> = { malformed: "malformed", badChecksum: "checksum", tooLarge: "too_large" };

const DHCP: Reasons<DhcpCounters> = { malformed: "malformed" };

const TCP: Reasons<TcpCounters> = { malformed: "malformed", badChecksum: "checksum", overflows: "overflow" };

/** One sample for each layer and reason. */
export function dropSamples(device: DeviceFigures, counters: StackCounters): readonly Sample[] {
  return [
    ...samples("device", device, DEVICE),
    ...samples("link", counters.link, LINK),
    ...samples("ipv4", counters.ipv4, IPV4),
    ...samples("ipv6", counters.ipv6, IPV6),
    ...samples("icmp", counters.icmp, ICMP),
    ...samples("udp", counters.udp, UDP),
    ...samples("dhcp", counters.dhcp, DHCP),
    ...samples("tcp", counters.tcp, TCP),
  ];
}

function samples<K extends string>(
  layer: string,
  counters: Readonly<Record<K, number>>,
  reasons: Readonly<Partial<Record<K, string>>>,
): Sample[] {
  const found: Sample[] = [];
  for (const key in reasons) {
    const reason = reasons[key];
    if (reason !== undefined) found.push([{ layer, reason }, counters[key]]);
  }
  return found;
}
