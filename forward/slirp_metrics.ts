/**
 * The figures of a running {@linkcode Slirp} for the metrics' server, with the modules that only the metrics need.
 *
 * @module
 */
import type { FramePool } from "../stack/base/device.ts";
import type { Stack } from "../stack/stack.ts";
import type { DnsCounters } from "./dns/counters.ts";
import type { LimitUsage } from "./limits/limits.ts";
import type { HistogramFigures } from "./metrics/exposition.ts";
import { EventLoopDelay } from "./metrics/event_loop_delay.ts";
import { countedDecisions } from "./metrics/names/counted_decisions.ts";
import { NameTable } from "./metrics/names/name_table.ts";
import type { MetricsServer } from "./metrics/server.ts";
import { meteredObservers } from "./metrics/flows/metered_observers.ts";
import type { SharedOptions } from "./cli/flags/options.ts";
import type { DecisionObserver } from "./report/decisions.ts";
import type { FlowObservers } from "./report/flow_observers.ts";
import type { FlowMeter } from "./metrics/flows/flow_meter.ts";
import { type FlowRow, flowRow } from "./metrics/flows/flow_rows.ts";
import { limitRows } from "./metrics/limit_rows.ts";
import { type ProcessSource, readProcessFigures } from "./metrics/process_figures.ts";
import type {
  CaptureFigures,
  Denials,
  DeviceFigures,
  FlowGroup,
  LimitFigures,
  LineFigures,
  MetricsSource,
  NamesSource,
  ProcessFigures,
  StackFigures,
} from "./metrics/source.ts";

/** The sources of the figures of a {@linkcode SlirpSource}. */
export interface SlirpSourceOptions {
  readonly version: string;
  /** The device's counters. */
  readonly device: DeviceFigures;
  readonly frames: FramePool;
  readonly stack: Stack;
  /** Returns how much of each limit is in use now. */
  readonly usage: () => LimitUsage;
  readonly meters: readonly FlowMeter[];
  readonly names: NamesSource;
  readonly denials: Denials;
  readonly dns: DnsCounters | null;
  readonly eventLoopDelay: HistogramFigures;
  readonly process: ProcessSource;
  readonly capture: CaptureFigures | null;
  readonly lines: LineFigures;
}

/** Counts for the metrics, from before there is a network until its figures are shown. */
export class Metering {
  readonly names: NameTable;
  private meters: readonly FlowMeter[] = [];

  /** @param options the limit of listed names, and whether rules for names decide */
  constructor(private readonly metrics: MetricsServer, options: Pick<SharedOptions, "limits" | "rules">) {
    this.names = new NameTable(options.limits.listedNames, options.rules !== null);
  }

  /** Wraps the observer of decisions; null: there is none. */
  countedDecisions(audit: DecisionObserver | null): DecisionObserver {
    return countedDecisions(audit, this.names);
  }

  /** Wraps the observers of flows. */
  meteredObservers(observers: FlowObservers): FlowObservers {
    const metered = meteredObservers(observers, this.names);
    this.meters = metered.meters;
    return metered.observers;
  }

  /** From now on, the server shows the figures. */
  show(options: Omit<SlirpSourceOptions, "meters" | "names" | "eventLoopDelay">): void {
    const { meters, names } = this;
    this.metrics.show(new SlirpSource({ ...options, meters, names, eventLoopDelay: new EventLoopDelay() }));
  }
}

/** The figures of a {@linkcode Slirp} and of its process. */
export class SlirpSource implements MetricsSource {
  readonly version: string;
  readonly device: DeviceFigures;
  readonly groups: readonly FlowGroup[];
  readonly denials: Denials;
  readonly dns: DnsCounters | null;
  readonly eventLoopDelay: HistogramFigures;
  readonly capture: CaptureFigures | null;
  readonly lines: LineFigures;
  readonly names: NamesSource;

  constructor(private readonly options: SlirpSourceOptions) {
    this.version = options.version;
    this.device = options.device;
    this.groups = options.meters;
    this.denials = options.denials;
    this.dns = options.dns;
    this.eventLoopDelay = options.eventLoopDelay;
    this.capture = options.capture;
    this.lines = options.lines;
    this.names = options.names;
  }

  get stack(): StackFigures {
    const { stack, frames } = this.options;
    const { tcp } = stack;
    return {
      counters: stack.counters,
      connections: tcp.connections,
      halfOpen: tcp.halfOpenConnections,
      requests: tcp.requests,
      timeWaiting: tcp.timeWaiting,
      reassembling: stack.reassembling,
      bufferBytes: tcp.memory.inUse,
      frames: frames.taken,
    };
  }

  get limits(): readonly LimitFigures[] {
    return limitRows(this.options.usage());
  }

  get process(): ProcessFigures | null {
    return readProcessFigures(this.options.process);
  }

  *flows(): Generator<FlowRow> {
    const { meters, stack } = this.options;
    for (const meter of meters) {
      for (const flow of meter.flows()) {
        yield flowRow(meter, flow, (guest, local) => stack.tcp.connection(guest, local), performance.now());
      }
    }
  }
}
