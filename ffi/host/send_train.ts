/**
 * A train: datagrams of one size to one destination that are sent by one sendmsg(2). With UDP_SEGMENT of linux/udp.h
 * (Linux 4.18 and later) the kernel cuts them apart, as late as it can. Most of a datagram's cost is its way through
 * the kernel, which a train goes only once.
 *
 * A train belongs to one socket at a time. Its first datagram sets the size, and a shorter one is the last. The train
 * is sent after the present events are handled, or earlier if it is full or another train begins.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../stack/base/address.ts";
import { errno, libc } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";
import { CMSG_HEADER, Message } from "../libc/message.ts";
import { putSockaddr } from "../libc/sockaddr.ts";
import { PACKET_INFO_SPACE, putPacketInfo } from "./packet_info.ts";
import { IPPROTO_UDP, MSG_DONTWAIT, MSG_NOSIGNAL, UDP_SEGMENT } from "../libc/constants/socket.ts";

/** The most data of one UDP datagram over IPv4; in the kernel a train is one datagram until it is cut. */
const MAX_BYTES = 65_507;
/** UDP_MAX_SEGMENTS of linux/udp.h before Linux 6.9. */
const MAX_DATAGRAMS = 64;
/** Longer datagrams are sent at once: one that does not fit Ethernet's MTU can't be in a train there. */
const MAX_SIZE = 1472;

/** CMSG_LEN and CMSG_SPACE of a 16-bit number. */
const CMSG_LENGTH = CMSG_HEADER + 2;
const CMSG_SPACE = CMSG_HEADER + 8;

/** The socket that a train belongs to. */
export interface TrainOwner {
  /** Sends the train. Called once for each train. */
  sendTrain(train: SendTrain): void;
}

/** Collects datagrams of one size to one destination, and sends them by one call. */
export class SendTrain {
  /** The destination. */
  to: Endpoint | null = null;
  /** The source address; null: the system chooses. */
  from: IpAddress | null = null;
  /** The number of datagrams. */
  count = 0;
  /** Bytes of each datagram; the last may be shorter. */
  size = 0;
  /** Bytes of all datagrams. */
  length = 0;
  /** The datagrams, one after the other. */
  readonly block = new MachineBlock(MAX_BYTES);
  private owner: TrainOwner | null = null;
  private readonly message = new Message({ name: true, control: PACKET_INFO_SPACE + CMSG_SPACE });
  private readonly control: DataView;
  private named: Endpoint | null = null;
  /** Bytes of the control message with the source address. */
  private infoLength = 0;
  /** The source address in that control message. */
  private infoOf: IpAddress | null = null;
  private flushing = false;

  /** @param defer calls a function after the present events are handled */
  constructor(private readonly defer: (run: () => void) => void) {
    const { buffer, byteOffset, length } = this.message.control;
    this.control = new DataView(buffer, byteOffset, length);
    this.putControl(null);
  }

  /**
   * Copies and later sends `bytes[offset .. offset + length)`. Returns false if the caller must send the datagram
   * itself.
   */
  add(
    owner: TrainOwner,
    bytes: Uint8Array,
    offset: number,
    length: number,
    to: Endpoint,
    from: IpAddress | null,
  ): boolean {
    const fits = owner === this.owner && to === this.to && from === this.from && length <= this.size &&
      this.length + length <= MAX_BYTES;
    if (this.count > 0 && (!fits || length === 0)) this.flush();
    if (length === 0 || length > MAX_SIZE) return false;
    this.block.bytes.set(bytes.subarray(offset, offset + length), this.length);
    this.length += length;
    if (this.count++ === 0) {
      this.owner = owner;
      this.to = to;
      this.from = from;
      this.size = length;
      if (!this.flushing) {
        this.flushing = true;
        this.defer(this.flushNow);
      }
    }
    if (length < this.size || this.count === MAX_DATAGRAMS) this.flush();
    return true;
  }

  /** Sends the present train now if it belongs to `owner`. */
  flushOf(owner: TrainOwner): void {
    if (this.owner === owner) this.flush();
  }

  /** Sends the whole train by sendmsg(2). Returns the number of bytes, or the negative errno. */
  send(fd: number): number {
    const { message, to } = this;
    if (to === null) return 0;
    if (to !== this.named) {
      message.nameLength = putSockaddr(message.name, to.address, to.port);
      this.named = to;
    }
    if (this.from !== this.infoOf) this.putControl(this.from);
    message.controlLength = this.infoLength + (this.count > 1 ? CMSG_SPACE : 0);
    this.control.setUint16(this.infoLength + CMSG_HEADER, this.size, true);
    message.setPart(0, this.block.address, this.length);
    const sent = libc().sendmsg(fd, message.pointer, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -errno() : sent;
  }

  /** Writes the control messages for the source address and for the segmentation, without the size. */
  private putControl(from: IpAddress | null): void {
    this.infoOf = from;
    const at = this.infoLength = from === null ? 0 : putPacketInfo(this.message.control, from);
    this.control.setUint32(at, CMSG_LENGTH, true);
    this.control.setUint32(at + 4, 0, true);
    this.control.setInt32(at + 8, IPPROTO_UDP, true);
    this.control.setInt32(at + 12, UDP_SEGMENT, true);
  }

  private readonly flushNow = (): void => {
    this.flushing = false;
    this.flush();
  };

  private flush(): void {
    const { owner } = this;
    if (this.count > 0) owner?.sendTrain(this);
    this.count = this.length = 0;
    this.owner = this.to = this.from = null;
  }
}
