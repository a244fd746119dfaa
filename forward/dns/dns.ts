/**
 * The guest's name server: it passes questions on to the host's name servers, and their answers back as they are.
 *
 *     guest ── UDP ──┐                               ┌── UDP ── name server    upstream_udp.ts
 *                    ├─ message.ts ── query.ts ──────┤ upstream.ts
 *     guest ── TCP ──┘  is it a       which server   └── TCP ── name server    upstream_tcp.ts
 *     guest_connection.ts  question?  next? servers.ts
 *
 * A question is passed on over the network that it came over. If the answer is too long for UDP, the guest asks again over
 * TCP. The host sends the question, so its servers may be where the guest can't reach them: on its loopback, in its
 * networks.
 *
 * | event | answer |
 * | --- | --- |
 * | a server answers | that answer |
 * | all servers refuse or fail | the answer of the first of them |
 * | no server can be reached | SERVFAIL, at once |
 * | no server answers in time | SERVFAIL |
 * | the limit of questions is reached | SERVFAIL for the one that waits longest |
 * | the message makes no sense | FORMERR, or none if it is too short to answer, or is an answer itself |
 * | a zone transfer, an update, a notification | NOTIMP |
 *
 * Where names have rules, the gate answers (gate.ts), and all of port 53 ends here, whatever the address. With
 * `dnsNames: "allowed"` no server is asked (allowed_names.ts). Without `-dns` there is no name server.
 *
 * @module
 */
import { IpAddress, type IpVersion } from "../../stack/base/address.ts";
import type { StackAddresses } from "../../stack/link/addresses.ts";
import type { TcpRequest } from "../../stack/tcp/flow.ts";
import { Deadlines } from "../timers/deadlines.ts";
import type { Scheduler } from "../timers/scheduler.ts";
import { DEFAULT_LIMITS } from "../limits/limits.ts";
import type { GuestDatagram, GuestSender } from "../udp/associations.ts";
import type { AllowedNames } from "./allowed_names.ts";
import type { DnsGate } from "./gate.ts";
import { GuestConnections } from "./guest_connection.ts";
import { DnsCounters, type DnsOutcome } from "./counters.ts";
import {
  DNS_PORT,
  type Edns,
  errorAnswer,
  fitToUdp,
  FORMERR,
  isNonsense,
  NOERROR,
  NXDOMAIN,
  parseQuestion,
  type Question,
  rcodeOf,
  SERVFAIL,
} from "./message.ts";
import { type DnsAsker, type DnsClient, Query, type QueryEnd, type QueryParts } from "./query.ts";
import type { NameServers } from "./servers.ts";
import { Upstream, type UpstreamOptions } from "./upstream.ts";

/** The options of a {@linkcode Dns}. */
export interface DnsOptions extends UpstreamOptions {
  readonly servers: NameServers;
  readonly scheduler: Scheduler;
  /** Reads EDNS; or loads the reader for the first question. */
  readonly edns: Edns | (() => Promise<Edns>);
  readonly guest: GuestSender;
  readonly addresses: Pick<StackAddresses, "dns4" | "dns6">;
  /** The limit of questions that wait for an answer. */
  readonly limit?: number;
  /** Answers instead of all servers. Not given: they are asked. */
  readonly only?: AllowedNames | undefined;
  /** Answers as the rules for names say. Not given: there are none. */
  readonly gate?: DnsGate | undefined;
}

/** For a client of which nothing can be known. */
const NO_EDNS: Edns = { udpSize: () => null };

/** The guest's name server. */
export class Dns implements DnsAsker {
  readonly counters: DnsCounters = new DnsCounters();
  /** Questions that wait for an answer, the oldest first. */
  private readonly queries = new Set<Query>();
  private readonly parts: QueryParts;
  private readonly connections: GuestConnections;
  private edns: Edns | null;
  /** Questions that wait until {@linkcode edns} is loaded. */
  private early: { readonly message: Uint8Array; readonly client: DnsClient }[] = [];
  private loading = false;
  private deadlines: Deadlines<Query> | null = null;
  /** The delay of {@linkcode deadlines}, in ms. */
  private patience = 0;

  constructor(private readonly options: DnsOptions) {
    const { servers, edns } = options;
    this.edns = typeof edns === "function" ? null : edns;
    this.parts = { servers, upstream: new Upstream(options), finished: (query, end) => this.finish(query, end) };
    this.connections = new GuestConnections(this, options.scheduler);
    options.gate?.askThrough(this);
  }

  /** The limit of questions that wait for an answer. */
  get limit(): number {
    return this.options.limit ?? DEFAULT_LIMITS.dnsQuestions;
  }

  /** Whether the address at `offset` and the port are those of the guest's name server: with a gate, any address is. */
  isAt(bytes: Uint8Array, offset: number, version: IpVersion, port: number): boolean {
    return port === DNS_PORT && (this.options.gate !== undefined || this.address(version).isAt(bytes, offset));
  }

  /** Takes a datagram of the guest. Called by the stack. */
  takeDatagram(datagram: GuestDatagram): void {
    const { bytes, version, guestAddress, guestPort, localAddress, payload, length } = datagram;
    if (!isHostAddress(bytes, localAddress, version)) return; // no answer can come from there
    const { guest } = this.options;
    const local = { address: IpAddress.at(bytes, localAddress, version), port: DNS_PORT };
    const client = { address: IpAddress.at(bytes, guestAddress, version), port: guestPort };
    this.ask(bytes.slice(payload, payload + length), {
      network: "udp",
      guest: client,
      reply: (question, answer) => {
        const fitting = fitToUdp(question, answer);
        guest.sendBytes(local, client, fitting, 0, fitting.length);
      },
    });
  }

  /** Takes a guest's SYN. Called by the stack. */
  takeRequest(request: TcpRequest): void {
    const { address } = request.local;
    if (isHostAddress(address.bytes, 0, address.version)) this.connections.accept(request);
    else request.drop();
  }

  ask(message: Uint8Array, client: DnsClient): boolean {
    const { edns } = this;
    if (edns === null && !isNonsense(message)) return this.askLater(message, client);
    const parsed = parseQuestion(message, edns ?? NO_EDNS);
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
    const { only, gate } = this.options;
    if (gate !== undefined) {
      gate.ask(question, (outcome) => this.count(client, outcome), client);
      return true;
    }
    if (only !== undefined) {
      const answer = only.answer(question);
      this.count(client, answer === null ? "refused" : "allowed");
      client.reply(question, answer ?? only.refusal(question));
      return true;
    }
    this.pass(question, client);
    return true;
  }

  /** Keeps a question until EDNS can be read. Above the limit, the one that waits longest is lost. */
  private askLater(message: Uint8Array, client: DnsClient): true {
    this.early.push({ message, client });
    if (this.early.length > this.limit) this.early.shift();
    this.load();
    return true;
  }

  /** Loads the reader of EDNS, once. That fails where the sources of the running program were deleted. */
  private load(): void {
    const { edns } = this.options;
    if (this.loading || typeof edns !== "function") return;
    this.loading = true;
    const loaded = (reader: Edns) => {
      this.edns = reader;
      for (const { message, client } of this.early.splice(0)) this.ask(message, client);
    };
    edns().then(loaded, () => loaded(NO_EDNS));
  }

  /** Asks the host's name servers; the client gets their answer, or SERVFAIL. */
  pass(question: Question, client: DnsClient): void {
    this.makeRoom();
    const plan = this.options.servers.plan(client.network);
    const query = new Query(question, client, plan, this.deadlinesFor(plan.patience), this.parts);
    this.queries.add(query);
    this.counters.inFlight++;
    query.start();
  }

  forget(client: DnsClient): void {
    if (this.early.length > 0) this.early = this.early.filter((early) => early.client !== client);
    for (const query of this.queries) if (query.client === client) this.drop(query, "cancelled");
  }

  /** Ends all questions and connections. */
  close(): void {
    this.connections.close();
    this.early = [];
    for (const query of this.queries) this.drop(query, "cancelled");
  }

  private address(version: IpVersion): IpAddress {
    const { dns4, dns6 } = this.options.addresses;
    return version === 4 ? dns4 : dns6;
  }

  private makeRoom(): void {
    if (this.queries.size < this.limit) return;
    for (const oldest of this.queries) return this.fail(oldest, "evicted");
  }

  /** A query has ended by itself. */
  private finish(query: Query, end: QueryEnd): void {
    if (typeof end === "string") return this.fail(query, end);
    const rcode = rcodeOf(end);
    this.drop(query, rcode === NOERROR ? "noerror" : rcode === NXDOMAIN ? "nxdomain" : "error");
    query.client.reply(query.question, end);
  }

  /** Ends a query with an error from this program. */
  private fail(query: Query, outcome: DnsOutcome): void {
    this.drop(query, outcome);
    query.client.reply(query.question, errorAnswer(query.question, SERVFAIL));
  }

  /** Ends a query without an answer. */
  private drop(query: Query, outcome: DnsOutcome): void {
    query.cancel();
    this.queries.delete(query);
    this.counters.inFlight--;
    this.count(query.client, outcome);
  }

  private count(client: DnsClient, outcome: DnsOutcome): void {
    if (client.isOwn !== true) this.counters.outcomes[client.network][outcome]++;
  }

  /** Deadlines have one delay, which changes with the number of servers. Waiting queries keep the old delay. */
  private deadlinesFor(patience: number): Deadlines<Query> {
    if (this.deadlines === null || patience !== this.patience) {
      this.deadlines = new Deadlines(this.options.scheduler, patience);
      this.patience = patience;
    }
    return this.deadlines;
  }
}

/** Whether an answer may come from there: not from a group, from all, or from nobody (RFC 1122, section 3.2.1.3). */
function isHostAddress(bytes: Uint8Array, offset: number, version: IpVersion): boolean {
  const first = bytes[offset];
  if (version === 4) return first !== 0 && first < 224;
  if (first !== 0) return first !== 0xff;
  for (let i = 1; i < 16; i++) if (bytes[offset + i] !== 0) return true;
  return false;
}
