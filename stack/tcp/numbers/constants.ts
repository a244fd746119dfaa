/**
 * TCP's numbers, each with its reason. Times are in milliseconds.
 *
 * @module
 */

/** Retransmission timeout before the first measurement (RFC 6298, rule 2.1). */
export const INITIAL_RTO = 1000;

/**
 * The least retransmission timeout. RFC 6298 rule 2.4 says a second, but Linux, the peer on the other side of the
 * device, and most other stacks use 200 ms. The path is a memory copy.
 */
export const MIN_RTO = 200;

/** The largest retransmission timeout (RFC 6298, rule 2.5: at least 60 s). */
export const MAX_RTO = 60_000;

/** The assumed granularity of the clock, the G of RFC 6298. */
export const CLOCK_GRANULARITY = 1;

/**
 * A peer that answers nothing for this long, and for the following number of timeouts, is gone (R2 of RFC 9293, section
 * 3.8.3: at least 100 s). The time is Linux's (924.6 s with tcp_retries2 of 15), so a guest that was paused for some
 * minutes goes on with its transfers.
 */
export const GIVE_UP_AFTER = 925_000;
export const GIVE_UP_TIMEOUTS = 8;

/** The same for a handshake. (RFC 9293 requires 3 minutes for SYN, but this guest is a memory copy away.) */
export const HANDSHAKE_GIVE_UP_AFTER = 63_000;

/**
 * The delay of an acknowledgment that waits for outgoing data (RFC 9293, section 3.8.6.3: less than 500). It is short,
 * because answers from the same machine come within a millisecond, and a guest without TCP_NODELAY waits for it.
 */
export const DELAYED_ACK = 10;

/**
 * The idle time before keepalive probes, the time between them, and the number of unanswered ones (RFC 9293, 3.8.4;
 * Linux: 2 h, 75 s, 9). The user has not asked for these probes, so a guest may leave them unanswered for half an hour.
 */
export const KEEPALIVE_IDLE = 15 * 60_000;
export const KEEPALIVE_INTERVAL = 75_000;
export const KEEPALIVE_PROBES = 24;

/** The length of TIME-WAIT: Linux's 60 s instead of 2 MSL. On this path no segment lives for a second. */
export const TIME_WAIT = 60_000;

/** Initial congestion window in segments (RFC 6928). */
export const INITIAL_WINDOW = 10;

/** The number of duplicate acknowledgments that indicate a loss (RFC 5681, section 3.2; DupThresh of RFC 6675). */
export const DUPLICATE_THRESHOLD = 3;

/** The segment size if the peer announces none (RFC 9293, section 3.7.1), by IP version. */
export const DEFAULT_MSS_4 = 536;
export const DEFAULT_MSS_6 = 1220;

/** The least segment size; smaller announcements count as this, so that a peer can't demand segments of a byte. */
export const LEAST_MSS = 88;

/** The shift of the receive window (RFC 7323): 65,535 << 7 is 8 MiB, twice the largest receive buffer. */
export const WINDOW_SHIFT = 7;

/** The age after which a timestamp is no longer compared (RFC 7323, section 5.5: 24 days). */
export const TIMESTAMP_VALID = 24 * 24 * 3600_000;

/** The receive buffer of a connection, in bytes. It starts small and doubles while the user keeps up. */
export const INITIAL_RECEIVE_BUFFER = 256 * 1024;
export const MAX_RECEIVE_BUFFER = 4 * 1024 * 1024;

/** The bounds of a connection's send buffer, in bytes, which is twice the bytes that the windows allow in flight. */
export const MIN_SEND_BUFFER = 128 * 1024;
export const MAX_SEND_BUFFER = 4 * 1024 * 1024;

/** The limit of each buffer of a connection while all connections together hold more than the soft limit, in bytes. */
export const PRESSED_BUFFER = 16 * 1024;

/** The most pieces of out-of-order data of a connection. More are dropped, and the peer retransmits them. */
export const MAX_OUT_OF_ORDER = 256;

/** The most stored ranges of selectively acknowledged data of a connection. More are ignored. */
export const MAX_SACKED_RANGES = 256;

/** Challenge acknowledgments (RFC 5961, section 7) per second, for all connections together. */
export const CHALLENGE_ACKS = 100;

/** The limits of the TCP layer. `limits` of the stack's options overrides the defaults. */
export interface TcpLimits {
  /**
   * All connections, half-open ones included. When full, the oldest half-open one is dropped; if there is none, RST.
   */
  readonly connections: number;
  /** Connections whose SYN-ACK is not acknowledged yet. When full, the oldest is dropped. */
  readonly halfOpen: number;
  /** SYNs that wait for the user's verdict. When full, a new SYN is dropped, and the guest sends it again. */
  readonly requests: number;
  /** Connections in TIME-WAIT. When full, the oldest is dropped. */
  readonly timeWait: number;
  /**
   * Bytes in all buffers together. Above, each shrinks to {@linkcode PRESSED_BUFFER}; above twice this, data is
   * dropped.
   */
  readonly bufferedBytes: number;
  /**
   * Bytes of out-of-order data in all buffers together. When full, more are dropped, and the guest sends them again.
   */
  readonly outOfOrderBytes: number;
}

/** The default limits. 16,384 connections are those of a busy proxy in a container, at a few KiB each. */
export const DEFAULT_TCP_LIMITS: TcpLimits = {
  connections: 16_384,
  halfOpen: 1024,
  requests: 4096,
  timeWait: 8192,
  bufferedBytes: 256 * 1024 * 1024,
  outOfOrderBytes: 64 * 1024 * 1024,
};
