/**
 * The CPU that each end of the instrument runs on.
 *
 * With the scheduler's choice, a round trip takes 16 µs if both ends happen to share a CPU and 65 µs otherwise, which
 * would dominate a sample. The ends represent two machines, so each gets its own CPU. The program under test is not
 * pinned.
 *
 * @module
 */
import { check, libc } from "./libc.ts";

/** Bytes of a `cpu_set_t`: 1024 CPUs. */
const SET_SIZE = 128;

/** Pins this thread to the first or the second of the CPUs that it may use. Does nothing if there is only one. */
export function takeCpu(which: 0 | 1): void {
  const allowed = new Uint8Array(SET_SIZE);
  check(libc.sched_getaffinity(0, BigInt(SET_SIZE), allowed), "sched_getaffinity");
  const cpus = [...allowed.keys().flatMap((at) => bits(allowed[at]).map((bit) => 8 * at + bit))];
  if (cpus.length < 2) return;
  const cpu = cpus[which];
  const wanted = new Uint8Array(SET_SIZE);
  wanted[cpu >> 3] = 1 << (cpu & 7);
  check(libc.sched_setaffinity(0, BigInt(SET_SIZE), wanted), "sched_setaffinity");
}

function bits(byte: number): number[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte >> bit & 1) === 1);
}
