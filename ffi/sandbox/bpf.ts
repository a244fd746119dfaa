/**
 * Programs for seccomp(2) in classic BPF, as literal `struct sock_filter` (linux/filter.h).
 *
 * A program sees `struct seccomp_data` (linux/seccomp.h): the number of the system call, the architecture that it was
 * made for, and six arguments of 64 bits. Of these it looks at the lower half only, which is all that the kernel itself
 * looks at where an argument is an int; both architectures here are little-endian.
 *
 * What the program does with a call, from its top:
 *
 *     another architecture               refused as if there were no such call: ENOSYS
 *     a number above the last known      likewise, so that a libc that tries something new falls back. The numbers of
 *                                        the x32 ABI are among them, as they have bit 30 set
 *     one of the rules names it          allowed, if its arguments are as the rule wants them; otherwise the rule's errno
 *     none does                          EPERM
 *
 * Rules are looked at one after the other, so those of frequent calls stand first. From Linux 5.11 on the kernel works
 * out once which numbers are allowed whatever their arguments are, and doesn't run the program for these.
 *
 * @module
 */
import { ENOSYS, EPERM } from "../libc/errors.ts";

/** A condition on an argument: masked with `mask`, it must be one of `values`. */
export interface ArgumentIs {
  /** 0 to 5. */
  readonly argument: number;
  /** 32 bits; not given: all. */
  readonly mask?: number;
  readonly values: readonly number[];
}

/** When a system call is allowed. */
export interface FilterRule {
  /** The call's number on this architecture. */
  readonly number: number;
  /** Allowed if all of one of these lists hold; empty: never. Not given: always. */
  readonly when?: readonly (readonly ArgumentIs[])[];
  /** The errno of a refused call. */
  readonly errno: number;
}

/** linux/filter.h: a `struct sock_filter`. */
interface Instruction {
  readonly code: number;
  /** How many instructions to skip if the comparison holds, and if not. */
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly k: number;
}

/** `struct sock_filter`: code (16 bits), jt, jf (8 bits each), k (32 bits). */
export const INSTRUCTION_SIZE = 8;

/** linux/bpf_common.h: load a word at an absolute offset; and with k; jump if equal, if at least; return k. */
const LOAD = 0x20, AND = 0x54, JUMP_IF_EQUAL = 0x15, JUMP_IF_AT_LEAST = 0x35, RETURN = 0x06;
/** linux/seccomp.h: offsets in `struct seccomp_data`. */
const NUMBER = 0, ARCHITECTURE = 4, ARGUMENTS = 16, ARGUMENT_SIZE = 8;
/** linux/seccomp.h: let the call go on; let it fail with the errno in the lower 16 bits. */
const SECCOMP_RET_ALLOW = 0x7fff_0000;
const SECCOMP_RET_ERRNO = 0x0005_0000;

/**
 * Makes the program.
 *
 * @param architecture the only one that is allowed
 * @param last the largest number that is known
 * @returns an array of `struct sock_filter`
 */
export function assemble(architecture: number, last: number, rules: readonly FilterRule[]): Uint8Array<ArrayBuffer> {
  const program: Instruction[] = [
    load(ARCHITECTURE),
    jump(JUMP_IF_EQUAL, architecture, 1, 0),
    fail(ENOSYS),
    load(NUMBER),
    jump(JUMP_IF_AT_LEAST, last + 1, 0, 1),
    fail(ENOSYS),
  ];
  for (const rule of rules) {
    const body = bodyOf(rule);
    program.push(jump(JUMP_IF_EQUAL, rule.number, 0, body.length), ...body);
  }
  program.push(fail(EPERM));
  return encode(program);
}

/** What follows once the number is the rule's: it always returns, so the accumulator need not be restored. */
function bodyOf({ when, errno }: FilterRule): Instruction[] {
  if (when === undefined) return [allow()];
  return [...when.flatMap(alternative), fail(errno)];
}

/** Allows if all hold, and otherwise goes on behind itself. */
function alternative(conditions: readonly ArgumentIs[]): Instruction[] {
  let body: Instruction[] = [allow()];
  for (const { argument, mask, values } of conditions.toReversed()) {
    const rest = body.length;
    const compare = values.map((value, i) =>
      jump(JUMP_IF_EQUAL, value, values.length - 1 - i, i === values.length - 1 ? rest : 0)
    );
    const load32 = load(ARGUMENTS + argument * ARGUMENT_SIZE);
    body = [load32, ...(mask === undefined ? [] : [and(mask)]), ...compare, ...body];
  }
  return body;
}

function load(offset: number): Instruction {
  return { code: LOAD, ifTrue: 0, ifFalse: 0, k: offset };
}

function and(mask: number): Instruction {
  return { code: AND, ifTrue: 0, ifFalse: 0, k: mask };
}

/** Throws a RangeError for a jump that is too far for its field: the rule has too many values then. */
function jump(code: number, k: number, ifTrue: number, ifFalse: number): Instruction {
  if (ifTrue > 255 || ifFalse > 255) throw new RangeError(`a jump over ${Math.max(ifTrue, ifFalse)} instructions`);
  return { code, ifTrue, ifFalse, k };
}

function allow(): Instruction {
  return { code: RETURN, ifTrue: 0, ifFalse: 0, k: SECCOMP_RET_ALLOW };
}

function fail(errno: number): Instruction {
  return { code: RETURN, ifTrue: 0, ifFalse: 0, k: SECCOMP_RET_ERRNO | errno };
}

function encode(program: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(program.length * INSTRUCTION_SIZE));
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, ifTrue, ifFalse, k }, i) => {
    const at = i * INSTRUCTION_SIZE;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, ifTrue);
    view.setUint8(at + 3, ifFalse);
    view.setUint32(at + 4, k, true);
  });
  return bytes;
}

/** A program that allows everything. */
export const ALLOW_ALL: Uint8Array<ArrayBuffer> = encode([allow()]);
