/**
 * Local forwards for TCP: listeners on the host. tcp_client.ts connects each client that they accept with the guest.
 *
 * @module
 */
import { Deadlines } from "../../timers/deadlines.ts";
import type { HostListener, HostNetwork, HostStream } from "../../host/host_network.ts";
import { PROXY_HEADER_MS } from "../../limits/timeouts.ts";
import type { ConnectionCount } from "../../tcp/connection_count.ts";
import type { LocalForward } from "./forward.ts";
import { LocalTcpClient, type LocalTcpClientOwner } from "./tcp_client.ts";
import { listenDualStack } from "./listen_dual_stack.ts";

/** The options of {@linkcode LocalTcpClients}. */
export interface LocalTcpClientsOptions extends Omit<LocalTcpClientOwner, "awaitHeader" | "headerDone" | "ended"> {
  /** The host's network, to listen on. */
  readonly host: HostNetwork;
  /** Shared with the guest's connections, and so is its limit. */
  readonly connections: ConnectionCount;
}

/** All clients of local forwards for TCP. */
export class LocalTcpClients {
  private readonly clients = new Set<LocalTcpClient>();
  private readonly headers: Deadlines<LocalTcpClient>;
  private readonly listeners = new Set<HostListener>();
  private readonly owner: LocalTcpClientOwner;

  constructor(private readonly options: LocalTcpClientsOptions) {
    const headers = this.headers = new Deadlines<LocalTcpClient>(options.scheduler, PROXY_HEADER_MS);
    this.owner = {
      ...options,
      awaitHeader: (client) => headers.add(client),
      headerDone: (client) => headers.delete(client),
      ended: (client) => {
        headers.delete(client);
        if (this.clients.delete(client)) options.connections.release();
      },
    };
  }

  /** The number of clients, including those that are not connected yet. */
  get size(): number {
    return this.clients.size;
  }

  /** Listens for a forward until the result is closed; its clients go on after that. Throws a HostError. */
  listen(forward: LocalForward): HostListener {
    const { oneVersion } = forward;
    const listener = listenDualStack(
      forward,
      (local) => this.options.host.listen(local, (stream) => this.accepted(stream, forward), { oneVersion }),
    );
    this.listeners.add(listener);
    const close = () => {
      this.listeners.delete(listener);
      listener.close();
    };
    return { local: listener.local, close };
  }

  /** Stops listening, and resets both sides of all connections. */
  close(): void {
    for (const listener of this.listeners) listener.close();
    this.listeners.clear();
    for (const client of this.clients) client.abort();
  }

  private accepted(stream: HostStream, forward: LocalForward): void {
    if (!this.options.connections.take()) return stream.reset();
    const client = new LocalTcpClient(stream, forward, this.owner);
    this.clients.add(client);
    client.start();
  }
}
