/**
 * The use of the stack's limits, for display.
 *
 * @module
 */

/** A limit, its present use, and the number of times that it was exceeded. */
export interface Usage {
  readonly current: number;
  readonly limit: number;
  /** Since the start. The limit's own comment says what is counted. */
  readonly overflows: number;
}

/** The use of a limit whose feature is switched off. */
export const NOT_IN_USE: Usage = { current: 0, limit: 0, overflows: 0 };

/** The use of each limit of the stack. */
export interface StackUsage {
  /** TCP connections whose handshake is not complete. Overflows: the oldest ones, which made room. */
  readonly halfOpen: Usage;
  /** IPv4 datagrams with missing fragments. Overflows: the oldest ones, which made room. */
  readonly fragmentedDatagrams4: Usage;
  /** The same for IPv6. */
  readonly fragmentedDatagrams6: Usage;
  /** Bytes of TCP data received out of order. Overflows: dropped segments. */
  readonly outOfOrderBytes: Usage;
  /** Bytes of all TCP buffers. Overflows: dropped segments. */
  readonly bufferedBytes: Usage;
  /** ICMP errors in this second. Overflows: errors that were not sent. */
  readonly icmpErrors: Usage;
  /** IP addresses of stations on the link whose hardware address is kept. Overflows: addresses that made room. */
  readonly neighbours: Usage;
  /** Packets that wait for a station's hardware address. Overflows: the oldest ones, which made room. */
  readonly neighbourPackets: Usage;
}
