import { assert, assertEquals } from "../../../assert.ts";
import { allocatePlain, FramePool, MAX_PARTS, Transmit } from "../../../../stack/base/device.ts";
import { BufferMemory } from "../../../../stack/tcp/buffers/memory.ts";
import { SendBuffer } from "../../../../stack/tcp/buffers/send_buffer.ts";
import { seeded } from "../bed/simulation.ts";

function make(): { buffer: SendBuffer; memory: BufferMemory; transmit: Transmit } {
  const memory = new BufferMemory(allocatePlain, new FramePool(allocatePlain), 2 ** 30);
  return { buffer: new SendBuffer(memory), memory, transmit: new Transmit(allocatePlain) };
}

/** Writes bytes that count up from `first`. */
function put(buffer: SendBuffer, first: number, length: number): void {
  const room = buffer.reserve(length);
  assert(room.length >= length);
  for (let i = 0; i < length; i++) room.block.bytes[room.offset + i] = first + i;
  buffer.commit(length);
}

function get(buffer: SendBuffer, transmit: Transmit, offset: number, length: number): number[] {
  transmit.begin(20);
  const added = buffer.addTo(transmit, offset, length);
  const bytes = [...transmit.flatten().subarray(20)];
  assertEquals({ bytes: bytes.length, payloadLength: transmit.payloadLength }, { bytes: added, payloadLength: added });
  return bytes;
}

Deno.test("committed bytes can be read from any offset", () => {
  const { buffer, transmit } = make();
  put(buffer, 0, 100);
  put(buffer, 100, 50);
  assertEquals(buffer.length, 150);
  assertEquals(get(buffer, transmit, 0, 3), [0, 1, 2]);
  assertEquals(get(buffer, transmit, 98, 4), [98, 99, 100, 101]);
  assertEquals(get(buffer, transmit, 148, 10), [148, 149]);
  assertEquals(get(buffer, transmit, 150, 10), []);
  buffer.acknowledge(99);
  assertEquals(buffer.length, 51, "buffer length");
  assertEquals(get(buffer, transmit, 0, 2), [99, 100], "data");
});

Deno.test("commit takes part of the reservation, or none of it", () => {
  const { buffer, transmit, memory } = make();
  const room = buffer.reserve(1000);
  room.block.bytes[room.offset] = 1;
  buffer.commit(1);
  buffer.reserve(1000);
  buffer.commit(0);
  const next = buffer.reserve(1000);
  next.block.bytes[next.offset] = 2;
  buffer.commit(1);
  buffer.commit(5); // without a reservation it does nothing
  assertEquals({ bufferLength: buffer.length, data: get(buffer, transmit, 0, 9) }, { bufferLength: 2, data: [1, 2] });
  buffer.clear();
  assertEquals({ bufferLength: buffer.length, memoryInUse: memory.inUse }, { bufferLength: 0, memoryInUse: 0 });
});

Deno.test("an unused reservation, then a larger one", () => {
  const { buffer, memory } = make();
  buffer.reserve(10);
  buffer.commit(0);
  buffer.reserve(200_000);
  buffer.commit(0);
  buffer.clear();
  assertEquals(memory.inUse, 0);
});

Deno.test("a reservation stays valid when all data before it is acknowledged", () => {
  const { buffer, transmit, memory } = make();
  put(buffer, 0, 100);
  const room = buffer.reserve(100);
  room.block.bytes[room.offset] = 77;
  buffer.acknowledge(100);
  assertEquals(buffer.length, 0);
  buffer.commit(1);
  assertEquals(get(buffer, transmit, 0, 5), [77]);
  buffer.acknowledge(1);
  buffer.clear();
  assertEquals(memory.inUse, 0);
});

Deno.test("the block of a reservation is not reused after clear", () => {
  const { buffer, memory } = make();
  const room = buffer.reserve(1000);
  buffer.clear();
  assertEquals(memory.inUse, 0);
  buffer.commit(100);
  assertEquals(buffer.length, 0);
  assert(memory.take(1000) !== room.block);
  const other = make();
  put(other.buffer, 0, 10);
  const { block } = other.buffer.reserve(10);
  other.buffer.commit(0);
  other.buffer.clear();
  assert(other.memory.take(10) === block);
});

Deno.test("a segment has at most MAX_PARTS parts", () => {
  const { buffer, transmit } = make();
  for (let i = 0; i < 2 * MAX_PARTS; i++) put(buffer, 0, 4096);
  transmit.begin(20);
  assertEquals(buffer.addTo(transmit, 4000, 1_000_000), 96 + 4096 * (MAX_PARTS - 1));
});

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`random use against a model, seed ${seed}`, () => {
    const random = seeded(seed);
    const { buffer, memory, transmit } = make();
    const sizes = [1, 10, 1448, 4096, 4097, 65_536, 262_144];
    let model: number[] = [];
    let reserved: { block: { bytes: Uint8Array }; offset: number; length: number } | null = null;
    for (let i = 0; i < 4000; i++) {
      switch (random() % 5) {
        case 0:
        case 1: {
          if (model.length > 200_000) break;
          const wanted = sizes[random() % sizes.length];
          reserved = buffer.reserve(wanted);
          assert(reserved.length >= 1 && reserved.length <= wanted);
          assert(reserved.offset + reserved.length <= reserved.block.bytes.length);
          break;
        }
        case 2: {
          if (reserved === null) break;
          const count = random() % 8 === 0 ? 0 : Math.min(reserved.length, 1 + random() % 20_000);
          for (let j = 0; j < count; j++) {
            const byte = random() & 0xff;
            reserved.block.bytes[reserved.offset + j] = byte;
            model.push(byte);
          }
          buffer.commit(count);
          reserved = null;
          break;
        }
        case 3: {
          const count = random() % 3 === 0 ? model.length : Math.min(model.length, random() % 30_000);
          buffer.acknowledge(count);
          model = model.slice(count);
          break;
        }
        default: {
          const offset = model.length === 0 ? 0 : random() % model.length;
          const length = random() % 3000;
          const bytes = get(buffer, transmit, offset, length);
          assert(bytes.length > 0 || length === 0 || model.length === 0);
          assertEquals(bytes, model.slice(offset, offset + bytes.length));
        }
      }
      assertEquals(buffer.length, model.length);
    }
    buffer.clear();
    assertEquals({ bufferLength: buffer.length, memoryInUse: memory.inUse }, { bufferLength: 0, memoryInUse: 0 });
  });
}
