/**
 * Many connections at once to the echo port, for the instrument's client.
 *
 * @module
 */
import { Epoll } from "./epoll.ts";
import { errno, libc, reason } from "./libc.ts";
import { connectResult, EINPROGRESS, openSocket } from "./sockets.ts";
import { EPOLLIN, EPOLLOUT } from "../../../ffi/libc/constants/poll.ts";
import { MSG_NOSIGNAL, SOCK_NONBLOCK, SOCK_STREAM } from "../../../ffi/libc/constants/socket.ts";

/** The most connections being opened, and echoes awaited, at a time: like a busy server's, unlike a SYN flood. */
const AT_ONCE = 256;

/** ms without progress after which the rest is given up. */
const PATIENCE = 5_000;

/** The connections of one client. */
export class Crowd {
  private readonly open: number[] = [];
  private readonly epoll = new Epoll();

  constructor(private readonly address: Uint8Array<ArrayBuffer>) {}

  /**
   * Opens that many connections, for at most `limit` ms. Returns the number open, and the first reason for a failure.
   */
  connect(count: number, limit: number): { readonly open: number; readonly reason: string | null } {
    const end = performance.now() + limit;
    let [started, underWay] = [0, 0];
    let failure: string | null = null;
    const settle = (fd: number) => {
      underWay--;
      const result = connectResult(fd);
      if (result !== 0) {
        failure ??= reason(result);
        libc.close(fd);
        return;
      }
      this.epoll.modify(fd, EPOLLIN);
      this.open.push(fd);
    };
    while (started < count || underWay > 0) {
      while (started < count && underWay < AT_ONCE) {
        const fd = openSocket(this.address, SOCK_STREAM | SOCK_NONBLOCK);
        if (libc.connect(fd, this.address, this.address.length) < 0 && errno() !== EINPROGRESS) {
          throw new Error(`connect: ${reason(errno())}`);
        }
        this.epoll.add(fd, EPOLLOUT);
        started++;
        underWay++;
      }
      if (this.epoll.wait(PATIENCE, settle) === 0 || performance.now() > end) break;
    }
    if (underWay > 0) failure ??= `${underWay} had no answer`;
    return { open: this.open.length, reason: failure };
  }

  /** Sends a different message on each and awaits its echo. Returns how many came back complete and unchanged. */
  echo(): number {
    let [echoed, sent, underWay] = [0, 0, 0];
    const message = new Uint8Array(8);
    const text = new DataView(message.buffer);
    const answer = new Uint8Array(64);
    const answered = new DataView(answer.buffer);
    const receive = (fd: number) => {
      underWay--;
      const count = libc.recv(fd, answer, BigInt(answer.length), 0);
      if (count === message.length && answered.getUint32(0) === fd && answered.getUint32(4) === ~fd >>> 0) echoed++;
      else if (count <= 0) this.epoll.remove(fd);
    };
    while (sent < this.open.length || underWay > 0) {
      while (sent < this.open.length && underWay < AT_ONCE) {
        const fd = this.open[sent++];
        text.setUint32(0, fd);
        text.setUint32(4, ~fd);
        if (libc.send(fd, message, BigInt(message.length), MSG_NOSIGNAL) === message.length) underWay++;
      }
      if (underWay > 0 && this.epoll.wait(PATIENCE, receive) === 0) break;
    }
    return echoed;
  }
}
