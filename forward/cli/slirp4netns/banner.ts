/**
 * The lines that slirp4netns prints on stdout at its start.
 *
 * @module
 */
import { IpAddress } from "../../../stack/base/address.ts";
import type { Prefix } from "../../addresses/prefix.ts";
import type { Options } from "../flags/options.ts";

/** The text, which ends with a newline. */
export function slirp4netnsBanner(options: Options, network: Prefix): string {
  const { addresses, mtu, apiSocket, sourceIpv4, sourceIpv6, macAddress, hostLoopback, manner: { leases = [] } } =
    options;
  const mask = IpAddress.of([24, 16, 8, 0].map((shift) => (~0 << (32 - network.length)) >>> shift & 0xff));
  const rows: readonly (readonly [name: string, value: unknown])[] = [
    ["MTU", mtu],
    ["Network", network.first],
    ["Netmask", mask],
    ["Gateway", addresses.gateway4],
    ["DNS", addresses.dns4],
    ["DHCP begin", leases.at(0)],
    ["DHCP end", leases.at(-1)],
    ["Recommended IP", addresses.guest4],
    ["API Socket", apiSocket],
    ["Outbound IPv4", sourceIpv4],
    ["Outbound IPv6", sourceIpv6],
    ["MAC address", macAddress === null ? null : formatMac(macAddress)],
  ];
  const lines = rows.filter(([, value]) => value !== null).map(([name, value]) =>
    `* ${`${name}:`.padEnd(16)} ${value}`
  );
  const warning = hostLoopback
    ? [
      `WARNING: the guest reaches the host's 127.0.0.1 at ${addresses.gateway4}, unless --disable-host-loopback is given`,
    ]
    : [];
  return ["Starting slirp", ...lines, ...warning].map((line) => `${line}\n`).join("");
}

function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
