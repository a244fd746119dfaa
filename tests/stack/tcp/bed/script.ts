/**
 * Conversations with one TCP layer as text, one step per line, in the manner of tcpdump and packetdrill:
 *
 *     < S 0                        the guest sends SYN
 *     > S. 0 ack 1                 the layer has answered with SYN-ACK; an unlisted segment fails the test
 *     < P. 1:11 ack 1 win 500      10 bytes of data
 *     = ESTABLISHED                the connection's state
 *
 * Flags are S, F, R, P, U and `.` for ACK (P is not compared). Sequence numbers count from each side's initial one.
 * They may be followed by `ack N`, `win N` (as in the header), `val N` (the guest's timestamp, from {@linkcode
 * TIMESTAMP_BASE} on), `sack L-R,...`, `opt HEX`; `none` for none. For the layer's segments, flags, numbers and all
 * fields that the line names are compared; the line may also have `ecr N` (the guest's timestamp again), `mss N` and
 * `wscale N`.
 *
 * | line | what happens |
 * | --- | --- |
 * | `+ MS` | time passes |
 * | `connect` | the layer's user opens the connection to the guest |
 * | `send N`, `shutdown` | the user's calls |
 * | `stop`, `read` | the user stops reading, and reads again |
 * | `= STATE`, `= GONE` | the state; TIME-WAIT, LISTEN or GONE without a connection |
 * | `got N` | N bytes were received in order, each the right one |
 * | `end null`, `end reset` | how the connection ended for its user; `end open` |
 *
 * @module
 */
import type { Connection } from "../../../../stack/tcp/connection.ts";
import { seqAdd, seqDiff } from "../../../../stack/tcp/numbers/sequence.ts";
import { ACK, FIN, PSH, RST, SYN } from "../../../../stack/wire/tcp.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { hex } from "../../../../scripts/lab/packets.ts";
import { type Fields, GUEST_PORT, HOST_PORT, Peer, type PeerOptions, quiet, type Sent } from "./peer.ts";

/** The guest's timestamp `val 0`. */
const TIMESTAMP_BASE = 6000;

const URG = 0x20;
const FLAGS: Readonly<Record<string, number>> = { S: SYN, F: FIN, R: RST, P: PSH, ".": ACK, U: URG };

/** Initial sequence numbers of the guest and of the layer. */
export interface Bases {
  readonly guest: number;
  readonly host: number;
}

/** A conversation, with the RFC and section that it comes from. */
export interface Case {
  readonly rfc: string;
  readonly what: string;
  readonly options?: PeerOptions;
  readonly steps: readonly string[];
}

/** The handshake of a connection that the guest opens. */
export const OPEN: readonly string[] = ["< S 0", "> S. 0 ack 1", "< . 1 ack 1", "= ESTABLISHED"];

/** The same with timestamps, all of which are `val`. */
export function openAt(val: number): string[] {
  return [`< S 0 val ${val}`, `> S. 0 ack 1 ecr ${val}`, `< . 1 ack 1 val ${val}`];
}

/** Initial sequence numbers, some chosen so that the numbers or their signs wrap within the conversation. */
export const BASES: readonly Bases[] = [
  { guest: 1000, host: 5000 },
  { guest: 2 ** 32 - 2, host: 2 ** 31 - 2 },
  { guest: 2 ** 31 - 6, host: 2 ** 32 - 2 },
];

/** Makes a test for each case, which plays it from all {@linkcode BASES}. */
export function testCases(cases: readonly Case[]): void {
  for (const { rfc, what, options = {}, steps } of cases) {
    Deno.test(`RFC ${rfc}: ${what}`, () => {
      for (const bases of BASES) play(steps, options, bases);
    });
  }
}

/** Runs a script. Throws at the first line that is not true, with the line in the message. */
export function play(lines: readonly string[], options: PeerOptions, bases: Bases): void {
  const script = new Script(options, bases);
  for (let at = 0; at < lines.length;) {
    const action = lines[at];
    const expected: string[] = [];
    try {
      script.act(action);
      for (at++; lines[at]?.startsWith(">"); at++) expected.push(lines[at]);
      script.expect(expected);
    } catch (error) {
      throw new Error(`at "${action}": ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
}

/** The words after the sequence numbers: `ack 1 win 500`. */
function words(line: string): Map<string, string> {
  const parts = line.split(/\s+/).slice(3);
  const found = new Map<string, string>();
  for (let i = 0; i < parts.length; i += 2) found.set(parts[i], parts[i + 1]);
  return found;
}

class Script {
  private readonly peer: Peer;
  private readonly user = quiet();
  private readonly bases: Bases;
  private connection: Connection | null = null;

  constructor(options: PeerOptions, bases: Bases) {
    this.bases = { guest: bases.guest | 0, host: bases.host | 0 };
    this.peer = new Peer({ ...options, iss: bases.guest });
    const { host } = this.peer;
    host.tcp.initialSequence = () => this.bases.host;
    host.onRequest = (request) => {
      const flow = request.accept(this.user);
      assert(flow !== null);
      this.user.flow = flow;
    };
  }

  act(line: string): void {
    const [verb, what = ""] = line.split(/\s+/);
    const { user, peer } = this;
    switch (verb) {
      case "<":
        peer.send(this.fields(line));
        break;
      case "+":
        peer.pass(Number(what));
        break;
      case "connect":
        peer.calling(user);
        break;
      case "send":
        user.send(Number(what));
        break;
      case "read":
        user.reading = true;
        user.read();
        break;
      case "stop":
        user.reading = false;
        break;
      case "shutdown":
        user.flow.shutdown();
        break;
      case "=":
        assertEquals(this.state, what);
        break;
      case "got":
        assertEquals(user.received, Number(what));
        break;
      case "end":
        assertEquals(user.failure === undefined ? "open" : String(user.failure), what);
        break;
      default:
        throw new Error("no such step");
    }
    this.connection = this.found ?? this.connection;
  }

  private get found(): Connection | null {
    const { host, simulation } = this.peer;
    return host.tcp.connection(
      { address: simulation.guest.address, port: GUEST_PORT },
      { address: host.address, port: HOST_PORT },
    );
  }

  private get state(): string {
    const connection = this.found;
    if (connection !== null) return connection.state;
    if (this.peer.host.tcp.timeWaiting > 0) return "TIME-WAIT";
    return this.connection === null ? "LISTEN" : "GONE";
  }

  private fields(line: string): Fields {
    const [, flags, numbers] = line.split(/\s+/);
    const [start, end = start] = numbers.split(":").map(Number);
    const more = words(line);
    const sequence = seqAdd(this.bases.guest, start);
    const bits = [...flags].reduce((sum, flag) => sum | FLAGS[flag], 0);
    const fields: Fields = { flags: bits, sequence, length: end - start, acknowledgment: 0 };
    if (bits & SYN) fields.options = this.peer.synOptions();
    for (const [name, value] of more) {
      if (name === "ack") fields.acknowledgment = seqAdd(this.bases.host, Number(value));
      else if (name === "win") fields.window = Number(value);
      else if (name === "val") fields.timestamp = value === "none" ? null : (TIMESTAMP_BASE + Number(value)) | 0;
      else if (name === "opt") fields.options = [...hex(value)];
      else if (name === "sack") {
        fields.sack = value.split(",").map((range) => {
          const [left, right] = range.split("-").map((edge) => seqAdd(this.bases.host, Number(edge)));
          return [left, right] as const;
        });
      } else throw new Error(`no such word: ${name}`);
    }
    return fields;
  }

  /** Asserts that the segments sent since the last action are those of these lines. */
  expect(lines: readonly string[]): void {
    const sent = this.peer.take().map((segment, at) => this.text(segment, words(lines[at] ?? "")));
    assertEquals(sent, lines.map((line) => line.replace(/\s+/g, " ")));
  }

  /** A segment of the layer as a line, with the words that `like` has. */
  private text(segment: Sent, like: Map<string, string>): string {
    const bits = segment.flags.split(" ").filter((name) => name !== "PSH" && name !== "ACK").map((name) => name[0]);
    const ack = segment.flags.includes("ACK");
    const start = seqDiff(segment.sequence, this.bases.host);
    const numbers = segment.length > 0 ? `${start}:${start + segment.length}` : `${start}`;
    const parts = [">", bits.join("") + (ack ? "." : ""), numbers];
    const known: Readonly<Record<string, () => string | number>> = {
      ack: () => seqDiff(segment.acknowledgment, this.bases.guest),
      win: () => segment.window,
      val: () => segment.timestamp === null ? "none" : "some",
      ecr: () => (segment.echo - TIMESTAMP_BASE) | 0,
      mss: () => segment.maximumSegmentSize,
      wscale: () => segment.windowShift,
      sack: () => segment.sack.map((range) => this.range(range)).join(",") || "none",
    };
    if (ack && !like.has("ack")) parts.push("ack", String(known.ack()));
    for (const name of like.keys()) parts.push(name, String(known[name]?.() ?? "?"));
    return parts.join(" ");
  }

  private range([left, right]: readonly [number, number]): string {
    return `${seqDiff(left, this.bases.guest)}-${seqDiff(right, this.bases.guest)}`;
  }
}
