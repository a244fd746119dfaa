/**
 * Translates slirp4netns' command line to this program's options.
 *
 * | slirp4netns | here |
 * | --- | --- |
 * | the device is made if it is missing | `-make-tap`; with `--configure`, `-configure` |
 * | the gateway is the host's loopback | `-host-loopback`, unless `--disable-host-loopback` |
 * | the name server | `-dns`, unless `--disable-dns` |
 * | all that the host reaches, 169.254.0.0/16 included | `-enable-host`, and the manner `asHost` |
 * | pings by the destination | `-icmp auto` |
 * | DHCP, from +15 on | the manner `leases` |
 * | `--enable-ipv6` | the manner `ipv6`, and `-slaac` |
 * | `--enable-sandbox`, `--enable-seccomp` | `-sandbox` |
 * | `--outbound-addr`, `--outbound-addr6` | `-source-ipv4`, `-source-ipv6` |
 * | nothing is printed about connections | `-quiet` |
 *
 * The user namespace of `--userns-path` need not be named to this program: the network namespace's owner is asked for.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../../stack/base/address.ts";
import type { StackAddresses } from "../../../stack/base/link_addresses.ts";
import { addressAt, addressesIn } from "../../addresses/guest_configuration.ts";
import type { Prefix } from "../../addresses/prefix.ts";
import { readGuestPrefix } from "../../syntax/guest_prefix.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";
import { parseMacAddress } from "../../syntax/mac_address.ts";
import { MAX_SOCKET_PATH } from "../../syntax/service_address.ts";
import type { Manner } from "../flags/manner.ts";
import type { Options } from "../flags/options.ts";
import type { Slirp4netnsSettings, Slirp4netnsTarget } from "./arguments.ts";

/** What a command line is translated with. */
export interface TranslationContext {
  /** The options of a command line without flags. */
  readonly defaults: Options;
  /** The first address of an interface of the host; null: it has none, or there is no such interface. */
  readonly interfaceAddress: (name: string, version: IpVersion) => IpAddress | null;
}

/** The options, or why there are none: a line without its newline. */
export type Translation =
  | { readonly kind: "options"; readonly options: Options; readonly network: Prefix }
  | { readonly kind: "error"; readonly message: string };

/** Translates a command line that is right word by word. */
export function translateSlirp4netns(
  settings: Slirp4netnsSettings,
  target: Slirp4netnsTarget,
  { defaults, interfaceAddress }: TranslationContext,
): Translation {
  try {
    const network = readNetwork(settings.cidr);
    const addresses = slirp4netnsAddresses(network);
    const { configure, exitFd, readyFd, enableIpv6, apiSocket, outboundAddr, outboundAddr6 } = settings;
    if (apiSocket !== null && new TextEncoder().encode(apiSocket).length > MAX_SOCKET_PATH) {
      throw new InvalidValue(`the path of the API socket is too long: ${apiSocket}`);
    }
    const source = (text: string | null, version: IpVersion) =>
      text === null ? null : readSource(text, version, interfaceAddress);
    const options: Options = {
      ...defaults,
      ...whereTo(target),
      addresses,
      configure,
      makeTap: target.kind === "pid" || target.kind === "path",
      macAddress: settings.macAddress === null ? null : readMac(settings.macAddress),
      mtu: Math.max(settings.mtu, MIN_MTU),
      manner: mannerFor(network, enableIpv6),
      enableRouting: true,
      enableHost: true,
      hostLoopback: !settings.disableHostLoopback,
      dns: !settings.disableDns,
      dnsNames: "all",
      dhcp: true,
      slaac: enableIpv6,
      icmp: "auto",
      sourceIpv4: source(outboundAddr, 4),
      sourceIpv6: source(outboundAddr6, 6),
      exitFd,
      readyFd,
      apiSocket,
      sandbox: settings.enableSandbox,
      quiet: true,
    };
    return { kind: "options", options, network };
  } catch (error) {
    if (error instanceof InvalidValue) return { kind: "error", message: error.message };
    throw error;
  }
}

/** The smallest MTU that IPv4 allows (RFC 791, section 3.2). Less is of no use to anybody. */
const MIN_MTU = 68;

/** The positions of DHCP's addresses in the network: sixteen. */
const FIRST_LEASE = 15, LAST_LEASE = 30;

/** How slirp4netns serves its guests. */
function mannerFor(network: Prefix, ipv6: boolean): Manner {
  const leases = Array.from({ length: LAST_LEASE - FIRST_LEASE + 1 }, (_, i) => addressAt(network, FIRST_LEASE + i));
  return { ipv6, leases, brief: true, fixedIpv6: false, asHost: true, keepsLowPorts: true, refusal: "network" };
}

/** The addresses on the link: those of the network, and the hardware and link-local address that libslirp has. */
function slirp4netnsAddresses(network: Prefix): StackAddresses {
  const addresses = addressesIn(network);
  return {
    ...addresses,
    mac: Uint8Array.of(0x52, 0x55, ...addresses.gateway4.bytes),
    linkLocal6: IpAddress.parse("fe80::2"),
  };
}

function whereTo(target: Slirp4netnsTarget): Pick<Options, "netns" | "interface" | "fd" | "bess"> {
  const none = { netns: null, interface: "tap0", fd: null, bess: null };
  switch (target.kind) {
    case "pid":
      return { ...none, netns: `/proc/${target.pid}/ns/net`, interface: target.tap };
    case "path":
      return { ...none, netns: target.path, interface: target.tap };
    case "tapfd":
      return { ...none, fd: target.fd };
    case "bess":
      return { ...none, bess: target.path };
  }
}

function readNetwork(text: string): Prefix {
  const outcome = readGuestPrefix(text);
  switch (outcome.kind) {
    case "prefix":
      return outcome.prefix;
    case "syntax":
      throw new InvalidValue(`invalid CIDR: ${text}`);
    case "length":
      throw new InvalidValue("prefix length needs to be 1-25");
    case "hostBits":
      throw new InvalidValue("CIDR needs to be a network address like 10.0.2.0/24, not like 10.0.2.100/24");
  }
}

function readMac(text: string): Uint8Array {
  try {
    return parseMacAddress(text);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new InvalidValue(`--macaddress ${text}: ${error.message}`, { cause: error });
  }
}

/** An address, or the first one of an interface. */
function readSource(
  text: string,
  version: IpVersion,
  interfaceAddress: TranslationContext["interfaceAddress"],
): IpAddress {
  const literal = IpAddress.tryParse(text);
  const address = literal?.version === version ? literal : interfaceAddress(text, version);
  if (address !== null) return address;
  const option = version === 4 ? "outbound-addr" : "outbound-addr6";
  throw new InvalidValue(`${option} has to be valid ipv${version} address or interface name.`);
}
