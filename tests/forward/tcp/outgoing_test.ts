import type { EndReport } from "../../../forward/report/end_report.ts";
import type { FlowObserver } from "../../../forward/report/flow_observers.ts";
import { HostError, type HostFailure } from "../../../forward/host/host_network.ts";
import { DIAL_TIMEOUT_MS } from "../../../forward/limits/timeouts.ts";
import { ConnectionCount } from "../../../forward/tcp/connection_count.ts";
import { Dials } from "../../../forward/tcp/dials.ts";
import { OutgoingFlows } from "../../../forward/tcp/outgoing.ts";
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";
import { FakeHost } from "../bed/fake_host.ts";
import { endpoint, FakeRequest, FakeScheduler, FakeStream, settled } from "../bed/fakes.ts";

/** Small ones. */
const MOST = 20, MOST_DIALS = 8;

function setup() {
  const scheduler = new FakeScheduler();
  const lines: string[] = [];
  const host = new FakeHost();
  const { dials } = host;
  const pending = new Dials(host, scheduler, MOST_DIALS), connections = new ConnectionCount(MOST);
  const say = (what: string, guest: Endpoint, rest: Endpoint[], ends?: EndReport) =>
    lines.push([what, formatEndpoint(guest), rest.map(formatEndpoint).join("-"), ends ?? ""].join(" ").trim());
  const flows = new OutgoingFlows({ dials: pending, connections, scheduler });
  const log: FlowObserver = {
    opened: (guest, local, remote) => say("new", guest, [local, remote]),
    done: (guest, local, remote, ends) => say("done", guest, [local, remote], ends),
    failed: (guest, destination, ends) => say("error", guest, [destination], ends),
  };
  const request = (to = "192.0.2.1:80") => {
    const request = new FakeRequest(endpoint(to));
    flows.request(request, request.local, log);
    return request;
  };
  return { scheduler, dials, lines, flows, request, pending, connections };
}

Deno.test("outgoing: the SYN is answered when the host's connection stands", async () => {
  const { dials, lines, flows, request } = setup();
  const asked = request("192.0.2.1:80");
  assertEquals(asked.verdict, null, "the verdict before the host has answered");
  assertEquals(dials.map(({ remote }) => formatEndpoint(remote)), ["192.0.2.1:80"], "dials");
  const stream = new FakeStream();
  dials[0].answer.resolve(stream);
  await settled();
  assertEquals(asked.verdict, "accepted", "the verdict after the host has answered");
  assertEquals(flows.size, 1, "connections");
  assertEquals(stream.isReading, true, "the host's stream is read");
  stream.finishes();
  stream.completeRead();
  asked.flow.finishes();
  asked.flow.ends(null);
  assertEquals(flows.size, 0);
  assertEquals(lines, [
    "new 10.0.2.100:40000 198.51.100.1:50000-192.0.2.1:80",
    "done 10.0.2.100:40000 198.51.100.1:50000-192.0.2.1:80 l=EOF/0 r=[EOF]/0",
  ]);
});

const VERDICTS: readonly [HostFailure, FakeRequest["verdict"]][] = [
  ["refused", "refused"],
  ["reset", "refused"],
  ["network-unreachable", "network"],
  ["host-unreachable", "host"],
  ["timeout", "host"],
  ["prohibited", "prohibited"],
  ["resources", "refused"],
  ["other", "refused"],
];
for (const [failure, verdict] of VERDICTS) {
  Deno.test(`outgoing: the host says ${failure}, the guest is told ${verdict}`, async () => {
    const { dials, lines, flows, request } = setup();
    const asked = request();
    dials[0].answer.reject(new HostError(failure, "because"));
    await settled();
    assertEquals(asked.verdict, verdict);
    assertEquals(flows.size, 0, "connections");
    assertEquals(lines, ["error 10.0.2.100:40000 192.0.2.1:80 l=0/0 r=[because]/0"]);
  });
}

Deno.test("outgoing: a guest that gives up ends the dial", async () => {
  const { dials, flows, request } = setup();
  const asked = request();
  asked.cancelled!();
  await settled();
  assertEquals(dials[0].aborted, true, "the dial was cancelled");
  assertEquals(asked.verdict, null, "the verdict");
  assertEquals(flows.size, 0, "connections");
});

Deno.test("outgoing: a connection that came about too late is closed", async () => {
  const { dials, flows, request } = setup();
  const asked = request();
  const stream = new FakeStream();
  dials[0].answer.resolve(stream);
  asked.cancelled!();
  await settled();
  assertEquals(stream.isClosed, true, "the host's stream was closed");
  assertEquals(asked.verdict, null, "the verdict");
  assertEquals(flows.size, 0, "connections");
});

Deno.test("outgoing: a dial without an answer ends, and the next in its own time", async () => {
  const { dials, request, scheduler } = setup();
  const first = request();
  scheduler.advance(5_000);
  const second = request();
  scheduler.advance(DIAL_TIMEOUT_MS - 5_000);
  await settled();
  assertEquals(first.verdict, "host", "the verdict when its dial's time is up");
  assertEquals(second.verdict, null, "the verdict of a later dial");
  assertEquals(dials.map(({ aborted }) => aborted), [true, false], "cancelled dials");
  scheduler.advance(5_000);
  assertEquals(second.verdict, "host", "the second's verdict when its time is up");
  assertEquals(scheduler.timerCount, 0, "timers left");
});

Deno.test("outgoing: of too many dials the oldest goes without an answer, so that its SYN comes again", async () => {
  const { dials, flows, lines, request, pending } = setup();
  const asked = Array.from({ length: MOST_DIALS + 2 }, (_, i) => request(`192.0.2.${i}:80`));
  await settled();
  assertEquals(asked.map(({ verdict }) => verdict), ["dropped", "dropped", ...Array(MOST_DIALS).fill(null)]);
  assertEquals(dials.map(({ aborted }) => aborted), [true, true, ...Array(MOST_DIALS).fill(false)]);
  assertEquals(flows.size, MOST_DIALS, "connections");
  assertEquals(pending.size, MOST_DIALS, "dials");
  assertEquals(pending.evicted, 2, "evicted dials");
  assertEquals(lines, []);
  const stream = new FakeStream();
  dials.at(-1)!.answer.resolve(stream);
  await settled();
  assertEquals(asked.at(-1)!.verdict, "accepted");
  assertEquals(request().verdict, null, "the verdict when a dial has ended");
  assertEquals(pending.evicted, 2, "evicted dials when there is room");
});

Deno.test("outgoing: a flood of dials to one address leaves those to others alone", async () => {
  const { dials, request } = setup();
  const other = request("198.51.100.9:443"); // the oldest of all
  for (let i = 0; i < 50; i++) request("192.0.2.1:80");
  assertEquals(other.verdict, null);
  const later = request("198.51.100.10:443");
  assertEquals(other.verdict, "dropped", "the oldest dial: the new one's address has no share of its own to lose");
  assertEquals(later.verdict, null, "the new dial");
  for (let i = 0; i < 50; i++) request("192.0.2.1:80");
  await settled();
  assertEquals(later.verdict, null);
  dials.find(({ remote }) => formatEndpoint(remote) === "198.51.100.10:443")!.answer.resolve(new FakeStream());
  await settled();
  assertEquals(later.verdict, "accepted");
});

Deno.test("outgoing: too many connections are refused; all of them can be reset", async () => {
  const { dials, flows, request, connections } = setup();
  const streams: FakeStream[] = [];
  for (let i = 0; i < MOST; i++) {
    request();
    const stream = new FakeStream();
    streams.push(stream);
    dials[i].answer.resolve(stream);
    await settled();
  }
  assertEquals(flows.size, MOST, "connections");
  assertEquals(request().verdict, "refused", "one more than the limit");
  assertEquals(connections.refused, 1, "refused connections");
  flows.abort();
  assertEquals(flows.size, 0, "connections after the reset");
  assertEquals(connections.size, 0, "counted connections after the reset");
  assertEquals(streams.map(({ resets }) => resets), Array(MOST).fill(1), "resets of each stream");
  assertEquals(request().verdict, null);
});

Deno.test("outgoing: a connection is not counted any more after any kind of end", async () => {
  const { dials, request, connections, scheduler } = setup();
  const cancelled = request(), refused = request(), accepted = request();
  request(); // gets no answer
  assertEquals(connections.size, 4);
  cancelled.cancelled!();
  dials[1].answer.reject(new HostError("refused", "because"));
  dials[2].answer.resolve(new FakeStream());
  await settled();
  assertEquals(refused.verdict, "refused");
  assertEquals(connections.size, 2, "the accepted one, and the one whose host is silent");
  accepted.flow.ends("reset");
  scheduler.advance(DIAL_TIMEOUT_MS);
  assertEquals(connections.size, 0);
});
