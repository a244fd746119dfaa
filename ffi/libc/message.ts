/**
 * `struct msghdr` (bits/socket.h) with all that it points to in one piece of memory: what sendmsg(2) and recvmsg(2) are
 * called with. Made once and used for every call, as nothing of it outlives one. Lengths go in as words of memory,
 * so that a call costs neither a BigInt nor an object.
 *
 *     0 name   8 namelen (32)   16 iov   24 iovlen   32 control   40 controllen   48 flags (32)
 *
 * @module
 */
import { IOVEC_SIZE, setIovec } from "./iovec.ts";
import { MachineBlock } from "./memory.ts";

/**
 * Bytes of `struct cmsghdr`, the header of each control message: length (64 bits), level (32), type (32). Its size is a
 * multiple of 8, to which control messages are aligned.
 */
export const CMSG_HEADER = 16;

const MSGHDR_SIZE = 56;
const NAME = 0;
const NAME_LENGTH = 2;
const IOVEC = 4;
const IOVEC_COUNT = 6;
const CONTROL = 8;
const CONTROL_LENGTH = 10;
const FLAGS = 12;

/** Room for the longest address, `struct sockaddr_un`. */
const NAME_SIZE = 128;

/** What a {@linkcode Message} has room for. */
export interface MessageOptions {
  /** Entries of its `struct iovec`; 1 by default. */
  readonly parts?: number;
  /** Whether it carries an address. False by default. */
  readonly name?: boolean;
  /** Bytes of control messages; 0 by default. */
  readonly control?: number;
}

/** A `struct msghdr` with its iovec, address and control messages. Starts with as many parts as it has room for, no address and no control messages. */
export class Message {
  /** For sendmsg and recvmsg. */
  readonly pointer: Deno.PointerObject;
  /** The address. */
  readonly name: Uint8Array;
  /** The control messages. */
  readonly control: Uint8Array;
  /** The entries of `struct iovec`, for what fills in several. */
  readonly iovec: Uint32Array;
  private readonly words: Uint32Array;

  constructor(options: MessageOptions = {}) {
    const { parts = 1, control = 0 } = options;
    const nameSize = options.name === true ? NAME_SIZE : 0;
    const controlAt = alignUp(MSGHDR_SIZE) + nameSize;
    const iovecAt = controlAt + alignUp(control);
    const block = new MachineBlock(iovecAt + parts * IOVEC_SIZE);
    this.pointer = block.pointerAt(0);
    this.words = new Uint32Array(block.bytes.buffer);
    this.name = block.bytes.subarray(alignUp(MSGHDR_SIZE), alignUp(MSGHDR_SIZE) + nameSize);
    this.control = block.bytes.subarray(controlAt, controlAt + control);
    this.iovec = this.words.subarray(iovecAt / 4, (iovecAt + parts * IOVEC_SIZE) / 4);
    if (nameSize > 0) this.setAddress(NAME, block.address + alignUp(MSGHDR_SIZE));
    this.setAddress(IOVEC, block.address + iovecAt);
    if (control > 0) this.setAddress(CONTROL, block.address + controlAt);
    this.partCount = parts;
  }

  /** Bytes of the address: before a send those to use, after a receive those that were written. */
  get nameLength(): number {
    return this.words[NAME_LENGTH];
  }
  set nameLength(length: number) {
    this.words[NAME_LENGTH] = length;
  }

  /** Bytes of the control messages, likewise. */
  get controlLength(): number {
    return this.words[CONTROL_LENGTH];
  }
  set controlLength(length: number) {
    this.words[CONTROL_LENGTH] = length;
  }

  /** MSG_ flags after a receive. */
  get flags(): number {
    return this.words[FLAGS];
  }

  /** How many entries of the iovec are used. */
  set partCount(count: number) {
    this.words[IOVEC_COUNT] = count;
  }

  /** Sets the entry of the iovec with that index: `length` bytes from a machine address on. */
  setPart(index: number, address: number, length: number): void {
    setIovec(this.iovec, index, address, length);
  }

  /** Makes all of the room for the address and the control messages available to a receive. */
  prepareReceive(): void {
    this.nameLength = this.name.length;
    this.controlLength = this.control.length;
  }

  private setAddress(word: number, address: number): void {
    this.words[word] = address;
    this.words[word + 1] = address / 0x1_0000_0000;
  }
}

function alignUp(size: number): number {
  return Math.ceil(size / 16) * 16;
}
