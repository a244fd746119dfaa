/**
 * First bytes of flows at random, read by the program's readers and by others: what the program takes for a name, an
 * independent reader must take for the same.
 *
 * | reader | the other one |
 * | --- | --- |
 * | ClientHello | read-tls-client-hello; records joined here |
 * | HTTP requests of a connection | http-parser-js, on the bytes that may pass |
 * | QUIC Initials | the packets were sealed here, so their ClientHello is known |
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
// @ts-types="./http_parser_types.d.ts"
import { HTTPParser } from "http-parser-js";
import { getExtensionData, readTlsClientHello } from "read-tls-client-hello";
import { readClientHello } from "../../forward/gate/readers/client_hello.ts";
import { HttpRequests } from "../../forward/gate/readers/http_requests.ts";
import { InitialReader } from "../../forward/gate/readers/quic_initial.ts";
import { clientHello, records, serverName } from "../lab/hello.ts";
import { cryptoFrame, initial } from "../lab/quic.ts";
import { Random } from "./frames.ts";

const NAMES = ["a.test", "b.example", "WWW.Example.com", "a.test.", "x_y.test", "192.0.2.1", "a\0b.test", ""];

/** Throws an Error about the first bytes that were read wrongly. */
export async function fuzzReaders(seed: number, rounds: number): Promise<void> {
  const random = new Random(Math.imul(seed, 0xc2b2ae35) ^ 0x6a7e || 1);
  for (let i = 0; i < 8; i++) random.next();
  for (let i = 0; i < rounds; i++) {
    await checkHello(random);
    checkRequests(random);
    if (i % 8 === 0) checkInitials(random);
  }
}

// ---- TLS ----

async function checkHello(random: Random): Promise<void> {
  const message = changed(someHello(random), random, 4);
  const bytes = changed(records(message, random.below(2) === 0 ? message.length : 1 + random.below(200)), random, 8);
  const end = random.below(8) === 0 ? random.below(bytes.length) : bytes.length;
  const reading = readClientHello(bytes, 0, end, random.below(2) === 0);
  if (reading.is === "more" && reading.wanted <= end) throw wrong("a ClientHello that wants what it has", bytes);
  if (reading.is !== "shown") return;
  const name = await otherName(joined(bytes.subarray(0, end)));
  if (name?.toLowerCase() !== reading.shown.name) throw wrong(`${reading.shown.name} is ${name}`, bytes);
}

/** The fragments of all handshake records from the first on, as one record. */
function joined(bytes: Uint8Array): Uint8Array {
  const parts: number[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === 22;) {
    const end = at + 5 + (bytes[at + 3] << 8 | bytes[at + 4]);
    parts.push(...bytes.subarray(at + 5, end));
    at = end;
  }
  const length = 4 + (parts[1] << 16 | parts[2] << 8 | parts[3]);
  return records(Uint8Array.from(parts.slice(0, length)));
}

async function otherName(record: Uint8Array): Promise<string | null> {
  try {
    const hello = await readTlsClientHello(Readable.from([Buffer.from(record)], { objectMode: false }));
    return getExtensionData(hello, "sni")?.serverName ?? null;
  } catch {
    return null;
  }
}

function someHello(random: Random): Uint8Array {
  const names = Array.from({ length: random.of([1, 1, 1, 1, 0, 2]) }, () => random.of(NAMES));
  const extensions = Array.from({ length: random.below(4) }, () => {
    const type = random.of([0, 16, 51, 0xfe0d, 0x0a0a]);
    const contents = type === 0 ? serverName([random.of(NAMES)]) : new Array<number>(random.below(40)).fill(0);
    return [type, Uint8Array.from(contents)] as const;
  });
  return clientHello({ names: random.below(16) === 0 ? null : names, extensions, sessionId: random.below(33) });
}

// ---- HTTP ----

const LINES = [
  ...["Host: a.test", "Host: b.test", "host:a.test", "Host : a.test", " Host: b.test", "Host: a.test:80", "X: y", "X:"],
  ...["Content-Length: 3", "Content-Length: 0", "Content-Length: 3, 3", "Transfer-Encoding: chunked", "Upgrade: h2c"],
  ...["Upgrade: websocket", "Transfer-Encoding: identity", "Connection: Upgrade", "Expect: 100-continue", "\tX: y"],
];
const TARGETS = ["/", "http://a.test/", "http://b.test/", "*", "a.test:80", "/ /", ""];
const BODIES = [
  "",
  "",
  "abc",
  "3\r\nabc\r\n0\r\n\r\n",
  "3\r\nabc\r\n0\r\nX: y\r\n\r\n",
  "3;x=y\r\nabc\r\n0\r\n\r\n",
  "0\r\n\r\n",
];

function checkRequests(random: Random): void {
  const text = Array.from({ length: 1 + random.below(3) }, () => someRequest(random)).join("");
  const bytes = changed(Uint8Array.from(text, (char) => char.charCodeAt(0)), random, 6);
  const requests = new HttpRequests(), hosts: string[] = [];
  let at = 0;
  for (let going = true; going && at < bytes.length;) {
    const look = requests.look(bytes, at, bytes.length);
    if (look.is === "pass") at += look.length;
    else if (look.is === "head" && look.reading.is === "shown" && requests.accept(look.reading.shown)) {
      hosts.push(look.reading.shown.name);
      at += look.reading.shown.length;
    } else going = false;
  }
  const { others, failed } = otherHosts(bytes.subarray(0, at));
  const expected = failed ? hosts.slice(0, others.length) : hosts; // it knows some methods only
  if (others.join() !== expected.join()) throw wrong(`requests to ${hosts} are to ${others}`, bytes);
}

/** The hosts of all requests. */
function otherHosts(bytes: Uint8Array): { readonly others: readonly string[]; readonly failed: boolean } {
  const hosts: string[] = [], parser = new HTTPParser(HTTPParser.REQUEST);
  parser[HTTPParser.kOnHeadersComplete] = ({ headers }) => {
    const values = headers.filter((_, i) => i % 2 === 1 && headers[i - 1].toLowerCase() === "host");
    hosts.push(values.map((value) => value.toLowerCase().replace(/\.?(:\d+)?$/, "")).join("+"));
  };
  const taken = parser.execute(Buffer.from(bytes));
  return { others: hosts, failed: taken instanceof Error };
}

function someRequest(random: Random): string {
  const lines = Array.from({ length: random.below(4) }, () => random.of(LINES));
  if (random.below(4) > 0) lines.unshift("Host: a.test");
  const first = `${random.of(["GET", "POST", "CONNECT", "OPTIONS"])} ${random.of(TARGETS)} HTTP/1.${
    random.of(["1", "1", "1", "0"])
  }`;
  const end = random.below(16) === 0 ? "\n" : "\r\n";
  return [first, ...lines, "", ""].join(end) + random.of(BODIES);
}

// ---- QUIC ----

function checkInitials(random: Random): void {
  const message = someHello(random);
  const cuts = Array.from({ length: random.below(4) }, () => random.below(message.length)).sort((a, b) => a - b);
  const parts = [0, ...cuts].map((start, i) => cryptoFrame(message, start, cuts[i] ?? message.length));
  for (let i = parts.length - 1; i > 0; i--) { // in any order
    const other = random.below(i + 1);
    [parts[i], parts[other]] = [parts[other], parts[i]];
  }
  const version = random.of([1, 2] as const), reader = new InitialReader(true);
  const split = random.below(2) === 0 ? parts.length : random.below(parts.length);
  const frames = [parts.slice(0, split), parts.slice(split)].map((some) => some.flat()).filter(({ length }) =>
    length > 0
  );
  const expected = readClientHello(records(message), 0, message.length + 5, true);
  const isIntact = random.below(4) > 0;
  let last = "nothing";
  frames.forEach((some, number) => {
    const sealed = initial({
      version,
      frames: isIntact ? some : [...changed(Uint8Array.from(some), random, 1)],
      number,
    });
    const datagram = isIntact ? sealed : changed(sealed, random, 2);
    const reading = reader.take(datagram, 0, datagram.length);
    last = reading.is === "shown" ? reading.shown.name : reading.is;
  });
  const right = expected.is === "shown" ? expected.shown.name : expected.is;
  if (isIntact && last !== right) throw wrong(`QUIC: ${last} is ${right}`, message);
}

/** One byte in another value, or some bytes less or twice, in one of `rarity` cases. */
function changed(bytes: Uint8Array, random: Random, rarity: number): Uint8Array {
  if (random.below(rarity) > 0 || bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  if (random.below(3) === 0) return bytes.slice(0, at);
  const copy = bytes.slice();
  if (random.below(2) === 0) copy[at] ^= 1 << random.below(8);
  else copy.copyWithin(at, random.below(bytes.length), at + random.below(20));
  return copy;
}

function wrong(what: string, bytes: Uint8Array): Error {
  return new Error(`${what}: ${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
}
