/**
 * The lines that scripts parse, letter by letter. They are a contract: the typo in "Joininig" stays.
 *
 * Each function returns one line without its newline. Lines about the program go to stderr, lines about forwards and
 * connections to stdout.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, type IpAddress } from "../../stack/base/address.ts";
import { type EndReason, EndReport } from "./end_report.ts";
import type { RefusingRule } from "../policy/policy.ts";
import type { NameRefused } from "../policy/names/name_refusals.ts";
import type { PolicyNetwork } from "../policy/range.ts";

/** The networks in lines about connections. */
export type LineNetwork = "tcp" | "udp";

/** The exit statuses of the process. */
export const ExitStatus = {
  /** Ended by SIGINT or SIGTERM, or printed what was asked for. */
  OK: 0,
  /** All failures without a status of their own: a missing permission, a lost device, a fault of the program. */
  FAILURE: 1,
  BAD_FLAGS: 2,
  /** The command can't be executed or is not found; the same statuses as in shells. */
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

/** While no guest has connected yet. */
export function waitingForGuest(path: string): string {
  return `[.] Waiting for the guest on ${path}`;
}

/** Before the guest's device is opened. */
export function openingInterface(name: string): string {
  return `[.] Opening tun interface ${name}`;
}

/** When the metrics server listens. */
export function runningMetrics(pid: number, address: string): string {
  return `[ ] #${pid} Running metrics on ${address}`;
}

/** When everything is set up. */
export function started(pid: number): string {
  return `[+] #${pid} Slirpnetstack started`;
}

/** When `-maxprocs` is given. It exists for scripts of the Go program, whose threads it bounds. */
export function maxprocsIgnored(): string {
  return "[.] -maxprocs has no effect";
}

/** When a signal ends the program. */
export function closing(pid: number): string {
  return `[-] #${pid} Slirpnetstack closing`;
}

/** For any failure that `text` explains by itself. The program ends only if the caller ends it. */
export function problem(text: string): string {
  return `[!] ${oneLine(text)}`;
}

/** When there are no sockets for pings over a version of IP. */
export function noPings(version: 4 | 6, reason: string): string {
  return `[!] No pings over IPv${version}: ${oneLine(reason)}`;
}

/** When the host's resolv.conf exists but can't be read. */
export function nameServersUnreadable(
  path: string,
  reason: string,
  asked: readonly { readonly address: IpAddress }[],
): string {
  const servers = asked.map(({ address }) => `${address}`).join(", ");
  return `[!] ${path} can't be read, so ${servers} is asked for names: ${oneLine(reason)}`;
}

/** When the kernel lacks something that a part of the sandbox needs. */
export function sandboxIncomplete(text: string): string {
  return `[.] -sandbox: ${text}`;
}

/** When the policy refuses a destination, once for each rule and destination. `port`: 0 for ICMP, which has none. */
export function policyRefused(network: PolicyNetwork, address: IpAddress, port: number, rule: RefusingRule): string {
  const where = network === "icmp" ? `${address}` : formatEndpoint({ address, port });
  return `[.] ${network}://${where} refused by the policy: ${WHY_REFUSED[rule]}`;
}

/** The rules in terms of the flags that change them. */
const WHY_REFUSED: Readonly<Record<RefusingRule, string>> = {
  deny: "it is in a range of -deny",
  static: "it is never routed, unless -allow has it",
  host: "it is in the host's own networks, which -enable-host or -allow opens",
  routing: "routing is off, and neither -enable-routing nor -allow opens it",
};

/** The rules of `-only` do not let the guest go to an address. Said once for each destination. */
export function notInRules(network: PolicyNetwork, address: IpAddress, port: number): string {
  const where = network === "icmp" ? `${address}` : formatEndpoint({ address, port });
  return `[.] ${network}://${where} refused by the policy: no rule of -only or -policy has it`;
}

/** A rule has a name in another script: what it is compared as. */
export function nameTurned(written: string, name: string): string {
  return `[.] The name ${oneLine(written)} of a rule is ${name}`;
}

/** A name that the guest asked for, or a port of it. Said once for each. */
export function nameRefused({ network, name, port, reason, shown, isPassed, remedy }: NameRefused): string {
  const where = port === 0 || reason === "stale_address" ? name : `${name}:${port}`;
  const what = shown === null || shown === name ? "" : `, ${shown}`;
  const how = remedy === null ? "" : `; -only ${remedy} would let it`;
  if (isPassed) return `[.] ${network}://${where} let through by -observe${how}`;
  return `[.] ${network}://${where} refused by the policy: ${WHY_NAME_REFUSED[reason]}${what}${how}`;
}

const WHY_NAME_REFUSED: Readonly<Record<NameRefused["reason"], string>> = {
  no_rule: "no rule allows it",
  denied: "a rule denies it",
  never_routed: "it leads to an address that is never routed",
  host_network: "it leads into the host's own networks, which -enable-host or a rule for the address opens",
  stale_address: "the address stands for no name any more",
  name_mismatch: "it shows another name",
  no_name: "it shows no name, or hides it by ECH, which ?ech=on behind the rule's name allows",
  not_tls: "it is not TLS",
  not_http: "it is not HTTP",
  malformed: "what it begins with is malformed",
  too_late: "it did not show a name in time",
  too_long: "what comes before the name is too long",
  limit: "too many names are new, or too many bytes wait for a verdict",
};

/** At the end of `run`: the rules that would let through what was refused. */
export function refusedInAll(rules: readonly string[]): string {
  return `[.] The policy refused some of what the command asked for. To let it: -only '${rules.join(",")}'`;
}

/** At the end of `run` with `-observe`: the rules that would allow what none of the given ones does. */
export function passedInAll(rules: readonly string[]): string {
  return `[.] No rule allows some of what the command used. These would: -only '${rules.join(",")}'`;
}

/** The file of `-learn` could not be written. */
export function policyUnwritten(reason: string): string {
  return `[!] Failed to write the learned policy: ${oneLine(reason)}`;
}

/** The policy's file was read again. */
export function policyReloaded(path: string, generation: number): string {
  return `[.] Policy read again from ${path}: generation ${generation}`;
}

/** The policy's file could not be read again. */
export function policyKept(reason: string): string {
  return `[!] The policy stays as it was: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.BAD_FLAGS}: the policy's file can't be read. */
export function policyFailed(reason: string): string {
  return `[!] Failed to read the policy: ${oneLine(reason)}`;
}

/** When the policy refuses too many different destinations in an hour. */
export function refusalsUnsaid(): string {
  return "[.] The policy refuses too many destinations: no more of them are shown for an hour";
}

/** When the device has gone, or the poller has failed. */
export function noMoreFrames(device: string, reason: string): string {
  return `[!] No more frames from ${device}: ${reason}`;
}

// stderr: fatal errors

/** When Deno permissions are missing. `flags`: the flags of the runtime that give them. */
export function permissionsMissing(flags: readonly string[]): string {
  return `[!] Permissions are missing. Run it as \`deno task start\` does, or with: ${flags.join(" ")}`;
}

/** When the poller can't be made. */
export function pollerFailed(reason: string): string {
  return `[!] Failed to watch descriptors: ${oneLine(reason)}`;
}

/** When `-exit-fd` has no other end to wait for. */
export function exitFdFailed(reason: string): string {
  return `[!] No end can be waited for: ${oneLine(reason)}`;
}

/** When `-user` or `-sandbox` fails. */
export function privilegesKept(reason: string): string {
  return `[!] Failed to give up privileges: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.METRICS}. */
export function metricsFailed(reason: string): string {
  return `[!] Failed to start metrics: ${oneLine(reason)}`;
}

/** The socket of `-api`, or that of slirp4netns' API. */
export function apiFailed(reason: string): string {
  return `[!] Failed to start the API: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.DEVICE}. */
export function deviceFailed(reason: string): string {
  return `Failed to open TUN/TAP: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.DEVICE}, for `run`. */
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

/** When the file of `-log` can't be opened. */
export function logFailed(reason: string): string {
  return `[!] Failed to open log file: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.FAILURE}: the file of `-audit` can't be opened. */
export function auditFailed(reason: string): string {
  return `[!] Failed to open audit file: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.LOCAL_FORWARD} or {@linkcode ExitStatus.REMOTE_FORWARD}. `bind`: `IP:PORT` or `NAME:PORT`. */
export function listenFailed(network: LineNetwork, bind: string, reason: string): string {
  return `[!] Failed to listen on ${network}://${bind}: ${oneLine(reason)}`;
}

/** With {@linkcode ExitStatus.REMOTE_FORWARD}. `reason`: for example `Failed to lookup SRV "NAME" on "SERVER"`. */
export function bindUnresolved(network: LineNetwork, reason: string): string {
  return `[!] Failed to resolve bind address. dns lookup error of ${network} addr: ${oneLine(reason)}`;
}

// stdout: forwards

/** When a local forward listens. */
export function localListen(network: LineNetwork, listener: Endpoint, proxyProtocol: boolean): string {
  return `[+] local-fwd Local ${pp(proxyProtocol)}listen ${network}://${formatEndpoint(listener)}`;
}

/** When a remote forward accepts. An IPv6 address has no brackets in this one line. */
export function remoteAccepting(network: LineNetwork, bind: Endpoint): string {
  return `[+] Accepting on remote side ${network}://${bind.address}:${bind.port}`;
}

// stdout: connections of the guest to anywhere

/** The ends of a connection or UDP association that the guest opened. */
export interface RoutedEnds {
  readonly network: LineNetwork;
  readonly guest: Endpoint;
  /** The ends of the host's socket. */
  readonly hostLocal: Endpoint;
  readonly hostRemote: Endpoint;
}

/** When such a flow is open. */
export function routingNew(ends: RoutedEnds): string {
  return `[+] ${routed(ends)} Routing conn new`;
}

/** When it has ended. */
export function routingDone(ends: RoutedEnds, report: EndReport): string {
  return `[-] ${routed(ends)} Routing conn done: ${report}`;
}

/** When it could not be opened. */
export function routingError(network: LineNetwork, guest: Endpoint, destination: Endpoint, report: EndReport): string {
  return `[!] ${network}://${formatEndpoint(guest)}/${formatEndpoint(destination)} Routing conn error: ${report}`;
}

// stdout: connections of the guest to a remote forward

/** The ends of a connection of the guest to a remote forward. */
export interface RemoteForwardEnds extends RoutedEnds {
  /** The address that the guest connected to. */
  readonly guestDestination: Endpoint;
}

/** When such a flow is open. */
export function remoteForwardNew(ends: RemoteForwardEnds): string {
  return `[+] ${remoteForward(ends)} remote-fwd conn new`;
}

/** When it has ended. */
export function remoteForwardDone(ends: RemoteForwardEnds, report: EndReport): string {
  return `[-] ${remoteForward(ends)} remote-fwd conn done: ${report}`;
}

/** When the target can't be reached. */
export function remoteForwardError(
  ends: Pick<RemoteForwardEnds, "network" | "guest" | "guestDestination">,
  target: Endpoint,
  report: EndReport,
): string {
  return `[!] ${accepted(ends)}/${formatEndpoint(target)} remote-fwd conn error: ${report}`;
}

/** When the target's name does not resolve. `target`: the name as it was written. */
export function remoteForwardUnresolved(
  ends: Pick<RemoteForwardEnds, "network" | "guest" | "guestDestination">,
  target: string,
  reason: string,
): string {
  const { network } = ends;
  return `[!] ${accepted(ends)}/${target}-failed remote-fwd dns lookup error of ${network} addr: ${oneLine(reason)}`;
}

// stdout: connections to a local forward

/** The ends of a connection of a client on the host to a local forward. */
export interface LocalForwardEnds {
  readonly network: LineNetwork;
  readonly client: Endpoint;
  /** The address that the client connected to. */
  readonly listener: Endpoint;
  /** The program's end towards the guest. */
  readonly guestLocal: Endpoint;
  readonly target: Endpoint;
  readonly proxyProtocol: boolean;
}

/** When such a flow is open. */
export function localForwardNew(ends: LocalForwardEnds): string {
  return `[+] ${localForward(ends)} local-fwd ${pp(ends.proxyProtocol)}conn`;
}

/** When it has ended. */
export function localForwardDone(ends: LocalForwardEnds, report: EndReport): string {
  return `[-] ${localForward(ends)} local-fwd ${pp(ends.proxyProtocol)}done: ${report}`;
}

/**
 * When the guest can't be reached, or, with a reason alone, when the client's PROXY header is wrong or the target has no
 * address. `target`: `IP:PORT`, `NAME:PORT` or `NAME-failed`.
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

/** Joins the lines of an error's text to one. */
function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, " ");
}
