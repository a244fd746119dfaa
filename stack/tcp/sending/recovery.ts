/**
 * Loss recovery: detects the loss of a segment, and decides what is sent until everything then in flight has arrived.
 *
 * | the peer | sign of a loss | recovery |
 * | --- | --- | --- |
 * | has SACK | three duplicates, or bytes beyond a hole on the scoreboard | holes first, then new data (RFC 6675) |
 * | has none | three duplicates | the first hole, and one more for each partial acknowledgment (RFC 6582) |
 *
 * A loss without these signs is detected by the sender's retransmission timer, which ends a recovery.
 *
 * @module
 */
import { DUPLICATE_THRESHOLD } from "../numbers/constants.ts";
import { seqAdd, seqBefore, seqDiff, seqMax } from "../numbers/sequence.ts";
import type { Congestion } from "./congestion.ts";
import type { Scoreboard } from "./scoreboard.ts";

/** The part of a sender that its recovery uses. */
export interface RecoveringSender {
  readonly una: number;
  readonly max: number;
  readonly mss: number;
  readonly sack: boolean;
  readonly congestion: Congestion;
  readonly scoreboard: Scoreboard;
  /** Retransmits at most `length` bytes from `sequence`. Returns the sequence space covered, FIN included. */
  resend(sequence: number, length: number, now: number): number;
  /**
   * Sends at most `room` bytes of new data. Returns the sequence space that it took; 0: there is no data or no window.
   */
  sendNew(room: number, now: number): number;
}

/** The recovery of one connection's sender. */
export class LossRecovery {
  /** A loss was detected, and not everything then in flight is acknowledged. */
  active = false;
  /** RecoveryPoint of RFC 6675: the highest sequence number when the last recovery or timeout began. */
  point: number;
  private duplicates = 0;
  /** HighRxt of RFC 6675. */
  private retransmitted: number;
  private rescued = false;
  /** The addition to cwnd for duplicate acknowledgments if the peer has no SACK (RFC 6582). */
  private inflation = 0;

  constructor(private readonly sender: RecoveringSender, iss: number) {
    this.point = this.retransmitted = iss;
  }

  /** Called after the handshake: nothing before `sequence` can be lost. */
  start(sequence: number): void {
    this.point = this.retransmitted = sequence;
  }

  /**
   * Bytes that may be in flight beyond the congestion window: RFC 6582's inflation, or limited transmit (RFC 3042), in
   * which each of the first two duplicates permits a new segment.
   */
  get extra(): number {
    return this.inflation + (this.active ? 0 : Math.min(this.duplicates, 2) * this.sender.mss);
  }

  /**
   * Called when SND.UNA has moved by `acked` to `acknowledgment`.
   *
   * @param windowLimited whether the congestion window has held data back
   */
  advance(acknowledgment: number, acked: number, windowLimited: boolean, now: number): void {
    const { sender } = this;
    if (seqBefore(this.retransmitted, acknowledgment)) this.retransmitted = acknowledgment;
    const recovered = !seqBefore(acknowledgment, this.point);
    if (recovered) this.point = acknowledgment; // an old point would seem to lie ahead after 2 GiB
    if (!this.active) {
      this.duplicates = 0;
      sender.congestion.acknowledge(acked, windowLimited);
    } else if (recovered) {
      this.active = false;
      this.duplicates = this.inflation = 0;
    } else if (!sender.sack) { // a partial acknowledgment: the next hole is lost too (RFC 6582, section 3.2)
      this.inflation = Math.max(0, this.inflation - acked + sender.mss);
      sender.resend(sender.una, sender.mss, now);
    }
  }

  /** Called for a duplicate acknowledgment. `news`: its SACK blocks were new. */
  duplicate(news: boolean, now: number): void {
    const { sender } = this;
    if (sender.sack && !news) return;
    this.duplicates++;
    if (this.active) {
      if (!sender.sack) this.inflation += sender.mss;
      return;
    }
    const lost = this.duplicates >= DUPLICATE_THRESHOLD ||
      (sender.sack && sender.scoreboard.lostBelow(sender.una, sender.mss) !== sender.una);
    // after a timeout everything up to the recovery point is sent again anyway (RFC 6582, section 3.2 step 1)
    if (!lost || seqBefore(sender.una, this.point)) return;
    this.active = true;
    this.point = sender.max;
    this.rescued = false;
    this.retransmitted = sender.una;
    sender.congestion.enterRecovery(seqDiff(sender.max, sender.una));
    this.inflation = sender.sack ? 0 : DUPLICATE_THRESHOLD * sender.mss;
    this.retransmitted = seqAdd(sender.una, sender.resend(sender.una, sender.mss, now));
  }

  /**
   * Called when sending starts again at SND.UNA: everything in flight counts as lost, so nothing is left to recover.
   */
  reset(): void {
    this.interrupt();
    this.duplicates = this.inflation = 0;
  }

  /** Ends the recovery early. */
  interrupt(): void {
    this.active = false;
    this.point = this.sender.max;
  }

  /** NextSeg of RFC 6675: lost holes, then new data, then holes that may be lost, then one rescue. */
  output(now: number): void {
    const { sender } = this;
    const { scoreboard, mss } = sender;
    for (;;) {
      const room = sender.congestion.window - scoreboard.pipe(sender.una, sender.max, this.retransmitted, mss);
      if (room < mss) return;
      const hole = scoreboard.skip(seqMax(sender.una, this.retransmitted));
      if (scoreboard.count > 0 && seqBefore(hole, scoreboard.lostBelow(sender.una, mss))) {
        if (!this.resendHole(hole, room, now)) return;
        continue;
      }
      if (sender.sendNew(room, now) > 0) continue;
      if (scoreboard.count > 0 && seqBefore(hole, scoreboard.highest)) {
        if (!this.resendHole(hole, room, now)) return;
        continue;
      }
      if (this.rescued || !seqBefore(hole, this.point)) return;
      this.rescued = true;
      sender.resend(hole, mss, now);
      return;
    }
  }

  private resendHole(hole: number, room: number, now: number): boolean {
    const { sender } = this;
    const length = seqDiff(sender.scoreboard.nextRange(hole, sender.max), hole);
    const sent = sender.resend(hole, Math.min(length, Math.max(sender.mss, room - room % sender.mss)), now);
    this.retransmitted = seqAdd(hole, sent);
    return sent > 0;
  }
}
