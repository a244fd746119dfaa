/**
 * The messages between the program and its helper (helper.ts).
 *
 *     program                              helper
 *     start, with the number of the helper's end of the socket as the only argument
 *     HelperRequest, in parts
 *     the command's words, in parts           (only for a command to be run)
 *                                          HelperReply with the device's descriptor
 *     "go"                                 (only for a command to be run)
 *                                          HelperStarted
 *
 * When either side ends, the socket closes and the other side ends too. The words are sent neither as arguments nor as
 * JSON: there may be as many as the system's limit for arguments allows, and they need not be text.
 *
 * @module
 */
import type { GuestDeviceRequest } from "./device_request.ts";
import type { OpenTun } from "../device/open_tun.ts";

/** The first argument of a program that is to be the helper. The second is the number of the socket. */
export const HELPER_WORD = "--guest-helper";
/** The message with which the program lets the command start. */
export const GO = "go";

/** The helper's task, as JSON. */
export interface HelperRequest extends GuestDeviceRequest {
  /** The command to run in new namespaces; null: only the device is opened, in the current namespaces. */
  readonly run: HelperRun | null;
}

/** A command to run in new namespaces. */
export interface HelperRun {
  /** Descriptors for the command's stdin, stdout and stderr. */
  readonly stdio: readonly [number, number, number];
  /** The reading end of a pipe. When the pipe closes, everything that runs in the namespaces is killed. */
  readonly lifeline: number;
  /** The reading end of a pipe that reports changes in the host's /etc to file_keeper.ts. */
  readonly changes: number;
  /** Whether the command gets a process group of its own. */
  readonly ownGroup: boolean;
  /** The command's soft limit of descriptors. */
  readonly descriptorLimit: number;
  /** The content for /etc/resolv.conf; null: leave it as it is. */
  readonly resolvConf: string | null;
}

/**
 * The device is open, and the init and the keeper run as processes with those ids (0: there are none). Or a step
 * failed.
 */
export type HelperReply =
  | { readonly kind: "device"; readonly tun: Omit<OpenTun, "fd">; readonly init: number; readonly keeper: number }
  | { readonly kind: "failed"; readonly message: string };

/** The command runs as a process with that id. Or it could not be started: `errno` is that of execve(2), or 0. */
export type HelperStarted =
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "failed"; readonly errno: number; readonly message: string };
