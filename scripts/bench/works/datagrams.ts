/**
 * Datagrams delivered per second in each direction: under a window, and in a flood. See instrument/stream.ts.
 *
 * @module
 */
import { WORLD } from "../../lab/lab.ts";
import { instrument } from "../bed/run_instrument.ts";
import type { Manner } from "../instrument/stream.ts";
import type { Work } from "../bed/work.ts";

/** The same as for round trips; the datagrams fit in 1500 too. */
const MTU = 65_520;

const MANNERS: Record<Manner, string> = { window: " in a window", flood: " of a flood" };

/** Datagrams of `size` bytes delivered per second. */
export function datagramWork(
  direction: "out" | "in",
  manner: Manner,
  size: number,
  version: "v4" | "v6",
  rounds: number,
  seconds: number,
): Work {
  const id = `${version === "v6" ? "udp6" : "udp"}-${direction}-${manner}-${size}`;
  const way = direction === "out" ? "guest to world" : "world to guest";
  const name = `UDP datagrams${MANNERS[manner]}, ${size} bytes, ${way}, IP${version}`;
  return {
    id,
    mtu: MTU,
    rounds,
    seconds,
    figures: [{ id, name, unit: "/s", better: "more" }],
    async sample({ guest }, seconds) {
      const seen = await instrument(guest, "datagrams", WORLD[version], seconds, direction, manner, size);
      // a flood's last datagrams come late, and few of many may come early
      return [seen.datagrams! / Math.max(seconds, seen.seconds!)];
    },
  };
}
