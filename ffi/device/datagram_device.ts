/**
 * A device over a Unix socket that keeps message boundaries: one Ethernet frame a message.
 *
 * A connected socket, such as one end of a socketpair, has one peer. An unconnected one (bound to a path) takes frames
 * from any sender, and answers the last sender that has an address.
 *
 * The kernel's answers, and the device's reactions:
 *
 *     recvmsg   EAGAIN         there is no frame
 *     recvmsg   0 bytes        SEQPACKET: the peer has closed, so throw. DGRAM: an empty message, skip it
 *     sendmsg   EAGAIN, ENOBUFS, EMSGSIZE, ...   drop the frame
 *     sendmsg   ECONNREFUSED, EPIPE, ...   a connected peer has closed. The kernel does not tell the reader of a DGRAM
 *               socket, so the device shuts the socket down, which wakes up the reader, and it throws
 *     sendmsg   the same to an address: there is no such socket at the moment, so drop the frame
 *
 * @module
 */
import { type Frame, FRAME_SIZE, MAX_PARTS, type Transmit } from "../../stack/base/device.ts";
import { EAGAIN, ECONNREFUSED, ECONNRESET, EINTR, ENOTCONN, EPIPE, SystemError } from "../libc/errors.ts";
import { PeerClosedError } from "./frame_device.ts";
import { FRAME_AT, FrameSocket } from "./frame_socket.ts";
import { gatherFrame } from "../libc/iovec.ts";
import { errno } from "../libc/libc.ts";
import { Message } from "../libc/message.ts";
import { MSG_DONTWAIT, MSG_NOSIGNAL, MSG_TRUNC, SHUT_RDWR } from "../libc/constants/socket.ts";

/** The size of `sun_family` in `struct sockaddr_un`; an address of this length has no name. */
const UNNAMED = 2;

/** The most messages that can't be frames, before the caller gets its turn. */
const MAX_SKIPPED = 64;

/** Properties of the socket. */
export interface DatagramDeviceOptions {
  /** Whether the socket is connected to a peer. */
  readonly connected: boolean;
  /** Whether an empty message means that the peer has closed (SOCK_SEQPACKET). */
  readonly ends: boolean;
}

/** A device over a Unix socket that keeps message boundaries: one frame a message. */
export class DatagramDevice extends FrameSocket {
  private readonly connected: boolean;
  private readonly ends: boolean;
  private readonly incoming: Message;
  private readonly outgoing: Message;
  private peerClosed = false;

  /** Takes over the descriptor. */
  constructor(descriptor: number, mtu: number, options: DatagramDeviceOptions) {
    super(descriptor, mtu);
    this.connected = options.connected;
    this.ends = options.ends;
    this.incoming = new Message({ name: !options.connected });
    this.outgoing = new Message({ name: !options.connected, parts: 1 + MAX_PARTS });
  }

  /**
   * Receives the next frame into `frame`, whose block must have {@linkcode FRAME_SIZE} bytes and a machine address.
   *
   * @returns false if there is none now
   * @throws PeerClosedError, or SystemError if the socket has failed
   */
  read(frame: Frame): boolean {
    if (this.peerClosed) throw new PeerClosedError(this.name);
    const { incoming } = this;
    incoming.setPart(0, frame.block.address + FRAME_AT, FRAME_SIZE - FRAME_AT);
    for (let skipped = 0; skipped < MAX_SKIPPED; skipped++) {
      incoming.prepareReceive();
      const length = this.libc.recvmsg(this.fd, incoming.pointer, MSG_DONTWAIT);
      if (length < 0) {
        const reason = errno();
        if (reason === EAGAIN) return false;
        if (reason === EINTR) continue;
        if (isPeerGone(reason)) throw new PeerClosedError(this.name);
        throw new SystemError("recvmsg", reason, this.name);
      }
      if (length === 0 && this.ends) throw new PeerClosedError(this.name);
      if (length === 0 || (incoming.flags & MSG_TRUNC) !== 0) {
        this.counters.dropsIn++;
        continue;
      }
      if (!this.connected) this.rememberSender();
      this.received(frame, length);
      return true;
    }
    return false;
  }

  protected send(frame: Transmit): boolean {
    const { outgoing } = this;
    if (this.peerClosed || (!this.connected && outgoing.nameLength === 0)) return false;
    outgoing.partCount = gatherFrame(outgoing.iovec, 0, frame, frame.headStart);
    for (;;) {
      if (this.libc.sendmsg(this.fd, outgoing.pointer, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
      const reason = errno();
      if (reason === EINTR) continue;
      if (this.connected && isPeerGone(reason)) {
        this.peerClosed = true;
        this.libc.shutdown(this.fd, SHUT_RDWR);
      }
      return false;
    }
  }

  /** Makes the sender of the last message the destination, if it has an address. */
  private rememberSender(): void {
    const { incoming, outgoing } = this;
    const length = incoming.nameLength;
    if (length <= UNNAMED) return;
    if (length === outgoing.nameLength && isSame(incoming.name, outgoing.name, length)) return;
    outgoing.name.set(incoming.name);
    outgoing.nameLength = length;
  }
}

function isPeerGone(reason: number): boolean {
  return reason === ECONNREFUSED || reason === ECONNRESET || reason === ENOTCONN || reason === EPIPE;
}

function isSame(a: Uint8Array, b: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}
