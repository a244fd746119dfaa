/**
 * `struct msghdr` (bits/socket.h), the argument of sendmsg(2) and recvmsg(2), with everything that it points to in one
 * piece of memory. It is made once and used for many calls. Lengths are written as words of memory, so that a call
 * costs neither a BigInt nor an object.
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

/** Options of a {@linkcode Message}. */
export interface MessageOptions {
  /** Entries of its `struct iovec`; 1 by default. */
  readonly parts?: number;
  /** Whether it has room for an address. False by default. */
  readonly name?: boolean;
  /** Bytes of control messages; 0 by default. */
  readonly control?: number;
}

/**
 * A `struct msghdr` with its iovec, address and control messages. At first all parts are in use, and there is no
 * address and no control message.
 */
export class Message {
  /** The address of the `struct msghdr`, for sendmsg and recvmsg. */
  readonly pointer: Deno.PointerObject;
  /** The address. */
  readonly name: Uint8Array;
  /** The control messages. */
  readonly control: Uint8Array;
  /** The entries of `struct iovec`, for code that sets several at once. */
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

  /** Bytes of the address: to use in a send, or written by a receive. */
  get nameLength(): number {
    return this.words[NAME_LENGTH];
  }
  set nameLength(length: number) {
    this.words[NAME_LENGTH] = length;
  }

  /** Bytes of the control messages: to use in a send, or written by a receive. */
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

  /** The number of entries of the iovec in use. */
  set partCount(count: number) {
    this.words[IOVEC_COUNT] = count;
  }

  /** Sets the entry of the iovec with that index: `length` bytes from a machine address on. */
  setPart(index: number, address: number, length: number): void {
    setIovec(this.iovec, index, address, length);
  }

  /** Makes the whole room for the address and the control messages available to a receive. */
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
