/**
 * The guest's whole network in one object: the stack, and what forwards connections and datagrams between it and the
 * host. It is handed frames and hands frames to the device; it opens and reads nothing itself.
 *
 *     guest's ping      → policy → host
 *     guest's SYN       → remote forward bound there? → name server? → policy → host
 *     guest's datagram  → answer to a local forward's client? → remote forward bound there? → name server?
 *                         → policy → host
 *     host's client     → local forward → guest
 *
 * @module
 */
import type { Endpoint, IpAddress, IpVersion } from "../stack/base/address.ts";
import type { Allocate, Device, Frame, FramePool } from "../stack/base/device.ts";
import type { Packet } from "../stack/base/packet.ts";
import { Stack, type StackLimits } from "../stack/stack.ts";
import type { TcpRequest } from "../stack/tcp/flow.ts";
import type { UdpDatagram } from "../stack/udp/datagram.ts";
import type { AllowedNames } from "./dns/allowed_names.ts";
import { Dns } from "./dns/dns.ts";
import { DNS_PORT } from "./dns/message.ts";
import type { NameServers } from "./dns/servers.ts";
import type { Usage } from "../stack/base/usage.ts";
import type { HostNetwork } from "./host/port.ts";
import { DEFAULT_LIMITS, type Limits, type LimitUsage } from "./limits/limits.ts";
import { SpareDescriptors } from "./limits/spare_descriptors.ts";
import { LocalUdpClients } from "./forwards/local/udp_clients.ts";
import { LocalTcpClients } from "./forwards/local/tcp_clients.ts";
import type { Logs } from "./report/reporters.ts";
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

/** Says whether the guest may connect to an address and port. */
export interface TcpPolicy {
  decide(network: "tcp", address: IpAddress, port: number): { readonly allowed: boolean };
}

/** What a {@linkcode Slirp} is made of. */
export interface SlirpOptions {
  readonly device: Device;
  /** The pool that frames given to {@linkcode Slirp.receive} are from. */
  readonly frames: FramePool;
  readonly allocate: Allocate;
  /** Where the guest's connections and datagrams go out. */
  readonly host: HostNetwork;
  /** Where local forwards listen. */
  readonly listeners: HostNetwork;
  readonly policy: TcpPolicy & UdpPolicy & PingPolicy & Pick<Policy, "verdict">;
  /** Who answers echo requests: the program, whatever their destination; nobody; or the destination, by this. */
  readonly echo: "local" | "off" | PingsOptions["sender"];
  /** The host's name servers. */
  readonly nameServers: NameServers;
  /** Whether the guest can ask those through the stack's `dns4` and `dns6`. */
  readonly dns: boolean;
  /** Answers for the only names that the guest may ask those for. Not given: it may ask for any. */
  readonly dnsOnly?: AllowedNames | undefined;
  /** Whether DHCP clients are answered, and whether the guest is to make itself IPv6 addresses: see the stack. */
  readonly dhcp: boolean;
  readonly slaac: boolean;
  readonly logs: Logs;
  /** The end of a socket towards a remote end as people are to see it, where the socket is bound to no address. */
  readonly shown: Shown;
  /** For sockets that find no descriptor. Not given: there are enough. */
  readonly descriptors?: SpareDescriptors;
  /** {@linkcode DEFAULT_LIMITS} unless given. */
  readonly limits?: Limits;
  /** The runtime's own event loop and clock unless given: simulations have another. */
  readonly scheduler?: WakingScheduler;
  /** Gives memory that nothing refers to any more back to the system. Called seldom, as it takes a while. */
  readonly reclaim?: () => void;
  /** Random unsigned 32-bit numbers; such that nobody can guess unless given. */
  readonly random?: () => number;
}

/** See the module's text. */
export class Slirp {
  readonly stack: Stack;
  /** The guest's connections. */
  readonly outgoing: OutgoingFlows;
  readonly associations: Associations;
  /** What is bound in the guest's network; further ones may be added at any time. */
  readonly remoteTcp: RemoteForwards = new RemoteForwards();
  readonly remoteUdp: RemoteForwards = new RemoteForwards();
  readonly remoteTcpFlows: RemoteTcpFlows;
  readonly remoteUdpAssociations: RemoteUdpAssociations;
  readonly localTcp: LocalTcpClients;
  readonly localUdp: LocalUdpClients;
  /** Null where the program itself answers, or nobody. */
  readonly pings: Pings | null;
  /** Null where it is switched off. */
  readonly dns: Dns | null;
  private readonly scheduler: WakingScheduler;
  private readonly frames: FramePool;
  private readonly giveBack: (() => void) | undefined;
  /** The guest's associations, each of which takes a descriptor. */
  private readonly idle: IdleTable;
  /** Those of clients on the host, of which no guest can make too many. */
  private readonly idleClients: IdleTable;
  /** All TCP connections, and those of them that are being made by the host. */
  private readonly connections: ConnectionCount;
  private readonly dials: Dials;

  constructor(private readonly options: SlirpOptions) {
    const { device, frames, allocate, host, listeners, policy, echo, nameServers, logs, shown } = options;
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
      ...{ device, frames, allocate, defer: (run) => scheduler.defer(run) },
      addresses: { isNameServer: options.dns },
      echo: typeof echo === "string" ? echo : (request) => this.ping(request),
      clock: () => scheduler.now(),
      configuration: {
        dhcp: options.dhcp,
        slaac: options.slaac,
        nameServers: () => this.nameServers(options),
        // a name server that answers for some names alone refuses what short names are completed to
        searchDomains: () => options.dnsOnly === undefined ? nameServers.searchDomains : [],
      },
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
      ...{ servers: nameServers, host, loopback: listeners, scheduler, guest: udp, addresses: own, allocate },
      random,
      limit: limits.dnsQuestions,
      only: options.dnsOnly,
    });
    this.pings = typeof echo === "string"
      ? null
      : new Pings({ policy, scheduler, sender: echo, echo: this.stack.echo, icmp });
    const dials = this.dials = new Dials(host, scheduler, limits.dials);
    const connections = this.connections = new ConnectionCount(limits.tcpConnections, () => tcp.evictHalfOpen(), ended);
    const outgoing = this.outgoing = new OutgoingFlows({ dials, connections, scheduler });
    const associations = { host, scheduler, idle, guest: udp, icmp, shown };
    this.associations = new Associations({ ...associations, policy, own, log: logs.routedUdp });
    this.remoteTcpFlows = new RemoteTcpFlows({ outgoing, connections, logs: logs.remoteTcp });
    this.remoteUdpAssociations = new RemoteUdpAssociations({ ...associations, logs: logs.remoteUdp });
    const local = { host: listeners, scheduler, own, log: logs.local };
    this.localTcp = new LocalTcpClients({ ...local, guest: tcp, allocate, connections });
    this.localUdp = new LocalUdpClients({ ...local, guest: udp, idle: idleClients, random });
    scheduler.drive(this.stack);
    this.stack.start();
  }

  /** What of the limits is in use now, and how often each was not enough. */
  get usage(): LimitUsage {
    const { connections, dials, idle, idleClients } = this;
    return {
      ...this.stack.usage,
      tcpConnections: { current: connections.size, limit: connections.limit, overflows: connections.refused },
      dials: { current: dials.size, limit: dials.limit, overflows: dials.evicted },
      udpAssociations: { current: idle.size, limit: idle.limit, overflows: idle.evicted },
      dnsQuestions: dnsUsage(this.dns),
      pings: this.pings?.usage ?? NOT_IN_USE,
      pingIdentifiers: this.pings?.identifiersUsage ?? NOT_IN_USE,
      udpClients: { current: idleClients.size, limit: idleClients.limit, overflows: idleClients.evicted },
    };
  }

  /** Drops all spare buffers, and gives memory that nothing refers to any more back to the system. */
  reclaimMemory(): void {
    this.stack.tcp.memory.dropSpare();
    this.frames.dropSpare();
    this.giveBack?.();
  }

  /** Connections and associations. */
  private get live(): number {
    return this.connections.size + this.idle.size + this.idleClients.size;
  }

  /** Takes a frame of the guest; `endOfTurn` must follow. */
  receive(frame: Frame): void {
    this.stack.receive(frame);
  }

  /** No more frames for now. */
  endOfTurn(): void {
    this.stack.flush();
  }

  /** Resets all connections on both sides and ends everything else, at once. */
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

  /** Those that the guest can ask: this program, or those of the host that the policy lets it reach. */
  private nameServers({ nameServers, dns, policy }: SlirpOptions): readonly IpAddress[] {
    const { dns4, dns6 } = this.stack.addresses;
    if (dns) return [dns4, dns6];
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
    else if (service !== null) this.remoteTcpFlows.request(request, service);
    else this.route(request);
  }

  /** Connects the guest with the destination of its SYN, if the policy allows it. */
  private route(request: TcpRequest): void {
    const { policy, logs } = this.options;
    const { address, port } = request.local;
    if (policy.decide("tcp", address, port).allowed) this.outgoing.request(request, request.local, logs.routedTcp);
    else request.refuse();
  }

  private datagram(datagram: UdpDatagram): void {
    if (this.localUdp.takeAnswer(datagram)) return;
    const { bytes, localAddress, version, localPort } = datagram;
    const service = this.serviceAt(this.remoteUdp, bytes, localAddress, version, localPort);
    if (service === null) this.associations.takeDatagram(datagram); // which asks the policy
    else if (service instanceof Dns) service.takeDatagram(datagram);
    else this.remoteUdpAssociations.takeDatagram(datagram, service);
  }

  private guestUnreachable(local: Endpoint, guest: Endpoint): void {
    if (this.localUdp.guestUnreachable(local, guest)) return;
    const { address, port } = local;
    const service = this.serviceAt(this.remoteUdp, address.bytes, 0, address.version, port);
    if (service === null) this.associations.guestUnreachable(guest);
    else if (!(service instanceof Dns)) this.remoteUdpAssociations.guestUnreachable(service, guest);
  }

  /** What stands at an address and port of the guest's network; null: nothing of this program, so the host's network. */
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

/** Of what is switched off. */
const NOT_IN_USE: Usage = { current: 0, limit: 0, overflows: 0 };

function dnsUsage(dns: Dns | null): Usage {
  if (dns === null) return NOT_IN_USE;
  const { inFlight, outcomes } = dns.counters;
  return { current: inFlight, limit: dns.limit, overflows: outcomes.udp.evicted + outcomes.tcp.evicted };
}

/** The stack's part of the limits. Its own bound on connections stands behind ours, which knows of both sides. */
function stackLimits(limits: Limits): StackLimits {
  const { tcpConnections, halfOpen, dials, outOfOrderBytes, bufferedBytes } = limits;
  return {
    tcp: {
      connections: tcpConnections,
      halfOpen,
      requests: dials + 1, // one more while the oldest makes room
      bufferedBytes: Math.floor(bufferedBytes / 2), // from where on they shrink
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
  return crypto.getRandomValues(oneNumber)[0]!;
}
