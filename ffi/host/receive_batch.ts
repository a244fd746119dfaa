/**
 * Receives datagrams by recvmmsg(2). One call takes all waiting datagrams, up to the size of the batch. So a single
 * datagram costs one call, without a second one that only reports that there are no more. One batch serves all sockets:
 * its datagrams are handled before another socket uses it.
 *
 * `struct mmsghdr` is a `struct msghdr` and the number of bytes received (32 bits), 64 bytes in all.
 *
 * @module
 */
import { EINTR } from "../libc/errors.ts";
import { IOVEC_SIZE, setIovec } from "../libc/iovec.ts";
import { errno, libc } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";
import { SOCKADDR_IN6_SIZE } from "../libc/sockaddr.ts";
import { PACKET_INFO_ROOM } from "./packet_info.ts";
import { MSG_DONTWAIT } from "../libc/constants/socket.ts";

/** The most datagrams of one call. Their buffers take physical memory only as far as datagrams have filled them. */
export const BATCH = 16;

/** Larger than the longest UDP datagram, 65,527 bytes over IPv6. */
const BUFFER_SIZE = 65_536;

const MMSGHDR_SIZE = 64;
const NAME_LENGTH = 2;
const CONTROL = 8;
const CONTROL_LENGTH = 10;
const RECEIVED = 14;
const WORDS = MMSGHDR_SIZE / 4;
/** Room for a sockaddr_in6, aligned. */
const NAME_SIZE = 32;

const IOVECS_AT = BATCH * MMSGHDR_SIZE;
const NAMES_AT = IOVECS_AT + BATCH * IOVEC_SIZE;
const CONTROLS_AT = NAMES_AT + BATCH * NAME_SIZE;

/** Receives up to {@linkcode BATCH} datagrams by one call, with their senders and control messages. */
export class ReceiveBatch {
  /** The senders' addresses, at {@linkcode nameAt}, and the control messages, at {@linkcode controlAt}. */
  readonly names: Uint8Array;
  /** The datagrams. */
  readonly buffers: readonly Uint8Array[];
  private readonly words: Uint32Array;
  private readonly pointer: Deno.PointerObject;
  /** The number of entries that the last receive has changed. */
  private used = BATCH;

  constructor() {
    const data = new MachineBlock(BATCH * BUFFER_SIZE);
    this.buffers = Array.from(
      { length: BATCH },
      (_, i) => data.bytes.subarray(i * BUFFER_SIZE, (i + 1) * BUFFER_SIZE),
    );
    const block = new MachineBlock(CONTROLS_AT + BATCH * PACKET_INFO_ROOM);
    this.pointer = block.pointerAt(0);
    this.names = block.bytes;
    this.words = new Uint32Array(block.bytes.buffer);
    const iovecs = this.words.subarray(IOVECS_AT / 4);
    for (let i = 0; i < BATCH; i++) {
      const at = i * WORDS;
      this.setAddress(at, block.address + this.nameAt(i));
      this.setAddress(at + 4, block.address + IOVECS_AT + i * IOVEC_SIZE);
      this.words[at + 6] = 1; // one part
      this.setAddress(at + CONTROL, block.address + this.controlAt(i));
      setIovec(iovecs, i, data.address + i * BUFFER_SIZE, BUFFER_SIZE);
    }
  }

  /**
   * Receives. Returns the number of datagrams (less than {@linkcode BATCH}: no more are waiting), or the negative
   * errno.
   */
  receive(fd: number): number {
    const { words } = this;
    for (let i = 0; i < this.used; i++) {
      words[i * WORDS + NAME_LENGTH] = SOCKADDR_IN6_SIZE;
      words[i * WORDS + CONTROL_LENGTH] = PACKET_INFO_ROOM;
    }
    for (;;) {
      const count = libc().recvmmsg(fd, this.pointer, BATCH, MSG_DONTWAIT, null);
      this.used = Math.max(count, 1);
      if (count >= 0) return count;
      const reason = errno();
      if (reason !== EINTR) return -reason;
    }
  }

  /** Bytes of the datagram with that index. */
  length(index: number): number {
    return this.words[index * WORDS + RECEIVED];
  }

  /** The offset in {@linkcode names} of that datagram's sender. */
  nameAt(index: number): number {
    return NAMES_AT + index * NAME_SIZE;
  }

  /** The offset in {@linkcode names} of that datagram's control messages. */
  controlAt(index: number): number {
    return CONTROLS_AT + index * PACKET_INFO_ROOM;
  }

  /** Bytes of that datagram's control messages. */
  controlLength(index: number): number {
    return this.words[index * WORDS + CONTROL_LENGTH];
  }

  private setAddress(word: number, address: number): void {
    this.words[word] = address;
    this.words[word + 1] = address / 0x1_0000_0000;
  }
}
