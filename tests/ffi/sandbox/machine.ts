/**
 * Runs a filter's program as the kernel would: classic BPF as far as linux/filter.h allows it for seccomp.
 *
 * @module
 */
import { INSTRUCTION_SIZE } from "../../../ffi/sandbox/bpf.ts";

/** The input of a filter program. */
export interface Call {
  readonly number: number;
  readonly architecture: number;
  /** Up to six arguments; missing ones are 0. */
  readonly args?: readonly number[];
}

/** Returns the verdict of the program: an errno, or 0 if the call is allowed. */
export function run(program: Uint8Array<ArrayBuffer>, { number, architecture, args = [] }: Call): number {
  const data = new DataView(new ArrayBuffer(64)); // struct seccomp_data
  data.setUint32(0, number >>> 0, true);
  data.setUint32(4, architecture, true);
  args.forEach((value, i) => data.setUint32(16 + 8 * i, value >>> 0, true));
  const view = new DataView(program.buffer);
  let accumulator = 0;
  for (let at = 0; at < program.length;) {
    const code = view.getUint16(at, true), k = view.getUint32(at + 4, true);
    const skip = (holds: boolean) => view.getUint8(at + (holds ? 2 : 3)) * INSTRUCTION_SIZE;
    let jump = 0;
    if (code === 0x20) accumulator = data.getUint32(k, true);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x15) jump = skip(accumulator === k);
    else if (code === 0x35) jump = skip(accumulator >= k);
    else if (code === 0x06) return result(k);
    else throw new Error(`instruction ${code.toString(16)}`);
    at += INSTRUCTION_SIZE + jump;
  }
  throw new Error("the program has no end");
}

function result(k: number): number {
  if (k === 0x7fff_0000) return 0;
  if (k >>> 16 !== 5) throw new Error(`returns ${k.toString(16)}`);
  return k & 0xffff;
}
