/**
 * `deno task fuzz`: feeds hostile frames to the whole program without its sockets and its device, and hostile texts and
 * first bytes to the readers of rules, policies, TLS, HTTP and QUIC, in one process and in simulated time, run after run, each with a seed of its own.
 *
 *     deno task fuzz [--seconds N | --minutes N] [--seed N]
 *     deno task fuzz --replay N            the one run with that seed
 *
 * The first run that finds something is repeated and reported with the command that replays it, and ends everything
 * with status 1. The default time is one minute; the default seed comes from the clock.
 *
 * @module
 */
import { argumentsOr, fail } from "../common/arguments.ts";
import { Finding, FRAMES, runCase } from "./case.ts";
import { fuzzReaders } from "./readers.ts";
import { fuzzTexts } from "./texts.ts";

/** Rules, names and policies that are read in each run. */
const TEXTS = 500;
/** First bytes of TLS and of HTTP that are read in each run. */
const FIRST_BYTES = 100;

const USAGE = "usage: deno task fuzz [--seconds N | --minutes N] [--seed N] [--replay N]";

/** A number on the command line; null: it is not given. */
function number(name: string): number | null {
  const text = args.value(name);
  if (text === null) return null;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) fail(`--${name} ${text}: not a number\n${USAGE}`);
  return value;
}

/** The finding of a run; null: nothing. An unhandled rejection counts as well. */
async function findingOf(seed: number): Promise<Finding | null> {
  const stray: unknown[] = [];
  const keep = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    stray.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", keep);
  try {
    await fuzzTexts(seed, TEXTS);
    await fuzzReaders(seed, FIRST_BYTES);
    const { sent, reached } = await runCase(seed);
    for (const [what, count] of sent) totals.set(what, (totals.get(what) ?? 0) + count);
    destinations += reached;
    if (stray.length > 0) return new Finding("a rejection that nobody handles", FRAMES, [], { cause: stray[0] });
    return null;
  } catch (error) {
    if (error instanceof Finding) return error;
    return new Finding(error instanceof Error ? error.message : String(error), 0, [], { cause: error });
  } finally {
    globalThis.removeEventListener("unhandledrejection", keep);
  }
}

function report(seed: number, finding: Finding): never {
  console.error(`[!] seed ${seed}, after ${finding.frames} frames: ${finding.message}`);
  const { cause } = finding;
  if (cause instanceof Error) console.error(cause.stack);
  for (const frame of finding.latest) console.error(`    ${frame}`);
  console.error(`again: deno task fuzz --replay ${seed}`);
  Deno.exit(1);
}

const totals = new Map<string, number>();
let destinations = 0;

const args = argumentsOr(USAGE, Deno.args, { values: ["seconds", "minutes", "seed", "replay"] });

const replay = number("replay");
if (replay !== null) {
  const finding = await findingOf(replay);
  if (finding !== null) report(replay, finding);
  console.log(`seed ${replay}: nothing found`);
  Deno.exit(0);
}

const minutes = number("minutes");
const seconds = minutes === null ? number("seconds") ?? 60 : 60 * minutes;
const first = number("seed") ?? Date.now() % 0x4000_0000;
console.log(`seeds from ${first}, ${seconds} s`);
const started = performance.now();
let runs = 0;
for (; runs === 0 || performance.now() - started < 1_000 * seconds; runs++) {
  const finding = await findingOf(first + runs);
  if (finding !== null) report(first + runs, finding);
}
const took = (performance.now() - started) / 1_000;
console.log(`${runs} runs, ${runs * FRAMES} frames, ${Math.round(runs * FRAMES / took)} a second: nothing found`);
console.log(`the host was reached ${destinations} times; the guest was sent:`);
for (const [what, count] of [...totals].sort(([, a], [, b]) => b - a)) console.log(`    ${count} ${what}`);
