/**
 * Reads and writes frames of a tun or tap device, without copies or allocations.
 *
 * In: one read(2) per frame, straight into the frame's buffer, so that the IP header is at IP_HEADER_AT. The
 * `virtio_net_hdr` before it sets the frame's `checksumTrusted` and `segmentSize`. Out: one writev(2) per frame, of the
 * `virtio_net_hdr` and the headers, which are contiguous, and of the pieces of the payload.
 *
 * The `virtio_net_hdr` (linux/virtio_net.h, virtio 1.2 section 5.1.6), little-endian:
 *
 *     0 flags   1 gso_type   2 hdr_len (16)   4 gso_size (16)   6 csum_start (16)   8 csum_offset (16)
 *
 * `hdr_len` is set in every frame, although a plain one does not require it: the kernel then copies that many bytes to
 * the linear part of its buffer and the payload into pages. With 0 it allocates one contiguous piece for all.
 *
 * The kernel's answers, and the device's reactions (seen on Linux 6.18):
 *
 *     read    EAGAIN   there is no frame; also while the interface is down
 *     read    EBADFD   the interface was deleted, or the descriptor lost it: throw
 *     read    EINVAL, EFAULT, ...   this frame can't be represented (the guest can cause that): drop it
 *     write   EIO      the interface is down: drop the frame
 *     write   EINVAL   the kernel does not accept the frame or its header: drop it
 *     write   EBADFD   the interface was deleted: drop it; epoll reports EPOLLERR, and the reader will throw
 *
 * @module
 */
import { type Frame, FRAME_SIZE, IP_HEADER_AT, type Transmit } from "../../stack/base/device.ts";
import { EAGAIN, EFAULT, EINTR, EINVAL, EMSGSIZE, ENOBUFS, ENOMEM, SystemError } from "../libc/errors.ts";
import { type DeviceCounters, ETHERNET_HEADER_SIZE, type FrameDevice, newCounters } from "./frame_device.ts";
import { gatherFrame, iovecBlock } from "../libc/iovec.ts";
import { errno, type Libc, libc } from "../libc/libc.ts";
import { pointerInto } from "../libc/memory.ts";
import { closeTun, type OpenTun, TUN_F_USO4, TUN_F_USO6, VNET_HEADER_SIZE } from "./open_tun.ts";

// linux/virtio_net.h
const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
const VIRTIO_NET_HDR_F_DATA_VALID = 2;

/** The number of unreadable frames in a row after which the device counts as broken. */
const MAX_UNREADABLE = 64;

/** A tun or tap device: reads and writes its frames. */
export class TunDevice implements FrameDevice {
  readonly medium: "ethernet" | "ip";
  readonly mtu: number;
  readonly checksumOffload: boolean;
  readonly tcpSegmentation4: boolean;
  readonly tcpSegmentation6: boolean;
  readonly udpSegmentation: boolean;
  readonly counters: DeviceCounters = newCounters();

  private readonly libc: Libc = libc();
  private readonly vnetHeaderSize: number;
  /** The offset of a frame's link or IP header in its block. */
  private readonly frameAt: number;
  /** The offset of the device's own header, before it. */
  private readonly readAt: number;
  private readonly readSize: bigint;
  private readonly iovec: Uint32Array;
  private readonly iovecPointer: Deno.PointerObject;
  private closed = false;

  /** Takes over the descriptor. */
  constructor(private readonly tun: OpenTun) {
    this.medium = tun.medium;
    this.mtu = tun.mtu;
    this.checksumOffload = tun.vnetHeader;
    this.tcpSegmentation4 = tun.vnetHeader;
    this.tcpSegmentation6 = tun.vnetHeader;
    // a kernel that knows the offload also accepts such frames
    this.udpSegmentation = (tun.offload & (TUN_F_USO4 | TUN_F_USO6)) !== 0;
    this.vnetHeaderSize = tun.vnetHeader ? VNET_HEADER_SIZE : 0;
    this.frameAt = IP_HEADER_AT - (tun.medium === "ethernet" ? ETHERNET_HEADER_SIZE : 0);
    this.readAt = this.frameAt - this.vnetHeaderSize;
    this.readSize = BigInt(FRAME_SIZE - this.readAt);
    const iovec = iovecBlock();
    this.iovec = new Uint32Array(iovec.bytes.buffer);
    this.iovecPointer = iovec.pointerAt(0);
  }

  /** The descriptor, to wait for frames; -1 after {@linkcode close}. */
  get fd(): number {
    return this.closed ? -1 : this.tun.fd;
  }

  /** The interface's name in its namespace. */
  get name(): string {
    return this.tun.name;
  }

  /**
   * Reads the next frame into `frame`, whose block must have {@linkcode FRAME_SIZE} bytes and a machine address.
   *
   * @returns false if there is none now
   * @throws SystemError if the device is gone
   */
  read(frame: Frame): boolean {
    const pointer = pointerInto(frame.block, this.readAt);
    for (let unreadable = 0;;) {
      const length = this.libc.read(this.fd, pointer, this.readSize);
      if (length >= 0) {
        this.received(frame, length);
        return true;
      }
      const reason = errno();
      if (reason === EAGAIN) return false;
      if (reason === EINTR) continue;
      if (!isAboutOneFrame(reason) || ++unreadable > MAX_UNREADABLE) {
        throw new SystemError("read", reason, this.tun.name, "the device is gone");
      }
      this.counters.dropsIn++;
    }
  }

  transmit(frame: Transmit): boolean {
    const start = frame.headStart - this.vnetHeaderSize;
    if (this.vnetHeaderSize > 0) writeVnetHeader(frame, start);
    const count = gatherFrame(this.iovec, 0, frame, start);
    let written: number;
    do written = this.libc.writev(this.fd, this.iovecPointer, count); while (written < 0 && errno() === EINTR);
    if (written < 0) {
      this.counters.dropsOut++;
      return false;
    }
    this.counters.framesOut++;
    this.counters.bytesOut += frame.headEnd - frame.headStart + frame.payloadLength;
    return true;
  }

  /** Closes the device. Frames are neither read nor sent afterwards. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeTun(this.tun);
  }

  private received(frame: Frame, length: number): void {
    frame.start = this.frameAt;
    frame.end = Math.max(this.frameAt, this.readAt + length);
    if (this.vnetHeaderSize > 0) {
      const { bytes } = frame;
      const at = this.readAt;
      const segmented = bytes[at + 1] !== 0; // gso_type is not VIRTIO_NET_HDR_GSO_NONE
      frame.segmentSize = segmented ? bytes[at + 4] | bytes[at + 5] << 8 : 0;
      frame.checksumTrusted = (bytes[at] & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)) !== 0;
    } else {
      frame.segmentSize = 0;
      frame.checksumTrusted = false;
    }
    this.counters.framesIn++;
    this.counters.bytesIn += frame.end - frame.start;
  }
}

/** Whether read(2) failed because of one frame, which is lost, and not because of the device. */
function isAboutOneFrame(reason: number): boolean {
  return reason === EINVAL || reason === EFAULT || reason === EMSGSIZE || reason === ENOMEM || reason === ENOBUFS;
}

function writeVnetHeader(frame: Transmit, at: number): void {
  const { bytes } = frame.head;
  const headLength = frame.headEnd - frame.headStart;
  const needsChecksum = frame.checksumStart >= 0;
  const checksumStart = needsChecksum ? frame.checksumStart - frame.headStart : 0;
  const checksumOffset = needsChecksum ? frame.checksumOffset : 0;
  bytes[at] = needsChecksum ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0;
  bytes[at + 1] = frame.segmentation;
  bytes[at + 2] = headLength;
  bytes[at + 3] = headLength >> 8;
  bytes[at + 4] = frame.segmentSize;
  bytes[at + 5] = frame.segmentSize >> 8;
  bytes[at + 6] = checksumStart;
  bytes[at + 7] = checksumStart >> 8;
  bytes[at + 8] = checksumOffset;
  bytes[at + 9] = checksumOffset >> 8;
}
