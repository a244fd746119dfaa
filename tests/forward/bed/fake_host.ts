/**
 * Stand-ins for the host's network and for name servers.
 *
 * @module
 */
import type {
  HostDatagram,
  HostDatagramHandler,
  HostDial,
  HostDialHandler,
  HostError,
  HostListener,
  HostNetwork,
  HostStream,
  ListenOptions,
} from "../../../forward/host/host_network.ts";
import type { Names, ServiceRecord } from "../../../forward/names/names.ts";
import { type Endpoint, formatEndpoint, IpAddress } from "../../../stack/base/address.ts";
import { assert } from "../../assert.ts";
import { endpoint } from "./fakes.ts";

/** A datagram socket of the host. The test plays the network. */
export class FakeSocket implements HostDatagram {
  /** Where to and what, as text. */
  readonly sent: string[] = [];
  /** The addresses of the host that were to be their source; null: none was given. */
  readonly sentFrom: (string | null)[] = [];
  /** What alone, as it was. */
  readonly messages: Uint8Array[] = [];
  /** What it was told of the ways of datagrams: `hop limit`, and whether they may not be fragmented. */
  readonly paths: string[] = [];
  closed = false;

  constructor(readonly local: Endpoint, readonly handler: HostDatagramHandler) {}

  send(bytes: Uint8Array, offset: number, length: number, to: Endpoint, from?: IpAddress | null): void {
    assert(!this.closed);
    this.sentFrom.push(from?.toString() ?? null);
    this.messages.push(bytes.slice(offset, offset + length));
    this.sent.push(`${formatEndpoint(to)} ${new TextDecoder().decode(bytes.subarray(offset, offset + length))}`);
  }

  setPath(hopLimit: number, dontFragment: boolean): void {
    this.paths.push(`before ${this.sent.length}: ${hopLimit}${dontFragment ? " whole" : ""}`);
  }

  close(): void {
    assert(!this.closed, "closed twice");
    this.closed = true;
  }

  // the test's side

  /** A datagram from the network, to the address `asked` of the host. */
  hears(from: string, text: string, asked?: string): void {
    this.hearsBytes(from, new TextEncoder().encode(text), asked);
  }

  /** The same. */
  hearsBytes(from: string, bytes: Uint8Array, asked?: string): void {
    const buffer = Uint8Array.from([...bytes, ...new TextEncoder().encode("beyond")]);
    this.handler.received(buffer, bytes.length, endpoint(from), asked === undefined ? null : IpAddress.parse(asked));
  }
}

/** A dial that the test decides on. */
export class FakeDial implements HostDial {
  aborted = false;
  readonly answer = Promise.withResolvers<HostStream>();

  constructor(readonly remote: Endpoint, handler: HostDialHandler) {
    this.answer.promise.then(
      (stream) => this.aborted ? stream.close() : handler.connected(stream),
      (error) => this.aborted || handler.failed(error),
    );
  }

  cancel(): void {
    this.aborted = true;
  }
}

/** A listener of the host, which the test has accept streams. */
export interface FakeListener {
  readonly local: Endpoint;
  readonly accepted: (stream: HostStream) => void;
  readonly oneVersion: boolean | undefined;
  closed: boolean;
}

/** The host's network. */
export class FakeHost implements HostNetwork {
  readonly dials: FakeDial[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly listeners: FakeListener[] = [];
  /** What the next datagram socket or listener fails with; by the text of its endpoint, or for all ("*"). */
  readonly failures: Map<string, HostError> = new Map<string, HostError>();

  dial(remote: Endpoint, handler: HostDialHandler): FakeDial {
    const dial = new FakeDial(remote, handler);
    this.dials.push(dial);
    return dial;
  }

  listen(local: Endpoint, accepted: (stream: HostStream) => void, options: ListenOptions = {}): HostListener {
    this.throwFor(local);
    const listener = { local: this.bound(local), accepted, closed: false, oneVersion: options.oneVersion };
    this.listeners.push(listener);
    return { local: listener.local, close: () => listener.closed = true };
  }

  datagram(local: Endpoint, handler: HostDatagramHandler): FakeSocket {
    this.throwFor(local);
    const socket = new FakeSocket(this.bound(local), handler);
    this.sockets.push(socket);
    return socket;
  }

  private bound({ address, port }: Endpoint): Endpoint {
    return { address, port: port || 50_000 + this.sockets.length + this.listeners.length };
  }

  private throwFor(local: Endpoint): void {
    const failure = this.failures.get(formatEndpoint(local)) ?? this.failures.get("*");
    if (failure !== undefined) throw failure;
  }
}

/** What a {@linkcode FakeNames} knows: by name, addresses between spaces, or `PRIORITY WEIGHT PORT HOST`. */
export interface FakeAnswers {
  addresses: Record<string, string>;
  byServer: Record<string, string>;
  services: Record<string, string>;
}

/** Name servers. */
export class FakeNames implements Names {
  /** What was asked, in order. */
  readonly asked: string[] = [];
  readonly answers: FakeAnswers;

  constructor(answers: Partial<FakeAnswers>) {
    this.answers = { addresses: {}, byServer: {}, services: {}, ...answers };
  }

  addresses(name: string): Promise<readonly IpAddress[]> {
    this.asked.push(`system ${name}`);
    return this.find(this.answers.addresses, name);
  }

  addressesBy(server: Endpoint, name: string): Promise<readonly IpAddress[]> {
    this.asked.push(`${formatEndpoint(server)} host ${name}`);
    return this.find(this.answers.byServer, name);
  }

  servicesBy(server: Endpoint, name: string): Promise<readonly ServiceRecord[]> {
    this.asked.push(`${formatEndpoint(server)} srv ${name}`);
    const [priority, weight, port, host] = this.answers.services[name]?.split(" ") ?? [];
    if (host === undefined) return Promise.reject(new Error("no records"));
    return Promise.resolve([{ priority: Number(priority), weight: Number(weight), port: Number(port), host }]);
  }

  private find(table: Readonly<Record<string, string>>, name: string): Promise<readonly IpAddress[]> {
    const found = table[name];
    return found === undefined
      ? Promise.reject(new Error("no such host"))
      : Promise.resolve(found.split(" ").map(IpAddress.parse));
  }
}
