/**
 * Reads pasta's command line. Each value is checked by itself; what values mean together is for translation.ts.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../../stack/base/address.ts";
import { InvalidValue } from "../../syntax/invalid_value.ts";
import { parseMacAddress } from "../../syntax/mac_address.ts";
import { type FoundOption, getoptLong } from "../getopt_long.ts";
import { PASTA_OPTIONS, type PastaOption, pastaUsage, pastaVersion } from "./option_table.ts";
import { parsePortSpec, type PortSpec } from "./port_spec.ts";

/** One address of each IP version; null: not given. */
export interface PerVersion<T> {
  4: T | null;
  6: T | null;
}

/** The options of a command line. */
export interface PastaSettings {
  configNet: boolean;
  /** A path, or the name of a namespace of ip-netns(8). */
  netns: string | null;
  quitWithNetns: boolean;
  nsIfname: string | null;
  interface: string | null;
  address: PerVersion<IpAddress>;
  /** Bits of the IPv4 network's prefix. */
  netmask: number | null;
  gateway: PerVersion<IpAddress>;
  macAddress: Uint8Array | null;
  mtu: number;
  ipv4: boolean;
  ipv6: boolean;
  dnsForward: PerVersion<IpAddress>;
  /** "none": no address has that meaning. */
  mapHostLoopback: PerVersion<IpAddress> | "none";
  mapGuestAddr: PerVersion<IpAddress>;
  mapGateway: boolean;
  /** None: as pasta, what listens. */
  tcpPorts: PortSpec[];
  udpPorts: PortSpec[];
  outbound: PerVersion<IpAddress>;
  dhcp: boolean;
  pcap: string | null;
  pidFile: string | null;
  foreground: boolean;
}

/** What {@linkcode readPasta} found. Texts end with a newline, or are empty. */
export type PastaArguments =
  | { readonly kind: "end"; readonly status: number; readonly stdout: string; readonly stderr: string }
  /** `path`: that of the guest's network namespace. */
  | { readonly kind: "start"; readonly settings: PastaSettings; readonly path: string };

/** The largest MTU, which is the default: a packet of 65,535 bytes less an Ethernet header, in words of 4 bytes. */
const MAX_MTU = 65_520;

/** The smallest MTU that IPv4 allows (RFC 791, section 3.2). */
const MIN_MTU = 68;

/** The folder of ip-netns(8)'s namespaces. */
const NAMED = "/run/netns";

/** Reads the arguments after the program's name. `version`: this program's own. */
export function readPasta(args: readonly string[], version: string): PastaArguments {
  const { options, words, error } = getoptLong(args, PASTA_OPTIONS);
  const settings = noSettings();
  try {
    for (const option of options) {
      if (option.name === "help") return { kind: "end", status: 0, stdout: pastaUsage(), stderr: "" };
      if (option.name === "version") return { kind: "end", status: 0, stdout: pastaVersion(version), stderr: "" };
      take(option, settings);
    }
    if (error !== null) return failed(`pasta: ${error}\n${pastaUsage()}`);
    return { kind: "start", settings, path: readTarget(words, settings) };
  } catch (wrong) {
    if (wrong instanceof InvalidValue) return failed(`${wrong.message}\n`);
    throw wrong;
  }
}

function failed(stderr: string): PastaArguments {
  return { kind: "end", status: 1, stdout: "", stderr };
}

function noSettings(): PastaSettings {
  return {
    configNet: false,
    netns: null,
    quitWithNetns: true,
    nsIfname: null,
    interface: null,
    address: { 4: null, 6: null },
    netmask: null,
    gateway: { 4: null, 6: null },
    macAddress: null,
    mtu: MAX_MTU,
    ipv4: true,
    ipv6: true,
    dnsForward: { 4: null, 6: null },
    mapHostLoopback: { 4: null, 6: null },
    mapGuestAddr: { 4: null, 6: null },
    mapGateway: true,
    tcpPorts: [],
    udpPorts: [],
    outbound: { 4: null, 6: null },
    dhcp: true,
    pcap: null,
    pidFile: null,
    foreground: false,
  };
}

/** Puts an option into the settings. Throws an {@linkcode InvalidValue}. */
function take({ name, argument }: FoundOption<PastaOption>, settings: PastaSettings): void {
  switch (name) {
    case "config-net":
      settings.configNet = true;
      break;
    case "netns":
      settings.netns = argument;
      break;
    case "no-netns-quit":
      settings.quitWithNetns = false;
      break;
    case "ns-ifname":
    case "interface":
      if (!/^[^\s/]{1,15}$/.test(argument)) throw new InvalidValue(`Invalid interface name: ${argument}`);
      settings[name === "interface" ? "interface" : "nsIfname"] = argument;
      break;
    case "address":
      set(settings.address, name, argument);
      break;
    case "netmask":
      settings.netmask = readMask(argument);
      break;
    case "gateway":
      set(settings.gateway, name, argument);
      break;
    case "ns-mac-addr":
      settings.macAddress = parseMacAddress(argument);
      break;
    case "mtu":
      settings.mtu = readMtu(argument);
      break;
    case "ipv4-only":
      settings.ipv6 = false;
      break;
    case "ipv6-only":
      settings.ipv4 = false;
      break;
    case "dns-forward":
      set(settings.dnsForward, name, argument);
      break;
    case "map-host-loopback":
      if (argument === "none") settings.mapHostLoopback = "none";
      else {
        if (settings.mapHostLoopback === "none") settings.mapHostLoopback = { 4: null, 6: null };
        set(settings.mapHostLoopback, name, argument);
      }
      break;
    case "map-guest-addr":
      if (argument === "none") settings.mapGuestAddr = { 4: null, 6: null };
      else set(settings.mapGuestAddr, name, argument);
      break;
    case "map-gw":
    case "no-map-gw":
      settings.mapGateway = name === "map-gw";
      break;
    case "tcp-ports":
      settings.tcpPorts.push(parsePortSpec(argument));
      break;
    case "udp-ports":
      settings.udpPorts.push(parsePortSpec(argument));
      break;
    case "tcp-ns":
    case "udp-ns":
      if (argument !== "none") throw new InvalidValue(`--${name} ${argument}: only none is supported`);
      break;
    case "outbound":
      set(settings.outbound, name, argument);
      break;
    case "no-dhcp":
      settings.dhcp = false;
      break;
    case "pcap":
      settings.pcap = argument;
      break;
    case "pid":
      settings.pidFile = argument;
      break;
    case "foreground":
      settings.foreground = true;
      break;
    case "userns": // the owner of the network namespace is asked for
    case "netns-only":
    case "quiet":
    case "stderr":
      break;
  }
}

function set(pair: PerVersion<IpAddress>, option: string, text: string): void {
  const address = IpAddress.tryParse(text);
  if (address === null) throw new InvalidValue(`Invalid --${option}: ${text}`);
  const version: IpVersion = address.version;
  pair[version] = address;
}

function readMtu(text: string): number {
  const mtu = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1;
  if (mtu === 0) return MAX_MTU; // not told to the guest, says pasta
  if (mtu < MIN_MTU || mtu > MAX_MTU) throw new InvalidValue(`Invalid MTU: ${text}`);
  return mtu;
}

/** The bits of a mask: a number of bits, or an IPv4 address whose first bits are set. */
function readMask(text: string): number {
  if (/^[0-9]{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 32) return Number(text);
  const mask = IpAddress.tryParse(text);
  const bits = mask?.version === 4 ? Array.from(mask.bytes, (byte) => byte.toString(2).padStart(8, "0")).join("") : "";
  if (!/^1+0*$/.test(bits)) throw new InvalidValue(`Invalid netmask: ${text}`);
  return bits.lastIndexOf("1") + 1;
}

/** The path of the guest's network namespace. Throws an {@linkcode InvalidValue}. */
function readTarget(words: readonly string[], { netns }: PastaSettings): string {
  if (netns !== null) {
    if (words.length > 0) throw new InvalidValue("Both --netns and PID or command given");
    return netns.includes("/") ? netns : `${NAMED}/${netns}`;
  }
  const [pid, ...more] = words;
  if (pid === undefined || more.length > 0 || !/^[1-9][0-9]{0,9}$/.test(pid)) {
    throw new InvalidValue("pasta needs a PID or --netns: for a command in a new guest, there is `slirpnetstack run`");
  }
  return `/proc/${pid}/ns/net`;
}
