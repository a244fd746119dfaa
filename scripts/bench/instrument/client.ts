/**
 * The instrument's end in the guest. It prints one line of JSON, or a reason on stderr with a status other than 0.
 * Times are in µs.
 *
 *     client.ts round-trips ADDRESS SECONDS     one TCP connection, a request and its answer in turn
 *     client.ts calls ADDRESS SECONDS           connect, request, answer, end; in turn
 *     client.ts datagram-round-trips ADDRESS SECONDS
 *                                               {"count": N, "seconds": S, "lost": N, "p50": T, "p99": T}
 *     client.ts crowd ADDRESS SECONDS COUNT     opens COUNT connections, within SECONDS, has each echo, and keeps them until
 *                                               its stdin ends:
 *                                               {"open": N, "seconds": S, "reason": why not more, "echoed": N}
 *     client.ts datagrams ADDRESS SECONDS out|in window|flood SIZE
 *                                               {"sent": N, "datagrams": N, "seconds": S}: what the receiver got
 *
 * @module
 */
import { percentile } from "./statistics.ts";
import { takeCpu } from "./affinity.ts";
import { Crowd } from "./crowd.ts";
import { check, errno, libc, reason } from "./libc.ts";
import {
  ANSWER_PORT,
  DATAGRAM_ECHO_PORT,
  ECHO_PORT,
  GREETING,
  MESSAGE_SIZE,
  STREAM_PORT,
  type StreamRequest,
} from "./protocol.ts";
import { connectSocket, EAGAIN, enlargeReceiveBuffer, setPatience, sockaddr } from "./sockets.ts";
import { ACKNOWLEDGMENT_PATIENCE, receiveStream, sendStream, SILENCE } from "./stream.ts";
import { MSG_NOSIGNAL, SOCK_DGRAM, SOCK_STREAM } from "../../../ffi/libc/constants/socket.ts";

/** ms that one call may take before it counts as failed. */
const PATIENCE = 10_000;
/** ms after which a datagram counts as lost. */
const LOSS = 200;
/** ms between greetings, and how many are sent. */
const GREETING_INTERVAL = 100;
const GREETINGS = 50;
/** Calls that are not counted: the first ones, during which caches, compilers and slow start settle. */
const WARM_UP = 300;
/** More samples than the longest run takes. */
const MAX_TIMES = 1 << 20;

const message = new Uint8Array(MESSAGE_SIZE).fill(120);
const MESSAGE = BigInt(MESSAGE_SIZE);
const buffer = new Uint8Array(1 << 16);
const BUFFER = BigInt(buffer.length);

/** Repeats `exchange`, which returns false when it has lost something. */
function repeat(seconds: number, exchange: () => boolean) {
  for (let i = 0; i < WARM_UP; i++) exchange();
  const times = new Float64Array(MAX_TIMES);
  const start = performance.now();
  const end = start + seconds * 1000;
  let [count, lost, before] = [0, 0, start];
  while (before < end && count < MAX_TIMES) {
    const complete = exchange();
    const now = performance.now();
    if (complete) times[count++] = (now - before) * 1000;
    else lost++;
    before = now;
  }
  if (count === 0) throw new Error(`all ${lost} were lost`);
  const seen = times.subarray(0, count);
  return {
    count,
    seconds: (before - start) / 1000,
    lost,
    p50: percentile(seen, 0.5),
    p99: percentile(seen, 0.99),
  };
}

function roundTrips(address: string, seconds: number) {
  const fd = connectSocket(sockaddr(address, ECHO_PORT), SOCK_STREAM, PATIENCE);
  return repeat(seconds, () => {
    check(libc.send(fd, message, MESSAGE, MSG_NOSIGNAL), "send");
    for (let got = 0; got < MESSAGE_SIZE;) got += receiveSome(fd);
    return true;
  });
}

function calls(address: string, seconds: number) {
  const to = sockaddr(address, ANSWER_PORT);
  return repeat(seconds, () => {
    const fd = connectSocket(to, SOCK_STREAM, PATIENCE);
    check(libc.send(fd, message, MESSAGE, MSG_NOSIGNAL), "send");
    let got = 0;
    for (;;) {
      const count = check(libc.recv(fd, buffer, BUFFER, 0), "recv");
      if (count === 0) break;
      got += count;
    }
    if (got !== MESSAGE_SIZE) throw new Error(`an answer of ${got} bytes instead of ${MESSAGE_SIZE}`);
    libc.close(fd);
    return true;
  });
}

function datagramRoundTrips(address: string, seconds: number) {
  const fd = connectSocket(sockaddr(address, DATAGRAM_ECHO_PORT), SOCK_DGRAM, LOSS);
  const sent = new DataView(message.buffer);
  const received = new DataView(buffer.buffer);
  let number = 0;
  return repeat(seconds, () => {
    sent.setUint32(0, ++number);
    check(libc.send(fd, message, MESSAGE, MSG_NOSIGNAL), "send");
    do { // datagrams that counted as lost may come late
      const count = libc.recv(fd, buffer, BUFFER, 0);
      if (count < 0 && errno() === EAGAIN) return false;
      check(count, "recv");
    } while (received.getUint32(0) !== number);
    return true;
  });
}

function datagrams(address: string, request: StreamRequest) {
  const control = connectSocket(sockaddr(address, STREAM_PORT), SOCK_STREAM, 2 * PATIENCE);
  const question = new TextEncoder().encode(JSON.stringify(request));
  check(libc.send(control, question, BigInt(question.length), MSG_NOSIGNAL), "send");
  const { port } = readLine(control);
  const { direction, manner, size, seconds } = request;
  const fd = connectSocket(sockaddr(address, port!), SOCK_DGRAM, GREETING_INTERVAL);
  enlargeReceiveBuffer(fd);
  greet(fd);
  if (direction === "out") {
    setPatience(fd, ACKNOWLEDGMENT_PATIENCE);
    const sent = sendStream(fd, size, seconds, manner);
    return { ...readLine(control), sent };
  }
  setPatience(fd, SILENCE);
  return { ...receiveStream(fd, size, manner), ...readLine(control) };
}

function greet(fd: number): void {
  for (let i = 0; i < GREETINGS; i++) {
    libc.send(fd, GREETING, 1n, MSG_NOSIGNAL);
    if (libc.recv(fd, buffer, BUFFER, 0) === 1) return;
  }
  throw new Error(`no answer to ${GREETINGS} datagrams`);
}

/** The server's next line, which comes in one piece. Throws the server's error. */
function readLine(fd: number): Record<string, number> {
  let text = "";
  while (!text.endsWith("\n")) text += new TextDecoder().decode(buffer.subarray(0, receiveSome(fd)));
  const said: Record<string, number> = JSON.parse(text);
  if ("error" in said) throw new Error(`the server: ${said.error}`);
  return said;
}

function receiveSome(fd: number): number {
  const count = libc.recv(fd, buffer, BUFFER, 0);
  if (count === 0) throw new Error("the end came too early");
  if (count < 0) throw new Error(errno() === EAGAIN ? `no answer for ${PATIENCE / 1000} s` : reason(errno()));
  return count;
}

function crowd(address: string, seconds: number, count: number) {
  const crowd = new Crowd(sockaddr(address, ECHO_PORT));
  const start = performance.now();
  const opened = crowd.connect(count, seconds * 1000);
  return { ...opened, seconds: (performance.now() - start) / 1000, echoed: crowd.echo() };
}

function measure([command, address = "", seconds = "", ...more]: readonly string[]): unknown {
  switch (command) {
    case "round-trips":
      return roundTrips(address, Number(seconds));
    case "calls":
      return calls(address, Number(seconds));
    case "datagram-round-trips":
      return datagramRoundTrips(address, Number(seconds));
    case "crowd":
      return crowd(address, Number(seconds), Number(more[0]));
    case "datagrams": {
      const direction = more[0] === "in" ? "in" : "out";
      const manner = more[1] === "flood" ? "flood" : "window";
      return datagrams(address, { direction, manner, size: Number(more[2]), seconds: Number(seconds) });
    }
    default:
      throw new Error(`no such command: ${command}`);
  }
}

try {
  takeCpu(0);
  console.log(JSON.stringify(measure(Deno.args)));
  if (Deno.args[0] === "crowd") Deno.stdin.readSync(buffer);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
