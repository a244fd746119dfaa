/**
 * The guest's name server when rules restrict the names that it may ask for. No byte of the guest's message leaves the
 * host: questions are built again from a name that a rule allows and a type.
 *
 * | question | answer |
 * | --- | --- |
 * | a name without a rule | NXDOMAIN with the extended error "Blocked" (RFC 8914); nothing leaves the host |
 * | A or AAAA of a name with a rule | the name's address in the guest, if the host's servers have a record that may be used |
 * | the same, without such a record | no data, or the servers' NXDOMAIN or SERVFAIL |
 * | another type that a `dns://` rule names | the records |
 * | any other type, HTTPS and SVCB too | no data |
 * | PTR of an address that stands for a name in the guest | that name |
 *
 * A name that only a wildcard allows takes one of {@linkcode DnsGateOptions.newNames} when it is asked for the first time,
 * because labels can carry a message to the name servers of the domain.
 *
 * @module
 */
import { IpAddress } from "../../stack/base/address.ts";
import { put16, put32 } from "../../stack/base/bytes.ts";
import { wireLabels, wireName } from "../policy/names/canonical.ts";
import type { NameRefusal, QuestionVerdict } from "../policy/names/name_rules.ts";
import { TYPE_A, TYPE_AAAA } from "../policy/names/record_types.ts";
import type { DecisionObserver } from "../report/decisions.ts";
import { type HostAnswers, type HostAsker, otherAnswer } from "./host_answers.ts";
import {
  addressAnswer,
  blockedAnswer,
  errorAnswer,
  HEADER,
  NOERROR,
  NXDOMAIN,
  type Question,
  questionOf,
  recordsAnswer,
  SERVFAIL,
} from "./message.ts";
import type { DnsClient } from "./query.ts";

/** How long the guest may cache the name of an address, in seconds. */
const POINTER_TTL = 60;

/** The reasons why a question is refused. */
export type QuestionRefusal =
  | NameRefusal
  /** Too many new names a minute, or no room for a name's address. */
  | "limit"
  /** The addresses of the name must not be used: they are never routed, the host's, or denied. */
  | "addresses";

/** The options of a {@linkcode DnsGate}. */
export interface DnsGateOptions {
  readonly rules: { question(name: string): QuestionVerdict };
  readonly answers: HostAnswers;
  /** The addresses that stand for names in the guest. */
  readonly naming: {
    has(name: string): boolean;
    tell(
      name: string,
      type: number,
      usable: readonly IpAddress[],
      lasts: number,
    ): { readonly addresses: readonly IpAddress[]; readonly ttl: number } | null;
    at(bytes: Uint8Array, offset: number, version: 4 | 6): readonly { readonly name: string }[];
  };
  /** Whether a flow to the name may go to that address. */
  readonly mayUse: (name: string, address: IpAddress) => boolean;
  /** A bucket of names that only a wildcard allows. */
  readonly newNames: { take(now: number): boolean };
  readonly now: () => number;
  /** Called for each refusal. `name`: null if it has characters that no rule can have. */
  readonly refused: (name: string | null, reason: QuestionRefusal) => void;
  /** Records each question. */
  readonly decisions?: DecisionObserver | undefined;
}

/** The reasons as the audit and the lines have them. */
export const QUESTION_REASONS = {
  no_rule: "no_rule",
  denied: "denied",
  limit: "limit",
  addresses: "never_routed",
} as const satisfies Readonly<Record<QuestionRefusal, string>>;

/** The outcome of a question. */
export type GateOutcome = "allowed" | "refused" | "error";

/** Answers questions according to the rules. */
export class DnsGate {
  constructor(private readonly options: DnsGateOptions) {}

  /** Sets the name server through which the host's servers are asked. */
  askThrough(asker: HostAsker): void {
    this.options.answers.askThrough(asker);
  }

  /** Takes a question. `done` is called once, possibly before this returns. */
  ask(question: Question, done: (outcome: GateOutcome) => void, client: DnsClient): void {
    const { rules, answers, naming, newNames, now, decisions = null } = this.options;
    const { type, isInternet } = questionOf(question);
    const name = isInternet ? wireName(question.bytes, HEADER) : null;
    const end = (outcome: GateOutcome, answer: Uint8Array) => {
      done(outcome);
      client.reply(question, answer);
    };
    const asked = { guest: client.guest ?? null, name, type };
    const finish = (outcome: GateOutcome, answer: Uint8Array) => {
      decisions?.answered(asked);
      end(outcome, answer);
    };
    const refuse = (name: string | null, reason: QuestionRefusal, rcode = NXDOMAIN) => {
      this.options.refused(name, reason);
      decisions?.refusedQuestion(asked, QUESTION_REASONS[reason]);
      end("refused", blockedAnswer(question, rcode, WHY_BLOCKED[reason]));
    };
    if (decisions?.mayOpen() === false) return end("error", errorAnswer(question, SERVFAIL));
    if (name === null) return refuse(null, "no_rule");
    const pointed = type === TYPE_PTR ? this.pointedTo(name) : null;
    if (pointed !== null) return finish("allowed", pointerAnswer(question, pointed));
    const verdict = rules.question(name);
    if (!verdict.allowed) return refuse(name, verdict.reason);
    const isAddress = type === TYPE_A || type === TYPE_AAAA;
    if (!isAddress && !verdict.types.includes(type)) return finish("allowed", errorAnswer(question, NOERROR));
    const isNew = verdict.byWildcard && !naming.has(name) && !answers.isKnown(name, type);
    if (isNew && !newNames.take(now())) return refuse(name, "limit");
    answers.find(name, type, (answer, lasts) => {
      const { rcode } = answer;
      if (rcode !== NOERROR) return finish(rcode === SERVFAIL ? "error" : "allowed", errorAnswer(question, rcode));
      if (!isAddress) return finish("allowed", otherAnswer(question, answer));
      const { addresses } = answer;
      if (addresses.length === 0) return finish("allowed", errorAnswer(question, NOERROR));
      const usable = addresses.filter((address) => this.options.mayUse(name, address));
      if (usable.length === 0) return refuse(name, "addresses", NOERROR);
      const told = naming.tell(name, type, usable, lasts);
      if (told === null) refuse(name, "limit");
      else finish("allowed", addressAnswer(question, told.addresses, told.ttl));
    });
  }

  /** The name that stands behind the address in a reverse name. */
  private pointedTo(name: string): string | null {
    const address = reversed(name);
    if (address === null) return null;
    const [entry] = this.options.naming.at(address.bytes, 0, address.version);
    return entry?.name ?? null;
  }
}

const TYPE_PTR = 12, CLASS_IN = 1;

/** For the extended error, in ASCII. */
const WHY_BLOCKED: Readonly<Record<QuestionRefusal, string>> = {
  no_rule: "slirpnetstack: no rule of the policy allows this name",
  denied: "slirpnetstack: a rule of the policy denies this name",
  limit: "slirpnetstack: too many new names",
  addresses: "slirpnetstack: the name leads to addresses that the policy does not allow",
};

/** The address in a name of in-addr.arpa (RFC 1035, section 3.5) or ip6.arpa (RFC 3596, section 2.5); null: none. */
function reversed(name: string): IpAddress | null {
  const labels = name.split(".").reverse();
  if (labels.length === 6 && labels[1] === "in-addr" && labels[0] === "arpa") {
    return IpAddress.tryParse(labels.slice(2).join("."));
  }
  if (labels.length !== 34 || labels[1] !== "ip6" || labels[0] !== "arpa") return null;
  return IpAddress.tryParse(labels.slice(2).join("").replace(/.{4}(?!$)/g, "$&:"));
}

/** RFC 1035, section 3.3.12. */
function pointerAnswer(question: Question, name: string): Uint8Array {
  const labels = wireLabels(name), record = new Uint8Array(12 + labels.length);
  put16(record, 0, 0xc000 | HEADER);
  put16(record, 2, TYPE_PTR);
  put16(record, 4, CLASS_IN);
  put32(record, 6, POINTER_TTL);
  put16(record, 10, labels.length);
  record.set(labels, 12);
  return recordsAnswer(question, 1, record);
}
