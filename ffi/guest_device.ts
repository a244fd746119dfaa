/**
 * The guest's device, opened in the guest's namespace, and the reader that takes its frames.
 *
 * @module
 */
import type { FrameDevice } from "./frame_device.ts";
import { FrameReader } from "./frame_reader.ts";
import { withNetworkNamespace } from "./netns.ts";
import type { Polling } from "./poller.ts";
import { openTun } from "./tun.ts";
import { TunDevice } from "./tun_device.ts";
import type { Frame, FramePool } from "../stack/device.ts";

/** Opens the device `name` in a network namespace (null: this one). Throws a SystemError. */
export function openGuestDevice(netns: string | null, name: string, mtu: number): TunDevice {
  const open = () => openTun(name, { mtu });
  return new TunDevice(netns === null ? open() : withNetworkNamespace(netns, open));
}

/** Takes frames. */
export interface FrameHandler {
  receive(frame: Frame): void;
  /** No more frames for now. */
  endOfTurn(): void;
}

/**
 * Hands the device's frames to `handler` from now on. Returns what ends that.
 *
 * @param gone called once when there will be no more frames
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
