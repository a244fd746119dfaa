/**
 * The guest's name server: questions to it are passed on to those of the host, and their answers come back as they are.
 *
 *     guest ── UDP ──┐                               ┌── UDP ── name server
 *                    ├─ message.ts ── query.ts ──────┤                          servers.ts: which of them
 *     guest ── TCP ──┘  is it one?    who is asked   └── TCP ── name server
 *           connection.ts                udp_exchange.ts, tcp_exchange.ts
 *
 * A question goes on over what it came over: an answer that is too long for UDP says so, and the guest asks over TCP.
 * As it is the host that asks, its servers may be where no guest could reach them: on its loopback, in its networks.
 *
 * | what happens | answer |
 * | --- | --- |
 * | a server answers | that |
 * | all servers say that they can't or won't | what the first of them said |
 * | none can be reached | SERVFAIL, at once |
 * | none answers in time | SERVFAIL |
 * | as many questions as may be wait for theirs | the one that waits longest: SERVFAIL |
 * | the question makes no sense | FORMERR, or none if it can't be told whose it is |
 * | a zone transfer, an update, a notification | NOTIMP |
 *
 * Where only the names of `-allow` may be asked for, no server is asked: see allowed_names.ts.
 *
 * Switched on by `SlirpOptions.dns`, which `-dns` sets.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../stack/base/address.ts";
import type { StackAddresses } from "../../stack/link/addresses.ts";
import type { Allocate } from "../../stack/base/device.ts";
import type { TcpRequest } from "../../stack/tcp/flow.ts";
import { Deadlines } from "../loop/deadlines.ts";
import type { EventLoop } from "../loop/event_loop.ts";
import type { HostNetwork } from "../host/port.ts";
import { DEFAULT_LIMITS } from "../limits/limits.ts";
import type { GuestDatagram, GuestSender } from "../udp/associations.ts";
import type { AllowedNames } from "./allowed_names.ts";
import { DnsConnections } from "./connection.ts";
import { DnsCounters, type DnsOutcome } from "./counters.ts";
import type { Exchange, ExchangeHandler } from "./exchange.ts";
import {
  DNS_PORT,
  errorAnswer,
  fitToUdp,
  FORMERR,
  NOERROR,
  NXDOMAIN,
  parseQuestion,
  type Question,
  rcodeOf,
  SERVFAIL,
} from "./message.ts";
import { Query, type QueryOwner } from "./query.ts";
import type { NameServer } from "./resolv_conf.ts";
import type { DnsNetwork, NameServers } from "./servers.ts";
import { TcpExchange } from "./tcp_exchange.ts";
import { UdpExchange } from "./udp_exchange.ts";

/** What a {@linkcode Dns} is made of. */
export interface DnsOptions {
  readonly servers: NameServers;
  /** By which servers elsewhere are asked. */
  readonly host: HostNetwork;
  /** By which servers on the host's loopback are asked: they take questions from there alone. */
  readonly loopback: HostNetwork;
  readonly loop: EventLoop;
  readonly guest: GuestSender;
  readonly addresses: Pick<StackAddresses, "dns4" | "dns6">;
  readonly allocate: Allocate;
  /** A random unsigned 32-bit number that nobody can guess. */
  readonly random: () => number;
  /** Questions that wait for an answer at most. */
  readonly limit?: number;
  /** Answers in the place of all servers. Not given: they are asked. */
  readonly only?: AllowedNames | undefined;
}

/** Who waits for answers. */
export interface DnsClient {
  readonly network: DnsNetwork;
  /** Takes an answer; called once for each question, also from within {@linkcode Dns.ask}. */
  reply(question: Question, answer: Uint8Array): void;
}

/** See the module's text. */
export class Dns implements QueryOwner {
  readonly counters: DnsCounters = new DnsCounters();
  /** Questions that wait for an answer, the oldest first. */
  private readonly clients = new Map<Query, DnsClient>();
  private readonly connections: DnsConnections;
  private deadlines: Deadlines<Query> | null = null;
  /** How long the servers that {@linkcode deadlines} is about may take. */
  private patience = 0;

  constructor(private readonly options: DnsOptions) {
    this.connections = new DnsConnections(this, options.loop);
  }

  /** Questions that wait for an answer at most. */
  get limit(): number {
    return this.options.limit ?? DEFAULT_LIMITS.dnsQuestions;
  }

  /** Whether the address at `offset` and the port are those of the guest's name server. */
  isAt(bytes: Uint8Array, offset: number, version: IpVersion, port: number): boolean {
    return port === DNS_PORT && this.address(version).isAt(bytes, offset);
  }

  /** Takes a datagram of the guest. Called by the stack. */
  receive(datagram: GuestDatagram): void {
    const { bytes, version, guestAddress, guestPort, payload, length } = datagram;
    const { guest } = this.options;
    const local = { address: this.address(version), port: DNS_PORT };
    const client = { address: IpAddress.at(bytes, guestAddress, version), port: guestPort };
    this.ask(bytes.slice(payload, payload + length), {
      network: "udp",
      reply: (question, answer) => {
        const fitting = fitToUdp(question, answer);
        guest.sendBytes(local, client, fitting, 0, fitting.length);
      },
    });
  }

  /** Takes a guest's SYN. Called by the stack. */
  request(request: TcpRequest): void {
    this.connections.accept(request);
  }

  /** Takes a client's message, which must not change later. False: it is none, and there will be no answer. */
  ask(message: Uint8Array, client: DnsClient): boolean {
    const parsed = parseQuestion(message);
    if (parsed.kind === "nonsense") {
      this.count(client, "malformed");
      return false;
    }
    const { question } = parsed;
    if (parsed.kind === "error") {
      this.count(client, parsed.rcode === FORMERR ? "malformed" : "unsupported");
      client.reply(question, errorAnswer(question, parsed.rcode));
      return true;
    }
    const { only } = this.options;
    if (only !== undefined) {
      const answer = only.answer(question);
      this.count(client, answer === null ? "refused" : "allowed");
      client.reply(question, answer ?? only.refusal(question));
      return true;
    }
    this.makeRoom();
    const plan = this.options.servers.plan(client.network);
    const query = new Query(question, plan, this.deadlinesFor(plan.patience), this);
    this.clients.set(query, client);
    this.counters.inFlight++;
    query.start();
    return true;
  }

  /** The client waits for nothing any more. */
  forget(client: DnsClient): void {
    for (const [query, other] of this.clients) if (other === client) this.drop(query, "cancelled");
  }

  /** Ends all. */
  close(): void {
    this.connections.close();
    for (const query of this.clients.keys()) this.drop(query, "cancelled");
  }

  // for queries

  askServer(query: Query, server: NameServer, handler: ExchangeHandler): Exchange {
    const { host, loopback, allocate, random } = this.options;
    const from = isLoopback(server.address) ? loopback : host;
    return this.networkOf(query) === "udp"
      ? new UdpExchange(from, server, query.question, random(), handler)
      : new TcpExchange(from, server, query.question, random(), allocate, handler);
  }

  serverAnswered(query: Query, server: NameServer): void {
    this.options.servers.answered(this.networkOf(query), server);
  }

  serverFailed(query: Query, server: NameServer): void {
    this.options.servers.failed(this.networkOf(query), server);
  }

  finished(query: Query, answer: Uint8Array | "timeout" | "unreachable"): void {
    if (typeof answer === "string") return this.end(query, answer, errorAnswer(query.question, SERVFAIL));
    const rcode = rcodeOf(answer);
    this.end(query, rcode === NOERROR ? "noerror" : rcode === NXDOMAIN ? "nxdomain" : "error", answer);
  }

  private address(version: IpVersion): IpAddress {
    const { dns4, dns6 } = this.options.addresses;
    return version === 4 ? dns4 : dns6;
  }

  private networkOf(query: Query): DnsNetwork {
    return this.clients.get(query)?.network ?? "udp";
  }

  private makeRoom(): void {
    if (this.clients.size < this.limit) return;
    for (const query of this.clients.keys()) {
      query.cancel();
      return this.end(query, "evicted", errorAnswer(query.question, SERVFAIL));
    }
  }

  private end(query: Query, outcome: DnsOutcome, answer: Uint8Array): void {
    const client = this.drop(query, outcome);
    client?.reply(query.question, answer);
  }

  /** Ends it without an answer. */
  private drop(query: Query, outcome: DnsOutcome): DnsClient | undefined {
    const client = this.clients.get(query);
    if (client === undefined) return undefined;
    query.cancel();
    this.clients.delete(query);
    this.counters.inFlight--;
    this.count(client, outcome);
    return client;
  }

  private count(client: DnsClient, outcome: DnsOutcome): void {
    this.counters.outcomes[client.network][outcome]++;
  }

  /** All questions that are asked with the same patience wait in one row. */
  private deadlinesFor(patience: number): Deadlines<Query> {
    if (this.deadlines === null || patience !== this.patience) {
      this.deadlines = new Deadlines(this.options.loop, patience);
      this.patience = patience;
    }
    return this.deadlines;
  }
}

function isLoopback({ version, bytes }: IpAddress): boolean {
  return version === 4 ? bytes[0] === 127 : LOOPBACK6.isAt(bytes, 0);
}

const LOOPBACK6 = IpAddress.parse("::1");
