/**
 * Every time that bounds or paces what is forwarded, in ms, with its reason.
 *
 * @module
 */

// ---- TCP ------------------------------------------------------------------------------------------------------------

/**
 * How long a dial may take. The kernel sends SYNs at 0, 1, 3, 7 and 15 seconds (RFC 6298, doubling from one second);
 * five more for the answer to the last of these. Left alone, the kernel would try for 127 s.
 */
export const DIAL_TIMEOUT_MS = 20_000;

/** How long a listener rests after accept(2) failed (out of descriptors, as a rule); the kernel queues meanwhile. */
export const ACCEPT_RETRY_MS = 100;

/**
 * How long a client of a forward with PROXY headers may take to send it. Proxies send it at once; nginx grants the same
 * (proxy_protocol_timeout), and a connection that says nothing costs a descriptor meanwhile.
 */
export const PROXY_HEADER_MS = 30_000;

// ---- memory that is given back --------------------------------------------------------------------------------------

/** How long the number of open connections must not have fallen before memory is given back. */
export const RECLAIM_QUIET_MS = 250;

/** How long that is waited for at most: connections may end one by one. */
export const RECLAIM_PATIENCE_MS = 3_000;

/** The least time between two times that memory is given back: at some 50 ms each, half a percent. */
export const RECLAIM_REST_MS = 10_000;

/**
 * The time between two looks at the process. A load that has ended is noticed after one look or two, so within 8 s. Memory
 * that was given back must be taken anew: a load of one second that comes again each two seconds would be some 4 % slower.
 */
export const IDLE_LOOK_MS = 4_000;

// ---- UDP ------------------------------------------------------------------------------------------------------------

/** The least idle time while there is room for many more associations: what RFC 4787, REQ-5 demands. */
export const UNCROWDED_IDLE_MS = 120_000;

/**
 * Idle end of an association that has sent to port 53 only, where there are many. Resolvers give a server 5 s
 * (RES_TIMEOUT in resolv.h) and then ask again, mostly from the same socket; RFC 4787, REQ-5 allows for shorter times
 * with well-known ports.
 */
export const CROWDED_DNS_IDLE_MS = 10_000;

/**
 * Idle end after one datagram out and at most one in, where there are many: what Linux gives such
 * (nf_conntrack_udp_timeout).
 */
export const CROWDED_EXCHANGE_IDLE_MS = 30_000;

/** Idle end of all others: what RFC 4787, REQ-5 recommends (it demands 2 minutes). */
export const ASSOCIATION_IDLE_MS = 300_000;

/** Associations are looked at for their idle end at most this often, so they end up to this much late. */
export const SWEEP_MS = 1_000;

// ---- names ----------------------------------------------------------------------------------------------------------

/** How long the system's resolver may take: with the defaults of resolv.conf(5) it asks a silent server for 10 s. */
export const RESOLVER_PATIENCE_MS = 12_000;

/**
 * How long each of the questions to a name server that a forward names may take, until the next is asked: one that was
 * lost is repeated soon, and a server that must ask others has the time to.
 */
export const NAME_SERVER_PATIENCE_MS: readonly number[] = [1_000, 3_000];

// ---- the guest's name server ----------------------------------------------------------------------------------------

/** How long a question is asked around at most, whatever resolv.conf says: programs don't wait longer. */
export const DNS_PATIENCE_MS = 30_000;

/** How long a name server that did not answer is asked after the others; then it may be there again. */
export const DNS_REST_MS = 30_000;

/** How long a guest's TCP connection to its name server may be idle: some seconds, as RFC 7766, section 6.2.3 says. */
export const DNS_CONNECTION_IDLE_MS = 10_000;
