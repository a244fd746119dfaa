/// <reference lib="deno.worker" />
/**
 * The thread that opens the guest's device (guest_thread.ts): takes one request, enters the namespace, and answers. It
 * never comes back from there, so it does nothing else.
 *
 * @module
 */
import { openRequested } from "./device_request.ts";
import type { ThreadReply, ThreadRequest } from "./guest_thread.ts";
import { SystemError } from "../libc/errors.ts";
import { OwnNamespaceError } from "../network/guest_network.ts";
import { enterNetworkNamespace } from "../network/netns.ts";

self.onmessage = ({ data }) => self.postMessage(answer(data));

function answer({ netns, device }: ThreadRequest): ThreadReply {
  try {
    enterNetworkNamespace(netns);
    return { kind: "device", tun: openRequested(device) };
  } catch (error) {
    if (error instanceof OwnNamespaceError) return { kind: "own namespace" };
    if (!(error instanceof SystemError)) return { kind: "failed", message: String(error) };
    const { syscall, errno, subject, advice } = error;
    return { kind: "system", syscall, errno, subject, advice };
  }
}
