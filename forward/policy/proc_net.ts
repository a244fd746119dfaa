/**
 * Readers for the routing tables that Linux shows as text under /proc/net.
 *
 * Each returns the prefixes that are the host's own: its addresses, and the destinations of its routes, except default
 * routes. Routes that lead nowhere (unreachable, prohibit, blackhole) do not count: the kernel refuses to send there.
 *
 * | file | holds | kernel source |
 * | --- | --- | --- |
 * | route | IPv4, the main table | net/ipv4/fib_trie.c, fib_route_seq_show |
 * | fib_trie | IPv4, all tables with the local one, nested | net/ipv4/fib_trie.c, fib_trie_seq_show |
 * | ipv6_route | IPv6, all tables with the local one | net/ipv6/ip6_fib.c, ipv6_route_native_seq_show |
 * | if_inet6 | IPv6 addresses, also those that are still being probed and have no route yet | net/ipv6/addrconf.c |
 *
 * A route to all addresses, or to a very large part of them, is a default route ({@linkcode isDefault}). A VPN that leaves
 * the host's own default route in place adds 0.0.0.0/1 and 128.0.0.0/1, or 2000::/3, or several still smaller routes.
 *
 * A text of an unexpected form is a SyntaxError, because an incomplete table would open the networks that it lacks.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";
import { Prefix } from "../addresses/prefix.ts";

/** include/uapi/linux/route.h and ipv6_route.h: the route is usable. */
const RTF_UP = 0x0001;
/** The route refuses packets. */
const RTF_REJECT = 0x0200;

/**
 * The shortest prefixes that can be one organisation's network, not a part of the internet as a whole: 10.0.0.0/8
 * (RFC 1918) and fc00::/7 (RFC 4193).
 */
const SHORTEST_NETWORK = { 4: 8, 6: 7 } as const;

/** The first bytes of addresses beyond the internet: multicast and reserved; local, link-local and multicast. */
const BEYOND_INTERNET = { 4: 0xe0, 6: 0xfc } as const;

/** Whether a route to that prefix is a default route, or one of several that together replace one. */
function isDefault({ version, bytes, length }: Prefix): boolean {
  return length === 0 || (length < SHORTEST_NETWORK[version] && bytes[0] < BEYOND_INTERNET[version]);
}

/** Reads /proc/net/route, where addresses are the words of a little-endian machine (the only kind Deno runs on). */
export function parseRoute(text: string): Prefix[] {
  const prefixes: Prefix[] = [];
  for (const line of lines(text)) {
    if (line.startsWith("Iface")) continue;
    // Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
    const match = /^(\S+)\s+([0-9A-F]{8})\s+[0-9A-F]{8}\s+([0-9A-F]{4,})\s+\d+\s+\d+\s+\d+\s+([0-9A-F]{8})\s/.exec(
      line,
    );
    if (match === null) throw unexpected("route", line);
    const device = match[1], flags = parseInt(match[3], 16), length = maskLength(match[4]);
    if (length === null) throw unexpected("route", line);
    // A blackhole has no flag of its own here, but no device.
    if ((flags & RTF_UP) === 0 || (flags & RTF_REJECT) !== 0 || device === "*") continue;
    const prefix = Prefix.of(IpAddress.of(littleEndian(match[2])), length);
    if (!isDefault(prefix)) prefixes.push(prefix);
  }
  return prefixes;
}

/** The kinds of route in fib_trie (rtn_type_names) that lead somewhere, or to the host itself. */
const UNICAST = "UNICAST";
const REACHABLE: ReadonlySet<string> = new Set([UNICAST, "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST"]);

/** Reads /proc/net/fib_trie: a leaf is an address on one line, and the routes to it on the lines that follow. */
export function parseFibTrie(text: string): Prefix[] {
  const prefixes: Prefix[] = [];
  let leaf: IpAddress | null = null;
  for (const line of lines(text)) {
    const route = /^\s+\/(\d+) \S+ (\S+)/.exec(line);
    if (route !== null && leaf !== null) {
      const length = Number(route[1]);
      if (length > 32) throw unexpected("fib_trie", line);
      const prefix = Prefix.of(leaf, length), kind = route[2];
      if (isDefault(prefix) && (length === 0 || kind === UNICAST)) continue;
      if (REACHABLE.has(kind)) prefixes.push(prefix);
      continue;
    }
    const start = /^\s+\|-- (\S+)$/.exec(line);
    leaf = start === null ? null : IpAddress.tryParse(start[1]);
    // other lines are a table's name, and the inner nodes of the trie
    if (leaf === null && !/^(Main|Local|Id \d+):$|^\s+\+-- /.test(line)) throw unexpected("fib_trie", line);
  }
  return prefixes;
}

/** include/uapi/linux/ipv6_route.h: the addresses are the host's own. */
const RTF_LOCAL = 0x8000_0000;

/** Reads /proc/net/ipv6_route. */
export function parseIpv6Route(text: string): Prefix[] {
  const prefixes: Prefix[] = [];
  for (const line of lines(text)) {
    // destination, its length, source, its length, next hop, metric, reference count, use, flags, device
    const match = new RegExp(
      "^([0-9a-f]{32}) ([0-9a-f]{2}) [0-9a-f]{32} [0-9a-f]{2} [0-9a-f]{32} [0-9a-f]{8} [0-9a-f]{8} [0-9a-f]{8} ([0-9a-f]{8})\\s",
    ).exec(line);
    if (match === null) throw unexpected("ipv6_route", line);
    const length = parseInt(match[2], 16), flags = parseInt(match[3], 16);
    if (length > 128) throw unexpected("ipv6_route", line);
    if ((flags & RTF_UP) === 0 || (flags & RTF_REJECT) !== 0) continue;
    const prefix = Prefix.of(IpAddress.of(hexBytes(match[1])), length);
    if (isDefault(prefix) && (length === 0 || (flags & RTF_LOCAL) === 0)) continue;
    prefixes.push(prefix);
  }
  return prefixes;
}

/** Reads /proc/net/if_inet6: only the addresses, because their networks are in the routes. */
export function parseIfInet6(text: string): Prefix[] {
  return lines(text).map((line) => {
    const match = /^([0-9a-f]{32}) [0-9a-f]{2,} [0-9a-f]{2} [0-9a-f]{2} [0-9a-f]{2,}\s/.exec(line);
    if (match === null) throw unexpected("if_inet6", line);
    return Prefix.ofAddress(IpAddress.of(hexBytes(match[1])));
  });
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

function unexpected(file: string, line: string): SyntaxError {
  return new SyntaxError(`unexpected line in /proc/net/${file}: ${JSON.stringify(line.trim())}`);
}

function hexBytes(digits: string): Uint8Array {
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

function littleEndian(digits: string): Uint8Array {
  return hexBytes(digits).reverse();
}

/** The number of leading ones in a mask; null: it has other ones too. */
function maskLength(digits: string): number | null {
  const ones = /^(1*)0*$/.exec([...littleEndian(digits)].map((byte) => byte.toString(2).padStart(8, "0")).join(""));
  return ones === null ? null : ones[1].length;
}
