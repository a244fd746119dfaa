/**
 * The answers of the host's name servers about names. The program asks in its own words, and caches the answers for as
 * long as they allow.
 *
 *     name and type → the host's /etc/hosts? → kept? → being asked? → ask over UDP, and over TCP if the answer is cut off
 *
 * Only the answer's code, its records of the type that was asked for and the least of all TTLs are taken from an answer.
 *
 * | event | action |
 * | --- | --- |
 * | a server answers, even that there is no such name | cached for the TTL, at least {@linkcode HostAnswersOptions.leastTtl} and at most an hour |
 * | no answer, or an error | not cached: the next caller asks again |
 * | the limit of cached answers is reached | the one unused for longest is dropped |
 * | the limit of waiting callers is reached | the next one gets no answer |
 *
 * @module
 */
import { Buffer } from "node:buffer";
// @ts-types="@types/dns-packet"
import dnsPacket from "dns-packet";
import { IpAddress } from "../../stack/base/address.ts";
import { wireLabels } from "../policy/names/canonical.ts";
import { RECORD_TYPES, TYPE_A, TYPE_AAAA } from "../policy/names/record_types.ts";
import {
  HEADER,
  isTruncated,
  newQuestion,
  NOERROR,
  NXDOMAIN,
  type Question,
  rcodeOf,
  recordsAnswer,
  SERVFAIL,
} from "./message.ts";
import type { DnsClient } from "./query.ts";

/** Asks the host's name servers. The client gets their answer, or SERVFAIL. */
export interface HostAsker {
  pass(question: Question, client: DnsClient): void;
}

/** An answer. */
export interface HostAnswer {
  /** NOERROR, NXDOMAIN or SERVFAIL. */
  readonly rcode: number;
  /** The addresses, of the type that was asked for. */
  readonly addresses: readonly IpAddress[];
  /** Records of another type in a row, each with a pointer to the question's name; and their number. */
  readonly records: Uint8Array;
  readonly count: number;
}

/** The options of {@linkcode HostAnswers}. */
export interface HostAnswersOptions {
  /** The names of the host's own. */
  readonly local: { addresses(name: string): readonly IpAddress[] | null };
  /** A clock in ms that doesn't go back. */
  readonly now: () => number;
  /** The least time that an answer is cached, in ms. */
  readonly leastTtl: number;
  /** The most answers that are cached, and the most that may be waited for. */
  readonly limit: number;
  readonly maxWaiting: number;
}

/** The most time that an answer is cached, in ms. */
const MOST_TTL = 60 * 60 * 1_000;

/** How long a missing name or record is cached, in ms. It is short, because a name may be made at any time. */
const NEGATIVE_TTL = 30_000;

/** The most addresses of an answer that are used. */
const MOST_ADDRESSES = 16;

/** The most bytes of other records that are cached with an answer. */
const MOST_CACHED = 2_048;

const NOTHING = new Uint8Array(0);
const NO_ANSWER: HostAnswer = { rcode: SERVFAIL, addresses: [], records: NOTHING, count: 0 };

/** Takes an answer. `lasts`: for how long it holds, in ms. */
type Waiter = (answer: HostAnswer, lasts: number) => void;

interface Kept {
  readonly answer: HostAnswer;
  readonly until: number;
}

/** The answers of the host's name servers. */
export class HostAnswers {
  private readonly kept = new Map<string, Kept>();
  private readonly asked = new Map<string, Waiter[]>();
  private waiting = 0;
  private asker: HostAsker | null = null;

  constructor(private readonly options: HostAnswersOptions) {}

  /** Sets the name server that asks. It must be set before the first question. */
  askThrough(asker: HostAsker): void {
    this.asker = asker;
  }

  /** Whether the name needs no new question: its answer is cached, or a question for it is under way. */
  isKnown(name: string, type: number): boolean {
    const key = keyOf(name, type);
    return this.asked.has(key) || this.keptFor(key) !== null || this.options.local.addresses(name) !== null;
  }

  /** Finds the answer for a canonical name; `done` may be called before this returns. */
  find(name: string, type: number, done: Waiter): void {
    const local = isAddress(type) ? this.options.local.addresses(name) : null;
    if (local !== null) {
      const addresses = local.filter(({ version }) => version === (type === TYPE_A ? 4 : 6));
      return done({ rcode: NOERROR, addresses, records: NOTHING, count: 0 }, this.options.leastTtl);
    }
    const key = keyOf(name, type), kept = this.keptFor(key);
    if (kept !== null) {
      this.kept.delete(key); // it goes behind the others
      this.kept.set(key, kept);
      return done(kept.answer, kept.until - this.options.now());
    }
    if (this.waiting >= this.options.maxWaiting) return done(NO_ANSWER, 0);
    this.waiting++;
    const others = this.asked.get(key);
    if (others !== undefined) {
      others.push(done);
      return;
    }
    this.asked.set(key, [done]);
    this.ask(key, newQuestion(wireLabels(name), type), type, "udp");
  }

  private ask(key: string, question: Question, type: number, network: "udp" | "tcp"): void {
    this.asker?.pass(question, {
      network,
      isOwn: true,
      reply: (_question, message) => {
        if (network === "udp" && isTruncated(message)) return this.ask(key, question, type, "tcp");
        this.take(key, type, message);
      },
    });
  }

  private take(key: string, type: number, message: Uint8Array): void {
    const { answer, ttl } = readAnswer(message, type);
    const lasts = Math.max(this.options.leastTtl, Math.min(ttl, MOST_TTL));
    if (answer !== NO_ANSWER && answer.records.length <= MOST_CACHED) this.keep(key, answer, lasts);
    const waiters = this.asked.get(key) ?? [];
    this.asked.delete(key);
    this.waiting -= waiters.length;
    for (const done of waiters) done(answer, lasts);
  }

  private keep(key: string, answer: HostAnswer, lasts: number): void {
    const { now, limit } = this.options;
    if (lasts <= 0) return;
    this.kept.delete(key);
    if (this.kept.size >= limit) {
      const [oldest] = this.kept.keys();
      if (oldest !== undefined) this.kept.delete(oldest);
    }
    this.kept.set(key, { answer, until: now() + lasts });
  }

  private keptFor(key: string): Kept | null {
    const kept = this.kept.get(key);
    if (kept === undefined) return null;
    if (this.options.now() < kept.until) return kept;
    this.kept.delete(key);
    return null;
  }
}

/** The whole answer to a guest's question for records other than addresses. */
export function otherAnswer(question: Question, { count, records }: HostAnswer): Uint8Array {
  return recordsAnswer(question, count, records);
}

function isAddress(type: number): boolean {
  return type === TYPE_A || type === TYPE_AAAA;
}

function keyOf(name: string, type: number): string {
  return `${type} ${name}`;
}

const TYPE_NAMES = new Map<number, string>([
  [TYPE_A, "A"],
  [TYPE_AAAA, "AAAA"],
  ...Object.entries(RECORD_TYPES).map(([name, type]) => [type, name] as const),
]);

/** Reads a server's message. A malformed one counts as no answer. `ttl`: in ms. */
function readAnswer(message: Uint8Array, type: number): { readonly answer: HostAnswer; readonly ttl: number } {
  const rcode = rcodeOf(message);
  if (rcode === NXDOMAIN) return { answer: { ...NO_ANSWER, rcode }, ttl: NEGATIVE_TTL };
  if (rcode !== NOERROR) return { answer: NO_ANSWER, ttl: 0 };
  try {
    const wanted = TYPE_NAMES.get(type);
    const { answers = [] } = dnsPacket.decode(Buffer.from(message));
    const records = answers.filter((record) => record.type === wanted && !("class" in record && record.class !== "IN"));
    if (records.length === 0) return { answer: { ...NO_ANSWER, rcode }, ttl: NEGATIVE_TTL };
    const ttl = 1_000 * Math.min(...answers.map((record) => "ttl" in record ? record.ttl ?? 0 : 0));
    if (!isAddress(type)) return { answer: otherRecords(records), ttl };
    const addresses = records.map((record) => "data" in record ? IpAddress.tryParse(String(record.data)) : null);
    return {
      answer: {
        ...NO_ANSWER,
        rcode,
        addresses: addresses.filter((address) => address !== null).slice(0, MOST_ADDRESSES),
      },
      ttl,
    };
  } catch {
    return { answer: NO_ANSWER, ttl: 0 };
  }
}

/** The records in uncompressed form, their names replaced by a pointer to the question's (RFC 1035, section 4.1.4). */
function otherRecords(records: readonly dnsPacket.Answer[]): HostAnswer {
  const parts = records.map((record) => {
    const bytes = dnsPacket.encode({ type: "response", answers: [{ ...record, name: "." }] }).subarray(HEADER);
    return [0xc0, HEADER, ...bytes.subarray(1)];
  });
  return { rcode: NOERROR, addresses: [], records: Uint8Array.from(parts.flat()), count: records.length };
}
