/**
 * Local forwards for UDP: sockets on the host. Each of their clients has a port of the program towards the guest.
 *
 *     client's datagram → client by its source → guest, from the client's port
 *     guest's datagram  → client by that port, if it comes from the target → client
 *
 * | event | action |
 * | --- | --- |
 * | the limit of clients is reached | the client idle longest ends |
 * | no port towards the guest is free | the client's datagram is dropped, with a line |
 * | the client is idle for some time | it ends, like an association of the guest |
 * | the forward is for one answer, which has come | the client ends |
 * | the guest reports that its port is closed | the client ends; its next datagram makes a new one |
 * | a datagram lacks the header that it should have | it is dropped |
 *
 * A datagram of the guest to such a port is an answer only if it comes from the target. Otherwise it is routed like any
 * other.
 *
 * @module
 */
import type { Endpoint } from "../../../stack/base/address.ts";
import type { Scheduler } from "../../timers/scheduler.ts";
import type { LocalForwardObserver } from "../../report/flow_observers.ts";
import { END_OF_PORTS, FIRST_DYNAMIC_PORT, freePort } from "../../../stack/base/free_port.ts";
import type { HostNetwork } from "../../host/host_network.ts";
import type { GuestDatagram, GuestSender } from "../../udp/associations.ts";
import type { IdleTable } from "../../udp/idle_table.ts";
import { WaitingRoom } from "../../udp/waiting.ts";
import type { LocalUdpClient, LocalUdpClientOwner } from "./udp_client.ts";
import { LocalUdpListener } from "./udp_listener.ts";
import { type LocalForward, type OwnAddresses, sourceTowards } from "./forward.ts";
import { listenDualStack } from "./listen_dual_stack.ts";

/** The options of {@linkcode LocalUdpClients}. */
export interface LocalUdpClientsOptions {
  /** The host's network, to listen on. */
  readonly host: HostNetwork;
  readonly guest: GuestSender;
  readonly scheduler: Scheduler;
  readonly idle: IdleTable;
  readonly own: OwnAddresses;
  readonly observer: LocalForwardObserver;
  /** A random unsigned 32-bit number. */
  readonly random: () => number;
}

/** The first port towards the guest that is not reserved for system services (RFC 6335, section 6). */
const FIRST_USER_PORT = 1_024;
/** With more clients than this, the search for a port begins below the dynamic ports, so that it stays short. */
const MANY_CLIENTS = (END_OF_PORTS - FIRST_DYNAMIC_PORT) / 2;

/** All clients of local forwards for UDP. */
export class LocalUdpClients implements LocalUdpClientOwner {
  readonly guest: GuestSender;
  readonly room: WaitingRoom = new WaitingRoom();
  readonly observer: LocalForwardObserver;
  private readonly listeners = new Set<LocalUdpListener>();
  /** By the program's port towards the guest. */
  private readonly ports = new Map<number, LocalUdpClient>();

  constructor(private readonly options: LocalUdpClientsOptions) {
    this.guest = options.guest;
    this.observer = options.observer;
  }

  /** The number of clients with a port: all whose target is known. */
  get size(): number {
    return this.ports.size;
  }

  /** Listens for a forward until the result is closed, which ends its clients. Throws a HostError. */
  listen(forward: LocalForward): { readonly local: Endpoint; close(): void } {
    const { host, idle } = this.options;
    const listener = listenDualStack(forward, (local) => new LocalUdpListener(forward, local, host, idle, this));
    this.listeners.add(listener);
    const close = () => {
      this.listeners.delete(listener);
      listener.removed();
    };
    return { local: listener.local, close };
  }

  /** Takes a datagram of the guest if it is an answer to a client; false: it is not. Called by the stack. */
  takeAnswer(datagram: GuestDatagram): boolean {
    const client = this.ports.get(datagram.localPort);
    if (client === undefined) return false;
    const { bytes, version, guestAddress, guestPort, localAddress } = datagram;
    const { local, target } = client;
    const isAnswer = local !== null && target !== null && target.port === guestPort &&
      target.address.version === version && target.address.isAt(bytes, guestAddress) &&
      local.address.isAt(bytes, localAddress);
    if (isAnswer) client.answered(bytes, datagram.payload, datagram.length);
    return isAnswer;
  }

  /** The guest reports by ICMP that its port is closed; false: it is not about a client's port. Called by the stack. */
  guestUnreachable(local: Endpoint, guest: Endpoint): boolean {
    const client = this.ports.get(local.port);
    if (client?.local?.address.equals(local.address) !== true) return false;
    if (client.target?.port !== guest.port || !client.target.address.equals(guest.address)) return false;
    client.guestUnreachable();
    return true;
  }

  /** Stops listening. The idle table ends the clients. */
  close(): void {
    for (const listener of this.listeners) listener.close();
    this.listeners.clear();
  }

  // for clients

  now(): number {
    return this.options.scheduler.now();
  }

  takePort(client: LocalUdpClient, target: Endpoint): Endpoint | null {
    const { own, random } = this.options;
    const first = this.ports.size < MANY_CLIENTS ? FIRST_DYNAMIC_PORT : FIRST_USER_PORT;
    const port = freePort(first, random(), (port) => this.ports.has(port));
    if (port === null) return null;
    this.ports.set(port, client);
    return { address: sourceTowards(target.address, client.source, own), port };
  }

  ended(client: LocalUdpClient): void {
    const { local, listener } = client;
    this.options.idle.delete(client);
    if (local !== null) this.ports.delete(local.port);
    listener.forget(client);
  }
}
