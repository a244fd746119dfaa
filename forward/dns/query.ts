/**
 * One question of the guest to the host's name servers. They are asked as a resolver asks them (resolv.conf(5)): one after
 * the other, each for a set time, all of them for a set number of rounds. An answer counts until the end of the query,
 * even if the next server was asked meanwhile.
 *
 * | the server | what follows |
 * | --- | --- |
 * | answers, even that there is no such name | that is the answer |
 * | refuses or fails (SERVFAIL, NOTIMP, REFUSED) | the next server; this is the answer if no server has a better one |
 * | can't be reached | the next server, at once |
 * | is silent | the next server, when the time is up |
 *
 * The query ends without an answer when no server is left, or when all rounds are over.
 *
 * @module
 */
import type { Endpoint } from "../../stack/base/address.ts";
import type { Deadlines, Expiring } from "../timers/deadlines.ts";
import { HostError } from "../host/host_network.ts";
import type { NameServer } from "./host_resolv_conf.ts";
import { NOTIMP, type Question, rcodeOf, REFUSED, SERVFAIL } from "./message.ts";
import type { DnsNetwork, NameServers, Plan } from "./servers.ts";
import type { Upstream } from "./upstream.ts";
import type { Exchange } from "./upstream_exchange.ts";

/** A client that waits for answers: a datagram's sender, or a connection. */
export interface DnsClient {
  readonly network: DnsNetwork;
  /** Whether it is this program itself, whose questions are not counted as the guest's. */
  readonly isOwn?: true;
  /** The guest's end. */
  readonly guest?: Endpoint;
  /** Takes an answer; called once for each question, also from within {@linkcode DnsAsker.ask}. */
  reply(question: Question, answer: Uint8Array): void;
}

/** Asks questions for clients. */
export interface DnsAsker {
  /** Takes a client's message, which must not change later. False: it is no question, and there will be no answer. */
  ask(message: Uint8Array, client: DnsClient): boolean;
  /** Drops all questions of the client, which waits for no answer any more. */
  forget(client: DnsClient): void;
}

/** The end of a query: a server's answer, or the reason why there is none. */
export type QueryEnd = Uint8Array | "timeout" | "unreachable";

/** The parts that all queries share. */
export interface QueryParts {
  readonly upstream: Upstream;
  readonly servers: Pick<NameServers, "answered" | "failed">;
  /** Called when the query has ended by itself, possibly from within {@linkcode Query.start}. */
  finished(query: Query, end: QueryEnd): void;
}

/** A server of the plan. */
interface Candidate {
  readonly server: NameServer;
  exchange: Exchange | null;
  /** Whether it has refused, or can't be reached. */
  out: boolean;
}

/** A question that waits for its answer. */
export class Query implements Expiring {
  private readonly candidates: readonly Candidate[];
  /** The number of all turns, and of those that were taken. */
  private readonly turns: number;
  private turn = 0;
  private current: Candidate | null = null;
  /** The first answer that reported an error. */
  private poorAnswer: Uint8Array | null = null;
  private silence = false;
  private over = false;

  /** @param deadlines with the plan's patience as their delay */
  constructor(
    readonly question: Question,
    readonly client: DnsClient,
    plan: Plan,
    private readonly deadlines: Deadlines<Query>,
    private readonly parts: QueryParts,
  ) {
    this.candidates = plan.servers.map((server) => ({ server, exchange: null, out: false }));
    this.turns = plan.rounds * this.candidates.length;
  }

  /** Asks the first server. The query may be over when this returns. */
  start(): void {
    this.askNext();
  }

  /** The server that was asked last has not answered in time. */
  expire(): void {
    this.silence = true;
    if (this.current !== null) this.parts.servers.failed(this.client.network, this.current.server);
    this.askNext();
  }

  /** Ends the query without a call of `finished`. */
  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.deadlines.delete(this);
    for (const { exchange } of this.candidates) exchange?.close();
  }

  private askNext(): void {
    while (this.turn < this.turns) {
      const candidate = this.candidates[this.turn++ % this.candidates.length];
      if (candidate.out || !this.askServer(candidate)) continue;
      this.current = candidate;
      this.deadlines.add(this);
      return;
    }
    this.finish(this.poorAnswer ?? (this.silence ? "timeout" : "unreachable"));
  }

  /** Whether the server could be asked. */
  private askServer(candidate: Candidate): boolean {
    if (candidate.exchange !== null) {
      candidate.exchange.repeat();
      return true;
    }
    try {
      candidate.exchange = this.parts.upstream.ask(this.client.network, candidate.server, this.question, {
        answered: (answer) => this.serverAnswered(candidate, answer),
        failed: () => this.serverFailed(candidate),
      });
      return true;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      candidate.out = true;
      return false;
    }
  }

  private serverAnswered(candidate: Candidate, answer: Uint8Array): void {
    this.parts.servers.answered(this.client.network, candidate.server);
    const rcode = rcodeOf(answer);
    if (rcode !== SERVFAIL && rcode !== NOTIMP && rcode !== REFUSED) return this.finish(answer);
    this.poorAnswer ??= answer;
    this.drop(candidate);
  }

  private serverFailed(candidate: Candidate): void {
    this.parts.servers.failed(this.client.network, candidate.server);
    this.drop(candidate);
  }

  /** Stops asking this server. */
  private drop(candidate: Candidate): void {
    candidate.out = true;
    candidate.exchange?.close();
    candidate.exchange = null;
    if (candidate !== this.current && !this.candidates.every(({ out }) => out)) return;
    this.deadlines.delete(this);
    this.askNext();
  }

  private finish(end: QueryEnd): void {
    if (this.over) return;
    this.cancel();
    this.parts.finished(this, end);
  }
}
