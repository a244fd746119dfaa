/**
 * The benchmark's command line.
 *
 * @module
 */
import { LINK_MTU } from "../lab/lab.ts";

/** What was asked for. */
export interface BenchOptions {
  /** The small edition. */
  readonly quick: boolean;
  /** Competitors, by name. */
  readonly against: readonly string[];
  /** Parts of the names of the work to do; null: all. */
  readonly only: readonly string[] | null;
  /** MTU of the link between the host and the world. */
  readonly linkMtu: number;
}

const USAGE = `usage: deno task bench [OPTION]...

  --quick                  a first look, in less than 90 seconds
  --against NAME[,NAME]    only these competitors
  --only NAME[,NAME]       only work that has one of these in its name, such as rr, crr-v4, udp-out, tcp-in-1-v4-1500
  --link-mtu BYTES         of the link between host and world; ${LINK_MTU} unless given
`;

/** Reads the command line; ends the process, with status 2 and what was wrong on stderr, when it can't. */
export function parseBenchOptions(args: readonly string[], competitors: readonly string[]): BenchOptions {
  let [quick, against, linkMtu] = [false, competitors, LINK_MTU];
  let only: readonly string[] | null = null;
  for (let i = 0; i < args.length; i++) {
    const [option, value] = [args[i]!, args[i + 1]];
    if (option === "--quick") {
      quick = true;
      continue;
    }
    if (option === "--help") {
      console.log(USAGE);
      Deno.exit(0);
    }
    if (!["--against", "--only", "--link-mtu"].includes(option)) usage(`unknown: ${option}`);
    if (value === undefined) usage(`${option} needs a value`);
    if (option === "--against") against = value.split(",");
    else if (option === "--only") only = value.split(",");
    else linkMtu = Number(value);
    i++;
  }
  const stranger = against.find((name) => !competitors.includes(name));
  if (stranger !== undefined) usage(`no competitor ${stranger}; there are ${competitors.join(", ")}`);
  // IPv6 needs 1280 bytes of a link (RFC 8200, section 5)
  if (!Number.isInteger(linkMtu) || linkMtu < 1280 || linkMtu > LINK_MTU) usage(`a link's MTU is 1280 to ${LINK_MTU}`);
  return { quick, against, only, linkMtu };
}

function usage(reason: string): never {
  console.error(`${reason}\n\n${USAGE}`);
  Deno.exit(2);
}
