/**
 * Programs for seccomp(2) in classic BPF, as literal `struct sock_filter` (linux/filter.h).
 *
 * A program sees `struct seccomp_data` (linux/seccomp.h): the number of the system call, the architecture that it was
 * made for, and six arguments of 64 bits. It reads only the lower half of an argument, as the kernel itself does where
 * the argument is an int. Both architectures here are little-endian.
 *
 * The program checks a call in this order:
 *
 *     another architecture               ENOSYS, as if there were no such call
 *     a number above the last known      ENOSYS, so that a libc that tries something new falls back. This includes the
 *                                        numbers of the x32 ABI, which have bit 30 set
 *     a rule names the call              allowed if the arguments meet the rule, otherwise the rule's errno
 *     no rule names it                   EPERM
 *
 * Rules are checked one after the other, so the rules of frequent calls come first. Since Linux 5.11 the kernel works
 * out once which numbers are allowed whatever the arguments, and does not run the program for these.
 *
 * @module
 */
import { ENOSYS, EPERM } from "../libc/errors.ts";

/** A condition on an argument: its value, masked with `mask`, must be one of `values`. */
export interface ArgumentIs {
  /** 0 to 5. */
  readonly argument: number;
  /** 32 bits; all of them by default. */
  readonly mask?: number;
  readonly values: readonly number[];
}

/** The condition under which a system call is allowed. */
export interface FilterRule {
  /** The call's number on this architecture. */
  readonly number: number;
  /** The call is allowed if all conditions of any of these lists hold. Empty: never. By default: always. */
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
 * @param architecture the only architecture that is allowed
 * @param last the largest known number of a system call
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

/**
 * The instructions for a call whose number matches the rule. They always return, so the accumulator is not restored.
 */
function bodyOf({ when, errno }: FilterRule): Instruction[] {
  if (when === undefined) return [allow()];
  return [...when.flatMap(alternative), fail(errno)];
}

/** Instructions that allow the call if all conditions hold, and otherwise continue after themselves. */
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

/** Throws a RangeError for a jump that is too far for its field, which means that the rule has too many values. */
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
