/**
 * Datagrams of one size to one destination that leave by one sendmsg(2): UDP_SEGMENT of linux/udp.h (Linux 4.18 and
 * later) has the kernel cut them apart, as late as it can. What a datagram costs is mostly its way through the kernel,
 * which a train goes once.
 *
 * A train belongs to one socket at a time. Its first datagram says how large they are; a shorter one is the last. It
 * leaves when the events that there are now have been handled, or before, when it is full or another wants to begin.
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

/** The data of one UDP datagram over IPv4 at most, which a train is until it is cut. */
const MAX_BYTES = 65_507;
/** UDP_MAX_SEGMENTS of linux/udp.h before Linux 6.9. */
const MAX_DATAGRAMS = 64;
/** Longer ones are sent at once: what does not fit an Ethernet's MTU can't be in a train there. */
const MAX_SIZE = 1472;

/** CMSG_LEN and CMSG_SPACE of a 16-bit number. */
const CMSG_LENGTH = CMSG_HEADER + 2;
const CMSG_SPACE = CMSG_HEADER + 8;

/** Whose datagrams they are. */
export interface TrainOwner {
  /** Sends the train with this many datagrams; called once for each train. */
  sendTrain(train: SendTrain): void;
}

/** Collects datagrams of one size to one destination, and sends them by one call. */
export class SendTrain {
  /** Where they go. */
  to: Endpoint | null = null;
  /** The address that they are to come from; null: as the system chooses. */
  from: IpAddress | null = null;
  count = 0;
  /** Of each but perhaps the last, and of all together. */
  size = 0;
  length = 0;
  /** The datagrams, one behind the other. */
  readonly block = new MachineBlock(MAX_BYTES);
  private owner: TrainOwner | null = null;
  private readonly message = new Message({ name: true, control: PACKET_INFO_SPACE + CMSG_SPACE });
  private readonly control: DataView;
  private named: Endpoint | null = null;
  /** Bytes of the control message that says where they come from, and which address that is. */
  private infoLength = 0;
  private infoOf: IpAddress | null = null;
  private flushing = false;

  /** @param defer calls a function when the events that there are now have been handled */
  constructor(private readonly defer: (run: () => void) => void) {
    const { buffer, byteOffset, length } = this.message.control;
    this.control = new DataView(buffer, byteOffset, length);
    this.putControl(null);
  }

  /** Takes a copy of `bytes[offset .. offset + length)`, and sees to it that it is sent; false: that is left to the caller. */
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

  /** Has what there is sent now, if it is that owner's. */
  flushOf(owner: TrainOwner): void {
    if (this.owner === owner) this.flush();
  }

  /** sendmsg(2) of all of it: the number of bytes, or the negative errno. */
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

  /** Writes the control messages, all but the size: where they come from, and that they are to be cut apart. */
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
