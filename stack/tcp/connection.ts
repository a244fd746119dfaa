/**
 * One TCP connection with the guest: the state machine of RFC 9293, section 3.10, around a {@linkcode Sender} and a
 * {@linkcode Receiver}. It opens passively or actively.
 *
 * Frames, timers and the user's calls change state. The consequences (events for the user, data, acknowledgments) are
 * handled once, in {@linkcode Connection.turn}, at the end of the turn. A user's call outside of a turn sends at once.
 *
 * @module
 */
import type { Endpoint } from "../base/address.ts";
import type { FlowEntry } from "../base/flow_table.ts";
import type { Timer } from "../base/layers.ts";
import type { Packet } from "../base/packet.ts";
import { ACK, FIN, RST, type Segment, SYN, TCP_HEADER } from "../wire/tcp.ts";
import {
  DEFAULT_MSS_4,
  DEFAULT_MSS_6,
  HANDSHAKE_GIVE_UP_AFTER,
  KEEPALIVE_IDLE,
  KEEPALIVE_INTERVAL,
  KEEPALIVE_PROBES,
  LEAST_MSS,
  WINDOW_SHIFT,
} from "./numbers/constants.ts";
import { ipHeaderLength, type TcpContext } from "./context.ts";
import type { Chunk } from "../base/device.ts";
import type { TcpFailure, TcpFlow, TcpHandler } from "./flow.ts";
import { Receiver } from "./receiver.ts";
import { largestSegment, SegmentWriter } from "./segments.ts";
import { Sender } from "./sending/sender.ts";
import { stateOf, type TcpState } from "./state.ts";
import { UserEvents } from "./user_events.ts";
import { seqAdd, seqAfter, seqBefore, seqDiff, seqMax } from "./numbers/sequence.ts";

/** The TCP layer, as a connection uses it. */
export interface ConnectionOwner extends TcpContext {
  /** Makes the layer call {@linkcode Connection.turn} at the end of this turn. */
  wake(connection: Connection): void;
  /** Called after the handshake: the connection is no longer half-open. */
  established(connection: Connection): void;
  /** Removes the connection. */
  remove(connection: Connection): void;
  /** Replaces the connection by its entry in TIME-WAIT. */
  enterTimeWait(connection: Connection, now: number): void;
}

/** The peer's options, from its SYN. */
export interface SynOptions {
  readonly maximumSegmentSize: number;
  readonly windowShift: number;
  readonly sackPermitted: boolean;
  readonly hasTimestamps: boolean;
}

// In the file of its use, where the compiler replaces its members by their values.
const enum Handshake {
  SynSent,
  SynReceived,
  Done,
  /** The connection is over. */
  Over,
}

/**
 * The least time between acknowledgments of out-of-window segments without data, in ms, which prevents a loop of them.
 */
const INVALID_ACK_INTERVAL = 500;

/** The distance of a new connection's initial sequence number from one in TIME-WAIT: an unscaled window. */
const FORMER_MARGIN = 65_536;

/** One connection, for the TCP layer and for its user. */
export class Connection implements TcpFlow, FlowEntry, Timer {
  hash = 0;
  next: FlowEntry | null = null;
  deadline = Infinity;
  slot = -1;
  /** Whether {@linkcode turn} will be called. Belongs to the TCP layer. */
  awake = false;

  readonly sender: Sender;
  readonly receiver: Receiver;
  readonly segments: SegmentWriter;

  private handshake: Handshake;
  private readonly events: UserEvents;
  private readonly startedAt: number;
  private windowShift = 0;
  private closedFirst = false;
  private lastReceived: number;
  private keepaliveProbes = 0;
  private lastInvalidAck = -Infinity;
  /** The protocol has ended in good order, but the user still has data to read. */
  private lingering = false;
  bytesReceived = 0;
  bytesAcknowledged = 0;

  /**
   * Opens actively (`syn` null), or answers a SYN.
   *
   * @param syn the peer's SYN: `irs` is its sequence number; `former` is SND.NXT of the connection between the same
   *   endpoints whose TIME-WAIT it has ended, null: there was none
   */
  constructor(
    private readonly context: ConnectionOwner,
    readonly local: Endpoint,
    readonly guest: Endpoint,
    handler: TcpHandler,
    syn: { irs: number; timestamp: number; options: SynOptions; former: number | null } | null,
  ) {
    const now = context.now();
    this.events = new UserEvents(handler);
    this.startedAt = this.lastReceived = now;
    this.handshake = syn === null ? Handshake.SynSent : Handshake.SynReceived;
    const mss = largestSegment(context, guest);
    let iss = context.initialSequence(local, guest, now);
    // above all numbers of the previous connection (RFC 9293, section 3.6.1), which may be ahead of the clock
    if (syn !== null && syn.former !== null) iss = seqMax(iss, seqAdd(syn.former, FORMER_MARGIN));
    this.receiver = new Receiver(context.memory, mss);
    this.segments = new SegmentWriter(context, local, guest, this.receiver);
    this.sender = new Sender(iss, mss, false, context.memory, this.segments);
    if (syn !== null) {
      this.receiver.start(syn.irs);
      this.adopt(syn.options);
      if (this.segments.timestamps) this.receiver.noteTimestamp(syn.timestamp, syn.irs, now);
    }
    this.sendSyn();
    this.sender.synSent(now);
    this.updateTimer();
  }

  /** The peer's newest timestamp; null if the connection has no timestamps. */
  get peerTimestamp(): number | null {
    return this.segments.timestamps ? this.receiver.timestampRecent : null;
  }

  /** The connection's state, for display. */
  get state(): TcpState {
    const { receiver, sender, closedFirst } = this;
    if (this.handshake === Handshake.SynSent) return "SYN-SENT";
    if (this.handshake === Handshake.SynReceived) return "SYN-RECEIVED";
    if (this.handshake === Handshake.Over) return this.lingering && closedFirst ? "TIME-WAIT" : "CLOSED";
    const { finSent, finAcknowledged } = sender;
    return stateOf({ finReceived: receiver.finReceived, finSent, finAcknowledged, closedFirst });
  }

  /** Whether the handshake is not complete. */
  get halfOpen(): boolean {
    return this.handshake < Handshake.Done;
  }

  get readable(): number {
    return this.receiver.buffer.queued;
  }

  get readEnded(): boolean {
    return this.receiver.finReceived && this.receiver.buffer.queued === 0;
  }

  // Segments in

  /** Handles a segment of this connection. */
  receive(segment: Segment, packet: Packet): void {
    const now = this.context.now();
    if (this.handshake === Handshake.Over) return;
    this.lastReceived = now;
    this.keepaliveProbes = 0;
    if (this.handshake === Handshake.SynSent) this.receiveInSynSent(segment, now);
    else this.receiveSynchronized(segment, packet, now);
    this.context.wake(this);
  }

  /** RFC 9293, section 3.10.7.3. */
  private receiveInSynSent(segment: Segment, now: number): void {
    const { sender, receiver } = this;
    const hasAck = segment.has(ACK);
    if (hasAck && segment.acknowledgment !== sender.nxt) {
      if (!segment.has(RST)) this.sendBare(RST, segment.acknowledgment, 0);
      return;
    }
    if (segment.has(RST)) {
      if (hasAck) this.fail("reset");
      return;
    }
    if (!segment.has(SYN)) return;
    receiver.start(segment.sequence);
    this.adopt(segment);
    if (this.segments.timestamps) receiver.noteTimestamp(segment.timestamp, segment.sequence, now);
    if (!hasAck) { // simultaneous open
      this.handshake = Handshake.SynReceived;
      this.sendSyn();
      return;
    }
    this.establish(segment, segment.window, now);
    receiver.ackNow = true;
  }

  /** RFC 9293, section 3.10.7.4, with the checks of RFC 7323 section 5.3 and RFC 5961 in their places. */
  private receiveSynchronized(segment: Segment, packet: Packet, now: number): void {
    const { receiver, sender } = this;
    const reset = segment.has(RST);
    const opening = this.handshake === Handshake.SynReceived;
    if (opening && !reset && segment.has(SYN) && segment.sequence === seqAdd(receiver.nxt, -1)) {
      if (!segment.has(ACK) || segment.acknowledgment !== sender.nxt) return this.sendSynAgain(); // the answer was lost
      this.establish(segment, segment.window, now); // the other half of a simultaneous open
      receiver.ackNow = true;
      return;
    }
    if (this.segments.timestamps && !reset) {
      if (!segment.hasTimestamps) return; // RFC 7323, section 3.2
      if (receiver.isOldTimestamp(segment.timestamp, now)) return this.answerInvalid(segment, now);
    }
    let length = segment.length;
    if (!receiver.acceptable(segment.sequence, segment.sequenceLength)) {
      if (reset) return;
      // No data is taken. But the acknowledgment counts if our window is closed, or if the peer is one byte behind,
      // with which it probed our window: otherwise two peers that have taken each other's probe would never learn of
      // it.
      const closed = receiver.edge === receiver.nxt && segment.sequence === receiver.nxt;
      const probed = segment.sequence === seqAdd(receiver.nxt, -1) && segment.sequenceLength <= 1 && !segment.has(SYN);
      if (closed) receiver.ackNow = true;
      else this.answerInvalid(segment, now);
      if (opening || (!closed && !probed)) return;
      length = 0;
    }
    if (reset) {
      if (segment.sequence !== receiver.nxt) return this.challenge(now);
      // CLOSING and LAST-ACK: only FIN's acknowledgment is missing, and the peer is gone (RFC 9293, section 3.10.7.4)
      if (receiver.finReceived && sender.finSent && sender.buffer.length === 0) return this.finish(now, false);
      return this.fail("reset");
    }
    if (segment.has(SYN)) return this.challenge(now);
    if (!segment.has(ACK)) return;
    if (opening) {
      if (segment.acknowledgment !== sender.nxt) return this.sendBare(RST, segment.acknowledgment, 0);
      this.establish(segment, segment.window << this.windowShift, now);
    } else if (!this.acknowledge(segment, now)) {
      return;
    }
    // not before: a forger that doesn't know our sequence numbers must not make the peer's segments seem old
    if (this.segments.timestamps) receiver.noteTimestamp(segment.timestamp, segment.sequence, now);
    this.takeData(segment, packet, length, now);
  }

  /** Handles the acknowledgment. Returns false if the segment must be dropped (RFC 5961, section 5). */
  private acknowledge(segment: Segment, now: number): boolean {
    const { sender } = this;
    const acknowledgment = segment.acknowledgment;
    if (seqAfter(acknowledgment, sender.max) || seqDiff(sender.una, acknowledgment) > sender.largestWindow) {
      this.challenge(now);
      return false;
    }
    if (seqBefore(acknowledgment, sender.una)) return true; // old, but its data may be new
    let news = false;
    if (sender.sack) {
      for (let i = 0; i < segment.sackCount; i++) {
        const left = segment.sackEdges[2 * i], right = segment.sackEdges[2 * i + 1];
        // a block that begins at the acknowledgment contradicts it; one that begins below is about a duplicate (RFC
        // 2883)
        const sane = seqAfter(left, acknowledgment) && seqBefore(left, right) && !seqAfter(right, sender.max);
        if (sane && sender.scoreboard.add(left, right)) news = true;
      }
    }
    const before = sender.buffer.length;
    const echo = this.segments.timestamps && segment.timestampEcho !== 0
      ? seqDiff(this.context.timestamp(), segment.timestampEcho)
      : -1;
    sender.acknowledge(
      acknowledgment,
      segment.sequence,
      segment.window << this.windowShift,
      echo,
      news,
      segment.sequenceLength === 0,
      now,
    );
    this.bytesAcknowledged += before - sender.buffer.length;
    return true;
  }

  private takeData(segment: Segment, packet: Packet, length: number, now: number): void {
    const { receiver } = this;
    const fin = segment.has(FIN) && length === segment.length;
    if (length === 0 && !fin) return;
    const before = receiver.nxt;
    if (!receiver.receive(packet.frame, packet.bytes, segment.data, length, segment.sequence, fin, now)) return;
    this.bytesReceived += seqDiff(receiver.nxt, before) - (receiver.finReceived ? 1 : 0);
    this.events.readable = true;
    if (receiver.finReceived) this.closedFirst = this.sender.finSent;
  }

  /** Adopts the options of the peer's SYN. */
  private adopt(options: SynOptions): void {
    const version = this.guest.address.version;
    const offered = options.maximumSegmentSize || (version === 4 ? DEFAULT_MSS_4 : DEFAULT_MSS_6);
    this.segments.timestamps = options.hasTimestamps;
    const largest = largestSegment(this.context, this.guest);
    this.setSegmentSize(Math.min(Math.max(offered, LEAST_MSS), largest) - this.segments.optionsLength);
    this.sender.sack = options.sackPermitted;
    if (options.windowShift >= 0) {
      this.windowShift = options.windowShift;
      this.receiver.shift = WINDOW_SHIFT;
    }
  }

  private setSegmentSize(mss: number): void {
    this.sender.mss = mss;
    this.segments.setSegmentSize(mss);
  }

  private establish(segment: Segment, window: number, now: number): void {
    const { sender } = this;
    const passive = this.handshake === Handshake.SynReceived;
    this.handshake = Handshake.Done;
    sender.establish(sender.mss, sender.sack, window, segment.sequence, now);
    this.events.established = true;
    this.context.established(this);
    if (passive) this.context.counters.accepted++;
    else this.context.counters.connected++;
  }

  private answerInvalid(segment: Segment, now: number): void {
    if (segment.sequenceLength === 0) {
      if (now - this.lastInvalidAck < INVALID_ACK_INTERVAL) return;
      this.lastInvalidAck = now;
    }
    this.receiver.ackNow = true;
  }

  private challenge(now: number): void {
    if (this.context.mayChallenge(now)) this.receiver.ackNow = true;
  }

  /** Handles an ICMP error about a sent segment, if its sequence number is in flight (RFC 5927). */
  networkError(sequence: number, what: "unreachable" | "too-big", mtu: number): void {
    const { sender } = this;
    if (seqBefore(sequence, sender.una) || !seqBefore(sequence, sender.max)) return;
    if (what === "unreachable") { // a hard error only before the connection is established (RFC 5461)
      if (this.handshake === Handshake.SynSent) this.fail("unreachable");
    } else if (this.handshake === Handshake.Done) {
      const least = this.guest.address.version === 4 ? 576 : 1280; // the smallest accepted MTUs
      const options = this.segments.optionsLength;
      const mss = Math.max(mtu, least) - ipHeaderLength(this.guest.address) - TCP_HEADER - options;
      if (mss < sender.mss) {
        this.setSegmentSize(mss);
        sender.reduceSegmentSize(mss, this.context.now());
      }
    }
    this.context.wake(this);
  }

  // The end of a turn

  /** Tells the user the events, sends everything that may be sent, and ends the connection if it is complete. */
  turn(now: number): void {
    if (this.handshake !== Handshake.Over || this.lingering) {
      this.events.tell();
      if (this.events.blocked && this.sendRoom > 0) this.events.tellWritable();
    }
    this.awake = false; // not before: the results of the user's calls meanwhile are sent below, all at once
    this.send(now);
  }

  /** Sends everything that may be sent, then ends the connection or sets its timer. */
  private send(now: number): void {
    if (this.handshake === Handshake.SynReceived) {
      if (this.receiver.ackNow) this.sendAcknowledgment(this.sender.max); // of an unacceptable segment
    } else if (this.handshake === Handshake.Done) {
      this.sender.output(now);
      if (this.receiver.ackNow) this.sendAcknowledgment(this.sender.acceptableSequence);
      if (this.sender.finAcknowledged && this.receiver.finReceived) this.finish(now, this.closedFirst);
    }
    this.updateTimer();
  }

  /** Ends the connection after both FINs. `waiting`: TIME-WAIT follows. */
  private finish(now: number, waiting: boolean): void {
    this.handshake = Handshake.Over;
    this.context.timers.cancel(this);
    if (waiting) this.context.enterTimeWait(this, now);
    else this.context.remove(this);
    this.sender.buffer.clear();
    this.lingering = this.receiver.buffer.queued > 0;
    if (!this.lingering) this.events.end(null);
  }

  /** Ends the connection in another way than by FIN. */
  private fail(failure: TcpFailure): void {
    if (this.handshake === Handshake.Over) return;
    if (failure === "reset") this.context.counters.resetsIn++;
    if (failure === "timeout") this.context.counters.timeouts++;
    this.discard();
    this.events.end(failure);
  }

  private discard(): void {
    this.handshake = Handshake.Over;
    this.lingering = false;
    this.context.timers.cancel(this);
    this.context.remove(this);
    this.sender.buffer.clear();
    this.receiver.buffer.clear();
  }

  /** Ends the connection because the stack closes. The user is told. */
  close(): void {
    if (this.handshake === Handshake.Over && !this.lingering) return;
    const { handler } = this.events;
    this.abort();
    handler.closed("aborted");
  }

  /** Ends a half-open connection that has to make room. */
  evict(): void {
    this.sendReset();
    this.discard();
    this.events.end("timeout");
  }

  // Timers

  private updateTimer(): void {
    if (this.handshake === Handshake.Over) return;
    const next = Math.min(this.receiver.ackDeadline, this.sender.deadline, this.keepaliveDeadline);
    if (next < this.deadline) this.context.timers.schedule(this, next); // a later deadline is found when the timer fires
  }

  private get keepaliveDeadline(): number {
    // data in flight, or a window probe, already tests whether the peer is there (Linux does the same)
    if (this.handshake !== Handshake.Done || this.sender.deadline !== Infinity) return Infinity;
    return this.lastReceived + KEEPALIVE_IDLE + this.keepaliveProbes * KEEPALIVE_INTERVAL;
  }

  fire(now: number): void {
    const { sender, receiver } = this;
    if (this.handshake === Handshake.Over) return;
    if (receiver.ackDeadline <= now) receiver.ackNow = true;
    if (sender.deadline <= now) {
      if (this.handshake !== Handshake.Done) {
        if (now - this.startedAt >= HANDSHAKE_GIVE_UP_AFTER) return this.fail("timeout");
        sender.rtt.backOff();
        this.sendSynAgain();
        this.context.counters.retransmissions++;
        sender.deadline = now + sender.rtt.timeout;
      } else if (!sender.timeout(now)) {
        this.sendReset();
        return this.fail("timeout");
      }
    }
    if (this.keepaliveDeadline <= now) {
      if (this.keepaliveProbes >= KEEPALIVE_PROBES) {
        this.sendReset();
        return this.fail("timeout");
      }
      this.keepaliveProbes++;
      this.sendAcknowledgment(seqAdd(sender.una, -1)); // RFC 9293, section 3.8.4
    }
    if (this.awake) this.updateTimer(); // the user must be told the events before the connection can end
    else this.send(now);
  }

  // Segments out

  private sendSyn(): void {
    this.segments.sendSyn(this.sender, this.handshake === Handshake.SynReceived);
  }

  private sendSynAgain(): void {
    this.sender.synResent();
    this.sendSyn();
  }

  private sendAcknowledgment(sequence: number): void {
    this.segments.sendAcknowledgment(sequence, this.sender.sack);
  }

  private sendReset(): void {
    if (this.handshake === Handshake.SynSent) return; // there has been no answer, so there is no peer to reset
    this.context.counters.resetsOut++;
    this.sendBare(RST | ACK, this.sender.acceptableSequence, this.receiver.nxt);
  }

  private sendBare(flags: number, sequence: number, acknowledgment: number): void {
    this.context.sendBare(this.local, this.guest, flags, sequence, acknowledgment);
  }

  // The user's calls

  get handler(): TcpHandler {
    return this.events.handler;
  }

  set handler(handler: TcpHandler) {
    if (this.handshake !== Handshake.Over || this.lingering) this.events.handler = handler;
  }

  peek(): Chunk | null {
    return this.receiver.buffer.peek();
  }

  copyReceived(into: Uint8Array): number {
    return this.receiver.buffer.copyTo(into);
  }

  consume(length: number): void {
    const update = this.receiver.consume(length);
    if (this.handshake === Handshake.Done && update) {
      this.receiver.ackNow = true;
      this.later();
    } else if (this.lingering && this.receiver.buffer.queued === 0) {
      this.lingering = false;
      this.events.end(null);
    }
  }

  reserve(wanted: number): Chunk | null {
    if (this.sender.finQueued || this.handshake === Handshake.Over) return null;
    const room = this.sendRoom;
    if (room <= 0 || this.handshake !== Handshake.Done) {
      this.events.blocked = true;
      return null;
    }
    return this.sender.buffer.reserve(Math.min(wanted, room));
  }

  private get sendRoom(): number {
    return this.context.memory.allowance(this.sender.bufferLimit) - this.sender.buffer.length;
  }

  commit(length: number, last = false): void {
    const ended = this.sender.finQueued || this.handshake === Handshake.Over;
    if (ended) length = 0; // nothing can follow FIN
    this.sender.buffer.commit(length);
    if (last && !ended) this.sender.finQueued = true;
    if ((length > 0 || last) && !ended && this.handshake === Handshake.Done) this.later();
  }

  shutdown(): void {
    this.commit(0, true);
  }

  abort(): void {
    if (this.handshake !== Handshake.Over) {
      this.sendReset();
      this.discard();
    } else if (this.lingering) {
      this.lingering = false;
      this.receiver.buffer.clear();
    }
    this.events.mute();
  }

  /** Sends at once, unless {@linkcode turn} will. */
  private later(): void {
    if (!this.awake) this.send(this.context.now());
  }
}
