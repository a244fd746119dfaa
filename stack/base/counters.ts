/**
 * The counters of the layers below TCP: plain numbers, incremented at each event, and read for display.
 *
 * @module
 */

/** Counters of the link layer. */
export class LinkCounters {
  framesIn = 0;
  /** Frames that the device accepted. */
  framesOut = 0;
  /** Frames that the device did not accept. */
  framesLost = 0;
  /** Dropped: shorter than a link header, or of no IP version. */
  malformed = 0;
  /** Dropped: sent to another station, or from an address that can't be a station's. */
  notForUs = 0;
  /** Dropped: an EtherType that is not supported. */
  unknownType = 0;
  arpIn = 0;
  arpMalformed = 0;
  arpAnswered = 0;
  ndpMalformed = 0;
  solicitationsAnswered = 0;
  routerAdvertisements = 0;
  /** Frames that waited for a station's hardware address. */
  neighbourQueued = 0;
  /** Waiting frames that were dropped. */
  neighbourDropped = 0;
  /** Waiting frames that were dropped to make room for others. */
  neighbourEvicted = 0;
}

/** Counters of one version of IP. */
export class IpCounters {
  packetsIn = 0;
  packetsOut = 0;
  /** Dropped: the version, a length or an option is wrong, or there is a source route. */
  malformed = 0;
  /** Dropped: a wrong header checksum (IPv4). */
  badChecksum = 0;
  /** Dropped: an invalid source, or a link-layer broadcast to a single host's address. */
  martian = 0;
  /** Dropped: too many extension headers, or one that requires the drop. */
  extensions = 0;
  /** Dropped: a protocol that is not supported. */
  unknownProtocol = 0;
  fragmentsIn = 0;
  fragmentsOut = 0;
  reassembled = 0;
  /** Datagrams dropped because they were not complete in time. */
  reassemblyTimeouts = 0;
  /** Datagrams dropped because they were the oldest when the table was full. */
  reassemblyEvicted = 0;
  /** Datagrams dropped because their fragments conflicted. */
  reassemblyConflicts = 0;
  /** Single fragments dropped: malformed, or of a datagram that was dropped before. */
  fragmentsDropped = 0;
  /** Not sent: larger than an IP packet can be. */
  tooLarge = 0;
}

/** Counters of ICMP, both versions. */
export class IcmpCounters {
  messagesIn = 0;
  malformed = 0;
  echoRequests = 0;
  echoReplies = 0;
  errorsIn = 0;
  errorsOut = 0;
  /** Errors not sent because the rules forbid them. */
  errorsForbidden = 0;
  /** Errors not sent because of the rate limit. */
  errorsLimited = 0;
  /** Messages of a type that is not supported. */
  ignored = 0;
}

/** Counters of UDP. */
export class UdpCounters {
  datagramsIn = 0;
  datagramsOut = 0;
  malformed = 0;
  badChecksum = 0;
  /** Not sent: too large for the version of IP. */
  tooLarge = 0;
  errorsIn = 0;
}

/** Counters of DHCP, both versions. */
export class DhcpCounters {
  answered = 0;
  /** Dropped: malformed, or from a relay. */
  malformed = 0;
}

/** The counters of all layers below TCP. */
export class Counters {
  readonly link: LinkCounters = new LinkCounters();
  readonly ipv4: IpCounters = new IpCounters();
  readonly ipv6: IpCounters = new IpCounters();
  readonly icmp: IcmpCounters = new IcmpCounters();
  readonly udp: UdpCounters = new UdpCounters();
  readonly dhcp: DhcpCounters = new DhcpCounters();
}
