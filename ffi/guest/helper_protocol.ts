/**
 * The messages between the program and its helper (helper.ts).
 *
 *     program                              helper
 *     start: the number of the helper's end of the socket, its only argument
 *     HelperRequest, in parts
 *     the command's words, in parts           (only for a command to be run)
 *                                          HelperReply with the device's descriptor
 *     "go"                                 (only for a command to be run)
 *                                          HelperStarted
 *
 * When either side ends, the socket closes and the other side ends too. The words travel neither as arguments nor as JSON,
 * since they may be as many as the system lets a program have, and need not be text.
 *
 * @module
 */
import type { GuestNetwork } from "../network/guest_network.ts";
import type { OpenTun } from "../device/open_tun.ts";

/** The first argument of a program that is started to be the helper; the second is the number of the socket. */
export const HELPER_WORD = "--guest-helper";
/** The message by which the program lets the command start. */
export const GO = "go";

/** The helper's task, as JSON. */
export interface HelperRequest {
  /** The device, and its MTU for us (0: its own). */
  readonly interface: string;
  readonly mtu: number;
  /** Whether the guest's kernel may leave segmentation and checksums to the program. */
  readonly offload: boolean;
  /** How to set up the device, which may be missing; null: it is there and stays as it is. */
  readonly network: GuestNetwork | null;
  /** The network namespace of the program, by its name; empty where `network` is null. */
  readonly host: string;
  /** A command to be run in namespaces of its own; null: only the device is wanted, in the current ones. */
  readonly run: HelperRun | null;
}

/** A command to be run, in namespaces of its own. */
export interface HelperRun {
  /** Descriptors for the command's stdin, stdout and stderr. */
  readonly stdio: readonly [number, number, number];
  /** The end of a pipe; when it ends, so does all that runs in the namespaces. */
  readonly lifeline: number;
  /** The end of a pipe that tells of changes in the host's /etc: see file_keeper.ts. */
  readonly changes: number;
  /** Whether the command gets a process group of its own. */
  readonly ownGroup: boolean;
  /** The soft limit of descriptors. */
  readonly descriptorLimit: number;
  /** The content for /etc/resolv.conf; null: leave it as it is. */
  readonly resolvConf: string | null;
}

/**
 * The device is open, and the init and the keeper (0: there are none) run as processes with those ids; or something is not
 * to be had.
 */
export type HelperReply =
  | { readonly kind: "device"; readonly tun: Omit<OpenTun, "fd">; readonly init: number; readonly keeper: number }
  | { readonly kind: "failed"; readonly message: string };

/** The command runs as a process with that id, or (`errno` of execve(2)) it could not be executed. */
export type HelperStarted =
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "failed"; readonly errno: number; readonly message: string };
