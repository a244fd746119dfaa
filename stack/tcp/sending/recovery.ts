/**
 * Loss recovery: noticing that a segment was lost, and what is sent until all that was on its way then has arrived.
 *
 * | the peer | a loss shows itself by | recovery |
 * | --- | --- | --- |
 * | has SACK | three duplicates, or bytes beyond a hole on the scoreboard | holes first, then new data (RFC 6675) |
 * | has none | three duplicates | the first hole, and one more for each partial acknowledgment (RFC 6582) |
 *
 * A loss that shows itself in neither way is found by the sender's retransmission timer, which ends a recovery.
 *
 * @module
 */
import { DUPLICATE_THRESHOLD } from "../numbers/constants.ts";
import { seqAdd, seqBefore, seqDiff, seqMax } from "../numbers/sequence.ts";
import type { Congestion } from "./congestion.ts";
import type { Scoreboard } from "./scoreboard.ts";

/** What a recovery sees of its sender, and asks of it. */
export interface RecoveringSender {
  readonly una: number;
  readonly max: number;
  readonly mss: number;
  readonly sack: boolean;
  readonly congestion: Congestion;
  readonly scoreboard: Scoreboard;
  /** Sends again from `sequence`, at most `length` bytes. Returns the sequence space covered, FIN included. */
  resend(sequence: number, length: number, now: number): number;
  /** Sends new data, at most `room` bytes. Returns the sequence space that it took; 0: there is none, or no window. */
  sendNew(room: number, now: number): number;
}

/** The recovery of one connection's sender. */
export class LossRecovery {
  /** A loss was noticed, and not all that was on its way then is acknowledged. */
  active = false;
  /** RecoveryPoint of RFC 6675: the highest sequence number when the last recovery or timeout began. */
  point: number;
  private duplicates = 0;
  /** HighRxt of RFC 6675. */
  private retransmitted: number;
  private rescued = false;
  /** What RFC 6582 adds to cwnd for duplicate acknowledgments, where the peer has no SACK. */
  private inflation = 0;

  constructor(private readonly sender: RecoveringSender, iss: number) {
    this.point = this.retransmitted = iss;
  }

  /** The handshake is over: nothing before `sequence` can be lost. */
  start(sequence: number): void {
    this.point = this.retransmitted = sequence;
  }

  /**
   * Bytes that may be on their way beyond the congestion window: RFC 6582's inflation, or limited transmit (RFC 3042), by
   * which each of the first two duplicates lets a new segment go.
   */
  get extra(): number {
    return this.inflation + (this.active ? 0 : Math.min(this.duplicates, 2) * this.sender.mss);
  }

  /**
   * SND.UNA has moved to `acknowledgment`, by `acked`.
   *
   * @param windowLimited whether the congestion window has held data back
   */
  advance(acknowledgment: number, acked: number, windowLimited: boolean, now: number): void {
    const { sender } = this;
    if (seqBefore(this.retransmitted, acknowledgment)) this.retransmitted = acknowledgment;
    const recovered = !seqBefore(acknowledgment, this.point);
    if (recovered) this.point = acknowledgment; // left behind it would seem to lie ahead after 2 GiB
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

  /** A duplicate acknowledgment has come; `news`: its SACK blocks told something new. */
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
    // after a timeout all up to the recovery point is being sent again anyway (RFC 6582, section 3.2 step 1)
    if (!lost || seqBefore(sender.una, this.point)) return;
    this.active = true;
    this.point = sender.max;
    this.rescued = false;
    this.retransmitted = sender.una;
    sender.congestion.enterRecovery(seqDiff(sender.max, sender.una));
    this.inflation = sender.sack ? 0 : DUPLICATE_THRESHOLD * sender.mss;
    this.retransmitted = seqAdd(sender.una, sender.resend(sender.una, sender.mss, now));
  }

  /** Sending starts again at SND.UNA: what was on its way counts as lost, and there is nothing left to recover. */
  reset(): void {
    this.interrupt();
    this.duplicates = this.inflation = 0;
  }

  /** The recovery ends early. */
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
