/**
 * The C library: all foreign functions of this program, and errno.
 *
 * The choice of types: a frequent call costs the system call and 0.1 µs, as long as V8 can call the function directly.
 * It can for `i32`, `pointer` and `buffer`, and for `usize` only with a BigInt (a Number costs another 0.13 µs). So
 * results are `i32` throughout: all of them fit (`ssize_t` of the program's reads and writes is at most 1 MiB), and -1
 * stays -1. Sizes are `usize`, because the upper half of a register that is loaded as `i32` is undefined; on a hot path
 * the caller passes a BigInt constant made once.
 *
 * There are two tables, because a function that V8 can call directly takes 0.07 ms to prepare, and as long again for each
 * `buffer`: the runtime compiles machine code for it. That pays for functions that are called often. The others are called
 * through their addresses, which takes 0.01 ms to prepare and 1 µs more for each call. All are prepared at once, because
 * the sandbox may close at any time after that.
 *
 * errno belongs to the thread, and so does the view of it. {@linkcode errno} is a load from memory, and the runtime
 * can't make a system call between a failed call and the load that follows it.
 *
 * The library is opened at the first call of {@linkcode libc}, so that `-h` and `-version`, which need no system call,
 * need no permission for it. A test that uses these functions calls `libc()` before its tests start, because the
 * library stays open until the process ends.
 *
 * A function that is added here also needs a line in sandbox/libc_calls.ts with the system calls that it makes.
 *
 * @module
 */

/** Called for each frame, segment, datagram, connection or wait. */
const FREQUENT = {
  close: { parameters: ["i32"], result: "i32" },
  /** Reads into memory at an address (`pointerInto` in memory.ts). */
  read: { parameters: ["i32", "pointer", "usize"], result: "i32" },
  writev: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  /** Takes the address of a `struct msghdr`, which has the lengths (message.ts). */
  sendmsg: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "pointer", "u32", "i32", "pointer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  /** poll(2) in a thread of the runtime's pool, whose errno can't be read. */
  pollLater: { name: "poll", parameters: ["pointer", "usize", "i32"], result: "i32", nonblocking: true },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "pointer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
  /** Null in older C libraries (glibc before 2.35). */
  epoll_pwait2: { parameters: ["i32", "pointer", "i32", "pointer", "pointer"], result: "i32", optional: true },
} as const satisfies Functions;

/** Called at the start, at the end, or occasionally. */
const SELDOM = {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  readBuffer: { name: "read", parameters: ["i32", "buffer", "usize"], result: "i32" },
  writeBuffer: { name: "write", parameters: ["i32", "buffer", "usize"], result: "i32" },
  ioctl: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  /** ioctl(2) with a number instead of an address as its argument. */
  ioctlValue: { name: "ioctl", parameters: ["i32", "usize", "usize"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  /** Only in glibc; null with musl. */
  malloc_trim: { parameters: ["usize"], result: "i32", optional: true },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  inotify_init1: { parameters: ["i32"], result: "i32" },
  inotify_add_watch: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  unshare: { parameters: ["i32"], result: "i32" },
  mount: { parameters: ["buffer", "buffer", "buffer", "usize", "buffer"], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  chdir: { parameters: ["buffer"], result: "i32" },
  access: { parameters: ["buffer", "i32"], result: "i32" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  getenv: { parameters: ["buffer"], result: "pointer" },
  getppid: { parameters: [], result: "i32" },
  getpgrp: { parameters: [], result: "i32" },
  geteuid: { parameters: [], result: "u32" },
  getegid: { parameters: [], result: "u32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  /** With SIG_DFL (0) or SIG_IGN (1) only. */
  signal: { parameters: ["i32", "usize"], result: "pointer" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  tcgetpgrp: { parameters: ["i32"], result: "i32" },
  tcsetpgrp: { parameters: ["i32", "i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  /** The functions of posix_spawn(3) return the errno and leave errno unchanged. */
  posix_spawnp: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "pointer"], result: "i32" },
  posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_adddup2: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
  posix_spawnattr_setpgroup: { parameters: ["buffer", "i32"], result: "i32" },
  posix_spawnattr_setsigdefault: { parameters: ["buffer", "buffer"], result: "i32" },
  posix_spawnattr_destroy: { parameters: ["buffer"], result: "i32" },
  /** The last argument is the function's. It must be given a stack, and is not to return. */
  clone: { parameters: ["pointer", "pointer", "i32", "pointer"], result: "i32" },
  /** Only in glibc; null with musl. */
  getcontext: { parameters: ["pointer"], result: "i32", optional: true },
  makecontext: {
    parameters: ["pointer", "pointer", "i32", "usize", "usize", "usize"],
    result: "void",
    optional: true,
  },
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  /** With glibc and musl, these three change all threads at once (nptl(7), "NPTL and credential changes"). */
  setgroups: { parameters: ["usize", "buffer"], result: "i32" },
  setresgid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  /** These four affect the calling thread. The two setfs*id return the previous id, whether it changed or not. */
  setfsuid: { parameters: ["u32"], result: "u32" },
  setfsgid: { parameters: ["u32"], result: "u32" },
  capget: { parameters: ["buffer", "buffer"], result: "i32" },
  capset: { parameters: ["buffer", "buffer"], result: "i32" },
  getpwnam_r: { parameters: ["buffer", "buffer", "buffer", "usize", "buffer"], result: "i32" },
  getpwuid_r: { parameters: ["u32", "buffer", "buffer", "usize", "buffer"], result: "i32" },
  getgrnam_r: { parameters: ["buffer", "buffer", "buffer", "usize", "buffer"], result: "i32" },
  getgrouplist: { parameters: ["buffer", "u32", "buffer", "buffer"], result: "i32" },
  /** syscall(2), for calls that the C libraries have no function for and whose first argument is an address. */
  syscallFirst: { name: "syscall", parameters: ["usize", "buffer", "usize", "usize"], result: "i32" },
  /** The same for calls whose third argument is an address. */
  syscallThird: { name: "syscall", parameters: ["usize", "usize", "usize", "buffer", "usize"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
} as const satisfies Functions;

/** The variable of the environment, and a function that only this module calls. */
const OTHERS = {
  /** The address of the variable that holds the environment, `char **`. */
  environ: { type: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** A table by the names that callers use. `name` in a row is the C library's name, if it differs. */
type Functions = Readonly<Record<string, Deno.ForeignFunction>>;

/** The callable functions of a table. An optional one may be null. */
type Called<Table extends Functions> = {
  readonly [Name in keyof Table]: Table[Name] extends { optional: true } ? Call<Table[Name]> | null : Call<Table[Name]>;
};
type Call<Definition extends Deno.ForeignFunction> = Deno.UnsafeFnPointer<Definition>["call"];

/** The functions of the tables. Unless a comment there says otherwise, a failed call returns -1 and sets errno. */
export type Libc = Called<typeof FREQUENT> & Called<typeof SELDOM> & Pick<Symbols, "environ">;

type Symbols = Deno.DynamicLibrary<typeof FREQUENT & typeof OTHERS>["symbols"];

/** The file names of glibc and musl. */
const NAMES: readonly string[] = [
  "libc.so.6",
  "libc.so",
  `libc.musl-${Deno.build.arch}.so.1`,
];

let opened: Libc | undefined;
let library = "";
let errnoView: Int32Array = new Int32Array(1);

/** The C library's functions. The first call opens it; throws if there is none or `--allow-ffi` is missing. */
export function libc(): Libc {
  return opened ??= open();
}

/** The address of a C function; null if there is none of that name. */
export function addressOf(name: string): Deno.PointerObject | null {
  libc();
  return Deno.dlopen(library, { [name]: { type: "pointer", optional: true } }).symbols[name];
}

/** The errno of this thread's last failed call. It must be read at once, before any other call. */
export function errno(): number {
  return errnoView[0];
}

/** `text` as a C string, for a `buffer` parameter. Throws a TypeError if it contains a NUL. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError(`a NUL in ${JSON.stringify(text)}`);
  return new TextEncoder().encode(`${text}\0`);
}

function open(): Libc {
  const reasons: string[] = [];
  for (const name of NAMES) {
    try {
      const { __errno_location, ...frequent } = Deno.dlopen(name, { ...FREQUENT, ...OTHERS }).symbols;
      const location = __errno_location();
      if (location === null) throw new Error("__errno_location() gave nothing");
      library = name;
      errnoView = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));
      return { ...frequent, ...byAddress(name, SELDOM) };
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`the C library can't be opened: ${reasons.join("; ")}`);
}

/** The functions of a table, each called through its address. Throws if one that is not optional is missing. */
function byAddress<Table extends Functions>(library: string, table: Table): Called<Table> {
  const rows = Object.entries(table);
  const variables = rows.map(([row, { name = row, optional = false }]) => {
    return [row, { type: "pointer", name, optional }] as const;
  });
  const { symbols } = Deno.dlopen(library, Object.fromEntries(variables));
  const functions = rows.map(([row, definition]) => {
    const address = symbols[row];
    return [row, address === null ? null : callable(address, definition)];
  });
  return Object.fromEntries(functions) as Called<Table>; // `fromEntries` does not keep the type of each entry
}

function callable<Definition extends Deno.ForeignFunction>(address: Deno.PointerObject, definition: Definition) {
  const pointer = new Deno.UnsafeFnPointer(address as Deno.PointerObject<Definition>, definition);
  return pointer.call.bind(pointer);
}
