import { namesOf } from "../../../ffi/guest/host_file_watch.ts";
import { assertEquals } from "../../assert.ts";

const IN_MOVED_TO = 0x80, IN_Q_OVERFLOW = 0x4000;

/** `struct inotify_event`, padded as the kernel pads it. */
function event(watch: number, mask: number, name: string): number[] {
  const text = new TextEncoder().encode(name);
  const length = name === "" ? 0 : Math.ceil((text.length + 1) / 16) * 16;
  const bytes = new Uint8Array(16 + length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, watch, true);
  view.setUint32(4, mask, true);
  view.setUint32(12, length, true);
  bytes.set(text, 16);
  return [...bytes];
}

const linesOf = (...events: number[][]) => new TextDecoder().decode(namesOf(new Uint8Array(events.flat()), 1));

Deno.test("names in the watched folder, one per line", () => {
  const name = "a name of 16 chs";
  assertEquals(linesOf(event(1, IN_MOVED_TO, "hosts"), event(1, IN_MOVED_TO, name)), `hosts\n${name}\n`);
});

Deno.test("events without a usable name report once that anything may have changed", () => {
  assertEquals(linesOf(event(2, IN_MOVED_TO, "nscd"), event(2, IN_MOVED_TO, "nscd")), "\n", "another folder");
  assertEquals(linesOf(event(-1, IN_Q_OVERFLOW, ""), event(1, IN_MOVED_TO, "hosts")), "hosts\n\n", "events were lost");
  assertEquals(linesOf(event(1, IN_MOVED_TO, "two\nlines")), "\n", "a name of two lines");
  assertEquals(linesOf(event(1, IN_MOVED_TO, "")), "", "the folder itself");
});

Deno.test("a truncated event is ignored", () => {
  assertEquals(linesOf(event(1, IN_MOVED_TO, "hosts"), [1, 0, 0, 0]), "hosts\n");
});
