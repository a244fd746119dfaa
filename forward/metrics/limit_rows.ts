/**
 * The limits as rows of metrics, named as their flags are: `-max-half-open` is the resource `half_open`.
 *
 * @module
 */
import { LIMITS, type Limits } from "../limits.ts";
import type { SlirpUsage } from "../slirp.ts";
import type { LimitFigures } from "./source.ts";

/** A row for each limit, with what is in use. */
export function limitRows(usage: SlirpUsage): readonly LimitFigures[] {
  const row = (resource: string, of: keyof SlirpUsage): LimitFigures => ({ resource, ...usage[of] });
  const fragments = resourceOf("fragmentedDatagrams");
  return [
    row(resourceOf("tcpConnections"), "tcpConnections"),
    row(resourceOf("halfOpen"), "halfOpen"),
    row(resourceOf("dials"), "dials"),
    row(resourceOf("udpAssociations"), "udpAssociations"),
    row("udp_clients", "udpClients"),
    row(`${fragments}_ipv4`, "fragmentedDatagrams4"),
    row(`${fragments}_ipv6`, "fragmentedDatagrams6"),
    row(resourceOf("outOfOrderBytes"), "outOfOrderBytes"),
    row(resourceOf("bufferedBytes"), "bufferedBytes"),
    row(resourceOf("icmpErrors"), "icmpErrors"),
    row(resourceOf("neighbourPackets"), "neighbourPackets"),
    row(resourceOf("dnsQuestions"), "dnsQuestions"),
    row(resourceOf("pings"), "pings"),
    row(resourceOf("pingIdentifiers"), "pingIdentifiers"),
  ];
}

function resourceOf(name: keyof Limits): string {
  return LIMITS[name].flag.replace(/^max-/, "").replaceAll("-", "_");
}
