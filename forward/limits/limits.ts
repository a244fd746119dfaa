/**
 * Every number that bounds what is forwarded, with its reason.
 *
 * The guest is not trusted, so everything that it can create is bounded. The limits that a user may change are in the table
 * {@linkcode LIMITS}; flags, usage, help, the manual page, completions and metrics are made from its rows. A new limit is
 * a new row here, the code that enforces it, and its count in `Slirp.usage` (those of forwards and of listed names are
 * in their tables). The
 * bounds that no flag changes are constants below the table; times are in timeouts.ts.
 *
 * @module
 */

import type { Usage } from "../../stack/base/usage.ts";
import { mapRecord } from "../syntax/records.ts";

// ---- limits with a flag ---------------------------------------------------------------------------------------------

/** A limit: its texts for people, its default and its range. */
export interface LimitRow {
  /** The things that it counts, in the plural: "TCP connections in all". */
  readonly what: string;
  /** The rule for one more when the limit is reached. */
  readonly whenFull: string;
  /** The reason for the default. */
  readonly reason: string;
  readonly default: number;
  /** The least and the most that make sense. */
  readonly least: number;
  readonly most: number;
  /**
   * The counts that the limit bounds, by their names in `Slirp.usage`, each with the value of the metrics' label
   * `resource`. Not given: one count, named as the limit.
   */
  readonly counts?: Readonly<Record<string, string>>;
}

/** All limits, by the name of the option. `tcpConnections` has the flag `-max-tcp-connections`. */
export const LIMITS = {
  tcpConnections: {
    what: "TCP connections in all, from the guest and to it, including dials",
    whenFull: "the oldest half-open connection is reset; if there is none, the new one is",
    reason: "a busy proxy has this many; an idle connection takes 6 KiB, all of them 100 MiB",
    default: 16_384,
    least: 1,
    most: 1_000_000,
  },
  halfOpen: {
    what: "TCP connections whose handshake with the guest is not complete",
    whenFull: "the oldest is reset on both sides",
    reason: "a live guest completes a handshake in 1 ms, so this is a million a second",
    default: 1_024,
    least: 1,
    most: 1_000_000,
  },
  // A dial that makes room is like a SYN lost on a congested link: the guest sends it again after a second.
  dials: {
    what: "connections to hosts that are being set up",
    whenFull:
      "the oldest is dropped, or that of the same address if that has a quarter of them; the guest sends its SYN again",
    reason: "a scan keeps one open for 20 s for each address that does not answer",
    default: 1_024,
    least: 1,
    most: 60_000,
  },
  udpAssociations: {
    what:
      "UDP associations of the guest, which may take half of the free descriptors; UDP clients of local forwards are counted separately",
    whenFull: "the one idle longest ends; one of the guest's also ends when something else needs a descriptor",
    reason: "400 queries a second from a resolver that uses a new port for each, idle for 10 s",
    default: 4_096,
    least: 1,
    most: 60_000,
    counts: { udpAssociations: "udp_associations", udpClients: "udp_clients" },
  },
  // A local one takes a descriptor and 1 KiB.
  forwards: {
    what: "forwards, local and remote, those of the command line included",
    whenFull: "a further one is refused",
    reason: "a container that publishes a range of ten thousand ports one by one",
    default: 16_384,
    least: 1,
    most: 131_072,
  },
  // The most: the whole list is searched for each fragment.
  fragmentedDatagrams: {
    what: "IP datagrams that wait for fragments, for each IP version",
    whenFull: "the oldest is dropped",
    reason: "4 MiB of frames, Linux's own limit (`ipfrag_high_thresh`); a sender has one or two at a time",
    default: 64,
    least: 1,
    most: 4_096,
    counts: { fragmentedDatagrams4: "fragmented_datagrams_ipv4", fragmentedDatagrams6: "fragmented_datagrams_ipv6" },
  },
  outOfOrderBytes: {
    what: "bytes of memory for TCP segments that arrived out of order, all connections together",
    whenFull: "further segments are dropped, and the guest sends them again",
    reason: "an eighth of all buffers: data out of order can be sent again, data in order is acknowledged already",
    default: 64 * 1024 * 1024,
    least: 0,
    most: 2 ** 40,
  },
  // Beyond it connections are slow, but none stands still because of another.
  bufferedBytes: {
    what: "bytes of memory for all TCP buffers",
    whenFull:
      "each connection keeps 16 KiB each way, and more is dropped; buffers shrink to that from half the limit on",
    reason: "64 connections with 4 MiB each way, the most that a fast one may have",
    default: 512 * 1024 * 1024,
    least: 1024 * 1024,
    most: 2 ** 40,
  },
  // A guest whose connections fail gets every error that it needs; a guest that floods costs a few milliseconds a second.
  // Answers to pings are not counted: there are no more of them than pings.
  icmpErrors: {
    what: "ICMP errors a second to the guest",
    whenFull: "further errors are not sent",
    reason: "Linux's own limit (`icmp_msgs_per_sec`)",
    default: 1_000,
    least: 0,
    most: 1_000_000,
  },
  neighbours: {
    what: "addresses on the guest's link whose hardware address is known",
    whenFull: "the one not used for longest is forgotten; it is asked for again when it is needed",
    reason: "a network of 250 machines behind a bridge, each with four addresses",
    default: 1_024,
    least: 4,
    most: 60_000,
  },
  // All of them together may be 1 MiB.
  neighbourPackets: {
    what: "packets that wait for a hardware address on the guest's link",
    whenFull: "the oldest is dropped",
    reason: "the first datagrams of hundreds of clients of a forward, before a new guest has answered",
    default: 1_024,
    least: 1,
    most: 4_096,
  },
  // Each takes a socket for each server that was asked.
  dnsQuestions: {
    what: "questions to the program's name server that wait for an answer",
    whenFull: "the one that has waited longest fails (SERVFAIL)",
    reason: "10,000 questions a second, if a server answers in 50 ms",
    default: 512,
    least: 1,
    most: 60_000,
  },
  // The most is what the prefix of own addresses has.
  names: {
    what: "names with an address of their own in the guest, if rules for names are given",
    whenFull: "the one unused for longest, and without a flow, loses its address",
    reason: "more than a program of any kind uses; a name takes 500 bytes",
    default: 65_536,
    least: 1,
    most: 131_070,
  },
  newNames: {
    what: "new names a minute that only a wildcard allows",
    whenFull: "the question is refused",
    reason: "a web page uses dozens of names; each can carry up to 250 bytes to the name servers of its domain",
    default: 60,
    least: 0,
    most: 1_000_000,
  },
  // Pings that the program answers itself don't wait.
  pings: {
    what: "pings of the guest that wait for an answer",
    whenFull: "the oldest is forgotten, as if its answer were lost",
    reason: "10,000 pings a second, if an answer takes 100 ms",
    default: 1_024,
    least: 1,
    most: 60_000,
  },
  // An evicted identifier gets another socket when it is used again: only its waiting pings are lost.
  pingIdentifiers: {
    what: "identifiers of the guest's pings, each of which may have a socket",
    whenFull: "the one unused for longest is dropped, with its waiting pings",
    reason: "as many `ping` commands at once; a monitor pings hundreds of hosts with one identifier",
    default: 256,
    least: 1,
    most: 60_000,
  },
  // Held bytes are in the receive buffers, which have a limit of their own; this keeps them a small part of it.
  heldBytes: {
    what: "bytes of the guest's flows that are held until the flow has shown its name, all flows together",
    whenFull: "flows that would hold more are refused",
    reason: "8,000 slow ClientHellos of 2 KiB at once; others are judged at once and hold nothing",
    default: 16 * 1024 * 1024,
    least: 64 * 1024,
    most: 2 ** 40,
  },
  listedNames: {
    what: "names and addresses that `/names`, the page and `slirpnetstack top` list, with `-m`",
    whenFull: 'one with refusals only makes room, else one without open flows; its counts go to the line "other"',
    reason: "more lines than a person reads; all of them are 200 KiB of JSON, which the page reads each second",
    default: 1_024,
    least: 1,
    most: 65_536,
  },
} as const satisfies Readonly<Record<string, LimitRow>>;

/** The name of a limit. */
export type LimitName = keyof typeof LIMITS;

/** The value of each limit. */
export type Limits = Readonly<Record<LimitName, number>>;

/** The names of the counts that limits bound. */
export type CountName = {
  [Name in LimitName]: typeof LIMITS[Name] extends { counts: infer Counts } ? keyof Counts : Name;
}[LimitName];

/** How much of each limit is in use. An overflow is one use of the rule for "when full". */
export type LimitUsage = Readonly<Record<CountName, Usage>>;

/** The defaults of all limits. */
export const DEFAULT_LIMITS: Limits = mapRecord(LIMITS, (row) => row.default);

/** The flag of a limit without its dash: `max-half-open`. */
export function limitFlag(name: string): string {
  return `max-${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The counts that a limit bounds, each with the value of the metrics' label `resource`: `half_open`. */
export function limitCounts(name: LimitName): readonly (readonly [count: CountName, resource: string])[] {
  const { counts }: LimitRow = LIMITS[name];
  const resource = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.entries(counts ?? { [name]: resource }) as [CountName, string][]; // by the type of CountName
}

// ---- TCP ------------------------------------------------------------------------------------------------------------

/** When dials are full, an address that has this share of them loses its own oldest dial, not another's. */
export const DIALS_SHARE = 1 / 4;

/**
 * Sizes of a read from the host. After a full read, the next read has the next size; after a shorter one, it has the
 * smallest size that would have held it. A waiting read holds its buffer, so an idle connection should wait with a small
 * one; bulk transfer needs 64 KiB or more a call. They are the stack's block sizes.
 */
export const READ_SIZES: readonly number[] = [4 * 1024, 64 * 1024, 256 * 1024];

/**
 * Reads or writes that one connection may complete in one turn, if the host completes them at once, before the other
 * connections have their turns: some 100 µs of work at 64 KiB each.
 */
export const OPERATIONS_PER_TURN = 8;

// ---- the gate -------------------------------------------------------------------------------------------------------

/** Bytes that a flow may send before it has shown its name: a ClientHello with several post-quantum key shares has 6 KiB. */
export const MAX_HELD_FLOW_BYTES = 32 * 1024;

/** Datagrams of a QUIC client that its ClientHello may take: two are usual with post-quantum key shares. */
export const MAX_INITIAL_DATAGRAMS = 4;

// ---- memory that is given back --------------------------------------------------------------------------------------

/**
 * Connections and UDP associations that must have been open at once before memory is given back. Each leaves some 10 KiB,
 * so fewer are not worth the time.
 */
export const LEAST_PEAK = 1_024;

/** The share of them that may still be open at that time, because each one takes time. */
export const RECLAIM_SHARE = 1 / 4;

/** The share of one CPU below which the process is idle. A reclaim itself takes 15 to 45 ms of each check's 4 s. */
export const IDLE_SHARE = 1 / 10;

/** The growth of resident memory that is worth a reclaim. Code that runs for the first time keeps up to 8 MiB. */
export const LEAST_RECLAIMED_BYTES = 12 * 1024 * 1024;

// ---- UDP ------------------------------------------------------------------------------------------------------------

/**
 * Addresses that one association remembers as its peers. When full, the oldest is forgotten. Peer-to-peer programs talk
 * to thousands from one port, but to a few at a time.
 */
export const MAX_PEERS = 256;

/** The longest UDP datagram is 65,507 bytes over IPv4 (65,535 - 20 - 8), 65,527 over IPv6 (65,535 - 8). */
export const DATAGRAM_BUFFER = 65_536;

/** Bytes of receive buffers that are allocated at once: well past the size from which malloc maps fresh pages. */
export const DATAGRAM_SLAB = 64 * DATAGRAM_BUFFER;

/**
 * Datagrams of one UDP socket that wait for the host's kernel to take them. The datagrams of one turn must all find room: a
 * device delivers 32 frames a turn, and a frame may hold dozens of small datagrams. Further ones are dropped.
 */
export const MAX_QUEUED_DATAGRAMS = 256;

/** Bytes of the datagrams that wait in all UDP sockets: a stalled network of the host must not fill the memory. */
export const MAX_COPIED_BYTES = 16 * 1024 * 1024;

/** Datagrams of one association that wait while a name is looked up, and their bytes: several of the largest. */
export const MAX_WAITING_DATAGRAMS = 64;
export const MAX_WAITING_BYTES = 256 * 1024;

/** Bytes of the datagrams that wait for a lookup in all associations: a silent name server must not fill the memory. */
export const MAX_ALL_WAITING_BYTES = 16 * 1024 * 1024;

/** Receive errors in a row after which a UDP socket is not read any more until its association ends. */
export const MAX_RECEIVE_ERRORS = 16;

/** Copies of datagrams up to this size, which any usual MTU is below, are made in reused buffers. */
export const SMALL_COPY = 2_048;

/** Unused buffers for such copies that are kept: half a MiB. */
export const MAX_SPARE_COPIES = 256;

// ---- names ----------------------------------------------------------------------------------------------------------

/** Lookups by the system's resolver at once, including abandoned ones: each holds one of the runtime's 32 threads. */
export const MAX_LOOKUPS = 16;

// ---- the guest's name server ----------------------------------------------------------------------------------------

/**
 * The guest's TCP connections to its name server at once. When full, the one idle longest is reset; clients must be
 * ready for that (RFC 7766, section 6.2.4).
 */
export const MAX_DNS_CONNECTIONS = 64;

/** Questions of one such connection that wait for an answer. When full, no more are read until one is answered. */
export const MAX_DNS_PIPELINED = 32;
