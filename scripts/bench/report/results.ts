/**
 * The results of a run as a file, so that a run can be taken in pieces and shown again.
 *
 * @module
 */
import type { Row } from "./report.ts";

/** The results of a run, or of several merged ones. */
export interface Results {
  /** The measured programs, ours first, each with its name and its version in a line. */
  readonly peers: readonly { readonly name: string; readonly version: string }[];
  /** When and where: date, CPUs, memory, kernel, the link's MTU. */
  readonly bed: string;
  readonly rows: readonly Row[];
}

/** Reads a file that `--json` has written. Throws an Error with the file's name if it is another file. */
export async function readResults(path: string): Promise<Results> {
  let results: unknown;
  try {
    results = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : error}`);
  }
  if (!isResults(results)) throw new Error(`${path}: not what --json of this benchmark has written`);
  return results;
}

/** Merges results. Of a figure in several results, the last samples count. Different beds are all named. */
export function merge(all: readonly Results[]): Results {
  const peers = new Map(all.flatMap((results) => results.peers.map((peer) => [peer.name, peer])));
  const rows = new Map<string, Row>();
  for (const row of all.flatMap((results) => results.rows)) rows.set(row.id, row);
  return {
    peers: [...peers.values()],
    bed: [...new Set(all.map((results) => results.bed))].join("; "),
    rows: [...rows.values()],
  };
}

function isResults(value: unknown): value is Results {
  return isRecord(value) && typeof value.bed === "string" &&
    Array.isArray(value.peers) && value.peers.every((peer) => isRecord(peer) && typeof peer.name === "string") &&
    Array.isArray(value.rows) && value.rows.every((row) => isRecord(row) && isRecord(row.samples));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
