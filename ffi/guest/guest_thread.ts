/**
 * Opens the guest's device in a thread that enters the guest's network namespace, and ends there.
 *
 * It is for a process whose own network namespace belongs to a user namespace outside of its own: it could go to the
 * guest's, but not come back. That is so for the root of a user namespace who shares the host's network, such as
 * everything that rootless podman starts. The thread is a worker with a JavaScript engine of its own, which takes a few
 * milliseconds; a helper process would take several times as long. Descriptors belong to the process, so the one that
 * the thread opens stays.
 *
 * @module
 */
import type { GuestDeviceRequest } from "./device_request.ts";
import { SystemError } from "../libc/errors.ts";
import { OwnNamespaceError } from "../network/guest_network.ts";
import type { OpenTun } from "../device/open_tun.ts";

/** The thread's task. */
export interface ThreadRequest {
  /** The path of the network namespace. */
  readonly netns: string;
  readonly device: GuestDeviceRequest;
}

/** The thread's answer: the device, or an error by its kind. */
export type ThreadReply =
  | { readonly kind: "device"; readonly tun: OpenTun }
  | {
    readonly kind: "system";
    readonly syscall: string;
    readonly errno: number;
    readonly subject: string;
    readonly advice: string;
  }
  | { readonly kind: "own namespace" }
  | { readonly kind: "failed"; readonly message: string };

/** The thread's module. An executable has a chunk of that name beside all others. */
const MODULE = Deno.build.standalone ? "./guest_thread_main.js" : "./guest_thread_main.ts";

/**
 * Opens the device in the network namespace `netns`.
 *
 * @throws SystemError, OwnNamespaceError as {@linkcode openRequested}; Error if no thread can be started
 */
export async function openInThread(netns: string, device: GuestDeviceRequest): Promise<OpenTun> {
  const worker = new Worker(new URL(MODULE, import.meta.url), { type: "module" });
  try {
    const request: ThreadRequest = { netns, device };
    const reply = await ask(worker, request);
    if (reply.kind === "device") return reply.tun;
    if (reply.kind === "own namespace") throw new OwnNamespaceError();
    if (reply.kind === "failed") throw new Error(reply.message);
    throw new SystemError(reply.syscall, reply.errno, reply.subject, reply.advice);
  } finally {
    worker.terminate();
  }
}

function ask(worker: Worker, request: ThreadRequest): Promise<ThreadReply> {
  const { promise, resolve, reject } = Promise.withResolvers<ThreadReply>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault(); // it is reported as the failure of the device
    reject(new Error(event.message));
  };
  worker.postMessage(request);
  return promise;
}
