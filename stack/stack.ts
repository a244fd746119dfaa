/**
 * A TCP/IP stack that acts as the whole network towards one guest: it takes the frames that the guest sends, answers
 * for every address, and passes connections and datagrams to its user, which decides what happens to them.
 *
 *     device ── link ── ip ─┬─ icmp        echo, errors
 *                           ├─ udp ─┬───── handlers.udp, udp.send
 *                           │       └───── dhcp
 *                           └─ tcp ─────── handlers.tcpRequest, tcp.connect
 *
 * It does no input or output and has no clock. Its owner calls
 *
 * - {@linkcode Stack.start} once;
 * - {@linkcode Stack.receive} for each frame of a batch, then {@linkcode Stack.flush}: that is one turn, in which the
 *   clock is read once;
 * - {@linkcode Stack.advance} at {@linkcode Stack.nextDeadline}, then `flush` as well; {@linkcode Stack.onEarlier} tells
 *   when the deadline has become earlier.
 *
 * The stack calls the device's `transmit` from within all of these, and from within the user's calls.
 *
 * @module
 */
import { DEFAULT_ADDRESSES, isOwnAddress, type StackAddresses } from "./link/addresses.ts";
import type { Endpoint } from "./base/address.ts";
import { Counters } from "./base/counters.ts";
import { type GuestConfiguration, NO_CONFIGURATION } from "./base/guest_configuration.ts";
import { Dhcpv4Server } from "./dhcp/dhcpv4.ts";
import { Dhcpv6Server } from "./dhcp/dhcpv6.ts";
import type { Allocate, Device, Frame, FramePool } from "./base/device.ts";
import { type EchoHandler, EchoResponder } from "./icmp/echo.ts";
import { type IcmpInputOptions, Icmpv4Input, Icmpv6Input } from "./icmp/input.ts";
import { IcmpOutput } from "./icmp/output.ts";
import { QuotedErrors } from "./icmp/quoted.ts";
import { Ipv4Input } from "./ip/input4.ts";
import { Ipv6Input } from "./ip/input6.ts";
import { IpOutput } from "./ip/output.ts";
import { PathMtuTable } from "./ip/path_mtu.ts";
import type { Protocols } from "./ip/protocols.ts";
import { Reassembler, REASSEMBLY_LIMITS, type ReassemblyLimits } from "./ip/reassembly.ts";
import { EthernetLink } from "./link/ethernet.ts";
import type { IpReceiver, Link } from "./link/link.ts";
import { PlainLink } from "./link/plain.ts";
import { Packet } from "./base/packet.ts";
import type { TcpLimits } from "./tcp/numbers/constants.ts";
import type { TcpCounters } from "./tcp/context.ts";
import type { TcpRequest } from "./tcp/flow.ts";
import { Tcp } from "./tcp/tcp.ts";
import { TimerQueue } from "./base/timers.ts";
import type { UdpDatagram } from "./udp/datagram.ts";
import { Udp } from "./udp/udp.ts";
import type { StackUsage, Usage } from "./base/usage.ts";

/** The user's handlers. The stack calls them from within its methods; they must not throw. */
export interface StackHandlers {
  /** The guest wants to connect. */
  tcpRequest(request: TcpRequest): void;
  /** The guest sent a datagram. The object is reused, so it must not be kept. */
  udp(datagram: UdpDatagram): void;
  /** The guest reports that it accepts no datagrams from `local` at `guest`. */
  udpUnreachable?(local: Endpoint, guest: Endpoint): void;
}

/** Limits of the stack, each with its own default. */
export interface StackLimits {
  readonly tcp?: Partial<TcpLimits>;
  readonly reassembly?: Partial<ReassemblyLimits>;
  /** ICMP errors a second. */
  readonly icmpErrors?: number;
  /** IP addresses of stations on the link whose hardware address is kept. */
  readonly neighbours?: number;
  /** Packets that wait for a station's hardware address. */
  readonly neighbourPackets?: number;
}

/** Options of a {@linkcode Stack}. */
export interface StackOptions {
  readonly device: Device;
  /** The pool that the frames given to {@linkcode Stack.receive} are from. */
  readonly frames: FramePool;
  readonly allocate: Allocate;
  /** The time in ms, which never goes back. */
  readonly clock: () => number;
  /** Returns an unpredictable unsigned 32-bit number. */
  readonly random: () => number;
  readonly handlers: StackHandlers;
  /** Addresses that differ from the defaults. */
  readonly addresses?: Partial<StackAddresses>;
  /**
   * The treatment of echo requests: the stack answers them for every destination ("local", the default), ignores them
   * ("off"), or passes them to a function, except those to the program's own addresses, which it answers.
   */
  readonly echo?: "local" | "off" | EchoHandler;
  /** The configuration for guests that ask for it; none by default. */
  readonly configuration?: GuestConfiguration;
  /** Whether IPv6 is spoken; true unless given. Otherwise the guest's IPv6 packets are ignored, and it is told of no router. */
  readonly ipv6?: boolean | undefined;
  readonly limits?: StackLimits;
  /** Calls a function after the present events are handled. Without it every datagram is sent at once. */
  readonly defer?: ((run: () => void) => void) | undefined;
}

/** The counters of all layers. */
export interface StackCounters extends Counters {
  readonly tcp: TcpCounters;
}

/** The whole stack, from the device's frames to the user's handlers. */
export class Stack {
  readonly addresses: StackAddresses;
  readonly tcp: Tcp;
  readonly udp: Udp;
  /** Sends ICMP errors about packets that are neither TCP requests nor datagrams. */
  readonly icmp: IcmpOutput;
  /** Sends answers to echo requests that were passed to a function. */
  readonly echo: EchoResponder;
  readonly counters: StackCounters;
  /** The start of the present or last turn, by the `clock`. */
  now = 0;
  private readonly timers = new TimerQueue();
  private readonly link: Link;
  private readonly ip: IpReceiver;
  private readonly dhcp: readonly (Dhcpv4Server | Dhcpv6Server)[];
  private readonly reassemblers: readonly [Reassembler, Reassembler];
  private inTurn = false;

  constructor(private readonly options: StackOptions) {
    const { device, frames, allocate, random, handlers } = options;
    const { timers } = this;
    const { icmpErrors: errorsPerSecond, neighbours, neighbourPackets: neighbourQueue } = options.limits ?? {};
    const addresses = { ...DEFAULT_ADDRESSES, ...options.addresses };
    const configuration = options.configuration ?? NO_CONFIGURATION;
    this.addresses = addresses;
    const counters = new Counters();
    const clock = () => this.time();
    this.link = device.medium === "ethernet"
      ? new EthernetLink({
        ...{ device, addresses, configuration, allocate, timers, clock, random, neighbours, neighbourQueue },
        counters: counters.link,
      })
      : new PlainLink(device, counters.link);
    const paths = new PathMtuTable(clock);
    const ip = new IpOutput({ link: this.link, device, allocate, random, counters, paths });
    const icmp = new IcmpOutput({ ip, addresses, allocate, clock, counters: counters.icmp, errorsPerSecond });
    this.icmp = icmp;
    const onRequest = (request: TcpRequest) => handlers.tcpRequest(request);
    const tcpLimits = options.limits?.tcp;
    this.tcp = new Tcp({ ip, icmp, clock, random, allocate, frames, timers, onRequest, limits: tcpLimits });
    this.counters = { ...counters, tcp: this.tcp.counters };
    this.udp = new Udp({
      ...{ ip, icmp, allocate, counters: counters.udp, defer: options.defer },
      handler: (datagram) => {
        if (!this.dhcp.some((server) => server.receive(datagram))) handlers.udp(datagram);
      },
      errorHandler: (local, guest) => handlers.udpUnreachable?.(local, guest),
    });
    const dhcp = { addresses, configuration, mtu: device.mtu, udp: this.udp, link: this.link, counters: counters.dhcp };
    this.dhcp = configuration.dhcp ? [new Dhcpv4Server(dhcp), new Dhcpv6Server(dhcp)] : [];

    this.echo = new EchoResponder({ ip, allocate, counters: counters.icmp, handler: this.echoHandler() });
    const icmpInput: IcmpInputOptions = {
      echo: this.echo,
      errors: new QuotedErrors(this.tcp, this.udp, counters.icmp, paths),
      ndp: (packet) => this.link.receiveNdp(packet),
      counters: counters.icmp,
    };
    const protocols: Protocols = {
      tcp: this.tcp,
      udp: this.udp,
      icmpv4: new Icmpv4Input(icmpInput),
      icmpv6: new Icmpv6Input(icmpInput),
    };
    const limits = { ...REASSEMBLY_LIMITS, ...options.limits?.reassembly };
    const timeExceeded = icmp.reassemblyTimeExceeded.bind(icmp);
    const reassembly = { frames, timers, clock, limits, timeExceeded };
    const reassembler4 = new Reassembler({ ...reassembly, version: 4, counters: counters.ipv4 });
    const reassembler6 = new Reassembler({ ...reassembly, version: 6, counters: counters.ipv6 });
    this.reassemblers = [reassembler4, reassembler6];
    const input = { addresses, packet: new Packet(), protocols, icmp, frames, counters };
    const input4 = new Ipv4Input({ ...input, reassembler: reassembler4 });
    const input6 = new Ipv6Input({ ...input, reassembler: reassembler6 });
    this.ip = {
      receive4: (frame, offset, group) => input4.receive(frame, offset, group),
      receive6: options.ipv6 === false ? () => {} : (frame, offset, group) => input6.receive(frame, offset, group),
    };
  }

  /** The time at which {@linkcode advance} must be called next, by the clock; Infinity: not at all. */
  get nextDeadline(): number {
    return this.timers.nextDeadline;
  }

  /**
   * Called with the new {@linkcode nextDeadline} when it has become earlier, from within any method of the stack and
   * its parts.
   */
  set onEarlier(told: ((deadline: number) => void) | null) {
    this.timers.onEarlier = told;
  }

  /** The number of unfinished datagrams in reassembly, of both IP versions. */
  get reassembling(): number {
    return this.reassemblers.reduce((sum, reassembler) => sum + reassembler.size, 0);
  }

  /** The present use of the limits. */
  get usage(): StackUsage {
    const { tcp, icmp, counters, link } = this;
    const { memory, limits } = tcp;
    const [four, six] = this.reassemblers;
    const { waiting, stations } = link;
    return {
      halfOpen: usage(tcp.halfOpenConnections, limits.halfOpen, counters.tcp.halfOpenEvicted),
      fragmentedDatagrams4: usage(four.size, four.limit, counters.ipv4.reassemblyEvicted),
      fragmentedDatagrams6: usage(six.size, six.limit, counters.ipv6.reassemblyEvicted),
      outOfOrderBytes: usage(memory.early, limits.outOfOrderBytes, memory.earlyRefused),
      bufferedBytes: usage(memory.inUse, 2 * limits.bufferedBytes, memory.refused),
      icmpErrors: usage(icmp.recentErrors, icmp.errorsPerSecond, counters.icmp.errorsLimited),
      neighbours: usage(stations.size, stations.limit, stations.evicted),
      neighbourPackets: usage(waiting.size, waiting.limit, counters.link.neighbourEvicted),
    };
  }

  /**
   * Handles a frame from the device. Never throws, whatever its content. The caller keeps the frame unless `held` is
   * set afterwards; a held frame is returned to the pool later.
   */
  receive(frame: Frame): void {
    if (!this.inTurn) {
      this.now = this.options.clock();
      this.inTurn = true;
    }
    this.link.receive(frame, this.ip);
  }

  /** Ends a turn: reports events to the connections' users, and sends deferred data and acknowledgments. */
  flush(): void {
    this.tcp.flush();
    this.inTurn = false;
  }

  /** Runs the timers that are due. */
  advance(): void {
    this.now = this.options.clock();
    this.timers.run(this.now);
  }

  /** Called when the device accepts frames: starts the router advertisements to the guest, by a timer. */
  start(): void {
    if (this.options.ipv6 !== false) this.link.start();
  }

  /** Resets all connections and discards everything that is pending. */
  close(): void {
    this.tcp.close();
    for (const reassembler of this.reassemblers) reassembler.close();
    this.link.close();
  }

  /** Within a turn, its start; between turns, the clock's time. */
  private time(): number {
    if (!this.inTurn) this.now = this.options.clock();
    return this.now;
  }

  private echoHandler(): EchoHandler {
    const { echo = "local" } = this.options;
    if (echo === "local") return () => false;
    if (echo === "off") return () => true;
    return (request) => {
      const { bytes, destination, version } = request;
      return !isOwnAddress(this.addresses, bytes, destination, version) && echo(request);
    };
  }
}

function usage(current: number, limit: number, overflows: number): Usage {
  return { current, limit, overflows };
}
