/**
 * A stateless DHCP server for IPv6 (RFC 8415, section 18.3.6): it answers information requests with the name servers
 * and search domains. It assigns no addresses, so requests for addresses get no answer.
 *
 * @module
 */
import { IpAddress } from "../base/address.ts";
import type { StackAddresses } from "../link/addresses.ts";
import type { DhcpCounters } from "../base/counters.ts";
import type { UdpDatagram } from "../udp/datagram.ts";
import type { Udp } from "../udp/udp.ts";
import { sameBytes } from "../base/bytes.ts";
import {
  ALL_DHCP_SERVERS,
  buildDhcpv6,
  DHCPV6_INFORMATION_REQUEST,
  DHCPV6_REPLY,
  DHCPV6_SERVER_PORT,
  type Dhcpv6Message,
  duidOf,
  OPTION6_CLIENT,
  OPTION6_IA_NA,
  OPTION6_IA_PD,
  OPTION6_IA_TA,
  OPTION6_NAME_SERVERS,
  OPTION6_REFRESH_TIME,
  OPTION6_SEARCH_LIST,
  OPTION6_SERVER,
  parseDhcpv6,
} from "../wire/dhcpv6.ts";
import { isUnspecified6 } from "../wire/ipv6.ts";
import { encodeDomains } from "../wire/domain_names.ts";
import { type GuestConfiguration, MAX_NAME_SERVERS, MAX_SEARCH_DOMAINS } from "../base/guest_configuration.ts";

/** Seconds after which clients ask again: the least that RFC 8415 allows (IRT_MINIMUM, section 7.6). */
const REFRESH_TIME = Uint8Array.of(0, 0, 0x02, 0x58);

/** Options of a {@linkcode Dhcpv6Server}. */
export interface Dhcpv6Options {
  readonly addresses: StackAddresses;
  readonly configuration: GuestConfiguration;
  readonly udp: Pick<Udp, "sendBytes">;
  readonly counters: DhcpCounters;
}

/** Answers the guest's DHCPv6 clients. */
export class Dhcpv6Server {
  private readonly duid: Uint8Array;

  constructor(private readonly options: Dhcpv6Options) {
    this.duid = duidOf(options.addresses.mac);
  }

  /** Handles a datagram to all DHCP servers. Returns false for any other datagram. */
  receive(datagram: UdpDatagram): boolean {
    const { counters } = this.options;
    const { bytes, payload, guestAddress } = datagram;
    if (datagram.version !== 6 || datagram.localPort !== DHCPV6_SERVER_PORT) return false;
    if (!ALL_DHCP_SERVERS.isAt(bytes, datagram.localAddress)) return false;
    const message = parseDhcpv6(bytes, payload, payload + datagram.length);
    if (message === null || isUnspecified6(bytes, guestAddress)) counters.malformed++;
    else if (this.isForUs(message)) this.answer(message, IpAddress.at(bytes, guestAddress, 6), datagram.guestPort);
    return true;
  }

  /** Section 16.12: a message that also asks for addresses, or is for another server, gets no answer. */
  private isForUs({ type, options }: Dhcpv6Message): boolean {
    if (type !== DHCPV6_INFORMATION_REQUEST) return false;
    if ([OPTION6_IA_NA, OPTION6_IA_TA, OPTION6_IA_PD].some((code) => options.has(code))) return false;
    const { duid } = this;
    const server = options.get(OPTION6_SERVER);
    return server === undefined || (server.length === duid.length && sameBytes(server, 0, duid, 0, duid.length));
  }

  private answer(request: Dhcpv6Message, guest: IpAddress, port: number): void {
    const { addresses, configuration, udp, counters } = this.options;
    const client = request.options.get(OPTION6_CLIENT);
    const servers = configuration.nameServers().filter(({ version }) => version === 6).slice(0, MAX_NAME_SERVERS);
    const options: (readonly [number, Uint8Array])[] = [[OPTION6_SERVER, this.duid]];
    if (client !== undefined) options.push([OPTION6_CLIENT, client]);
    if (servers.length > 0) {
      options.push([OPTION6_NAME_SERVERS, Uint8Array.from(servers.flatMap(({ bytes }) => [...bytes]))]);
    }
    const domains = encodeDomains(configuration.searchDomains(), MAX_SEARCH_DOMAINS);
    if (domains.length > 0) options.push([OPTION6_SEARCH_LIST, domains]);
    options.push([OPTION6_REFRESH_TIME, REFRESH_TIME]);
    const message = buildDhcpv6(DHCPV6_REPLY, request.transaction, options);
    counters.answered++;
    const from = { address: addresses.linkLocal6, port: DHCPV6_SERVER_PORT };
    udp.sendBytes(from, { address: guest, port }, message, 0, message.length);
  }
}
