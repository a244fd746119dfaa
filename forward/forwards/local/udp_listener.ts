/**
 * The host's socket of a local forward for UDP. It finds the client of each datagram, or makes a new one.
 *
 * @module
 */
import type { Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { type EndReason, EndReasons } from "../../report/end_report.ts";
import type { HostDatagram, HostDatagramHandler, HostError, HostNetwork } from "../../host/host_network.ts";
import { DATAGRAM_BUFFER } from "../../limits/limits.ts";
import type { IdleTable } from "../../udp/idle_table.ts";
import { addressKey, endpointKey, type Key } from "../../udp/keys.ts";
import { parseSimpleProxyHeader, SIMPLE_PROXY_HEADER } from "../proxy_protocol/simple.ts";
import type { LocalForward } from "./forward.ts";
import { type AnswerSender, LocalUdpClient, type LocalUdpClientOwner } from "./udp_client.ts";

/** The reason why a datagram without the header is dropped. */
const NO_HEADER: EndReason = { text: "no Simple Proxy Protocol header", outcome: "other" };

/** The clients of one address of the host, and the address as the last datagram gave it. */
interface Clients {
  asked: IpAddress | null;
  readonly clients: Map<Key, LocalUdpClient>;
}

/** The key of the address that a client sent to. No client sends to the wildcard, so its key, 0, stands for null. */
function askedKey(asked: IpAddress | null): Key {
  return asked === null ? 0 : addressKey(asked.bytes, 0, asked.version);
}

/** The host's socket of a local forward for UDP, and its clients. */
export class LocalUdpListener implements HostDatagramHandler, AnswerSender {
  readonly local: Endpoint;
  /** The clients by the address that they sent to, which is the source of their answers. */
  private readonly tables = new Map<Key, Clients>();
  private last: Clients | null = null;
  private readonly socket: HostDatagram;
  /** For answers with a header; allocated at the first one. */
  private scratch: Uint8Array | null = null;

  /** Throws a HostError. */
  constructor(
    readonly forward: LocalForward,
    bind: Endpoint,
    host: HostNetwork,
    private readonly idle: IdleTable,
    private readonly owner: LocalUdpClientOwner,
  ) {
    this.socket = host.datagram(bind, this, { crowded: true, oneVersion: forward.oneVersion });
    this.local = this.socket.local;
  }

  received(bytes: Uint8Array, length: number, from: Endpoint, asked: IpAddress | null): void {
    const { address, port } = from;
    const key = endpointKey(address.bytes, 0, address.version, port);
    const client = this.find(asked, key) ?? this.open(key, bytes, length, from, asked);
    const data = this.forward.proxyProtocol ? SIMPLE_PROXY_HEADER : 0;
    // A client whose first datagram had a header is a proxy. Its later headers are skipped, not parsed.
    if (client !== null && length >= data) client.sent(bytes, data, length - data);
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
    to: Endpoint,
    asked: IpAddress | null,
  ): void {
    if (header === null) return this.socket.send(bytes, offset, length, to, asked);
    const total = header.length + length;
    if (total > DATAGRAM_BUFFER) return;
    const scratch = this.scratch ??= new Uint8Array(new ArrayBuffer(DATAGRAM_BUFFER));
    scratch.set(header);
    scratch.set(bytes.subarray(offset, offset + length), header.length);
    this.socket.send(scratch, 0, total, to, asked);
  }

  forget(client: LocalUdpClient): void {
    const key = askedKey(client.asked), table = this.tables.get(key);
    if (table === undefined) return;
    table.clients.delete(client.key);
    if (table.clients.size > 0) return;
    this.tables.delete(key);
    if (this.last === table) this.last = null;
  }

  /** The forward is removed: its clients end, and the port is free. */
  removed(): void {
    const clients = Array.from(this.tables.values(), (table) => [...table.clients.values()]).flat();
    for (const client of clients) client.end(EndReasons.FORWARD_REMOVED);
    this.close();
  }

  close(): void {
    this.socket.close();
  }

  private find(asked: IpAddress | null, key: Key): LocalUdpClient | undefined {
    const { last } = this; // most ask the same address
    if (last !== null && last.asked === asked) return last.clients.get(key);
    const table = this.tables.get(askedKey(asked));
    if (table === undefined) return undefined;
    table.asked = asked;
    return (this.last = table).clients.get(key);
  }

  private add(client: LocalUdpClient): void {
    const { asked, key } = client, tableKey = askedKey(asked);
    let table = this.tables.get(tableKey);
    if (table === undefined) this.tables.set(tableKey, table = { asked, clients: new Map() });
    table.clients.set(key, client);
  }

  private open(
    key: Key,
    bytes: Uint8Array,
    length: number,
    from: Endpoint,
    asked: IpAddress | null,
  ): LocalUdpClient | null {
    const { forward, idle, local, owner } = this;
    let source = from.address, port = local.port, header: Uint8Array | null = null;
    if (forward.proxyProtocol) {
      const proxied = parseSimpleProxyHeader(bytes, length);
      if (proxied === null) {
        const ends = { network: "udp", client: from, listener: local, proxyProtocol: true } as const;
        owner.observer.failed(ends, forward.target.toString(), NO_HEADER);
        return null;
      }
      source = proxied.client.address;
      port = proxied.proxy.port;
      header = bytes.slice(0, SIMPLE_PROXY_HEADER);
    }
    idle.makeRoom();
    const client = new LocalUdpClient(key, from, asked, source, header, port, this, owner);
    this.add(client);
    idle.add(client);
    client.start();
    return client;
  }
}
