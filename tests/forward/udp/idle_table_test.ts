import { DEFAULT_LIMITS } from "../../../forward/limits/limits.ts";
import {
  CROWDED_DNS_IDLE_MS,
  CROWDED_EXCHANGE_IDLE_MS,
  SWEEP_MS,
  UNCROWDED_IDLE_MS,
} from "../../../forward/limits/timeouts.ts";
import { IdleTable, type Idling } from "../../../forward/udp/idle_table.ts";
import { AssociationTraffic } from "../../../forward/udp/idle_timeout.ts";
import { assert, assertEquals } from "../../assert.ts";
import { FakeScheduler } from "../bed/fakes.ts";

function setup(limit?: number) {
  const scheduler = new FakeScheduler(), table = new IdleTable(scheduler, limit);
  const ended: string[] = [];
  const add = (name: string, port = 123): AssociationTraffic => {
    const usage = new AssociationTraffic(scheduler.now());
    const entry: Idling = {
      usage,
      end: (reason) => {
        ended.push(`${name}: ${reason.text}`);
        table.delete(entry);
      },
    };
    usage.noteSent(scheduler.now(), 10, port);
    table.makeRoom();
    table.add(entry);
    return usage;
  };
  return { scheduler, table, ended, add };
}

Deno.test("idle table: each ends in its own time, and then there is no timer", () => {
  const { scheduler, table, ended, add } = setup();
  add("a");
  scheduler.advance(SWEEP_MS / 2);
  const b = add("b");
  scheduler.advance(UNCROWDED_IDLE_MS - SWEEP_MS);
  b.noteAnswered(scheduler.now(), 10);
  scheduler.advance(2 * SWEEP_MS);
  assertEquals(ended, ["a: idle timeout"], "ended");
  assertEquals(table.size, 1, "entries");
  scheduler.advance(UNCROWDED_IDLE_MS);
  assertEquals(ended.at(-1), "b: idle timeout", "ended last");
  assertEquals(table.size, 0, "entries");
  assertEquals(scheduler.timerCount, 0, "timers");
  assertEquals(b.sentBytes, 10, "b sent bytes");
  assertEquals(b.answeredBytes, 10, "b answered bytes");
});

Deno.test("idle table: an answer after 100 s still comes, to port 53 too, while there is room for many more", () => {
  const { scheduler, table, ended, add } = setup(100);
  for (let i = 0; i < 25; i++) add(String(i), i % 2 === 0 ? 53 : 123);
  scheduler.advance(100_000);
  assertEquals(table.size, 25);
  scheduler.advance(20_000 + SWEEP_MS);
  assertEquals(table.size, 0, "entries");
  assertEquals(ended.length, 25, "number of ended");
});

Deno.test("idle table: from a quarter of the limit on, questions and single exchanges end early", () => {
  const { scheduler, ended, add } = setup(100);
  for (let i = 0; i < 13; i++) add("question", 53);
  for (let i = 0; i < 30; i++) add("exchange", 123);
  scheduler.advance(CROWDED_DNS_IDLE_MS + SWEEP_MS);
  assertEquals(ended, Array(13).fill("question: idle timeout"));
  scheduler.advance(CROWDED_EXCHANGE_IDLE_MS - CROWDED_DNS_IDLE_MS);
  assertEquals(ended.length, 43);
});

Deno.test("idle table: when it is full, the one idle longest makes room", () => {
  const { scheduler, table, ended, add } = setup();
  const first = add("first");
  scheduler.advance(1);
  add("second");
  scheduler.advance(1);
  for (let i = 2; i < DEFAULT_LIMITS.udpAssociations; i++) add(String(i));
  first.noteSent(scheduler.now(), 10, 123);
  add("last");
  assertEquals(ended, ["second: too many associations"], "ended");
  assertEquals(table.size, DEFAULT_LIMITS.udpAssociations, "entries");
});

Deno.test("idle table: a flood of new ones ends the old in the order of their last use", () => {
  const scheduler = new FakeScheduler(), table = new IdleTable(scheduler, 100);
  const living = new Map<number, AssociationTraffic>();
  let looks = 0;
  const add = (number: number) => {
    const usage = new AssociationTraffic(scheduler.now());
    const entry: Idling = {
      get usage() {
        looks++;
        return usage;
      },
      end: () => {
        const uses = [...living.values()].map(({ usedAt }) => usedAt);
        assertEquals(living.get(number)!.usedAt, Math.min(...uses), `the end of ${number}`);
        living.delete(number);
        table.delete(entry);
      },
    };
    table.makeRoom();
    table.add(entry);
    living.set(number, usage);
  };
  for (let i = 0; i < 2_000; i++) {
    scheduler.advance(0.25);
    add(i);
    const used = [...living.values()];
    used[i * 7 % used.length].noteAnswered(scheduler.now(), 1);
  }
  assertEquals(table.size, 100, "entries");
  assertEquals(living.size, 100, "entries that live");
  assertEquals(table.evicted, 1_900, "table evicted");
  assert(looks < 10 * 2_000, `${looks} looks for 1,900 ends, of 100 each`);
});

Deno.test("idle table: close ends all", () => {
  const { table, ended, add } = setup();
  add("a");
  add("b");
  table.close();
  assertEquals(ended, ["a: aborted", "b: aborted"], "ended");
  assertEquals(table.size, 0, "entries");
});
