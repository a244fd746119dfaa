/**
 * A device over an inherited Unix socket, whose peer is QEMU's `-netdev dgram` or `-netdev stream` with `type=fd`, or a
 * test harness.
 *
 * | type | a frame |
 * | --- | --- |
 * | SOCK_DGRAM, SOCK_SEQPACKET | one message (datagram_device.ts) |
 * | SOCK_STREAM | a length of 4 bytes in network order, then that many bytes (stream_device.ts) |
 *
 * Frames are Ethernet frames without a header of the device, so checksums are complete both ways and nothing is
 * segmented. The type is detected.
 *
 * All processes that inherited a descriptor share its file status flags. So O_NONBLOCK is left as it is, and every call
 * uses MSG_DONTWAIT instead.
 *
 * @module
 */
import { DatagramDevice } from "./datagram_device.ts";
import { EINVAL, SystemError } from "../libc/errors.ts";
import type { FrameDevice } from "./frame_device.ts";
import { takeInherited } from "../process/inherited_fd.ts";
import { errno, libc } from "../libc/libc.ts";
import type { Polling } from "../poll/poller.ts";
import { StreamDevice } from "./stream_device.ts";
import {
  AF_UNIX,
  SO_DOMAIN,
  SO_SNDBUF,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../libc/constants/socket.ts";

/** The default MTU: Ethernet's. */
const DEFAULT_MTU = 1500;

/**
 * The send buffer towards the guest, in bytes. The usual 208 KiB hold some 90 frames, less than a TCP window. The
 * system's own limit (net.core.wmem_max) may be lower.
 */
const SEND_BUFFER = 1 << 20;

/** Options of {@linkcode openSocketDevice}. */
export interface SocketDeviceOptions {
  /** The largest IP packet in bytes; 0 (the default): 1500. */
  readonly mtu?: number;
  /** Watches a stream socket whose peer is slow. */
  readonly poller: Polling;
}

/**
 * Takes over the inherited descriptor `fd`.
 *
 * @throws SystemError if it isn't open, was not inherited, or is no Unix socket of a supported type
 */
export function openSocketDevice(fd: number, options: SocketDeviceOptions): FrameDevice {
  takeInherited(fd); // children must not inherit it
  return socketDevice(fd, options);
}

/**
 * The device over a socket of this program.
 *
 * @throws SystemError when it is no Unix socket of a type that can be used
 */
export function socketDevice(fd: number, options: SocketDeviceOptions): FrameDevice {
  const name = `fd ${fd}`;
  if (option(fd, SO_DOMAIN, "SO_DOMAIN") !== AF_UNIX) {
    throw new SystemError("getsockopt(SO_DOMAIN)", EINVAL, name, "a socket, but not a Unix one");
  }
  const type = option(fd, SO_TYPE, "SO_TYPE");
  if (type !== SOCK_DGRAM && type !== SOCK_SEQPACKET && type !== SOCK_STREAM) {
    throw new SystemError("getsockopt(SO_TYPE)", EINVAL, name, `a Unix socket of an unknown type, ${type}`);
  }
  const connected = isConnected(fd);
  if (type !== SOCK_DGRAM && !connected) {
    throw new SystemError("getpeername", errno(), name, "a socket of this type must be connected to the guest's side");
  }
  libc().setsockopt(fd, SOL_SOCKET, SO_SNDBUF, number(SEND_BUFFER), 4);
  const mtu = options.mtu || DEFAULT_MTU;
  return type === SOCK_STREAM
    ? new StreamDevice(fd, mtu, options.poller)
    : new DatagramDevice(fd, mtu, { connected, ends: type === SOCK_SEQPACKET });
}

function option(fd: number, option: number, name: string): number {
  const value = number(0), length = number(4);
  const result = libc().getsockopt(fd, SOL_SOCKET, option, value, length);
  if (result < 0) throw new SystemError(`getsockopt(${name})`, errno(), `fd ${fd}`, "it must be a Unix socket");
  return value[0];
}

/** Whether the socket has a peer, which may be unnamed as in a socketpair. If not, errno is set. */
function isConnected(fd: number): boolean {
  return libc().getpeername(fd, new Uint8Array(new ArrayBuffer(128)), number(128)) === 0;
}

function number(value: number): Int32Array<ArrayBuffer> {
  const memory = new Int32Array(new ArrayBuffer(4));
  memory[0] = value;
  return memory;
}
