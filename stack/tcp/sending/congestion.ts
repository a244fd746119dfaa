/**
 * Congestion control: NewReno with appropriate byte counting (RFC 5681, 3465, 6582). The path is a queue in the same
 * machine's kernel, and the only losses are overflows of that queue. So a quick start and an exact back-off matter
 * most.
 *
 * @module
 */
import { INITIAL_WINDOW } from "../numbers/constants.ts";

/** The congestion window and its threshold, in bytes (whole ones: segments are cut by them). */
export class Congestion {
  /** cwnd */
  window: number;
  /** ssthresh */
  threshold = 2 ** 30;
  private acknowledged = 0;

  /** @param mss the sender's segment size */
  constructor(private mss: number) {
    this.window = INITIAL_WINDOW * mss;
  }

  /** Called when the segment size has become smaller. */
  setSegmentSize(mss: number): void {
    this.mss = mss;
  }

  /**
   * Called when new data is acknowledged outside of recovery. `limited`: the congestion window held the sender back.
   */
  acknowledge(bytes: number, limited: boolean): void {
    if (!limited) return; // RFC 7661: no credit for an unused window
    if (this.window < this.threshold) {
      this.window += bytes; // slow start; a kernel acknowledges whole aggregates, so no limit of 2 segments here
      return;
    }
    this.acknowledged += bytes;
    if (this.acknowledged >= this.window) {
      this.acknowledged -= this.window;
      this.window += this.mss;
    }
  }

  /**
   * Called when a loss is detected, with `flight` bytes in flight (RFC 5681, equation 4; RFC 6675, section 5 step 4).
   */
  enterRecovery(flight: number): void {
    this.threshold = Math.max(flight >> 1, 2 * this.mss);
    this.window = this.threshold;
    this.acknowledged = 0;
  }

  /** Called when the retransmission timer expires (RFC 5681, section 3.1). `first`: the first time for this data. */
  timeout(flight: number, first: boolean): void {
    if (first) this.threshold = Math.max(flight >> 1, 2 * this.mss);
    this.window = this.mss;
    this.acknowledged = 0;
  }

  /** Called when nothing was sent for longer than a retransmission timeout (RFC 5681, section 4.1). */
  idle(): void {
    this.window = Math.min(this.window, INITIAL_WINDOW * this.mss);
  }
}
