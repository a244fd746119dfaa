/**
 * The bed of the tests of misfortunes and limits: a guest on which the program can be started in any way, clients that
 * misbehave, and the metrics.
 *
 * @module
 */
import { programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import type { Process } from "../../../scripts/lab/process.ts";
import { until } from "../../../scripts/lab/until.ts";
import { WORLD } from "../../../scripts/lab/lab.ts";
import { assert, assertEquals } from "../../assert.ts";
import { Bed } from "./bed.ts";

/** A bed whose program, clients and metrics a test controls. */
export class MisfortuneBed {
  private made: Promise<Bed> | null = null;

  constructor() {
    Deno.test.afterAll(async () => await (await this.made)?.[Symbol.asyncDispose]());
  }

  /** The program with these flags and with metrics, started by `wrapper`, which must become it. */
  async with(flags: readonly string[] = [], wrapper: readonly string[] = []): Promise<Bed> {
    const bed = await (this.made ??= Bed.create({ mode: "tap", mtu: 1500 }));
    await bed.program.stop();
    const words = [...programCommand(), "-netns", bed.guest.path, "-m", "tcp://127.0.0.1:0", ...flags];
    bed.program = bed.lab.host.start([...wrapper, ...words], { cwd: PROJECT, env: { NO_COLOR: "1" } });
    await bed.program.line("stderr", /Slirpnetstack started/, 20_000);
    await until("the carrier of tun0", 5_000, () => bed.guest.hasCarrier("tun0"));
    return bed;
  }
}

/** The command line of misfortune.py. */
export function misfortune(...words: readonly (string | number)[]): string[] {
  const script = new URL("../../../scripts/lab/misfortune.py", import.meta.url).pathname;
  return ["python3", "-B", script, ...words.map(String)];
}

/** Starts a client of misfortune.py in the guest. Returns it with its first line once it has printed that. */
export async function start(bed: Bed, ...words: readonly (string | number)[]): Promise<readonly [Process, unknown]> {
  const client = bed.lab.start(bed.guest, misfortune(...words));
  const [said] = await client.line("stdout", /^\{.*\}$/, 30_000);
  return [client, JSON.parse(said)];
}

/** Sends a line to a client, and returns its answer. */
export async function ask(client: Process, timeout = 15_000): Promise<unknown> {
  const first = client.stdout.length;
  await client.say("line\n");
  const [said] = await client.line("stdout", /^\{.*\}$/, timeout, first);
  return JSON.parse(said);
}

/** Checks that other connections are still served. */
export async function assertServing(bed: Bed, count = 3): Promise<void> {
  for (const address of [WORLD.v4, WORLD.v6]) {
    assertEquals(await bed.client("echo", address, count, "in-turn"), { echoed: count, errors: [] });
  }
}

/** The metrics, by name with labels. */
export async function metrics(bed: Bed): Promise<ReadonlyMap<string, number>> {
  const [, address] = await bed.program.line("stderr", /Running metrics on (\S+)$/);
  const text = await bed.lab.host.check([
    "curl",
    "--silent",
    "--fail",
    "--max-time",
    "10",
    `http://${address}/metrics`,
  ]);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line): [string, number] => {
    const space = line.lastIndexOf(" ");
    return [line.slice(0, space), Number(line.slice(space + 1))];
  }));
}

/** The current use of a limit, the limit, and its overflows. */
export async function limit(bed: Bed, resource: string): Promise<{ current: number; max: number; overflows: number }> {
  const all = await metrics(bed);
  const value = (what: string) => {
    const found = all.get(`slirpnetstack_limit_${what}{resource="${resource}"}`);
    assert(found !== undefined, resource);
    return found;
  };
  return { current: value("current"), max: value("max"), overflows: value("overflows_total") };
}
