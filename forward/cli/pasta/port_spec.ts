/**
 * The values of pasta's `-t`, `-u`, `-T` and `-U`: which ports are forwarded.
 *
 *     none                                            no port
 *     [ADDRESS/]auto                                  what listens; all is the same
 *     [ADDRESS/]PORTS[:PORTS][,PORTS[:PORTS]]...      these ports, to the ports behind the colon
 *     [ADDRESS/]...,~PORTS                            but not these; alone, all others that something listens on
 *
 * `PORTS` is a port, or a first and a last port with `-` between them. IPv6 addresses have no brackets.
 *
 * @module
 */
import { IpAddress } from "../../../stack/base/address.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";

/** A port to listen on, and the port to connect to. */
export interface PortPair {
  readonly bind: number;
  readonly target: number;
}

/** The ports of one option. */
export type PortSpec =
  | { readonly kind: "none" }
  /** All ports that something listens on, without those excluded. `address` as below. */
  | { readonly kind: "auto"; readonly address: IpAddress | null; readonly excluded: readonly PortRange[] }
  /** `address`: where to listen; null: on all addresses. */
  | { readonly kind: "ports"; readonly address: IpAddress | null; readonly pairs: readonly PortPair[] };

/** Reads a value. Throws an {@linkcode InvalidValue}. */
export function parsePortSpec(text: string): PortSpec {
  if (text === "none") return { kind: "none" };
  const slash = text.indexOf("/");
  const address = slash < 0 ? null : parseAddress(text.slice(0, slash), text);
  const pairs = new Map<number, number>(), excluded: PortRange[] = [];
  let auto = true;
  for (const part of text.slice(slash + 1).split(",")) {
    if (part.startsWith("~")) {
      excluded.push(parseRange(part.slice(1), text));
      continue;
    }
    if (part === "auto" || part === "all") continue;
    auto = false;
    const [from, to = from, ...more] = part.split(":");
    const range = parseRange(from, text), target = parseRange(to, text);
    if (more.length > 0 || range.last - range.first !== target.last - target.first) throw invalid(text);
    for (let port = range.first; port <= range.last; port++) pairs.set(port, target.first + port - range.first);
  }
  if (auto) return { kind: "auto", address, excluded };
  for (const { first, last } of excluded) for (let port = first; port <= last; port++) pairs.delete(port);
  if (pairs.size === 0) throw invalid(text);
  return { kind: "ports", address, pairs: Array.from(pairs, ([bind, target]) => ({ bind, target })) };
}

/** A first and a last port. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

function parseRange(text: string, whole: string): PortRange {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  const first = Number(match?.[1]), last = match?.[2] === undefined ? first : Number(match[2]);
  if (match === null || first < 1 || last > 0xffff || last < first) throw invalid(whole);
  return { first, last };
}

function parseAddress(text: string, whole: string): IpAddress {
  const address = IpAddress.tryParse(text);
  if (address === null) throw invalid(whole);
  return address;
}

function invalid(text: string): InvalidValue {
  return new InvalidValue(`Invalid port specifier ${text}`);
}
