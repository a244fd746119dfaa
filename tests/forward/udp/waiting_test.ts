import { MAX_ALL_WAITING_BYTES, MAX_WAITING_BYTES, MAX_WAITING_DATAGRAMS } from "../../../forward/limits/limits.ts";
import { WaitingDatagrams, WaitingRoom } from "../../../forward/udp/waiting.ts";
import { assert, assertEquals } from "../../assert.ts";

Deno.test("waiting: copies, in their order, once", () => {
  const waiting = new WaitingDatagrams(new WaitingRoom());
  const bytes = Uint8Array.of(0, 1, 2, 3);
  waiting.add(bytes, 1, 2);
  bytes.fill(9);
  waiting.add(bytes, 0, 0);
  assertEquals(waiting.take().map((piece) => [...piece]), [[1, 2], []]);
  assertEquals(waiting.take(), []);
});

Deno.test("waiting: a number and an amount for each, and an amount for all", () => {
  const room = new WaitingRoom();
  const some = new WaitingDatagrams(room), byte = new Uint8Array(1), big = new Uint8Array(60_000);
  for (let i = 0; i < 2 * MAX_WAITING_DATAGRAMS; i++) some.add(byte, 0, 1);
  assertEquals(some.take().length, MAX_WAITING_DATAGRAMS, "some take length");
  assertEquals(room.bytes, 0, "room bytes");
  for (let i = 0; i < 10; i++) some.add(big, 0, big.length);
  assertEquals(room.bytes, Math.floor(MAX_WAITING_BYTES / big.length) * big.length);
  const others = Array.from({ length: 1_000 }, () => new WaitingDatagrams(room));
  for (const other of others) for (let i = 0; i < 10; i++) other.add(big, 0, big.length);
  assert(room.bytes <= MAX_ALL_WAITING_BYTES && room.bytes > MAX_ALL_WAITING_BYTES - big.length);
  for (const other of [some, ...others]) other.take();
  assertEquals(room.bytes, 0);
});
