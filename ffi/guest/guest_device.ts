/**
 * The guest's device, opened in the guest's namespace, and the reader that takes its frames.
 *
 * @module
 */
import { check, EPERM, SystemError } from "../libc/errors.ts";
import type { FrameDevice } from "../device/frame_device.ts";
import { FrameReader } from "../device/frame_reader.ts";
import { type GuestDeviceRequest, needsNoProcess, openRequested } from "./device_request.ts";
import { OwnNamespaceError } from "../network/guest_network.ts";
import { cString, libc } from "../libc/libc.ts";
import { OwnedDescriptor } from "../libc/owned_descriptor.ts";
import { mayComeBack, openNetworkNamespace, ownNetworkNamespace, withNetworkNamespace } from "../network/netns.ts";
import type { Polling } from "../poll/poller.ts";
import { linkTarget } from "../process/process.ts";
import type { OpenTun } from "../device/open_tun.ts";
import { TunDevice } from "../device/tun_device.ts";
import type { Frame, FramePool } from "../../stack/base/device.ts";
import { O_CLOEXEC, O_RDONLY } from "../libc/constants/file.ts";
import { NS_GET_USERNS } from "../libc/constants/ioctl.ts";

/**
 * Opens the device in a network namespace (null: this one). If this process may not enter the namespace, a helper opens
 * the device from the user namespace that owns it, if that belongs to the user. Rejects with a SystemError, a GuestError
 * or an OwnNamespaceError.
 */
export async function openGuestDevice(
  netns: string | null,
  asked: Omit<GuestDeviceRequest, "host">,
): Promise<TunDevice> {
  const request = { ...asked, host: asked.network === null ? "" : ownNetworkNamespace() };
  return new TunDevice(netns === null ? openRequested(request) : await openIn(netns, request));
}

async function openIn(netns: string, request: GuestDeviceRequest): Promise<OpenTun> {
  try {
    if (mayComeBack()) return withNetworkNamespace(netns, () => openRequested(request));
    using namespace = openNetworkNamespace(netns);
    return await openByDescriptors(namespace.fd, null, request) ?? await openByHelper(netns, null, request);
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== EPERM || error.syscall !== "setns") throw error;
    if (request.network !== null && isNamed(netns, request.host)) throw new OwnNamespaceError();
    const tun = await openByOwner(netns, request);
    if (tun === null) throw error;
    return tun;
  }
}

/**
 * Opens the device by descriptors of the namespace. Null: a process in there has to do it.
 *
 * @param userns a descriptor of the user namespace that owns `netns`; null: this process may enter `netns`
 */
async function openByDescriptors(
  netns: number,
  userns: number | null,
  request: GuestDeviceRequest,
): Promise<OpenTun | null> {
  if (!needsNoProcess(request)) return null;
  const { openAway } = await import("../network/away.ts");
  const away = openAway(netns, userns);
  if (away === null) return null;
  try {
    return openRequested(request, away);
  } catch (error) {
    if (error instanceof SystemError && error.errno === EPERM) return null; // root in there may do more
    throw error;
  } finally {
    for (const fd of [away.inet, away.netlink]) libc().close(fd);
  }
}

/** Has the helper open the device. Throws a GuestError. */
async function openByHelper(network: string, user: string | null, request: GuestDeviceRequest): Promise<OpenTun> {
  const { openDeviceWithin } = await import("./guest_command.ts");
  return openDeviceWithin({ user, network }, request);
}

/** Whether a path of /proc is that namespace. The answer is false for a bind mount, which doesn't show the name. */
function isNamed(path: string, namespace: string): boolean {
  try {
    return linkTarget(path) === namespace;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}

/** Null if the namespace belongs to this process's own user namespace, where a helper could do no more. */
async function openByOwner(network: string, request: GuestDeviceRequest): Promise<OpenTun | null> {
  const c = libc();
  using namespace = new OwnedDescriptor(check(c.open(cString(network), O_RDONLY | O_CLOEXEC, 0), "open", network));
  const owner = c.ioctlValue(namespace.fd, NS_GET_USERNS, 0n);
  if (owner < 0) return null;
  using _opened = new OwnedDescriptor(owner);
  const user = `/proc/${Deno.pid}/fd/${owner}`;
  if (linkTarget(user) === linkTarget("/proc/self/ns/user")) return null;
  return await openByDescriptors(namespace.fd, owner, request) ?? await openByHelper(network, user, request);
}

/** Receives the guest's frames. */
export interface FrameHandler {
  receive(frame: Frame): void;
  /** Called after the last frame that can be read now. */
  endOfTurn(): void;
}

/**
 * Hands the device's frames to `handler` from now on. Returns a function that stops it.
 *
 * @param gone called once, when the device has failed or closed
 */
export function readFrames(
  device: FrameDevice,
  poller: Polling,
  pool: FramePool,
  handler: FrameHandler,
  gone: (error: Error) => void,
): () => void {
  const reader = new FrameReader({
    source: device,
    fd: device.fd,
    poller,
    pool,
    receive: (frame) => handler.receive(frame),
    endOfTurn: () => handler.endOfTurn(),
    onError: gone,
  });
  return () => reader.stop();
}
