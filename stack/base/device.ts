/**
 * What passes between the stack and the device under it: frames in, frames out, and the memory both lie in.
 *
 * Frames in ({@linkcode Frame}) are read into pooled buffers; a layer that wants to keep the payload takes the whole
 * buffer and the reader goes on with another. Frames out ({@linkcode Transmit}) are headers in one small buffer and a
 * list of pieces of payload, so that a device can send them with one writev(2) and no copy.
 *
 * @module
 */

/** Memory that stays where it is: a buffer of its own outside the JavaScript heap. */
export interface Block {
  readonly bytes: Uint8Array;
  /** The machine address of `bytes[0]`, for system calls; 0 where there are none (simulations). */
  readonly address: number;
}

/** Makes a {@linkcode Block} of `size` bytes. */
export type Allocate = (size: number) => Block;

/** For simulations and tests: memory without a known address. */
export const allocatePlain: Allocate = (size) => ({ bytes: new Uint8Array(new ArrayBuffer(size)), address: 0 });

/**
 * Where a reader puts the IP header: a multiple of 4, so that 32-bit words of a TCP or UDP payload are aligned and a
 * checksum in software can go over words. The device header lies before it.
 */
export const IP_HEADER_AT = 32;

/** The size of a frame's buffer, rounded up to whole cache lines. */
export const FRAME_SIZE = 65_664;

/** A frame that came from the device. The bytes before `start` and from `end` on mean nothing. */
export class Frame {
  /** Offset of the link header (Ethernet), or of the IP header where the medium is IP. */
  start = IP_HEADER_AT;
  /** Offset behind the last byte. */
  end = IP_HEADER_AT;
  /**
   * True where the device vouches for the transport checksum: it was verified, or the sender's kernel has not
   * computed it (VIRTIO_NET_HDR_F_NEEDS_CSUM, _DATA_VALID). The checksum field must not be looked at then.
   */
  checksumTrusted = false;
  /** Payload bytes of each segment where the sender's kernel handed over several as one; 0: a plain packet. */
  segmentSize = 0;
  /** Set by the layer that keeps the buffer; the reader must then take another and never touch this one again. */
  held = false;

  constructor(readonly block: Block) {}

  /** The whole buffer. */
  get bytes(): Uint8Array {
    return this.block.bytes;
  }
}

/** Frames for readers. Kept frames come back through {@linkcode release}; at most `spare` lie here unused. */
export class FramePool {
  private readonly free: Frame[] = [];
  /** Frames that were taken and not released yet. */
  taken = 0;

  constructor(private readonly allocate: Allocate, private readonly spare = 64) {}

  /** A frame with `held` unset; its bytes are what they were. */
  take(): Frame {
    this.taken++;
    const frame = this.free.pop() ?? new Frame(this.allocate(FRAME_SIZE));
    frame.held = false;
    return frame;
  }

  /** Gives a frame back. The caller must not use it again. */
  release(frame: Frame): void {
    this.taken--;
    if (this.free.length < this.spare) this.free.push(frame);
  }

  /** Leaves all unused frames to the garbage collector. */
  dropSpare(): void {
    this.free.length = 0;
  }
}

/** The size of {@linkcode Transmit.head}: IPv6 and TCP with the most options (40 + 60), Ethernet, device header. */
const HEAD_SIZE = 192;

/** Where the transport header starts in {@linkcode Transmit.head}; IP, link and device headers lie before it. */
export const TRANSPORT_AT = 80;

/** The most pieces of payload in one frame. */
export const MAX_PARTS = 16;

/** What a device with segmentation offload must do with a frame; the values are virtio's VIRTIO_NET_HDR_GSO_*. */
export const enum Segmentation {
  None = 0,
  Tcp4 = 1,
  Tcp6 = 4,
  Udp = 5,
}

/** A piece of memory: `block.bytes[offset .. offset + length)`. */
export interface Chunk {
  readonly block: Block;
  readonly offset: number;
  readonly length: number;
}

/**
 * A frame on its way out. One object per stack is used again and again: the transport layer fills in its header at
 * {@linkcode TRANSPORT_AT} and names the payload, then each lower layer writes its header before the one above, and
 * the device sends it before `transmit` returns. Nobody keeps it.
 */
export class Transmit {
  readonly head: Block;
  /** The headers are `head.bytes[headStart..headEnd)`. */
  headStart = TRANSPORT_AT;
  headEnd = TRANSPORT_AT;
  partCount = 0;
  /** The first `partCount` entries are the payload, in order. */
  readonly partBlocks: Block[] = [];
  readonly partOffsets: Int32Array = new Int32Array(MAX_PARTS);
  readonly partLengths: Int32Array = new Int32Array(MAX_PARTS);
  /** Sum of the part lengths. */
  payloadLength = 0;
  /**
   * Where the transport header starts in `head` when the device is to complete the checksum (the sum of the
   * pseudo-header stands in its place); -1: the checksum is complete, or there is none.
   */
  checksumStart = -1;
  /** Offset of the checksum field from `checksumStart`. */
  checksumOffset = 0;
  segmentation: Segmentation = Segmentation.None;
  /** Payload bytes of each segment; 0 with Segmentation.None. */
  segmentSize = 0;
  /** IPv4's time to live, IPv6's hop limit; 0: the usual one. */
  hopLimit = 0;

  constructor(allocate: Allocate) {
    this.head = allocate(HEAD_SIZE);
  }

  /** Starts a new frame: a transport header of `headerLength` bytes at TRANSPORT_AT, no payload. */
  begin(headerLength: number): void {
    this.headStart = TRANSPORT_AT;
    this.headEnd = TRANSPORT_AT + headerLength;
    this.partCount = 0;
    this.payloadLength = 0;
    this.checksumStart = -1;
    this.segmentation = Segmentation.None;
    this.segmentSize = 0;
    this.hopLimit = 0;
  }

  /** Adds a piece of payload. Throws a RangeError past {@linkcode MAX_PARTS}. */
  addPart(block: Block, offset: number, length: number): void {
    const index = this.partCount;
    if (index === MAX_PARTS) throw new RangeError(`a frame has at most ${MAX_PARTS} parts`);
    this.partBlocks[index] = block;
    this.partOffsets[index] = offset;
    this.partLengths[index] = length;
    this.partCount = index + 1;
    this.payloadLength += length;
  }

  /** The frame as one contiguous copy, for tests, captures and devices without writev. */
  flatten(): Uint8Array {
    const out = new Uint8Array(this.headEnd - this.headStart + this.payloadLength);
    out.set(this.head.bytes.subarray(this.headStart, this.headEnd));
    let at = this.headEnd - this.headStart;
    for (let i = 0; i < this.partCount; i++) {
      const offset = this.partOffsets[i]!;
      out.set(this.partBlocks[i]!.bytes.subarray(offset, offset + this.partLengths[i]!), at);
      at += this.partLengths[i]!;
    }
    return out;
  }
}

/** A network device, as the stack sees it. */
export interface Device {
  /** What a frame starts with. */
  readonly medium: "ethernet" | "ip";
  /** The largest IP packet in bytes, not counting what segmentation offload allows. */
  readonly mtu: number;
  /** Whether the device completes transport checksums ({@linkcode Transmit.checksumStart}). */
  readonly checksumOffload: boolean;
  /** Whether it cuts large TCP segments ({@linkcode Transmit.segmentation}), by IP version. */
  readonly tcpSegmentation4: boolean;
  readonly tcpSegmentation6: boolean;
  /** Whether it cuts trains of UDP datagrams, both IP versions. */
  readonly udpSegmentation: boolean;
  /** Sends a frame. False: it was dropped, as a network may; the device counts it. Never throws for a lost frame. */
  transmit(frame: Transmit): boolean;
}
