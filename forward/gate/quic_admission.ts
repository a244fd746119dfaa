/**
 * Judges the datagrams of an association whose rule demands QUIC.
 *
 *     first datagrams → held → ClientHello of that name → they pass, and later datagrams too
 *
 * | a datagram after that | action |
 * | --- | --- |
 * | a short packet | it passes: one comparison |
 * | Initial packets of the same client with the same ClientHello, 0-RTT, Handshake | it passes |
 * | an Initial packet with keys of its own: after a Retry, or of another connection | as the first datagrams |
 * | a long packet of another version, or broken; another ClientHello with the same keys | refused |
 *
 * A client that moves to another port shows no name there, so it is refused, and has to connect again.
 *
 * @module
 */
import { HELD_MS } from "../limits/timeouts.ts";
import { isMet, type NameDemand } from "../policy/names/demand.ts";
import type { RefusalReason } from "../policy/names/reasons.ts";
import type { FlowVerdict } from "../report/verdicts.ts";
import type { HeldBytes } from "./held_bytes.ts";
import { shownHello } from "./hello_guard.ts";
import { InitialReader } from "./readers/quic_initial.ts";
import { isLong, readLongPacket } from "./readers/quic_packet.ts";

/** The decision about a datagram. */
export type Admission =
  | { readonly is: "pass" }
  /** It waits. */
  | { readonly is: "hold" }
  /** These pass, in order; the last one is the datagram itself. */
  | { readonly is: "admit"; readonly datagrams: readonly Uint8Array[]; readonly verdict: FlowVerdict }
  | { readonly is: "refuse"; readonly verdict: FlowVerdict };

const PASS: Admission = { is: "pass" }, HOLD: Admission = { is: "hold" };

/** The admission of one association. */
export class QuicAdmission {
  /** The client that was admitted last. */
  private admitted: InitialReader | null = null;
  /** A client that has not shown its name yet, its datagrams, and the time of the first one. */
  private reader: InitialReader | null = null;
  private datagrams: Uint8Array[] = [];
  private bytes = 0;
  private since = 0;

  constructor(
    private readonly demand: NameDemand,
    private readonly held: HeldBytes,
    private readonly now: () => number,
  ) {}

  /** Judges a datagram of the guest, `bytes[start..end)`. */
  judge(bytes: Uint8Array, start: number, end: number): Admission {
    if (this.admitted !== null) {
      if (!isLong(bytes, start, end)) return PASS;
      const known = this.isKnown(this.admitted, bytes, start, end);
      if (known !== "new") return known === "known" ? PASS : this.refuse("malformed");
    }
    const now = this.now();
    if (this.reader !== null && now - this.since > HELD_MS) this.forget(); // its client has given up
    if (this.reader === null) {
      this.reader = new InitialReader(this.demand.ech);
      this.since = now;
    }
    return this.take(this.reader, bytes, start, end);
  }

  /** Forgets the datagrams that wait. */
  forget(): void {
    this.held.change(this.bytes, 0);
    this.bytes = 0;
    this.datagrams = [];
    this.reader = null;
  }

  private take(reader: InitialReader, bytes: Uint8Array, start: number, end: number): Admission {
    const reading = reader.take(bytes, start, end);
    switch (reading.is) {
      case "shown": {
        const shown = shownHello("quic", reading.shown);
        if (!isMet(this.demand, shown.name)) return this.refuse("name_mismatch", shown);
        const datagrams = [...this.datagrams, bytes.slice(start, end)];
        this.forget();
        this.admitted = reader;
        return { is: "admit", datagrams, verdict: { refusal: null, shown } };
      }
      case "more": {
        const size = this.bytes + end - start;
        if (!this.held.change(this.bytes, size)) return this.refuse("limit");
        this.bytes = size;
        this.datagrams.push(bytes.slice(start, end));
        return HOLD;
      }
      case "none":
        return this.refuse("no_name");
      case "too_long":
        return this.refuse("too_long");
      default:
        return this.refuse(reading.fault);
    }
  }

  private refuse(reason: RefusalReason, shown: FlowVerdict["shown"] = null): Admission {
    this.forget();
    return { is: "refuse", verdict: { refusal: reason, shown } };
  }

  /** Looks for Initial packets among the long packets of a datagram. */
  private isKnown(client: InitialReader, bytes: Uint8Array, start: number, end: number): "known" | "new" | "broken" {
    for (let at = start; isLong(bytes, at, end);) {
      const packet = readLongPacket(bytes, at, end);
      if (packet === null) return "broken";
      if (packet.type === "initial") {
        const repeats = client.repeats(bytes, packet);
        if (repeats !== "yes") return repeats === "new" && at === start ? "new" : "broken";
      }
      at = packet.end;
    }
    return "known";
  }
}
