/**
 * Neighbour discovery (RFC 4861). The program stands for all addresses except the guest's and other stations', and is
 * the link's router.
 *
 * | message | answer |
 * | --- | --- |
 * | neighbour solicitation for an address of no station | advertisement, with "override" only for the program's own addresses: a proxy's has none (section 7.2.8) |
 * | for the guest's address, or that of another known station | none |
 * | from `::`: duplicate address detection (RFC 4862, section 5.4.3) | only for the program's own addresses, to all nodes |
 * | router solicitation | router advertisement, from the program's link-local address |
 *
 * The router advertisement makes the program the default router of guests that use such messages. It is valid for half
 * an hour. Unsolicited ones are sent from the start on: three, some seconds apart, then at random intervals of at most
 * ten minutes (section 6.2.4). So a guest that is older than the program, as after a restart, keeps its route.
 * Advertisements to all nodes are at least three seconds apart (section 6.2.6), however often hosts without an address
 * ask. The delay that the section requires before an answer is left out: it only keeps several routers from answering
 * at the same time.
 *
 * A neighbour advertisement means that the sender of its frame has the target's address.
 *
 * @module
 */
import { IpAddress } from "../base/address.ts";
import { isOwnAddress, type StackAddresses } from "./addresses.ts";
import type { LinkCounters } from "../base/counters.ts";
import { type Allocate, type Block, Transmit, TRANSPORT_AT } from "../base/device.ts";
import { type GuestConfiguration, MAX_SEARCH_DOMAINS } from "../base/guest_configuration.ts";
import type { Timer, Timers } from "../base/layers.ts";
import type { Packet } from "../base/packet.ts";
import { copyShort, put16 } from "../base/bytes.ts";
import { addSums, complement, pseudoHeaderSumOf, transmitSum } from "../wire/checksum.ts";
import { encodeDomains } from "../wire/domain_names.ts";
import { ICMP_CHECKSUM, icmpType } from "../wire/icmp.ts";
import { ICMPV6_PROTOCOL } from "../wire/icmpv6.ts";
import { ALL_NODES, IPV6_HEADER, isMulticast6, isUnspecified6, putIpv6, solicitedNodeOf } from "../wire/ipv6.ts";
import {
  isNdp,
  NA_OVERRIDE,
  NA_ROUTER,
  NA_SOLICITED,
  NDP_HOP_LIMIT,
  ndpTarget,
  NEIGHBOUR_ADVERTISEMENT,
  NEIGHBOUR_MESSAGE,
  NEIGHBOUR_SOLICITATION,
  putNeighbourMessage,
  putRouterAdvertisement,
  ROUTER_ADVERTISEMENT_LENGTH,
  ROUTER_SOLICITATION,
  type RouterAdvertisement,
  routerAdvertisementLength,
} from "../wire/ndp.ts";
import type { Link } from "./link.ts";
import type { Neighbours } from "./neighbour.ts";

/** The router lifetime in an advertisement, in seconds. */
const ROUTER_LIFETIME = 1800;

/** The least and the most time between advertisements, in ms (section 6.2.1: MinRtrAdvInterval, MaxRtrAdvInterval). */
const MIN_ADVERTISEMENT_INTERVAL = 198_000;
const MAX_ADVERTISEMENT_INTERVAL = 600_000;

/** The number of first advertisements, and the time between them, in ms (section 10: MAX_INITIAL_RTR_...). */
const INITIAL_ADVERTISEMENTS = 3;
const INITIAL_ADVERTISEMENT_INTERVAL = 16_000;

/** The delay of the first advertisement, in ms: a guest that has just come up first sends its own messages. */
const FIRST_ADVERTISEMENT_DELAY = 1_000;

/** The least time between advertisements to all nodes, in ms (section 10: MIN_DELAY_BETWEEN_RAS). */
const ADVERTISEMENT_SPACING = 3_000;

/** The most name servers in an advertisement: hosts use at most three (RFC 8106, section 5.3.1). */
const MAX_NAME_SERVERS = 3;

/** The longest advertisement, in bytes: the whole packet must fit IPv6's minimum MTU, 1280. */
const MAX_ADVERTISEMENT = 1_000;

/** The lifetimes of the prefix, in seconds (section 6.2.1), and those that slirp4netns' guests know. */
const LIFETIMES = { validLifetime: 2_592_000, preferredLifetime: 604_800 } as const;
const BRIEF_LIFETIMES = { validLifetime: 86_400, preferredLifetime: 14_400 } as const;

/** The hop limit that the guest is advised to use. */
const ADVISED_HOP_LIMIT = 64;

/** Options of {@linkcode NeighbourDiscovery}. */
export interface NdpOptions {
  readonly link: Pick<Link, "send">;
  readonly neighbours: Pick<Neighbours, "isElsewhere" | "senderHas">;
  readonly addresses: StackAddresses;
  readonly configuration: GuestConfiguration;
  readonly mtu: number;
  readonly allocate: Allocate;
  readonly timers: Timers;
  readonly clock: () => number;
  /** Returns a random unsigned 32-bit number. */
  readonly random: () => number;
  readonly counters: LinkCounters;
}

/** Answers solicitations, and sends router advertisements. */
export class NeighbourDiscovery implements Timer {
  deadline = Infinity;
  slot = -1;
  private readonly transmit: Transmit;
  /** A router advertisement. */
  private readonly message: Block;
  /** The number of advertisements to all nodes since the start. */
  private advertised = 0;
  /** The time of the last advertisement to all nodes. */
  private advertisedAt = -Infinity;

  constructor(private readonly options: NdpOptions) {
    this.transmit = new Transmit(options.allocate);
    this.message = options.allocate(MAX_ADVERTISEMENT);
  }

  /** Starts the advertisements, by a timer. */
  start(): void {
    const { timers, clock } = this.options;
    timers.schedule(this, clock() + FIRST_ADVERTISEMENT_DELAY);
  }

  /** Handles a message of one of NDP's types, whose checksum was verified. */
  receive(packet: Packet): void {
    const { bytes, payload, end } = packet;
    if (packet.hopLimit !== NDP_HOP_LIMIT || !isNdp(bytes, payload, end)) {
      this.options.counters.ndpMalformed++;
      return;
    }
    const type = icmpType(bytes, payload);
    if (type === NEIGHBOUR_SOLICITATION) this.answerSolicitation(packet);
    else if (type === ROUTER_SOLICITATION) this.answerRouterSolicitation(packet);
    else if (type === NEIGHBOUR_ADVERTISEMENT) this.learn(bytes, ndpTarget(payload));
  }

  /** Solicits the hardware address of a station's IPv6 address. */
  solicit(target: IpAddress): void {
    const { gateway6, mac } = this.options.addresses;
    this.transmit.begin(NEIGHBOUR_MESSAGE);
    putNeighbourMessage(this.transmit.head.bytes, TRANSPORT_AT, NEIGHBOUR_SOLICITATION, 0, target, mac);
    this.send(gateway6, solicitedNodeOf(target));
  }

  /** Repeats the router advertisement. */
  fire(now: number): void {
    this.advertiseToAll(now);
  }

  /** Stops the advertisements. */
  close(): void {
    this.options.timers.cancel(this);
  }

  private learn(bytes: Uint8Array, target: number): void {
    const { addresses, neighbours } = this.options;
    if (isOwnAddress(addresses, bytes, target, 6) || isUnspecified6(bytes, target)) return;
    neighbours.senderHas(bytes, target, 6);
  }

  private answerSolicitation(packet: Packet): void {
    const { addresses, counters } = this.options;
    const { bytes, source } = packet;
    const at = ndpTarget(packet.payload);
    const own = isOwnAddress(addresses, bytes, at, 6);
    const detection = isUnspecified6(bytes, source);
    // RFC 4861, section 7.1.1: duplicate address detection is sent to a group, never to a single host
    if (detection && !isMulticast6(bytes, packet.destination)) {
      counters.ndpMalformed++;
      return;
    }
    if (!own && (detection || addresses.guest6.isAt(bytes, at) || isUnspecified6(bytes, at))) return;
    if (!own && this.options.neighbours.isElsewhere(bytes, at, 6)) return;
    const target = IpAddress.at(bytes, at, 6);
    const flags = NA_ROUTER | (own ? NA_OVERRIDE : 0) | (detection ? 0 : NA_SOLICITED);
    this.transmit.begin(NEIGHBOUR_MESSAGE);
    putNeighbourMessage(this.transmit.head.bytes, TRANSPORT_AT, NEIGHBOUR_ADVERTISEMENT, flags, target, addresses.mac);
    counters.solicitationsAnswered++;
    this.send(target, detection ? ALL_NODES : IpAddress.at(bytes, source, 6));
  }

  private answerRouterSolicitation(packet: Packet): void {
    const { timers, clock } = this.options;
    const { bytes, source } = packet;
    const now = clock();
    const soonest = this.advertisedAt + ADVERTISEMENT_SPACING;
    if (!isUnspecified6(bytes, source)) this.advertiseTo(IpAddress.at(bytes, source, 6));
    else if (now >= soonest) this.advertiseToAll(now);
    else timers.schedule(this, Math.min(soonest, this.deadline));
  }

  private advertiseToAll(now: number): void {
    this.advertisedAt = now;
    this.advertised++;
    this.advertiseTo(ALL_NODES);
    this.options.timers.schedule(this, now + this.interval());
  }

  /** The time until the next advertisement to all nodes, in ms. */
  private interval(): number {
    if (this.advertised < INITIAL_ADVERTISEMENTS) return INITIAL_ADVERTISEMENT_INTERVAL;
    const most = MAX_ADVERTISEMENT_INTERVAL - MIN_ADVERTISEMENT_INTERVAL;
    return MIN_ADVERTISEMENT_INTERVAL + most * (this.options.random() / 2 ** 32);
  }

  private advertiseTo(destination: IpAddress): void {
    const { transmit, message } = this;
    const advertisement = this.advertisement();
    const length = routerAdvertisementLength(advertisement);
    putRouterAdvertisement(message.bytes, 0, advertisement);
    transmit.begin(ROUTER_ADVERTISEMENT_LENGTH); // the options are a part: the space for headers is too small
    copyShort(message.bytes, 0, transmit.head.bytes, TRANSPORT_AT, ROUTER_ADVERTISEMENT_LENGTH);
    transmit.addPart(message, ROUTER_ADVERTISEMENT_LENGTH, length - ROUTER_ADVERTISEMENT_LENGTH);
    this.options.counters.routerAdvertisements++;
    this.send(this.options.addresses.linkLocal6, destination);
  }

  private advertisement(): RouterAdvertisement {
    const { addresses, configuration, mtu } = this.options;
    const { dhcp, slaac, brief = false } = configuration;
    const told = !brief && (dhcp || slaac);
    const servers = told ? configuration.nameServers() : [];
    return {
      ...{ hopLimit: ADVISED_HOP_LIMIT, lifetime: ROUTER_LIFETIME, mac: addresses.mac, mtu: brief ? null : mtu },
      otherConfiguration: dhcp && !brief,
      prefix: slaac ? addresses.gateway6 : null,
      ...brief ? BRIEF_LIFETIMES : LIFETIMES,
      nameServers: servers.filter(({ version }) => version === 6).slice(0, MAX_NAME_SERVERS),
      searchDomains: encodeDomains(told ? configuration.searchDomains() : [], MAX_SEARCH_DOMAINS),
    };
  }

  /** Completes the message in `transmit` and sends it. */
  private send(source: IpAddress, destination: IpAddress): void {
    const { transmit } = this;
    const { bytes } = transmit.head;
    const length = transmit.headEnd - TRANSPORT_AT + transmit.payloadLength;
    const sum = addSums(
      pseudoHeaderSumOf(source, destination, ICMPV6_PROTOCOL, length),
      transmitSum(transmit, TRANSPORT_AT),
    );
    put16(bytes, TRANSPORT_AT + ICMP_CHECKSUM, complement(sum));
    transmit.headStart = TRANSPORT_AT - IPV6_HEADER;
    putIpv6(bytes, transmit.headStart, length, ICMPV6_PROTOCOL, NDP_HOP_LIMIT, source, destination);
    this.options.link.send(transmit, destination);
  }
}
