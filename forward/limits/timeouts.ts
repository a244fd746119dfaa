/**
 * Every time that bounds or paces what is forwarded, in ms, with its reason.
 *
 * @module
 */

// ---- TCP ------------------------------------------------------------------------------------------------------------

/**
 * How long a dial may take. The kernel sends SYNs at 0, 1, 3, 7 and 15 seconds (RFC 6298, doubling from one second), and
 * the answer to the last has five more. Left alone, the kernel would try for 127 s.
 */
export const DIAL_TIMEOUT_MS = 20_000;

/** How long a listener pauses after accept(2) failed, usually for lack of descriptors; the kernel queues meanwhile. */
export const ACCEPT_RETRY_MS = 100;

/**
 * How long a client of a forward with PROXY headers may take to send its header. Proxies send it at once. nginx waits as
 * long (proxy_protocol_timeout), and a silent connection costs a descriptor meanwhile.
 */
export const PROXY_HEADER_MS = 30_000;

// ---- the gate -------------------------------------------------------------------------------------------------------

/** How long a flow may take to show its name: a client sends its ClientHello or its request at once. */
export const HELD_MS = 10_000;

/** How long a guest may take to read why its flow was refused, and to close. */
export const PARTING_MS = 5_000;

// ---- memory that is given back --------------------------------------------------------------------------------------

/** How long the number of open connections must be steady before memory is given back. */
export const RECLAIM_QUIET_MS = 250;

/** The most time to wait for that, because connections may end one by one. */
export const RECLAIM_PATIENCE_MS = 3_000;

/** The least time between two reclaims: at some 50 ms each, they take half a percent of the time. */
export const RECLAIM_REST_MS = 10_000;

/**
 * The time between two checks of the process. The end of a load is noticed after one check or two, so within 8 s. Memory
 * that is given back must be allocated again: a load of one second that comes back every two seconds would be some 4 %
 * slower.
 */
export const IDLE_LOOK_MS = 4_000;

// ---- UDP ------------------------------------------------------------------------------------------------------------

/** The least idle timeout while there is room for many more associations: RFC 4787, REQ-5 demands this much. */
export const UNCROWDED_IDLE_MS = 120_000;

/**
 * Idle timeout, in a crowded table, of an association that has only sent to port 53. Resolvers give a server 5 s
 * (RES_TIMEOUT in resolv.h) and then ask again, mostly from the same socket. RFC 4787, REQ-5 allows shorter times for
 * well-known ports.
 */
export const CROWDED_DNS_IDLE_MS = 10_000;

/**
 * Idle timeout, in a crowded table, after one datagram out and at most one in: Linux's own for that case
 * (nf_conntrack_udp_timeout).
 */
export const CROWDED_EXCHANGE_IDLE_MS = 30_000;

/** Idle timeout of all others, as RFC 4787, REQ-5 recommends (it demands 2 minutes). */
export const ASSOCIATION_IDLE_MS = 300_000;

/** The interval of the search for idle associations, so they end up to this much late. */
export const SWEEP_MS = 1_000;

// ---- names ----------------------------------------------------------------------------------------------------------

/** How long the system's resolver may take: with the defaults of resolv.conf(5) it asks a silent server for 10 s. */
export const RESOLVER_PATIENCE_MS = 12_000;

/**
 * How long to wait for each question to a name server that a forward names, before it is asked again. A lost question is
 * repeated soon, and a server that must ask others has time to do so.
 */
export const NAME_SERVER_PATIENCE_MS: readonly number[] = [1_000, 3_000];

/** How long one of several addresses of a name may take to answer a connection, until the next one is tried. */
export const NAME_ATTEMPT_MS = 5_000;

// ---- the guest's name server ----------------------------------------------------------------------------------------

/** The most time for a question to all servers, whatever resolv.conf says: programs don't wait longer. */
export const DNS_PATIENCE_MS = 30_000;

/** How long a name server that did not answer is asked only after the others; then it may be back. */
export const DNS_REST_MS = 30_000;

/** Idle timeout of a guest's TCP connection to its name server: some seconds, as RFC 7766, section 6.2.3 says. */
export const DNS_CONNECTION_IDLE_MS = 10_000;
