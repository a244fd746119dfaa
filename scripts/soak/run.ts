/**
 * The soak's bed and its load: a guest behind the program, a world, a forward each way, and on all of them the mixed
 * load of load.py, while the program's metrics are sampled.
 *
 * @module
 */
import { GATEWAY, GUEST, makeDevice } from "../lab/device.ts";
import { Lab, WORLD } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import type { Process } from "../lab/process.ts";
import { startProgram } from "../lab/program.ts";
import { both, startServers } from "../lab/services.ts";
import { until } from "../lab/until.ts";
import { type Metrics, readMetrics } from "./metrics.ts";
import { delay } from "../lab/timing.ts";

/** The totals of one kind of work; see load.py. */
export interface Work {
  readonly done: number;
  readonly connections: number;
  readonly failed: number;
  readonly errors: readonly string[];
  readonly datagrams?: number;
  readonly lost?: number;
}

/** A sample of the program's figures. */
export interface Sample {
  /** Seconds since the load began. */
  readonly at: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly descriptors: number;
  readonly openFlows: number;
  readonly bufferBytes: number;
  readonly cpuSeconds: number;
  readonly connections: number;
}

/** All observations of a soak. */
export interface Observations {
  readonly samples: readonly Sample[];
  /** The load's reports, by path: `routed`, `local`, `remote`. */
  readonly load: Readonly<Record<LoadName, Readonly<Record<string, Work>>>>;
  /** The program's own figures before the load, and after all its connections have ended. */
  readonly before: Metrics;
  readonly after: Metrics;
  /** SYNs that the guest retransmitted meanwhile. */
  readonly synRetransmissions: number;
  /** The program's lines on stderr, except those of its start and its end. */
  readonly complaints: readonly string[];
  readonly status: number;
}

/** The target of each load: the world, the guest through a local forward, the host through a remote one. */
export type LoadName = "routed" | "local" | "remote";

const ALL_KINDS = "short,stream,bulk,half_closed,reset_by_server,reset_by_guest,refused,idle,udp";
const FORWARD_KINDS = "short,stream,idle";
/**
 * The guest's device. Its queue holds everything that the load's streams may have in flight, also in packets of the MTU
 * (`-offload=false`): datagrams that a full queue drops say nothing about the program.
 */
const DEVICE = { mode: "tap", mtu: 1500, queue: 20_000 } as const;
/** ms. Connections in TIME-WAIT end after a minute at most; slower ones are stuck. */
const SETTLE_MS = 90_000;

/** Runs the load for that many seconds. Calls `progress` with each sample. */
export async function soak(
  seconds: number,
  interval: number,
  progress: (sample: Sample) => void,
): Promise<Observations> {
  await using lab = await Lab.create();
  const guest = await lab.guest();
  await makeDevice(guest, DEVICE);
  const loopback = { v4: "127.0.0.1", v6: "::1" };
  await Promise.all([
    startServers(lab),
    startServers(lab, guest, both(GUEST)),
    startServers(lab, lab.host, both(loopback)),
  ]);
  const socket = `${lab.directory}/metrics`;
  const forwards = ["-L", `0:${GUEST.v4}:7`, "-R", "7:127.0.0.1:7"];
  const program = await startProgram(lab.host, guest, [
    "-quiet",
    "-m",
    `unix://${socket}`,
    "-R",
    "udp://7:127.0.0.1:7",
    ...forwards,
  ]);
  lab.adopt(program);
  const metrics = () => readMetrics(lab.host, socket);
  const port = await listeningPort(lab.host, program);

  const before = await metrics(), retransmittedBefore = await synRetransmissions(guest);
  const begin = performance.now();
  const start = (where: Namespace, kinds: string, ...targets: string[]) =>
    lab.start(where, [
      "python3",
      "-B",
      new URL("load.py", import.meta.url).pathname,
      String(seconds),
      kinds,
      ...targets,
    ]);
  const loads: Record<LoadName, Process> = {
    routed: start(guest, ALL_KINDS, WORLD.v4, WORLD.v6),
    local: start(lab.host, FORWARD_KINDS, `127.0.0.1,${port}`),
    remote: start(guest, `${FORWARD_KINDS},udp`, GATEWAY.v4),
  };
  const samples: Sample[] = [];
  for (;;) {
    const sample = sampleOf(await metrics(), (performance.now() - begin) / 1000);
    samples.push(sample);
    progress(sample);
    if (program.code !== null) throw new Error(`the program has ended\n${program.stderr.join("\n")}`);
    if (sample.at + interval > seconds) break;
    await delay(interval * 1000); // the time between two samples
  }
  const load = {
    routed: await reportOf(loads.routed),
    local: await reportOf(loads.local),
    remote: await reportOf(loads.remote),
  };
  const after = await until("the end of all connections", SETTLE_MS, async () => {
    const now = await metrics();
    return now.sum("slirpnetstack_open_flows", { network: "tcp" }) === 0 ? now : null;
  });
  const retransmitted = await synRetransmissions(guest) - retransmittedBefore;
  const status = await program.stop();
  const complaints = program.stderr.filter((line) =>
    !/^\[\.\] (Join|Open)|Running metrics|started$|closing$/.test(line)
  );
  return { samples, load, before, after, synRetransmissions: retransmitted, complaints, status };
}

/** TCPSynRetrans of /proc/net/netstat: names in one line, values in the next. */
async function synRetransmissions(guest: Namespace): Promise<number> {
  const [names, values] = (await guest.check(["cat", "/proc/net/netstat"])).split("\n").map((line) => line.split(" "));
  const value = Number(values?.[names?.indexOf("TCPSynRetrans") ?? -1]);
  if (Number.isNaN(value)) throw new Error("/proc/net/netstat has no TCPSynRetrans");
  return value;
}

/** `-quiet` leaves out the line that would say it. */
async function listeningPort(host: Namespace, program: Process): Promise<string> {
  const said = await host.check(["ss", "-Hltnp"]);
  const line = said.split("\n").find((line) => line.includes(`pid=${program.pid},`));
  const port = /127\.0\.0\.1:(\d+)/.exec(line ?? "")?.[1];
  if (port === undefined) throw new Error(`the program listens nowhere:\n${said}`);
  return port;
}

function sampleOf(metrics: Metrics, at: number): Sample {
  return {
    at: Number(at.toFixed(2)),
    residentBytes: metrics.sum("process_resident_memory_bytes"),
    heapBytes: metrics.sum("process_heap_bytes"),
    descriptors: metrics.sum("process_open_fds"),
    openFlows: metrics.sum("slirpnetstack_open_flows"),
    bufferBytes: metrics.sum("slirpnetstack_buffer_bytes"),
    cpuSeconds: metrics.sum("process_cpu_seconds_total"),
    connections: metrics.sum("slirpnetstack_connections_opened_total"),
  };
}

/** The report in load.py's last line. When the time is up, load.py finishes the work that is under way. */
async function reportOf(load: Process): Promise<Record<string, Work>> {
  await load.end(120_000);
  await load.ended;
  const last = load.stdout.at(-1);
  if (load.code !== 0 || last === undefined) throw new Error(`load.py: status ${load.code}\n${load.stderr.join("\n")}`);
  return JSON.parse(last);
}
