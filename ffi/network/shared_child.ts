/**
 * Calls C functions in a child process that shares this process's memory and descriptors, and nothing else. What the
 * child changes of itself, such as its namespaces, ends with it. The descriptors that it opens stay.
 *
 * Such a child can do two things that this process can't: it need not come back from a namespace, and, as it has one
 * thread, it can enter a user namespace. It costs a tenth of a millisecond: nothing is copied.
 *
 * JavaScript can't run in it: the engine belongs to this process's threads. So the child has no code but the C library's.
 * clone(2) starts it in setcontext(3), which makes the first call on a stack of its own; each context leads to the next
 * when its function returns (makecontext(3)), and the last one ends the child. This thread waits meanwhile (CLONE_VFORK).
 * posix_spawn(3) starts its children in the same way.
 *
 * musl has no contexts. With it, {@linkcode callInSharedChild} returns false.
 *
 * @module
 */
import { waitForEnd } from "../process/child.ts";
import { ECHILD, SystemError } from "../libc/errors.ts";
import { addressOf, libc } from "../libc/libc.ts";
import { MachineBlock } from "../libc/memory.ts";
import { CLONE_FILES, CLONE_VFORK, CLONE_VM, SIGCHLD } from "../libc/constants/process.ts";

/** A call of a C function, with at most three arguments: numbers, or memory. */
export interface SharedCall {
  readonly name: "setns" | "open" | "socket";
  readonly args: readonly (number | MachineBlock)[];
}

// sys/ucontext.h of glibc, the same on x86-64 and arm64: `uc_link`, and `ss_sp` and `ss_size` of `uc_stack`
const UC_LINK = 8, UC_STACK = 16, UC_STACK_SIZE = 32;
/** Room for a `ucontext_t`: 968 bytes on x86-64, 4560 on arm64. */
const CONTEXT_SIZE = 8192;
const STACK_SIZE = 16_384;
const SLOT_SIZE = CONTEXT_SIZE + STACK_SIZE;
/** The alignment of contexts and stacks. */
const ALIGNMENT = 64;
const MAX_ARGUMENTS = 3;

/**
 * Makes the calls, in their order, whether they succeed or not. Their results are not known: look for what they did.
 *
 * @returns false if that is impossible here, because of the C library or a filter of system calls
 */
export function callInSharedChild(calls: readonly SharedCall[]): boolean {
  const { clone, getcontext, makecontext } = libc();
  const start = addressOf("setcontext");
  if (getcontext === null || makecontext === null || start === null) return false;
  const all = [...calls, { name: "_exit", args: [0] } as const];
  const block = new MachineBlock((all.length + 1) * SLOT_SIZE + ALIGNMENT);
  const first = (ALIGNMENT - block.address % ALIGNMENT) % ALIGNMENT;
  const view = new DataView(block.bytes.buffer);
  for (const [i, { name, args }] of all.entries()) {
    const at = first + i * SLOT_SIZE;
    getcontext(block.pointerAt(at));
    const link = i + 1 < all.length ? block.address + at + SLOT_SIZE : 0;
    view.setBigUint64(at + UC_LINK, BigInt(link), true);
    view.setBigUint64(at + UC_STACK, BigInt(block.address + at + CONTEXT_SIZE), true);
    view.setBigUint64(at + UC_STACK_SIZE, BigInt(STACK_SIZE), true);
    const words = args.map((arg) => BigInt(typeof arg === "number" ? arg : arg.address));
    makecontext(block.pointerAt(at), addressOf(name), MAX_ARGUMENTS, words[0], words[1] ?? 0n, words[2] ?? 0n);
  }
  const top = first + (all.length + 1) * SLOT_SIZE - ALIGNMENT; // stacks grow downwards
  const child = clone(
    start,
    block.pointerAt(top),
    CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD,
    block.pointerAt(first),
  );
  if (child < 0) return false;
  try {
    waitForEnd(child);
  } catch (error) { // a process whose parent ignored SIGCHLD has its children forgotten; this one has ended already
    if (!(error instanceof SystemError) || error.errno !== ECHILD) throw error;
  }
  return true;
}
