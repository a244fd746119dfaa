/**
 * The flags of the program, and what they come to.
 *
 * A flag is a line in {@linkcode makeTable}, and a line in {@linkcode Options} and {@linkcode optionsOf} that says what
 * the rest of the program gets to see of it. What help, the manual page and the shells' completions say of it beyond the
 * usage is in help/flags.ts. The flags of the limits are in limit_flags.ts.
 *
 * @module
 */
import type { IpAddress, IpVersion } from "../../stack/address.ts";
import type { Limits } from "../limits.ts";
import { type MetricsAddress, parseMetricsAddress } from "../metrics/address.ts";
import { unmap } from "../policy/mapped.ts";
import { guardedResolver, type OwnNames } from "../policy/name_guard.ts";
import { parseRanges, type Range } from "../policy/range.ts";
import { type ForwardSpec, parseForward } from "./forward_spec.ts";
import {
  booleanFlag,
  choiceFlag,
  durationFlag,
  Flag,
  formatUsage,
  intFlag,
  listFlag,
  parseFlags,
  stringFlag,
  uintFlag,
} from "./go_flags.ts";
import { quote } from "./go_quote.ts";
import { InvalidValue } from "./invalid_value.ts";
import { limitFlags, limitsOf } from "./limit_flags.ts";
import { lookUp, type Resolver } from "./resolver.ts";

/** Who answers the guest's echo requests. */
export type IcmpMode =
  /** The program itself, for any address. */
  | "local"
  /** The real destination if it is allowed; otherwise the guest is told that it is prohibited. */
  | "auto"
  /** Nobody. */
  | "off";

/** All modes. */
export const ICMP_MODES: readonly IcmpMode[] = ["local", "auto", "off"];

/** By which sockets the guest's TCP connections leave. */
export type SocketsKind =
  /** The program's own, by system calls. */
  | "libc"
  /** The runtime's. */
  | "deno";

/** All kinds. */
export const SOCKETS_KINDS: readonly SocketsKind[] = ["libc", "deno"];

/** Who to become: the ids of a user, its group, and its other groups. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** Looks up `USER[:GROUP]`. Throws an Error with the reason why not. */
export type UserLookup = (text: string) => UserIds;

/** What the command line asks for, whether the guest exists or is to be made. */
export interface SharedOptions {
  /** Name of the guest's tun or tap device. */
  readonly interface: string;
  /** The MTU in bytes; 0: the device's own. */
  readonly mtu: number;
  /** Whether the guest's kernel may leave segmentation and checksums to the program, and the program to it. */
  readonly offload: boolean;
  /** Whether the guest may reach what the host has only a default route to. */
  readonly enableRouting: boolean;
  /** Whether the guest may reach the host's own networks. */
  readonly enableHost: boolean;
  readonly allow: readonly Range[];
  readonly deny: readonly Range[];
  readonly icmp: IcmpMode;
  /** Forwards from the host into the guest's network, and the other way round. */
  readonly localForwards: readonly ForwardSpec[];
  readonly remoteForwards: readonly ForwardSpec[];
  /** Whether the program is a name server for the guest (10.0.2.3, fd00::3) that passes on to those of the host. */
  readonly dns: boolean;
  /** Whether DHCP clients of the guest are answered. */
  readonly dhcp: boolean;
  /** Whether the IPv6 prefix is announced, so that the guest takes an address of its own making. */
  readonly slaac: boolean;
  /** How long the address of a name in a forward's target is used, in ms. */
  readonly dnsTtl: number;
  /** Where the host's connections and datagrams come from, by version; null: as the system chooses. */
  readonly sourceIpv4: IpAddress | null;
  readonly sourceIpv6: IpAddress | null;
  /** By which sockets the guest's TCP connections leave, where they have no source address of their own. */
  readonly sockets: SocketsKind;
  /** Path of the file that packets are captured in; null: none. */
  readonly pcap: string | null;
  /** Where the metrics are served; null: nowhere. */
  readonly metrics: MetricsAddress | null;
  /** Who to become when all is open; null: nobody else. */
  readonly user: UserIds | null;
  /** Give up system calls and files that are not needed. */
  readonly sandbox: boolean;
  /** End when the parent process does. */
  readonly exitWithParent: boolean;
  /** Of no effect; null: not given. */
  readonly maxprocs: number | null;
  /** How many there may be of what a guest can make more of. */
  readonly limits: Limits;
  /** No lines about connections on stdout. */
  readonly quiet: boolean;
  /** Whether the program's own addresses, 10.0.2.2 and fd00::2, are the host's loopback to the guest. */
  readonly hostLoopback: boolean;
  /** An inherited descriptor to which a byte is written when traffic flows; null: none. */
  readonly readyFd: number | null;
  /** An inherited descriptor whose end ends the program; null: none. */
  readonly exitFd: number | null;
  /** Print the version and end. */
  readonly version: boolean;
}

/** What a command line asks for that is about a guest that exists. */
export interface Options extends SharedOptions {
  /** Path of the guest's network namespace; null: the current one. */
  readonly netns: string | null;
  /** Whether to make the device where it is missing, and to set it up. */
  readonly configure: boolean;
  /** An inherited Unix socket that carries frames, in the place of a device; null: none. */
  readonly fd: number | null;
}

/** What {@linkcode parseOptions} found. */
export type OptionsOutcome<T = Options> =
  /** `rest`: the arguments behind the flags. */
  | { readonly kind: "options"; readonly options: T; readonly rest: readonly string[] }
  /** The usage was asked for. Ends with a newline. */
  | { readonly kind: "help"; readonly usage: string }
  | OptionsError;

/** What is wrong with a command line. */
export interface OptionsError {
  readonly kind: "error";
  /** One line without its newline; the usage belongs behind it. */
  readonly message: string;
  /** Ends with a newline. */
  readonly usage: string;
  /** The name, without dashes, of a flag that there isn't. */
  readonly unknown?: string;
  /** A word where there can be none. */
  readonly unexpected?: string;
}

/**
 * Reads the command line. Names in ranges are resolved on the way, and users looked up. No word may stand behind the
 * flags.
 *
 * @param args the arguments behind the program's name
 * @param own names that may stand for addresses that are never routed
 */
export async function parseOptions(
  args: readonly string[],
  resolve: Resolver,
  own: OwnNames = NO_NAMES,
  findUser?: UserLookup,
): Promise<OptionsOutcome> {
  const table = makeTable(resolve, own, findUser);
  const outcome = await parseFlags(table, args);
  const usage = () => formatUsage("slirpnetstack", table);
  if (outcome.kind !== "parsed") return { ...outcome, usage: usage() };
  const [unexpected] = outcome.rest;
  if (unexpected === undefined) return { kind: "options", options: optionsOf(table), rest: [] };
  // who has mistyped a command does not want to be attached to the namespace that they are in
  return { kind: "error", message: `unexpected argument ${quote(unexpected)}`, usage: usage(), unexpected };
}

/** The smallest MTU that IPv4 allows (RFC 791, section 3.2), and the largest that its length field can say. */
const MIN_MTU = 68, MAX_MTU = 65535;

/** Where nobody says which names are the host's own, none is. */
const NO_NAMES: OwnNames = { has: () => false };

/** The flags by name. What help says of each is in help/flags.ts. */
export type Table = ReturnType<typeof makeTable>;

/** The table of the flags, each with its default. */
export function makeTable(resolve: Resolver, own: OwnNames = NO_NAMES, findUser: UserLookup = noUsers) {
  return {
    "netns": stringFlag("", "path to network namespace"),
    "pid": uintFlag(0, "process in the network namespace: same as -netns /proc/PID/ns/net", checkPid),
    "configure": booleanFlag(false, "Make the interface if it is missing, and set its addresses, routes and MTU"),
    "fd": intFlag("Unix socket file descriptor that carries frames, inherited from the parent", checkDescriptor),
    "mtu": uintFlag(0, "MTU (default: 1500 for -fd, that of the interface for -netns)", checkMtu),
    // off, as the guest has name servers of its own; who makes a guest's configuration asks for it there
    "dns": dnsFlag(false),
    "icmp": icmpFlag("local"),
    "user": userFlag(findUser),
    // off, as the Go program has none, and nobody who follows it should meet a name service that needs more
    "sandbox": sandboxFlag(false),
    ...sharedFlags(resolve, own),
  };
}

/** The flags that mean the same wherever the guest comes from, with the same defaults. */
export function sharedFlags(resolve: Resolver, own: OwnNames = NO_NAMES) {
  const ranges = (text: string) => parseRanges(text, resolve);
  const allowed = (text: string) => parseRanges(text, guardedResolver(resolve, own));
  return {
    "interface": stringFlag("tun0", "interface name within netns"),
    "offload": booleanFlag(true, "Exchange large segments and unfinished checksums with the guest's kernel"),
    "enable-routing": booleanFlag(true, "Allow guest to connect to IPs that the host has only a default route to"),
    "enable-host": booleanFlag(false, "Allow guest to connect to IPs in the host's main and local routing tables"),
    "disable-routing": booleanFlag(false, "Same as -enable-routing=false"),
    "disable-host-networks": booleanFlag(false, "Same as -enable-host=false"),
    "allow": listFlag("When routing, allow specified IP prefix and port range", allowed),
    "deny": listFlag("When routing, deny specified IP prefix and port range", ranges),
    "L": listFlag("Connections to local side forwarded remote", (text) => [parseForward(text, "local")]),
    "R": listFlag("Connections to remote side forwarded local", (text) => [parseForward(text, "remote")]),
    "host-loopback": booleanFlag(false, "Let the guest reach the host's 127.0.0.1 at 10.0.2.2, and ::1 at fd00::2"),
    // on, as it disturbs nobody: only those who ask are answered
    "dhcp": booleanFlag(true, "Answer DHCP clients: the guest's address, router, name servers and MTU"),
    // off, as kernels ask by themselves, and would add an address to that which the guest was given
    "slaac": booleanFlag(false, "Announce fd00::/64 to the guest, so that it makes itself an address of it"),
    "dns-ttl": durationFlag("5s", "For how long to cache DNS in case of dns labels passed to forward target"),
    "source-ipv4": sourceFlag(4, resolve),
    "source-ipv6": sourceFlag(6, resolve),
    "sockets": choiceFlag(
      "libc",
      SOCKETS_KINDS,
      "By which sockets TCP connections leave: libc, the program's own; deno",
    ),
    ...limitFlags(),
    "pcap": stringFlag("", "path to PCAP file"),
    "m": new Flag<MetricsAddress | null>("value", "Metrics addr", null, parseMetricsAddress),
    "exit-with-parent": booleanFlag(false, "Exit with parent process"),
    "maxprocs": intFlag("has no effect; for scripts that set it"),
    "ready-fd": intFlag("file descriptor to which a byte is written when traffic flows", checkSpareDescriptor),
    "exit-fd": intFlag("file descriptor whose end ends the program", checkSpareDescriptor),
    "quiet": booleanFlag(false, "Print less stuff on screen"),
    "version": booleanFlag(false, "Print slirpnetstack version and exit"),
  };
}

/** The flag for the name server; not everybody wants it. */
export function dnsFlag(initial: boolean): Flag<boolean> {
  return booleanFlag(initial, "Pass DNS queries to 10.0.2.3 and fd00::3 on to the name servers of the host");
}

/** The flag for pings. */
export function icmpFlag(initial: IcmpMode): Flag<IcmpMode> {
  return choiceFlag(initial, ICMP_MODES, "Who answers ping: local, the program itself; auto, the destination; off");
}

/** The flag for giving up power. */
export function sandboxFlag(initial: boolean): Flag<boolean> {
  return booleanFlag(initial, "Give up system calls and files that are not needed any more once started");
}

function optionsOf(table: Table): Options {
  return {
    ...sharedOptions(table),
    netns: table.netns.value || (table.pid.value === 0 ? null : `/proc/${table.pid.value}/ns/net`),
    configure: table.configure.value,
    user: table.user.value,
    fd: descriptor(table.fd.value),
  };
}

/** What the flags say that all tables have. A "disable" wins over an "enable", wherever it stands. */
export function sharedOptions(
  table: ReturnType<typeof sharedFlags> & Pick<Table, "mtu" | "dns" | "icmp" | "sandbox">,
): SharedOptions {
  return {
    interface: table.interface.value,
    mtu: table.mtu.value,
    offload: table.offload.value,
    enableRouting: table["enable-routing"].value && !table["disable-routing"].value,
    enableHost: table["enable-host"].value && !table["disable-host-networks"].value,
    allow: table.allow.value,
    deny: table.deny.value,
    icmp: table.icmp.value,
    localForwards: table.L.value,
    remoteForwards: table.R.value,
    dns: table.dns.value,
    dhcp: table.dhcp.value,
    slaac: table.slaac.value,
    dnsTtl: table["dns-ttl"].value,
    sourceIpv4: table["source-ipv4"].value,
    sourceIpv6: table["source-ipv6"].value,
    sockets: table.sockets.value,
    pcap: table.pcap.value || null,
    metrics: table.m.value,
    user: null,
    sandbox: table.sandbox.value,
    exitWithParent: table["exit-with-parent"].value,
    maxprocs: table.maxprocs.value,
    limits: limitsOf(table),
    quiet: table.quiet.value,
    hostLoopback: table["host-loopback"].value,
    readyFd: descriptor(table["ready-fd"].value),
    exitFd: descriptor(table["exit-fd"].value),
    version: table.version.value,
  };
}

function userFlag(findUser: UserLookup): Flag<UserIds | null> {
  const usage = "Become this user, by name or number, once started; with :GROUP, in that group and no other";
  return new Flag<UserIds | null>("value", usage, null, (text) => {
    try {
      return findUser(text);
    } catch (error) {
      throw new InvalidValue(error instanceof Error ? error.message : String(error), { cause: error });
    }
  });
}

/** Where the caller has no way to look them up. */
function noUsers(): never {
  throw new Error("users can't be looked up here");
}

/** What the Go program takes for "not given". */
const NO_DESCRIPTOR = -1;

function descriptor(value: number | null): number | null {
  return value === NO_DESCRIPTOR ? null : value;
}

/** What the kernel can count to: PID_MAX_LIMIT of linux/threads.h. */
const MAX_PID = 1 << 22;

function checkPid(pid: number): void {
  if (pid < 1 || pid > MAX_PID) throw new InvalidValue("not a process id");
}

function checkDescriptor(fd: number): void {
  if (fd < NO_DESCRIPTOR) throw new InvalidValue("value out of range");
}

/** The first that is no standard stream. */
const FIRST_SPARE = 3;

/** One that is taken over, and closed in the end: it can't be where lines are written, or where a command reads. */
function checkSpareDescriptor(fd: number): void {
  if (fd === NO_DESCRIPTOR || fd >= FIRST_SPARE) return;
  throw new InvalidValue(`value out of range: must be ${FIRST_SPARE} or more, as 0, 1 and 2 are the standard streams`);
}

/** An address of that version; a name stands for its first. */
function sourceFlag(version: IpVersion, resolve: Resolver): Flag<IpAddress | null> {
  return new Flag<IpAddress | null>(
    "value",
    `When connecting, use the selected Source IP for ipv${version}`,
    null,
    async (text) => {
      const found = await lookUp(text, resolve);
      const address = found.map(unmap).find((address) => address.version === version);
      if (address === undefined) throw new InvalidValue(`not an IPv${version} address`);
      return address;
    },
  );
}

/** Throws an InvalidValue for what no IP packet can be at most. */
export function checkMtu(mtu: number): void {
  if (mtu === 0 || (mtu >= MIN_MTU && mtu <= MAX_MTU)) return;
  throw new InvalidValue(`value out of range: must be 0 or ${MIN_MTU} to ${MAX_MTU}`);
}
