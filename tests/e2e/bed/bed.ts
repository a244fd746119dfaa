/**
 * The bed of the tests in real namespaces: a lab with its servers, a guest with a device, and the program running on
 * it. Making one takes about a second, so tests of a file that need the same kind of device share one.
 *
 * @module
 */
import { type DeviceKind, makeDevice } from "../../../scripts/lab/device.ts";
import { Lab, WORLD } from "../../../scripts/lab/lab.ts";
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import type { Process, Result } from "../../../scripts/lab/process.ts";
import { startProgram } from "../../../scripts/lab/program.ts";
import { clientCommand, startIperf, startServers, type World } from "../../../scripts/lab/services.ts";
import { IS_ROOT, needs, NEEDS_ROOT } from "./installed.ts";

/** The kinds of devices that everything must work on. */
export const KINDS: readonly DeviceKind[] = [
  { mode: "tap", mtu: 65_521 },
  { mode: "tap", mtu: 1500 },
  { mode: "tun", mtu: 1500 },
];

/** Both IP versions, as keys of an address pair. */
export const VERSIONS = ["v4", "v6"] as const;

/** The program's flags, or a function that makes them for a lab. */
export type Flags = readonly string[] | ((lab: Lab) => readonly string[]);

function flagsIn(lab: Lab, flags: Flags): readonly string[] {
  return typeof flags === "function" ? flags(lab) : flags;
}

/** A lab in which the program runs. */
export class Bed implements AsyncDisposable {
  private constructor(
    readonly lab: Lab,
    readonly servers: World,
    readonly guest: Namespace,
    public program: Process,
  ) {}

  /** Makes the lab and its servers, a guest with a device of that kind, and starts the program with these flags. */
  static async create(kind: DeviceKind, flags: Flags = []): Promise<Bed> {
    const lab = await Lab.create();
    try {
      const [servers, guest] = await Promise.all([startServers(lab), lab.guest(), startIperf(lab)]);
      await makeDevice(guest, kind);
      return new Bed(lab, servers, guest, await startProgram(lab.host, guest, flagsIn(lab, flags)));
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Stops the program and starts it again on the same device. */
  async restart(flags: readonly string[]): Promise<void> {
    await this.program.stop();
    this.program = await startProgram(this.lab.host, this.guest, flags);
  }

  /** Runs a client of scripts/lab/guest.py in the guest, and returns its report. Throws when it fails. */
  async client(...words: readonly (string | number)[]): Promise<unknown> {
    const result = await this.guest.run(clientCommand(...words), { timeout: 60_000 });
    if (result.code !== 0) throw new Error(`guest.py ${words.join(" ")}: status ${result.code}\n${result.stderr}`);
    return JSON.parse(result.stdout);
  }

  /** Runs curl in the guest. */
  curl(...args: readonly string[]): Promise<Result> {
    return this.guest.run(["curl", "--silent", "--show-error", "--max-time", "25", ...args]);
  }

  /** The lines about routed connections on the program's stdout so far that end in this word or contain it. */
  routed(what: "new" | "done" | "error"): string[] {
    return this.program.stdout.filter((line) => line.includes(` Routing conn ${what}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.stop();
    await this.lab[Symbol.asyncDispose]();
  }
}

/** Keeps a test file's bed from one test to the next that needs the same; at most one at a time. */
export class BedKeeper {
  private bed: Bed | null = null;
  private kind: DeviceKind | null = null;

  /** The flags that the program runs with. */
  constructor(private readonly flags: Flags = []) {
    Deno.test.afterAll(() => this.clear());
  }

  /** The bed with a device of that kind, a new one if there is none yet or if the program has ended. */
  async on(kind: DeviceKind): Promise<Bed> {
    if (this.bed !== null && this.kind === kind && this.bed.program.code === null) return this.bed;
    await this.clear();
    this.kind = kind;
    return this.bed = await Bed.create(kind, this.flags);
  }

  private async clear(): Promise<void> {
    await this.bed?.[Symbol.asyncDispose]();
    this.bed = null;
  }
}

/** `tap 1500` */
export function kindName(kind: DeviceKind): string {
  return `${kind.mode} ${kind.mtu}`;
}

/**
 * Registers a test that needs network namespaces, which is ignored without root. Beds outlive tests, so Deno must not
 * check for what a test leaves behind.
 */
export function e2e(name: string, run: () => Promise<void>): void {
  const options = { ignore: !IS_ROOT, sanitizeOps: false, sanitizeResources: false };
  Deno.test({ name: name + NEEDS_ROOT, ...options, fn: run });
}

/** Registers such a test. It is ignored unless `missing` is empty: the reason, to be appended to its name. */
export function e2eUnless(missing: string, name: string, run: () => Promise<void>): void {
  if (missing === "") e2e(name, run);
  else Deno.test({ name: name + missing, ignore: true, fn: () => {} });
}

/** Registers such a test that also needs a command. */
export function e2eWith(command: string, name: string, run: () => Promise<void>): void {
  e2eUnless(needs(command), name, run);
}

/** Registers a test for each kind of device and IP version; `address` is the world's. */
export function e2eEach(
  keeper: BedKeeper,
  tests: Record<string, (bed: Bed, address: string, version: "v4" | "v6") => Promise<void>>,
): void {
  for (const kind of KINDS) {
    for (const version of VERSIONS) {
      for (const [name, run] of Object.entries(tests)) {
        e2e(
          `${kindName(kind)}, IP${version}: ${name}`,
          async () => run(await keeper.on(kind), WORLD[version], version),
        );
      }
    }
  }
}
