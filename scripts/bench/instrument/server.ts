/**
 * The instrument's end in the world: `server.ts ADDRESS...`; prints "ready" when it listens. See protocol.ts.
 *
 * It has one thread, which waits in epoll. A stream occupies it until it ends: there is one client at a time.
 *
 * @module
 */
import { takeCpu } from "./affinity.ts";
import { Epoll } from "./epoll.ts";
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
import { bindSocket, boundPort, EAGAIN, setPatience, sockaddr } from "./sockets.ts";
import { ACKNOWLEDGMENT_PATIENCE, receiveStream, sendStream, SILENCE } from "./stream.ts";
import { EPOLLIN } from "../../../ffi/libc/constants/poll.ts";
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from "../../../ffi/libc/constants/socket.ts";

/** ms for a client that requested a stream to greet its socket. */
const GREETING_PATIENCE = 5_000;

const epoll = new Epoll();
/** Called when a descriptor is readable. */
const handlers = new Map<number, (fd: number) => void>();
const buffer = new Uint8Array(1 << 16);
const BUFFER_SIZE = BigInt(buffer.length);
const peer = new Uint8Array(28);
const peerLength = new Uint32Array(1);

takeCpu(1);
for (const address of Deno.args) {
  accepting(address, ECHO_PORT, echo);
  accepting(address, ANSWER_PORT, answer);
  accepting(address, STREAM_PORT, (fd) => serveStream(fd, address));
  watch(bindSocket(sockaddr(address, DATAGRAM_ECHO_PORT), SOCK_DGRAM | SOCK_NONBLOCK), echoDatagrams);
}
console.log("ready");
for (;;) epoll.wait(-1, (fd) => handlers.get(fd)?.(fd));

function watch(fd: number, handler: (fd: number) => void): void {
  handlers.set(fd, handler);
  epoll.add(fd, EPOLLIN);
}

function end(fd: number): void {
  handlers.delete(fd);
  libc.close(fd);
}

function accepting(address: string, port: number, handler: (fd: number) => void): void {
  watch(bindSocket(sockaddr(address, port), SOCK_STREAM | SOCK_NONBLOCK), (listener) => {
    for (;;) {
      const fd = libc.accept4(listener, null, null, 0);
      if (fd >= 0) watch(fd, handler);
      else if (errno() === EAGAIN) return;
      else throw new Error(`accept4: ${reason(errno())}`);
    }
  });
}

/** Echoes the pending bytes. Messages are short, so they always fit. */
function echo(fd: number): void {
  const count = libc.recv(fd, buffer, BUFFER_SIZE, MSG_DONTWAIT);
  if (count > 0) libc.send(fd, buffer, BigInt(count), MSG_NOSIGNAL);
  else end(fd);
}

function answer(fd: number): void {
  const count = libc.recv(fd, buffer, BUFFER_SIZE, MSG_DONTWAIT);
  if (count === MESSAGE_SIZE) libc.send(fd, buffer, BigInt(count), MSG_NOSIGNAL);
  end(fd);
}

function echoDatagrams(fd: number): void {
  for (;;) {
    peerLength[0] = peer.length;
    const count = libc.recvfrom(fd, buffer, BUFFER_SIZE, 0, peer, peerLength);
    if (count < 0) return;
    libc.sendto(fd, buffer, BigInt(count), 0, peer, peerLength[0]);
  }
}

function serveStream(control: number, address: string): void {
  const count = libc.recv(control, buffer, BUFFER_SIZE, MSG_DONTWAIT);
  if (count <= 0) return end(control);
  const request: StreamRequest = JSON.parse(new TextDecoder().decode(buffer.subarray(0, count)));
  const fd = bindSocket(sockaddr(address, 0), SOCK_DGRAM);
  try {
    say(control, { port: boundPort(fd) });
    awaitGreeting(fd);
    const { direction, manner, size, seconds } = request;
    if (direction === "out") {
      setPatience(fd, SILENCE);
      say(control, receiveStream(fd, size, manner));
    } else {
      setPatience(fd, ACKNOWLEDGMENT_PATIENCE);
      say(control, { sent: sendStream(fd, size, seconds, manner) });
    }
  } catch (error) {
    say(control, { error: String(error) });
  } finally {
    libc.close(fd);
  }
}

function awaitGreeting(fd: number): void {
  setPatience(fd, GREETING_PATIENCE);
  peerLength[0] = peer.length;
  check(libc.recvfrom(fd, buffer, BUFFER_SIZE, 0, peer, peerLength), "recvfrom, waiting for a greeting");
  check(libc.connect(fd, peer, peerLength[0]), "connect");
  libc.send(fd, GREETING, 1n, MSG_NOSIGNAL);
}

function say(fd: number, what: unknown): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(what)}\n`);
  libc.send(fd, bytes, BigInt(bytes.length), MSG_NOSIGNAL);
}
