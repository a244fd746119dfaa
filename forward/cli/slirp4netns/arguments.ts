/**
 * Reads slirp4netns' command line. Options take effect one after the other, so the first that ends the program, be it by
 * help or by an error, decides.
 *
 * @module
 */
import { type FoundOption, getoptLong } from "../getopt_long.ts";
import { SLIRP4NETNS_OPTIONS, type Slirp4netnsOption, slirp4netnsUsage, slirp4netnsVersion } from "./option_table.ts";

/** The options of a command line, each checked by itself. */
export interface Slirp4netnsSettings {
  configure: boolean;
  exitFd: number | null;
  readyFd: number | null;
  /** In bytes, 1 to 65521. */
  mtu: number;
  enableIpv6: boolean;
  apiSocket: string | null;
  cidr: string;
  disableHostLoopback: boolean;
  /** As it was typed. */
  netnsType: string | null;
  usernsPath: string | null;
  enableSandbox: boolean;
  outboundAddr: string | null;
  outboundAddr6: string | null;
  disableDns: boolean;
  macAddress: string | null;
  /** Whether the guest connects to a Unix socket. */
  bess: boolean;
}

/** The guest that the words name, and the device in it. */
export type Slirp4netnsTarget =
  | { readonly kind: "pid"; readonly pid: number; readonly tap: string }
  | { readonly kind: "path"; readonly path: string; readonly tap: string }
  /** The file descriptor of a tap. */
  | { readonly kind: "tapfd"; readonly fd: number }
  /** The path of a socket to listen on. */
  | { readonly kind: "bess"; readonly path: string };

/** What {@linkcode readSlirp4netns} found. Texts end with a newline, or are empty. */
export type Slirp4netnsArguments =
  | {
    readonly kind: "end";
    readonly status: number;
    readonly stdout: string;
    readonly stderr: string;
  }
  | {
    readonly kind: "start";
    readonly settings: Slirp4netnsSettings;
    readonly target: Slirp4netnsTarget;
    /** Warnings, for stdout. */
    readonly stdout: string;
  };

/** What the command line is read with. */
export interface Slirp4netnsContext {
  /** This program's version. */
  readonly version: string;
  /** Why there is no such path; null: there is one. */
  readonly missing: (path: string) => string | null;
}

/** Reads the arguments after the program's name. */
export function readSlirp4netns(args: readonly string[], context: Slirp4netnsContext): Slirp4netnsArguments {
  const { options, words, error } = getoptLong(args, SLIRP4NETNS_OPTIONS);
  let warnings = "";
  const failed = (message: string): Slirp4netnsArguments => ({
    kind: "end",
    status: 1,
    stdout: warnings + slirp4netnsUsage(),
    stderr: message === "" ? "" : `${message}\n`,
  });
  const settings: Slirp4netnsSettings = {
    configure: false,
    exitFd: null,
    readyFd: null,
    mtu: 1500,
    enableIpv6: false,
    apiSocket: null,
    cidr: "10.0.2.0/24",
    disableHostLoopback: false,
    netnsType: null,
    usernsPath: null,
    enableSandbox: false,
    outboundAddr: null,
    outboundAddr6: null,
    disableDns: false,
    macAddress: null,
    bess: false,
  };
  for (const option of options) {
    const ended = (stdout: string) => ({ kind: "end", status: 0, stdout: warnings + stdout, stderr: "" } as const);
    if (option.name === "help") return ended(slirp4netnsUsage());
    if (option.name === "version") return ended(slirp4netnsVersion(context.version));
    const warning = WARNINGS[option.name];
    if (warning !== undefined) warnings += `WARNING: ${warning}\n`;
    const message = take(option, settings, context);
    if (message !== null) return failed(message);
  }
  if (error !== null) return failed(`slirp4netns: ${error}`);
  const target = readTarget(words, settings, context);
  if (typeof target === "string") return failed(target);
  const more = words.slice(2);
  if (more.length > 0) warnings += `WARNING: these words are ignored: ${more.join(" ")}\n`;
  return { kind: "start", settings, target, stdout: warnings };
}

/** What slirp4netns says of options that it calls experimental, or by which it was called in the past. */
const WARNINGS: Partial<Record<Slirp4netnsOption, string>> = {
  "enable-ipv6": "IPv6 is experimental in slirp4netns",
  "enable-seccomp": "seccomp is experimental in slirp4netns",
  "outbound-addr": "--outbound-addr is experimental in slirp4netns",
  "outbound-addr6": "--outbound-addr6 is experimental in slirp4netns",
  "no-host-loopback": "--no-host-loopback is the older name of --disable-host-loopback",
  "create-sandbox": "--create-sandbox is the older name of --enable-sandbox",
};

/** Puts an option into the settings. Returns what is wrong with it; null: nothing. */
function take(
  { name, argument }: FoundOption<Slirp4netnsOption>,
  settings: Slirp4netnsSettings,
  { missing }: Slirp4netnsContext,
): string | null {
  switch (name) {
    case "configure":
      settings.configure = true;
      break;
    case "exit-fd":
    case "ready-fd": {
      const fd = integer(argument);
      if (fd === null || fd < 0) return `${name} must be a non-negative integer`;
      settings[name === "exit-fd" ? "exitFd" : "readyFd"] = fd;
      break;
    }
    case "mtu": {
      const mtu = integer(argument);
      if (mtu === null || mtu < 1 || mtu > MAX_MTU) return `MTU must be a positive integer (< ${MAX_MTU + 1})`;
      settings.mtu = mtu;
      break;
    }
    case "enable-ipv6":
      settings.enableIpv6 = true;
      break;
    case "api-socket":
      settings.apiSocket = argument;
      break;
    case "cidr":
      settings.cidr = argument;
      break;
    case "disable-host-loopback":
    case "no-host-loopback":
      settings.disableHostLoopback = true;
      break;
    case "netns-type":
      settings.netnsType = argument;
      break;
    case "userns-path":
      if (missing(argument) !== null) return `userns path doesn't exist: ${argument}`;
      settings.usernsPath = argument;
      break;
    case "enable-sandbox":
    case "create-sandbox":
    case "enable-seccomp":
      settings.enableSandbox = true;
      break;
    case "outbound-addr":
      settings.outboundAddr = argument;
      break;
    case "outbound-addr6":
      settings.outboundAddr6 = argument;
      break;
    case "disable-dns":
      settings.disableDns = true;
      break;
    case "macaddress":
      settings.macAddress = argument;
      break;
    case "target-type":
      if (argument !== "netns" && argument !== "bess") return '--target-type must be either "netns" or "bess"';
      settings.bess = argument === "bess";
      break;
  }
  return null;
}

/** The largest MTU: a packet of 65,535 bytes less an Ethernet header. */
const MAX_MTU = 65_521;

/** A decimal number as strtol(3) takes it, and nothing behind it; null: the text is none. */
function integer(text: string): number | null {
  return /^\s*[+-]?[0-9]{1,15}$/.test(text) ? Number(text) : null;
}

/** The guest that the words name; otherwise what is wrong, empty: nothing but the usage says it. */
function readTarget(
  words: readonly string[],
  settings: Slirp4netnsSettings,
  { missing }: Slirp4netnsContext,
): Slirp4netnsTarget | string {
  const { bess, netnsType, usernsPath, configure, macAddress } = settings;
  const [first, tap] = words;
  if (bess) {
    if (first === undefined) return "";
    if (words.length > 1) return "too many arguments";
    const conflicts = {
      "--configure": configure,
      "--netns-type": netnsType !== null,
      "--userns-path": usernsPath !== null,
    };
    const conflict = Object.entries(conflicts).find(([, given]) => given)?.[0];
    return conflict === undefined ? { kind: "bess", path: first } : `${conflict} conflicts with --target-type=bess`;
  }
  if (first === undefined || (tap === undefined && netnsType !== "tapfd")) return "";
  if (macAddress !== null && !configure) return "--macaddr cannot be specified when --configure or -c is not specified";
  if (netnsType === null || netnsType === "pid") {
    const pid = integer(first);
    return pid === null || pid < 1 ? "PID must be a positive integer" : { kind: "pid", pid, tap };
  }
  if (netnsType === "tapfd") {
    const fd = integer(first);
    return fd === null || fd < 0 ? "tapfd must be a non-negative integer" : { kind: "tapfd", fd };
  }
  const reason = missing(first);
  return reason === null
    ? { kind: "path", path: first, tap }
    : `existing path expected when --netns-type=path: ${reason}`;
}
