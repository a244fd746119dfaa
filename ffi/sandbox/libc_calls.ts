/**
 * The system calls behind each C function that the program calls. The type check fails for a function of
 * ffi/libc/libc.ts that has no line here, and a test fails for a line whose system calls the filter refuses.
 *
 * @module
 */
import type { Libc } from "../libc/libc.ts";
import type { SyscallName } from "./syscalls.ts";

/** For a function that is called only before the filter is installed. */
const BEFORE: readonly SyscallName[] = [];
/** For a function, or a variable, that makes no system call. */
const NONE: readonly SyscallName[] = [];

/**
 * For each function of ffi/libc/libc.ts the system calls that it makes once the filter is installed, in any of the C
 * libraries.
 */
export const LIBC_CALLS = {
  open: ["open", "openat"],
  close: ["close"],
  read: ["read"],
  writev: ["writev"],
  readBuffer: ["read"],
  writeBuffer: ["write"],
  ioctl: ["ioctl"],
  ioctlValue: ["ioctl"],
  socket: ["socket"],
  connect: ["connect"],
  bind: ["bind"],
  listen: ["listen"],
  accept4: ["accept4"],
  shutdown: ["shutdown"],
  sendmsg: ["sendmsg"],
  recvmsg: ["recvmsg"],
  recvmmsg: ["recvmmsg"],
  getsockname: ["getsockname"],
  getpeername: ["getpeername"],
  getsockopt: ["getsockopt"],
  setsockopt: ["setsockopt"],
  fcntl: ["fcntl"],
  ftruncate: ["ftruncate"],
  poll: ["poll", "ppoll"],
  pollLater: ["poll", "ppoll"],
  inotify_init1: BEFORE,
  inotify_add_watch: BEFORE,
  unshare: BEFORE,
  mount: BEFORE,
  umount2: BEFORE,
  mkdir: BEFORE,
  chdir: BEFORE,
  access: BEFORE,
  readlink: ["readlink", "readlinkat"],
  getenv: NONE,
  environ: NONE,
  getpgrp: ["getpgrp", "getpgid"],
  geteuid: ["geteuid"],
  getegid: ["getegid"],
  signal: ["rt_sigaction"],
  waitpid: ["wait4"],
  tcgetpgrp: ["ioctl"],
  tcsetpgrp: ["ioctl"],
  if_nametoindex: BEFORE,
  pipe2: ["pipe2"],
  socketpair: ["socketpair"],
  posix_spawnp: BEFORE,
  posix_spawn_file_actions_init: NONE,
  posix_spawn_file_actions_adddup2: NONE,
  posix_spawn_file_actions_destroy: NONE,
  posix_spawnattr_init: NONE,
  posix_spawnattr_setflags: NONE,
  posix_spawnattr_setpgroup: NONE,
  posix_spawnattr_setsigdefault: NONE,
  posix_spawnattr_destroy: NONE,
  epoll_create1: ["epoll_create1"],
  epoll_ctl: ["epoll_ctl"],
  epoll_wait: ["epoll_wait", "epoll_pwait"],
  epoll_pwait2: ["epoll_pwait2"],
  malloc_trim: ["madvise", "brk", "mmap", "munmap", "futex"],
  eventfd: ["eventfd2"],
  setns: BEFORE,
  getppid: ["getppid"],
  kill: ["kill"],
  clone: BEFORE,
  getcontext: BEFORE,
  makecontext: BEFORE,
  prctl: ["prctl"],
  getrlimit: ["prlimit64", "getrlimit"],
  setrlimit: BEFORE,
  setgroups: BEFORE,
  setresgid: BEFORE,
  setresuid: BEFORE,
  setfsuid: BEFORE,
  setfsgid: BEFORE,
  capget: BEFORE,
  capset: BEFORE,
  getpwnam_r: BEFORE,
  getpwuid_r: BEFORE,
  getgrnam_r: BEFORE,
  getgrouplist: BEFORE,
  syscallFirst: BEFORE,
  syscallThird: BEFORE,
  strerror: NONE,
} as const satisfies Record<keyof Libc, readonly SyscallName[]>;
