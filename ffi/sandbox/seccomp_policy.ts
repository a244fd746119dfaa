/**
 * The system calls that the program may make once it serves, in groups, each with the reason why it is needed or
 * harmless. A call that is in no group fails with EPERM.
 *
 * Refused, because neither the runtime nor the program needs them: new processes and programs (fork, execve), tracing
 * (ptrace, process_vm_writev), namespaces and mounts, credentials, modules, BPF, keyrings, performance counters,
 * io_uring, userfaultfd, sockets of families other than IP, writing to any file that is not open yet, and signals to
 * unrelated processes.
 *
 * The list was found by strace(1) over the end-to-end tests with Deno 2.9, on x86_64 and glibc. Then other calls of the
 * same groups were added, which runtimes, musl and older kernels use for the same purpose. The tests also run in the
 * sandbox, with Deno 2.9 and as an executable of 2.7. A missing call breaks something at a bad moment, so a group is
 * wide where its calls give no power that another of them doesn't give.
 *
 * libc_calls.ts says which of these each C function makes.
 *
 * @module
 */
import { EACCES, EAFNOSUPPORT, EINVAL, ENOSYS, EPERM } from "../libc/errors.ts";
import {
  __O_TMPFILE,
  F_ADD_SEALS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETLK,
  F_GETPIPE_SZ,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_SETFD,
  F_SETFL,
  F_SETLK,
  F_SETLKW,
  F_SETPIPE_SZ,
  O_ACCMODE,
  O_APPEND,
  O_CREAT,
  O_TRUNC,
} from "../libc/constants/file.ts";
import {
  FIOCLEX,
  FIONBIO,
  FIONCLEX,
  FIONREAD,
  TCGETS,
  TIOCGPGRP,
  TIOCGWINSZ,
  TIOCOUTQ,
  TIOCSPGRP,
  TUNSETOFFLOAD,
} from "../libc/constants/ioctl.ts";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_THREAD,
  PR_GET_DUMPABLE,
  PR_GET_NAME,
  PR_GET_NO_NEW_PRIVS,
  PR_SET_NAME,
  PR_SET_PDEATHSIG,
  PR_SET_TIMERSLACK,
  PR_SET_VMA,
} from "../libc/constants/process.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV6_ADDR_PREFERENCES,
  IPV6_AUTOFLOWLABEL,
  IPV6_MINHOPCOUNT,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_UNICAST_IF,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  SOL_RAW,
  SOL_SOCKET,
} from "../libc/constants/socket.ts";
import type { ArgumentIs, FilterRule } from "./bpf.ts";
import { type Architecture, type SyscallName, SYSCALLS } from "./syscalls.ts";

/** The needs that differ between runs of the program. */
export interface SeccompNeeds {
  /** The program's own process id: the only process whose threads may be signalled. */
  readonly pid: number;
  /** Processes that signals may be sent to: the parent, and children started earlier. Others: EPERM. */
  readonly signals: readonly number[];
  /** Raw sockets for ICMP, for pings that are not possible otherwise. */
  readonly rawIcmp: boolean;
  /** Removing files: its own Unix socket, at the end. Landlock or file permissions limit the folder. */
  readonly removesFiles: boolean;
}

type Group = readonly SyscallName[];

/** Calls made for every frame. The filter compares these first. */
const FREQUENT: Group = [
  ...["read", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg", "recvmmsg", "sendmmsg", "write", "readv"] as const,
  ...["epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "poll", "ppoll", "futex", "clock_gettime"] as const,
];

/** Existing sockets. Making them and setting options are {@linkcode conditional}. */
const SOCKETS: Group = [
  ...["connect", "accept", "accept4", "bind", "listen", "shutdown", "getsockname", "getpeername"] as const,
  ...["getsockopt", "socketpair"] as const,
];

/** Waiting, waking up and timers, for event loops. */
const EVENTS: Group = [
  ...["epoll_create", "epoll_create1", "eventfd", "eventfd2", "pipe", "pipe2", "select", "pselect6"] as const,
  ...["timerfd_create", "timerfd_settime", "timerfd_gettime", "clock_getres", "clock_nanosleep", "nanosleep"] as const,
  ...["gettimeofday", "time", "times", "getrusage"] as const,
];

/** Memory: V8's heap, its code (which it writes and runs, so execution can't be refused), and malloc. */
const MEMORY: Group = [
  ...["mmap", "munmap", "mprotect", "madvise", "mremap", "brk", "mincore", "msync", "mlock", "munlock"] as const,
  ...["mlock2", "membarrier", "memfd_create", "pkey_alloc", "pkey_free", "pkey_mprotect"] as const,
];

/** Existing threads: their start, scheduling and end. Making them is {@linkcode conditional}. */
const THREADS: Group = [
  ...["exit", "exit_group", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "gettid"] as const,
  ...["sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler"] as const,
  ...[
    "sched_setscheduler",
    "sched_getattr",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "getpriority",
  ] as const,
  ...["setpriority", "getcpu", "restart_syscall", "arch_prctl", "futex_waitv"] as const,
];

/** Signal handlers (Deno's for SIGTERM, Rust's for stack overflows), and waiting for children started earlier. */
const SIGNALS: Group = [
  ...["rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "rt_sigtimedwait", "rt_sigpending"] as const,
  ...["rt_sigsuspend", "wait4", "waitid"] as const,
];

/** Open files, and information about others. Opening a file is {@linkcode conditional}, and restricted by Landlock. */
const FILES: Group = [
  ...["close", "close_range", "dup", "dup2", "dup3", "lseek", "pread64", "pwrite64", "preadv"] as const,
  ...["pwritev", "preadv2", "pwritev2", "fstat", "stat", "lstat", "newfstatat", "statx", "access"] as const,
  ...["faccessat", "faccessat2", "readlink", "readlinkat", "getcwd", "getdents64", "statfs", "fstatfs"] as const,
  ...["fadvise64", "fsync", "fdatasync", "ftruncate", "flock", "umask"] as const,
];

/** Questions about the process and the machine, resource limits among them. */
const QUESTIONS: Group = [
  ...["getpid", "getppid", "getpgrp", "getpgid", "getsid", "getuid", "geteuid", "getgid", "getegid"] as const,
  ...["getresuid", "getresgid", "getgroups", "uname", "sysinfo", "getrlimit", "capget", "getrandom"] as const,
];

/** Calls that are allowed whatever their arguments. */
export const UNCONDITIONAL: readonly SyscallName[] = [
  ...[...FREQUENT, ...SOCKETS, ...EVENTS, ...MEMORY, ...THREADS, ...SIGNALS, ...FILES, ...QUESTIONS],
];

/** A call that is allowed only with some arguments. */
export interface Conditional {
  readonly call: SyscallName;
  readonly when: readonly (readonly ArgumentIs[])[];
  readonly errno: number;
}

/** Every flag of open(2) with which a file is written, created or changed. */
const ANY_WRITING = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | __O_TMPFILE;

const ANY_CLONE_NEW = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
  CLONE_NEWNET;

/** linux/net.h, SOCK_TYPE_MASK: the other bits of a socket's type are flags (SOCK_NONBLOCK, SOCK_CLOEXEC). */
const SOCKET_TYPE = 0xf;

/**
 * Questions about terminals, flags and fill levels of descriptors, and the offloads of the guest's device, which are
 * turned off at the end. Not TIOCSTI, with which a program types into the terminal that it was started from.
 */
const IOCTLS = [
  TIOCGPGRP,
  TIOCSPGRP,
  TCGETS,
  TIOCGWINSZ,
  FIONBIO,
  FIONREAD,
  FIOCLEX,
  FIONCLEX,
  TIOCOUTQ,
  TUNSETOFFLOAD,
].map(Number);

/**
 * Duplicates, flags, locks, the size of a pipe, and the seals of a memfd. Not F_SETOWN and F_SETSIG, which let a
 * descriptor send signals to other processes.
 */
const FCNTLS = [
  F_DUPFD,
  F_GETFD,
  F_SETFD,
  F_GETFL,
  F_SETFL,
  F_GETLK,
  F_SETLK,
  F_SETLKW,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_DUPFD_CLOEXEC,
  F_SETPIPE_SZ,
  F_GETPIPE_SZ,
  F_ADD_SEALS,
  F_GET_SEALS,
];

/**
 * The signal at the parent's death (PR_SET_PDEATHSIG), the names of threads, and V8's names for its memory
 * (PR_SET_VMA), among others. Not PR_SET_DUMPABLE and PR_SET_PTRACER, which would let other processes trace this one,
 * nor PR_SET_MM.
 */
const PRCTLS = [
  PR_SET_PDEATHSIG,
  PR_GET_DUMPABLE,
  PR_SET_NAME,
  PR_GET_NAME,
  PR_SET_TIMERSLACK,
  PR_GET_NO_NEW_PRIVS,
  PR_SET_VMA,
];

/**
 * Options of setsockopt(2) at the IP levels. Those up to 63 concern the socket; IPv6 has a few more of these from 64
 * on. The others from 64 on change the host's firewall (IPT_SO_SET_REPLACE of linux/netfilter_ipv4/ip_tables.h and the
 * like).
 */
const ABOVE_63 = 0xffff_ffc0;
const MORE_IPV6_OPTIONS = [
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_AUTOFLOWLABEL,
  IPV6_ADDR_PREFERENCES,
  IPV6_MINHOPCOUNT,
  IPV6_UNICAST_IF,
];

/** The calls that are allowed only with some arguments, which depend on the program's needs. */
export function conditional({ pid, signals, rawIcmp, removesFiles }: SeccompNeeds): readonly Conditional[] {
  const reading = (argument: number): Conditional["when"] => [[{ argument, mask: ANY_WRITING, values: [0] }]];
  const always: Conditional["when"] = [[]];
  return [
    { call: "socket", when: socketKinds(rawIcmp), errno: EAFNOSUPPORT },
    {
      call: "setsockopt",
      when: [
        [{ argument: 1, values: [SOL_SOCKET, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6, SOL_RAW] }],
        [{ argument: 1, values: [IPPROTO_IP, IPPROTO_IPV6] }, { argument: 2, mask: ABOVE_63, values: [0] }],
        [{ argument: 1, values: [IPPROTO_IPV6] }, { argument: 2, values: MORE_IPV6_OPTIONS }],
      ],
      errno: EPERM,
    },
    { call: "ioctl", when: [[{ argument: 1, values: IOCTLS }]], errno: EACCES },
    { call: "fcntl", when: [[{ argument: 1, values: FCNTLS }]], errno: EINVAL },
    // Threads are made by clone(2). clone3(2) has its flags in memory, which a filter can't read; without it both glibc
    // and musl fall back to clone(2).
    {
      call: "clone",
      when: [[{ argument: 0, mask: CLONE_THREAD | ANY_CLONE_NEW, values: [CLONE_THREAD] }]],
      errno: EPERM,
    },
    { call: "clone3", when: [], errno: ENOSYS },
    { call: "open", when: reading(1), errno: EACCES },
    { call: "openat", when: reading(2), errno: EACCES },
    { call: "openat2", when: [], errno: ENOSYS }, // flags in memory, too
    { call: "unlink", when: removesFiles ? always : [], errno: EACCES },
    { call: "unlinkat", when: removesFiles ? always : [], errno: EACCES },
    // signal 0 only checks whether there is such a process
    {
      call: "kill",
      when: [[{ argument: 0, values: [pid, ...signals] }], [{ argument: 1, values: [0] }]],
      errno: EPERM,
    },
    { call: "tgkill", when: [[{ argument: 0, values: [pid] }]], errno: EPERM }, // abort(3), pthread_kill(3)
    { call: "prctl", when: [[{ argument: 0, values: PRCTLS }]], errno: EINVAL },
    // Its own limits, for getrlimit(3) and setrlimit(3).
    { call: "prlimit64", when: [[{ argument: 0, values: [0, pid] }]], errno: EPERM },
    // Runtimes try it, and do without it where it fails.
    { call: "io_uring_setup", when: [], errno: ENOSYS },
  ];
}

/**
 * The families, types and protocols of sockets. Netlink is refused: getaddrinfo(3) would ask it for the host's
 * addresses, and assumes both IP versions if it can't. Unix is refused as well: a program that runs as root could reach
 * the sockets of the host's services (a container engine, D-Bus). Name lookups over such sockets (nscd,
 * systemd-resolved, Avahi) fail, and glibc goes on to the next entry of nsswitch.conf. The metrics socket, which
 * listens already, is not affected.
 */
function socketKinds(rawIcmp: boolean): Conditional["when"] {
  const family = (...values: number[]): ArgumentIs => ({ argument: 0, values });
  const type = (...values: number[]): ArgumentIs => ({ argument: 1, mask: SOCKET_TYPE, values });
  const protocol = (...values: number[]): ArgumentIs => ({ argument: 2, values });
  const ip = family(AF_INET, AF_INET6);
  const kinds = [
    [ip, type(SOCK_STREAM, SOCK_DGRAM), protocol(0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6)],
  ];
  return rawIcmp ? [...kinds, [ip, type(SOCK_RAW), protocol(IPPROTO_ICMP, IPPROTO_ICMPV6)]] : kinds;
}

/** All rules for an architecture. A call that the architecture lacks gets no rule. */
export function rulesFor(architecture: Architecture, needs: SeccompNeeds): readonly FilterRule[] {
  const rules: FilterRule[] = [];
  const add = (call: SyscallName, rule: Omit<FilterRule, "number">) => {
    const number = SYSCALLS[call][architecture];
    if (number !== null) rules.push({ number, ...rule });
  };
  for (const call of FREQUENT) add(call, { errno: EPERM });
  for (const { call, when, errno } of conditional(needs)) add(call, { when, errno });
  for (const call of UNCONDITIONAL.slice(FREQUENT.length)) add(call, { errno: EPERM });
  return rules;
}
