/**
 * A socket that sends ICMP echo requests and receives the replies. There are two kinds:
 *
 * | kind | socket | permitted to | identifier | receives |
 * | --- | --- | --- | --- | --- |
 * | ping | SOCK_DGRAM with IPPROTO_ICMP | groups in net.ipv4.ping_group_range (for IPv6 too) | chosen by the kernel, as a port | its own replies |
 * | raw | SOCK_RAW | CAP_NET_RAW | any | all echo replies to this host; for IPv4 with the IP header |
 *
 * The program writes the ICMP header and the payload. For a ping socket the kernel fills in the identifier and the
 * checksum; for a raw one over IPv6, the checksum; for a raw one over IPv4, nothing. The hop limit is a control
 * message, of requests and replies. Errors about a request come to the error queue (error_queue.ts) and quote its
 * header.
 *
 * @module
 */
import type { Endpoint, IpAddress, IpVersion } from "../../stack/base/address.ts";
import { put16 } from "../../stack/base/bytes.ts";
import { addSums, complement, partialSum } from "../../stack/wire/checksum.ts";
import { ByteAddresses } from "../libc/byte_address.ts";
import { eachControl, ErrorQueue, keepErrors, word } from "../libc/error_queue.ts";
import { check, EAGAIN, EINTR, EMSGSIZE } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";
import { Message } from "../libc/message.ts";
import { pathMtuTowards } from "../network/route.ts";
import type { Polling } from "../poll/poller.ts";
import { familyOf, isIpSockaddr, putSockaddr, SOCKADDR_IN6_SIZE, sockaddrOf, sockaddrPort } from "../libc/sockaddr.ts";
import { WatchedSocket } from "../poll/watched_socket.ts";
import { EPOLLERR, EPOLLIN } from "../libc/constants/poll.ts";
import {
  ICMP_FILTER,
  ICMPV6_FILTER,
  IP_RECVTTL,
  IP_TTL,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_RECVHOPLIMIT,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_DGRAM,
  SOCK_NONBLOCK_CLOEXEC,
  SOCK_RAW,
  SOL_RAW,
} from "../libc/constants/socket.ts";

/** The two kinds of sockets: the kernel's ping socket, or a raw socket. */
export type EchoKind = "ping" | "raw";

// The ICMP header: type, code, checksum (16), identifier (16), sequence (16); RFC 792, RFC 4443 section 4.1
const ICMP_HEADER = 8;
const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;
const ECHO_REQUEST4 = 8;
const ECHO_REPLY4 = 0;
const ECHO_REQUEST6 = 128;
const ECHO_REPLY6 = 129;

/** The longest IP packet, with room to spare. */
const BUFFER_SIZE = 65_600;
/** CMSG_LEN and CMSG_SPACE of an int. */
const CMSG_LENGTH = 20;
const CMSG_SPACE = 24;
/** Room for a reply's control messages. */
const CONTROL_SIZE = 128;

/** The most messages, and errors, that are read before other sockets get their turn. */
const PER_TURN = 16;

/** Memory for a system call. All sockets share it, since there is one call at a time. */
export class EchoMemory {
  readonly header = new MachineBlock(ICMP_HEADER);
  readonly outgoing = new Message({ parts: 2, name: true, control: CMSG_SPACE });
  readonly incoming = new Message({ name: true, control: CONTROL_SIZE });
  readonly buffer = new MachineBlock(BUFFER_SIZE);
  readonly addresses = new ByteAddresses();
  /** Reads the error queues. */
  readonly errors = new ErrorQueue();

  constructor() {
    this.incoming.setPart(0, this.buffer.address, BUFFER_SIZE);
  }
}

/** The part of an {@linkcode EchoSocket} that a sender of requests uses. */
export type EchoPort = Pick<EchoSocket, "version" | "kind" | "identifier" | "mtu" | "send" | "close">;

/** An error that the network reports about a request. */
export type EchoError = Pick<ErrorQueue, "errno" | "icmp" | "mtu">;

/** Opens a socket. `source` is the requests' source address (null: the system chooses). Throws a SystemError. */
export type OpenEcho = (
  version: IpVersion,
  kind: EchoKind,
  source: IpAddress | null,
  receiver: EchoReceiver,
) => EchoPort;

/** Returns the function that opens the system's sockets. */
export function echoSockets(poller: Polling): OpenEcho {
  let memory: EchoMemory | undefined;
  return (version, kind, source, receiver) => {
    memory ??= new EchoMemory(); // most guests send no pings
    return new EchoSocket(version, kind, source, memory, poller, receiver);
  };
}

/** Receives the replies and errors of an {@linkcode EchoSocket}; never called from within a call. */
export interface EchoReceiver {
  /**
   * An echo reply: the payload is `bytes[offset .. offset + length)`, valid until the call returns.
   *
   * @param from `struct sockaddr_in` or `sockaddr_in6` of its sender
   */
  replied(
    socket: EchoPort,
    identifier: number,
    sequence: number,
    from: Uint8Array,
    bytes: Uint8Array,
    offset: number,
    length: number,
    hopLimit: number,
  ): void;
  /** An error about a request. */
  refused(socket: EchoPort, identifier: number, sequence: number, to: Endpoint, errors: EchoError): void;
}

/** One socket that sends echo requests and receives their replies and errors. */
export class EchoSocket {
  /** The identifier of a ping socket's requests; 0 for a raw socket, whose requests may have any. */
  readonly identifier: number;
  /** The largest IP packet to the destination, in bytes, after a send that failed with EMSGSIZE; 0: unknown. */
  mtu = 0;
  private readonly socket: WatchedSocket;
  private hopLimit = 0;

  /**
   * Opens the socket.
   *
   * @param source the requests' source address; null: the system chooses
   * @throws SystemError
   */
  constructor(
    readonly version: IpVersion,
    readonly kind: EchoKind,
    source: IpAddress | null,
    private readonly memory: EchoMemory,
    poller: Polling,
    private readonly receiver: EchoReceiver,
  ) {
    const four = version === 4;
    const type = kind === "ping" ? SOCK_DGRAM : SOCK_RAW;
    const protocol = four ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    const name = `socket(${four ? "IPPROTO_ICMP" : "IPPROTO_ICMPV6"}, ${kind})`;
    const fd = check(libc().socket(familyOf(version), type | SOCK_NONBLOCK_CLOEXEC, protocol), name, "");
    try {
      this.setUp(fd, source);
      this.identifier = kind === "ping" ? localPort(fd) : 0;
    } catch (error) {
      libc().close(fd);
      throw error;
    }
    this.socket = new WatchedSocket(fd, poller);
    this.socket.onEvents = this.ready;
    this.socket.arm(EPOLLIN);
  }

  /**
   * Sends an echo request with the payload `bytes[offset .. offset + length)`.
   *
   * @returns 0, or the errno of the failure
   */
  send(
    destination: IpAddress,
    identifier: number,
    sequence: number,
    hopLimit: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number {
    const { header, outgoing, addresses } = this.memory;
    this.putHeader(identifier, sequence);
    if (this.kind === "raw" && this.version === 4) putChecksum(header.bytes, bytes, offset, length);
    outgoing.setPart(0, header.address, ICMP_HEADER);
    outgoing.setPart(1, addresses.of(bytes) + offset, length);
    outgoing.nameLength = putSockaddr(outgoing.name, destination, 0);
    this.putHopLimit(hopLimit);
    this.mtu = 0;
    for (let attempts = 0;; attempts++) {
      if (libc().sendmsg(this.socket.fd, outgoing.pointer, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
      const reason = errno();
      if (reason === EINTR) continue;
      // an error about an earlier request fails this one, until it is taken from the queue
      if (this.readErrors() > 0 && attempts === 0) continue;
      // for a packet that is larger than any IP packet, some kernels leave no entry with the MTU
      if (reason === EMSGSIZE && this.mtu === 0) this.mtu = pathMtuTowards({ address: destination, port: 0 });
      return reason;
    }
  }

  /** Closes the socket. The receiver is not called afterwards. */
  close(): void {
    this.socket.close();
  }

  private setUp(fd: number, source: IpAddress | null): void {
    const four = this.version === 4;
    keepErrors(fd, familyOf(this.version));
    if (four) setOption(fd, IPPROTO_IP, IP_RECVTTL, 1);
    else setOption(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    if (this.kind === "raw") passRepliesOnly(fd, four);
    if (source === null && this.kind === "raw") return;
    const name = source === null ? wildcard(four) : sockaddrOf(source, 0);
    check(libc().bind(fd, name, name.length), "bind", source === null ? "" : source.toString());
  }

  private putHeader(identifier: number, sequence: number): void {
    const { bytes } = this.memory.header;
    bytes[0] = this.version === 4 ? ECHO_REQUEST4 : ECHO_REQUEST6;
    bytes[1] = bytes[CHECKSUM] = bytes[CHECKSUM + 1] = 0;
    bytes[IDENTIFIER] = identifier >> 8;
    bytes[IDENTIFIER + 1] = identifier;
    bytes[SEQUENCE] = sequence >> 8;
    bytes[SEQUENCE + 1] = sequence;
  }

  private putHopLimit(hopLimit: number): void {
    const { outgoing } = this.memory;
    const { control } = outgoing;
    control.fill(0);
    control[0] = CMSG_LENGTH;
    control[8] = this.version === 4 ? IPPROTO_IP : IPPROTO_IPV6;
    control[12] = this.version === 4 ? IP_TTL : IPV6_HOPLIMIT;
    control[16] = hopLimit;
    outgoing.controlLength = CMSG_SPACE;
  }

  private readonly ready = (events: number): void => {
    if ((events & EPOLLERR) !== 0) this.readErrors();
    for (let i = 0; i < PER_TURN && this.socket.fd >= 0 && this.receive(); i++);
    this.socket.arm(EPOLLIN);
  };

  /** Receives a message. Returns whether there may be another. */
  private receive(): boolean {
    const { incoming, buffer } = this.memory;
    incoming.prepareReceive();
    const length = libc().recvmsg(this.socket.fd, incoming.pointer, MSG_DONTWAIT);
    if (length < 0) {
      const reason = errno();
      return reason === EINTR || (reason !== EAGAIN && this.readErrors() > 0);
    }
    const { bytes } = buffer;
    const at = this.kind === "raw" && this.version === 4 ? (bytes[0] & 15) * 4 : 0;
    const reply = this.version === 4 ? ECHO_REPLY4 : ECHO_REPLY6;
    if (length < at + ICMP_HEADER || bytes[at] !== reply) return true;
    this.hopLimit = 0;
    eachControl(incoming, this.seeControl);
    this.receiver.replied(
      this,
      bytes[at + IDENTIFIER] << 8 | bytes[at + IDENTIFIER + 1],
      bytes[at + SEQUENCE] << 8 | bytes[at + SEQUENCE + 1],
      incoming.name,
      bytes,
      at + ICMP_HEADER,
      length - at - ICMP_HEADER,
      this.hopLimit,
    );
    return true;
  }

  private readonly seeControl = (at: number, level: number, type: number): void => {
    const four = level === IPPROTO_IP && type === IP_TTL;
    if (four || (level === IPPROTO_IPV6 && type === IPV6_HOPLIMIT)) {
      this.hopLimit = word(this.memory.incoming.control, at);
    }
  };

  /** Reports the errors in the queue, and returns their number. */
  private readErrors(): number {
    const { errors } = this.memory;
    let count = 0;
    while (count < PER_TURN && this.socket.fd >= 0 && errors.take(this.socket.fd)) {
      count++;
      const { payload, payloadLength, destination } = errors;
      if (errors.isLocal && errors.mtu > 0) this.mtu = errors.mtu;
      if (payloadLength < ICMP_HEADER || destination === null) continue;
      this.receiver.refused(
        this,
        payload[IDENTIFIER] << 8 | payload[IDENTIFIER + 1],
        payload[SEQUENCE] << 8 | payload[SEQUENCE + 1],
        destination,
        errors,
      );
    }
    return count;
  }
}

function setOption(fd: number, level: number, option: number, ...values: number[]): void {
  const memory = new Int32Array(new ArrayBuffer(4 * values.length));
  memory.set(values);
  check(libc().setsockopt(fd, level, option, memory, memory.byteLength), `setsockopt(${level}, ${option})`, "");
}

/** Makes a raw socket receive echo replies only. A set bit of the filter blocks a type. */
function passRepliesOnly(fd: number, four: boolean): void {
  if (four) return setOption(fd, SOL_RAW, ICMP_FILTER, ~(1 << ECHO_REPLY4));
  const filter = Array<number>(8).fill(-1);
  filter[ECHO_REPLY6 >> 5] &= ~(1 << (ECHO_REPLY6 & 31));
  setOption(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, ...filter);
}

function localPort(fd: number): number {
  const name = new Uint8Array(new ArrayBuffer(SOCKADDR_IN6_SIZE)), length = new Int32Array(new ArrayBuffer(4));
  length[0] = SOCKADDR_IN6_SIZE;
  check(libc().getsockname(fd, name, length), "getsockname", "");
  return sockaddrPort(name, 0);
}

/** Port 0 of the wildcard address, with which a ping socket gets a free identifier. */
function wildcard(four: boolean): Uint8Array<ArrayBuffer> {
  const name = new Uint8Array(new ArrayBuffer(four ? 16 : SOCKADDR_IN6_SIZE));
  name[0] = familyOf(four ? 4 : 6);
  return name;
}

/** Puts the checksum into a header whose checksum is 0, for the payload `bytes[offset .. offset + length)` after it. */
function putChecksum(header: Uint8Array, bytes: Uint8Array, offset: number, length: number): void {
  const sum = addSums(partialSum(header, 0, ICMP_HEADER), partialSum(bytes, offset, length));
  put16(header, CHECKSUM, complement(sum));
}

/** Whether a reply's sender has an IP address. */
export function isSender(from: Uint8Array): boolean {
  return isIpSockaddr(from, 0);
}
