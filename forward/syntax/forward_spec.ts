/**
 * The values of `-L` and `-R`: `[NETWORK://][BIND_ADDR:]PORT[:HOST:HOSTPORT]`, as in ssh.
 *
 * One part is the port to bind, two are address and port to bind, three are the port to bind and the target, four are
 * all. An empty part takes its default, so `udp://:53::5353` is complete. IPv6 addresses are in brackets, which nest: a
 * target may be a name whose SRV record a given server knows, `[_web._tcp@srv-[::1]:8600]`.
 *
 * | side | binds | targets |
 * | --- | --- | --- |
 * | local | 127.0.0.1 or ::1 | 10.0.2.100 or fd00::100 |
 * | remote | 10.0.2.2 or fd00::2 | 127.0.0.1 or ::1 |
 *
 * The IPv4 defaults of the guest's network are those of `-cidr`. The IPv6 default is used if the other end is given as an IPv6 address.
 *
 * @module
 */
import { type Endpoint, IpAddress } from "../../stack/base/address.ts";
import { DEFAULT_ADDRESSES, type StackAddresses } from "../../stack/base/link_addresses.ts";
import { unmap } from "../addresses/mapped.ts";
import { splitNetwork, splitParts } from "./bracketed.ts";
import { quote } from "./go_quote.ts";
import { InvalidValue } from "./invalid_value.ts";
import { parsePort } from "./numbers.ts";

/** Local: listen on the host and connect into the guest's network. Remote: the other way round. */
export type ForwardSide = "local" | "remote";

/** An address, or a name to resolve. */
export type ForwardHost =
  | { readonly kind: "address"; readonly address: IpAddress }
  /** A name for the system's resolver. `text`: as it was written. */
  | { readonly kind: "name"; readonly text: string; readonly name: string }
  /** A name whose SRV record the server knows; its port replaces that of the forward. */
  | { readonly kind: "srv"; readonly text: string; readonly name: string; readonly server: Endpoint };

/** One end of a forward. */
export interface ForwardEnd {
  readonly host: ForwardHost;
  readonly port: number;
}

/** A forward as the flag gives it. */
export interface ForwardSpec {
  readonly network: "tcp" | "udp";
  /** `udprpc`: a flow ends after one answer. */
  readonly oneAnswer: boolean;
  /** `tcppp`, `udpspp`: incoming connections or datagrams start with the address that they really come from. */
  readonly proxyProtocol: boolean;
  /**
   * A wildcard to bind stands for the addresses of its own IP version alone. Not given: for those of both, as in the Go
   * program.
   */
  readonly oneVersion?: boolean;
  /** Port 0 on the host: any free port. */
  readonly bind: ForwardEnd;
  /** Port 0: that of the SRV record, or that of the PROXY header, or else the port that was bound. */
  readonly target: ForwardEnd;
}

/**
 * Reads a forward. Throws an {@linkcode InvalidValue} that says what is wrong with which part.
 *
 * @param addresses the guest's network, whose addresses are the defaults
 *
 * @example
 * ```ts
 * parseForward("8080:10.0.2.100:80", "local").target.port; // 80
 * ```
 */
export function parseForward(
  text: string,
  side: ForwardSide,
  addresses: DefaultAddresses = DEFAULT_ADDRESSES,
): ForwardSpec {
  const { network, rest } = splitNetwork(text);
  const kind = networkNamed(network, side);
  if (rest === "") throw new InvalidValue("a port is missing");
  return forwardOf(kind, assignParts(rest), side, addresses);
}

/**
 * Reads a forward whose two ends are apart, each `HOST:PORT`; an empty host takes its default. Throws an
 * {@linkcode InvalidValue}.
 */
export function parseForwardEnds(
  network: string,
  bind: string,
  target: string,
  side: ForwardSide,
  addresses: DefaultAddresses,
): ForwardSpec {
  const kind = networkNamed(network, side);
  return forwardOf(kind, [...hostAndPort(bind), ...hostAndPort(target)], side, addresses);
}

/** The network as it is written in a flag: `tcp`, `udprpc`. */
export function networkName({ network, oneAnswer, proxyProtocol }: ForwardKind): string {
  const same = (kind: ForwardKind) =>
    kind.network === network && kind.oneAnswer === oneAnswer && kind.proxyProtocol === proxyProtocol;
  return Object.keys(NETWORKS).find((name) => same(NETWORKS[name]!))!;
}

type ForwardKind = Pick<ForwardSpec, "network" | "oneAnswer" | "proxyProtocol">;

function networkNamed(network: string, side: ForwardSide): ForwardKind {
  const kind = Object.hasOwn(NETWORKS, network) ? NETWORKS[network] : undefined;
  if (kind === undefined) throw new InvalidValue(`unknown network type ${quote(network)}`);
  if (kind.proxyProtocol && side === "remote") {
    throw new InvalidValue(`network type ${quote(network)} is for local forwards only`);
  }
  return kind;
}

function hostAndPort(text: string): readonly [string, string] {
  const parts = splitParts(text);
  if (parts.length !== 2) throw new InvalidValue(`not HOST:PORT: ${quote(text)}`);
  parsePort(parts[1]!); // it must be there
  return [parts[0]!, parts[1]!];
}

/** Bind address, bind port, target, target port. Missing parts are empty. */
type ForwardParts = readonly [string, string, string, string];

function forwardOf(
  kind: ForwardKind,
  [bindHost, bindPort, targetHost, targetPort]: ForwardParts,
  side: ForwardSide,
  addresses: DefaultAddresses,
): ForwardSpec {
  const bindOwn = parseHost(bindHost), targetOwn = parseHost(targetHost);
  const version = isIpv6(bindOwn) || isIpv6(targetOwn) ? 6 : 4;
  const loopback = LOOPBACK[version],
    { bind, target } = side === "local"
      ? { bind: loopback, target: version === 4 ? addresses.guest4 : addresses.guest6 }
      : { bind: version === 4 ? addresses.gateway4 : addresses.gateway6, target: loopback };
  return {
    ...kind,
    bind: { host: bindOwn ?? { kind: "address", address: bind }, port: parsePort(bindPort || "0") },
    target: {
      host: targetOwn ?? { kind: "address", address: target },
      port: parsePort(targetPort || bindPort || "0"),
    },
  };
}

/** The host as it was written, IPv6 without brackets; for lines and messages. */
export function formatHost(host: ForwardHost): string {
  return host.kind === "address" ? host.address.toString() : host.text;
}

const NETWORKS: Readonly<Record<string, ForwardKind>> = {
  tcp: { network: "tcp", oneAnswer: false, proxyProtocol: false },
  udp: { network: "udp", oneAnswer: false, proxyProtocol: false },
  udprpc: { network: "udp", oneAnswer: true, proxyProtocol: false },
  tcppp: { network: "tcp", oneAnswer: false, proxyProtocol: true },
  udpspp: { network: "udp", oneAnswer: false, proxyProtocol: true },
};

/** The addresses of the guest's network that are defaults. */
export type DefaultAddresses = Pick<StackAddresses, "gateway4" | "gateway6" | "guest4" | "guest6">;

const LOOPBACK = { 4: IpAddress.parse("127.0.0.1"), 6: IpAddress.parse("::1") } as const;

function assignParts(text: string): ForwardParts {
  const parts = splitParts(text);
  switch (parts.length) {
    case 1:
      return ["", parts[0], "", ""];
    case 2:
      return [parts[0], parts[1], "", ""];
    case 3:
      return ["", parts[0], parts[1], parts[2]];
    case 4:
      return [parts[0], parts[1], parts[2], parts[3]];
    default:
      throw new InvalidValue(`too many parts in ${quote(text)}, IPv6 needs brackets`);
  }
}

/** The mark between a name's `@` and the server that knows its SRV record. */
const SRV_MARK = "srv-";

/** Null for the empty text. */
function parseHost(text: string): ForwardHost | null {
  if (text === "") return null;
  const literal = IpAddress.tryParse(text);
  if (literal !== null) return { kind: "address", address: unmap(literal) };
  const at = text.indexOf("@");
  if (at < 0) return { kind: "name", text, name: text };
  const how = text.slice(at + 1);
  if (!how.startsWith(SRV_MARK)) throw new InvalidValue(`unknown dns type ${quote(how)}`);
  const name = text.slice(0, at);
  if (name === "") throw new InvalidValue(`a name is missing in ${quote(text)}`);
  return { kind: "srv", text, name, server: parseServer(how.slice(SRV_MARK.length)) };
}

/** `PORT` or `IP:PORT`. */
function parseServer(text: string): Endpoint {
  const parts = splitParts(text);
  const [host, port] = parts.length === 1 ? ["127.0.0.1", parts[0]] : [parts[0], parts[1]];
  const address = IpAddress.tryParse(host);
  if (parts.length > 2 || address === null) throw new InvalidValue(`bad dns server ${quote(text)}`);
  return { address, port: parsePort(port) };
}

function isIpv6(host: ForwardHost | null): boolean {
  return host?.kind === "address" && host.address.version === 6;
}
