/**
 * Builds the guest's network for one run of the program, from the flags and the parts that the system gives.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, type IpAddress } from "../stack/base/address.ts";
import type { Allocate, Device, FramePool } from "../stack/base/device.ts";
import { NOT_IN_USE } from "../stack/base/usage.ts";
import { networkOf } from "./addresses/guest_configuration.ts";
import type { AuditFile } from "./audit/audit_writer.ts";
import type { Capture } from "./capture/capture.ts";
import type { FrameTaker } from "./capture/capturing_device.ts";
import { AllowedNames } from "./dns/allowed_names.ts";
import type { NameServer } from "./dns/host_resolv_conf.ts";
import { NameServers } from "./dns/servers.ts";
import type { Egress } from "./egress/egress.ts";
import type { PolicyControl } from "./egress/policy_control.ts";
import type { HostNetwork } from "./host/host_network.ts";
import { gatewayRanges, hostAddress, pairsOf } from "./host/loopback.ts";
import { IdleReclaim } from "./memory/idle_reclaim.ts";
import { nameServersUnreadable, notInRules, policyRefused, refusalsUnsaid } from "./report/contract_lines.ts";
import { EndReasons } from "./report/end_report.ts";
import { NO_OBSERVERS } from "./report/flow_observers.ts";
import { flowPrinters } from "./report/flow_printer.ts";
import { limitRows } from "./metrics/limit_rows.ts";
import { type ProcessSource, readProcessUsage } from "./metrics/process_figures.ts";
import type { MetricsServer } from "./metrics/server.ts";
import type { DeviceFigures } from "./metrics/source.ts";
import { LocalNames } from "./names/local_names.ts";
import { SystemNames } from "./names/system.ts";
import type { SharedOptions } from "./cli/flags/options.ts";
import type { Output } from "./report/output.ts";
import { mappedPings } from "./icmp/mapped_pings.ts";
import type { PingsOptions } from "./icmp/pings.ts";
import { HostNetworks } from "./policy/host_networks.ts";
import { NameGuard } from "./policy/name_guard.ts";
import { Policy } from "./policy/policy.ts";
import { neverReached, neverRouted } from "./policy/static_list.ts";
import { Refusals } from "./policy/refusals.ts";
import type { ProgramLog } from "./log/program_log.ts";
import type { SpareDescriptors } from "./limits/spare_descriptors.ts";
import type { PortFollowerOptions } from "./forwards/follow/follower.ts";
import { setUpForwards } from "./forwards/setup.ts";
import { ForwardTable } from "./forwards/table.ts";
import { asBound, shownBy } from "./host/shown.ts";
import { Slirp } from "./slirp.ts";
import { StackScheduler } from "./timers/stack_scheduler.ts";

/** Calls to the system, and the parts that the start has opened. */
export interface NetworkParts {
  /** The program's version, for the metrics. */
  readonly version: string;
  readonly device: Device & { readonly counters: DeviceFigures };
  /** The pool of the device's frames. */
  readonly frames: FramePool;
  readonly allocate: Allocate;
  /** The host's network, for the guest's traffic, and for local forwards. */
  readonly host: HostNetwork;
  readonly listeners: HostNetwork;
  /** Sends the guest's pings from the host. */
  readonly pings: PingsOptions["sender"];
  /** Runs a function after all events that are already waiting. */
  readonly defer: (run: () => void) => void;
  /** The time in ms, by `performance.now()`. It may stand still while events are handled. */
  readonly clock: () => number;
  /** The source address of datagrams to `remote`; null: the system does not say. */
  readonly sourceTowards: (remote: Endpoint) => IpAddress | null;
  readonly process: ProcessSource;
  /** Asks the guest's associations for a descriptor when a socket finds none. */
  readonly descriptors: SpareDescriptors;
  /** Gives unused memory back to the system. */
  readonly reclaim: () => void;
  /** Sets a function that is called each time the event loop comes to rest. */
  readonly onRest: (rested: () => void) => void;
  readonly capture: Capture | null;
  /** Writes the file of `-learn`, and returns why that failed; null: it did not. Null: there is none. */
  readonly learn: ((text: string) => string | null) | null;
  /** Gets the lines of the audit; null: there is none. */
  readonly audit: AuditFile | null;
  readonly metrics: MetricsServer | null;
  /** The text of the guest's /proc/net/tcp, tcp6, udp or udp6; null: nothing of the guest is followed. */
  readonly listening: PortFollowerOptions["read"] | null;
  /** The program's log; null: none. */
  readonly log: ProgramLog | null;
  /** Gets the lines about forwards and connections; null: they are switched off. */
  readonly lines: Output | null;
  /** Gets notices while the program serves; null: they are switched off. */
  readonly notices: Output | null;
  /** The process's outputs, for the metrics. */
  readonly outputs: { readonly stdout: Output; readonly stderr: Output };
  /** Gets the list of what the rules refused, at the end; null: nobody wants it. */
  readonly farewell: Output | null;
  /** Sets what is called when the policy's file is to be read again. */
  readonly onReload: (reload: () => void) => void;
  /** Functions that are called at the end, the last first. */
  readonly cleanups: (() => void)[];
}

/** Builds the network with its forwards. Resolves with the taker of the device's frames. Rejects with a StartFailed. */
export async function makeNetwork(options: SharedOptions, parts: NetworkParts): Promise<FrameTaker> {
  const { device, frames, allocate, host, listeners, process, capture, metrics, lines, notices, defer, clock, log } =
    parts;
  const { read } = process;
  const { addresses, manner } = options;
  const now = () => performance.now();
  const logging = log === null ? null : { log, ...await import("./log/watch.ts") };
  const pairs = pairsOf(options);
  const allow = [...options.allow, ...gatewayRanges(pairs)];
  const hostNetworks = new HostNetworks({ read, now });
  const local = new LocalNames(read, now);
  let egress: Egress | undefined, policyControl: PolicyControl | null = null;
  const refusals = notices === null && log === null && options.rules === null ? undefined : new Refusals({
    say: (network, address, port, rule) => {
      const unruled = options.rules !== null && rule === "routing";
      notices?.line(unruled ? notInRules(network, address, port) : policyRefused(network, address, port, rule));
      logging?.logRefusal(logging.log, network, address, port, rule);
      if (unruled && network !== "icmp") egress?.refusals.refusedAddress(network, { address, port });
    },
    sayFull: () => {
      notices?.line(refusalsUnsaid());
      logging?.logRefusalsUnsaid(logging.log);
    },
    now,
  });
  const policy = new Policy({
    ...options,
    allow,
    never: manner.asHost ? neverReached(ownAddresses(options)) : neverRouted([networkOf(addresses)]),
    hostNetworks,
    refusals,
  });
  const scheduler = new StackScheduler(defer, clock);
  const audit = parts.audit === null ? null : (await import("./audit/start.ts")).startAudit(parts.audit, scheduler);
  if (audit !== null) parts.cleanups.push(() => audit.close());
  const metering = metrics === null ? null : new (await import("./slirp_metrics.ts")).Metering(metrics, options);
  const decisions = metering?.countedDecisions(audit) ?? audit;
  if (options.rules !== null) {
    const { startEgress } = await import("./egress/start.ts");
    const problem = (line: string) => parts.outputs.stderr.line(line);
    const started = await startEgress(options, { ...parts, policy, allow, local, now, read, decisions, problem });
    egress = started.egress;
    policyControl = started.control;
  }
  const printed = lines === null ? NO_OBSERVERS : flowPrinters(lines);
  const written = logging === null ? printed : logging.loggedObservers(printed, logging.log);
  const metered = metering?.meteredObservers(written) ?? written;
  const audited = audit === null ? metered : audit.observe(metered);
  const observers = egress?.watch(audited) ?? audited;
  const capturing = capture === null ? null : { capture, ...await import("./capture/capturing_device.ts") };
  const loadEdns = () => import("./dns/edns.ts");
  const isConfined = options.sandbox || options.user !== null; // then modules can't be loaded later
  const slirp = new Slirp({
    device: capturing === null ? device : new capturing.CapturingDevice(device, capturing.capture),
    frames,
    allocate,
    host,
    listeners,
    observers,
    decisions: decisions ?? undefined,
    policy,
    echo: options.icmp !== "auto"
      ? options.icmp
      : pairs.length === 0
      ? parts.pings
      : (handler) => mappedPings(parts.pings(handler), (address) => hostAddress(address, pairs)),
    nameServers: new NameServers({
      read,
      now,
      changed: log === null ? undefined : (servers) => serversTaken(servers, log),
      unreadable: (problem) => {
        const line = nameServersUnreadable(problem.path, problem.reason, problem.asked);
        if (!options.quiet) parts.outputs.stderr.line(line);
        log?.warning("name servers unreadable", { path: problem.path, reason: problem.reason });
      },
    }),
    dnsOnly: options.dnsNames === "allowed" ? new AllowedNames(options.allow) : undefined,
    egress,
    addresses,
    ...manner,
    dns: options.dns,
    edns: options.dns && isConfined ? await loadEdns() : loadEdns,
    dhcp: options.dhcp,
    slaac: options.slaac,
    limits: options.limits,
    descriptors: parts.descriptors,
    reclaim: parts.reclaim,
    scheduler,
    shown: lines === null ? asBound : shownBy(parts.sourceTowards),
  });
  parts.cleanups.push(() => slirp.close());
  const { localTcp, localUdp, remoteUdpAssociations } = slirp;
  const forwards = new ForwardTable({
    localTcp,
    localUdp,
    remoteTcp: { forwards: slirp.remoteTcp, removed: () => {} },
    remoteUdp: {
      forwards: slirp.remoteUdp,
      removed: (forward) => remoteUdpAssociations.endAll(forward, EndReasons.FORWARD_REMOVED),
    },
    guard: new NameGuard(policy, local, hostNetworks),
    line: (text) => lines?.line(text),
    log,
    limit: options.limits.forwards,
    names: new SystemNames(),
    ttl: options.dnsTtl,
    now,
    random: Math.random,
    changed: log === null ? undefined : (name, answer, before) => nameResolved(name, answer, before, log),
  });
  const usage = () => ({
    ...slirp.usage,
    forwards: forwards.usage,
    listedNames: metering?.names.usage ?? NOT_IN_USE,
  });
  parts.onRest(new IdleReclaim(scheduler, () => readProcessUsage(read), () => slirp.reclaimMemory()).rested);
  if (logging !== null) {
    const watch = new logging.LimitWatch(() => limitRows(usage()), logging.log);
    const timer = setInterval(() => watch.look(), logging.LIMITS_INTERVAL_MS);
    parts.cleanups.push(() => clearInterval(timer));
  }
  metering?.show({
    version: parts.version,
    frames,
    capture,
    lines: parts.outputs,
    device: device.counters,
    stack: slirp.stack,
    usage,
    denials: policy.denials,
    dns: slirp.dns?.counters ?? null,
    process,
  });
  await setUpForwards(options.localForwards, options.remoteForwards, forwards);
  if (parts.listening !== null) {
    const { followGuest } = await import("./forwards/follow/start.ts");
    parts.cleanups.push(await followGuest(options, parts.listening, forwards, read));
  }
  const { api, apiSocket } = options;
  if (api !== null || apiSocket !== null) {
    const { startHttpApi, startSlirp4netnsApi } = await import("./forwards/control/start.ts");
    const { cleanups, descriptors: { spare: acceptFailed } } = parts;
    const control = { table: forwards, own: slirp.stack.addresses, policy: policyControl, acceptFailed, cleanups };
    if (api !== null) await startHttpApi(api, control);
    if (apiSocket !== null) await startSlirp4netnsApi(apiSocket, control);
  }
  return capturing === null ? slirp : capturing.captureFrames(slirp, capturing.capture);
}

/** The program's addresses that the host does not have. With other addresses mapped, the gateway may be the host's own. */
function ownAddresses({ addresses: { gateway4, gateway6 }, manner }: SharedOptions): readonly IpAddress[] {
  return manner.mapped === undefined ? [gateway4, gateway6] : [];
}

function serversTaken(servers: readonly NameServer[], log: ProgramLog): void {
  log.info("name servers", {
    servers: servers.map(({ address, zone }) => zone === null ? `${address}` : `${address}%${zone}`),
  });
}

function nameResolved(name: string, answer: Endpoint, before: Endpoint | null, log: ProgramLog): void {
  log.info(before === null ? "name resolved" : "name changed", {
    name,
    endpoint: formatEndpoint(answer),
    before: before === null ? null : formatEndpoint(before),
  });
}
