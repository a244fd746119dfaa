/**
 * The sending half of a connection: it decides what is sent when, and what is retransmitted.
 *
 *     una            nxt          max         end
 *      |  in flight   |  to resend |  not sent |          nxt = max, except after a timeout
 *      '--------------'------------'-----------'-- FIN
 *
 * New data is sent as far as the peer's window and the congestion window allow, in segments as large as the device
 * accepts. A loss is detected by selective or duplicate acknowledgments (RFC 6675, 5681) and repaired from the
 * scoreboard, or hole by hole if the peer has no SACK (RFC 6582). Otherwise the retransmission timer detects it (RFC
 * 6298), and sending starts again at `una`. A closed window is probed (RFC 9293, section 3.8.6.1). `deadline` serves
 * both timers: it is the retransmission timer's while anything is in flight, otherwise the probe's.
 *
 * @module
 */
import { Congestion } from "./congestion.ts";
import { GIVE_UP_AFTER, GIVE_UP_TIMEOUTS, MAX_RTO, MAX_SEND_BUFFER, MIN_SEND_BUFFER } from "../numbers/constants.ts";
import type { BufferMemory } from "../buffers/memory.ts";
import { LossRecovery, type RecoveringSender } from "./recovery.ts";
import { RoundTripTime } from "./rtt.ts";
import { Scoreboard } from "./scoreboard.ts";
import { SendBuffer } from "../buffers/send_buffer.ts";
import { seqAdd, seqAfter, seqBefore, seqDiff, seqMax, seqMin } from "../numbers/sequence.ts";

/** Sends the sender's segments. */
export interface SegmentOutput {
  /**
   * Sends a data segment that starts `offset` bytes after the first unacknowledged byte, with FIN if `fin`. Returns the
   * number of data bytes in it, `length` or less.
   */
  sendData(sender: Sender, sequence: number, offset: number, length: number, fin: boolean): number;
  /** The most data bytes of one call of `sendData`. */
  readonly maxSegment: number;
}

/** The sending half of one connection. */
export class Sender implements RecoveringSender {
  /** SND.UNA, SND.NXT, and the highest sequence number ever sent. */
  una: number;
  nxt: number;
  max: number;
  /** SND.WND in bytes; the largest ever seen; SND.WL1 and SND.WL2. */
  window = 0;
  largestWindow = 0;
  private windowSequence = 0;
  private windowAcknowledgment = 0;

  readonly buffer: SendBuffer;
  readonly rtt: RoundTripTime = new RoundTripTime();
  readonly scoreboard: Scoreboard = new Scoreboard();
  congestion: Congestion;

  /** SYN is acknowledged. `una` can't show this: it reaches the initial sequence number again after every 4 GiB. */
  private established = false;
  /** FIN follows the data. */
  finQueued = false;
  /** When the retransmission or probe timer expires; Infinity: neither runs. */
  deadline = Infinity;
  private probes = 0;
  /** The time since which nothing was answered; -1: the peer answers. */
  private stalledSince = -1;
  private timeouts = 0;
  private readonly recovery: LossRecovery;
  /** The congestion window, not the data or the peer, ended the last output. */
  private windowLimited = false;
  /** The end of the last retransmission. */
  private resentEnd: number;
  private resentAt = -Infinity;
  private timedSequence = 0;
  private timedAt = -1;
  private lastSent = 0;

  /**
   * @param iss the initial sequence number
   * @param mss data bytes of a full segment, options deducted
   * @param sack whether the peer sends selective acknowledgments
   */
  constructor(
    readonly iss: number,
    public mss: number,
    public sack: boolean,
    memory: BufferMemory,
    private readonly out: SegmentOutput,
  ) {
    this.una = this.nxt = this.max = iss;
    this.resentEnd = iss;
    this.recovery = new LossRecovery(this, iss);
    this.buffer = new SendBuffer(memory);
    this.congestion = new Congestion(mss);
  }

  /** The sequence number of the first byte in the buffer, which SYN's number precedes. */
  private get dataStart(): number {
    return this.established ? this.una : seqAdd(this.iss, 1);
  }

  /** The sequence number after the last byte, which is FIN's. */
  private get dataEnd(): number {
    return seqAdd(this.dataStart, this.buffer.length);
  }

  /** FIN was acknowledged. Then the buffer is empty, and `una` is after FIN. */
  finAcknowledged = false;

  /** Whether FIN was sent. */
  get finSent(): boolean {
    return this.finAcknowledged || (this.finQueued && seqAfter(this.max, this.dataEnd));
  }

  /** The sequence number for a segment without data, which must lie in the peer's window. */
  get acceptableSequence(): number {
    return seqMin(this.max, seqAdd(this.una, this.window));
  }

  /** Bytes that may be queued for the peer. */
  get bufferLimit(): number {
    const useful = 2 * Math.min(this.congestion.window, this.largestWindow);
    return Math.min(MAX_SEND_BUFFER, Math.max(MIN_SEND_BUFFER, useful));
  }

  /** Called when the SYN is sent: it takes a sequence number, and starts the timer. */
  synSent(now: number): void {
    this.nxt = this.max = seqAdd(this.iss, 1);
    this.time(this.iss, now);
    this.deadline = now + this.rtt.timeout;
  }

  /** Called when the SYN is retransmitted: its acknowledgment measures no round trip (Karn's algorithm). */
  synResent(): void {
    this.timedAt = -1;
  }

  /** Called when the handshake is complete: the options are known, and the SYN is acknowledged. */
  establish(mss: number, sack: boolean, window: number, sequence: number, now: number): void {
    this.established = true;
    this.mss = mss;
    this.sack = sack;
    this.congestion = new Congestion(mss);
    this.una = this.resentEnd = this.nxt;
    this.recovery.start(this.nxt);
    if (this.timedAt >= 0) this.rtt.measure(now - this.timedAt);
    this.timedAt = -1;
    this.stalledSince = -1;
    this.deadline = Infinity;
    this.setWindow(window, sequence, this.una);
    this.lastSent = now;
  }

  private setWindow(window: number, sequence: number, acknowledgment: number): void {
    this.window = window;
    if (window > this.largestWindow) this.largestWindow = window;
    this.windowSequence = sequence;
    this.windowAcknowledgment = acknowledgment;
  }

  /**
   * Handles an acceptable acknowledgment (una <= acknowledgment <= max).
   *
   * @param window the peer's window, scaled
   * @param echo the round trip measured by the timestamp option, in ms; -1: none
   * @param news whether the segment's SACK blocks were new
   * @param pure whether the segment has neither data nor FIN. With data its SACK blocks may still indicate a loss, as in a
   *   transfer both ways
   */
  acknowledge(
    acknowledgment: number,
    sequence: number,
    window: number,
    echo: number,
    news: boolean,
    pure: boolean,
    now: number,
  ): void {
    const acked = seqDiff(acknowledgment, this.una);
    const windowBefore = this.window;
    if (
      // also with every advance, even by an overtaken segment: the old window counts from the old `una`
      acked > 0 || seqBefore(this.windowSequence, sequence) ||
      (this.windowSequence === sequence && !seqBefore(acknowledgment, this.windowAcknowledgment))
    ) this.setWindow(window, sequence, acknowledgment);
    this.stalledSince = -1;
    this.timeouts = 0;
    if (acked > 0) this.advance(acknowledgment, acked, echo, now);
    else if (this.nxt !== this.una && (news || (pure && this.window === windowBefore))) {
      this.recovery.duplicate(news, now);
    }
    if (this.window > 0) this.probes = 0;
    if (this.nxt === this.una) this.deadline = Infinity; // the window may have opened: output() starts the timer that is needed
  }

  private advance(acknowledgment: number, acked: number, echo: number, now: number): void {
    const doubtful = seqBefore(this.una, this.resentEnd) && now - echo < this.resentAt;
    const data = Math.min(acked, this.buffer.length);
    if (this.finQueued && acked > data) this.finAcknowledged = true;
    this.buffer.acknowledge(data);
    this.una = acknowledgment;
    this.scoreboard.acknowledge(acknowledgment);
    if (seqBefore(this.nxt, acknowledgment)) this.nxt = acknowledgment;
    if (seqBefore(this.resentEnd, acknowledgment)) this.resentEnd = acknowledgment;
    if (echo >= 0) {
      // if a retransmission's original has arrived, the answer has an older timestamp, which measures no round trip
      if (!doubtful) this.rtt.measure(echo);
    } else if (this.timedAt >= 0 && seqAfter(acknowledgment, this.timedSequence)) {
      this.rtt.measure(now - this.timedAt);
    }
    if (this.timedAt >= 0 && seqAfter(acknowledgment, this.timedSequence)) this.timedAt = -1;
    this.recovery.advance(acknowledgment, acked, this.windowLimited, now);
    if (this.scoreboard.begins(acknowledgment)) this.startOver();
    this.deadline = this.nxt === this.una ? Infinity : now + this.rtt.timeout;
  }

  /**
   * Called when an acknowledgment ends before data that was selectively acknowledged: the peer has dropped that data.
   * So nothing in the scoreboard can be trusted, and sending starts again at `una`, as after a timeout (RFC 2018,
   * section 8).
   */
  private startOver(): void {
    const flight = seqDiff(this.max, this.una) - this.scoreboard.bytes;
    this.scoreboard.clear();
    this.congestion.timeout(flight, !seqBefore(this.una, this.recovery.point));
    this.resendAll();
  }

  /** Goes back to `una`. Everything in flight counts as lost. */
  private resendAll(): void {
    this.timedAt = -1;
    this.recovery.reset();
    this.nxt = this.una;
  }

  /** Sends everything that may be sent now. */
  output(now: number): void {
    if (!this.established) return;
    if (now - this.lastSent > this.rtt.timeout && this.max === this.una) this.congestion.idle();
    const probing = this.nxt === this.una;
    if (this.recovery.active && this.sack) this.recovery.output(now);
    else this.outputInOrder(now);
    if (probing && this.nxt !== this.una) this.deadline = Infinity; // the retransmission timer replaces the probe's
    this.arm(now);
  }

  private outputInOrder(now: number): void {
    this.windowLimited = false;
    const { extra } = this.recovery;
    for (;;) {
      if (seqBefore(this.nxt, this.max)) this.nxt = this.scoreboard.skip(this.nxt);
      const nxt = this.nxt;
      const flight = seqDiff(nxt, this.una) - (this.scoreboard.count > 0 ? this.scoreboard.bytesBelow(nxt) : 0);
      const windowRoom = seqDiff(seqAdd(this.una, this.window), nxt);
      const congestionRoom = this.congestion.window + extra - flight;
      const sent = this.sendAt(nxt, Math.min(windowRoom, congestionRoom), windowRoom, flight > 0, now);
      if (sent === 0) {
        this.windowLimited = congestionRoom < windowRoom && seqDiff(this.dataEnd, nxt) > congestionRoom;
        return;
      }
      this.nxt = seqAdd(nxt, sent);
      this.max = seqMax(this.max, this.nxt);
    }
  }

  sendNew(room: number, now: number): number {
    const windowRoom = seqDiff(seqAdd(this.una, this.window), this.max);
    const sent = this.sendAt(this.max, Math.min(room, windowRoom), windowRoom, true, now);
    if (sent > 0) this.nxt = this.max = seqAdd(this.max, sent);
    return sent;
  }

  resend(sequence: number, length: number, now: number): number {
    const data = Math.min(length, this.out.maxSegment, Math.max(0, seqDiff(this.dataEnd, sequence)));
    const fin = this.finQueued && !this.finAcknowledged && seqAdd(sequence, data) === this.dataEnd && this.finSent;
    if (data === 0 && !fin) return 0;
    const sent = this.out.sendData(this, sequence, seqDiff(sequence, this.dataStart), data, fin);
    this.noteResent(seqAdd(sequence, sent), now);
    return sent + (fin && sent === data ? 1 : 0);
  }

  private noteResent(end: number, now: number): void {
    this.timedAt = -1; // Karn's algorithm
    this.resentEnd = seqMax(this.resentEnd, end);
    this.resentAt = Math.floor(now); // as precise as a timestamp
  }

  /**
   * Sends one segment at `sequence`, if there is any data and silly-window avoidance (RFC 9293, section 3.8.6.2.1)
   * permits it. Returns the sequence space that it took.
   */
  private sendAt(sequence: number, room: number, windowRoom: number, flying: boolean, now: number): number {
    if (this.finAcknowledged) return 0;
    const available = seqDiff(this.dataEnd, sequence);
    if (available < 0) return 0; // FIN was sent
    let length = Math.min(available, room, this.out.maxSegment);
    if (length < 0) length = 0;
    const resending = seqBefore(sequence, this.max);
    if (resending && this.scoreboard.count > 0) {
      length = Math.min(length, seqDiff(this.scoreboard.nextRange(sequence, this.dataEnd), sequence));
    }
    const last = length === available;
    if (!last) {
      if (length > this.mss) length -= length % this.mss;
      else if (length < this.mss && !resending && (flying || length < this.largestWindow / 2)) return 0;
    }
    let fin = this.finQueued && last && windowRoom > length;
    if (length === 0 && !fin) return 0;
    const sent = this.out.sendData(this, sequence, seqDiff(sequence, this.dataStart), length, fin);
    if (sent < length) fin = false;
    if (resending) this.noteResent(seqAdd(sequence, sent), now);
    else this.time(sequence, now);
    this.lastSent = now;
    return sent + (fin ? 1 : 0);
  }

  private time(sequence: number, now: number): void {
    if (this.timedAt >= 0) return;
    this.timedSequence = sequence;
    this.timedAt = now;
  }

  /** Starts the timer that is needed, unless it runs. */
  private arm(now: number): void {
    if (this.deadline !== Infinity) return;
    if (this.max !== this.una && this.nxt !== this.una) this.deadline = now + this.rtt.timeout;
    else if (this.pending) this.deadline = now + Math.min(MAX_RTO, this.rtt.timeout * 2 ** Math.min(this.probes, 10));
  }

  /** Whether there is data or FIN to send for the first time, or again. */
  private get pending(): boolean {
    return this.buffer.length > 0 || (this.finQueued && !this.finAcknowledged);
  }

  /** Called when the deadline has passed. Returns false if the peer has stopped answering: the connection must end. */
  timeout(now: number): boolean {
    this.deadline = Infinity;
    if (this.stalledSince < 0) this.stalledSince = now;
    else if (now - this.stalledSince >= GIVE_UP_AFTER && this.timeouts >= GIVE_UP_TIMEOUTS) return false;
    this.timeouts++;
    if (this.nxt === this.una) {
      if (this.pending) this.probe(now);
      return true;
    }
    const flight = seqDiff(this.max, this.una) - this.scoreboard.bytes;
    // a second timeout for the same data: the peer may have dropped selectively acknowledged data (RFC 2018, section 8)
    if (this.stalledSince !== now) this.scoreboard.clear();
    this.congestion.timeout(flight, this.stalledSince === now);
    this.rtt.backOff();
    this.resendAll();
    this.output(now);
    return true;
  }

  /**
   * Called when the peer's window has been closed, or too small for a segment worth sending, for a while. Sends what
   * fits, or one byte or FIN beyond a closed window, to learn whether the window has opened.
   */
  private probe(now: number): void {
    this.probes++;
    const data = Math.min(Math.max(1, this.window), this.buffer.length, this.mss);
    const sent = this.out.sendData(this, this.una, 0, data, data === 0) + (data === 0 ? 1 : 0);
    this.max = seqMax(this.max, seqAdd(this.una, sent));
    if (this.window > 0) this.nxt = seqAdd(this.una, sent);
    this.arm(now);
  }

  /** The path accepts segments of at most `mss` bytes (RFC 1191, 8201): sends everything in flight again, in these. */
  reduceSegmentSize(mss: number, now: number): void {
    this.mss = mss;
    this.congestion.setSegmentSize(mss);
    this.recovery.interrupt();
    this.nxt = this.una;
    this.output(now);
  }
}
