/**
 * Flows, bytes and refusals by name, for `/names`. A flow without a name counts under an address: that of the
 * guest's destination, with its port, or that of a local forward's client.
 *
 * The guest can use, and be refused, any number of names. So the table is bounded. When it is full, one line makes room,
 * and its counts are added to the line "other":
 *
 * | order | the line that makes room |
 * | --- | --- |
 * | 1 | of those with refusals only, the one unused for longest |
 * | 2 | of those whose flows have ended, the one unused for longest |
 * | 3 | none: all have open flows, and the new one counts in "other" |
 *
 * A guest that asks for many names without a rule thus replaces only such lines, and one more.
 *
 * @module
 */
import { formatEndpoint } from "../../../stack/base/address.ts";
import type { Usage } from "../../../stack/base/usage.ts";
import type { RefusedFlow } from "../../report/decisions.ts";
import type { NameLine } from "./document.ts";
import { type CountedFlow, type LastRefusal, NameEntry } from "./name_entry.ts";
import { remedyForAddress, remedyForName } from "./remedy.ts";

/** The names, with their counts. */
export class NameTable {
  private readonly entries = new Map<string, NameEntry>();
  /** The entries that may make room, those unused for longest first. */
  private readonly refusedOnly = new Set<NameEntry>();
  private readonly idle = new Set<NameEntry>();
  /** Everything that has no entry of its own. */
  private readonly rest = new NameEntry("", "other");
  private overflows = 0;

  /**
   * @param limit the most entries
   * @param byRules whether rules for names decide; otherwise only the policy for addresses does
   */
  constructor(private readonly limit: number, private readonly byRules: boolean) {}

  /** How many entries there are, and how often one had to make room or found none. */
  get usage(): Usage {
    return { current: this.entries.size, limit: this.limit, overflows: this.overflows };
  }

  /** A flow is open. `kind`: whether `name` is a name, or the text of an address. */
  opened(flow: CountedFlow, kind: "name" | "address", name: string, rule: string | null): NameEntry {
    const entry = this.entryOf(kind, name);
    entry.opened(flow, rule);
    this.used(entry);
    return entry;
  }

  /** A flow has ended. `entry`: the one that {@linkcode opened} has returned. */
  ended(entry: NameEntry, flow: CountedFlow): void {
    entry.ended(flow);
    this.used(entry);
  }

  /** A flow was refused before it was opened. */
  refusedFlow({ network, to, name, reason }: Omit<RefusedFlow, "guest">): void {
    const remedy = name === null || network === "icmp"
      ? remedyForAddress({ network, to, name, reason }, this.byRules)
      : remedyForName(network, name, to.port, reason);
    const entry = name === null
      ? this.entryOf("address", network === "icmp" ? to.address.toString() : formatEndpoint(to))
      : this.entryOf("name", name);
    this.refused(entry, { reason, shown: null, remedy });
  }

  /** An open flow was refused for what it has shown. */
  refusedShown(
    network: "tcp" | "udp",
    name: string,
    port: number,
    { reason, shown }: Omit<LastRefusal, "remedy">,
  ): void {
    this.refused(this.entryOf("name", name), { reason, shown, remedy: remedyForName(network, name, port, reason) });
  }

  /** A question was refused. `name`: null if it has characters that no rule can have. */
  refusedQuestion(name: string | null, reason: LastRefusal["reason"]): void {
    const remedy = name === null ? null : remedyForName("dns", name, 0, reason);
    this.refused(name === null ? this.rest : this.entryOf("name", name), { reason, shown: null, remedy });
  }

  /** The line of each entry, made when the iteration reaches it. Entries may come and go meanwhile. */
  *lines(): Generator<NameLine> {
    for (const entry of this.entries.values()) yield entry.line;
  }

  /** The line about everything that has no entry. */
  get other(): NameLine {
    return this.rest.line;
  }

  private refused(entry: NameEntry, refusal: LastRefusal): void {
    entry.refused(refusal);
    this.used(entry);
  }

  /** Finds or makes the entry of a name, or of an address; if there is no room, the entry is "other". */
  private entryOf(kind: "name" | "address", name: string): NameEntry {
    const known = this.entries.get(name);
    if (known !== undefined) return known;
    if (this.entries.size >= this.limit && !this.makeRoom()) return this.rest;
    const entry = new NameEntry(name, kind);
    this.entries.set(name, entry);
    return entry;
  }

  private makeRoom(): boolean {
    this.overflows++;
    const [oldest] = this.refusedOnly.size > 0 ? this.refusedOnly : this.idle;
    if (oldest === undefined) return false;
    this.entries.delete(oldest.name);
    this.refusedOnly.delete(oldest);
    this.idle.delete(oldest);
    this.rest.add(oldest);
    return true;
  }

  /** Puts an entry behind the others that may make room, or takes it out of them. */
  private used(entry: NameEntry): void {
    if (entry === this.rest) return;
    this.refusedOnly.delete(entry);
    this.idle.delete(entry);
    if (entry.isOpen) return;
    (entry.hadFlows ? this.idle : this.refusedOnly).add(entry);
  }
}
