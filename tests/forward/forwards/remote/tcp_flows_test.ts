import { HostError } from "../../../../forward/host/host_network.ts";
import { flowPrinters } from "../../../../forward/report/flow_printer.ts";
import { Target } from "../../../../forward/names/target.ts";
import { parseForward } from "../../../../forward/syntax/forward_spec.ts";
import { Output } from "../../../../forward/report/output.ts";
import { RemoteTcpFlows } from "../../../../forward/forwards/remote/tcp_flows.ts";
import { ConnectionCount } from "../../../../forward/tcp/connection_count.ts";
import { Dials } from "../../../../forward/tcp/dials.ts";
import { OutgoingFlows } from "../../../../forward/tcp/outgoing.ts";
import { formatEndpoint } from "../../../../stack/base/address.ts";
import { assertEquals } from "../../../assert.ts";
import { FakeHost, FakeNames } from "../../bed/fake_host.ts";
import { endpoint, FakeRequest, FakeScheduler, FakeStream, settled } from "../../bed/fakes.ts";

/** Small ones. */
const MOST = 20, MOST_DIALS = 8;

function setup(target: string) {
  const scheduler = new FakeScheduler(), host = new FakeHost();
  const names = new FakeNames({ addresses: { web: "192.0.2.1" }, services: { svc: "0 0 81 web" } });
  const lines: string[] = [];
  const output = new Output({ writeSync: (bytes) => lines.push(decode(bytes)) && bytes.length });
  const connections = new ConnectionCount(MOST);
  const dials = new Dials(host, scheduler, MOST_DIALS);
  const outgoing = new OutgoingFlows({ dials, connections, scheduler });
  const flows = new RemoteTcpFlows({ outgoing, connections, observers: flowPrinters(output).remoteTcp });
  const options = { names, ttl: 0, now: () => scheduler.now(), random: () => 0 };
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
  return { names, lines, outgoing, request, connections, dials: host.dials };
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trimEnd();
const encode = (text: string) => new TextEncoder().encode(text);
const WHO = "tcp://10.0.2.100:40000-10.0.2.2:80";

Deno.test("remote TCP: a target with an address: the SYN is answered as the host's connection is", async () => {
  const { dials, lines, connections, request } = setup("192.0.2.7:8080");
  const asked = request();
  assertEquals(asked.verdict, null, "the verdict before the host has answered");
  assertEquals(formatEndpoint(dials[0].remote), "192.0.2.7:8080");
  assertEquals(connections.size, 1, "connections");
  const stream = new FakeStream();
  dials[0].answer.resolve(stream);
  await settled();
  assertEquals(asked.verdict, "accepted", "the verdict after the host has answered");
  assertEquals(stream.isReading, true, "the host's stream is read");
  const refused = request();
  dials[1].answer.reject(new HostError("refused", "connection refused"));
  await settled();
  assertEquals(refused.verdict, "refused");
  assertEquals(connections.size, 1, "connections after one was refused");
  asked.flow.ends("reset");
  assertEquals(stream.resets, 1, "resets of the host's stream");
  assertEquals(connections.size, 0, "connections at the end");
  assertEquals(lines, [
    `[+] ${WHO}/198.51.100.1:50000-192.0.2.1:80 remote-fwd conn new`,
    `[!] ${WHO}/192.0.2.7:8080 remote-fwd conn error: l=0/0 r=[connection refused]/0`,
    `[-] ${WHO}/198.51.100.1:50000-192.0.2.1:80 remote-fwd conn done: l=[connection reset by peer]/0 r=0/0`,
  ]);
});

Deno.test("remote TCP: a name: accepted at once, and what the guest sends meanwhile is kept", async () => {
  const { dials, lines, connections, request } = setup("web:8080");
  const asked = request();
  assertEquals(asked.verdict, "accepted");
  assertEquals(dials.length, 0, "dials before the name has an address");
  assertEquals(connections.size, 1, "connections during the lookup");
  asked.handler!.established();
  asked.flow.sends(encode("question"));
  await settled();
  assertEquals(formatEndpoint(dials[0].remote), "192.0.2.1:8080");
  assertEquals(connections.size, 1, "connections during the dial");
  asked.flow.finishes();
  const stream = new FakeStream();
  dials[0].answer.resolve(stream);
  await settled();
  stream.completeWrite();
  assertEquals(decode(Uint8Array.from(stream.fromGuest)), "question");
  assertEquals(stream.writeEnded, true, "the guest's FIN was passed on");
  stream.sends(encode("answer"));
  stream.completeRead();
  stream.finishes();
  stream.completeRead();
  asked.flow.ends(null);
  assertEquals(decode(Uint8Array.from(asked.flow.toGuest)), "answer");
  assertEquals(asked.flow.shutdowns, 1, "FINs to the guest");
  assertEquals(connections.size, 0, "connections at the end");
  assertEquals(lines.length, 2);
});

Deno.test("remote TCP: a service record's port", async () => {
  const { dials, request } = setup("svc@srv-53:0");
  request();
  await settled();
  assertEquals(formatEndpoint(dials[0].remote), "192.0.2.1:81");
});

Deno.test("remote TCP: a name without an address: reset, and a line", async () => {
  const { dials, lines, connections, request } = setup("none:8080");
  const asked = request();
  await settled();
  assertEquals(asked.verdict, "accepted");
  assertEquals(asked.flow.aborts, 1, "resets to the guest");
  assertEquals(dials.length, 0, "dials");
  assertEquals(connections.size, 0, "connections");
  assertEquals(lines, [`[!] ${WHO}/none-failed remote-fwd dns lookup error of tcp addr: lookup none: no such host`]);
});

Deno.test("remote TCP: a name whose host refuses: reset, and a line", async () => {
  const { dials, lines, connections, request } = setup("web:8080");
  const asked = request();
  await settled();
  dials[0].answer.reject(new HostError("refused", "connection refused"));
  await settled();
  assertEquals(asked.flow.aborts, 1, "resets to the guest");
  assertEquals(connections.size, 0, "connections");
  assertEquals(lines, [`[!] ${WHO}/192.0.2.1:8080 remote-fwd conn error: l=0/0 r=[connection refused]/0`]);
});

Deno.test("remote TCP: a guest that gives up during the lookup, and during the dial", async () => {
  const { dials, lines, connections, request } = setup("web:8080");
  request().flow.ends("reset");
  await settled();
  assertEquals(dials.length, 0, "dials for a guest that gave up during the lookup");
  assertEquals(connections.size, 0, "connections after the first");
  assertEquals(lines, []);
  const asked = request();
  await settled();
  asked.flow.ends("reset");
  assertEquals(dials[0].aborted, true, "the dial was cancelled");
  assertEquals(connections.size, 0, "connections after the second");
  assertEquals(lines, [`[!] ${WHO}/192.0.2.1:8080 remote-fwd conn error: l=[connection given up]/0 r=0/0`]);
});

Deno.test("remote TCP: a guest that gives up before a name without an address is known to be one", async () => {
  const { connections, request } = setup("none:8080");
  const asked = request();
  asked.flow.ends("timeout");
  await settled();
  assertEquals(asked.flow.aborts, 0, "resets to the guest");
  assertEquals(connections.size, 0, "connections");
});

Deno.test("remote TCP: many names are asked for once, and limits hold", async () => {
  const { names, dials, request, outgoing, connections } = setup("web:8080");
  const asked = Array.from({ length: MOST }, request);
  assertEquals(connections.size, MOST, "connections");
  assertEquals(request().verdict, "refused", "one more than the limit");
  assertEquals(connections.refused, 1, "refused connections");
  await settled();
  assertEquals(names.asked.length, 1, "lookups");
  assertEquals(dials.length, MOST, "dials");
  const evicted = MOST - MOST_DIALS; // they were accepted, so they are reset
  assertEquals(asked.map(({ flow }) => flow.aborts), [...Array(evicted).fill(1), ...Array(MOST_DIALS).fill(0)]);
  assertEquals(outgoing.size, MOST_DIALS, "connections that are left");
  assertEquals(connections.size, MOST_DIALS, "counted connections that are left");
});

Deno.test("remote TCP: a connection is not counted any more after any kind of end", async () => {
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

Deno.test("remote TCP: all can be reset", async () => {
  const { dials, outgoing, connections, request } = setup("192.0.2.7:8080");
  const asked = request(), stream = new FakeStream();
  dials[0].answer.resolve(stream);
  await settled();
  outgoing.abort();
  assertEquals(asked.flow.aborts, 1, "resets to the guest");
  assertEquals(stream.resets, 1, "resets of the host's stream");
  assertEquals(connections.size, 0, "connections");
});
