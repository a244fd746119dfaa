/**
 * Local forwards for TCP: listeners on the host, each of whose clients is connected with the guest. See flow.ts.
 *
 * @module
 */
import type { Endpoint } from "../../../stack/base/address.ts";
import { Deadlines } from "../../timers/deadlines.ts";
import type { HostListener, HostNetwork, HostStream } from "../../host/port.ts";
import { PROXY_HEADER_MS } from "../../limits/timeouts.ts";
import type { ConnectionCount } from "../../tcp/connection_count.ts";
import type { LocalForward } from "./forward.ts";
import { LocalTcpClient, type LocalTcpClientOwner } from "./tcp_client.ts";
import { listenDualStack } from "./listen_dual_stack.ts";

/** What {@linkcode LocalTcpClients} is made of. */
export interface LocalTcpClientsOptions extends Omit<LocalTcpClientOwner, "awaitHeader" | "headerDone" | "ended"> {
  /** Where to listen. */
  readonly host: HostNetwork;
  /** May be shared with others: then so is the limit. */
  readonly connections: ConnectionCount;
}

/** See the module's text. */
export class LocalTcpClients {
  private readonly flows = new Set<LocalTcpClient>();
  private readonly headers: Deadlines<LocalTcpClient>;
  private readonly listeners: HostListener[] = [];
  private readonly owner: LocalTcpClientOwner;

  constructor(private readonly options: LocalTcpClientsOptions) {
    const headers = this.headers = new Deadlines<LocalTcpClient>(options.scheduler, PROXY_HEADER_MS);
    this.owner = {
      ...options,
      awaitHeader: (flow) => headers.add(flow),
      headerDone: (flow) => headers.delete(flow),
      ended: (flow) => {
        headers.delete(flow);
        if (this.flows.delete(flow)) options.connections.release();
      },
    };
  }

  /** Connections, those that are being made included. */
  get size(): number {
    return this.flows.size;
  }

  /** Listens for a forward; returns where. Throws a HostError. */
  listen(forward: LocalForward): Endpoint {
    const listener = listenDualStack(
      forward.bind,
      (local) => this.options.host.listen(local, (stream) => this.accepted(stream, forward)),
    );
    this.listeners.push(listener);
    return listener.local;
  }

  /** Listens no more, and resets all connections, both sides. */
  close(): void {
    for (const listener of this.listeners.splice(0)) listener.close();
    for (const flow of this.flows) flow.abort();
  }

  private accepted(stream: HostStream, forward: LocalForward): void {
    if (!this.options.connections.take()) return stream.reset();
    const flow = new LocalTcpClient(stream, forward, this.owner);
    this.flows.add(flow);
    flow.start();
  }
}
