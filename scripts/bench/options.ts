/**
 * The benchmark's command line.
 *
 * @module
 */
import { readArguments, UsageError } from "../common/arguments.ts";
import { LINK_MTU } from "../lab/lab.ts";

/** The options of a run. */
export interface BenchOptions {
  /** Run the quick edition. */
  readonly quick: boolean;
  /** Measure this program from its source, even if there is an executable. */
  readonly source: boolean;
  /** The executable of another version of this program to compare with; null: none. */
  readonly baseline: string | null;
  /** Competitors, by name; null: all that are installed. */
  readonly against: readonly string[] | null;
  /** Parts of the names of the work to do; null: all. */
  readonly only: readonly string[] | null;
  /** MTU of the link between the host and the world. */
  readonly linkMtu: number;
  /** Show these files of results and measure nothing. Null: measure. */
  readonly from: readonly string[] | null;
  /** Paths to write the results and the chart to; null: none. */
  readonly json: string | null;
  readonly chart: string | null;
  /** Write the figures into the README, the benchmark's page and its chart. */
  readonly readme: boolean;
  /** Compare the figures with the targets. */
  readonly targets: boolean;
}

/** The text of `--help`. */
export const USAGE = `usage: deno task bench [OPTION]...

  --quick                  a first look, in less than 90 seconds; the full one takes some 16 minutes
  --source                 this program from its source; otherwise bin/slirpnetstack where \`deno task compile\` has made it,
                           or what SLIRPNETSTACK_BIN names
  --baseline EXECUTABLE    also compare with another version of this program, called \`baseline\`
  --against NAME[,NAME]    only these competitors, or \`none\`
  --only NAME[,NAME]       only work whose name begins with one of these: tcp, tcp-in-8, rr, crr-v4, udp, udp-rr, start, ...
  --link-mtu BYTES         of the link between host and world; ${LINK_MTU} unless given
  --targets                also compare the figures with the targets
  --json FILE              write the samples to a file
  --chart FILE             draw the main figures as SVG
  --readme                 write the figures into README.md, scripts/bench/README.md and scripts/bench/chart.svg
  --from FILE[,FILE]       measure nothing, and show files of --json; of a figure in several files, the last counts
`;

/** Reads the command line; null: help is wanted. Throws a {@linkcode UsageError}. */
export function parseBenchOptions(args: readonly string[]): BenchOptions | null {
  const given = readArguments(args, {
    values: ["baseline", "against", "only", "link-mtu", "json", "chart", "from"],
    flags: ["quick", "source", "targets", "readme", "help"],
  });
  if (given.has("help")) return null;
  const list = (name: string) => given.value(name)?.split(",") ?? null;
  return {
    quick: given.has("quick"),
    source: given.has("source"),
    targets: given.has("targets"),
    baseline: given.value("baseline"),
    against: list("against")?.filter((name) => name !== "none") ?? null,
    only: list("only"),
    from: list("from"),
    json: given.value("json"),
    chart: given.value("chart"),
    readme: given.has("readme"),
    linkMtu: mtuOf(given.value("link-mtu")),
  };
}

function mtuOf(text: string | null): number {
  if (text === null) return LINK_MTU;
  const mtu = Number(text);
  // IPv6 needs 1280 bytes of a link (RFC 8200, section 5)
  if (!Number.isInteger(mtu) || mtu < 1280 || mtu > LINK_MTU) {
    throw new UsageError(`--link-mtu ${text}: a link's MTU is 1280 to ${LINK_MTU}`);
  }
  return mtu;
}
