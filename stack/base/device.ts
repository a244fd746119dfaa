/**
 * The interface between the stack and the device under it: frames in, frames out, and their memory.
 *
 * Incoming frames ({@linkcode Frame}) are read into pooled buffers. A layer that keeps the payload takes the whole
 * buffer, and the reader goes on with another. Outgoing frames ({@linkcode Transmit}) are headers in one small buffer
 * and a list of pieces of payload, so that a device can send them with one writev(2) and no copy.
 *
 * @module
 */

/** Memory that does not move: a separate buffer outside of the JavaScript heap. */
export interface Block {
  readonly bytes: Uint8Array;
  /** The machine address of `bytes[0]`, for system calls; 0 in simulations, which make none. */
  readonly address: number;
}

/** Makes a {@linkcode Block} of `size` bytes. */
export type Allocate = (size: number) => Block;

/** Allocates memory without a known address, for simulations and tests. */
export const allocatePlain: Allocate = (size) => ({ bytes: new Uint8Array(new ArrayBuffer(size)), address: 0 });

/**
 * The offset at which a reader puts the IP header: a multiple of 4, so that the 32-bit words of a TCP or UDP payload
 * are aligned and a checksum in software can add words. The device header lies before it.
 */
export const IP_HEADER_AT = 32;

/** The size of a frame's buffer, rounded up to whole cache lines. */
export const FRAME_SIZE = 65_664;

/** A frame from the device. The bytes before `start` and from `end` on have no meaning. */
export class Frame {
  /** Offset of the link header (Ethernet), or of the IP header if the medium is IP. */
  start = IP_HEADER_AT;
  /** Offset after the last byte. */
  end = IP_HEADER_AT;
  /**
   * Whether the device guarantees the transport checksum: it was verified, or the sender's kernel has not computed it
   * (VIRTIO_NET_HDR_F_NEEDS_CSUM, _DATA_VALID). Then the checksum field must not be checked.
   */
  checksumTrusted = false;
  /** Payload bytes of each segment if the sender's kernel passed several as one; 0: a plain packet. */
  segmentSize = 0;
  /** Set by the layer that keeps the buffer. The reader must then take another and never touch this one again. */
  held = false;

  constructor(readonly block: Block) {}

  /** The whole buffer. */
  get bytes(): Uint8Array {
    return this.block.bytes;
  }
}

/** Frames for readers. Held frames come back through {@linkcode release}. At most `spare` unused ones are kept. */
export class FramePool {
  private readonly free: Frame[] = [];
  /** The number of frames that were taken and not released yet. */
  taken = 0;

  constructor(private readonly allocate: Allocate, private readonly spare = 64) {}

  /** A frame with `held` unset. Its bytes are not cleared. */
  take(): Frame {
    this.taken++;
    const frame = this.free.pop() ?? new Frame(this.allocate(FRAME_SIZE));
    frame.held = false;
    return frame;
  }

  /** Returns a frame to the pool. The caller must not use it again. */
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

/** The offset of the transport header in {@linkcode Transmit.head}. IP, link and device headers lie before it. */
export const TRANSPORT_AT = 80;

/** The most pieces of payload in one frame. */
export const MAX_PARTS = 16;

/** The segmentation that a device must apply to a frame. The values are virtio's VIRTIO_NET_HDR_GSO_*. */
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
 * An outgoing frame. Each stack has one object that is used for all frames. The transport layer writes its header at
 * {@linkcode TRANSPORT_AT} and adds references to the payload, then each lower layer writes its header before that of
 * the layer above, and the device sends the frame before `transmit` returns. No layer keeps it.
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
   * The offset of the transport header in `head` if the device must complete the checksum, whose field then has the sum
   * of the pseudo-header; -1: the checksum is complete, or there is none.
   */
  checksumStart = -1;
  /** Offset of the checksum field from `checksumStart`. */
  checksumOffset = 0;
  segmentation: Segmentation = Segmentation.None;
  /** Payload bytes of each segment; 0 with Segmentation.None. */
  segmentSize = 0;
  /** IPv4's time to live or IPv6's hop limit; 0: the default. */
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

  /** A contiguous copy of the frame, for tests, captures and devices without writev. */
  flatten(): Uint8Array {
    const out = new Uint8Array(this.headEnd - this.headStart + this.payloadLength);
    out.set(this.head.bytes.subarray(this.headStart, this.headEnd));
    let at = this.headEnd - this.headStart;
    for (let i = 0; i < this.partCount; i++) {
      const offset = this.partOffsets[i];
      out.set(this.partBlocks[i].bytes.subarray(offset, offset + this.partLengths[i]), at);
      at += this.partLengths[i];
    }
    return out;
  }
}

/** A network device, as the stack sees it. */
export interface Device {
  /** The first header of a frame. */
  readonly medium: "ethernet" | "ip";
  /** The largest IP packet in bytes, without segmentation offload. */
  readonly mtu: number;
  /** Whether the device completes transport checksums ({@linkcode Transmit.checksumStart}). */
  readonly checksumOffload: boolean;
  /** Whether it cuts large TCP segments ({@linkcode Transmit.segmentation}), by IP version. */
  readonly tcpSegmentation4: boolean;
  readonly tcpSegmentation6: boolean;
  /** Whether it cuts trains of UDP datagrams, both IP versions. */
  readonly udpSegmentation: boolean;
  /** Sends a frame. Returns false if it was dropped, which the device counts. Never throws for a lost frame. */
  transmit(frame: Transmit): boolean;
}
