/**
 * The ranges of `-allow` and `-deny`: `[NETWORK://]CIDR-or-address-or-name[:PORT[-PORT]]`, separated by commas.
 *
 * NETWORK is `tcp` (the default) or `udp`. IPv6 is in brackets, and its prefix length inside or after them. A name is
 * resolved when the range is read, and stands for all its addresses at that time. No port, or port 0, is any port. An
 * IPv4-mapped address means the IPv4 address.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../stack/base/address.ts";
import { splitNetwork, splitParts } from "../syntax/bracketed.ts";
import { quote } from "../syntax/go_quote.ts";
import { InvalidValue } from "../syntax/invalid_value.ts";
import { parsePort } from "../syntax/numbers.ts";
import { lookUp, type Resolver } from "../syntax/resolver.ts";
import { isMapped, unmap } from "../addresses/mapped.ts";
import { Prefix } from "../addresses/prefix.ts";

/** The networks of ranges. */
export type RangeNetwork = "tcp" | "udp";

/** The networks over which the guest can reach an address. */
export type PolicyNetwork = RangeNetwork | "icmp";

/** A range of addresses and ports of one network. */
export interface Range {
  readonly network: RangeNetwork;
  readonly prefix: Prefix;
  /** The first and the last port, both included. */
  readonly minPort: number;
  readonly maxPort: number;
  /** The name that the range was given by; not given: it was given by an address. */
  readonly name?: string;
}

/**
 * Parses ranges separated by commas. Rejects with an {@linkcode InvalidValue} about the first invalid one, in the Go
 * program's words.
 */
export async function parseRanges(text: string, resolve: Resolver): Promise<readonly Range[]> {
  const ranges: Range[] = [];
  for (const part of text.split(",")) ranges.push(...await parseRange(part, resolve));
  return ranges;
}

async function parseRange(text: string, resolve: Resolver): Promise<readonly Range[]> {
  const { network, rest } = splitNetwork(text);
  if (network !== "tcp" && network !== "udp") throw new InvalidValue(`unknown network type ${quote(network)}`);
  const parts = splitParts(rest);
  if (parts.length > 2) {
    throw new InvalidValue(`error parsing ipportrange: too many colons in ${quote(rest)}, IPv6 needs brackets`);
  }
  const [minPort, maxPort] = parts.length === 2 ? parsePorts(parts[1]) : ANY_PORT;
  const { prefixes, ...name } = await parsePrefixes(parts[0], resolve);
  return prefixes.map((prefix) => ({ network, prefix, minPort, maxPort, ...name }));
}

/** All ports, and ICMP, which has none. */
export const ANY_PORT: readonly [min: number, max: number] = [0, 0xffff];

/** Reads `PORT[-PORT]`; port 0 is all ports. Throws an {@linkcode InvalidValue}. */
export function parsePorts(text: string): readonly [number, number] {
  const dash = text.indexOf("-");
  const min = parsePort(dash < 0 ? text : text.slice(0, dash));
  const max = dash < 0 ? min : parsePort(text.slice(dash + 1));
  if (max < min) throw new InvalidValue("min port must be smaller equal than max");
  return max === 0 ? ANY_PORT : [min, max];
}

async function parsePrefixes(
  text: string,
  resolve: Resolver,
): Promise<{ readonly prefixes: readonly Prefix[]; readonly name?: string }> {
  if (text === "") throw new InvalidValue("an address is missing");
  if (text.includes("/") || IpAddress.tryParse(text) !== null) return { prefixes: [readPrefix(text)] };
  const found = await lookUp(text, resolve);
  return { prefixes: found.map((address) => Prefix.ofAddress(unmap(address))), name: text };
}

/** Reads an address or a CIDR; what is IPv4-mapped is IPv4. Throws an {@linkcode InvalidValue}. */
export function readPrefix(text: string): Prefix {
  const address = IpAddress.tryParse(text);
  if (address !== null) return Prefix.ofAddress(unmap(address));
  const prefix = Prefix.tryParse(text);
  if (prefix === null) throw new InvalidValue(`invalid CIDR address: ${text}`);
  return unmapPrefix(prefix);
}

function unmapPrefix(prefix: Prefix): Prefix {
  const mapped = prefix.length >= 96 && isMapped(prefix.bytes);
  return mapped ? Prefix.of(unmap(IpAddress.of(prefix.bytes)), prefix.length - 96) : prefix;
}

/**
 * Ranges sorted by network and version, for lookups.
 *
 * A range has no network `icmp`. A range without ports is about whole hosts, so it applies to ICMP whatever its network. A
 * range with ports is about a service, and does not.
 */
export class RangeList {
  private readonly lists: ReadonlyMap<PolicyNetwork, { readonly 4: readonly Range[]; readonly 6: readonly Range[] }>;

  constructor(ranges: readonly Range[]) {
    const split = (some: readonly Range[]) => ({
      4: some.filter((range) => range.prefix.version === 4),
      6: some.filter((range) => range.prefix.version === 6),
    });
    this.lists = new Map([
      ["tcp", split(ranges.filter((range) => range.network === "tcp"))],
      ["udp", split(ranges.filter((range) => range.network === "udp"))],
      ["icmp", split(ranges.filter((range) => range.minPort === 0 && range.maxPort === 0xffff))],
    ]);
  }

  /** Whether any range contains the port (ICMP: 0) of the address of `version` at `offset` of `bytes`. */
  contains(network: PolicyNetwork, version: IpVersion, bytes: Uint8Array, offset: number, port: number): boolean {
    const ranges = this.lists.get(network)![version];
    for (let i = 0; i < ranges.length; i++) {
      const range = ranges[i];
      if (port >= range.minPort && port <= range.maxPort && range.prefix.containsAt(bytes, offset)) return true;
    }
    return false;
  }
}
