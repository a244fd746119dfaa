/**
 * A connected TCP socket as a {@linkcode HostStream}.
 *
 * System calls cost more than anything else here, so calls that would only return EAGAIN are avoided:
 *
 * | operation or event | action |
 * | --- | --- |
 * | read | receive at once if data was reported since, or if the last receive was full; otherwise wait |
 * | readable | receive into the memory of the pending read; less than requested means that no more is there |
 * | urgent data was reported too | try the next read at once: a receive stops before urgent data (tcp(7)) |
 * | the peer's FIN or RST was reported too | receive again, so that the end is reported together with the last data |
 * | write | send at once, unless the last send was partial; then wait for room |
 * | writable | send from the memory of the pending write |
 *
 * The poller reports changes (EPOLLET), so one epoll_ctl(2) serves a connection's whole life. The kernel reports room
 * to write only after a send that found too little. An operation allocates nothing: its memory is kept in fields, and
 * passed to the kernel in a structure that all streams share.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import type { Block, Chunk } from "../../stack/base/device.ts";
import type { HostError, HostStream, HostStreamHandler, PENDING } from "../../forward/host/host_network.ts";
import { EAGAIN, EINTR } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import type { SocketContext } from "./context.ts";
import type { WatchedSocket } from "../poll/watched_socket.ts";
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } from "../libc/constants/poll.ts";
import { MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR, SO_LINGER, SOL_SOCKET } from "../libc/constants/socket.ts";

/** The value of the interface's PENDING, which this file imports as a type only. */
const WAITS: typeof PENDING = -1;

/** `struct linger` (bits/socket.h): on, for 0 seconds. */
const LINGER_RESET = new Int32Array(new ArrayBuffer(8));
LINGER_RESET[0] = 1;

/** The events that a stream's socket is watched for. */
export const STREAM_EVENTS: number = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

/** The events after which nothing can be written. */
const GONE = EPOLLHUP | EPOLLERR;
/** The events that end the peer's direction, in order or by an error. */
const ENDS = GONE | EPOLLRDHUP;

/** A connected TCP socket of the C library. */
export class LibcStream implements HostStream {
  handler: HostStreamHandler | null = null;
  /** Whether there is probably data to read. */
  private mayRead = false;
  /** Whether the kernel has reported the end of the peer's direction, in order or by an error. */
  private ending = false;
  ended = false;
  /** Whether urgent data was reported, and the receive queue has not been empty since. */
  private urgent = false;
  /** The errno that followed the data read last; 0: none. */
  private failure = 0;
  /** Whether there is probably room to write. */
  private mayWrite = true;

  /** The memory of the pending read; null: there is none. */
  private readBlock: Block | null = null;
  private readOffset = 0;
  private readLength = 0;
  /** The memory of the pending write; null: there is none. */
  private writeBlock: Block | null = null;
  private writeOffset = 0;
  private writeLength = 0;

  /** Takes over the socket of a connection between `local` and `remote`, which must be watched for STREAM_EVENTS. */
  constructor(
    private readonly socket: WatchedSocket,
    private readonly context: SocketContext,
    readonly local: Endpoint,
    readonly remote: Endpoint,
  ) {
    socket.onEvents = this.ready;
  }

  read(into: Chunk): number {
    if (this.mayRead) {
      const result = this.receive(into.block, into.offset, into.length);
      if (result >= 0) return result;
      if (result !== -EAGAIN) throw this.readError(-result);
    }
    this.readBlock = into.block;
    this.readOffset = into.offset;
    this.readLength = into.length;
    return WAITS;
  }

  write(from: Chunk): number {
    if (this.mayWrite) {
      const result = this.send(from.block, from.offset, from.length);
      if (result >= 0) return result;
      if (result !== -EAGAIN) throw this.writeError(-result);
    }
    this.writeBlock = from.block;
    this.writeOffset = from.offset;
    this.writeLength = from.length;
    return WAITS;
  }

  closeWrite(): void {
    // It fails if the connection is gone, which the pending read or the next one reports.
    libc().shutdown(this.socket.fd, SHUT_WR);
  }

  close(): void {
    this.readBlock = this.writeBlock = null;
    this.socket.close();
  }

  reset(): void {
    libc().setsockopt(this.socket.fd, SOL_SOCKET, SO_LINGER, LINGER_RESET, 8);
    this.close();
  }

  private readonly ready = (events: number): void => {
    if ((events & ENDS) !== 0) this.ending = true;
    if ((events & EPOLLPRI) !== 0) this.urgent = true;
    if ((events & (EPOLLIN | EPOLLPRI | ENDS)) !== 0) this.finishRead();
    if ((events & (EPOLLOUT | GONE)) !== 0) this.finishWrite();
  };

  private finishRead(): void {
    const { readBlock } = this;
    if (readBlock === null) {
      this.mayRead = true;
      return;
    }
    const result = this.receive(readBlock, this.readOffset, this.readLength);
    if (result === -EAGAIN) return;
    this.readBlock = null;
    if (result >= 0) this.handler?.readDone(result);
    else this.handler?.readFailed(this.readError(-result));
  }

  private finishWrite(): void {
    const { writeBlock } = this;
    if (writeBlock === null) {
      this.mayWrite = true; // after an error, the next write reports it
      return;
    }
    const result = this.send(writeBlock, this.writeOffset, this.writeLength);
    if (result === -EAGAIN) return;
    this.writeBlock = null;
    if (result >= 0) this.handler?.writeDone(result);
    else this.handler?.writeFailed(this.writeError(-result));
  }

  /** The number of bytes received, or the negative errno. If the end was reported, checks whether it follows them. */
  private receive(block: Block, offset: number, length: number): number {
    if (this.failure !== 0) return -this.failure;
    let received = this.receiveOnce(block.address + offset, length);
    while (this.ending && !this.ended && received > 0 && received < length) {
      const more = this.receiveOnce(block.address + offset + received, length - received);
      if (more < 0) {
        if (more !== -EAGAIN) this.failure = -more;
        break;
      }
      if (more === 0) this.ended = true;
      received += more;
    }
    if (received === -EAGAIN) this.urgent = false;
    this.mayRead = received >= 0 && (received === length || this.ending || this.urgent);
    return received;
  }

  private receiveOnce(address: number, length: number): number {
    const { streamMessage } = this.context;
    streamMessage.setPart(0, address, length);
    let result: number;
    do result = libc().recvmsg(this.socket.fd, streamMessage.pointer, MSG_DONTWAIT); while (
      result < 0 && isInterrupted()
    );
    return result < 0 ? -errno() : result;
  }

  /** The number of bytes sent, at least one, or the negative errno. */
  private send(block: Block, offset: number, length: number): number {
    const { streamMessage } = this.context;
    streamMessage.setPart(0, block.address + offset, length);
    let result: number;
    do result = libc().sendmsg(this.socket.fd, streamMessage.pointer, MSG_DONTWAIT | MSG_NOSIGNAL); while (
      result < 0 && isInterrupted()
    );
    this.mayWrite = result === length;
    return result < 0 ? -errno() : result;
  }

  private readError(errno: number): HostError {
    return this.context.error(errno, `read from ${formatEndpoint(this.remote)}`);
  }

  private writeError(errno: number): HostError {
    return this.context.error(errno, `write to ${formatEndpoint(this.remote)}`);
  }
}

function isInterrupted(): boolean {
  return errno() === EINTR;
}
