/**
 * The world's servers and the guest's clients: small Python programs beside this file, and iperf3.
 *
 * @module
 */
import { type AddressPair, type Lab, WORLD, WORLD_LINK } from "./lab.ts";
import type { Namespace } from "./namespace.ts";
import type { Process } from "./process.ts";

/** The world's running servers. */
export interface World {
  /** Prints what the servers have seen; see world.py. */
  readonly process: Process;
  /** SHA-256, in hex, of the 30 MB under /blob. */
  readonly blobHash: string;
}

/** Starts world.py on the addresses, in the world or elsewhere, and waits until it listens. */
export async function startServers(
  lab: Lab,
  where: Namespace = lab.world,
  addresses: readonly string[] = both(WORLD, WORLD_LINK),
): Promise<World> {
  const process = lab.start(where, ["python3", "-B", beside("world.py"), ...addresses]);
  const match = await process.line("stdout", /^ready ([0-9a-f]{64})$/);
  return { process, blobHash: match[1] };
}

/** Starts resolver.py with these names on port 53 of the addresses, and waits until it listens. */
export async function startResolver(
  lab: Lab,
  where: Namespace,
  addresses: readonly string[],
  names: Readonly<Record<string, string>>,
): Promise<Process> {
  const records = Object.entries(names).map(([name, address]) => `${name}=${address}`);
  const process = lab.start(where, ["python3", "-B", beside("resolver.py"), ...addresses, ...records]);
  await process.line("stdout", /^ready$/);
  return process;
}

/** Starts an iperf3 server in the world, on port 5201 of all its addresses. */
export async function startIperf(lab: Lab): Promise<void> {
  const process = lab.start(lab.world, ["iperf3", "--server", "--forceflush"]);
  await process.line("stdout", /^Server listening/);
}

/** The command line of a client of guest.py. */
export function clientCommand(...words: readonly (string | number)[]): string[] {
  return ["python3", "-B", beside("guest.py"), ...words.map(String)];
}

/** The addresses of several pairs. */
export function both(...pairs: readonly AddressPair[]): string[] {
  return pairs.flatMap((pair) => [pair.v4, pair.v6]);
}

/** `http://ADDRESS PATH`, with brackets where it is IPv6. */
export function url(address: string, path = "/", port = 80): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `http://${host}${port === 80 ? "" : `:${port}`}${path}`;
}

function beside(file: string): string {
  return new URL(file, import.meta.url).pathname;
}
