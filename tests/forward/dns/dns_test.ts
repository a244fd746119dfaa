import * as edns from "../../../forward/dns/edns.ts";
import { AllowedNames } from "../../../forward/dns/allowed_names.ts";
import { Dns, type DnsOptions } from "../../../forward/dns/dns.ts";
import { NameServers } from "../../../forward/dns/servers.ts";
import { HostError } from "../../../forward/host/host_network.ts";
import { DEFAULT_LIMITS, MAX_DNS_CONNECTIONS, MAX_DNS_PIPELINED } from "../../../forward/limits/limits.ts";
import { DNS_CONNECTION_IDLE_MS } from "../../../forward/limits/timeouts.ts";
import type { GuestDatagram } from "../../../forward/udp/associations.ts";
import { formatEndpoint, IpAddress } from "../../../stack/base/address.ts";
import { DEFAULT_ADDRESSES } from "../../../stack/link/addresses.ts";
import { allocatePlain } from "../../../stack/base/device.ts";
import { assert, assertEquals } from "../../assert.ts";
import { FakeHost, type FakeSocket } from "../bed/fake_host.ts";
import { endpoint, FakeRequest, FakeScheduler, FakeStream, settled } from "../bed/fakes.ts";
import { guestDatagram } from "../bed/guest_datagram.ts";
import { answerTo, question, told } from "./messages.ts";

/** The guest's name server between a guest and servers that the test plays. */
class Bed {
  readonly scheduler = new FakeScheduler();
  readonly host = new FakeHost();
  readonly loopback = new FakeHost();
  /** What the guest is sent over UDP: `TO: ID CODE NAME ...` */
  readonly replies: string[] = [];
  readonly dns: Dns;

  constructor(conf: string, only?: AllowedNames, reader: DnsOptions["edns"] = edns) {
    this.dns = new Dns({
      edns: reader,
      only,
      servers: new NameServers({ read: () => conf, now: () => this.scheduler.now() }),
      host: this.host,
      loopback: this.loopback,
      scheduler: this.scheduler,
      addresses: DEFAULT_ADDRESSES,
      allocate: allocatePlain,
      random: () => 0xabcd_0000 + this.host.sockets.length,
      guest: {
        sendBytes: (_from, to, bytes, offset, length) => {
          this.replies.push(`${formatEndpoint(to)}: ${told(bytes.subarray(offset, offset + length))}`);
          return true;
        },
      },
    });
  }

  /** The guest asks over UDP. */
  asks(message: Uint8Array, from = "10.0.2.100:4000"): void {
    this.dns.takeDatagram(datagramOf(message, from));
  }

  /** The socket of the host's that was made at that place. */
  socket(index: number): FakeSocket {
    return this.host.sockets[index];
  }

  outcome(network: "udp" | "tcp"): string {
    const counts = Object.entries(this.dns.counters.outcomes[network]).filter(([, count]) => count > 0);
    return `${this.dns.counters.inFlight} ${counts.map(([outcome, count]) => `${outcome} ${count}`).join(" ")}`.trim();
  }
}

function datagramOf(message: Uint8Array, from: string): GuestDatagram {
  const to = from.startsWith("[") ? "[fd00::3]:53" : "10.0.2.3:53";
  const datagram = guestDatagram(from, to, "");
  return { ...datagram, bytes: Uint8Array.from([...datagram.bytes, ...message]), length: message.length };
}

const ONE = "nameserver 192.0.2.1\n", TWO = `${ONE}nameserver 192.0.2.2\n`;
const SERVER = "192.0.2.1:53", SECOND = "192.0.2.2:53";

Deno.test("UDP: a question goes on with another ID, and its answer comes back with the guest's", () => {
  const bed = new Bed(ONE);
  bed.asks(question(7, "example.org"));
  const socket = bed.socket(0);
  const [sent] = socket.messages;
  assertEquals(sent![1], 0, "a number of its own");
  assert(socket.sent[0].startsWith(SERVER));
  socket.hearsBytes(SERVER, answerTo(sent!));
  assertEquals(bed.replies, ["10.0.2.100:4000: 7 NOERROR example.org 192.0.2.80"]);
  assertEquals(socket.closed, true, "the socket was closed");
  assertEquals(bed.outcome("udp"), "0 noerror 1", "outcomes over udp");
});

Deno.test("UDP: answers from other addresses, to other questions or with other IDs are dropped", () => {
  const bed = new Bed(ONE);
  bed.asks(question(7, "example.org"), "[fd00::100]:4000");
  const socket = bed.socket(0);
  const [sent] = socket.messages;
  socket.hearsBytes("192.0.2.9:53", answerTo(sent!));
  socket.hearsBytes("192.0.2.1:54", answerTo(sent!));
  socket.hearsBytes(SERVER, answerTo(question(7, "example.org")));
  socket.hearsBytes(SERVER, answerTo(Uint8Array.from([...sent!.subarray(0, 2), ...question(0, "b.org").subarray(2)])));
  socket.hearsBytes(SERVER, new Uint8Array(3));
  assertEquals(bed.replies, []);
  socket.hearsBytes(SERVER, answerTo(sent!, 3));
  assertEquals(bed.replies, ["[fd00::100]:4000: 7 NXDOMAIN example.org"]);
});

Deno.test("UDP: a silent server, then the next, then all again, then SERVFAIL", () => {
  const bed = new Bed(TWO);
  bed.asks(question(7, "example.org"));
  bed.scheduler.advance(2_499);
  assertEquals(bed.host.sockets.length, 1);
  bed.scheduler.advance(1);
  assert(bed.socket(1).sent[0].startsWith(SECOND));
  bed.scheduler.advance(5_000);
  assertEquals(bed.socket(0).sent.length, 2, "questions to the first server");
  assertEquals(bed.socket(1).sent.length, 2, "questions to the second server");
  bed.scheduler.advance(2_499);
  assertEquals(bed.replies, []);
  bed.scheduler.advance(1);
  assertEquals(bed.replies, ["10.0.2.100:4000: 7 SERVFAIL example.org"]);
  assertEquals(bed.socket(0).closed, true, "socket 0 was closed");
  assertEquals(bed.socket(1).closed, true, "socket 1 was closed");
  assertEquals(bed.outcome("udp"), "0 timeout 1", "outcomes over udp");
});

Deno.test("UDP: the late answer of a server that was asked first counts", () => {
  const bed = new Bed(TWO);
  bed.asks(question(7, "example.org"));
  bed.scheduler.advance(2_500);
  bed.socket(0).hearsBytes(SERVER, answerTo(bed.socket(0).messages[0]));
  assertEquals(bed.replies, ["10.0.2.100:4000: 7 NOERROR example.org 192.0.2.80"]);
  assert(bed.socket(1).closed);
  bed.scheduler.advance(60_000);
  assertEquals(bed.replies.length, 1);
});

Deno.test("UDP: a server that can't be reached is skipped at once, and asked after the others from then on", () => {
  const bed = new Bed(TWO);
  const refused = new HostError("refused", "connection refused");
  bed.asks(question(7, "example.org"));
  bed.socket(0).handler.failed(refused, endpoint(SERVER), null);
  assert(bed.socket(0).closed);
  bed.socket(1).hearsBytes(SECOND, answerTo(bed.socket(1).messages[0]));
  bed.asks(question(8, "example.org"));
  assert(bed.socket(2).sent[0].startsWith(SECOND));
  bed.socket(2).handler.failed(refused, endpoint(SECOND), null);
  bed.socket(3).handler.failed(refused, null, null);
  assertEquals(bed.replies.slice(1), ["10.0.2.100:4000: 8 SERVFAIL example.org"]);
  assertEquals(bed.outcome("udp"), "0 noerror 1 unreachable 1");
});

Deno.test("UDP: a server that can't answer is skipped; its answer counts if there is no other", () => {
  const bed = new Bed(TWO);
  bed.asks(question(7, "example.org"));
  bed.socket(0).hearsBytes(SERVER, answerTo(bed.socket(0).messages[0], 5));
  assertEquals(bed.replies, []);
  bed.socket(1).hearsBytes(SECOND, answerTo(bed.socket(1).messages[0], 2));
  assertEquals(bed.replies, ["10.0.2.100:4000: 7 REFUSED example.org"]);
  bed.asks(question(8, "example.org"));
  bed.socket(2).hearsBytes(SERVER, answerTo(bed.socket(2).messages[0], 5));
  bed.socket(3).hearsBytes(SECOND, answerTo(bed.socket(3).messages[0]));
  assertEquals(bed.replies[1], "10.0.2.100:4000: 8 NOERROR example.org 192.0.2.80");
});

Deno.test("UDP: without a socket the server counts as unreachable", () => {
  const bed = new Bed(TWO);
  bed.host.failures.set("*", new HostError("resources", "too many open files"));
  bed.asks(question(7, "example.org", 1232));
  assertEquals(bed.replies, ["10.0.2.100:4000: 7 SERVFAIL example.org OPT"]);
});

Deno.test("servers on the loopback are asked from there", () => {
  const bed = new Bed("nameserver 127.0.0.53\nnameserver ::1\n");
  bed.asks(question(7, "example.org"));
  bed.scheduler.advance(2_500);
  assertEquals(bed.host.sockets.length, 0, "sockets of the host's network");
  assertEquals(bed.loopback.sockets.length, 2, "sockets of the loopback");
});

Deno.test("UDP: a message that is no question is dropped, or answered with an error", () => {
  const bed = new Bed(ONE);
  bed.asks(new Uint8Array(0));
  bed.asks(answerTo(question(7, "example.org")));
  bed.asks(Uint8Array.of(0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  assertEquals(bed.replies, ["10.0.2.100:4000: 9 FORMERR"]);
  assertEquals(bed.host.sockets.length, 0, "sockets");
  assertEquals(bed.outcome("udp"), "0 malformed 3", "outcomes over udp");
});

Deno.test("at the limit of questions, the oldest is answered with SERVFAIL", () => {
  const bed = new Bed(ONE);
  for (let i = 0; i <= DEFAULT_LIMITS.dnsQuestions; i++) bed.asks(question(i, "example.org"));
  assertEquals(bed.replies, ["10.0.2.100:4000: 0 SERVFAIL example.org"]);
  assert(bed.socket(0).closed, "the oldest question's socket is closed");
  assert(!bed.socket(1).closed, "the next one's is not");
  assertEquals(bed.outcome("udp"), `${DEFAULT_LIMITS.dnsQuestions} evicted 1`);
  bed.dns.close();
  assertEquals(bed.outcome("udp"), `0 evicted 1 cancelled ${DEFAULT_LIMITS.dnsQuestions}`);
  assert(bed.host.sockets.every(({ closed }) => closed));
});

Deno.test("questions wait until EDNS can be read: it is loaded for the first, once", async () => {
  const load = Promise.withResolvers<typeof edns>();
  let loads = 0;
  const bed = new Bed(ONE, undefined, () => (loads++, load.promise));
  bed.asks(new Uint8Array(5));
  assertEquals(loads, 0, "for nonsense");
  for (const id of [1, 2]) bed.asks(question(id, "example.org", 4096));
  const notification = question(3, "example.org", 4096);
  notification[2] |= 0x20; // the opcode
  bed.asks(notification);
  assertEquals(bed.host.sockets.length, 0, "sockets before it is loaded");
  load.resolve(edns);
  await settled();
  assertEquals(loads, 1, "for questions");
  assertEquals(bed.host.sockets.length, 2, "sockets");
  assertEquals(bed.replies, ["10.0.2.100:4000: 3 NOTIMP example.org OPT"]);
  bed.asks(question(4, "example.org"));
  assertEquals(bed.host.sockets.length, 3, "sockets, with one for a later question");
  bed.dns.close();
});

Deno.test("where EDNS can't be loaded, questions are answered as those of clients without it", async () => {
  const bed = new Bed(ONE, undefined, () => Promise.reject(new Error("no such module")));
  const notification = question(3, "example.org", 4096);
  notification[2] |= 0x20; // the opcode
  bed.asks(notification);
  await settled();
  assertEquals(bed.replies, ["10.0.2.100:4000: 3 NOTIMP example.org"]);
});

Deno.test("at the limit, the oldest question that waits for EDNS is lost; so are all when the program ends", async () => {
  const load = Promise.withResolvers<typeof edns>();
  const bed = new Bed(ONE, undefined, () => load.promise);
  for (let i = 0; i <= DEFAULT_LIMITS.dnsQuestions; i++) bed.asks(question(i, "example.org"));
  const ended = new Bed(ONE, undefined, () => load.promise);
  ended.asks(question(1, "example.org"));
  ended.dns.close();
  load.resolve(edns);
  await settled();
  assertEquals(bed.host.sockets.length, DEFAULT_LIMITS.dnsQuestions, "sockets");
  assertEquals(ended.host.sockets.length, 0, "sockets after the end");
  assertEquals(bed.replies, []);
  bed.dns.close();
});

/** Messages behind their lengths. */
function framed(...messages: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((message) => [message.length >> 8, message.length & 255, ...message]));
}

function unframed(bytes: readonly number[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 2 + (bytes[at] << 8 | bytes[at + 1]);
    found.push(told(Uint8Array.from(bytes.slice(at + 2, end))));
    at = end;
  }
  return found;
}

/** A guest's connection to the server, and the streams of the host's. */
class TcpBed extends Bed {
  readonly streams: FakeStream[] = [];
  readonly request = this.connect();

  get flow(): FakeRequest["flow"] {
    return this.request.flow;
  }

  connect(): FakeRequest {
    const request = new FakeRequest(endpoint("10.0.2.3:53"));
    this.dns.takeRequest(request);
    return request;
  }

  /** Lets the dials that were made so far succeed, and what was written be taken. */
  async connects(): Promise<void> {
    for (const dial of this.host.dials.slice(this.streams.length)) {
      const stream = new FakeStream();
      this.streams.push(stream);
      dial.answer.resolve(stream);
    }
    await settled();
    for (const stream of this.streams) stream.completeWrite();
  }

  /** The server of that stream answers, in pieces. */
  answers(index: number, address?: string): void {
    const stream = this.streams[index];
    const asked = Uint8Array.from(stream.fromGuest.slice(2));
    const answer = framed(answerTo(asked, 0, address));
    for (const piece of [answer.subarray(0, 1), answer.subarray(1, 5), answer.subarray(5)]) {
      stream.sends(piece);
      stream.completeRead();
    }
  }
}

Deno.test("TCP: several questions in one connection, in pieces, answered as the answers come", async () => {
  const bed = new TcpBed(ONE);
  const bytes = framed(question(1, "a.org"), question(2, "b.org"));
  for (const piece of [bytes.subarray(0, 1), bytes.subarray(1, 30), bytes.subarray(30)]) bed.flow.sends(piece);
  await bed.connects();
  assertEquals(bed.host.dials.map(({ remote }) => formatEndpoint(remote)), [SERVER, SERVER]);
  bed.answers(1, "192.0.2.2");
  bed.answers(0, "192.0.2.1");
  assertEquals(unframed(bed.flow.toGuest), ["2 NOERROR b.org 192.0.2.2", "1 NOERROR a.org 192.0.2.1"]);
  assert(bed.streams.every(({ isClosed }) => isClosed));
  bed.flow.finishes();
  assertEquals(bed.flow.shutdowns, 1, "FINs to the guest");
  assertEquals(bed.outcome("tcp"), "0 noerror 2", "outcomes over tcp");
});

Deno.test("TCP: FIN right after a question; the answer still comes", async () => {
  const bed = new TcpBed(ONE);
  bed.flow.sends(framed(question(1, "a.org")));
  bed.flow.finishes();
  assertEquals(bed.flow.shutdowns, 0);
  await bed.connects();
  bed.answers(0);
  assertEquals(unframed(bed.flow.toGuest).length, 1, "answers to the guest");
  assertEquals(bed.flow.shutdowns, 1, "FINs to the guest");
});

Deno.test("TCP: a server that refuses, ends early or answers something else, and the next", async () => {
  const bed = new TcpBed(`${TWO}nameserver 192.0.2.3\n`);
  bed.flow.sends(framed(question(1, "a.org")));
  bed.host.dials[0].answer.reject(new HostError("refused", "connection refused"));
  await settled();
  bed.streams.push(new FakeStream());
  await bed.connects();
  bed.streams[1].finishes();
  bed.streams[1].completeRead();
  await bed.connects();
  bed.streams[2].sends(framed(answerTo(question(99, "z.org"))));
  bed.streams[2].completeRead();
  assertEquals(unframed(bed.flow.toGuest), ["1 SERVFAIL a.org"]);
  for (const i of [1, 2]) assert(bed.streams[i].isClosed, `stream ${i} is closed`);
  assertEquals(bed.outcome("tcp"), "0 unreachable 1");
});

Deno.test("TCP: a guest that closes its connection cancels its questions", async () => {
  const bed = new TcpBed(ONE);
  bed.flow.sends(framed(question(1, "a.org"), question(2, "b.org")));
  bed.flow.ends("reset");
  await settled();
  assertEquals(bed.host.dials.every(({ aborted }) => aborted), true, "all dials were cancelled");
  assertEquals(bed.outcome("tcp"), "0 cancelled 2", "outcomes over tcp");
});

Deno.test("TCP: a message that is no question ends the connection", () => {
  const bed = new TcpBed(ONE);
  bed.flow.sends(framed(new Uint8Array(0)));
  assertEquals(bed.flow.aborts, 1, "resets of the guest");
  assertEquals(bed.outcome("tcp"), "0 malformed 1", "outcomes over tcp");
});

Deno.test("TCP: questions are read up to the limit of unanswered ones", async () => {
  const bed = new TcpBed(ONE);
  const many = Array.from({ length: MAX_DNS_PIPELINED + 5 }, (_, i) => question(i, "a.org"));
  bed.flow.sends(framed(...many));
  assertEquals(bed.dns.counters.inFlight, MAX_DNS_PIPELINED);
  await bed.connects();
  bed.answers(3);
  assertEquals(bed.dns.counters.inFlight, MAX_DNS_PIPELINED);
  assertEquals(bed.host.dials.length, MAX_DNS_PIPELINED + 1);
  bed.dns.close();
});

Deno.test("TCP: a client that does not read its answers is not read from", async () => {
  const bed = new TcpBed(ONE);
  bed.flow.sendLimit = 20;
  bed.flow.sends(framed(question(1, "a.org")));
  await bed.connects();
  bed.answers(0);
  bed.flow.sends(framed(question(2, "b.org")));
  assertEquals(bed.flow.toGuest.length, 20, "bytes to the guest");
  assertEquals(bed.host.dials.length, 1, "dials");
  bed.flow.acknowledges(20);
  bed.flow.acknowledges(20);
  assertEquals(unframed(bed.flow.toGuest).length, 1, "answers to the guest");
  assertEquals(bed.host.dials.length, 2, "dials");
  bed.dns.close();
});

Deno.test("TCP: an idle connection gets FIN, and is reset if it does not end then", () => {
  const bed = new TcpBed(ONE);
  bed.flow.sends(framed(question(1, "a.org")).subarray(0, 9));
  bed.scheduler.advance(DNS_CONNECTION_IDLE_MS);
  assertEquals(bed.flow.shutdowns, 1, "FINs to the guest");
  assertEquals(bed.flow.aborts, 0, "resets of the guest");
  bed.scheduler.advance(DNS_CONNECTION_IDLE_MS);
  assertEquals(bed.flow.aborts, 1);
});

Deno.test("TCP: at the limit of connections, the one idle longest is reset", () => {
  const bed = new TcpBed(ONE);
  const second = bed.connect();
  for (let i = 2; i < MAX_DNS_CONNECTIONS; i++) bed.connect();
  bed.flow.sends(framed(question(1, "a.org")));
  bed.connect();
  assertEquals(bed.flow.aborts, 0, "resets of the connection that was used");
  assertEquals(second.flow.aborts, 1, "resets of the one idle longest");
  bed.dns.close();
  assertEquals(bed.flow.aborts, 1, "resets of the guest");
  assertEquals(bed.outcome("tcp"), "0 cancelled 1", "outcomes over tcp");
});

Deno.test("if only the names of -allow may be asked for, no server is asked, over UDP and TCP", async () => {
  const only = new AllowedNames([{ name: "example.org", prefix: { first: IpAddress.parse("192.0.2.80") } }]);
  const bed = new Bed(ONE, only);
  bed.asks(question(7, "example.org"));
  bed.asks(question(8, "secret.evil.example"));
  assertEquals(bed.replies, [
    "10.0.2.100:4000: 7 NOERROR example.org 192.0.2.80",
    "10.0.2.100:4000: 8 REFUSED secret.evil.example",
  ]);
  const replies: string[] = [];
  const client = {
    network: "tcp",
    reply: (_: unknown, answer: Uint8Array) => void replies.push(told(answer)),
  } as const;
  assertEquals(bed.dns.ask(question(9, "secret.evil.example"), client), true);
  assertEquals(replies, ["9 REFUSED secret.evil.example"]);
  await settled();
  assertEquals(bed.host.sockets.length, 0, "sockets of the host's network");
  assertEquals(bed.loopback.sockets.length, 0, "sockets of the loopback");
  assertEquals(bed.outcome("udp"), "0 allowed 1 refused 1");
  assertEquals(bed.outcome("tcp"), "0 refused 1");
});
