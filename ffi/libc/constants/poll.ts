/**
 * Numbers of poll(2) and epoll(7), from the kernel's headers; the same on x86-64 and arm64.
 *
 * @module
 */

// poll.h
export const POLLIN = 0x001;
export const POLLOUT = 0x004;
export const POLLNVAL = 0x020;
/** `struct pollfd`: the descriptor (32 bits), the events asked for (16 bits), the events found (16 bits). */
export const POLLFD_SIZE = 8;

// linux/eventpoll.h
/** There are data to read. */
export const EPOLLIN = 0x001;
/** There is urgent data. */
export const EPOLLPRI = 0x002;
/** There is room to write. */
export const EPOLLOUT = 0x004;
/** An error is pending on the descriptor. */
export const EPOLLERR = 0x008;
/** The other side has closed. */
export const EPOLLHUP = 0x010;
/** The other side has ended its direction. */
export const EPOLLRDHUP = 0x2000;
/** Report one event, and then nothing until the next EPOLL_CTL_MOD. */
export const EPOLLONESHOT: number = 1 << 30;
/** Report changes, not states. */
export const EPOLLET: number = 1 << 31;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
