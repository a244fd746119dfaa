import { EndReport, EOF } from "../../../../forward/report/end_report.ts";
import { FlowMeter } from "../../../../forward/metrics/flows/flow_meter.ts";
import { flowRow } from "../../../../forward/metrics/flows/flow_rows.ts";
import { NO_OBSERVERS } from "../../../../forward/report/flow_observers.ts";
import {
  meteredFlowObserver,
  meteredLocalObserver,
  meteredObservers,
  meteredRemoteObservers,
} from "../../../../forward/metrics/flows/metered_observers.ts";
import { formatEndpoint } from "../../../../stack/base/address.ts";
import { assertEquals } from "../../../assert.ts";
import { endpoint } from "../../bed/fakes.ts";

const GUEST = endpoint("10.0.2.100:1000"), OTHER = endpoint("10.0.2.100:1001");
const HOST = endpoint("198.51.100.1:5000"), SERVER = endpoint("192.0.2.1:80");

function report(outcome: "ok" | "reset" | "refused" | "expired"): EndReport {
  const ends = new EndReport();
  ends.record("l-read", outcome === "ok" ? EOF : { text: outcome, outcome });
  return ends;
}

/** The ends of the meter's flows. */
function open(meter: FlowMeter): string[][] {
  return [...meter.flows()].map(({ guest, guestPeer, host, hostPeer }) =>
    [guest, guestPeer, host, hostPeer].map(formatEndpoint)
  );
}

function counts({ counters: { opened, open, ended } }: FlowMeter): Record<string, number> {
  return { opened, open, ...Object.fromEntries(Object.entries(ended).filter(([, count]) => count > 0)) };
}

Deno.test("flows under the policy are counted, listed and passed on", () => {
  const meter = new FlowMeter("routed", "tcp");
  const told: string[] = [];
  const observer = meteredFlowObserver({
    opened: (guest, local, remote) => told.push(`opened ${[guest, local, remote].map(formatEndpoint)}`),
    done: (guest, _local, _remote, ends) => told.push(`done ${formatEndpoint(guest)} ${ends}`),
    failed: (guest, to, ends) => told.push(`failed ${formatEndpoint(guest)} ${formatEndpoint(to)} ${ends}`),
  }, meter);
  observer.opened(GUEST, HOST, SERVER);
  observer.opened(OTHER, HOST, SERVER);
  observer.failed(GUEST, SERVER, report("refused"));
  assertEquals(open(meter), [GUEST, OTHER].map((guest) => [guest, SERVER, HOST, SERVER].map(formatEndpoint)));
  observer.done(GUEST, HOST, SERVER, report("reset"));
  assertEquals(open(meter).length, 1);
  observer.done(OTHER, HOST, SERVER, report("ok"));
  assertEquals(open(meter), [], "open flows");
  assertEquals(counts(meter), { opened: 2, open: 0, ok: 1, reset: 1, refused: 1 });
  assertEquals(told, [
    "opened 10.0.2.100:1000,198.51.100.1:5000,192.0.2.1:80",
    "opened 10.0.2.100:1001,198.51.100.1:5000,192.0.2.1:80",
    "failed 10.0.2.100:1000 192.0.2.1:80 l=[refused]/0 r=0/0",
    "done 10.0.2.100:1000 l=[reset]/0 r=0/0",
    "done 10.0.2.100:1001 l=[EOF]/0 r=0/0",
  ]);
});

Deno.test("remote forwards: the guest's destination differs from the host's", () => {
  const meter = new FlowMeter("remote-fwd", "tcp");
  const observer = meteredRemoteObservers(NO_OBSERVERS.remoteTcp, meter)(endpoint("10.0.2.2:8080"));
  observer.opened(GUEST, HOST, SERVER);
  assertEquals(open(meter), [["10.0.2.100:1000", "10.0.2.2:8080", "198.51.100.1:5000", "192.0.2.1:80"]]);
  observer.done(GUEST, HOST, SERVER, report("ok"));
  observer.unresolved(GUEST, "name", "no such host");
  assertEquals(open(meter), [], "open flows");
  assertEquals(counts(meter), { opened: 1, open: 0, ok: 1, unresolved: 1 });
});

Deno.test("local forwards: each network has its meter", () => {
  const meters = { tcp: new FlowMeter("local-fwd", "tcp"), udp: new FlowMeter("local-fwd", "udp") };
  const observer = meteredLocalObserver(NO_OBSERVERS.local, meters);
  const client = endpoint("203.0.113.5:7"), listener = endpoint("127.0.0.1:8080"), target = endpoint("10.0.2.100:80");
  const ends = { network: "tcp", client, listener, guestLocal: client, target, proxyProtocol: false } as const;
  observer.opened(ends);
  observer.opened({ ...ends, network: "udp" });
  assertEquals(open(meters.tcp), [["10.0.2.100:80", "203.0.113.5:7", "127.0.0.1:8080", "203.0.113.5:7"]]);
  observer.done(ends, report("ok"));
  observer.done({ ...ends, network: "udp" }, report("expired"));
  observer.failed(ends, "10.0.2.100:80", report("refused"));
  observer.failed(ends, "10.0.2.100:80", { text: "no PROXY header", outcome: "other" });
  assertEquals(counts(meters.tcp), { opened: 1, open: 0, ok: 1, refused: 1, other: 1 });
  assertEquals(counts(meters.udp), { opened: 1, open: 0, expired: 1 });
  assertEquals(open(meters.tcp), [], "open TCP flows");
  assertEquals(open(meters.udp), [], "open UDP flows");
});

Deno.test("all observers together: each tells its meter", () => {
  const { observers, meters } = meteredObservers(NO_OBSERVERS);
  const destination = endpoint("10.0.2.2:1");
  observers.routedTcp.opened(GUEST, HOST, SERVER);
  observers.routedUdp.failed(GUEST, SERVER, report("refused"));
  observers.remoteTcp(destination).opened(GUEST, HOST, SERVER);
  observers.remoteUdp(destination).unresolved(GUEST, "name", "no such host");
  const ends = { client: HOST, listener: HOST, proxyProtocol: true };
  observers.local.failed({ network: "tcp", ...ends }, "x", report("reset"));
  observers.local.failed({ network: "udp", ...ends }, "x", report("expired"));
  assertEquals(Object.fromEntries(meters.map((meter) => [`${meter.kind} ${meter.network}`, counts(meter)])), {
    "routed tcp": { opened: 1, open: 1 },
    "routed udp": { opened: 0, open: 0, refused: 1 },
    "local-fwd tcp": { opened: 0, open: 0, reset: 1 },
    "local-fwd udp": { opened: 0, open: 0, expired: 1 },
    "remote-fwd tcp": { opened: 1, open: 1 },
    "remote-fwd udp": { opened: 0, open: 0, unresolved: 1 },
  });
});

Deno.test("rows of associations, and of connections that the stack no longer has", () => {
  let now = 1000;
  const ends = { guest: GUEST, guestPeer: SERVER, host: HOST, hostPeer: SERVER };
  const traffic = { sentBytes: 10, answeredBytes: 20 };
  const row = (meter: FlowMeter) => flowRow(meter, [...meter.flows()][0], () => null, now);
  const udp = new FlowMeter("routed", "udp", null, () => now);
  udp.opened(ends, traffic);
  now += 1500;
  assertEquals(row(udp), {
    kind: "routed",
    network: "udp",
    guest: "10.0.2.100:1000",
    destination: "192.0.2.1:80",
    name: null,
    rule: null,
    host: "198.51.100.1:5000",
    host_peer: "192.0.2.1:80",
    state: "open",
    bytes_from_guest: 10,
    bytes_to_guest: 20,
    buffered_bytes: 0,
    age_seconds: 1.5,
  });
  const local = new FlowMeter("local-fwd", "udp", null, () => now);
  local.opened(ends, traffic);
  const { destination, bytes_from_guest, bytes_to_guest } = row(local);
  assertEquals(destination, "10.0.2.100:1000", "local forward: destination");
  assertEquals(bytes_from_guest, 20, "local forward: bytes from the guest");
  assertEquals(bytes_to_guest, 10, "local forward: bytes to the guest");
  const plain = new FlowMeter("routed", "udp");
  meteredFlowObserver(NO_OBSERVERS.routedTcp, plain).opened(GUEST, HOST, SERVER);
  assertEquals(row(plain).bytes_from_guest, null, "not counted");
  const tcp = new FlowMeter("routed", "tcp");
  tcp.opened(ends);
  assertEquals(row(tcp).state, "CLOSED");
  assertEquals(row(tcp).bytes_to_guest, null, "bytes to the guest");
});
