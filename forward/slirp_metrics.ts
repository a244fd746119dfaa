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
import type { NameRow, NameTable } from "./metrics/names/name_table.ts";
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
  ProcessFigures,
  StackFigures,
} from "./metrics/source.ts";

export { EventLoopDelay } from "./metrics/event_loop_delay.ts";
export { NameTable } from "./metrics/names/name_table.ts";
export { meteredObservers } from "./metrics/flows/metered_observers.ts";

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
  readonly names: NameTable;
  readonly denials: Denials;
  readonly dns: DnsCounters | null;
  readonly eventLoopDelay: HistogramFigures;
  readonly process: ProcessSource;
  readonly capture: CaptureFigures | null;
  readonly lines: LineFigures;
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

  constructor(private readonly options: SlirpSourceOptions) {
    this.version = options.version;
    this.device = options.device;
    this.groups = options.meters;
    this.denials = options.denials;
    this.dns = options.dns;
    this.eventLoopDelay = options.eventLoopDelay;
    this.capture = options.capture;
    this.lines = options.lines;
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

  names(): Iterable<NameRow> {
    return this.options.names.rows();
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
