import { flowPrinters } from "../../../../forward/report/flow_printer.ts";
import { HostError } from "../../../../forward/host/host_network.ts";
import { DEFAULT_LIMITS, LIMITS, MAX_WAITING_DATAGRAMS } from "../../../../forward/limits/limits.ts";
import { ASSOCIATION_IDLE_MS, SWEEP_MS, UNCROWDED_IDLE_MS } from "../../../../forward/limits/timeouts.ts";
import { LocalUdpClients } from "../../../../forward/forwards/local/udp_clients.ts";
import { FlowMeter } from "../../../../forward/metrics/flows/flow_meter.ts";
import { meteredLocalObserver } from "../../../../forward/metrics/flows/metered_observers.ts";
import { Target } from "../../../../forward/names/target.ts";
import { parseForward } from "../../../../forward/syntax/forward_spec.ts";
import { Output } from "../../../../forward/report/output.ts";
import { IdleTable } from "../../../../forward/udp/idle_table.ts";
import { DEFAULT_ADDRESSES } from "../../../../stack/link/addresses.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { FakeHost, FakeNames } from "../../bed/fake_host.ts";
import { endpoint, FakeScheduler, seededRandom, settled } from "../../bed/fakes.ts";
import { guestDatagram, guestSender } from "../../bed/guest_datagram.ts";

function setup(...forwards: readonly string[]) {
  let draws = 0;
  const random = () => draws++ % 2; // often the same port, so that a free one must be looked for
  return setupWith({ limit: DEFAULT_LIMITS.udpAssociations, random }, ...forwards);
}

/** With room for a number of clients. */
function setupFor(limit: number, ...forwards: readonly string[]) {
  const random = seededRandom(1);
  return setupWith({ limit, random: () => Math.floor(random() * 2 ** 32) }, ...forwards);
}

function setupWith(options: { readonly limit: number; readonly random: () => number }, ...forwards: readonly string[]) {
  const { limit, random } = options;
  const scheduler = new FakeScheduler(), host = new FakeHost(), idle = new IdleTable(scheduler, limit);
  const names = new FakeNames({ addresses: { guest: "10.0.2.100" } });
  const meter = new FlowMeter("local-fwd", "udp");
  const lines: string[] = [], toGuest: string[] = [];
  const datagrams = new LocalUdpClients({
    scheduler,
    host,
    idle,
    guest: guestSender(toGuest),
    own: DEFAULT_ADDRESSES,
    observer: meteredLocalObserver(
      flowPrinters(new Output({ writeSync: (bytes) => lines.push(decode(bytes)) && bytes.length })).local,
      { tcp: meter, udp: meter },
    ),
    random,
  });
  const listeners: { close(): void }[] = [];
  for (const forward of forwards) {
    const spec = parseForward(forward, "local"), { oneAnswer, proxyProtocol } = spec;
    const target = new Target(spec.target, { names, ttl: 1_000, now: () => scheduler.now(), random: () => 0 });
    assert(spec.bind.host.kind === "address");
    const bind = { address: spec.bind.host.address, port: spec.bind.port };
    listeners.push(datagrams.listen({ bind, target, oneAnswer, proxyProtocol }));
  }
  const { sockets } = host;
  /** The guest sends a datagram; whether it was taken for an answer. */
  const say = (from: string, to: string, text: string) => datagrams.takeAnswer(guestDatagram(from, to, text));
  return { meter, scheduler, host, idle, names, lines, toGuest, datagrams, listeners, sockets, say };
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trimEnd();
const CLIENT = "192.0.2.9:4000";

Deno.test("local UDP clients: each client has a port of its own towards the guest", () => {
  const { sockets, toGuest, lines, datagrams, say } = setup("udp://53");
  sockets[0].hears(CLIENT, "one");
  sockets[0].hears("192.0.2.9:4001", "two");
  sockets[0].hears("127.0.0.1:4000", "three");
  sockets[0].hears(CLIENT, "four");
  assertEquals(toGuest, [
    "192.0.2.9:49152 > 10.0.2.100:53 one",
    "192.0.2.9:49153 > 10.0.2.100:53 two",
    "10.0.2.2:49154 > 10.0.2.100:53 three",
    "192.0.2.9:49152 > 10.0.2.100:53 four",
  ]);
  assert(say("10.0.2.100:53", "192.0.2.9:49153", "answer two"));
  assert(say("10.0.2.100:53", "10.0.2.2:49154", "answer three"));
  assertEquals(sockets[0].sent, ["192.0.2.9:4001 answer two", "127.0.0.1:4000 answer three"]);
  assertEquals(datagrams.size, 3, "clients");
  assertEquals(lines.length, 3, "number of lines");
  assertEquals(lines[2], "[+] udp://127.0.0.1:4000-127.0.0.1:53/10.0.2.2:49154-10.0.2.100:53 local-fwd conn");
});

Deno.test("local UDP clients: a client of two of the host's addresses is two, and is answered from the one that it asked", () => {
  const { sockets, datagrams, toGuest, say, idle } = setup("udp://0.0.0.0:53");
  sockets[0].hears(CLIENT, "one", "192.0.2.1");
  sockets[0].hears(CLIENT, "two", "192.0.2.2");
  sockets[0].hears(CLIENT, "again one", "192.0.2.1");
  sockets[0].hears("[2001:db8::9]:4000", "six", "2001:db8::1");
  assertEquals(toGuest, [
    "192.0.2.9:49152 > 10.0.2.100:53 one",
    "192.0.2.9:49153 > 10.0.2.100:53 two",
    "192.0.2.9:49152 > 10.0.2.100:53 again one",
    "10.0.2.2:49154 > 10.0.2.100:53 six",
  ]);
  for (const port of [49152, 49153]) assert(say("10.0.2.100:53", `192.0.2.9:${port}`, "answer"));
  assert(say("10.0.2.100:53", "10.0.2.2:49154", "answer"));
  assertEquals(sockets[0].sentFrom, ["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
  sockets[0].handler.failed(new HostError("refused", "refused"), endpoint(CLIENT), null);
  assertEquals(datagrams.size, 1, "clients when a port of one is closed");
  sockets[0].hears(CLIENT, "new", "192.0.2.2");
  assertEquals(idle.size, 2, "associations after its next datagram");
});

Deno.test("local UDP clients: those of a forward that is removed end with its socket, and no others", async () => {
  const { sockets, datagrams, listeners, idle, lines, say } = setup("udp://53", "udp://54", "udp://55:guest:55");
  sockets[0].hears(CLIENT, "one");
  sockets[0].hears("192.0.2.9:4001", "two", "192.0.2.1");
  sockets[1].hears(CLIENT, "three");
  sockets[2].hears(CLIENT, "four"); // its target is being looked up
  for (const i of [0, 2]) listeners[i].close();
  await settled();
  assertEquals(sockets.map(({ closed }) => closed), [true, false, true], "sockets that are closed");
  assertEquals(datagrams.size, 1, "clients with a port");
  assertEquals(idle.size, 1, "associations");
  const done = lines.filter((line) => line.endsWith("local-fwd done: l=[forward removed]/0 r=0/0"));
  assertEquals(done.length, 2, lines.join("\n"));
  assert(say("10.0.2.100:54", "192.0.2.9:49154", "answer"), "the other forward goes on");
  datagrams.close();
  assertEquals(sockets.map(({ closed }) => closed), [true, true, true], "sockets that are closed in the end");
});

Deno.test("local UDP clients: across families", () => {
  const { sockets, toGuest, say } = setup("udp://[::1]:53:10.0.2.100:54", "udp://127.0.0.1:53:[fd00::100]:54");
  sockets[0].hears("[2001:db8::1]:1", "six to four");
  sockets[1].hears("192.0.2.9:1", "four to six");
  assertEquals(toGuest, [
    "10.0.2.2:49152 > 10.0.2.100:54 six to four",
    "[fd00::2]:49153 > [fd00::100]:54 four to six",
  ]);
  assert(say("[fd00::100]:54", "[fd00::2]:49153", "answer"));
  assert(say("10.0.2.100:54", "10.0.2.2:49152", "answer"));
  assertEquals(sockets.map((socket) => socket.sent), [["[2001:db8::1]:1 answer"], ["192.0.2.9:1 answer"]]);
});

Deno.test("local UDP clients: only the target answers; other datagrams are not taken", () => {
  const { sockets, say } = setup("udp://53");
  sockets[0].hears(CLIENT, "one");
  assert(!say("10.0.2.100:54", "192.0.2.9:49152", "x"));
  assert(!say("10.0.2.101:53", "192.0.2.9:49152", "x"));
  assert(!say("10.0.2.100:53", "192.0.2.8:49152", "x"));
  assert(!say("10.0.2.100:53", "192.0.2.9:49153", "x"));
  assert(!say("[fd00::100]:53", "[fd00::2]:49152", "x"));
  assertEquals(sockets[0].sent, []);
});

Deno.test("local UDP clients: udprpc is over after one answer, and leaves nothing", () => {
  const { sockets, toGuest, lines, datagrams, idle, say, scheduler } = setup("udprpc://53");
  sockets[0].hears(CLIENT, "one");
  assert(say("10.0.2.100:53", "192.0.2.9:49152", "answer"));
  assertEquals(datagrams.size, 0, "clients");
  assertEquals(idle.size, 0, "entries of the idle table");
  assertEquals(sockets[0].sent, [`${CLIENT} answer`], "what socket 0 has sent");
  assert(!say("10.0.2.100:53", "192.0.2.9:49152", "another"));
  assertEquals(
    lines[1],
    "[-] udp://192.0.2.9:4000-127.0.0.1:53/192.0.2.9:49152-10.0.2.100:53 local-fwd done: l=0/0 r=[EOF]/0",
  );
  sockets[0].hears(CLIENT, "two");
  assertEquals(toGuest.length, 2, "datagrams to the guest");
  assertEquals(datagrams.size, 1, "clients");
  scheduler.advance(UNCROWDED_IDLE_MS + 2 * SWEEP_MS);
  assertEquals(datagrams.size, 0, "clients");
  assertEquals(idle.size, 0, "entries of the idle table");
  assertEquals(scheduler.timerCount, 0, "timers");
});

for (
  const [forward, answered, time] of [
    ["udp://53", 1, UNCROWDED_IDLE_MS],
    ["udp://123", 1, UNCROWDED_IDLE_MS],
    ["udp://123", 2, ASSOCIATION_IDLE_MS],
  ] as const
) {
  Deno.test(`local UDP clients: idle ends as those of the guest: ${forward}, ${answered} answers, ${time} ms`, () => {
    const { sockets, lines, datagrams, idle, scheduler, say } = setup(forward);
    sockets[0].hears(CLIENT, "one");
    for (let i = 0; i < answered; i++) say(`10.0.2.100:${forward.slice(6)}`, "192.0.2.9:49152", "answer");
    scheduler.advance(time - SWEEP_MS);
    assertEquals(datagrams.size, 1, "clients");
    assertEquals(idle.size, 1, "entries of the idle table");
    scheduler.advance(2 * SWEEP_MS);
    assertEquals(datagrams.size, 0, "clients");
    assertEquals(idle.size, 0, "entries of the idle table");
    assertEquals(sockets[0].closed, false, "socket 0 was closed");
    assert(lines.at(-1)!.endsWith("local-fwd done: l=[idle timeout]/0 r=0/0"));
  });
}

Deno.test("local UDP clients: a port that the guest has closed ends the client, and its next datagram begins anew", () => {
  const { sockets, lines, datagrams, toGuest } = setup("udp://53");
  sockets[0].hears(CLIENT, "one");
  const [local, guest] = [endpoint("192.0.2.9:49152"), endpoint("10.0.2.100:53")];
  assert(!datagrams.guestUnreachable(endpoint("192.0.2.8:49152"), guest));
  assert(!datagrams.guestUnreachable(local, endpoint("10.0.2.100:54")));
  assert(datagrams.guestUnreachable(local, guest));
  assert(!datagrams.guestUnreachable(local, guest));
  assertEquals(datagrams.size, 0);
  assert(lines.at(-1)!.endsWith("local-fwd done: l=0/0 r=[connection refused]/0"));
  sockets[0].hears(CLIENT, "two");
  assertEquals(datagrams.size, 1, "clients");
  assertEquals(toGuest.length, 2, "datagrams to the guest");
});

Deno.test("local UDP clients: a client whose port is closed ends", () => {
  const { sockets, datagrams } = setup("udp://53");
  sockets[0].hears(CLIENT, "one");
  sockets[0].handler.failed(new HostError("refused", "refused"), null, null);
  sockets[0].handler.failed(new HostError("host-unreachable", "unreachable"), endpoint(CLIENT), null);
  sockets[0].handler.failed(new HostError("refused", "refused"), endpoint("192.0.2.9:1"), null);
  assertEquals(datagrams.size, 1);
  sockets[0].handler.failed(new HostError("refused", "refused"), endpoint(CLIENT), null);
  assertEquals(datagrams.size, 0);
});

Deno.test("local UDP clients: at the limit the client idle longest goes", () => {
  const { sockets, datagrams, scheduler, lines } = setup("udp://53");
  const client = (i: number) => `198.51.${i >> 8}.${i & 255}:1`;
  for (let i = 0; i < DEFAULT_LIMITS.udpAssociations; i++) {
    sockets[0].hears(client(i), "x");
    if (i < 2) scheduler.advance(1);
  }
  sockets[0].hears(client(0), "again");
  sockets[0].hears("203.0.113.1:1", "x");
  assertEquals(datagrams.size, DEFAULT_LIMITS.udpAssociations);
  assert(lines.at(-2)!.includes(`${client(1)}-`), lines.at(-2));
  assert(lines.at(-2)!.endsWith("l=[too many associations]/0 r=0/0"));
});

Deno.test("local UDP clients: a port for each client, as many as the limit may be; when all are taken, a line", () => {
  const ports = 65_536 - 1_024;
  assert(LIMITS.udpAssociations.most <= ports, "a limit that can be reached");
  const { sockets, datagrams, lines, idle } = setupFor(ports + 10, "udp://53");
  for (let i = 0; i < ports; i++) {
    sockets[0].hears(`127.0.${i >> 8}.${i & 255}:1`, "x"); // the guest sees all of them come from 10.0.2.2
  }
  const taken = lines.map((line) => Number(/\/10\.0\.2\.2:(\d+)-/.exec(line)![1]));
  assertEquals(new Set(taken).size, ports, "different ports");
  assertEquals(taken.filter((port) => port < 1_024), [], "privileged ports");
  assertEquals(taken.slice(0, 8_192).filter((port) => port < 49_152), [], "others than dynamic ports, for few clients");
  for (let i = 0; i < 2; i++) {
    sockets[0].hears(CLIENT, "one more");
    const reason = "r=[no port towards the guest is free]/0";
    assertEquals(lines.at(-1), `[!] udp://${CLIENT}-127.0.0.1:53/10.0.2.100:53 local-fwd error: l=0/0 ${reason}`);
    assertEquals(idle.size, ports, "associations");
    assertEquals(datagrams.room.bytes, 0, "bytes that wait");
  }
});

Deno.test("local UDP clients: what waits for a name arrives in order, up to a limit", async () => {
  const { sockets, toGuest, names, datagrams, lines } = setup("udp://53:guest:54");
  for (let i = 0; i < MAX_WAITING_DATAGRAMS + 5; i++) sockets[0].hears(CLIENT, `d${i}`);
  sockets[0].hears("192.0.2.9:4001", "other");
  assertEquals(toGuest.length, 0, "datagrams to the guest");
  assertEquals(names.asked.length, 1, "lookups");
  assertEquals(lines.length, 0, "number of lines");
  await settled();
  const own = toGuest.filter((line) => line.includes(" d")).map((line) => Number(line.split(" d")[1]));
  assertEquals(own, Array.from({ length: MAX_WAITING_DATAGRAMS }, (_, i) => i));
  assertEquals(toGuest.length, MAX_WAITING_DATAGRAMS + 1, "datagrams to the guest");
  assertEquals(datagrams.size, 2, "clients");
  assertEquals(lines.length, 2, "number of lines");
  sockets[0].hears("192.0.2.9:4002", "known");
  assertEquals(toGuest.length, MAX_WAITING_DATAGRAMS + 2, "datagrams to the guest");
  assertEquals(names.asked.length, 1, "lookups");
});

Deno.test("local UDP clients: a name without an address leaves a line and nothing else", async () => {
  const { sockets, meter, idle, lines, datagrams } = setup("udp://53:none:54");
  sockets[0].hears(CLIENT, "one");
  assertEquals(idle.size, 1);
  await settled();
  assertEquals(idle.size, 0, "entries of the idle table");
  assertEquals(datagrams.size, 0, "clients");
  const reason = "l=0/0 r=[lookup none: no such host]/0";
  assertEquals(lines, [`[!] udp://192.0.2.9:4000-127.0.0.1:53/none-failed local-fwd error: ${reason}`]);
  assertEquals(meter.counters.ended.unresolved, 1, `meter counters ended unresolved: the outcome`);
  assertEquals(meter.counters.ended.other, 0, `meter counters ended other: the outcome`);
});

/** A header of the Simple Proxy Protocol as characters of one byte: none may be above 127 here. */
function header(client: readonly number[], port: number): string {
  const four = (address: readonly number[]) => [...Array(16 - address.length).fill(0), ...address];
  const bytes = [0x56, 0x6c, ...four(client), ...four([4, 3, 2, 1]), 0, 1, port >> 8, port & 255];
  return String.fromCharCode(...bytes);
}

Deno.test("local UDP clients: udpspp", () => {
  const { sockets, toGuest, lines, datagrams, say, host } = setup("udpspp://53:10.0.2.100:0");
  const send = (text: string) => {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    if (bytes[1] === 0x6c) bytes[1] = 0xec;
    // ::ffff:1.2.3.4
    if (bytes.length > 17) {
      bytes[12] =
        bytes[13] =
        bytes[28] =
        bytes[29] =
          0xff;
    }
    sockets[0].handler.received(bytes, bytes.length, endpoint(CLIENT), null);
  };
  const first = header([1, 2, 3, 4], 99);
  send(first + "one");
  send("\0".repeat(38) + "two"); // later headers are not looked at
  send("short");
  assertEquals(toGuest, ["1.2.3.4:49152 > 10.0.2.100:99 one", "1.2.3.4:49152 > 10.0.2.100:99 two"]);
  const answers: Uint8Array[] = [];
  host.sockets[0].send = (bytes, offset, length) => answers.push(bytes.slice(offset, offset + length));
  assert(say("10.0.2.100:99", "1.2.3.4:49152", "answer"));
  assertEquals(answers[0].length, 44, "answers 0 length");
  assertEquals(decode(answers[0].subarray(38)), "answer", "what follows the header");
  assertEquals([...answers[0].subarray(0, 2), ...answers[0].subarray(14, 18)], [0x56, 0xec, 1, 2, 3, 4]);
  assertEquals(lines, [`[+] udp://${CLIENT}-127.0.0.1:53/1.2.3.4:49152-10.0.2.100:99 local-fwd PP conn`]);
  sockets[0].hears("192.0.2.8:1", "no header at all, though it is long enough for one");
  assertEquals(datagrams.size, 1);
  assertEquals(
    lines[1],
    "[!] udp://192.0.2.8:1-127.0.0.1:53/10.0.2.100:0 local-fwd PP error: no Simple Proxy Protocol header",
  );
});

Deno.test("local UDP clients: close closes the sockets; the table of idle times ends the clients", () => {
  const { sockets, datagrams, idle, lines } = setup("udp://53", "udp://54");
  sockets[0].hears(CLIENT, "one");
  datagrams.close();
  idle.close();
  assertEquals(datagrams.size, 0, "clients");
  assertEquals(idle.size, 0, "entries of the idle table");
  assertEquals(sockets.map((socket) => socket.closed), [true, true], "sockets");
  assert(lines.at(-1)!.endsWith("l=[aborted]/0 r=0/0"));
});
