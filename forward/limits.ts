/**
 * Every number that bounds or times what is forwarded, with its reason. A guest is a stranger: what it can make more
 * of, it can make too many of, and each line here says what happens then.
 *
 * @module
 */

// ---- TCP ------------------------------------------------------------------------------------------------------------

/**
 * TCP connections forwarded at once, dials included. When full, new ones are refused, and those that exist go on. An
 * idle connection takes one descriptor and some 6 KiB, so all of them take 100 MiB; a bulk one some MiB, but of those
 * the stack's own bound on buffers takes care.
 */
export const MAX_FLOWS = 16_384;

/**
 * Dials under way at once. A guest that scans a network makes one for each address that doesn't answer, for
 * DIAL_TIMEOUT_MS each. When full, a SYN is dropped: the guest sends it again in a second, as on a congested line.
 */
export const MAX_DIALS = 1_024;

/**
 * How long a dial may take. The kernel sends SYNs at 0, 1, 3, 7 and 15 seconds (RFC 6298, doubling from one second);
 * five more for the answer to the last of these. Left alone, the kernel would try for 127 s.
 */
export const DIAL_TIMEOUT_MS = 20_000;

/**
 * Sizes of a read from the host: as long as reads come back full the next is of the next size, and when one comes back
 * with less, the next is the smallest that would have held it. The memory of a read that waits is taken, so an idle
 * connection should wait with a small one; bulk wants 64 KiB or more a call. They are the stack's block sizes.
 */
export const READ_SIZES: readonly number[] = [4 * 1024, 64 * 1024, 256 * 1024];

/**
 * Reads or writes that one connection may complete in one turn where the host completes them at once, before others
 * get theirs: at 64 KiB each some 100 µs of work.
 */
export const OPERATIONS_PER_TURN = 8;

/** How long a listener rests after accept(2) failed (out of descriptors, as a rule); the kernel queues meanwhile. */
export const ACCEPT_RETRY_MS = 100;

/**
 * How long a client of a forward with PROXY headers may take to send it. Proxies send it at once; nginx grants the same
 * (proxy_protocol_timeout), and a connection that says nothing costs a descriptor meanwhile.
 */
export const PROXY_HEADER_MS = 30_000;

// ---- UDP ------------------------------------------------------------------------------------------------------------

/**
 * UDP associations at once, each a descriptor and a receive buffer. When full, the one that was idle longest goes. A
 * resolver without a port of its own makes one a query; with DNS_IDLE_MS, this carries 400 queries a second.
 */
export const MAX_ASSOCIATIONS = 4_096;

/**
 * Addresses that one association remembers having sent to. When full, the one remembered first goes. Peer-to-peer
 * programs talk to thousands from one port, yet to a few at a time.
 */
export const MAX_PEERS = 256;

/**
 * Idle end of an association that has sent to port 53 only. Resolvers give a server 5 s (RES_TIMEOUT in resolv.h) and
 * then ask again, mostly from the same socket; RFC 4787, REQ-5 allows for shorter times with well-known ports.
 */
export const DNS_IDLE_MS = 10_000;

/** Idle end after one datagram out and at most one in: what Linux gives such (nf_conntrack_udp_timeout). */
export const EXCHANGE_IDLE_MS = 30_000;

/** Idle end of all others: what RFC 4787, REQ-5 recommends (it demands 2 minutes). */
export const ASSOCIATION_IDLE_MS = 300_000;

/**
 * How long a host's "no way there" about a datagram stands for the next ones to that address: the error comes too late
 * for the datagram that it is about, and a program that gets no answer sends again within some seconds.
 */
export const UDP_FAILURE_MS = 1_000;

/** Associations are looked at for their idle end at most this often, so they end up to this much late. */
export const SWEEP_MS = 1_000;

/** The longest UDP datagram is 65,507 bytes over IPv4 (65,535 - 20 - 8), 65,527 over IPv6 (65,535 - 8). */
export const DATAGRAM_BUFFER = 65_536;

/** Receive buffers are made this many bytes at a time: well past the size from which malloc maps fresh pages. */
export const DATAGRAM_SLAB = 64 * DATAGRAM_BUFFER;

/**
 * Datagrams of one UDP socket that wait for the host's kernel to take them. Those that come in one turn from the guest
 * must all find room (a device hands over 32 frames a turn, and one may hold dozens of small datagrams); past that they
 * are dropped, as on a full queue.
 */
export const MAX_QUEUED_DATAGRAMS = 256;

/** The same for all UDP sockets together, in bytes: a host whose network stands still must not fill the memory. */
export const MAX_COPIED_BYTES = 16 * 1024 * 1024;

/** Datagrams of one association, and their bytes, that wait while a name is asked for: several of the largest. */
export const MAX_WAITING_DATAGRAMS = 64;
export const MAX_WAITING_BYTES = 256 * 1024;

/** The bytes of those of all associations: a name server that is silent must not fill the memory. */
export const MAX_ALL_WAITING_BYTES = 16 * 1024 * 1024;

/** Receive errors in a row after which a UDP socket is left alone until its association ends. */
export const MAX_RECEIVE_ERRORS = 16;

/** Copies of datagrams up to this size (any that fits a usual MTU) are made in buffers that are used again. */
export const SMALL_COPY = 2_048;

/** Such buffers that are kept unused: half a MiB. */
export const MAX_SPARE_COPIES = 256;

// ---- names ----------------------------------------------------------------------------------------------------------

/** How long the system's resolver may take: with the defaults of resolv.conf(5) it asks a silent server for 10 s. */
export const RESOLVER_PATIENCE_MS = 12_000;

/**
 * How long each of the questions to a name server that a forward names may take, until the next is asked: one that was
 * lost is repeated soon, and a server that must ask others has the time to.
 */
export const NAME_SERVER_PATIENCE_MS: readonly number[] = [1_000, 3_000];

// ---- the guest's name server ----------------------------------------------------------------------------------------

/**
 * Questions of the guest that wait for an answer at once; each takes a socket for each server that it was asked of. When
 * full, the one that waits longest is answered that it failed: its client has asked again meanwhile, or gone. With a
 * server that answers in 50 ms these are 10,000 questions a second.
 */
export const MAX_DNS_QUESTIONS = 512;

/** How long a question is asked around at most, whatever resolv.conf says: programs don't wait longer. */
export const DNS_PATIENCE_MS = 30_000;

/** How long a name server that did not answer is asked after the others; then it may be there again. */
export const DNS_REST_MS = 30_000;

/**
 * The guest's TCP connections to its name server at once. When full, the one that was idle longest is reset; clients
 * must be ready for that (RFC 7766, section 6.2.4).
 */
export const MAX_DNS_CONNECTIONS = 64;

/** Questions of one such connection that wait for an answer; further ones are not read until one of them has it. */
export const MAX_DNS_PIPELINED = 32;

/** How long such a connection may be idle: some seconds, as RFC 7766, section 6.2.3 says. */
export const DNS_CONNECTION_IDLE_MS = 10_000;
