/** Many connections, at once and in turn, of which nothing stays behind. */
import type { Lab } from "../../../scripts/lab/lab.ts";
import { openDescriptors } from "../../../scripts/lab/usage.ts";
import { until } from "../../../scripts/lab/until.ts";
import { readMetrics } from "../../../scripts/soak/metrics.ts";
import { assert, assertEquals } from "../../assert.ts";
import { type Bed, BedKeeper, e2eEach } from "../bed/bed.ts";

const metricsSocket = (lab: Lab) => `${lab.directory}/metrics`;

e2eEach(new BedKeeper((lab) => ["-m", `unix://${metricsSocket(lab)}`]), {
  "200 connections at once echo, and leave nothing": (bed, address) =>
    echoAndLeaveNothing(bed, address, 200, "at-once"),
  "1,000 connections in turn echo, and leave nothing": (bed, address) =>
    echoAndLeaveNothing(bed, address, 1000, "in-turn"),
  "a connection that the server has ended first leaves its TIME-WAIT": serverFirst,
});

async function echoAndLeaveNothing(bed: Bed, address: string, count: number, manner: string): Promise<void> {
  const { program } = bed;
  // for resources that are opened once and stay
  assertEquals(await bed.client("echo", address, 1, "in-turn"), { echoed: 1, errors: [] });
  await until("the first connection's end", 5_000, () => bed.routed("done").length === bed.routed("new").length);
  const [descriptors, earlier] = [openDescriptors(program.pid), bed.routed("new").length];
  const { accepted, timeWait } = await connections(bed);

  assertEquals(await bed.client("echo", address, count, manner), { echoed: count, errors: [] });

  await until("a line for each new connection", 5_000, () => bed.routed("new").length === earlier + count);
  await until("as many lines for their ends", 5_000, () => bed.routed("done").length === earlier + count);
  await nothingOpen(bed);
  const after = await connections(bed);
  assertEquals(after.accepted - accepted, count);
  // The guest closes first each time, so TIME-WAIT is its own.
  assert(after.timeWait <= timeWait, `${after.timeWait} in TIME-WAIT, ${timeWait} before`);
  await until("their descriptors to be closed", 5_000, () => openDescriptors(program.pid) <= descriptors);
  assertEquals(bed.routed("error"), []);
}

async function serverFirst(bed: Bed, address: string): Promise<void> {
  const { timeWait } = await connections(bed);
  assertEquals(await bed.client("fin-first", address, crypto.randomUUID()), { sent: 5_000_000 });
  await nothingOpen(bed);
  assertEquals((await connections(bed)).timeWait, timeWait + 1); // for a minute: it doesn't count as a connection
}

/** Waits until the program has no connection with the guest or the host, and no memory for one. */
async function nothingOpen(bed: Bed): Promise<void> {
  const none = { flows: 0, withGuest: 0, halfOpen: 0, requests: 0, bufferBytes: 0 };
  let last: Record<string, number> = {};
  try {
    await until("the end of all connections", 5_000, async () => {
      const { accepted: _, timeWait: __, ...open } = await connections(bed);
      last = open;
      return JSON.stringify(open) === JSON.stringify(none);
    });
  } catch (cause) {
    throw new Error(`left behind: ${JSON.stringify(last)}`, { cause });
  }
}

async function connections(bed: Bed) {
  const metrics = await readMetrics(bed.lab.host, metricsSocket(bed.lab));
  return {
    flows: metrics.sum("slirpnetstack_open_flows"),
    withGuest: metrics.sum("slirpnetstack_tcp_connections"),
    halfOpen: metrics.sum("slirpnetstack_tcp_half_open_connections"),
    requests: metrics.sum("slirpnetstack_tcp_waiting_requests"),
    bufferBytes: metrics.sum("slirpnetstack_buffer_bytes"),
    accepted: metrics.sum("slirpnetstack_tcp_established_total", { initiator: "guest" }),
    timeWait: metrics.sum("slirpnetstack_tcp_time_wait_connections"),
  };
}
