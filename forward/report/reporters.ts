/**
 * Who is told what becomes of connections, all together.
 *
 * @module
 */
import { FlowLines, type FlowLog, NO_LINES } from "./routed_report.ts";
import {
  localForwardLines,
  type LocalForwardLog,
  NO_FORWARD_LINES,
  remoteForwardLines,
  type RemoteForwardLogs,
} from "./forward_report.ts";
import type { Output } from "./output.ts";

/** See the module's text. */
export interface Logs {
  readonly routedTcp: FlowLog;
  readonly routedUdp: FlowLog;
  readonly remoteTcp: RemoteForwardLogs;
  readonly remoteUdp: RemoteForwardLogs;
  readonly local: LocalForwardLog;
}

/** Prints lines. */
export function logLines(output: Output): Logs {
  return {
    routedTcp: new FlowLines("tcp", output),
    routedUdp: new FlowLines("udp", output),
    remoteTcp: remoteForwardLines("tcp", output),
    remoteUdp: remoteForwardLines("udp", output),
    local: localForwardLines(output),
  };
}

/** Print nothing: `-quiet`. */
export const NO_LOGS: Logs = {
  routedTcp: NO_LINES,
  routedUdp: NO_LINES,
  remoteTcp: NO_FORWARD_LINES.remote,
  remoteUdp: NO_FORWARD_LINES.remote,
  local: NO_FORWARD_LINES.local,
};
