/**
 * What the layers below TCP count. Plain numbers, incremented where things happen, and read to be shown.
 *
 * @module
 */

/** The link layer. */
export class LinkCounters {
  framesIn = 0;
  /** Frames that the device took. */
  framesOut = 0;
  /** Frames that the device did not take. */
  framesLost = 0;
  /** Dropped: shorter than a link header, or of no IP version. */
  malformed = 0;
  /** Dropped: sent to another station, or from an address that can't be a station's. */
  notForUs = 0;
  /** Dropped: an EtherType that is not spoken here. */
  unknownType = 0;
  arpIn = 0;
  arpMalformed = 0;
  arpAnswered = 0;
  ndpMalformed = 0;
  solicitationsAnswered = 0;
  routerAdvertisements = 0;
  /** Frames that waited for a station's hardware address, and those of them that were dropped. */
  neighbourQueued = 0;
  neighbourDropped = 0;
  /** Of these, those that made room for others. */
  neighbourEvicted = 0;
}

/** One version of IP. */
export class IpCounters {
  packetsIn = 0;
  packetsOut = 0;
  /** Dropped: version, lengths or options are wrong, or a source route is asked for. */
  malformed = 0;
  /** Dropped: IPv4's header checksum. */
  badChecksum = 0;
  /** Dropped: a source that can't be one, or a link-layer broadcast to a single host's address. */
  martian = 0;
  /** Dropped: extension headers that are too many, or ask for that. */
  extensions = 0;
  /** No transport takes this protocol. */
  unknownProtocol = 0;
  fragmentsIn = 0;
  fragmentsOut = 0;
  reassembled = 0;
  /** Datagrams given up: their time was over; they were oldest when the table was full; their fragments conflict. */
  reassemblyTimeouts = 0;
  reassemblyEvicted = 0;
  reassemblyConflicts = 0;
  /** Single fragments dropped: malformed, or of a datagram that was given up. */
  fragmentsDropped = 0;
  /** Not sent: larger than an IP packet can be. */
  tooLarge = 0;
}

/** ICMP of both versions. */
export class IcmpCounters {
  messagesIn = 0;
  malformed = 0;
  echoRequests = 0;
  echoReplies = 0;
  errorsIn = 0;
  errorsOut = 0;
  /** Errors not sent: the rules forbid it; the rate limit. */
  errorsForbidden = 0;
  errorsLimited = 0;
  /** Types that nobody here takes. */
  ignored = 0;
}

/** UDP. */
export class UdpCounters {
  datagramsIn = 0;
  datagramsOut = 0;
  malformed = 0;
  badChecksum = 0;
  /** Not sent: too large for the version of IP. */
  tooLarge = 0;
  errorsIn = 0;
}

/** DHCP, both versions. */
export class DhcpCounters {
  answered = 0;
  /** Dropped: malformed, or of a relay. */
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
