/**
 * Starts the capture of `-pcap`.
 *
 * @module
 */
import type { Device } from "../../stack/base/device.ts";
import { ExitStatus, pcapFailed, problem } from "../report/contract_lines.ts";
import type { Output } from "../report/output.ts";
import { attempt } from "../report/start_failed.ts";
import { Capture } from "./capture.ts";
import type { CaptureSink } from "./pcap_writer.ts";

/** The parts of the program that {@linkcode startCapture} uses. */
export interface CaptureParts {
  /** Creates the file. Throws if it can't. */
  readonly create: (path: string) => CaptureSink;
  readonly device: Pick<Device, "medium">;
  /** Calls `run` once, as soon as the event loop has nothing else to do. */
  readonly atRest: (run: () => void) => void;
  /** Gets the line about a later failure. */
  readonly stderr: Output;
}

/** Creates the file and writes its header. Throws a {@linkcode StartFailed}. */
export function startCapture(path: string, { create, device, atRest, stderr }: CaptureParts): Capture {
  return attempt(ExitStatus.PCAP, pcapFailed, () =>
    new Capture({
      sink: create(path),
      medium: device.medium,
      after: (delay, run) => setTimeout(run, delay),
      atRest,
      problem: (text) => stderr.line(problem(text)),
    }));
}
