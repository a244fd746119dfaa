/**
 * All that is measured, in two editions: the full one is to take some 12 minutes with four peers, the quick one under
 * 90 seconds.
 *
 * @module
 */
import type { Manner } from "./instrument/stream.ts";
import type { Work } from "./work.ts";
import { datagramWork } from "./works/datagrams.ts";
import { callWork, datagramRoundTripWork, roundTripWork } from "./works/latency.ts";
import { streamWork } from "./works/streams.ts";

const DIRECTIONS = ["out", "in"] as const;
const VERSIONS = ["v4", "v6"] as const;
const MANNERS: readonly Manner[] = ["window", "flood"];

/** Everything. Five rounds where there are targets, and where a round is short; three for the breadth. */
export function fullMatrix(): Work[] {
  const streams = [1500, 65_520, 9000].flatMap((mtu) =>
    VERSIONS.flatMap((version) =>
      [1, 8].flatMap((connections) =>
        DIRECTIONS.map((direction) => {
          const rounds = version === "v4" && mtu !== 9000 ? 5 : 3;
          return streamWork({ connections, direction, version, mtu }, rounds, 1);
        })
      )
    )
  );
  return [
    ...streams,
    ...VERSIONS.flatMap((version) => [
      roundTripWork(version, 5, 0.7),
      callWork(version, 5, 0.7),
      datagramRoundTripWork(version, 5, 0.7),
    ]),
    ...MANNERS.flatMap((manner) =>
      [64, 1400].flatMap((size) => DIRECTIONS.map((direction) => datagramWork(direction, manner, size, 3, 0.7)))
    ),
  ];
}

/** A first look: IPv4, one connection, the smallest datagrams. */
export function quickMatrix(): Work[] {
  return [
    ...[1500, 65_520].flatMap((mtu) =>
      DIRECTIONS.map((direction) => streamWork({ connections: 1, direction, version: "v4", mtu }, 3, 1))
    ),
    roundTripWork("v4", 3, 0.3),
    callWork("v4", 3, 0.3),
    datagramRoundTripWork("v4", 3, 0.3),
    ...MANNERS.flatMap((manner) => DIRECTIONS.map((direction) => datagramWork(direction, manner, 64, 2, 0.3))),
  ];
}

/** The work that one of the names is part of: `udp`, `tcp-out`, `rr-v4`, `1500`. */
export function select(works: readonly Work[], names: readonly string[]): Work[] {
  return works.filter((work) => names.some((name) => work.id.includes(name)));
}
