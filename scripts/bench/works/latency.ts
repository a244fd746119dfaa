/**
 * The time of one exchange: a request and its answer over TCP, a whole call, a datagram and its echo.
 *
 * @module
 */
import { WORLD } from "../../lab/lab.ts";
import { instrument } from "../bed/run_instrument.ts";
import type { Work } from "../bed/work.ts";

/** The MTU that slirp4netns' and pasta's documentation recommends; messages of 64 bytes fit in any. */
const MTU = 65_520;

type Version = "v4" | "v6";

/** A request of 64 bytes and its answer, repeated on one connection. */
export function roundTripWork(version: Version, rounds: number, seconds: number): Work {
  return {
    id: `rr-${version}`,
    mtu: MTU,
    rounds,
    seconds,
    figures: [
      { id: `rr-${version}-p50`, name: `TCP round trip, IP${version}, p50`, unit: "µs", better: "less" },
      { id: `rr-${version}-p99`, name: `TCP round trip, IP${version}, p99`, unit: "µs", better: "less" },
    ],
    async sample({ guest }, seconds) {
      const { p50, p99 } = await instrument(guest, "round-trips", WORLD[version], seconds);
      return [p50!, p99!];
    },
  };
}

/** Connect, request, answer, and close, which the server begins; a new connection each time. */
export function callWork(version: Version, rounds: number, seconds: number): Work {
  const name = `TCP connect, request, answer, close, IP${version}`;
  return {
    id: `crr-${version}`,
    mtu: MTU,
    rounds,
    seconds,
    figures: [
      { id: `crr-${version}-rate`, name, unit: "/s", better: "more" },
      { id: `crr-${version}-p99`, name: `${name}, p99`, unit: "µs", better: "less" },
    ],
    async sample({ guest }, seconds) {
      const { count, seconds: taken, p99 } = await instrument(guest, "calls", WORLD[version], seconds);
      return [count! / taken!, p99!];
    },
  };
}

/** A datagram of 64 bytes and its echo. */
export function datagramRoundTripWork(version: Version, rounds: number, seconds: number): Work {
  return {
    id: `udp-rr-${version}`,
    mtu: MTU,
    rounds,
    seconds,
    figures: [
      { id: `udp-rr-${version}-p50`, name: `UDP round trip, IP${version}, p50`, unit: "µs", better: "less" },
      { id: `udp-rr-${version}-p99`, name: `UDP round trip, IP${version}, p99`, unit: "µs", better: "less" },
    ],
    async sample({ guest }, seconds) {
      const { p50, p99 } = await instrument(guest, "datagram-round-trips", WORLD[version], seconds);
      return [p50!, p99!];
    },
  };
}
