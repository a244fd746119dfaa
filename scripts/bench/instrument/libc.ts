/**
 * System calls for the measuring instrument: blocking, on its only thread, through a table of its own.
 *
 * The instrument must be cheap, and equally cheap for every program. A blocking send(2) and recv(2) through Deno's FFI
 * cost the system call and 0.1 µs; Deno's own sockets would add some 20 µs to each round trip, and Python half a
 * microsecond to each call and memory management to each datagram. It shares nothing with `ffi/`: a change of the
 * program must not move the yardstick.
 *
 * @module
 */

const TABLE = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  recvfrom: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "i32" },
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "pointer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  inet_pton: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  sched_getaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The C library's functions. A failed one returns -1; {@linkcode errno} has the reason. */
export const libc = open();

const errnoView: Int32Array<ArrayBuffer> = viewOfErrno();

/** The errno of the last call. */
export function errno(): number {
  return errnoView[0];
}

/** Returns the result of a call, or throws an Error with its name and the system's reason. */
export function check(result: number, call: string): number {
  if (result < 0) throw new Error(`${call}: ${reason(errno())}`);
  return result;
}

/** The strerror(3) text of an errno. */
export function reason(number: number): string {
  const text = libc.strerror(number);
  return text === null ? `error ${number}` : Deno.UnsafePointerView.getCString(text);
}

function open() {
  // glibc and musl, by their sonames
  for (const name of ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`]) {
    try {
      return Deno.dlopen(name, TABLE).symbols;
    } catch (error) {
      if (!(error instanceof Error && /cannot open shared object|No such file/.test(error.message))) throw error;
    }
  }
  throw new Error("the C library was not found: neither libc.so.6 nor musl's");
}

function viewOfErrno(): Int32Array<ArrayBuffer> {
  const location = libc.__errno_location();
  if (location === null) throw new Error("__errno_location returned NULL");
  return new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));
}
