/**
 * One question of the guest on its way through the host's name servers, as a resolver asks them (resolv.conf(5)): one
 * after the other, each for so long, all of them so often. Who was asked is listened to until the end, so an answer that
 * comes late counts.
 *
 * | a server | then |
 * | --- | --- |
 * | answers, be it that there is no such name | that is the answer |
 * | says that it can't or won't answer (SERVFAIL, NOTIMP, REFUSED) | the next; this is the answer if no other has a better one |
 * | can't be reached | the next, at once |
 * | is silent | the next when its time is up |
 *
 * When no server is left, or all were asked often enough, that is the end.
 *
 * @module
 */
import type { Deadlines, Expiring } from "../loop/deadlines.ts";
import { HostError } from "../host/port.ts";
import type { Exchange, ExchangeHandler } from "./exchange.ts";
import { NOTIMP, type Question, rcodeOf, REFUSED, SERVFAIL } from "./message.ts";
import type { NameServer } from "./resolv_conf.ts";
import type { Plan } from "./servers.ts";

/** What a {@linkcode Query} needs. */
export interface QueryOwner {
  /** Asks a server. Throws a HostError. */
  askServer(query: Query, server: NameServer, handler: ExchangeHandler): Exchange;
  /** What is known of a server now. */
  serverAnswered(query: Query, server: NameServer): void;
  serverFailed(query: Query, server: NameServer): void;
  /** It is over; may be called from within {@linkcode Query.start}. `answer`: a server's, or why there is none. */
  finished(query: Query, answer: Uint8Array | "timeout" | "unreachable"): void;
}

/** A server that was asked, or is to be. */
interface Asked {
  readonly server: NameServer;
  exchange: Exchange | null;
  /** It has said no, or can't be reached. */
  out: boolean;
}

/** See the module's text. */
export class Query implements Expiring {
  private readonly asked: readonly Asked[];
  /** How many turns there are, and the number of the next. */
  private readonly turns: number;
  private turn = 0;
  private current: Asked | null = null;
  /** What a server said that had no better answer. */
  private poorAnswer: Uint8Array | null = null;
  private silence = false;
  private over = false;

  /** @param deadlines those whose delay is the plan's patience */
  constructor(
    readonly question: Question,
    plan: Plan,
    private readonly deadlines: Deadlines<Query>,
    private readonly owner: QueryOwner,
  ) {
    this.asked = plan.servers.map((server) => ({ server, exchange: null, out: false }));
    this.turns = plan.rounds * this.asked.length;
  }

  /** Asks the first server. It may be over when this returns. */
  start(): void {
    this.next();
  }

  /** The server that was asked last is silent. */
  expire(): void {
    this.silence = true;
    if (this.current !== null) this.owner.serverFailed(this, this.current.server);
    this.next();
  }

  /** Ends it without an answer. */
  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.deadlines.delete(this);
    for (const { exchange } of this.asked) exchange?.close();
  }

  private next(): void {
    while (this.turn < this.turns) {
      const asked = this.asked[this.turn++ % this.asked.length]!;
      if (asked.out || !this.ask(asked)) continue;
      this.current = asked;
      this.deadlines.add(this);
      return;
    }
    this.finish(this.poorAnswer ?? (this.silence ? "timeout" : "unreachable"));
  }

  /** Whether the server could be asked. */
  private ask(asked: Asked): boolean {
    if (asked.exchange !== null) {
      asked.exchange.repeat();
      return true;
    }
    try {
      asked.exchange = this.owner.askServer(this, asked.server, {
        answered: (answer) => this.answered(asked, answer),
        failed: () => this.failed(asked),
      });
      return true;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      asked.out = true;
      return false;
    }
  }

  private answered(asked: Asked, answer: Uint8Array): void {
    this.owner.serverAnswered(this, asked.server);
    const rcode = rcodeOf(answer);
    if (rcode !== SERVFAIL && rcode !== NOTIMP && rcode !== REFUSED) return this.finish(answer);
    this.poorAnswer ??= answer;
    this.drop(asked);
  }

  private failed(asked: Asked): void {
    this.owner.serverFailed(this, asked.server);
    this.drop(asked);
  }

  /** Asks this server no more. */
  private drop(asked: Asked): void {
    asked.out = true;
    asked.exchange?.close();
    asked.exchange = null;
    if (asked !== this.current && !this.asked.every(({ out }) => out)) return;
    this.deadlines.delete(this);
    this.next();
  }

  private finish(answer: Uint8Array | "timeout" | "unreachable"): void {
    this.cancel();
    this.owner.finished(this, answer);
  }
}
