/**
 * The figures that the metrics are made of. Other parts of the program keep them; they are read when a client asks.
 *
 * @module
 */
import type { StackCounters } from "../../stack/stack.ts";
import type { FlowCounters } from "../report/outcomes.ts";
import type { DnsCounters } from "../dns/counters.ts";
import type { HistogramFigures } from "./exposition.ts";
import type { FlowKind } from "./flows/flow_meter.ts";
import type { FlowRow } from "./flows/flow_rows.ts";
import type { NameLine } from "./names/document.ts";
import type { Usage } from "../../stack/base/usage.ts";
import type { LineNetwork } from "../report/contract_lines.ts";

/** The frames that passed the device, and those that were dropped. */
export interface DeviceFigures {
  /** Frames and their bytes that came from the guest, and frames that could not be read. */
  readonly framesIn: number;
  readonly bytesIn: number;
  readonly dropsIn: number;
  /** Frames and their bytes that went to the guest, and frames that the kernel did not take. */
  readonly framesOut: number;
  readonly bytesOut: number;
  readonly dropsOut: number;
}

/** The stack's counters, and the numbers of its current connections, datagrams and buffers. */
export interface StackFigures {
  readonly counters: StackCounters;
  /** Connections including half-open ones, and those whose handshake is not complete. */
  readonly connections: number;
  readonly halfOpen: number;
  /** The guest's SYNs that wait for a verdict. */
  readonly requests: number;
  readonly timeWaiting: number;
  /** Datagrams that wait for missing fragments. */
  readonly reassembling: number;
  /** Bytes of buffers that connections have taken. */
  readonly bufferBytes: number;
  /** Frame buffers that are not in the pool. */
  readonly frames: number;
}

/** Connections, or associations, of one kind. */
export interface FlowGroup {
  readonly kind: FlowKind;
  readonly network: LineNetwork;
  readonly counters: FlowCounters;
}

/** Refusals of the policy, by network and rule. */
export type Denials = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The system's figures about this process. */
export interface ProcessFigures {
  /** Processor time of all threads, in seconds. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly virtualBytes: number;
  /** The JavaScript heap in use, including garbage that is not collected yet. */
  readonly heapBytes: number;
  readonly openDescriptors: number;
  /** Infinity: no limit. */
  readonly maxDescriptors: number;
  /** When it started, in seconds since 1970. */
  readonly startTime: number;
}

/** A limit, its usage, and how often it was reached. */
export interface LimitFigures {
  readonly resource: string;
  readonly current: number;
  readonly limit: number;
  readonly overflows: number;
}

/** Packets in a capture, and packets that it lacks. */
export interface CaptureFigures {
  readonly packets: number;
  readonly dropped: number;
}

/** Lines that were dropped because the reader of stdout or stderr was too slow. */
export interface LineFigures {
  readonly stdout: { readonly dropped: number };
  readonly stderr: { readonly dropped: number };
}

/** The table of names: what was used and what was refused. */
export interface NamesSource {
  readonly usage: Usage;
  /** The lines; each is read when the iteration reaches it. */
  lines(): Iterable<NameLine>;
  /** Everything that has no line. */
  readonly other: NameLine;
}

/** All figures of the metrics and the list of flows, read at the moment of a request. */
export interface MetricsSource {
  readonly version: string;
  readonly device: DeviceFigures;
  readonly stack: StackFigures;
  readonly groups: readonly FlowGroup[];
  readonly denials: Denials;
  /** The guest's questions to the program's name server; null: the program is not the guest's name server. */
  readonly dns: DnsCounters | null;
  readonly limits: readonly LimitFigures[];
  /** In seconds. */
  readonly eventLoopDelay: HistogramFigures;
  /** Null: the system does not give them. */
  readonly process: ProcessFigures | null;
  /** Null: nothing is captured. */
  readonly capture: CaptureFigures | null;
  readonly lines: LineFigures;
  /** The open flows; each is read when the iteration reaches it. */
  flows(): Iterable<FlowRow>;
  readonly names: NamesSource;
}
