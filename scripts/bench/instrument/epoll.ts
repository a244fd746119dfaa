/**
 * epoll(7) for the instrument: level-triggered, by descriptor.
 *
 * @module
 */
import { check, libc } from "./libc.ts";

// linux/eventpoll.h
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 1;
export const EPOLLOUT = 4;

/** `struct epoll_event` is packed on x86-64 alone: events (32), data (64). */
const [EVENT_SIZE, DATA] = Deno.build.arch === "x86_64" ? [12, 4] : [16, 8];

/** The most events taken in one call. */
const BATCH = 256;

/** A set of watched descriptors. */
export class Epoll {
  private readonly fd = check(libc.epoll_create1(0), "epoll_create1");
  private readonly events = new Uint8Array(EVENT_SIZE * BATCH);
  private readonly view = new DataView(this.events.buffer);
  private readonly change = new Uint8Array(EVENT_SIZE);
  private readonly changeView = new DataView(this.change.buffer);

  /** Watches a descriptor. */
  add(fd: number, events: number): void {
    this.control(EPOLL_CTL_ADD, fd, events);
  }

  /** Changes the events to watch for. */
  modify(fd: number, events: number): void {
    this.control(EPOLL_CTL_MOD, fd, events);
  }

  /** Stops watching it. Closing the descriptor does the same. */
  remove(fd: number): void {
    this.control(EPOLL_CTL_DEL, fd, 0);
  }

  /** Waits `timeout` ms (-1: without limit), calls back for each ready descriptor, and returns how many there were. */
  wait(timeout: number, ready: (fd: number, events: number) => void): number {
    const count = check(libc.epoll_wait(this.fd, this.events, BATCH, timeout), "epoll_wait");
    for (let i = 0; i < count; i++) {
      ready(this.view.getInt32(i * EVENT_SIZE + DATA, true), this.view.getUint32(i * EVENT_SIZE, true));
    }
    return count;
  }

  /** Closes it. */
  close(): void {
    libc.close(this.fd);
  }

  private control(operation: number, fd: number, events: number): void {
    this.changeView.setUint32(0, events, true);
    this.changeView.setInt32(DATA, fd, true);
    check(libc.epoll_ctl(this.fd, operation, fd, this.change), "epoll_ctl");
  }
}
