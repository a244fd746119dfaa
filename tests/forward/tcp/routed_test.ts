import type { EndReport } from "../../../forward/report/end_report.ts";
import { HostError, type HostFailure } from "../../../forward/host/port.ts";
import { DIAL_TIMEOUT_MS } from "../../../forward/limits/timeouts.ts";
import { ConnectionCount } from "../../../forward/tcp/connection_count.ts";
import { Dials } from "../../../forward/tcp/dials.ts";
import { RoutedFlows } from "../../../forward/tcp/routed.ts";
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";
import { FakeHost } from "../bed/fake_host.ts";
import { endpoint, FakeLoop, FakeRequest, FakeStream, settled } from "../bed/fakes.ts";

/** Small ones. */
const MOST = 20, MOST_DIALS = 8;

function setup(allowed = true) {
  const loop = new FakeLoop();
  const lines: string[] = [];
  const host = new FakeHost();
  const { dials } = host;
  const pending = new Dials(host, loop, MOST_DIALS), connections = new ConnectionCount(MOST);
  const say = (what: string, guest: Endpoint, rest: Endpoint[], ends?: EndReport) =>
    lines.push([what, formatEndpoint(guest), rest.map(formatEndpoint).join("-"), ends ?? ""].join(" ").trim());
  const flows = new RoutedFlows({
    dials: pending,
    connections,
    loop,
    policy: { decide: () => ({ allowed }) },
    log: {
      opened: (guest, local, remote) => say("new", guest, [local, remote]),
      done: (guest, local, remote, ends) => say("done", guest, [local, remote], ends),
      failed: (guest, destination, ends) => say("error", guest, [destination], ends),
    },
  });
  const request = (to = "192.0.2.1:80") => {
    const request = new FakeRequest(endpoint(to));
    flows.request(request);
    return request;
  };
  return { loop, dials, lines, flows, request, pending, connections };
}

Deno.test("routed: the SYN is answered when the host's connection stands", async () => {
  const { dials, lines, flows, request } = setup();
  const asked = request("192.0.2.1:80");
  assertEquals([asked.verdict, dials.length, formatEndpoint(dials[0]!.remote)], [null, 1, "192.0.2.1:80"]);
  const stream = new FakeStream();
  dials[0]!.answer.resolve(stream);
  await settled();
  assertEquals([asked.verdict, flows.size, stream.isReading], ["accepted", 1, true]);
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
  Deno.test(`routed: the host says ${failure}, the guest is told ${verdict}`, async () => {
    const { dials, lines, flows, request } = setup();
    const asked = request();
    dials[0]!.answer.reject(new HostError(failure, "because"));
    await settled();
    assertEquals([asked.verdict, flows.size], [verdict, 0]);
    assertEquals(lines, ["error 10.0.2.100:40000 192.0.2.1:80 l=0/0 r=[because]/0"]);
  });
}

Deno.test("routed: what is not allowed is refused without a dial or a line", () => {
  const { dials, lines, request } = setup(false);
  assertEquals([request().verdict, dials.length, lines], ["refused", 0, []]);
});

Deno.test("routed: a guest that gives up ends the dial", async () => {
  const { dials, flows, request } = setup();
  const asked = request();
  asked.cancelled!();
  await settled();
  assertEquals([dials[0]!.aborted, asked.verdict, flows.size], [true, null, 0]);
});

Deno.test("routed: a connection that came about too late is closed", async () => {
  const { dials, flows, request } = setup();
  const asked = request();
  const stream = new FakeStream();
  dials[0]!.answer.resolve(stream);
  asked.cancelled!();
  await settled();
  assertEquals([stream.isClosed, asked.verdict, flows.size], [true, null, 0]);
});

Deno.test("routed: a dial without an answer ends, and the next in its own time", async () => {
  const { dials, request, loop } = setup();
  const first = request();
  loop.advance(5_000);
  const second = request();
  loop.advance(DIAL_TIMEOUT_MS - 5_000);
  await settled();
  assertEquals([first.verdict, second.verdict, dials[0]!.aborted, dials[1]!.aborted], ["host", null, true, false]);
  loop.advance(5_000);
  assertEquals([second.verdict, loop.timerCount], ["host", 0]);
});

Deno.test("routed: of too many dials the oldest goes, without a word, and its SYN may come again", async () => {
  const { dials, flows, lines, request, pending } = setup();
  const asked = Array.from({ length: MOST_DIALS + 2 }, (_, i) => request(`192.0.2.${i}:80`));
  await settled();
  assertEquals(asked.map(({ verdict }) => verdict), ["dropped", "dropped", ...Array(MOST_DIALS).fill(null)]);
  assertEquals(dials.map(({ aborted }) => aborted), [true, true, ...Array(MOST_DIALS).fill(false)]);
  assertEquals([flows.size, pending.size, pending.evicted, lines], [MOST_DIALS, MOST_DIALS, 2, []]);
  const stream = new FakeStream();
  dials.at(-1)!.answer.resolve(stream);
  await settled();
  assertEquals(asked.at(-1)!.verdict, "accepted");
  assertEquals([request().verdict, pending.evicted], [null, 2]);
});

Deno.test("routed: a flood of dials to one address leaves those to others alone", async () => {
  const { dials, request } = setup();
  const other = request("198.51.100.9:443"); // the oldest of all
  for (let i = 0; i < 50; i++) request("192.0.2.1:80");
  assertEquals(other.verdict, null);
  const later = request("198.51.100.10:443");
  assertEquals([other.verdict, later.verdict], ["dropped", null]); // this one's address has no share of its own
  for (let i = 0; i < 50; i++) request("192.0.2.1:80");
  await settled();
  assertEquals(later.verdict, null);
  dials.find(({ remote }) => formatEndpoint(remote) === "198.51.100.10:443")!.answer.resolve(new FakeStream());
  await settled();
  assertEquals(later.verdict, "accepted");
});

Deno.test("routed: too many connections are refused; all of them can be reset", async () => {
  const { dials, flows, request, connections } = setup();
  const streams: FakeStream[] = [];
  for (let i = 0; i < MOST; i++) {
    request();
    const stream = new FakeStream();
    streams.push(stream);
    dials[i]!.answer.resolve(stream);
    await settled();
  }
  assertEquals([flows.size, request().verdict, connections.refused], [MOST, "refused", 1]);
  flows.abort();
  assertEquals([flows.size, connections.size, streams.every((stream) => stream.resets === 1)], [0, 0, true]);
  assertEquals(request().verdict, null);
});

Deno.test("routed: whatever the end, a connection is counted no longer", async () => {
  const { dials, request, connections, loop } = setup();
  const cancelled = request(), refused = request(), accepted = request();
  request(); // gets no answer
  assertEquals(connections.size, 4);
  cancelled.cancelled!();
  dials[1]!.answer.reject(new HostError("refused", "because"));
  dials[2]!.answer.resolve(new FakeStream());
  await settled();
  assertEquals([refused.verdict, connections.size], ["refused", 2]);
  accepted.flow.ends("reset");
  loop.advance(DIAL_TIMEOUT_MS);
  assertEquals(connections.size, 0);
});
