import { HostError } from "../../../../forward/host/host_network.ts";
import { flowPrinters } from "../../../../forward/report/flow_printer.ts";
import { PROXY_HEADER_MS } from "../../../../forward/limits/timeouts.ts";
import { LocalTcpClients } from "../../../../forward/forwards/local/tcp_clients.ts";
import { FlowMeter } from "../../../../forward/metrics/flows/flow_meter.ts";
import { meteredLocalObserver } from "../../../../forward/metrics/flows/metered_observers.ts";
import { Target } from "../../../../forward/names/target.ts";
import { parseForward } from "../../../../forward/syntax/forward_spec.ts";
import { Output } from "../../../../forward/report/output.ts";
import { ConnectionCount } from "../../../../forward/tcp/connection_count.ts";
import { type Endpoint, formatEndpoint } from "../../../../stack/base/address.ts";
import { DEFAULT_ADDRESSES } from "../../../../stack/link/addresses.ts";
import { allocatePlain } from "../../../../stack/base/device.ts";
import type { TcpHandler } from "../../../../stack/tcp/flow.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { FakeHost, FakeNames } from "../../bed/fake_host.ts";
import { endpoint, FakeFlow, FakeScheduler, FakeStream, settled } from "../../bed/fakes.ts";

/** A call to the guest. */
interface Call {
  readonly from: string;
  readonly to: string;
  readonly handler: TcpHandler;
  readonly flow: FakeFlow;
}

/** A small one. */
const MOST = 20;

function setup(forward: string, immediate = false) {
  const scheduler = new FakeScheduler(), host = new FakeHost();
  const names = new FakeNames({ addresses: { guest: "10.0.2.100" } });
  const meter = new FlowMeter("local-fwd", "tcp");
  const lines: string[] = [], calls: Call[] = [];
  const state = { full: false };
  const flows = new LocalTcpClients({
    scheduler,
    host,
    connections: new ConnectionCount(MOST),
    own: DEFAULT_ADDRESSES,
    allocate: allocatePlain,
    observer: meteredLocalObserver(
      flowPrinters(new Output({ writeSync: (bytes) => lines.push(decode(bytes)) && bytes.length })).local,
      { tcp: meter, udp: meter },
    ),
    guest: {
      connect: (local, guest, handler) => {
        if (state.full) return null;
        const from = { address: local.address, port: local.port || 50_000 + calls.length };
        const flow = Object.assign(new FakeFlow(handler), { guest, local: from });
        calls.push({ from: formatEndpoint(local), to: formatEndpoint(guest), handler, flow });
        return flow;
      },
    },
  });
  const spec = parseForward(forward, "local");
  const options = { names, ttl: 1_000, now: () => scheduler.now(), random: () => 0 };
  const bind = spec.bind.host.kind === "address" ? { address: spec.bind.host.address, port: spec.bind.port } : null;
  assert(bind !== null);
  const { oneAnswer, proxyProtocol } = spec;
  const listener = flows.listen({ bind, target: new Target(spec.target, options), oneAnswer, proxyProtocol });
  const { local } = listener;
  /** A client that was accepted. */
  const accept = (from = "192.0.2.9:4000", to = formatEndpoint(local)) => {
    const stream = Object.assign(new FakeStream(() => immediate), { remote: endpoint(from), local: endpoint(to) });
    host.listeners[0].accepted(stream);
    return stream;
  };
  /** The last call. */
  const call = () => calls.at(-1)!;
  return { meter, scheduler, host, names, lines, calls, state, flows, listener, local, accept, call };
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trimEnd();
const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("local TCP clients: the guest is called, and then the two are one connection", () => {
  const { lines, flows, accept, call } = setup("8080:10.0.2.100:80");
  const stream = accept();
  assertEquals(call().from, "192.0.2.9:0", "call from");
  assertEquals(call().to, "10.0.2.100:80", "call to");
  assertEquals(flows.size, 1, "connections");
  assertEquals(stream.isReading, false, "stream is reading");
  call().handler.established();
  assertEquals(stream.isReading, true);
  stream.sends(encode("question"));
  stream.completeRead();
  call().flow.sends(encode("answer"));
  stream.completeWrite();
  assertEquals(text(call().flow.toGuest), "question", "what the guest received");
  assertEquals(text(stream.fromGuest), "answer", "what the client received");
  stream.finishes();
  stream.completeRead();
  call().flow.finishes();
  call().flow.ends(null);
  assertEquals(flows.size, 0, "connections");
  assertEquals(stream.isClosed, true, "stream is closed");
  const who = "tcp://192.0.2.9:4000-127.0.0.1:8080/192.0.2.9:50000-10.0.2.100:80";
  assertEquals(lines, [`[+] ${who} local-fwd conn`, `[-] ${who} local-fwd done: l=[EOF]/0 r=EOF/0`]);
});

for (
  const [failure, reason] of [
    ["reset", "connection refused"],
    ["timeout", "connection timed out"],
    ["unreachable", "no route to host"],
    ["aborted", "aborted"],
  ] as const
) {
  Deno.test(`local TCP clients: a call that ends with "${failure}" resets the client`, () => {
    const { lines, flows, accept, call } = setup("8080");
    const stream = accept();
    call().flow.ends(failure);
    assertEquals(stream.resets, 1, "resets of the client");
    assertEquals(flows.size, 0, "connections");
    assertEquals(lines, [
      `[!] tcp://192.0.2.9:4000-127.0.0.1:8080/10.0.2.100:8080 local-fwd error: l=0/0 r=[${reason}]/0`,
    ]);
  });
}

Deno.test("local TCP clients: the guest sees the client's address, or the program's", () => {
  for (
    const [forward, client, seen] of [
      ["80:10.0.2.100:80", "198.51.100.7:1", "198.51.100.7:0"],
      ["80:10.0.2.100:80", "127.0.0.1:1", "10.0.2.2:0"],
      ["80:10.0.2.100:80", "10.0.2.9:1", "10.0.2.2:0"],
      ["80:10.0.2.100:80", "169.254.1.1:1", "10.0.2.2:0"],
      ["80:10.0.2.100:80", "[2001:db8::1]:1", "10.0.2.2:0"],
      ["80:[fd00::100]:80", "[2001:db8::1]:1", "[2001:db8::1]:0"],
      ["80:[fd00::100]:80", "[::1]:1", "[fd00::2]:0"],
      ["80:[fd00::100]:80", "[fe80::1]:1", "[fd00::2]:0"],
      ["80:[fd00::100]:80", "198.51.100.7:1", "[fd00::2]:0"],
      ["80:[fd00::100]:80", "[fd00::100]:1", "[fd00::2]:0"], // the guest's own
      ["80:[fd00::101]:80", "[fd00::101]:1", "[fd00::2]:0"], // the target's own
    ] as const
  ) {
    const { accept, call } = setup(forward);
    accept(client);
    assertEquals(call().from, seen, `${client} to ${forward}`);
  }
});

Deno.test("local TCP clients: without a free port towards the guest the client is reset", () => {
  const { lines, state, flows, accept } = setup("80");
  state.full = true;
  assertEquals(accept().resets, 1, "resets of one client more");
  assertEquals(flows.size, 0, "connections");
  assertEquals(lines, [
    "[!] tcp://192.0.2.9:4000-127.0.0.1:80/10.0.2.100:80 local-fwd error: l=0/0 r=[too many connections]/0",
  ]);
});

Deno.test("local TCP clients: a target without a port has the listener's", () => {
  const { accept, call } = setup("8080::0");
  accept();
  assertEquals(call().to, "10.0.2.100:8080");
});

Deno.test("local TCP clients: a name is asked for when a client comes", async () => {
  const { names, scheduler, accept, calls } = setup("80:guest:81");
  assertEquals(names.asked, []);
  accept();
  assertEquals(calls.length, 0);
  await settled();
  assertEquals(calls.length, 1, "number of calls");
  assertEquals(calls[0].to, "10.0.2.100:81", "calls 0 to");
  accept();
  assertEquals(calls.length, 2); // it is known
  scheduler.advance(1_000);
  accept();
  await settled();
  assertEquals(calls.length, 3, "number of calls");
  assertEquals(names.asked.length, 2, "lookups");
});

Deno.test("local TCP clients: a name without an address resets the client", async () => {
  const { lines, meter, flows, accept } = setup("80:none:81");
  const stream = accept();
  await settled();
  assertEquals(stream.resets, 1, "resets of the client");
  assertEquals(flows.size, 0, "connections");
  const reason = "l=0/0 r=[lookup none: no such host]/0";
  assertEquals(lines, [`[!] tcp://192.0.2.9:4000-127.0.0.1:80/none-failed local-fwd error: ${reason}`]);
  assertEquals(meter.counters.ended.unresolved, 1, `meter counters ended unresolved: the outcome`);
  assertEquals(meter.counters.ended.other, 0, `meter counters ended other: the outcome`);
});

Deno.test("local TCP clients: a lookup that ends after the close calls nobody", async () => {
  const { calls, flows, host, accept } = setup("80:guest:81");
  const stream = accept();
  flows.close();
  assertEquals(stream.resets, 1, "resets of the client");
  assertEquals(flows.size, 0, "connections");
  assertEquals(host.listeners[0].closed, true, "the listener was closed");
  await settled();
  assertEquals(calls, []);
});

Deno.test("local TCP clients: close resets calls and connections, both sides", () => {
  const { flows, calls, accept } = setup("80");
  const streams = [accept(), accept()];
  calls[0].handler.established();
  flows.close();
  assertEquals(flows.size, 0, "connections");
  assertEquals(streams.map((stream) => stream.resets), [1, 1], "streams");
  assertEquals(calls.map(({ flow }) => flow.aborts), [1, 1]);
});

Deno.test("local TCP clients: when a forward is removed, its clients go on", () => {
  const { flows, listener, host, calls, accept, lines } = setup("80");
  const streams = [accept(), accept()];
  calls[0].handler.established();
  listener.close();
  assertEquals(host.listeners[0].closed, true, "the listener was closed");
  calls[1].handler.established();
  assertEquals(lines.length, 2, "connections that were opened");
  assertEquals(streams.map((stream) => stream.resets), [0, 0], "resets");
  assertEquals(flows.size, 2, "connections");
});

Deno.test("local TCP clients: at the limit of connections a client is reset", () => {
  const { flows, accept } = setup("80");
  for (let i = 0; i < MOST; i++) accept();
  assertEquals(accept().resets, 1, "resets of one client more");
  assertEquals(flows.size, MOST, "connections");
});

const HEADER = "PROXY TCP4 1.2.3.4 4.3.2.1 1000 443\r\n";

for (const immediate of [false, true]) {
  Deno.test(`local TCP clients: a PROXY header, in any pieces (reads ${immediate ? "at once" : "later"})`, () => {
    for (const size of [1, 2, 7, HEADER.length - 1, HEADER.length, HEADER.length + 3, 1_000]) {
      const { scheduler, lines, call, calls, accept } = setup("tcppp://80:10.0.2.100:0", immediate);
      const sent = HEADER + "question";
      const stream = accept("127.0.0.1:4000");
      for (let at = 0; at < sent.length; at += size) {
        stream.sends(encode(sent.slice(at, at + size)));
        stream.completeRead();
        if (calls.length > 0 && stream.isReading === false) call().handler.established();
      }
      assertEquals(calls.length, 1, `calls length: ${String(size)}`);
      assertEquals(call().from, "1.2.3.4:0", `call from: ${String(size)}`);
      assertEquals(call().to, "10.0.2.100:443", `call to: ${String(size)}`);
      while (stream.isReading && text(call().flow.toGuest) !== "question") stream.completeRead();
      assertEquals(text(call().flow.toGuest), "question");
      assertEquals(lines, [
        "[+] tcp://127.0.0.1:4000-127.0.0.1:80/1.2.3.4:50000-10.0.2.100:443 local-fwd PP conn",
      ]);
      scheduler.advance(PROXY_HEADER_MS);
      assertEquals(stream.isClosed, false, "stream is closed");
      assertEquals(scheduler.timerCount, 0, "timers");
    }
  });
}

Deno.test("local TCP clients: what follows the header counts as sent when the guest's end is waited for", () => {
  const { call, accept } = setup("tcppp://80:10.0.2.100:80");
  const stream = accept();
  stream.sends(encode(HEADER + "question"));
  stream.completeRead();
  call().handler.established();
  stream.finishes();
  stream.completeRead();
  call().flow.sends(encode("more"));
  stream.failWrite(new HostError("reset", "broken pipe"));
  assertEquals(stream.isClosed, false); // the question is not acknowledged yet
  call().flow.acknowledges(8);
  call().flow.sends(encode("and more"));
  assertEquals(stream.isClosed, true);
});

for (
  const [what, reason, act] of [
    ["something else", "no PROXY header", (stream) => stream.sends(encode("GET / HTTP/1.1\r\n"))],
    ["its end", "the connection ended before its PROXY header did", (stream) => stream.finishes()],
  ] as [string, string, (stream: FakeStream) => void][]
) {
  Deno.test(`local TCP clients: ${what} instead of a PROXY header resets the client`, () => {
    const { lines, calls, flows, scheduler, accept } = setup("tcppp://80:10.0.2.100:0");
    const stream = accept();
    act(stream);
    stream.completeRead();
    assertEquals(stream.resets, 1, "resets of the client");
    assertEquals(calls.length, 0, "number of calls");
    assertEquals(flows.size, 0, "connections");
    assertEquals(lines, [`[!] tcp://192.0.2.9:4000-127.0.0.1:80/10.0.2.100:0 local-fwd PP error: ${reason}`]);
    scheduler.advance(PROXY_HEADER_MS);
    assertEquals(lines.length, 1, "number of lines");
    assertEquals(scheduler.timerCount, 0, "timers");
  });
}

Deno.test("local TCP clients: a PROXY header that fails to be read, or does not come in time", () => {
  const { lines, flows, scheduler, accept } = setup("tcppp://80");
  const failing = accept(), silent = accept();
  failing.failRead(new HostError("reset", "connection reset"));
  scheduler.advance(PROXY_HEADER_MS - 1);
  assertEquals(failing.resets, 1, "failing resets");
  assertEquals(silent.resets, 0, "silent resets");
  assertEquals(flows.size, 1, "connections");
  scheduler.advance(1);
  assertEquals(silent.resets, 1, "silent resets");
  assertEquals(flows.size, 0, "connections");
  const who = "[!] tcp://192.0.2.9:4000-127.0.0.1:80/10.0.2.100:80 local-fwd PP error:";
  assertEquals(lines, [`${who} connection reset`, `${who} no PROXY header in time`]);
});

Deno.test("local TCP clients: the wildcard of IPv4 is that of both families, where there is one", () => {
  assertEquals(formatEndpoint(setup("0.0.0.0:80").local), "[::]:80");
  assertEquals(formatEndpoint(setup("[::]:80").local), "[::]:80");
  const { host, flows } = setup("80");
  const target = new Target(parseForward("80", "local").target, {
    names: new FakeNames({}),
    ttl: 0,
    now: () => 0,
    random: () => 0,
  });
  const listen = (oneVersion = false, bind = any) =>
    flows.listen({ target, oneAnswer: false, proxyProtocol: false, oneVersion, bind }).local;
  const any: Endpoint = endpoint("0.0.0.0:81");
  assertEquals(formatEndpoint(listen()), "[::]:81");
  assertEquals(formatEndpoint(listen(true)), "0.0.0.0:81", "one version alone");
  assertEquals(formatEndpoint(listen(true, endpoint("[::]:81"))), "[::]:81", "one version alone");
  assertEquals(host.listeners.map(({ oneVersion }) => oneVersion), [undefined, false, true, true]);
  host.failures.set("[::]:81", new HostError("other", "address family not supported by protocol"));
  assertEquals(formatEndpoint(listen()), "0.0.0.0:81");
  host.failures.set("0.0.0.0:81", new HostError("other", "in use"));
  let message = "";
  try {
    listen();
  } catch (error) {
    message = String(error);
  }
  assertEquals(message, "HostError: in use");
});

function text(bytes: readonly number[]): string {
  return decode(Uint8Array.from(bytes));
}
