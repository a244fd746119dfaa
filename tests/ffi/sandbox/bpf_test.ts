import { ENOSYS, EPERM } from "../../../ffi/libc/errors.ts";
import { ALLOW_ALL, assemble } from "../../../ffi/sandbox/bpf.ts";
import { assertEquals, assertThrows } from "../../assert.ts";
import { hex } from "../../e2e/bed/reports.ts";
import { run } from "./machine.ts";

const ARCH = 0xc000_003e;

Deno.test("a program of one rule, byte by byte", () => {
  const text = (bytes: Uint8Array) => hex(String.fromCharCode(...bytes)).replace(/.{16}(?!$)/g, "$& ");
  assertEquals(
    text(assemble(ARCH, 450, [{ number: 7, errno: EPERM }])),
    [
      "2000000004000000", // load the architecture
      "150001003e0000c0", // is it this one? then one on
      "0600000026000500", // no: ENOSYS
      "2000000000000000", // load the number
      "35000001c3010000", // 451 or more?
      "0600000026000500", // yes: ENOSYS
      "1500000107000000", // 7?
      "060000000000ff7f", // yes: allow
      "0600000001000500", // EPERM
    ].join(" "),
  );
  assertEquals(text(ALLOW_ALL), "060000000000ff7f");
});

Deno.test("arguments: any of the values, all of the conditions, one of the lists", () => {
  const program = assemble(ARCH, 450, [
    {
      number: 1,
      errno: 13,
      when: [[{ argument: 0, values: [2, 10] }, { argument: 1, mask: 0xf, values: [1, 2, 3] }], [{
        argument: 2,
        values: [0xffff_fffe],
      }]],
    },
    { number: 2, errno: 97, when: [] },
    { number: 3, errno: EPERM, when: [[]] },
  ]);
  const call = (number: number, ...args: number[]) => run(program, { number, architecture: ARCH, args });
  assertEquals(call(1, 2, 0x801), 0);
  assertEquals(call(1, 10, 3), 0);
  assertEquals(call(1, 10, 4), 13);
  assertEquals(call(1, 3, 1), 13);
  assertEquals(call(1, 3, 4, -2), 0);
  assertEquals(call(2), 97, "never allowed");
  assertEquals(call(3), 0, "always allowed");
  assertEquals(call(4), EPERM, "without a rule");
  assertEquals(call(450), EPERM, "the last known number");
  for (const unknown of [451, 0x4000_0000 + 3, -1]) assertEquals(call(unknown), ENOSYS, `${unknown}`);
  assertEquals(run(program, { number: 3, architecture: 0x4000_0003 }), ENOSYS, "i386");
});

Deno.test("a rule too long for a jump throws", () => {
  const values = Array.from({ length: 300 }, (_, i) => i);
  assertThrows(() => assemble(ARCH, 450, [{ number: 1, errno: 1, when: [[{ argument: 0, values }]] }]), RangeError);
});
