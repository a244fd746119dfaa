/**
 * The metrics: the name, unit, meaning and source of each.
 *
 * @module
 */
import type { FlowCounters, Outcome } from "../report/outcomes.ts";
import type { DnsCounters, DnsOutcomes } from "../dns/counters.ts";
import { dropSamples } from "./drops.ts";
import { Exposition, type Sample } from "./exposition.ts";
import type { LineNetwork } from "../report/contract_lines.ts";
import type {
  CaptureFigures,
  Denials,
  DeviceFigures,
  FlowGroup,
  LimitFigures,
  LineFigures,
  MetricsSource,
  ProcessFigures,
  StackFigures,
} from "./source.ts";

/** The possible outcomes, by network. */
const OUTCOMES: Readonly<Record<LineNetwork, readonly Outcome[]>> = {
  tcp: ["ok", "reset", "refused", "unreachable", "unresolved", "timeout", "denied", "resources", "cancelled", "other"],
  udp: [
    "ok",
    "expired",
    "evicted",
    "refused",
    "unreachable",
    "unresolved",
    "denied",
    "resources",
    "cancelled",
    "other",
  ],
};

/** All metrics in Prometheus' text format. */
export function renderMetrics(source: MetricsSource): string {
  const { device, stack, process } = source;
  const out = new Exposition();
  out.gauge("slirpnetstack_build_info", "The version that runs.", [{ version: source.version }, 1]);
  connections(out, source.groups, source.denials);
  denials(out, source.denials);
  limits(out, process === null ? source.limits : [...source.limits, descriptors(process, source.groups)]);
  deviceMetrics(out, device);
  out.counter(
    "slirpnetstack_drops_total",
    "Frames, packets and messages dropped, by the layer that did it and its reason.",
    ...dropSamples(device, stack.counters),
  );
  tcp(out, stack);
  udpAndIcmp(out, stack);
  if (source.dns !== null) dns(out, source.dns);
  memory(out, stack);
  lines(out, source.lines);
  if (source.capture !== null) capture(out, source.capture);
  out.histogram(
    "slirpnetstack_event_loop_delay_seconds",
    "How late a timer fired that was set each second.",
    source.eventLoopDelay,
  );
  if (process !== null) processMetrics(out, process);
  return out.toString();
}

function connections(out: Exposition, groups: readonly FlowGroup[], denials: Denials): void {
  const labels = ({ kind, network }: FlowGroup) => ({ kind, network });
  out.gauge(
    "slirpnetstack_open_flows",
    "TCP connections and UDP associations that are open.",
    ...groups.map((group): Sample => [labels(group), group.counters.open]),
  );
  out.counter(
    "slirpnetstack_connections_opened_total",
    "TCP connections and UDP associations that were opened.",
    ...groups.map((group): Sample => [labels(group), group.counters.opened]),
  );
  out.counter(
    "slirpnetstack_connections_total",
    "TCP connections and UDP associations that ended or could not be opened, by outcome.",
    ...groups.flatMap((group) =>
      OUTCOMES[group.network].map((outcome): Sample => {
        const { kind, network, counters } = group;
        const refused = outcome === "denied" ? deniedConnections(group, denials) : 0;
        return [{ kind, network, outcome }, counters.ended[outcome] + refused];
      })
    ),
  );
  associations(out, groups.filter((group) => group.network === "udp"));
}

/**
 * The connections that the policy refused: it counts them itself, because they get no further. For UDP it counts each
 * datagram, not associations, so these are left out.
 */
function deniedConnections({ kind, network }: FlowGroup, denials: Denials): number {
  if (kind !== "routed" || network !== "tcp") return 0;
  return Object.values(denials.tcp ?? {}).reduce((sum, count) => sum + count, 0);
}

function associations(out: Exposition, groups: readonly FlowGroup[]): void {
  const samples = (value: (counters: FlowCounters) => number) =>
    groups.map(({ kind, counters }): Sample => [{ kind }, value(counters)]);
  out.gauge(
    "slirpnetstack_udp_associations",
    "UDP associations that are open.",
    ...samples((counters) => counters.open),
  );
  out.counter(
    "slirpnetstack_udp_associations_opened_total",
    "UDP associations that were opened.",
    ...samples((counters) => counters.opened),
  );
  out.counter(
    "slirpnetstack_udp_associations_expired_total",
    "UDP associations that ended because they were idle.",
    ...samples((counters) => counters.ended.expired),
  );
  out.counter(
    "slirpnetstack_udp_associations_evicted_total",
    "UDP associations that were ended to make room for another.",
    ...samples((counters) => counters.ended.evicted),
  );
}

function denials(out: Exposition, byNetwork: Denials): void {
  const samples = Object.entries(byNetwork).flatMap(([network, byRule]) =>
    Object.entries(byRule).map(([rule, count]): Sample => [{ network, rule }, count])
  );
  out.counter(
    "slirpnetstack_policy_denials_total",
    "SYNs, datagrams and pings of the guest that the policy refused, by the rule that decided.",
    ...samples,
  );
}

function limits(out: Exposition, rows: readonly LimitFigures[]): void {
  const samples = (value: (row: LimitFigures) => number) =>
    rows.map((row): Sample => [{ resource: row.resource }, value(row)]);
  out.gauge("slirpnetstack_limit_current", "How much of each limit is in use.", ...samples(({ current }) => current));
  out.gauge("slirpnetstack_limit_max", "The limits.", ...samples(({ limit }) => limit));
  out.counter(
    "slirpnetstack_limit_overflows_total",
    "Times that a limit was reached, and its rule was applied.",
    ...samples(({ overflows }) => overflows),
  );
}

/** The system's limit of descriptors. Its overflows include every other lack of the system's resources. */
function descriptors(process: ProcessFigures, groups: readonly FlowGroup[]): LimitFigures {
  const { openDescriptors: current, maxDescriptors: limit } = process;
  const overflows = groups.reduce((sum, { counters }) => sum + counters.ended.resources, 0);
  return { resource: "descriptors", current, limit, overflows };
}

function deviceMetrics(out: Exposition, device: DeviceFigures): void {
  out.counter(
    "slirpnetstack_device_packets_total",
    "Frames that passed the guest's device; a large offloaded one counts once.",
    ...eachWay(device.framesIn, device.framesOut),
  );
  out.counter(
    "slirpnetstack_device_bytes_total",
    "Bytes of the frames that passed the guest's device.",
    ...eachWay(device.bytesIn, device.bytesOut),
  );
}

function tcp(out: Exposition, stack: StackFigures): void {
  const { tcp } = stack.counters;
  out.counter(
    "slirpnetstack_tcp_segments_total",
    "TCP segments; a large offloaded one counts once.",
    ...eachWay(tcp.segmentsIn, tcp.segmentsOut),
  );
  single(out, "counter", "slirpnetstack_tcp_retransmissions_total", "TCP segments sent again.", tcp.retransmissions);
  out.counter("slirpnetstack_tcp_resets_total", "TCP resets.", ...eachWay(tcp.resetsIn, tcp.resetsOut));
  single(
    out,
    "counter",
    "slirpnetstack_tcp_timeouts_total",
    "TCP connections that ended because the guest did not answer.",
    tcp.timeouts,
  );
  out.counter(
    "slirpnetstack_tcp_established_total",
    "TCP connections with the guest that became established, by who asked for them.",
    [{ initiator: "guest" }, tcp.accepted],
    [{ initiator: "host" }, tcp.connected],
  );
  single(out, "gauge", "slirpnetstack_tcp_connections", "TCP connections with the guest.", stack.connections);
  single(
    out,
    "gauge",
    "slirpnetstack_tcp_half_open_connections",
    "TCP connections with the guest whose handshake is not complete.",
    stack.halfOpen,
  );
  single(
    out,
    "gauge",
    "slirpnetstack_tcp_waiting_requests",
    "SYNs of the guest that wait for the answer of their destination.",
    stack.requests,
  );
  single(
    out,
    "gauge",
    "slirpnetstack_tcp_time_wait_connections",
    "TCP connections with the guest in TIME-WAIT.",
    stack.timeWaiting,
  );
}

function udpAndIcmp(out: Exposition, stack: StackFigures): void {
  const { udp, icmp, ipv4, ipv6 } = stack.counters;
  out.counter("slirpnetstack_udp_datagrams_total", "UDP datagrams.", ...eachWay(udp.datagramsIn, udp.datagramsOut));
  single(
    out,
    "counter",
    "slirpnetstack_icmp_echo_requests_total",
    "Pings of the guest, both versions of IP.",
    icmp.echoRequests,
  );
  out.counter(
    "slirpnetstack_icmp_errors_total",
    "ICMP errors, both versions of IP.",
    ...eachWay(icmp.errorsIn, icmp.errorsOut),
  );
  out.counter(
    "slirpnetstack_ip_fragments_total",
    "IP fragments, both versions.",
    ...eachWay(ipv4.fragmentsIn + ipv6.fragmentsIn, ipv4.fragmentsOut + ipv6.fragmentsOut),
  );
  single(
    out,
    "counter",
    "slirpnetstack_ip_reassembled_total",
    "IP datagrams reassembled from fragments, both versions.",
    ipv4.reassembled + ipv6.reassembled,
  );
}

function dns(out: Exposition, { inFlight, outcomes }: DnsCounters): void {
  single(
    out,
    "gauge",
    "slirpnetstack_dns_questions",
    "Questions of the guest that wait for an answer from the host's name servers.",
    inFlight,
  );
  const samples = (network: LineNetwork, counts: DnsOutcomes) =>
    Object.entries(counts).map(([outcome, count]): Sample => [{ network, outcome }, count]);
  out.counter(
    "slirpnetstack_dns_questions_total",
    "Questions of the guest to the program's name server, by outcome.",
    ...samples("udp", outcomes.udp),
    ...samples("tcp", outcomes.tcp),
  );
}

function memory(out: Exposition, stack: StackFigures): void {
  single(
    out,
    "gauge",
    "slirpnetstack_reassembly_datagrams",
    "IP datagrams that wait for missing fragments.",
    stack.reassembling,
  );
  single(
    out,
    "gauge",
    "slirpnetstack_buffer_bytes",
    "Memory that the buffers of TCP connections have taken.",
    stack.bufferBytes,
  );
  single(out, "gauge", "slirpnetstack_frames", "Frame buffers in use.", stack.frames);
}

function lines(out: Exposition, { stdout, stderr }: LineFigures): void {
  out.counter(
    "slirpnetstack_dropped_lines_total",
    "Lines that were not written because the reader was too slow.",
    [{ output: "stdout" }, stdout.dropped],
    [{ output: "stderr" }, stderr.dropped],
  );
}

function capture(out: Exposition, figures: CaptureFigures): void {
  single(out, "counter", "slirpnetstack_capture_packets_total", "Packets in the capture.", figures.packets);
  single(
    out,
    "counter",
    "slirpnetstack_capture_dropped_packets_total",
    "Packets that the capture lacks because it could not be written fast enough.",
    figures.dropped,
  );
}

/** Figures of the process, named as Prometheus' own libraries name them. */
function processMetrics(out: Exposition, figures: ProcessFigures): void {
  single(out, "counter", "process_cpu_seconds_total", "User and system time.", figures.cpuSeconds);
  single(out, "gauge", "process_resident_memory_bytes", "Resident memory.", figures.residentBytes);
  single(out, "gauge", "process_virtual_memory_bytes", "Virtual memory.", figures.virtualBytes);
  single(out, "gauge", "process_heap_bytes", "JavaScript's heap in use.", figures.heapBytes);
  single(out, "gauge", "process_open_fds", "Open file descriptors.", figures.openDescriptors);
  single(out, "gauge", "process_max_fds", "The most file descriptors that may be open.", figures.maxDescriptors);
  single(out, "gauge", "process_start_time_seconds", "When the process started, since 1970.", figures.startTime);
}

function single(out: Exposition, type: "counter" | "gauge", name: string, help: string, value: number): void {
  out[type](name, help, [{}, value]);
}

function eachWay(fromGuest: number, toGuest: number): readonly Sample[] {
  return [[{ direction: "from_guest" }, fromGuest], [{ direction: "to_guest" }, toGuest]];
}
