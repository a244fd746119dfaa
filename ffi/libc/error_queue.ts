/**
 * A socket's error queue, in which the kernel keeps errors about sent packets if IP_RECVERR or IPV6_RECVERR is set
 * (ip(7), "IP_RECVERR"; linux/errqueue.h). An entry has the packet's destination, the error, the host that reported it,
 * and the part of the packet that the report quoted.
 *
 * While there are entries the socket reports EPOLLERR, and the next send or receive fails with the errno of one of
 * them. Reading the queue makes the socket usable again.
 *
 *     cmsghdr             0 length (64)   8 level (32)   12 type (32)   16 ...
 *     sock_extended_err   0 errno (32)   4 origin   5 type   6 code   8 info (32)   12 data (32)   16 sockaddr
 *
 * @module
 */
import type { IcmpReport } from "../../forward/host/host_network.ts";
import type { Endpoint, IpAddress } from "../../stack/base/address.ts";
import { EINTR, EMSGSIZE } from "./errors.ts";
import { errno, libc } from "./libc.ts";
import { MachineBlock } from "./memory.ts";
import { CMSG_HEADER, Message } from "./message.ts";
import { isIpSockaddr, readAddress, readEndpoint } from "./sockaddr.ts";
import {
  AF_INET6,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_LOCAL,
} from "./constants/socket.ts";

/** Offsets of a control message's level and type. */
const CMSG_LEVEL = 8;
const CMSG_TYPE = 12;

/** The bytes to read of a quoted packet: enough for programs to recognize their own. */
export const QUOTED_SIZE = 512;

/** Room for a `sock_extended_err` with the longest address, its header, and a timestamp if that is turned on. */
const CONTROL_SIZE = 256;

/** Makes the kernel keep errors for a socket of that family. */
export function keepErrors(fd: number, family: number): void {
  const on = new Int32Array(new ArrayBuffer(4)).fill(1);
  // both for an IPv6 socket, which may send to IPv4 as well; if the kernel can't, there are just no entries
  libc().setsockopt(fd, IPPROTO_IP, IP_RECVERR, on, 4);
  if (family === AF_INET6) libc().setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, on, 4);
}

/** Calls `see` for each control message, with the offset of its data, its level and its type. */
export function eachControl(
  message: Message,
  see: (at: number, level: number, type: number) => void,
): void {
  const { control } = message;
  const end = Math.min(message.controlLength, control.length);
  for (let at = 0; at + CMSG_HEADER <= end;) {
    const length = word(control, at);
    if (length < CMSG_HEADER || at + length > end) return;
    see(at + CMSG_HEADER, word(control, at + CMSG_LEVEL), word(control, at + CMSG_TYPE));
    at += Math.ceil(length / 8) * 8;
  }
}

/** The 32-bit number at `at`, in the machine's byte order (little-endian). */
export function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
}

/** Reads error queues. The fields are those of the entry that was taken last. */
export class ErrorQueue {
  /** The errno. */
  errno = 0;
  /** The start of the packet that was sent, from the transport's payload (UDP) or header (ICMP) on. */
  readonly payload: Uint8Array;
  payloadLength = 0;
  /** One of SO_EE_ORIGIN_*. */
  private origin = 0;
  private type = 0;
  private code = 0;
  private info = 0;
  private readonly message = new Message({ name: true, control: CONTROL_SIZE });
  private offenderAt = -1;

  constructor() {
    const block = new MachineBlock(QUOTED_SIZE);
    this.payload = block.bytes;
    this.message.setPart(0, block.address, QUOTED_SIZE);
  }

  /** Takes the oldest entry from a socket's queue. Returns false if it is empty. */
  take(fd: number): boolean {
    const { message } = this;
    for (;;) {
      message.prepareReceive();
      const length = libc().recvmsg(fd, message.pointer, MSG_ERRQUEUE | MSG_DONTWAIT);
      if (length >= 0) {
        this.payloadLength = length;
        this.errno =
          this.origin =
          this.type =
          this.code =
          this.info =
            0;
        this.offenderAt = -1;
        eachControl(message, this.see);
        return true;
      }
      if (errno() !== EINTR) return false;
    }
  }

  /** The destination of the packet that the error is about (port 0 for ICMP); null: unknown. */
  get destination(): Endpoint | null {
    const { name, nameLength } = this.message;
    return nameLength > 0 && isIpSockaddr(name, 0) ? readEndpoint(name, 0) : null;
  }

  /** Whether the host itself reported the error, by the failure of a send. */
  get isLocal(): boolean {
    return this.origin === SO_EE_ORIGIN_LOCAL;
  }

  /** If the packet was too large, the largest IP packet that passes, in bytes; otherwise, or if it is unknown, 0. */
  get mtu(): number {
    return this.errno === EMSGSIZE ? this.info : 0;
  }

  /** The ICMP message; null: the error did not come by ICMP. */
  get icmp(): IcmpReport | null {
    const { origin, type, code } = this;
    if (origin !== SO_EE_ORIGIN_ICMP && origin !== SO_EE_ORIGIN_ICMP6) return null;
    return { type, code, from: this.offender };
  }

  private get offender(): IpAddress | null {
    const { control } = this.message;
    const { offenderAt } = this;
    return offenderAt >= 0 && isIpSockaddr(control, offenderAt) ? readAddress(control, offenderAt) : null;
  }

  private readonly see = (at: number, level: number, type: number): void => {
    const four = level === IPPROTO_IP && type === IP_RECVERR;
    if (!four && !(level === IPPROTO_IPV6 && type === IPV6_RECVERR)) return;
    const { control } = this.message;
    this.errno = word(control, at);
    this.origin = control[at + 4];
    this.type = control[at + 5];
    this.code = control[at + 6];
    this.info = word(control, at + 8);
    this.offenderAt = at + 16;
  };
}
