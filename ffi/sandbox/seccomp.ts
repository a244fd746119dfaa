/**
 * Installs the seccomp filter in all threads at once (seccomp(2), SECCOMP_FILTER_FLAG_TSYNC). TSYNC also extends the
 * calling thread's no_new_privs to all threads.
 *
 * A refused call fails with an errno, so that a program which makes it on a rare path goes on. The kernel writes an
 * audit record for it (SECCOMP_FILTER_FLAG_LOG) if auditing is on.
 *
 * @module
 */
import { EINVAL, ENOSYS, SystemError } from "../libc/errors.ts";
import { errno, libc } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";
import { ALLOW_ALL, assemble, INSTRUCTION_SIZE } from "./bpf.ts";
import { rulesFor, type SeccompNeeds } from "./seccomp_policy.ts";
import { AUDIT_ARCHITECTURE, LAST_SYSCALL, numberOf } from "./syscalls.ts";

// linux/seccomp.h
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1 << 0;
const SECCOMP_FILTER_FLAG_LOG = 1 << 1; // Linux 4.14
/**
 * Without this flag, kernels from 4.17 to 5.15 turn off speculation past stores for processes with a filter, which
 * costs some tens of percent. That guards against attacks by code within the process, such as a browser's scripts.
 */
const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1 << 2;

/** The flags to try, from the preferred set to the one that the oldest kernels know. */
const FLAGS = [
  SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_TSYNC,
];

/**
 * Restricts all threads of this process to the calls that seccomp_policy.ts allows, for good. The calling thread must
 * have no_new_privs.
 *
 * @throws SystemError if the kernel has no such filters
 * @throws Error if a thread has a filter that others don't have
 */
export function filterSystemCalls(needs: SeccompNeeds): void {
  const { arch } = Deno.build;
  install(assemble(AUDIT_ARCHITECTURE[arch], LAST_SYSCALL, rulesFor(arch, needs)));
}

/**
 * Extends the calling thread's no_new_privs to all threads, by a filter that allows everything.
 *
 * @throws SystemError, Error as {@linkcode filterSystemCalls} does
 */
export function shareNoNewPrivileges(): void {
  install(ALLOW_ALL);
}

function install(program: Uint8Array<ArrayBuffer>): void {
  const number = numberOf("seccomp");
  const instructions = new MachineBlock(program.length);
  instructions.bytes.set(program);
  // struct sock_fprog of linux/filter.h: the number of instructions (16 bits), and at 8 a pointer to them
  const description = new DataView(new ArrayBuffer(16));
  description.setUint16(0, program.length / INSTRUCTION_SIZE, true);
  description.setBigUint64(8, BigInt(instructions.address), true);
  const fprog = new Uint8Array(description.buffer);
  for (const flags of FLAGS) {
    const result = libc().syscallThird(number, BigInt(SECCOMP_SET_MODE_FILTER), BigInt(flags), fprog, 0n);
    if (result === 0) return;
    if (result > 0) throw new Error(`seccomp: thread ${result} has a filter of its own, so that no other is possible`);
    if (errno() !== EINVAL) break;
  }
  const reason = errno();
  const missing = reason === ENOSYS || reason === EINVAL;
  throw new SystemError("seccomp", reason, "", missing ? "this kernel has no filters of system calls" : "");
}
