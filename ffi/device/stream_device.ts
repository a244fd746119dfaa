/**
 * A device over a Unix stream socket, in QEMU's format (`-netdev stream`, and `-netdev socket` before it): each
 * Ethernet frame is preceded by its length, 32 bits in network order.
 *
 * In: a frame is received straight into its buffer, together with the length of the next one, so that a train of frames
 * costs one system call for each frame and no copy. The received part of an incomplete frame stays in its buffer, and
 * the next call continues there.
 *
 *     length not known   receive 4 bytes           → length known
 *     length known       receive the rest, and the next 4 bytes → frame complete; length of the next known or not
 *     length 0 or larger than any frame             the peer does not use this format, so throw
 *
 * Out: a frame is sent without a copy. If the kernel accepts only a part of it, the rest must be sent before anything
 * else, so it is copied to a queue. While there is a queue, frames are appended to it; when it is full they are dropped
 * whole. The poller watches for EPOLLOUT only while there is a queue. It watches a duplicate of the descriptor, since
 * the frame reader watches the original.
 *
 * @module
 */
import { type Block, type Frame, FRAME_SIZE, MAX_PARTS, type Transmit } from "../../stack/base/device.ts";
import { check, EAGAIN, ECONNRESET, EINTR, SystemError } from "../libc/errors.ts";
import { PeerClosedError } from "./frame_device.ts";
import { FRAME_AT, FrameSocket } from "./frame_socket.ts";
import { gatherFrame } from "../libc/iovec.ts";
import { errno } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";
import { Message } from "../libc/message.ts";
import type { PollHandle } from "../poll/epoll_set.ts";
import type { Polling } from "../poll/poller.ts";
import { F_DUPFD_CLOEXEC } from "../libc/constants/file.ts";
import { EPOLLOUT } from "../libc/constants/poll.ts";
import { MSG_DONTWAIT, MSG_NOSIGNAL } from "../libc/constants/socket.ts";

const MAX_LENGTH = FRAME_SIZE - FRAME_AT;

/** Bytes of the length before each frame. */
const PREFIX = 4;

/** The most bytes that wait for a slow peer: a few of the largest frames, or a train of usual ones. */
export const QUEUE_SIZE = 256 * 1024;

/** The length is not known yet. */
const UNKNOWN = -1;

/** A device over a Unix stream socket, with the length before each frame. */
export class StreamDevice extends FrameSocket {
  private readonly incoming = new Message({ parts: 2 });
  private readonly outgoing = new Message({ parts: 1 + MAX_PARTS });
  private readonly prefix = new MachineBlock(PREFIX);
  private prefixReceived = 0;
  private length = UNKNOWN;
  private lengthReceived = 0;
  /** The block of the incomplete frame; null: there is none. */
  private partial: Block | null = null;

  /** The waiting bytes are `queue.bytes[queueStart .. queueEnd)`. */
  private readonly queue = new MachineBlock(QUEUE_SIZE);
  private queueStart = 0;
  private queueEnd = 0;
  private readonly secondDescriptor: number;
  private readonly handle: PollHandle;
  private broken = false;

  /** Takes over the descriptor. Throws a SystemError if it can't be duplicated. */
  constructor(descriptor: number, mtu: number, poller: Polling) {
    super(descriptor, mtu);
    this.secondDescriptor = check(this.libc.fcntl(descriptor, F_DUPFD_CLOEXEC, 0), "fcntl(F_DUPFD_CLOEXEC)", this.name);
    this.handle = poller.add(this.secondDescriptor, this.flush);
  }

  /**
   * Receives the next frame into `frame`, whose block must have {@linkcode FRAME_SIZE} bytes and a machine address.
   * After false, the next call must pass the same frame, which may already contain a part of the next.
   *
   * @returns false if there is no complete frame now
   * @throws PeerClosedError, SystemError if the socket has failed, or Error if the data is not in this format
   */
  read(frame: Frame): boolean {
    if (this.partial !== null && this.partial !== frame.block) throw new TypeError("another frame is not complete yet");
    if (this.length === UNKNOWN && !this.receiveLength()) return false;
    const { incoming } = this;
    const missing = this.length - this.lengthReceived;
    incoming.setPart(0, frame.block.address + FRAME_AT + this.lengthReceived, missing);
    incoming.setPart(1, this.prefix.address, PREFIX);
    incoming.partCount = 2;
    const count = this.receive();
    if (count < 0) return false;
    if (count < missing) {
      this.lengthReceived += count;
      this.partial = frame.block;
      return false;
    }
    this.received(frame, this.length);
    this.lengthReceived = 0;
    this.partial = null;
    this.length = UNKNOWN;
    this.prefixReceived = count - missing;
    return true;
  }

  protected override release(): void {
    this.handle.remove();
    this.libc.close(this.secondDescriptor);
  }

  /** Receives the next frame's length, or the rest of it. Returns whether it is complete. */
  private receiveLength(): boolean {
    const { incoming, prefix } = this;
    if (this.prefixReceived < PREFIX) {
      incoming.setPart(0, prefix.address + this.prefixReceived, PREFIX - this.prefixReceived);
      incoming.partCount = 1;
      const count = this.receive();
      if (count < 0) return false;
      this.prefixReceived += count;
      if (this.prefixReceived < PREFIX) return false;
    }
    const { bytes } = prefix;
    const length = bytes[0] * 0x100_0000 + (bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
    if (length === 0 || length > MAX_LENGTH) {
      throw new Error(
        `${this.name}: a frame of ${length} bytes is announced; the other side must send each Ethernet frame behind ` +
          `4 bytes with its length, as QEMU's -netdev stream does`,
      );
    }
    this.length = length;
    return true;
  }

  /** The number of received bytes, at least one; -1: there are none now. */
  private receive(): number {
    for (;;) {
      const count = this.libc.recvmsg(this.fd, this.incoming.pointer, MSG_DONTWAIT);
      if (count > 0) return count;
      const reason = count < 0 ? errno() : 0;
      if (reason === EAGAIN) return -1;
      if (reason === EINTR) continue;
      if (reason === 0 || reason === ECONNRESET) throw new PeerClosedError(this.name);
      throw new SystemError("recvmsg", reason, this.name);
    }
  }

  protected send(frame: Transmit, length: number): boolean {
    if (this.broken) return false;
    const start = frame.headStart - PREFIX;
    const { bytes } = frame.head;
    bytes[start] = length >>> 24;
    bytes[start + 1] = length >>> 16;
    bytes[start + 2] = length >>> 8;
    bytes[start + 3] = length;
    if (this.queueEnd > this.queueStart) return this.enqueue(frame, start, 0);
    const { outgoing } = this;
    outgoing.partCount = gatherFrame(outgoing.iovec, 0, frame, start);
    const sent = this.sendMessage();
    if (sent === PREFIX + length) return true;
    return !this.broken && this.enqueue(frame, start, Math.max(sent, 0));
  }

  /** The number of bytes that the kernel accepted; -1: none. */
  private sendMessage(): number {
    for (;;) {
      const sent = this.libc.sendmsg(this.fd, this.outgoing.pointer, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent >= 0) return sent;
      const reason = errno();
      if (reason === EINTR) continue;
      if (reason !== EAGAIN) this.broken = true; // the reader reports the reason
      return -1;
    }
  }

  /** Copies a frame, without its first `skip` bytes, to the queue. Returns false if the queue has no room. */
  private enqueue(frame: Transmit, start: number, skip: number): boolean {
    const headLength = frame.headEnd - start;
    const size = headLength + frame.payloadLength - skip;
    const wasEmpty = this.queueEnd === this.queueStart;
    if (this.queueEnd + size > QUEUE_SIZE) this.compact();
    if (this.queueEnd + size > QUEUE_SIZE) return false;
    let left = this.append(frame.head.bytes, start, headLength, skip);
    for (let i = 0; i < frame.partCount; i++) {
      left = this.append(frame.partBlocks[i].bytes, frame.partOffsets[i], frame.partLengths[i], left);
    }
    if (wasEmpty) this.handle.arm(EPOLLOUT);
    return true;
  }

  /** Appends a piece, without its first `skip` bytes. Returns the number of bytes that are still to be skipped. */
  private append(bytes: Uint8Array, offset: number, length: number, skip: number): number {
    if (skip >= length) return skip - length;
    this.queue.bytes.set(bytes.subarray(offset + skip, offset + length), this.queueEnd);
    this.queueEnd += length - skip;
    return 0;
  }

  private compact(): void {
    this.queue.bytes.copyWithin(0, this.queueStart, this.queueEnd);
    this.queueEnd -= this.queueStart;
    this.queueStart = 0;
  }

  private readonly flush = (): void => {
    if (this.queueStart === this.queueEnd) return;
    const { outgoing } = this;
    outgoing.setPart(0, this.queue.address + this.queueStart, this.queueEnd - this.queueStart);
    outgoing.partCount = 1;
    const sent = this.sendMessage();
    if (sent > 0) this.queueStart += sent;
    if (this.broken || this.queueStart === this.queueEnd) this.queueStart = this.queueEnd = 0;
    else this.handle.arm(EPOLLOUT);
  };
}
