import { HostError } from "../../../../forward/host/port.ts";
import { remoteForwardLines } from "../../../../forward/report/forward_report.ts";
import { Target } from "../../../../forward/names/target.ts";
import { parseForward } from "../../../../forward/syntax/forward_spec.ts";
import { Output } from "../../../../forward/report/output.ts";
import { RemoteFlows } from "../../../../forward/forwards/remote/flows.ts";
import { ConnectionCount } from "../../../../forward/tcp/connection_count.ts";
import { Dials } from "../../../../forward/tcp/dials.ts";
import { formatEndpoint } from "../../../../stack/base/address.ts";
import { assertEquals } from "../../../assert.ts";
import { FakeHost, FakeNames } from "../../bed/fake_host.ts";
import { endpoint, FakeLoop, FakeRequest, FakeStream, settled } from "../../bed/fakes.ts";

/** Small ones. */
const MOST = 20, MOST_DIALS = 8;

function setup(target: string) {
  const loop = new FakeLoop(), host = new FakeHost();
  const names = new FakeNames({ addresses: { web: "192.0.2.1" }, services: { svc: "0 0 81 web" } });
  const lines: string[] = [];
  const output = new Output({ writeSync: (bytes) => lines.push(decode(bytes)) && bytes.length });
  const connections = new ConnectionCount(MOST);
  const dials = new Dials(host, loop, MOST_DIALS);
  const flows = new RemoteFlows({ dials, connections, loop, logs: remoteForwardLines("tcp", output) });
  const options = { names, ttl: 0, now: () => loop.now(), random: () => 0 };
  const forward = {
    bind: endpoint("10.0.2.2:80"),
    target: new Target(parseForward(`80:${target}`, "remote").target, options),
    oneAnswer: false,
  };
  const request = () => {
    const request = new FakeRequest(forward.bind);
    flows.request(request, forward);
    return request;
  };
  return { loop, host, names, lines, flows, request, connections, dials: host.dials };
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trimEnd();
const encode = (text: string) => new TextEncoder().encode(text);
const WHO = "tcp://10.0.2.100:40000-10.0.2.2:80";

Deno.test("remote flows: a target with an address: the SYN is answered as the host's connection is", async () => {
  const { dials, lines, flows, request } = setup("192.0.2.7:8080");
  const asked = request();
  assertEquals([asked.verdict, formatEndpoint(dials[0]!.remote), flows.size], [null, "192.0.2.7:8080", 1]);
  const stream = new FakeStream();
  dials[0]!.answer.resolve(stream);
  await settled();
  assertEquals([asked.verdict, stream.isReading], ["accepted", true]);
  const refused = request();
  dials[1]!.answer.reject(new HostError("refused", "connection refused"));
  await settled();
  assertEquals([refused.verdict, flows.size], ["refused", 1]);
  asked.flow.ends("reset");
  assertEquals([stream.resets, flows.size], [1, 0]);
  assertEquals(lines, [
    `[+] ${WHO}/198.51.100.1:50000-192.0.2.1:80 remote-fwd conn new`,
    `[!] ${WHO}/192.0.2.7:8080 remote-fwd conn error: l=0/0 r=[connection refused]/0`,
    `[-] ${WHO}/198.51.100.1:50000-192.0.2.1:80 remote-fwd conn done: l=[connection reset by peer]/0 r=0/0`,
  ]);
});

Deno.test("remote flows: a name: accepted at once, and what the guest sends meanwhile is kept", async () => {
  const { dials, lines, flows, request } = setup("web:8080");
  const asked = request();
  assertEquals([asked.verdict, dials.length, flows.size], ["accepted", 0, 1]);
  asked.handler!.established();
  asked.flow.sends(encode("question"));
  await settled();
  assertEquals([formatEndpoint(dials[0]!.remote), flows.size], ["192.0.2.1:8080", 1]);
  asked.flow.finishes();
  const stream = new FakeStream();
  dials[0]!.answer.resolve(stream);
  await settled();
  stream.completeWrite();
  assertEquals([decode(Uint8Array.from(stream.fromGuest)), stream.writeEnded], ["question", true]);
  stream.sends(encode("answer"));
  stream.completeRead();
  stream.finishes();
  stream.completeRead();
  asked.flow.ends(null);
  assertEquals([decode(Uint8Array.from(asked.flow.toGuest)), asked.flow.shutdowns, flows.size], ["answer", 1, 0]);
  assertEquals(lines.length, 2);
});

Deno.test("remote flows: a service record's port", async () => {
  const { dials, request } = setup("svc@srv-53:0");
  request();
  await settled();
  assertEquals(formatEndpoint(dials[0]!.remote), "192.0.2.1:81");
});

Deno.test("remote flows: a name without an address: reset, and a line", async () => {
  const { dials, lines, flows, request } = setup("none:8080");
  const asked = request();
  await settled();
  assertEquals([asked.verdict, asked.flow.aborts, dials.length, flows.size], ["accepted", 1, 0, 0]);
  assertEquals(lines, [`[!] ${WHO}/none-failed remote-fwd dns lookup error of tcp addr: lookup none: no such host`]);
});

Deno.test("remote flows: a name whose host refuses: reset, and a line", async () => {
  const { dials, lines, flows, request } = setup("web:8080");
  const asked = request();
  await settled();
  dials[0]!.answer.reject(new HostError("refused", "connection refused"));
  await settled();
  assertEquals([asked.flow.aborts, flows.size], [1, 0]);
  assertEquals(lines, [`[!] ${WHO}/192.0.2.1:8080 remote-fwd conn error: l=0/0 r=[connection refused]/0`]);
});

Deno.test("remote flows: a guest that gives up during the lookup, and during the dial", async () => {
  const { dials, lines, flows, request } = setup("web:8080");
  request().flow.ends("reset");
  await settled();
  assertEquals([dials.length, flows.size, lines], [0, 0, []]);
  const asked = request();
  await settled();
  asked.flow.ends("reset");
  assertEquals([dials[0]!.aborted, flows.size], [true, 0]);
  assertEquals(lines, [`[!] ${WHO}/192.0.2.1:8080 remote-fwd conn error: l=[connection given up]/0 r=0/0`]);
});

Deno.test("remote flows: a guest that gives up before a name without an address is known to be one", async () => {
  const { flows, request } = setup("none:8080");
  const asked = request();
  asked.flow.ends("timeout");
  await settled();
  assertEquals([asked.flow.aborts, flows.size], [0, 0]);
});

Deno.test("remote flows: many names are asked for once, and limits hold", async () => {
  const { names, dials, request, flows, connections } = setup("web:8080");
  const asked = Array.from({ length: MOST }, request);
  assertEquals([flows.size, request().verdict, connections.refused], [MOST, "refused", 1]);
  await settled();
  assertEquals([names.asked.length, dials.length], [1, MOST]);
  const gone = MOST - MOST_DIALS; // they were accepted, so they are reset
  assertEquals(asked.map(({ flow }) => flow.aborts), [...Array(gone).fill(1), ...Array(MOST_DIALS).fill(0)]);
  assertEquals([flows.size, connections.size], [MOST_DIALS, MOST_DIALS]);
});

Deno.test("remote flows: whatever the end, a connection is counted no longer", async () => {
  for (const target of ["web:8080", "none:8080", "192.0.2.7:8080"]) {
    const { dials, request, connections } = setup(target);
    const first = request(), second = request();
    if (first.handler !== null) first.flow.ends("reset");
    else first.cancelled!();
    await settled();
    dials.at(-1)?.answer.resolve(new FakeStream());
    await settled();
    if (second.handler !== null && !second.flow.isOver) second.flow.ends("reset");
    assertEquals(connections.size, 0, target);
  }
});

Deno.test("remote flows: all can be reset", async () => {
  const { dials, flows, request } = setup("192.0.2.7:8080");
  const asked = request(), stream = new FakeStream();
  dials[0]!.answer.resolve(stream);
  await settled();
  flows.abort();
  assertEquals([asked.flow.aborts, stream.resets, flows.size], [1, 1, 0]);
});
