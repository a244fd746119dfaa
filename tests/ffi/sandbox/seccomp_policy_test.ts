import { EACCES, EAFNOSUPPORT, EINVAL, ENOSYS, EPERM } from "../../../ffi/libc/errors.ts";
import { assemble } from "../../../ffi/sandbox/bpf.ts";
import { LIBC_CALLS } from "../../../ffi/sandbox/libc_calls.ts";
import { conditional, rulesFor, type SeccompNeeds, UNCONDITIONAL } from "../../../ffi/sandbox/seccomp_policy.ts";
import {
  type Architecture,
  AUDIT_ARCHITECTURE,
  LAST_SYSCALL,
  type SyscallName,
  SYSCALLS,
} from "../../../ffi/sandbox/syscalls.ts";
import { assert, assertEquals } from "../../assert.ts";
import { needsFile } from "../../e2e/bed/installed.ts";
import { run } from "./machine.ts";

const NEEDS: SeccompNeeds = { pid: 1000, signals: [999], rawIcmp: false, removesFiles: false };
const ARCHITECTURES: readonly Architecture[] = ["x86_64", "aarch64"];

/** The filter's answer to a call, which must be the same on each architecture. */
function answer(call: SyscallName, args: readonly number[] = [], needs: Partial<SeccompNeeds> = {}): number {
  const answers = ARCHITECTURES.flatMap((architecture) => {
    const number = SYSCALLS[call][architecture];
    if (number === null) return [];
    return [byNumber(architecture, number, args, needs)];
  });
  assertEquals(new Set(answers).size, 1, call);
  return answers[0];
}

function byNumber(arch: Architecture, number: number, args: readonly number[] = [], needs: Partial<SeccompNeeds> = {}) {
  const architecture = AUDIT_ARCHITECTURE[arch];
  const program = assemble(architecture, LAST_SYSCALL, rulesFor(arch, { ...NEEDS, ...needs }));
  return run(program, { number, architecture, args });
}

Deno.test("system calls of every C library function are allowed, on both architectures", () => {
  const sometimes = new Set(conditional(NEEDS).filter(({ when }) => when.length > 0).map(({ call }) => call));
  const allowed = new Set<SyscallName>([...UNCONDITIONAL, ...sometimes]);
  for (const [name, calls] of Object.entries<readonly SyscallName[]>(LIBC_CALLS)) {
    for (const call of calls) assert(allowed.has(call), `${name}: ${call}`);
    if (calls.length === 0) continue;
    for (const architecture of ARCHITECTURES) {
      assert(calls.some((call) => SYSCALLS[call][architecture] !== null), `${name} on ${architecture}`);
    }
  }
  for (const call of UNCONDITIONAL) assertEquals(answer(call, [-1, -1, -1, -1, -1, -1]), 0, call);
});

// asm/unistd_64.h and asm-generic/unistd.h
const FORBIDDEN: Readonly<Record<string, readonly [x86_64: number, aarch64: number]>> = {
  execve: [59, 221],
  execveat: [322, 281],
  ptrace: [101, 117],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  setns: [308, 268],
  unshare: [272, 97],
  bpf: [321, 280],
  keyctl: [250, 219],
  add_key: [248, 217],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  process_vm_writev: [311, 271],
  finit_module: [313, 273],
  kexec_load: [246, 104],
  setuid: [105, 146],
  setresuid: [117, 147],
  setgroups: [116, 159],
  capset: [126, 91],
  fchmodat: [268, 53],
  renameat2: [316, 276],
  mknodat: [259, 33],
  truncate: [76, 45],
  io_uring_enter: [426, 426],
  pidfd_getfd: [438, 438],
  open_by_handle_at: [304, 265],
  rt_sigqueueinfo: [129, 138],
};

Deno.test("system calls that are not needed are refused, on both architectures", () => {
  for (const [name, numbers] of Object.entries(FORBIDDEN)) {
    for (const [i, arch] of ARCHITECTURES.entries()) {
      assertEquals(byNumber(arch, numbers[i]), EPERM, `${name} ${arch}`);
    }
  }
  assertEquals(byNumber("x86_64", 57), EPERM, "fork");
  assertEquals(byNumber("x86_64", 58), EPERM, "vfork");
  for (const name of ["clone3", "openat2", "io_uring_setup"] as const) assertEquals(answer(name), ENOSYS, name);
  assertEquals(byNumber("x86_64", 0x4000_0000 + 59), ENOSYS, "x32");
});

Deno.test("sockets: TCP, UDP and ping over IP, raw ICMP sockets if requested, and no others", () => {
  const CLOEXEC = 0o2004000;
  const socket = (domain: number, type: number, protocol: number, needs: Partial<SeccompNeeds> = {}) =>
    answer("socket", [domain, type, protocol], needs);
  for (const domain of [2, 10]) {
    for (const [type, protocol] of [[1, 0], [1, 6], [2, 0], [2, 17], [2, 1], [2, 58]] as const) {
      assertEquals(socket(domain, type | CLOEXEC, protocol), 0, `${domain} ${type} ${protocol}`);
    }
    assertEquals(socket(domain, 3 | CLOEXEC, 1), EAFNOSUPPORT);
    assertEquals(socket(domain, 3 | CLOEXEC, 58, { rawIcmp: true }), 0);
    assertEquals(socket(domain, 3 | CLOEXEC, 255, { rawIcmp: true }), EAFNOSUPPORT);
    assertEquals(socket(domain, 1, 132), EAFNOSUPPORT, "SCTP");
    assertEquals(socket(domain, 1, 262), EAFNOSUPPORT, "MPTCP");
    assertEquals(socket(domain, 10, 0), EAFNOSUPPORT, "SOCK_PACKET");
  }
  for (const domain of [1, 16, 17, 29, 38, 40, 44]) {
    assertEquals(socket(domain, 2, 0), EAFNOSUPPORT, `family ${domain}`);
  }
});

Deno.test("socket options: those of the socket, and none of the firewall", () => {
  const set = (level: number, option: number) => answer("setsockopt", [3, level, option]);
  for (
    const [level, option] of [[1, 33], [6, 1], [17, 103], [0, 24], [0, 63], [41, 26], [41, 67], [58, 1], [
      255,
      1,
    ]] as const
  ) {
    assertEquals(set(level, option), 0, `${level} ${option}`);
  }
  for (
    const [level, option] of [[0, 64], [0, 65], [0, 96], [0, 128], [41, 64], [41, 65], [263, 1], [284, 1]] as const
  ) {
    assertEquals(set(level, option), EPERM, `${level} ${option}`);
  }
});

Deno.test("files may be read, not written; removed only if requested", () => {
  const CLOEXEC = 0o2000000;
  assertEquals(answer("openat", [-100, 0, CLOEXEC]), 0);
  for (const flags of [0o1, 0o2, 0o100, 0o1000, 0o2000, 0o20200002]) {
    assertEquals(answer("openat", [-100, 0, flags | CLOEXEC]), EACCES, flags.toString(8));
    assertEquals(answer("open", [0, flags]), EACCES);
  }
  assertEquals(answer("unlinkat"), EACCES, "by default");
  assertEquals(answer("unlinkat", [], { removesFiles: true }), 0, "if requested");
});

Deno.test("threads may be created, processes and namespaces may not", () => {
  const THREAD = 0x3d0f00; // as glibc passes it
  assertEquals(answer("clone", [THREAD]), 0);
  assertEquals(answer("clone", [0x1200011]), EPERM, "fork of glibc");
  assertEquals(answer("clone", [THREAD | 0x4000_0000]), EPERM, "CLONE_NEWNET");
  assertEquals(answer("clone", [THREAD | 0x1000_0000]), EPERM, "CLONE_NEWUSER");
});

Deno.test("signals, ioctl, fcntl and prctl: only the named ones", () => {
  const kill = (pid: number, signal = 15) => answer("kill", [pid, signal]);
  for (const pid of [1000, 999]) assertEquals(kill(pid), 0, `kill ${pid}`);
  for (const pid of [1, -1, 0]) assertEquals(kill(pid), EPERM, `kill ${pid}`);
  assertEquals(kill(1, 0), 0, "signal 0 only checks the process");
  assertEquals(answer("tgkill", [1000, 1001]), 0, "a thread of the process itself");
  assertEquals(answer("tgkill", [999, 999]), EPERM, "a thread of another process");
  assertEquals(answer("ioctl", [0, 0x5413]), 0, "TIOCGWINSZ");
  assertEquals(answer("ioctl", [0, 0x4004_54d0]), 0, "TUNSETOFFLOAD");
  assertEquals(answer("ioctl", [0, 0x5412]), EACCES, "TIOCSTI");
  assertEquals(answer("ioctl", [0, 0x8914]), EACCES, "SIOCSIFFLAGS");
  assertEquals(answer("fcntl", [3, 1030]), 0, "F_DUPFD_CLOEXEC");
  assertEquals(answer("fcntl", [3, 8]), EINVAL, "F_SETOWN");
  assertEquals(answer("fcntl", [3, 10]), EINVAL, "F_SETSIG");
  assertEquals(answer("prctl", [15]), 0, "PR_SET_NAME");
  assertEquals(answer("prctl", [4]), EINVAL, "PR_SET_DUMPABLE");
  assertEquals(answer("prctl", [0x59616d61]), EINVAL, "PR_SET_PTRACER");
  assertEquals(answer("prlimit64", [0]), 0, "limits of the process itself");
  assertEquals(answer("prlimit64", [1]), EPERM, "limits of another process");
});

const HEADERS = {
  x86_64: "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
  aarch64: "/usr/include/asm-generic/unistd.h",
} as const;

for (const architecture of ARCHITECTURES) {
  Deno.test({
    name: `system call numbers match the kernel's header, ${architecture}${needsFile(HEADERS[architecture])}`,
    ignore: !exists(HEADERS[architecture]),
    fn: () => {
      const text = Deno.readTextFileSync(HEADERS[architecture]);
      for (const [name, numbers] of Object.entries(SYSCALLS)) {
        const defined = new RegExp(`^#define __NR(?:3264)?_${alias(name)}\\s+(\\d+)$`, "m").exec(text)?.[1];
        assertEquals(numbers[architecture], defined === undefined ? null : Number(defined), name);
      }
    },
  });
}

/** asm-generic/unistd.h, for 64 bits: the calls behind its __NR3264_ names. */
function alias(name: string): string {
  return name === "newfstatat" ? "(?:new)?fstatat" : name === "getrlimit" ? "getrlimit" : name;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
