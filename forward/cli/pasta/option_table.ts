/**
 * The options of pasta's command line that this program has, one row each. Help is made from these rows.
 *
 * @module
 */
import { type GetoptRow, optionHelp } from "../getopt_long.ts";

/** An option. */
interface OptionRow extends GetoptRow {
  readonly help: string;
}

/** The options, in the order of help. */
export const PASTA_OPTIONS = [
  { name: "config-net", help: "give the interface its addresses and routes, and bring it up" },
  { name: "netns", argument: "PATH|NAME", help: "network namespace of the guest" },
  { name: "userns", argument: "PATH", help: "user namespace of the guest (found by itself)" },
  { name: "netns-only", help: "no user namespace is joined (the default)" },
  { name: "no-netns-quit", help: "stay when the path of --netns is removed" },
  { name: "ns-ifname", short: "I", argument: "NAME", help: "interface in the guest (default: as on the host)" },
  { name: "interface", short: "i", argument: "NAME", help: "interface of the host to copy the addresses of" },
  { name: "address", short: "a", argument: "ADDR", help: "address of the guest (default: the host's)" },
  { name: "netmask", short: "n", argument: "MASK", help: "IPv4 network mask of the guest, or its bits" },
  { name: "gateway", short: "g", argument: "ADDR", help: "gateway of the guest (default: the host's)" },
  { name: "ns-mac-addr", argument: "MAC", help: "MAC address of the interface (only with --config-net)" },
  { name: "mtu", short: "m", argument: "MTU", help: "MTU (default: 65520)" },
  { name: "ipv4-only", short: "4", help: "no IPv6" },
  { name: "ipv6-only", short: "6", help: "no IPv4" },
  { name: "dns-forward", argument: "ADDR", help: "address of a name server that answers as the host's does" },
  {
    name: "map-host-loopback",
    argument: "ADDR",
    help: "address of the host's loopback (default: the gateway; or none)",
  },
  { name: "map-guest-addr", argument: "ADDR", help: "address of the host itself (or none)" },
  { name: "map-gw", help: "the gateway is the host's loopback (the default)" },
  { name: "no-map-gw", help: "the gateway is not the host's loopback" },
  {
    name: "tcp-ports",
    short: "t",
    argument: "SPEC",
    help: "TCP ports of the host forwarded to the guest (default: auto)",
  },
  {
    name: "udp-ports",
    short: "u",
    argument: "SPEC",
    help: "UDP ports of the host forwarded to the guest (default: auto)",
  },
  { name: "tcp-ns", short: "T", argument: "SPEC", help: "TCP ports of the guest's loopback: only none" },
  { name: "udp-ns", short: "U", argument: "SPEC", help: "UDP ports of the guest's loopback: only none" },
  { name: "outbound", short: "o", argument: "ADDR", help: "source address of the host's connections" },
  { name: "no-dhcp", help: "DHCP clients are not answered" },
  { name: "pcap", short: "p", argument: "FILE", help: "write the guest's packets to this file" },
  { name: "pid", short: "P", argument: "FILE", help: "write the process id to this file" },
  { name: "foreground", short: "f", help: "do not go on in the background" },
  { name: "quiet", short: "q", help: "no effect: only errors are printed" },
  { name: "stderr", short: "e", help: "no effect: errors are printed on stderr" },
  { name: "help", short: "h", help: "print this help, and exit" },
  { name: "version", help: "print the version, and exit" },
] as const satisfies readonly OptionRow[];

/** The name of an option. */
export type PastaOption = (typeof PASTA_OPTIONS)[number]["name"];

/** The column at which the texts of help start. */
const HELP_COLUMN = 34;

/** The usage. Ends with a newline. */
export function pastaUsage(): string {
  return [
    "Usage: pasta [OPTION]... PID",
    "       pasta [OPTION]... --netns PATH|NAME",
    "User-mode networking for network namespaces: slirpnetstack in place of pasta.",
    "",
    ...optionHelp(PASTA_OPTIONS, HELP_COLUMN - 3).map((line) => `  ${line}`),
    "",
    "SPEC is none, [ADDR/]auto for what listens in the guest, or a list [ADDR/]PORT[-PORT][:PORT[-PORT]],...\nwith ~PORT[-PORT] for ports to leave out.",
  ].map((line) => `${line}\n`).join("");
}

/** The line of the version, which callers show as it is. Ends with a newline. `version`: this program's own. */
export function pastaVersion(version: string): string {
  return `pasta slirpnetstack ${version}\n`;
}
