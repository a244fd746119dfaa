/**
 * Metrics of nothing that runs.
 *
 * @module
 */
import { DnsCounters } from "../../../forward/dns/counters.ts";
import { FlowMeter } from "../../../forward/metrics/flows/flow_meter.ts";
import type { FlowRow } from "../../../forward/metrics/flows/flow_rows.ts";
import { NameTable } from "../../../forward/metrics/names/name_table.ts";
import type { MetricsSource } from "../../../forward/metrics/source.ts";
import { Counters } from "../../../stack/base/counters.ts";
import type { TcpCounters } from "../../../stack/tcp/context.ts";

/** All there can be, each number another. */
export class FakeSource implements MetricsSource {
  version = "1.2.3";
  readonly device = { framesIn: 11, bytesIn: 12e9, dropsIn: 13, framesOut: 14, bytesOut: 15, dropsOut: 16 };
  readonly stack = {
    counters: { ...new Counters(), tcp: newTcpCounters() },
    connections: 21,
    halfOpen: 22,
    requests: 23,
    timeWaiting: 24,
    reassembling: 25,
    bufferBytes: 26,
    frames: 27,
  };
  readonly meters = {
    routedTcp: new FlowMeter("routed", "tcp"),
    routedUdp: new FlowMeter("routed", "udp"),
    localTcp: new FlowMeter("local-fwd", "tcp"),
  };
  readonly groups = Object.values(this.meters);
  readonly denials = { tcp: { deny: 1, static: 2, host: 3, routing: 4 }, udp: { deny: 5 }, icmp: { deny: 0 } };
  readonly dns = new DnsCounters();
  readonly limits = [{ resource: "dials", current: 71, limit: 72, overflows: 73 }];
  readonly eventLoopDelay = { bounds: [0.001, 0.5], counts: [3, 2, 1], sum: 1.75 };
  process: MetricsSource["process"] = {
    cpuSeconds: 1.25,
    residentBytes: 5e7,
    virtualBytes: 7e10,
    openDescriptors: 31,
    heapBytes: 3_000_000,
    maxDescriptors: Infinity,
    startTime: 1_700_000_000.5,
  };
  capture: MetricsSource["capture"] = { packets: 41, dropped: 42 };
  readonly lines = { stdout: { dropped: 43 }, stderr: { dropped: 44 } };
  readonly names = new NameTable(4, true);
  rows: FlowRow[] = [];

  flows(): Iterable<FlowRow> {
    return this.rows;
  }
}

function newTcpCounters(): TcpCounters {
  return {
    segmentsIn: 0,
    segmentsOut: 0,
    malformed: 0,
    badChecksum: 0,
    retransmissions: 0,
    resetsIn: 0,
    resetsOut: 0,
    accepted: 0,
    connected: 0,
    timeouts: 0,
    overflows: 0,
    halfOpenEvicted: 0,
    connectionsRefused: 0,
  };
}

/** A row of a flow. */
export function rowOf(guest: string): FlowRow {
  return {
    kind: "routed",
    network: "tcp",
    guest,
    destination: "192.0.2.1:80",
    name: null,
    rule: null,
    host: "198.51.100.1:5000",
    host_peer: "192.0.2.1:80",
    state: "ESTABLISHED",
    bytes_from_guest: 1,
    bytes_to_guest: 2,
    age_seconds: 0.5,
    buffered_bytes: 3,
  };
}
