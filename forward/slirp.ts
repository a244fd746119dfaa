/**
 * The guest's whole network in one object: the stack, and the parts that forward connections and datagrams between the
 * guest and the host. The caller passes frames in, and it passes frames to the device. It opens and reads nothing itself.
 *
 *     guest's ping      → policy → host
 *     guest's SYN       → remote forward bound there? → name server? → address of a name? → policy → host
 *     guest's datagram  → answer to a local forward's client? → remote forward bound there? → name server?
 *                         → address of a name? → policy → host
 *     host's client     → local forward → guest
 *
 * @module
 */
import type { Endpoint, IpAddress, IpVersion } from "../stack/base/address.ts";
import type { Allocate, Device, Frame, FramePool } from "../stack/base/device.ts";
import type { Packet } from "../stack/base/packet.ts";
import { isOwnAddress, type StackAddresses } from "../stack/link/addresses.ts";
import { Stack, type StackLimits } from "../stack/stack.ts";
import type { TcpRequest } from "../stack/tcp/flow.ts";
import type { UdpDatagram } from "../stack/udp/datagram.ts";
import type { Manner } from "./cli/flags/manner.ts";
import { isWildcard } from "./addresses/wildcards.ts";
import type { AllowedNames } from "./dns/allowed_names.ts";
import { Dns, type DnsOptions } from "./dns/dns.ts";
import { DNS_PORT } from "./dns/message.ts";
import type { NameServers } from "./dns/servers.ts";
import type { Egress, EgressTraffic } from "./egress/egress.ts";
import { NOT_IN_USE, type Usage } from "../stack/base/usage.ts";
import type { HostNetwork } from "./host/host_network.ts";
import { DEFAULT_LIMITS, type Limits, type LimitUsage } from "./limits/limits.ts";
import { SpareDescriptors } from "./limits/spare_descriptors.ts";
import { LocalUdpClients } from "./forwards/local/udp_clients.ts";
import { LocalTcpClients } from "./forwards/local/tcp_clients.ts";
import { addressReason, type AddressVerdict, type DecisionObserver } from "./report/decisions.ts";
import type { FlowObservers } from "./report/flow_observers.ts";
import { type PingPolicy, Pings, type PingsOptions } from "./icmp/pings.ts";
import type { Policy } from "./policy/policy.ts";
import { CrowdReclaim } from "./memory/crowd_reclaim.ts";
import { RemoteUdpAssociations } from "./forwards/remote/udp_associations.ts";
import { RemoteTcpFlows } from "./forwards/remote/tcp_flows.ts";
import { type RemoteForward, RemoteForwards } from "./forwards/remote/table.ts";
import type { Shown } from "./host/shown.ts";
import { StackScheduler, type WakingScheduler } from "./timers/stack_scheduler.ts";
import { ConnectionCount } from "./tcp/connection_count.ts";
import { Dials } from "./tcp/dials.ts";
import { OutgoingFlows } from "./tcp/outgoing.ts";
import { Associations, type UdpPolicy } from "./udp/associations.ts";
import { IdleTable } from "./udp/idle_table.ts";

/** Decides whether the guest may connect to an address and port. */
export interface TcpPolicy {
  decide(network: "tcp", address: IpAddress, port: number): AddressVerdict;
}

/** The options of a {@linkcode Slirp}. */
export interface SlirpOptions {
  readonly device: Device;
  /** The pool of the frames given to {@linkcode Slirp.receive}. */
  readonly frames: FramePool;
  readonly allocate: Allocate;
  /** The host's network, for the guest's connections and datagrams. */
  readonly host: HostNetwork;
  /** The host's network, for local forwards, and for name servers on the host's loopback. */
  readonly listeners: HostNetwork;
  readonly policy: TcpPolicy & UdpPolicy & PingPolicy & Pick<Policy, "verdict">;
  /** Answers echo requests: this program, for all destinations; nothing; or the destination, by this sender. */
  readonly echo: "local" | "off" | PingsOptions["sender"];
  /** The host's name servers. */
  readonly nameServers: NameServers;
  /** The addresses on the link; the default ones unless given. */
  readonly addresses?: StackAddresses;
  /** Whether IPv6 is spoken; true unless given. */
  readonly ipv6?: boolean;
  /** The addresses for DHCP clients, and how much guests are told: see {@linkcode GuestConfiguration}. */
  readonly leases?: readonly IpAddress[];
  readonly brief?: boolean;
  /** The addresses that stand for addresses of the host, as in {@linkcode Manner}. */
  readonly mapped?: Manner["mapped"];
  /** The ICMP error about what the policy refuses, as in {@linkcode Manner}; "prohibited" unless given. */
  readonly refusal?: Manner["refusal"];
  /** Whether the program is a name server at the stack's `dns4` and `dns6`. */
  readonly dns: boolean;
  /** Reads EDNS, for `dns`; or loads the reader for the first question. */
  readonly edns: DnsOptions["edns"];
  /** The only names that the guest may ask for, with their answers. Not given: it may ask for any name. */
  readonly dnsOnly?: AllowedNames | undefined;
  /** The rules for names. Not given: there are none. */
  readonly egress?: Egress | undefined;
  /** Whether DHCP clients are answered, and whether an IPv6 prefix is announced to the guest. */
  readonly dhcp: boolean;
  readonly slaac: boolean;
  readonly observers: FlowObservers;
  /** Records each decision. Not given: nobody does. */
  readonly decisions?: DecisionObserver | undefined;
  /** The end of a UDP socket as the lines show it. */
  readonly shown: Shown;
  /** Takes a descriptor from the associations when a socket finds none. Not given: there are enough. */
  readonly descriptors?: SpareDescriptors;
  /** {@linkcode DEFAULT_LIMITS} unless given. */
  readonly limits?: Limits;
  /** The runtime's event loop and clock unless given; simulations have another. */
  readonly scheduler?: WakingScheduler;
  /** Gives unused memory back to the system. Called rarely, because it takes tens of ms. */
  readonly reclaim?: () => void;
  /** Random unsigned 32-bit numbers; cryptographically strong ones unless given. */
  readonly random?: () => number;
}

/** The guest's network. */
export class Slirp {
  readonly stack: Stack;
  /** The guest's connections. */
  readonly outgoing: OutgoingFlows;
  readonly associations: Associations;
  /** The remote forwards; more may be added at any time. */
  readonly remoteTcp: RemoteForwards = new RemoteForwards();
  readonly remoteUdp: RemoteForwards = new RemoteForwards();
  readonly remoteTcpFlows: RemoteTcpFlows;
  readonly remoteUdpAssociations: RemoteUdpAssociations;
  readonly localTcp: LocalTcpClients;
  readonly localUdp: LocalUdpClients;
  /** Null if this program answers pings itself, or nothing does. */
  readonly pings: Pings | null;
  /** Null if it is switched off. */
  readonly dns: Dns | null;
  /** The guest's flows to names. Null if there are no rules for names. */
  private readonly named: EgressTraffic | null;
  private readonly scheduler: WakingScheduler;
  private readonly frames: FramePool;
  private readonly giveBack: (() => void) | undefined;
  /** The guest's associations. Each takes a descriptor. */
  private readonly idle: IdleTable;
  /** The clients of local forwards. They have their own table, so that the guest can't evict them. */
  private readonly idleClients: IdleTable;
  /** All TCP connections, and the dials among them. */
  private readonly connections: ConnectionCount;
  private readonly dials: Dials;

  constructor(private readonly options: SlirpOptions) {
    const { device, frames, allocate, host, listeners, policy, echo, nameServers, observers, shown, decisions } =
      options;
    const { limits = DEFAULT_LIMITS, random = randomUint32 } = options;
    const scheduler = this.scheduler = options.scheduler ?? new StackScheduler();
    this.frames = frames;
    this.giveBack = options.reclaim;
    const reclaim = new CrowdReclaim(scheduler, () => this.live, () => this.reclaimMemory());
    const ended = () => reclaim.ended();
    const { descriptors = new SpareDescriptors() } = options;
    const idle = this.idle = new IdleTable(scheduler, descriptors.associations(limits.udpAssociations), ended);
    descriptors.giveUp = () => idle.endOldest();
    const idleClients = this.idleClients = new IdleTable(scheduler, limits.udpAssociations, ended);
    this.stack = new Stack({
      device,
      frames,
      allocate,
      defer: (run) => scheduler.defer(run),
      addresses: { ...options.addresses, isNameServer: options.dns },
      echo: typeof echo === "string" ? echo : (request) => this.ping(request),
      clock: () => scheduler.now(),
      configuration: {
        dhcp: options.dhcp,
        slaac: options.slaac,
        leases: options.leases,
        brief: options.brief,
        nameServers: () => this.nameServers(options),
        // a name server that answers for some names only would refuse completed names
        searchDomains: () =>
          options.dnsOnly === undefined && options.egress === undefined ? nameServers.searchDomains : [],
      },
      ipv6: options.ipv6,
      limits: stackLimits(limits),
      random,
      handlers: {
        tcpRequest: (request) => this.request(request),
        udp: (datagram) => this.datagram(datagram),
        udpUnreachable: (local, guest) => this.guestUnreachable(local, guest),
      },
    });
    const { tcp, udp, icmp, addresses: own } = this.stack;
    this.dns = !options.dns ? null : new Dns({
      servers: nameServers,
      host,
      loopback: listeners,
      scheduler,
      guest: udp,
      addresses: own,
      allocate,
      random,
      edns: options.edns,
      limit: limits.dnsQuestions,
      only: options.dnsOnly,
      gate: options.egress?.gate,
    });
    this.pings = typeof echo === "string"
      ? null
      : new Pings({ policy, scheduler, sender: echo, echo: this.stack.echo, icmp, decisions });
    const dials = this.dials = new Dials(host, scheduler, limits.dials);
    const connections = this.connections = new ConnectionCount(limits.tcpConnections, () => tcp.evictHalfOpen(), ended);
    const outgoing = this.outgoing = new OutgoingFlows({ dials, connections, scheduler });
    const associations = { host, scheduler, idle, guest: udp, icmp, shown, decisions };
    this.associations = new Associations({
      ...associations,
      policy,
      own,
      refusal: options.refusal,
      observer: observers.routedUdp,
    });
    this.remoteTcpFlows = new RemoteTcpFlows({ outgoing, connections, observers: observers.remoteTcp });
    this.remoteUdpAssociations = new RemoteUdpAssociations({ ...associations, observers: observers.remoteUdp });
    const local = { host: listeners, scheduler, own: { ...own, mapped: options.mapped }, observer: observers.local };
    this.localTcp = new LocalTcpClients({ ...local, guest: tcp, allocate, connections });
    this.localUdp = new LocalUdpClients({ ...local, guest: udp, idle: idleClients, random });
    this.named = options.egress?.attach({
      tcp: { outgoing, connections, scheduler, maxLookups: Math.max(1, limits.dials >> 1) },
      udp: associations,
      routed: { outgoing, associations: this.associations },
      observers,
    }) ?? null;
    scheduler.drive(this.stack);
    this.stack.start();
  }

  /** How much of each limit is in use now, and how often it was reached. Forwards and listed names have their own tables. */
  get usage(): Omit<LimitUsage, "forwards" | "listedNames"> {
    const { connections, dials, idle, idleClients } = this;
    return {
      ...this.stack.usage,
      tcpConnections: { current: connections.size, limit: connections.limit, overflows: connections.refused },
      dials: { current: dials.size, limit: dials.limit, overflows: dials.evicted },
      udpAssociations: { current: idle.size, limit: idle.limit, overflows: idle.evicted },
      dnsQuestions: dnsUsage(this.dns),
      names: NOT_IN_USE,
      newNames: NOT_IN_USE,
      heldBytes: NOT_IN_USE,
      ...this.options.egress?.usage,
      pings: this.pings?.usage ?? NOT_IN_USE,
      pingIdentifiers: this.pings?.identifiersUsage ?? NOT_IN_USE,
      udpClients: { current: idleClients.size, limit: idleClients.limit, overflows: idleClients.evicted },
    };
  }

  /** Drops all spare buffers, and gives unused memory back to the system. */
  reclaimMemory(): void {
    this.stack.tcp.memory.dropSpare();
    this.frames.dropSpare();
    this.giveBack?.();
  }

  /** The number of connections and associations. */
  private get live(): number {
    return this.connections.size + this.idle.size + this.idleClients.size;
  }

  /** Takes a frame of the guest. {@linkcode endOfTurn} must follow. */
  receive(frame: Frame): void {
    this.stack.receive(frame);
  }

  /** Sends what the frames of this turn have caused. */
  endOfTurn(): void {
    this.stack.flush();
  }

  /** Resets both sides of all connections, and ends everything else, at once. */
  close(): void {
    this.pings?.close();
    this.dns?.close();
    this.localTcp.close();
    this.localUdp.close();
    this.outgoing.abort();
    this.idle.close();
    this.idleClients.close();
    this.stack.close();
    this.scheduler.stop();
  }

  /** The name servers that DHCP tells the guest: this program, or those of the host that the policy lets it reach. */
  private nameServers({ nameServers, dns, policy }: SlirpOptions): readonly IpAddress[] {
    const { dns4, dns6 } = this.stack.addresses;
    if (dns) return [dns4, dns6].filter((address) => !isWildcard(address)); // a wildcard: none over that version
    return nameServers.all.map(({ address }) => address).filter((address) =>
      policy.verdict("udp", address, DNS_PORT).allowed
    );
  }

  private ping(request: Packet): boolean {
    this.pings?.request(request);
    return true;
  }

  private request(request: TcpRequest): void {
    const { address, port } = request.local;
    const service = this.serviceAt(this.remoteTcp, address.bytes, 0, address.version, port);
    if (service instanceof Dns) service.takeRequest(request);
    else if (this.options.decisions?.mayOpen() === false) request.refuse();
    else if (service !== null) this.remoteTcpFlows.request(request, service);
    else if (this.named?.takes("tcp", address.bytes, 0, address.version, port)) this.named.takeRequest(request);
    else this.route(request);
  }

  /** Connects the guest with the destination of its SYN, if the policy allows it. */
  private route(request: TcpRequest): void {
    const { policy, observers, decisions } = this.options;
    const { guest, local: to } = request, { address, port } = to;
    const { allowed, rule } = policy.decide("tcp", address, port);
    if (!allowed) {
      decisions?.refusedFlow({ network: "tcp", guest, to, name: null, reason: addressReason(rule) });
      return this.refuse(request);
    }
    const isLast = request.hopLimit <= 1 && !isOwnAddress(this.stack.addresses, address.bytes, 0, address.version);
    if (isLast) request.timeExceeded();
    else this.outgoing.request(request, request.local, observers.routedTcp);
  }

  private refuse(request: TcpRequest): void {
    if (this.options.refusal === "network") request.unreachable("network");
    else request.refuse();
  }

  private datagram(datagram: UdpDatagram): void {
    if (this.localUdp.takeAnswer(datagram)) return;
    const { bytes, localAddress, version, localPort } = datagram;
    const service = this.serviceAt(this.remoteUdp, bytes, localAddress, version, localPort);
    if (service === null) {
      if (this.named?.takes("udp", bytes, localAddress, version, localPort)) this.named.takeDatagram(datagram);
      else this.associations.takeDatagram(datagram); // which asks the policy
    } else if (service instanceof Dns) service.takeDatagram(datagram);
    else this.remoteUdpAssociations.takeDatagram(datagram, service);
  }

  private guestUnreachable(local: Endpoint, guest: Endpoint): void {
    if (this.localUdp.guestUnreachable(local, guest)) return;
    const { address, port } = local;
    const service = this.serviceAt(this.remoteUdp, address.bytes, 0, address.version, port);
    if (service === null) {
      if (this.named?.takes("udp", address.bytes, 0, address.version, port)) this.named.guestUnreachable(local, guest);
      else this.associations.guestUnreachable(guest);
    } else if (!(service instanceof Dns)) this.remoteUdpAssociations.guestUnreachable(service, guest);
  }

  /** Finds the program's service at an address and port of the guest's network; null: none, so the host's network. */
  private serviceAt(
    forwards: RemoteForwards,
    bytes: Uint8Array,
    address: number,
    version: IpVersion,
    port: number,
  ): RemoteForward | Dns | null {
    const forward = forwards.find(bytes, address, version, port);
    if (forward !== null) return forward;
    const { dns } = this;
    return dns !== null && dns.isAt(bytes, address, version, port) ? dns : null;
  }
}

function dnsUsage(dns: Dns | null): Usage {
  if (dns === null) return NOT_IN_USE;
  const { inFlight, outcomes } = dns.counters;
  return { current: inFlight, limit: dns.limit, overflows: outcomes.udp.evicted + outcomes.tcp.evicted };
}

/** The stack's part of the limits. The stack's bound on connections only backs up that of {@linkcode ConnectionCount}. */
function stackLimits(limits: Limits): StackLimits {
  const { tcpConnections, halfOpen, dials, outOfOrderBytes, bufferedBytes } = limits;
  return {
    tcp: {
      connections: tcpConnections,
      halfOpen,
      requests: dials + 1, // one more, while the oldest makes room
      bufferedBytes: Math.floor(bufferedBytes / 2), // windows shrink from here on
      outOfOrderBytes,
    },
    reassembly: { datagrams: limits.fragmentedDatagrams },
    icmpErrors: limits.icmpErrors,
    neighbours: limits.neighbours,
    neighbourPackets: limits.neighbourPackets,
  };
}

const oneNumber = new Uint32Array(1);

function randomUint32(): number {
  return crypto.getRandomValues(oneNumber)[0];
}
