/** The benchmark runs, and what it is to show holds: at a small MTU far ahead of slirp4netns, at a large one not behind. */
import { check, run } from "../../scripts/lab/process.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { SLIRP4NETNS } from "../../scripts/bench/peers.ts";
import { assert, assertEquals } from "../assert.ts";
import { e2e } from "./bed.ts";

/** By MTU, how many times slirp4netns' throughput ours has to be, either way. */
const PROMISE: Record<string, number> = { "1500": 3, "65520": 1 };

const BENCH = [Deno.execPath(), "run", "-A", "scripts/bench/main.ts"];

e2e("deno task bench: TCP at 3 times the throughput of slirp4netns at MTU 1500, 1 time at MTU 65520", async () => {
  const installed = await SLIRP4NETNS.version() !== null;
  const streams = ["--quick", "--only", "tcp", "--against", "slirp4netns"];
  const table = await check([...BENCH, ...streams], { cwd: PROJECT, timeout: 120_000 });
  const rows = table.split("\n").filter((line) => line.startsWith("| TCP"));
  assertEquals(rows.length, 4, table);
  if (!installed) return; // it has measured ours alone
  for (const row of rows) {
    const mtu = /\| (\d+) +\|/.exec(row)![1]!;
    const ratio = Number(/([\d.]+)× (?:ahead|behind)/.exec(row)![1]);
    assert(ratio >= PROMISE[mtu]!, row);
  }
});

e2e("deno task bench says what it doesn't know", async () => {
  const result = await run([...BENCH, "--against", "nobody"], { cwd: PROJECT });
  assertEquals(result.code, 2);
  assert(result.stderr.includes("no competitor nobody"), result.stderr);
});
