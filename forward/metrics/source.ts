/**
 * What the metrics are made of: figures that others keep, read when somebody asks.
 *
 * @module
 */
import type { StackCounters } from "../../stack/stack.ts";
import type { FlowCounters } from "../report/outcomes.ts";
import type { DnsCounters } from "../dns/counters.ts";
import type { HistogramFigures } from "./exposition.ts";
import type { FlowKind } from "./flows/flow_meter.ts";
import type { FlowRow } from "./flows/flow_rows.ts";
import type { LineNetwork } from "../report/contract_lines.ts";

/** What passed through the device, and what did not. */
export interface DeviceFigures {
  /** Frames and their bytes that came from the guest, and frames that the kernel could not hand over. */
  readonly framesIn: number;
  readonly bytesIn: number;
  readonly dropsIn: number;
  /** Frames and their bytes that went to the guest, and frames that the kernel did not take. */
  readonly framesOut: number;
  readonly bytesOut: number;
  readonly dropsOut: number;
}

/** The stack's counters, and what it holds now. */
export interface StackFigures {
  readonly counters: StackCounters;
  /** Connections, half-open ones included; those of them whose handshake is not complete. */
  readonly connections: number;
  readonly halfOpen: number;
  /** The guest's SYNs that wait for a verdict. */
  readonly requests: number;
  readonly timeWaiting: number;
  /** Datagrams that are being put together. */
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

/** What the system says of this process. */
export interface ProcessFigures {
  /** Processor time of all threads, in seconds. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly virtualBytes: number;
  /** Of JavaScript's heap in use, garbage that is not collected yet included. */
  readonly heapBytes: number;
  readonly openDescriptors: number;
  /** Infinity: no limit. */
  readonly maxDescriptors: number;
  /** When it started, in seconds since 1970. */
  readonly startTime: number;
}

/** A limit, what is in use of it, and how often it was not enough. */
export interface LimitFigures {
  readonly resource: string;
  readonly current: number;
  readonly limit: number;
  readonly overflows: number;
}

/** Packets of a capture, and those that it lacks. */
export interface CaptureFigures {
  readonly packets: number;
  readonly dropped: number;
}

/** Lines that the readers of stdout and stderr did not get. */
export interface LineFigures {
  readonly stdout: { readonly dropped: number };
  readonly stderr: { readonly dropped: number };
}

/** Everything that the metrics and the list of flows are made of, read at the moment of a request. */
export interface MetricsSource {
  readonly version: string;
  readonly device: DeviceFigures;
  readonly stack: StackFigures;
  readonly groups: readonly FlowGroup[];
  readonly denials: Denials;
  /** The guest's questions to the program's name server; null where it is none. */
  readonly dns: DnsCounters | null;
  readonly limits: readonly LimitFigures[];
  /** In seconds. */
  readonly eventLoopDelay: HistogramFigures;
  /** Null where the system does not tell. */
  readonly process: ProcessFigures | null;
  /** Null: nothing is captured. */
  readonly capture: CaptureFigures | null;
  readonly lines: LineFigures;
  /** The open flows; they are looked at while somebody goes through them. */
  flows(): Iterable<FlowRow>;
}
