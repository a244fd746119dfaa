/**
 * All work that is measured, in two editions: the full one takes some 16 minutes with four peers, the quick one less
 * than 90 seconds.
 *
 * @module
 */
import type { Manner } from "./instrument/stream.ts";
import type { Work } from "./bed/work.ts";
import { datagramWork } from "./works/datagrams.ts";
import { connectionsWork } from "./works/connections.ts";
import { callWork, datagramRoundTripWork, roundTripWork } from "./works/latency.ts";
import { runWork, startWork } from "./works/start.ts";
import { streamWork } from "./works/streams.ts";

const DIRECTIONS = ["out", "in"] as const;
const VERSIONS = ["v4", "v6"] as const;
const MANNERS: readonly Manner[] = ["window", "flood"];

/** The full edition. Work with targets, and short work, gets more rounds; the breadth gets fewer. */
export function fullMatrix(): Work[] {
  const streams = [1500, 65_520, 9000].flatMap((mtu) =>
    VERSIONS.flatMap((version) =>
      [1, 8].flatMap((connections) =>
        DIRECTIONS.map((direction) => {
          const rounds = version === "v6" || mtu === 9000 ? 2 : connections === 1 ? 5 : 3;
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
      [64, 1400].flatMap((size) =>
        DIRECTIONS.flatMap((direction) => [
          datagramWork(direction, manner, size, "v4", 3, 0.7),
          datagramWork(direction, manner, size, "v6", 2, 0.7),
        ])
      )
    ),
    startWork(5),
    runWork(5),
    connectionsWork(3, 3),
  ];
}

/** The quick edition: IPv4, one connection, the smallest datagrams. */
export function quickMatrix(): Work[] {
  return [
    ...[1500, 65_520].flatMap((mtu) =>
      DIRECTIONS.map((direction) => streamWork({ connections: 1, direction, version: "v4", mtu }, 2, 1))
    ),
    roundTripWork("v4", 2, 0.3),
    callWork("v4", 2, 0.3),
    datagramRoundTripWork("v4", 2, 0.3),
    ...MANNERS.flatMap((manner) => DIRECTIONS.map((direction) => datagramWork(direction, manner, 64, "v4", 1, 0.3))),
    startWork(2),
    runWork(2),
  ];
}

/** Selects by name or by the beginning of a name up to a hyphen: `udp`, `tcp-out`, `rr-v4`. */
export function select<Named extends { readonly id: string }>(
  all: readonly Named[],
  names: readonly string[],
): Named[] {
  return all.filter(({ id }) => names.some((name) => id === name || id.startsWith(`${name}-`)));
}
