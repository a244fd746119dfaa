/**
 * Every number that bounds or times what is forwarded, with its reason. A guest is a stranger: what it can make more
 * of, it can make too many of, and each line here says what happens then.
 *
 * What a user may want otherwise is in {@linkcode LIMITS}: each has a flag, a metric
 * (`slirpnetstack_limit_current`, `slirpnetstack_limit_max`, `slirpnetstack_limit_overflows_total`, by `resource`), and
 * a policy for when it is full. The others are constants below.
 *
 * @module
 */

import { NEIGHBOUR_QUEUE } from "../stack/link/neighbour.ts";

// ---- limits with a flag ---------------------------------------------------------------------------------------------

/** How many there may be of what a guest can make more of. */
export interface Limits {
  readonly tcpConnections: number;
  readonly halfOpen: number;
  readonly dials: number;
  readonly udpAssociations: number;
  readonly fragmentedDatagrams: number;
  readonly outOfOrderBytes: number;
  readonly bufferedBytes: number;
  readonly icmpErrors: number;
  readonly neighbourPackets: number;
  readonly dnsQuestions: number;
  readonly pings: number;
  readonly pingIdentifiers: number;
}

/** A limit's flag, without its dash. */
export type LimitFlag =
  | "max-tcp-connections"
  | "max-half-open"
  | "max-dials"
  | "max-udp-associations"
  | "max-fragmented-datagrams"
  | "max-out-of-order-bytes"
  | "max-buffered-bytes"
  | "max-icmp-errors"
  | "max-neighbour-packets"
  | "max-dns-questions"
  | "max-pings"
  | "max-ping-identifiers";

/** What people are told of a limit, and what it may be. */
export interface LimitSpec {
  /** The metrics' label is the same without `max-`, and with underscores. */
  readonly flag: LimitFlag;
  /** What it counts, for the help and the README. */
  readonly what: string;
  /** What happens when it is full. */
  readonly whenFull: string;
  readonly initial: number;
  /** The least and the most that make sense. */
  readonly least: number;
  readonly most: number;
}

/** See {@linkcode Limits}. */
export const LIMITS: Readonly<Record<keyof Limits, LimitSpec>> = {
  // What a busy proxy in a container holds. An idle connection takes one descriptor and some 6 KiB, so all of them take
  // 100 MiB; a bulk one some MiB, but of those `bufferedBytes` takes care.
  tcpConnections: {
    flag: "max-tcp-connections",
    what: "TCP connections in all, of the guest and to it, dials included",
    whenFull: "the oldest half-open one goes; without one, the new one is reset",
    initial: 16_384,
    ...{ least: 1, most: 1_000_000 },
  },
  // A guest that is alive completes a handshake within a millisecond, so a thousand are a million a second; those of a
  // SYN flood never do, and each holds a connection with a host.
  halfOpen: {
    flag: "max-half-open",
    what: "TCP connections whose handshake with the guest is not complete",
    whenFull: "the oldest goes, reset on both sides",
    initial: 1_024,
    ...{ least: 1, most: 1_000_000 },
  },
  // A guest that scans a network makes one for each address that doesn't answer, for DIAL_TIMEOUT_MS each. One that goes
  // is as a SYN that was lost on a congested line: the guest sends it again in a second.
  dials: {
    flag: "max-dials",
    what: "connections to hosts under way",
    whenFull: "the oldest goes, of the same address where that has a quarter of them; its SYN may come again",
    initial: 1_024,
    ...{ least: 1, most: 60_000 },
  },
  // Each a descriptor and a receive buffer. A resolver without a port of its own makes one a query; with DNS_IDLE_MS, this
  // carries 400 queries a second. The guest's own and those of clients on the host are counted apart.
  udpAssociations: {
    flag: "max-udp-associations",
    what: "ports of the guest that have a UDP socket, and as many clients of local forwards",
    whenFull: "the one idle longest goes",
    initial: 4_096,
    ...{ least: 1, most: 60_000 },
  },
  // 64 frames of 64 KiB are 4 MiB, which is what Linux allows (`ipfrag_high_thresh`); one sender at a time has one or two.
  // The most is what can be searched through for each fragment.
  fragmentedDatagrams: {
    flag: "max-fragmented-datagrams",
    what: "IP datagrams of which fragments are missing, of each IP version",
    whenFull: "the oldest goes",
    initial: 64,
    ...{ least: 1, most: 4_096 },
  },
  // An eighth of all buffers: what came out of order can be asked for again, what came in order can't.
  outOfOrderBytes: {
    flag: "max-out-of-order-bytes",
    what: "bytes of memory for TCP segments that came too early, all connections together",
    whenFull: "further ones are dropped, and sent again by the guest",
    initial: 64 * 1024 * 1024,
    ...{ least: 0, most: 2 ** 40 },
  },
  // 64 connections in each direction with all the 4 MiB that a fast one may have. Beyond it, each may have the 16 KiB
  // that keep it moving: a connection is slow then, but none stands still for another's sake.
  bufferedBytes: {
    flag: "max-buffered-bytes",
    what: "bytes of memory for all TCP buffers",
    whenFull: "each connection keeps 16 KiB each way, to which they shrink from half of it on; more is dropped",
    initial: 512 * 1024 * 1024,
    ...{ least: 1024 * 1024, most: 2 ** 40 },
  },
  // Linux's icmp_msgs_per_sec. A guest whose connections fail gets every error it needs, and one that floods costs a few
  // milliseconds a second. Answers to pings are as many as the pings.
  icmpErrors: {
    flag: "max-icmp-errors",
    what: "ICMP errors a second to the guest",
    whenFull: "further ones are not sent",
    initial: 1_000,
    ...{ least: 0, most: 1_000_000 },
  },
  // The first datagrams of some hundred clients of a forward may come before a guest that has just started has answered;
  // all of them together may be 1 MiB besides. There is one neighbour, the guest: the table of those has one entry,
  // whatever the guest says.
  neighbourPackets: {
    flag: "max-neighbour-packets",
    what: "packets that wait for the guest's hardware address",
    whenFull: "the oldest goes",
    initial: NEIGHBOUR_QUEUE,
    ...{ least: 1, most: 4_096 },
  },
  // Each takes a socket for each server that it was asked of. The one that waits longest has a client that has asked
  // again meanwhile, or is gone. With a server that answers in 50 ms these are 10,000 questions a second.
  dnsQuestions: {
    flag: "max-dns-questions",
    what: "questions to the program's name server that wait for an answer",
    whenFull: "the one that waits longest is answered that it failed",
    initial: 512,
    ...{ least: 1, most: 60_000 },
  },
  // A flood of pings at 10,000 a second with 100 ms on their way. Pings that the program answers itself don't wait.
  pings: {
    flag: "max-pings",
    what: "pings of the guest that wait for the answer of their destination",
    whenFull: "the oldest is forgotten, as if its answer were lost",
    initial: 1_024,
    ...{ least: 1, most: 60_000 },
  },
  // One for each ping that runs, and where the host permits ping sockets each takes one; monitoring programs ping hundreds
  // of hosts by one. The one that goes gets another when it is used again: only what it waits for is lost.
  pingIdentifiers: {
    flag: "max-ping-identifiers",
    what: "identifiers of such pings, each of which may have a socket",
    whenFull: "the one not used for longest goes, with the pings of it that wait",
    initial: 256,
    ...{ least: 1, most: 60_000 },
  },
};

/** The limits that no flag changes. */
export const DEFAULT_LIMITS: Limits = mapLimits((spec) => spec.initial);

/** Makes something of each limit. */
export function mapLimits<T>(make: (spec: LimitSpec) => T): Record<keyof Limits, T> {
  return {
    tcpConnections: make(LIMITS.tcpConnections),
    halfOpen: make(LIMITS.halfOpen),
    dials: make(LIMITS.dials),
    udpAssociations: make(LIMITS.udpAssociations),
    fragmentedDatagrams: make(LIMITS.fragmentedDatagrams),
    outOfOrderBytes: make(LIMITS.outOfOrderBytes),
    bufferedBytes: make(LIMITS.bufferedBytes),
    icmpErrors: make(LIMITS.icmpErrors),
    neighbourPackets: make(LIMITS.neighbourPackets),
    dnsQuestions: make(LIMITS.dnsQuestions),
    pings: make(LIMITS.pings),
    pingIdentifiers: make(LIMITS.pingIdentifiers),
  };
}

// ---- TCP ------------------------------------------------------------------------------------------------------------

/** When dials are full: an address that has this share of them loses its own oldest, not another's. */
export const DIALS_SHARE = 1 / 4;

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

// ---- memory that is given back --------------------------------------------------------------------------------------

/**
 * Connections, and UDP associations, that there must have been at once: they leave some 10 KiB each, so fewer are not worth
 * the time.
 */
export const LEAST_PEAK = 1_024;

/** The share of them that may be left: what is alive is what takes time. */
export const RECLAIM_SHARE = 1 / 4;

/** How long they must not have become fewer, in ms: those that end together are all to have ended. */
export const RECLAIM_QUIET_MS = 250;

/** How long that is waited for, in ms: they may become fewer one by one. */
export const RECLAIM_PATIENCE_MS = 3_000;

/** The time from one to the next, in ms: where crowds come and go, some 50 ms each are half a percent. */
export const RECLAIM_REST_MS = 10_000;

// ---- UDP ------------------------------------------------------------------------------------------------------------

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

/** Questions to it at once, with those that were given up: each holds one of the runtime's 32 threads for what waits. */
export const MAX_LOOKUPS = 16;

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

/**
 * The guest's TCP connections to its name server at once. When full, the one that was idle longest is reset; clients
 * must be ready for that (RFC 7766, section 6.2.4).
 */
export const MAX_DNS_CONNECTIONS = 64;

/** Questions of one such connection that wait for an answer; further ones are not read until one of them has it. */
export const MAX_DNS_PIPELINED = 32;

/** How long such a connection may be idle: some seconds, as RFC 7766, section 6.2.3 says. */
export const DNS_CONNECTION_IDLE_MS = 10_000;
