/**
 * The options of slirp4netns' command line, one row each. Help is made from these rows.
 *
 * @module
 */
import { type GetoptRow, optionHelp } from "../getopt_long.ts";

/** An option. */
interface OptionRow extends GetoptRow {
  /** The line in help; not given: an older name, which help leaves out. */
  readonly help?: string;
}

/** The options, in the order of help. */
export const SLIRP4NETNS_OPTIONS = [
  { name: "configure", short: "c", help: "bring the interface up, with its address, route and MTU" },
  { name: "exit-fd", short: "e", argument: "FD", help: "exit when the other end of this file descriptor closes" },
  { name: "ready-fd", short: "r", argument: "FD", help: "file descriptor to write a byte to when traffic flows" },
  { name: "mtu", short: "m", argument: "MTU", help: "MTU (default=1500, max=65521)" },
  { name: "enable-ipv6", short: "6", help: "IPv6 for the guest, by router advertisements" },
  { name: "api-socket", short: "a", argument: "PATH", help: "Unix socket by which forwards are added and removed" },
  { name: "cidr", argument: "CIDR", help: "IPv4 network of the guest (default=10.0.2.0/24)" },
  { name: "disable-host-loopback", help: "keep the guest from the host's 127.0.0.1 and ::1" },
  { name: "no-host-loopback" },
  { name: "netns-type", argument: "TYPE", help: "what the first word is: pid, path, tapfd (default=pid)" },
  { name: "userns-path", argument: "PATH", help: "user namespace to join before the network namespace" },
  { name: "enable-sandbox", help: "give up system calls, files and capabilities once started" },
  { name: "create-sandbox" },
  { name: "enable-seccomp", help: "the same as --enable-sandbox" },
  { name: "outbound-addr", argument: "IPv4", help: "source address, or interface, of the host's IPv4 connections" },
  { name: "outbound-addr6", argument: "IPv6", help: "source address, or interface, of the host's IPv6 connections" },
  { name: "disable-dns", help: "no name server for the guest" },
  { name: "macaddress", argument: "MAC", help: "MAC address of the interface (only with -c)" },
  { name: "target-type", argument: "TYPE", help: "where the guest is: netns, bess (default=netns)" },
  { name: "help", short: "h", help: "print this help, and exit" },
  { name: "version", short: "v", help: "print the version, and exit" },
] as const satisfies readonly OptionRow[];

/** The name of an option. */
export type Slirp4netnsOption = (typeof SLIRP4NETNS_OPTIONS)[number]["name"];

/** The column at which the texts of help start. */
const HELP_COLUMN = 29;

/** The usage. Ends with a newline. */
export function slirp4netnsUsage(): string {
  return [
    "Usage: slirp4netns [OPTION]... PID|PATH|FD [TAPNAME]",
    "User-mode networking for network namespaces: slirpnetstack in place of slirp4netns.",
    "",
    ...optionHelp(SLIRP4NETNS_OPTIONS, HELP_COLUMN - 1),
  ].map((line) => `${line}\n`).join("");
}

/** The lines of the version, which callers show as they are. Ends with a newline. `version`: this program's own. */
export function slirp4netnsVersion(version: string): string {
  // the version whose options and API these are, and that of libslirp's settings, which slirp4netns' tests look at
  return `slirp4netns version 1.3.2\nslirpnetstack: ${version}\nSLIRP_CONFIG_VERSION_MAX: 6\n`;
}
