import { allocate, MachineBlock, pointerInto } from "../../../ffi/libc/memory.ts";
import { libc } from "../../../ffi/libc/libc.ts";
import { allocatePlain } from "../../../stack/base/device.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

libc();

Deno.test("a block lies at its address, small blocks too", () => {
  for (const size of [1, 8, 64, 65, 4096, 1 << 20]) {
    const block = allocate(size);
    block.bytes[size - 1] = 0x5a;
    const last = Deno.UnsafePointer.create(BigInt(block.address + size - 1))!;
    assertEquals(new Deno.UnsafePointerView(last).getUint8(), 0x5a);
  }
});

Deno.test("blocks do not move when more memory is allocated", () => {
  const blocks = Array.from({ length: 200 }, () => new MachineBlock(16));
  let garbage = 0;
  for (let i = 0; i < 200_000; i++) garbage += new Array(20).fill(i).length;
  assertEquals(garbage, 4_000_000);
  for (const [i, block] of blocks.entries()) {
    block.bytes[0] = i;
    assertEquals(Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(block.bytes))), block.address);
    assertEquals(new Deno.UnsafePointerView(Deno.UnsafePointer.create(BigInt(block.address))!).getUint8(), i);
  }
});

Deno.test("pointers into a block are created once per offset, and only within the block", () => {
  const block = new MachineBlock(32);
  assertEquals(Deno.UnsafePointer.value(block.pointerAt(10)), BigInt(block.address + 10));
  assertEquals(block.pointerAt(10) === block.pointerAt(10), true);
  assertThrows(() => block.pointerAt(32), RangeError);
  assertThrows(() => block.pointerAt(-1), RangeError);
  assertThrows(() => pointerInto(allocatePlain(32), 0), TypeError);
  assertThrows(() => allocate(0), RangeError);
});
