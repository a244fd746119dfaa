/**
 * The bed of the tests of forwards: its host and guest have services of their own, and the program has any forwards.
 *
 * @module
 */
import { GATEWAY, GUEST } from "../../../scripts/lab/device.ts";
import type { AddressPair } from "../../../scripts/lab/lab.ts";
import type { Namespace } from "../../../scripts/lab/namespace.ts";
import { check, type Process } from "../../../scripts/lab/process.ts";
import { both, startServers } from "../../../scripts/lab/services.ts";
import type { Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { assert } from "../../assert.ts";
import { Bed } from "./bed.ts";

/** The host's own loopback addresses. */
export const LOOPBACK: AddressPair = { v4: "127.0.0.1", v6: "::1" };

/** A bed with world.py and forwards.py running on the guest's addresses, or on the host's loopback. */
export class ForwardBed {
  private made: Promise<Bed> | null = null;
  private world: Process | null = null;

  /** @param where the side whose addresses the services are on */
  constructor(private readonly where: "guest" | "host") {
    Deno.test.afterAll(async () => await (await this.made)?.[Symbol.asyncDispose]());
  }

  /** The program started with these flags. */
  async with(...flags: readonly string[]): Promise<Bed> {
    const bed = await (this.made ??= this.make());
    await bed.restart(flags);
    return bed;
  }

  /** world.py, which prints what it receives. */
  get services(): Process {
    assert(this.world !== null);
    return this.world;
  }

  /** The bed as it is. */
  async get(): Promise<Bed> {
    return await (this.made ??= this.make());
  }

  private async make(): Promise<Bed> {
    const bed = await Bed.create({ mode: "tap", mtu: 1500 });
    const { lab } = bed;
    const [where, addresses] = this.where === "guest" ? [bed.guest, both(GUEST)] : [lab.host, both(LOOPBACK)];
    this.world = (await startServers(lab, where, addresses)).process;
    await lab.start(where, forwardsCommand("serve", ...addresses)).line("stdout", /^ready$/);
    return bed;
  }
}

/** The command line of forwards.py. */
export function forwardsCommand(...words: readonly (string | number)[]): string[] {
  return ["python3", "-B", beside("forwards.py"), ...words.map(String)];
}

/** Runs a client of forwards.py, and returns its report. Throws when it fails. */
export async function client(where: Namespace, ...words: readonly (string | number)[]): Promise<unknown> {
  return JSON.parse(await where.check(forwardsCommand(...words), { timeout: 120_000 }));
}

/**
 * Makes the kernel keep bursts whole and in order, so that a test sees only the program's own losses.
 *
 * Until the guest's kernel knows the gateway's MAC addresses, which it learns here by a ping, it keeps only a few
 * packets, drops the oldest, and may reorder the rest. And loopback queues packets by processor: packets of a program
 * that moves to another one may overtake each other, so it stays on one.
 */
export async function keepOrder(bed: Bed): Promise<void> {
  for (const address of [GATEWAY.v4, GATEWAY.v6]) await bed.guest.check(["ping", "-c", "1", "-W", "5", address]);
  await check(["taskset", "--all-tasks", "--cpu-list", "--pid", "0", String(bed.program.pid)]);
}

/** Runs a client of guest.py on the host. */
export async function hostClient(bed: Bed, ...words: readonly (string | number)[]): Promise<unknown> {
  const command = ["python3", "-B", beside("guest.py"), ...words.map(String)];
  return JSON.parse(await bed.lab.host.check(command, { timeout: 60_000 }));
}

/** A name server with service records, on the host; see names.py. */
export interface NameServer {
  readonly process: Process;
  readonly port: number;
}

/** Starts one. */
export async function startNames(
  { lab }: Pick<Bed, "lab">,
  records: Readonly<Record<string, string>>,
  options: { readonly address?: string; readonly delay?: number } = {},
): Promise<NameServer> {
  const { address = LOOPBACK.v4, delay = 0 } = options;
  const pairs = Object.entries(records).map(([name, where]) => `${name}=${where}`);
  const process = lab.start(lab.host, ["python3", "-B", beside("names.py"), address, String(delay), ...pairs]);
  const match = await process.line("stdout", /^ready (\d+)$/);
  return { process, port: Number(match[1]) };
}

/** `127.0.0.1`, `[::1]`: an address as it is written before a colon. */
export function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** The header of the Simple Proxy Protocol, in hexadecimal digits. */
export function simpleProxyHeader(client: Endpoint, proxy: Endpoint): string {
  const digits = (value: number, bytes: number) => value.toString(16).padStart(2 * bytes, "0");
  const address = ({ version, bytes }: IpAddress) =>
    (version === 4 ? "00".repeat(10) + "ffff" : "") + [...bytes].map((byte) => digits(byte, 1)).join("");
  return `56ec${address(client.address)}${address(proxy.address)}${digits(client.port, 2)}${digits(proxy.port, 2)}`;
}

/** The ports of the forwards, in the order of their lines. */
export function ports(bed: Bed): number[] {
  return bed.program.stdout.flatMap((line) => {
    const match = /^\[\+\] (?:local-fwd Local .*listen|Accepting on remote side) .*:(\d+)$/.exec(line);
    return match === null ? [] : [Number(match[1])];
  });
}

function beside(file: string): string {
  return new URL(`../../../scripts/lab/${file}`, import.meta.url).pathname;
}
