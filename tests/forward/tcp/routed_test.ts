import type { EndReport } from "../../../forward/end_report.ts";
import { HostError, type HostFailure } from "../../../forward/host.ts";
import { DIAL_TIMEOUT_MS, MAX_DIALS, MAX_FLOWS } from "../../../forward/limits.ts";
import { Dials } from "../../../forward/tcp/dials.ts";
import { RoutedFlows } from "../../../forward/tcp/routed.ts";
import { type Endpoint, formatEndpoint } from "../../../stack/address.ts";
import { assertEquals } from "../../assert.ts";
import { FakeHost } from "../fake_host.ts";
import { endpoint, FakeLoop, FakeRequest, FakeStream, settled } from "../fakes.ts";

function setup(allowed = true) {
  const loop = new FakeLoop();
  const lines: string[] = [];
  const host = new FakeHost();
  const { dials } = host;
  const say = (what: string, guest: Endpoint, rest: Endpoint[], ends?: EndReport) =>
    lines.push([what, formatEndpoint(guest), rest.map(formatEndpoint).join("-"), ends ?? ""].join(" ").trim());
  const flows = new RoutedFlows({
    dials: new Dials(host, loop),
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
  return { loop, dials, lines, flows, request };
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

Deno.test("routed: too many dials are not answered, and later ones are", async () => {
  const { dials, request } = setup();
  for (let i = 0; i < MAX_DIALS; i++) assertEquals(request().verdict, null);
  assertEquals(request().verdict, "dropped");
  dials[3]!.answer.reject(new HostError("refused", "refused"));
  await settled();
  assertEquals(request().verdict, null);
});

Deno.test("routed: too many connections are refused; all of them can be reset", async () => {
  const { dials, flows, request } = setup();
  const streams: FakeStream[] = [];
  for (let i = 0; i < MAX_FLOWS; i++) {
    request();
    const stream = new FakeStream();
    streams.push(stream);
    dials[i]!.answer.resolve(stream);
    if (i % MAX_DIALS === MAX_DIALS - 1) await settled();
  }
  assertEquals([flows.size, request().verdict], [MAX_FLOWS, "refused"]);
  flows.abort();
  assertEquals([flows.size, streams.every((stream) => stream.resets === 1)], [0, true]);
});
