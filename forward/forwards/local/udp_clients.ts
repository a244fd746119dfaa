/**
 * Local forwards for UDP: sockets on the host, each of whose clients has an association with the guest.
 *
 *     client's datagram → association by its source → guest, from a port of that association's own
 *     guest's datagram  → association by that port, if it comes from the target → client
 *
 * | what happens | what is done |
 * | --- | --- |
 * | as many associations as may be | the one idle longest ends |
 * | no port towards the guest is free | the client's datagram is dropped, with a line |
 * | nothing passes for a while | the association ends, as one of the guest's own does |
 * | the forward is for one answer | the association ends with it |
 * | the guest: nobody listens | the association ends; the client's next datagram makes a new one |
 * | a datagram without the header that it should have | dropped |
 *
 * A datagram of the guest to such a port from elsewhere than the target is none of ours: it is routed like any other.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { type EndReason, EndReasons } from "../../report/end_report.ts";
import type { Scheduler } from "../../timers/scheduler.ts";
import type { LocalForwardLog } from "../../report/forward_report.ts";
import { END_OF_PORTS, FIRST_DYNAMIC_PORT, freePort } from "../../../stack/base/free_port.ts";
import type { HostDatagram, HostDatagramHandler, HostError, HostNetwork } from "../../host/port.ts";
import { DATAGRAM_BUFFER } from "../../limits/limits.ts";
import { parseSimpleProxyHeader, SIMPLE_PROXY_HEADER } from "../proxy_protocol/simple.ts";
import type { GuestDatagram, GuestSender } from "../../udp/associations.ts";
import type { IdleTable } from "../../udp/idle_table.ts";
import { addressKey, endpointKey, type Key } from "../../udp/keys.ts";
import { WaitingRoom } from "../../udp/waiting.ts";
import { type AnswerSender, LocalUdpClient, type LocalUdpClientOwner } from "./udp_client.ts";
import { type LocalForward, type OwnAddresses, sourceTowards } from "./forward.ts";
import { listenDualStack } from "./listen_dual_stack.ts";

/** What {@linkcode LocalUdpClients} is made of. */
export interface LocalUdpClientsOptions {
  /** Where to listen. */
  readonly host: HostNetwork;
  readonly guest: GuestSender;
  readonly scheduler: Scheduler;
  readonly idle: IdleTable;
  readonly own: OwnAddresses;
  readonly log: LocalForwardLog;
  /** A random unsigned 32-bit number. */
  readonly random: () => number;
}

/** Where ports towards the guest begin that no service of a system has to itself (RFC 6335, section 6). */
const FIRST_USER_PORT = 1_024;
/** With more clients than this, the search for a port begins below the dynamic ports, so that it stays short. */
const MANY_CLIENTS = (END_OF_PORTS - FIRST_DYNAMIC_PORT) / 2;

/** See the module's text. */
export class LocalUdpClients implements LocalUdpClientOwner {
  readonly guest: GuestSender;
  readonly room: WaitingRoom = new WaitingRoom();
  readonly log: LocalForwardLog;
  private readonly listeners: Listener[] = [];
  /** By the program's port towards the guest. */
  private readonly ports = new Map<number, LocalUdpClient>();

  constructor(private readonly options: LocalUdpClientsOptions) {
    this.guest = options.guest;
    this.log = options.log;
  }

  /** How many there are whose target is known. */
  get size(): number {
    return this.ports.size;
  }

  /** Listens for a forward; returns where. Throws a HostError. */
  listen(forward: LocalForward): Endpoint {
    const { host, idle } = this.options;
    const listener = listenDualStack(forward.bind, (local) => new Listener(forward, local, host, idle, this));
    this.listeners.push(listener);
    return listener.local;
  }

  /** Takes a datagram of the guest if it is an answer to a client; false: it isn't. Called by the stack. */
  receive(datagram: GuestDatagram): boolean {
    const association = this.ports.get(datagram.localPort);
    if (association === undefined) return false;
    const { bytes, version, guestAddress, guestPort, localAddress } = datagram;
    const { local, target } = association;
    const isAnswer = local !== null && target !== null && target.port === guestPort &&
      target.address.version === version && target.address.isAt(bytes, guestAddress) &&
      local.address.isAt(bytes, localAddress);
    if (isAnswer) association.answered(bytes, datagram.payload, datagram.length);
    return isAnswer;
  }

  /** The guest says that nobody listens there; false: that is none of ours. Called by the stack. */
  refused(local: Endpoint, guest: Endpoint): boolean {
    const association = this.ports.get(local.port);
    if (association?.local?.address.equals(local.address) !== true) return false;
    if (association.target?.port !== guest.port || !association.target.address.equals(guest.address)) return false;
    association.refused();
    return true;
  }

  /** Listens no more; the associations are ended with the table. */
  close(): void {
    for (const listener of this.listeners.splice(0)) listener.close();
  }

  // for associations

  now(): number {
    return this.options.scheduler.now();
  }

  takePort(association: LocalUdpClient, target: Endpoint): Endpoint | null {
    const { own, random } = this.options;
    const first = this.ports.size < MANY_CLIENTS ? FIRST_DYNAMIC_PORT : FIRST_USER_PORT;
    const port = freePort(first, random(), (port) => this.ports.has(port));
    if (port === null) return null;
    this.ports.set(port, association);
    return { address: sourceTowards(target.address, association.source, own), port };
  }

  ended(association: LocalUdpClient): void {
    const { local, listener } = association;
    this.options.idle.delete(association);
    if (local !== null) this.ports.delete(local.port);
    listener.forget(association);
  }
}

/** A datagram that has none is no proxy's. */
const NO_HEADER: EndReason = { text: "no Simple Proxy Protocol header", outcome: "other" };

/** The clients of one address of the host, and the object that stood for it last. */
interface Clients {
  asked: IpAddress | null;
  readonly clients: Map<Key, LocalUdpClient>;
}

/** 0 is the wildcard's, which nobody asks. */
function askedKey(asked: IpAddress | null): Key {
  return asked === null ? 0 : addressKey(asked.bytes, 0, asked.version);
}

/** A forward's socket. */
class Listener implements HostDatagramHandler, AnswerSender {
  readonly local: Endpoint;
  /** The clients by the address that they asked, which is where their answers come from. */
  private readonly tables = new Map<Key, Clients>();
  private last: Clients | null = null;
  private readonly socket: HostDatagram;
  /** For answers with a header; made when first used. */
  private scratch: Uint8Array | null = null;

  /** Throws a HostError. */
  constructor(
    readonly forward: LocalForward,
    bind: Endpoint,
    host: HostNetwork,
    private readonly idle: IdleTable,
    private readonly owner: LocalUdpClientOwner,
  ) {
    this.socket = host.datagram(bind, this, { crowded: true });
    this.local = this.socket.local;
  }

  received(bytes: Uint8Array, length: number, from: Endpoint, asked: IpAddress | null): void {
    const { address, port } = from;
    const key = endpointKey(address.bytes, 0, address.version, port);
    const association = this.find(asked, key) ?? this.open(key, bytes, length, from, asked);
    const data = this.forward.proxyProtocol ? SIMPLE_PROXY_HEADER : 0;
    // Whoever has shown a header once is a proxy; what its later headers say is not looked at.
    if (association !== null && length >= data) association.sent(bytes, data, length - data);
  }

  failed(error: HostError, to: Endpoint | null): void {
    if (to === null || error.failure !== "refused") return;
    const { address, port } = to;
    const key = endpointKey(address.bytes, 0, address.version, port);
    for (const { clients } of this.tables.values()) clients.get(key)?.end(EndReasons.REFUSED);
  }

  answer(
    header: Uint8Array | null,
    bytes: Uint8Array,
    offset: number,
    length: number,
    client: Endpoint,
    asked: IpAddress | null,
  ): void {
    if (header === null) return this.socket.send(bytes, offset, length, client, asked);
    const total = header.length + length;
    if (total > DATAGRAM_BUFFER) return;
    const scratch = this.scratch ??= new Uint8Array(new ArrayBuffer(DATAGRAM_BUFFER));
    scratch.set(header);
    scratch.set(bytes.subarray(offset, offset + length), header.length);
    this.socket.send(scratch, 0, total, client, asked);
  }

  forget(association: LocalUdpClient): void {
    const key = askedKey(association.asked), table = this.tables.get(key);
    if (table === undefined) return;
    table.clients.delete(association.key);
    if (table.clients.size > 0) return;
    this.tables.delete(key);
    if (this.last === table) this.last = null;
  }

  close(): void {
    this.socket.close();
  }

  private find(asked: IpAddress | null, key: Key): LocalUdpClient | undefined {
    const { last } = this; // most ask what the last one asked
    if (last !== null && last.asked === asked) return last.clients.get(key);
    const table = this.tables.get(askedKey(asked));
    if (table === undefined) return undefined;
    table.asked = asked;
    return (this.last = table).clients.get(key);
  }

  private add(association: LocalUdpClient): void {
    const { asked, key } = association, tableKey = askedKey(asked);
    let table = this.tables.get(tableKey);
    if (table === undefined) this.tables.set(tableKey, table = { asked, clients: new Map() });
    table.clients.set(key, association);
  }

  private open(
    key: Key,
    bytes: Uint8Array,
    length: number,
    client: Endpoint,
    asked: IpAddress | null,
  ): LocalUdpClient | null {
    const { forward, idle, local, owner } = this;
    let source = client.address, port = local.port, header: Uint8Array | null = null;
    if (forward.proxyProtocol) {
      const proxied = parseSimpleProxyHeader(bytes, length);
      if (proxied === null) {
        const ends = { network: "udp", client, listener: local, proxyProtocol: true } as const;
        owner.log.failed(ends, forward.target.toString(), NO_HEADER);
        return null;
      }
      source = proxied.client.address;
      port = proxied.proxy.port;
      header = bytes.slice(0, SIMPLE_PROXY_HEADER);
    }
    idle.makeRoom();
    const association = new LocalUdpClient(key, client, asked, source, header, port, this, owner);
    this.add(association);
    idle.add(association);
    association.start();
    return association;
  }
}
