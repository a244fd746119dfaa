/**
 * `deno task demo`: shows how a guest in its own network namespace reaches outside servers through the program. The
 * "outside" is part of the demo (lab/lab.ts), so it needs no internet, and leaves nothing behind.
 *
 * @module
 */
import { makeDevice } from "./lab/device.ts";
import { Lab, WORLD } from "./lab/lab.ts";
import type { Namespace } from "./lab/namespace.ts";
import { startProgram } from "./lab/program.ts";
import { startIperf, startServers, url } from "./lab/services.ts";

/** A step of the demo, in the guest. */
interface Step {
  readonly title: string;
  readonly command: readonly string[];
  /** The part of its output to show; null: the output is wrong. */
  result(output: string, code: number): string | null;
}

const MTU = 65_521;
/** The seconds of each direction of the speed test. */
const SECONDS = "2";

const STEPS: readonly Step[] = [
  { title: "A web page over IPv4", command: ["curl", "-sS", url(WORLD.v4)], result: greeting },
  { title: "A web page over IPv6", command: ["curl", "-sS", url(WORLD.v6)], result: greeting },
  {
    title: "A UDP datagram and its answer",
    command: ["bash", "-c", `exec 3<>/dev/udp/${WORLD.v4}/7; echo 'is anyone there?' >&3; timeout 2 head -n 1 <&3`],
    result: (output, code) => code === 0 && output.includes("anyone") ? `the echo says: ${output.trim()}` : null,
  },
  {
    title: "A ping over IPv4",
    command: ["ping", "-n", "-c", "3", "-i", "0.2", "-w", "5", WORLD.v4],
    result: roundTrip,
  },
  {
    title: "A ping over IPv6",
    command: ["ping", "-n", "-c", "3", "-i", "0.2", "-w", "5", WORLD.v6],
    result: roundTrip,
  },
  {
    title: "A closed port: refused at once, as if there were no one between",
    command: ["curl", "-sS", url(WORLD.v4, "/", 81)],
    result: (output, code) => code === 7 ? output.trim() : null,
  },
  {
    title: `Speed to the world, one TCP connection for ${SECONDS} s`,
    command: ["iperf3", "-c", WORLD.v4, "-t", SECONDS],
    result: speed,
  },
  {
    title: `Speed from the world, one TCP connection for ${SECONDS} s`,
    command: ["iperf3", "-c", WORLD.v4, "-t", SECONDS, "-R"],
    result: speed,
  },
];

const terminal = Deno.stdout.isTerminal();
const colour = terminal && !Deno.noColor;
const paint = (code: number) => (text: string) => colour ? `\x1b[${code}m${text}\x1b[0m` : text;
const [bold, dim, red, green, cyan] = [1, 2, 31, 32, 36].map(paint) as [Paint, Paint, Paint, Paint, Paint];
type Paint = (text: string) => string;

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  if (Deno.uid() !== 0) {
    console.error("The demo makes network namespaces, which needs root. As root, or with sudo, run:\n");
    console.error(`    sudo ${Deno.execPath()} task demo\n`);
    return 1;
  }
  const started = performance.now();
  console.log(`\n${bold("slirpnetstack")}  a guest's way to the network, through a TCP/IP stack in TypeScript\n`);
  let failed = 0;
  {
    await using lab = await Lab.create();
    const guest = await lab.guest();
    await Promise.all([startServers(lab), startIperf(lab), makeDevice(guest, { mode: "tap", mtu: MTU })]);
    const program = lab.adopt(await startProgram(lab.host, guest));
    console.log(picture(program.pid));
    for (const step of STEPS) if (!await show(step, guest)) failed++;
    console.log(dim("  The last lines that the program printed meanwhile:"));
    for (const line of program.stdout.slice(-2)) console.log(dim(`    ${line}`));
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const sum = `${STEPS.length - failed} of ${STEPS.length} as it should be`;
  console.log(
    `\n  ${failed === 0 ? green(sum) : red(sum)}, in ${seconds} s; namespaces and processes are gone again.\n`,
  );
  return failed === 0 ? 0 : 1;
}

function picture(pid: number): string {
  return [
    `  ${bold("guest")}                    ${bold("host")}                            ${bold("world")}`,
    `  ${cyan("10.0.2.100")} ── tun0 ──── slirpnetstack ── sockets ──── ${cyan(WORLD.v4)}`,
    `  ${cyan("fd00::100")}               process ${String(pid).padEnd(20)}    ${cyan(WORLD.v6)}`,
    dim("  a network namespace with nothing but a tap device: no route, no NAT, no bridge out of it\n"),
  ].join("\n");
}

/** Runs a step and shows it. Returns whether its output was right. */
async function show(step: Step, guest: Namespace): Promise<boolean> {
  if (terminal) await write(`  ${dim("…")} ${step.title}`);
  const { stdout, stderr, code, milliseconds } = await guest.run(step.command);
  const result = step.result(stdout + stderr, code);
  if (terminal) await write("\r\x1b[2K");
  const mark = result === null ? red("✗") : green("✓");
  console.log(`  ${mark} ${step.title.padEnd(64)} ${dim(`${milliseconds.toFixed(0).padStart(5)} ms`)}`);
  console.log(dim(`    $ ${step.command.map(quote).join(" ")}`));
  console.log(`    ${result === null ? red(`status ${code}: ${(stdout + stderr).trim()}`) : bold(result)}\n`);
  return result !== null;
}

function greeting(output: string, code: number): string | null {
  return code === 0 && output.startsWith("Hello") ? output.trim() : null;
}

function roundTrip(output: string): string | null {
  const match = /(\d+) received.*= [\d.]+\/([\d.]+)\//s.exec(output);
  return match === null ? null : `${match[1]} answers, ${match[2]} ms on average`;
}

function speed(output: string, code: number): string | null {
  const match = /([\d.]+ [KMGT]?bits\/sec)\s+receiver/.exec(output);
  return code === 0 && match !== null ? match[1].replace("bits/sec", "bit/s") : null;
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

async function write(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(text));
}
