/**
 * How much of the stack's limits is in use, to be shown.
 *
 * @module
 */

/** A limit, how much of it is in use, and how often it was not enough. */
export interface Usage {
  readonly current: number;
  readonly limit: number;
  /** Since the start; what one is, is said where the limit is. */
  readonly overflows: number;
}

/** The limits of the stack. */
export interface StackUsage {
  /** TCP connections whose handshake is not complete; the oldest that made room. */
  readonly halfOpen: Usage;
  /** IP datagrams of which fragments are missing, by version; the oldest that made room. */
  readonly fragmentedDatagrams4: Usage;
  readonly fragmentedDatagrams6: Usage;
  /** Bytes of TCP that came out of order; segments that were dropped. */
  readonly outOfOrderBytes: Usage;
  /** Bytes of all TCP buffers; segments that were dropped. */
  readonly bufferedBytes: Usage;
  /** ICMP errors in this second; those that were not sent. */
  readonly icmpErrors: Usage;
  /** IP addresses of stations on the link whose hardware address is remembered; those that made room. */
  readonly neighbours: Usage;
  /** Packets that wait for a station's hardware address; the oldest that made room. */
  readonly neighbourPackets: Usage;
}
