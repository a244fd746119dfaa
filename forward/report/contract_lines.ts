/**
 * The lines that scripts read, letter by letter. They are a contract: the typo in "Joininig" stays.
 *
 * All functions give one line without its newline. What goes to stderr tells of the program, what goes to stdout tells
 * of forwards and connections.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, type IpAddress } from "../../stack/base/address.ts";
import { type EndReason, EndReport } from "./end_report.ts";
import type { RefusingRule } from "../policy/policy.ts";
import type { PolicyNetwork } from "../policy/range.ts";

/** The networks of lines about connections. */
export type LineNetwork = "tcp" | "udp";

/** Statuses that the process ends with. */
export const ExitStatus = {
  /** SIGINT or SIGTERM. */
  OK: 0,
  /** All failures without a status of their own: a missing permission, a lost device, a fault of the program. */
  FAILURE: 1,
  BAD_FLAGS: 2,
  /** As shells say it of a command. */
  NOT_EXECUTABLE: 126,
  NOT_FOUND: 127,
  REMOTE_FORWARD: 246,
  LOCAL_FORWARD: 247,
  PCAP: 250,
  FD_AND_NETNS: 252,
  DEVICE: 253,
  METRICS: 254,
} as const;

// stderr: start and end

/** Before the guest's namespace is entered. */
export function joiningNetns(path: string): string {
  return `[.] Joininig netns ${path}`;
}

/** Before the guest's device is opened. */
export function openingInterface(name: string): string {
  return `[.] Opening tun interface ${name}`;
}

/** The metrics server listens. */
export function runningMetrics(pid: number, address: string): string {
  return `[ ] #${pid} Running metrics on ${address}`;
}

/** All is set up. */
export function started(pid: number): string {
  return `[+] #${pid} Slirpnetstack started`;
}

/** The flag is there for scripts of the Go program, whose threads it bounds. */
export function maxprocsIgnored(): string {
  return "[.] -maxprocs has no effect";
}

/** A signal asked for the end. */
export function closing(pid: number): string {
  return `[-] #${pid} Slirpnetstack closing`;
}

/** Whatever goes wrong and has a text that says it all; a line of its own, and the end only where that follows. */
export function problem(text: string): string {
  return `[!] ${oneLine(text)}`;
}

/** A version of IP has no sockets for pings. */
export function noPings(version: 4 | 6, reason: string): string {
  return `[!] No pings over IPv${version}: ${oneLine(reason)}`;
}

/** The host's resolv.conf is there and can't be read. */
export function nameServersUnreadable(
  path: string,
  reason: string,
  asked: readonly { readonly address: IpAddress }[],
): string {
  const servers = asked.map(({ address }) => `${address}`).join(", ");
  return `[!] ${path} can't be read, so ${servers} is asked for names: ${oneLine(reason)}`;
}

/** The kernel has not what one part of the sandbox needs. */
export function sandboxIncomplete(text: string): string {
  return `[.] -sandbox: ${text}`;
}

/** The guest may not go there. Said once for each rule and destination. `port`: 0 for ICMP, which has none. */
export function policyRefused(network: PolicyNetwork, address: IpAddress, port: number, rule: RefusingRule): string {
  const where = network === "icmp" ? `${address}` : formatEndpoint({ address, port });
  return `[.] ${network}://${where} refused by the policy: ${WHY_REFUSED[rule]}`;
}

/** The rules in the words of those who may change the flags. */
const WHY_REFUSED: Readonly<Record<RefusingRule, string>> = {
  deny: "it is in a range of -deny",
  static: "it is never routed, unless -allow has it",
  host: "it is in the host's own networks, which -enable-host or -allow opens",
  routing: "routing is off, and neither -enable-routing nor -allow opens it",
};

/** Too many different ones in an hour. */
export function refusalsUnsaid(): string {
  return "[.] The policy refuses too many destinations: no more of them are shown for an hour";
}

/** The device has gone, or what waits for it is broken. */
export function noMoreFrames(device: string, reason: string): string {
  return `[!] No more frames from ${device}: ${reason}`;
}

// stderr: fatal errors

/** `flags`: those of the runtime that would give them. */
export function permissionsMissing(flags: readonly string[]): string {
  return `[!] Permissions are missing. Run it as \`deno task start\` does, or with: ${flags.join(" ")}`;
}

/** What waits for descriptors can't be made. */
export function pollerFailed(reason: string): string {
  return `[!] Failed to watch descriptors: ${oneLine(reason)}`;
}

/** `-exit-fd` has no other end. */
export function exitFdFailed(reason: string): string {
  return `[!] No end can be waited for: ${oneLine(reason)}`;
}

/** `-user` or `-sandbox` can't be had. */
export function privilegesKept(reason: string): string {
  return `[!] Failed to give up privileges: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.METRICS}. */
export function metricsFailed(reason: string): string {
  return `[!] Failed to start metrics: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.DEVICE}. */
export function deviceFailed(reason: string): string {
  return `Failed to open TUN/TAP: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.DEVICE}, where the guest is to be made. */
export function guestFailed(reason: string): string {
  return `[!] Failed to make the guest: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.NOT_FOUND} or {@linkcode ExitStatus.NOT_EXECUTABLE}. */
export function commandFailed(command: string, reason: string): string {
  return `[!] Failed to run ${command}: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.FD_AND_NETNS}. */
export function fdAndNetns(): string {
  return "Please specify either -fd or -netns";
}

/** With {@linkcode ExitStatus.PCAP}. */
export function pcapFailed(reason: string): string {
  return `[!] Failed to open PCAP file: ${oneLine(reason)}`;
}

/** The file of `-log`. */
export function logFailed(reason: string): string {
  return `[!] Failed to open log file: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.LOCAL_FORWARD}. `bind`: where to, as `IP:PORT` or `NAME:PORT`. */
export function listenFailed(network: LineNetwork, bind: string, reason: string): string {
  return `[!] Failed to listen on ${network}://${bind}: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.REMOTE_FORWARD}. `reason`: `Failed to lookup SRV "NAME" on "SERVER"`, for one. */
export function bindUnresolved(network: LineNetwork, reason: string): string {
  return `[!] Failed to resolve bind address. dns lookup error of ${network} addr: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.REMOTE_FORWARD}: every port that may stand for port 0 is taken on that address. */
export function bindExhausted(network: LineNetwork, address: IpAddress): string {
  return `[!] Failed to listen on ${network}://${formatEndpoint({ address, port: 0 })}: no free port`;
}

// stdout: forwards

/** A local forward listens. */
export function localListen(network: LineNetwork, listener: Endpoint, proxyProtocol: boolean): string {
  return `[+] local-fwd Local ${pp(proxyProtocol)}listen ${network}://${formatEndpoint(listener)}`;
}

/** A remote forward accepts. IPv6 stands without brackets in this one line. */
export function remoteAccepting(network: LineNetwork, bind: Endpoint): string {
  return `[+] Accepting on remote side ${network}://${bind.address}:${bind.port}`;
}

// stdout: connections of the guest to anywhere

/** A connection that the guest asked for, or its association with a peer for UDP. */
export interface RoutedEnds {
  readonly network: LineNetwork;
  readonly guest: Endpoint;
  /** The ends of the host's socket. */
  readonly hostLocal: Endpoint;
  readonly hostRemote: Endpoint;
}

/** It is open. */
export function routingNew(ends: RoutedEnds): string {
  return `[+] ${routed(ends)} Routing conn new`;
}

/** It is over. */
export function routingDone(ends: RoutedEnds, report: EndReport): string {
  return `[-] ${routed(ends)} Routing conn done: ${report}`;
}

/** It did not come about. */
export function routingError(network: LineNetwork, guest: Endpoint, destination: Endpoint, report: EndReport): string {
  return `[!] ${network}://${formatEndpoint(guest)}/${formatEndpoint(destination)} Routing conn error: ${report}`;
}

// stdout: connections of the guest to a remote forward

/** A connection of the guest to a remote forward. */
export interface RemoteForwardEnds extends RoutedEnds {
  /** What the guest connected to. */
  readonly guestDestination: Endpoint;
}

/** It is open. */
export function remoteForwardNew(ends: RemoteForwardEnds): string {
  return `[+] ${remoteForward(ends)} remote-fwd conn new`;
}

/** It is over. */
export function remoteForwardDone(ends: RemoteForwardEnds, report: EndReport): string {
  return `[-] ${remoteForward(ends)} remote-fwd conn done: ${report}`;
}

/** The target did not answer. */
export function remoteForwardError(
  ends: Pick<RemoteForwardEnds, "network" | "guest" | "guestDestination">,
  target: Endpoint,
  report: EndReport,
): string {
  return `[!] ${accepted(ends)}/${formatEndpoint(target)} remote-fwd conn error: ${report}`;
}

/** The target's name did not resolve. `target`: the name as it was written. */
export function remoteForwardUnresolved(
  ends: Pick<RemoteForwardEnds, "network" | "guest" | "guestDestination">,
  target: string,
  reason: string,
): string {
  const { network } = ends;
  return `[!] ${accepted(ends)}/${target}-failed remote-fwd dns lookup error of ${network} addr: ${oneLine(reason)}`;
}

// stdout: connections to a local forward

/** A connection of a client on the host to a local forward. */
export interface LocalForwardEnds {
  readonly network: LineNetwork;
  readonly client: Endpoint;
  /** What the client connected to. */
  readonly listener: Endpoint;
  /** The end that the program plays towards the guest. */
  readonly guestLocal: Endpoint;
  readonly target: Endpoint;
  readonly proxyProtocol: boolean;
}

/** It is open. */
export function localForwardNew(ends: LocalForwardEnds): string {
  return `[+] ${localForward(ends)} local-fwd ${pp(ends.proxyProtocol)}conn`;
}

/** It is over. */
export function localForwardDone(ends: LocalForwardEnds, report: EndReport): string {
  return `[-] ${localForward(ends)} local-fwd ${pp(ends.proxyProtocol)}done: ${report}`;
}

/**
 * The guest did not answer, or (a reason alone) the client's PROXY header was wrong, or the target has no address. `target`:
 * where to, as `IP:PORT`, `NAME:PORT` or `NAME-failed`.
 */
export function localForwardError(
  ends: Omit<LocalForwardEnds, "guestLocal" | "target">,
  target: string,
  reason: EndReport | EndReason,
): string {
  const { network, client, listener, proxyProtocol } = ends;
  const who = `${network}://${formatEndpoint(client)}-${formatEndpoint(listener)}/${target}`;
  return `[!] ${who} local-fwd ${pp(proxyProtocol)}error: ${
    oneLine(reason instanceof EndReport ? String(reason) : reason.text)
  }`;
}

function pp(proxyProtocol: boolean): string {
  return proxyProtocol ? "PP " : "";
}

function routed({ network, guest, hostLocal, hostRemote }: RoutedEnds): string {
  return `${network}://${formatEndpoint(guest)}/${formatEndpoint(hostLocal)}-${formatEndpoint(hostRemote)}`;
}

function accepted(ends: Pick<RemoteForwardEnds, "network" | "guest" | "guestDestination">): string {
  return `${ends.network}://${formatEndpoint(ends.guest)}-${formatEndpoint(ends.guestDestination)}`;
}

function remoteForward(ends: RemoteForwardEnds): string {
  return `${accepted(ends)}/${formatEndpoint(ends.hostLocal)}-${formatEndpoint(ends.hostRemote)}`;
}

function localForward({ network, client, listener, guestLocal, target }: LocalForwardEnds): string {
  const asked = `${formatEndpoint(client)}-${formatEndpoint(listener)}`;
  return `${network}://${asked}/${formatEndpoint(guestLocal)}-${formatEndpoint(target)}`;
}

/** An error's text may have several lines; a line must not. */
function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, " ");
}
