/**
 * The target of a forward: an endpoint, or a name that is resolved when it is needed and cached for a while.
 *
 * Each answer is checked before it is used (policy/name_guard.ts), because the name's owner may change it at any time.
 *
 * Connections that need the same answer share one lookup. A failure is not cached: the next connection asks again.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../stack/base/address.ts";
import { formatHost, type ForwardEnd } from "../syntax/forward_spec.ts";
import { lookUpEnd } from "./lookup.ts";
import type { Names } from "./names.ts";

/** The options of a {@linkcode Target}. */
export interface TargetOptions {
  readonly names: Names;
  /** How long an answer is used, in ms; 0 or less: every use asks again. */
  readonly ttl: number;
  /** The time in ms, from a clock that doesn't go back. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Throws a LookupError if an answer must not be used. */
  readonly check?: (answer: Endpoint) => void;
  /** Called with an answer that differs from the previous one, `before`; null: it is the first. */
  readonly changed?: ((name: string, answer: Endpoint, before: Endpoint | null) => void) | undefined;
}

/** The target of a forward, and the cached answer for its name. */
export class Target {
  /** As it was written, without its port; for lines. */
  readonly name: string;
  /** The endpoint, if the target is an address; null: it is a name. */
  readonly fixed: Endpoint | null;
  private answer: Endpoint | null = null;
  private goodUntil = -Infinity;
  private pending: Promise<Endpoint> | null = null;

  /** The port of `end` is used if no SRV record gives one. */
  constructor(private readonly end: ForwardEnd, private readonly options: TargetOptions) {
    const { host, port } = end;
    this.name = formatHost(host);
    this.fixed = host.kind === "address" ? { address: host.address, port } : null;
  }

  /** The endpoint if it is known now. */
  known(): Endpoint | null {
    return this.fixed ?? (this.options.now() < this.goodUntil ? this.answer : null);
  }

  /** Looks the endpoint up, even if it is known. Callers at the same time share a lookup. Rejects with a LookupError. */
  ask(): Promise<Endpoint> {
    return this.pending ??= this.lookUp();
  }

  /** For lines about connections whose endpoint is not known yet. */
  toString(): string {
    return this.fixed === null ? `${this.name}:${this.end.port}` : formatEndpoint(this.fixed);
  }

  private async lookUp(): Promise<Endpoint> {
    const { names, ttl, now, random, check, changed } = this.options;
    try {
      const answer = await lookUpEnd(this.end, names, random);
      check?.(answer);
      const before = this.answer;
      if (before === null || formatEndpoint(before) !== formatEndpoint(answer)) changed?.(this.name, answer, before);
      this.answer = answer;
      this.goodUntil = now() + ttl;
      return answer;
    } finally {
      this.pending = null;
    }
  }
}
