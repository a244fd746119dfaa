/**
 * A DHCP server (RFC 2131) with a single address, the guest's, or with a few (leases.ts).
 *
 * | message | answer |
 * | --- | --- |
 * | DISCOVER | OFFER |
 * | REQUEST that selects another server | none |
 * | REQUEST for the client's address: selecting, INIT-REBOOT, renewing or rebinding | ACK |
 * | REQUEST for another address | NAK, since this is the only server |
 * | INFORM | ACK without an address and a lease |
 * | RELEASE, DECLINE | none: a client keeps its address |
 *
 * An answer goes to the client's present address. A client without one gets it by broadcast if it asks for that, and
 * always for a NAK; otherwise at the address that it is given (section 4.1). It can't answer ARP for that address yet,
 * so the link is told the client's hardware address; if the message has none, the answer is broadcast.
 *
 * @module
 */
import { IpAddress } from "../base/address.ts";
import { isBroadcast4, type StackAddresses } from "../link/addresses.ts";
import type { DhcpCounters } from "../base/counters.ts";
import type { Link } from "../link/link.ts";
import type { UdpDatagram } from "../udp/datagram.ts";
import type { Udp } from "../udp/udp.ts";
import {
  buildDhcpv4,
  DHCPACK,
  DHCPDISCOVER,
  DHCPINFORM,
  DHCPNAK,
  DHCPOFFER,
  DHCPREQUEST,
  DHCPV4_CLIENT_PORT,
  DHCPV4_SERVER_PORT,
  type Dhcpv4Option,
  type Dhcpv4Request,
  OPTION_BROADCAST,
  OPTION_DOMAIN,
  OPTION_LEASE_TIME,
  OPTION_MTU,
  OPTION_NAME_SERVERS,
  OPTION_REBINDING_TIME,
  OPTION_RENEWAL_TIME,
  OPTION_ROUTER,
  OPTION_SEARCH_LIST,
  OPTION_SERVER,
  OPTION_SUBNET_MASK,
  parseDhcpv4,
} from "../wire/dhcpv4.ts";
import { Leases } from "./leases.ts";
import { encodeDomain, encodeDomains } from "../wire/domain_names.ts";
import { type GuestConfiguration, MAX_NAME_SERVERS, MAX_SEARCH_DOMAINS } from "../base/guest_configuration.ts";

/** The lease time in seconds. No other client gets the address, so it only determines how soon changes are learned. */
const LEASE_TIME = 86_400;

const ALL_HOSTS = IpAddress.of([255, 255, 255, 255]);

/** Options of a {@linkcode Dhcpv4Server}. */
export interface Dhcpv4Options {
  readonly addresses: StackAddresses;
  readonly configuration: GuestConfiguration;
  readonly mtu: number;
  readonly udp: Pick<Udp, "sendBytes">;
  readonly link: Pick<Link, "stationHas">;
  readonly counters: DhcpCounters;
}

/** Answers the guest's DHCPv4 clients. */
export class Dhcpv4Server {
  private readonly leases: Leases | null;

  constructor(private readonly options: Dhcpv4Options) {
    const { leases } = options.configuration;
    this.leases = leases === undefined ? null : new Leases(leases);
  }

  /** Handles a datagram to a DHCP server that may be this one. Returns false for any other datagram. */
  receive(datagram: UdpDatagram): boolean {
    const { addresses, counters } = this.options;
    const { bytes, localAddress, payload } = datagram;
    if (datagram.version !== 4 || datagram.localPort !== DHCPV4_SERVER_PORT) return false;
    if (!addresses.gateway4.isAt(bytes, localAddress) && !isBroadcast4(addresses, bytes, localAddress)) return false;
    const request = parseDhcpv4(bytes, payload, payload + datagram.length);
    const nobody = request?.clientAddress && isBroadcast4(addresses, request.clientAddress, 0);
    if (request === null || request.relayed || nobody) counters.malformed++;
    else this.answer(request);
    return true;
  }

  private answer(request: Dhcpv4Request): void {
    const { gateway4 } = this.options.addresses;
    const chosen = request.server === null || gateway4.isAt(request.server, 0);
    if (request.type === DHCPDISCOVER) {
      const offered = this.addressFor(request, request.requested);
      if (offered !== null) this.send(request, DHCPOFFER, offered, [...this.lease(), ...this.settings()]);
    } else if (request.type === DHCPINFORM && request.clientAddress !== null) {
      this.send(request, DHCPACK, null, this.settings());
    } else if (request.type === DHCPREQUEST && chosen) {
      const wanted = request.requested ?? request.clientAddress;
      const address = this.addressFor(request, wanted);
      if (wanted === null) this.options.counters.malformed++;
      else if (address === null || !address.isAt(wanted, 0)) this.send(request, DHCPNAK, null, []);
      else this.send(request, DHCPACK, address, [...this.lease(), ...this.settings()]);
    }
  }

  /** The address for a client; null: there is none for it. */
  private addressFor({ mac }: Dhcpv4Request, wanted: Uint8Array | null): IpAddress | null {
    if (this.leases === null) return this.options.addresses.guest4;
    return mac === null ? null : this.leases.addressFor(mac, wanted);
  }

  private lease(): readonly Dhcpv4Option[] {
    return [
      [OPTION_LEASE_TIME, be32(LEASE_TIME)],
      [OPTION_RENEWAL_TIME, be32(LEASE_TIME / 2)], // T1 and T2 of RFC 2131, section 4.4.5
      [OPTION_REBINDING_TIME, be32(LEASE_TIME * 7 / 8)],
    ];
  }

  private settings(): readonly Dhcpv4Option[] {
    const { addresses, configuration, mtu } = this.options;
    const { gateway4, broadcast4, prefix4 } = addresses;
    const servers = configuration.nameServers().filter(({ version }) => version === 4).slice(0, MAX_NAME_SERVERS);
    return [
      [OPTION_SUBNET_MASK, be32(~0 << (32 - prefix4))],
      [OPTION_BROADCAST, broadcast4.bytes],
      [OPTION_ROUTER, gateway4.bytes],
      ...(servers.length === 0 ? [] : [[OPTION_NAME_SERVERS, servers.flatMap(({ bytes }) => [...bytes])] as const]),
      ...configuration.brief
        ? []
        : [...domains(configuration.searchDomains()), [OPTION_MTU, [mtu >> 8, mtu & 0xff]] as const],
    ];
  }

  private send(request: Dhcpv4Request, type: number, yours: IpAddress | null, more: readonly Dhcpv4Option[]): void {
    const { addresses, udp, counters } = this.options;
    const message = buildDhcpv4(request, type, yours?.bytes ?? null, [
      [OPTION_SERVER, addresses.gateway4.bytes],
      ...more,
    ]);
    counters.answered++;
    const from = { address: addresses.gateway4, port: DHCPV4_SERVER_PORT };
    const to = { address: this.destination(request, type, yours), port: DHCPV4_CLIENT_PORT };
    udp.sendBytes(from, to, message, 0, message.length);
  }

  private destination(request: Dhcpv4Request, type: number, yours: IpAddress | null): IpAddress {
    if (type === DHCPNAK) return ALL_HOSTS;
    if (request.clientAddress !== null) return IpAddress.of(request.clientAddress);
    if (request.broadcast || yours === null || request.mac === null) return ALL_HOSTS;
    this.options.link.stationHas(yours, request.mac);
    return yours;
  }
}

/** The options for domains. The first search domain is the client's own domain, as in resolv.conf(5). */
function domains(search: readonly string[]): readonly Dhcpv4Option[] {
  const encoded = encodeDomains(search, MAX_SEARCH_DOMAINS);
  const own = search.find((name) => encodeDomain(name) !== null);
  if (own === undefined) return [];
  return [[OPTION_DOMAIN, new TextEncoder().encode(own.replace(/\.$/, ""))], [OPTION_SEARCH_LIST, encoded]];
}

function be32(value: number): readonly number[] {
  return [value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff];
}
