/**
 * The guest's network of one run of the program: what the flags ask for, made of what the system gives.
 *
 * @module
 */
import { type Endpoint, formatEndpoint, type IpAddress } from "../stack/base/address.ts";
import type { Allocate, Device, FramePool } from "../stack/base/device.ts";
import type { Capture } from "./capture/capture.ts";
import { captureFrames, CapturingDevice, type FrameTaker } from "./capture/capturing_device.ts";
import { AllowedNames } from "./dns/allowed_names.ts";
import type { NameServer } from "./dns/host_resolv_conf.ts";
import { NameServers } from "./dns/servers.ts";
import type { HostNetwork } from "./host/port.ts";
import { gatewayRanges, LOOPBACKS } from "./host/loopback.ts";
import { IdleReclaim } from "./memory/idle_reclaim.ts";
import { nameServersUnreadable, policyRefused, refusalsUnsaid } from "./report/contract_lines.ts";
import { logLines, NO_LOGS } from "./report/reporters.ts";
import { limitRows } from "./metrics/limit_rows.ts";
import { EventLoopDelay } from "./metrics/event_loop_delay.ts";
import { meteredLogs } from "./metrics/flows/metered_logs.ts";
import { type ProcessSource, readProcessUsage } from "./metrics/process_figures.ts";
import type { MetricsServer } from "./metrics/server.ts";
import { SlirpSource } from "./slirp_metrics.ts";
import type { DeviceFigures } from "./metrics/source.ts";
import { LocalNames } from "./names/local_names.ts";
import { SystemNames } from "./names/system.ts";
import type { SharedOptions } from "./cli/flags/options.ts";
import type { Output } from "./report/output.ts";
import type { PingsOptions } from "./icmp/pings.ts";
import { HostNetworks } from "./policy/host_networks.ts";
import { NameGuard } from "./policy/name_guard.ts";
import { Policy } from "./policy/policy.ts";
import { Refusals } from "./policy/refusals.ts";
import type { ProgramLog } from "./log/program_log.ts";
import { LIMITS_INTERVAL_MS, LimitWatch, loggedLogs, loggedPolicy } from "./log/watch.ts";
import type { SpareDescriptors } from "./limits/spare_descriptors.ts";
import { setUpForwards } from "./forwards/setup.ts";
import { asBound, shownBy } from "./host/shown.ts";
import { Slirp } from "./slirp.ts";
import { StackScheduler } from "./timers/stack_scheduler.ts";
import { version } from "./cli/version.ts";

/** What the system gives. */
export interface NetworkParts {
  readonly device: Device & { readonly counters: DeviceFigures };
  /** The pool that the device's frames are from. */
  readonly frames: FramePool;
  readonly allocate: Allocate;
  /** Where the guest's connections and datagrams go out, and where local forwards listen. */
  readonly host: HostNetwork;
  readonly listeners: HostNetwork;
  /** The host's pings. */
  readonly pings: PingsOptions["sender"];
  /** Puts off work to after the events that there are. */
  readonly defer: (run: () => void) => void;
  /** The time in ms, by `performance.now()`; while events are handled it may stand still. */
  readonly clock: () => number;
  /** The address that datagrams to `remote` come from; null where the system has none to say. */
  readonly sourceTowards: (remote: Endpoint) => IpAddress | null;
  readonly process: ProcessSource;
  /** Where the host's sockets that find no descriptor ask for one. */
  readonly descriptors: SpareDescriptors;
  /** Gives memory that nothing refers to any more back to the system. */
  readonly reclaim: () => void;
  /** Calls back each time that the event loop has nothing to do. */
  readonly onRest: (rested: () => void) => void;
  readonly capture: Capture | null;
  readonly metrics: MetricsServer | null;
  /** The program's log; null: none. */
  readonly log: ProgramLog | null;
  /** For lines about forwards and connections; null: nobody wants them. */
  readonly lines: Output | null;
  /** For what the user should know of while the program serves; null: nobody wants it. */
  readonly notices: Output | null;
  /** The process's outputs, to be counted. */
  readonly outputs: { readonly stdout: Output; readonly stderr: Output };
  /** Called at the end, the last first. */
  readonly cleanups: (() => void)[];
}

/** Makes it, with its forwards. Resolves with what takes the device's frames. Rejects with a {@linkcode StartFailed}. */
export async function makeNetwork(options: SharedOptions, parts: NetworkParts): Promise<FrameTaker> {
  const { device, frames, allocate, host, listeners, process, capture, metrics, lines, notices, defer, clock, log } =
    parts;
  const { read } = process;
  const now = () => performance.now();
  const allow = options.hostLoopback ? [...options.allow, ...gatewayRanges(LOOPBACKS)] : options.allow;
  const hostNetworks = new HostNetworks({ read, now });
  const refusals = notices === null ? undefined : new Refusals({
    say: (...refusal) => notices.line(policyRefused(...refusal)),
    sayFull: () => notices.line(refusalsUnsaid()),
    now,
  });
  const policy = new Policy({ ...options, allow, hostNetworks, refusals });
  const printed = lines === null ? NO_LOGS : logLines(lines);
  const written = log === null ? printed : loggedLogs(printed, log);
  const { logs, meters } = metrics === null ? { logs: written, meters: [] } : meteredLogs(written);
  const scheduler = new StackScheduler(defer, clock);
  const slirp = new Slirp({
    device: capture === null ? device : new CapturingDevice(device, capture),
    ...{ frames, allocate, host, listeners, logs },
    policy: log === null ? policy : loggedPolicy(policy, log),
    echo: options.icmp === "auto" ? parts.pings : options.icmp,
    nameServers: new NameServers({
      read,
      now,
      changed: log === null ? undefined : (servers) => serversTaken(servers, log),
      unreadable: (problem) => {
        const line = nameServersUnreadable(problem);
        if (!options.quiet) parts.outputs.stderr.line(line);
        log?.warning("name servers unreadable", { path: problem.path, reason: problem.reason });
      },
    }),
    dnsOnly: options.dnsNames === "allowed" ? new AllowedNames(options.allow) : undefined,
    ...{ dns: options.dns, dhcp: options.dhcp, slaac: options.slaac },
    limits: options.limits,
    descriptors: parts.descriptors,
    reclaim: parts.reclaim,
    scheduler,
    shown: lines === null ? asBound : shownBy(parts.sourceTowards),
  });
  parts.cleanups.push(() => slirp.close());
  parts.onRest(new IdleReclaim(scheduler, () => readProcessUsage(read), () => slirp.reclaimMemory()).rested);
  if (log !== null) {
    const watch = new LimitWatch(() => limitRows(slirp.usage), log);
    const timer = setInterval(() => watch.look(), LIMITS_INTERVAL_MS);
    parts.cleanups.push(() => clearInterval(timer));
  }
  metrics?.show(
    new SlirpSource({
      ...{ version, frames, meters, capture, lines: parts.outputs },
      device: device.counters,
      stack: slirp.stack,
      usage: () => slirp.usage,
      denials: policy.denials,
      dns: slirp.dns?.counters ?? null,
      eventLoopDelay: new EventLoopDelay(),
      process,
    }),
  );
  await setUpForwards(options.localForwards, options.remoteForwards, {
    localTcp: slirp.localTcp,
    localUdp: slirp.localUdp,
    remoteTcp: slirp.remoteTcp,
    remoteUdp: slirp.remoteUdp,
    guard: new NameGuard(policy, new LocalNames(read), hostNetworks),
    line: (text) => lines?.line(text),
    names: new SystemNames(),
    ttl: options.dnsTtl,
    now,
    random: Math.random,
    changed: log === null ? undefined : (name, answer, before) => nameResolved(name, answer, before, log),
  });
  return capture === null ? slirp : captureFrames(slirp, capture);
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
