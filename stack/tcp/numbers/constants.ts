/**
 * TCP's numbers, each with its reason. Times are in milliseconds.
 *
 * @module
 */

/** Retransmission timeout before the first measurement (RFC 6298, rule 2.1). */
export const INITIAL_RTO = 1000;

/**
 * The least retransmission timeout. RFC 6298 rule 2.4 says a second; Linux, the peer on the other side of the device,
 * uses 200 ms, and so does everybody else: the path is a memory copy away.
 */
export const MIN_RTO = 200;

/** The most (RFC 6298, rule 2.5: at least 60 s). */
export const MAX_RTO = 60_000;

/** The assumed granularity of the clock, the G of RFC 6298. */
export const CLOCK_GRANULARITY = 1;

/**
 * A peer that answers nothing for this long, and this many timeouts, is gone (R2 of RFC 9293, section 3.8.3: at least 100 s).
 * The time is that of Linux (924.6 s with tcp_retries2 of 15): a guest that was paused for some minutes goes on with its
 * transfers.
 */
export const GIVE_UP_AFTER = 925_000;
export const GIVE_UP_TIMEOUTS = 8;

/** The same for a handshake (RFC 9293 wants 3 minutes for SYN; a guest a memory copy away answers or is dead). */
export const HANDSHAKE_GIVE_UP_AFTER = 63_000;

/**
 * How long an acknowledgment may wait for data to ride on (RFC 9293, section 3.8.6.3: less than 500). Short, as hosts
 * that answer at all from the same machine do it within a millisecond, and a guest without TCP_NODELAY waits for it.
 */
export const DELAYED_ACK = 10;

/**
 * Idle time before keepalive probes, between them, and how many go unanswered (RFC 9293, 3.8.4; Linux: 2 h, 75 s, 9).
 * Nobody asked for these probes, so a guest may leave them unanswered for half an hour.
 */
export const KEEPALIVE_IDLE = 15 * 60_000;
export const KEEPALIVE_INTERVAL = 75_000;
export const KEEPALIVE_PROBES = 24;

/** The length of TIME-WAIT: Linux's 60 s stands for 2 MSL on this path, on which nothing lives for a second. */
export const TIME_WAIT = 60_000;

/** Initial congestion window in segments (RFC 6928). */
export const INITIAL_WINDOW = 10;

/** Duplicate acknowledgments that mean a loss (RFC 5681, section 3.2; DupThresh of RFC 6675). */
export const DUPLICATE_THRESHOLD = 3;

/** The segment size when the peer gives none (RFC 9293, section 3.7.1), by IP version. */
export const DEFAULT_MSS_4 = 536;
export const DEFAULT_MSS_6 = 1220;

/** A smaller one is taken as this: a peer that asks for segments of a byte only wants to make work. */
export const LEAST_MSS = 88;

/** The shift of the receive window (RFC 7323): 65,535 << 7 is 8 MiB, twice the largest receive buffer. */
export const WINDOW_SHIFT = 7;

/** A timestamp older than this is not compared any more (RFC 7323, section 5.5: 24 days). */
export const TIMESTAMP_VALID = 24 * 24 * 3600_000;

/** Payload held for the user, per connection. It starts small and doubles while the user keeps up. */
export const INITIAL_RECEIVE_BUFFER = 256 * 1024;
export const MAX_RECEIVE_BUFFER = 4 * 1024 * 1024;

/** Bytes queued for the guest, per connection: twice what the windows let fly, within these bounds. */
export const MIN_SEND_BUFFER = 128 * 1024;
export const MAX_SEND_BUFFER = 4 * 1024 * 1024;

/** What a connection's buffers shrink to, each, while all connections together hold more than the soft limit. */
export const PRESSED_BUFFER = 16 * 1024;

/** Separate pieces of out-of-order data per connection; more are dropped, and retransmitted by the peer. */
export const MAX_OUT_OF_ORDER = 256;

/** Separate ranges of selectively acknowledged data that are remembered; further ones are ignored. */
export const MAX_SACKED_RANGES = 256;

/** Challenge acknowledgments (RFC 5961, section 7) a second, for all connections together. */
export const CHALLENGE_ACKS = 100;

/** How many of what the TCP layer holds; `limits` of the stack's options overrides it. */
export interface TcpLimits {
  /** Connections in all, half-open ones included. When full: the oldest half-open one goes; without one, RST. */
  readonly connections: number;
  /** Connections whose SYN-ACK is not acknowledged yet. When full: the oldest goes. */
  readonly halfOpen: number;
  /** SYNs that wait for the user's verdict. When full: a new SYN is dropped; the guest sends it again. */
  readonly requests: number;
  /** Connections in TIME-WAIT. When full: the oldest goes. */
  readonly timeWait: number;
  /** Bytes in all buffers together above which they shrink to {@linkcode PRESSED_BUFFER} each; at twice, data is dropped. */
  readonly bufferedBytes: number;
  /** Bytes in all buffers together that came out of order. When full: more are dropped, and sent again by the guest. */
  readonly outOfOrderBytes: number;
}

/** See {@linkcode TcpLimits}. 16,384 connections is what a busy proxy in a container holds, at a few KiB each. */
export const DEFAULT_TCP_LIMITS: TcpLimits = {
  connections: 16_384,
  halfOpen: 1024,
  requests: 4096,
  timeWait: 8192,
  bufferedBytes: 256 * 1024 * 1024,
  outOfOrderBytes: 64 * 1024 * 1024,
};
