import { SWEEP_MS } from "../../../forward/limits/timeouts.ts";
import { type PingHandler, Pings, type PingToken } from "../../../forward/icmp/pings.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { Packet } from "../../../stack/base/packet.ts";
import { assertEquals } from "../../assert.ts";
import { FakeScheduler } from "../bed/fakes.ts";

const address = (text: string) => IpAddress.parse(text);

function setup(allowed = true) {
  const scheduler = new FakeScheduler();
  const sent: { to: string; key: unknown; sequence: number; hopLimit: number; data: string; token: PingToken }[] = [];
  const told: string[] = [];
  const state = { flows: 0, sweeps: 0, closed: false, handler: null as PingHandler | null };
  const pings = new Pings({
    scheduler,
    policy: { decide: () => ({ allowed }) },
    sender: (handler) => {
      state.handler = handler;
      return {
        waitingUsage: { current: 0, limit: 1, overflows: 0 },
        get flowsUsage() {
          return { current: state.flows, limit: 1, overflows: 0 };
        },
        send: (to, key, sequence, hopLimit, bytes, offset, length, token) =>
          sent.push({ to: String(to), key, sequence, hopLimit, data: text(bytes, offset, length), token }),
        sweep: () => state.sweeps++,
        close: () => state.closed = true,
      };
    },
    echo: {
      reply: (from, to, request, at, bytes, offset, length, hopLimit) =>
        told.push(`${from} > ${to} ${request[at + 5]}/${request[at + 7]} ${text(bytes, offset, length)} ${hopLimit}`),
    },
    icmp: {
      relay: (type, code, from, bytes, offset, end, rest = 0) =>
        told.push(`${type}/${code} ${from} about ${end - offset} of ${bytes[offset] >> 4}, ${rest}`),
      timeExceeded: (bytes, offset, end) => told.push(`time exceeded about ${end - offset} of ${bytes[offset] >> 4}`),
      unreachable: (what, bytes, offset, end) => told.push(`${what} about ${end - offset} of ${bytes[offset] >> 4}`),
    },
  });
  return { scheduler, sent, told, state, pings };
}

function text(bytes: Uint8Array, offset: number, length: number): string {
  return new TextDecoder().decode(bytes.subarray(offset, offset + length));
}

/** An echo request with some bytes before it, as it lies in a frame. */
function request(from: IpAddress, to: IpAddress, data: string, identifier = 7, sequence = 9): Packet {
  const payload = new TextEncoder().encode(data);
  const four = from.version === 4, size = four ? 20 : 40, at = 14;
  const packet = new Packet();
  packet.bytes = new Uint8Array(at + size + 8 + payload.length);
  packet.bytes[at] = four ? 0x45 : 0x60;
  packet.version = from.version;
  packet.header = at;
  packet.source = at + (four ? 12 : 8);
  packet.destination = packet.source + from.bytes.length;
  packet.bytes.set(from.bytes, packet.source);
  packet.bytes.set(to.bytes, packet.destination);
  packet.payload = at + size;
  packet.bytes.set([four ? 8 : 128, 0, 0, 0, 0, identifier, 0, sequence], packet.payload);
  packet.bytes.set(payload, packet.payload + 8);
  packet.end = packet.bytes.length;
  packet.hopLimit = 3;
  return packet;
}

const GUEST = address("10.0.2.100"), HOST = address("192.0.2.1");

Deno.test("pings: a request goes out as it is, and its reply comes back as it is", () => {
  const { sent, told, state, pings } = setup();
  pings.request(request(GUEST, HOST, "payload"));
  const { token, key, ...rest } = sent[0];
  assertEquals(rest, { to: "192.0.2.1", sequence: 9, hopLimit: 2, data: "payload" });
  state.handler!.reply(token, new TextEncoder().encode("..payload"), 2, 7, 57);
  assertEquals(told, ["192.0.2.1 > 10.0.2.100 7/9 payload 57"]);
  pings.request(request(GUEST, HOST, "", 8));
  pings.request(request(address("10.0.2.101"), HOST, ""));
  pings.request(request(GUEST, address("192.0.2.2"), ""));
  assertEquals(new Set([key, sent[1].key, sent[2].key]).size, 3, "different keys");
  assertEquals(sent[3].key, key, "sent 3 key");
});

Deno.test("pings: IPv6, and errors with a quotation of the request", () => {
  const { sent, told, state, pings } = setup();
  pings.request(request(address("fd00::100"), address("2001:db8::1"), "x".repeat(500)));
  assertEquals(sent[0].data.length, 500);
  state.handler!.failed(sent[0].token, { type: 3, code: 0, from: address("2001:db8::9") }, 0);
  state.handler!.failed(sent[0].token, { type: 1, code: 0, from: null }, 0);
  assertEquals(told, ["3/0 2001:db8::9 about 128 of 6, 0", "1/0 null about 128 of 6, 0"]);
  pings.request(request(GUEST, HOST, "short"));
  state.handler!.failed(sent[1].token, { type: 11, code: 0, from: HOST }, 0);
  assertEquals(told[2], "11/0 192.0.2.1 about 33 of 4, 0");
});

Deno.test("pings: the error about a request that is too large has the MTU", () => {
  const { sent, told, state, pings } = setup();
  pings.request(request(GUEST, HOST, "large"));
  state.handler!.failed(sent[0].token, { type: 3, code: 4, from: HOST }, 1400);
  assertEquals(told, ["3/4 192.0.2.1 about 33 of 4, 1400"]);
});

Deno.test("pings: an error does not come from an address that has no meaning for the guest", () => {
  const { sent, told, state, pings } = setup();
  pings.request(request(address("fd00::100"), address("2001:db8::1"), "x"));
  state.handler!.failed(sent[0].token, { type: 3, code: 0, from: address("fe80::1") }, 0);
  state.handler!.failed(sent[0].token, { type: 3, code: 0, from: HOST }, 0);
  assertEquals(told, ["3/0 null about 49 of 6, 0", "3/0 null about 49 of 6, 0"]);
});

Deno.test("pings: a hop limit of 1 ends here", () => {
  const { sent, told, pings } = setup();
  pings.request(Object.assign(request(GUEST, HOST, "payload"), { hopLimit: 1 }));
  assertEquals(sent.length, 0);
  assertEquals(told, ["time exceeded about 35 of 4"]);
});

Deno.test("pings: what the policy forbids is told", () => {
  const { sent, told, pings } = setup(false);
  pings.request(request(GUEST, HOST, "payload"));
  assertEquals(sent.length, 0, "requests to the host");
  assertEquals(told, ["prohibited about 35 of 4"], "told");
});

Deno.test("pings: the host's side forgets for as long as there is something", () => {
  const { scheduler, state, pings } = setup();
  pings.request(request(GUEST, HOST, ""));
  pings.request(request(GUEST, HOST, ""));
  state.flows = 1;
  scheduler.advance(3 * SWEEP_MS);
  assertEquals(state.sweeps, 3, "state sweeps");
  assertEquals(scheduler.timerCount, 1, "timers");
  state.flows = 0;
  scheduler.advance(SWEEP_MS);
  assertEquals(state.sweeps, 4, "state sweeps");
  assertEquals(scheduler.timerCount, 0, "timers");
  pings.close();
  assertEquals(state.closed, true);
});
