import { Buffer } from "node:buffer";
// @ts-types="@types/dns-packet"
import dnsPacket from "dns-packet";
import { IpAddress } from "../../../stack/base/address.ts";
import { assert, assertEquals } from "../../assert.ts";
import { A, AAAA, address, ANY, Bed, HTTPS, labels, OPT, PTR, question, SERVER, SRV, SVCB, TXT } from "./gate_bed.ts";

Deno.test("a name without a rule: NXDOMAIN, blocked, without an SOA record, and nothing leaves", () => {
  const bed = new Bed("a.example");
  const name = labels("c2VjcmV0", "evil", "example");
  for (const type of [A, AAAA, TXT, HTTPS, SVCB, ANY, PTR]) {
    const text = "slirpnetstack: no rule of the policy allows this name";
    const error = [0, 15, 0, 2 + text.length, 0, 15, ...new TextEncoder().encode(text)];
    const opt = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, error.length];
    const head = [0, 7, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 1];
    assertEquals(bed.asks(question(name, type, true)), [...head, ...name, 0, type, 0, 1, ...opt, ...error], `${type}`);
  }
  const plain = [0, 7, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, A, 0, 1];
  assertEquals(bed.asks(question(name, A)), plain, "without an OPT record");
  assertEquals(bed.asked, [], "what left");
  assertEquals(bed.refusals.length, 8, "refusals");
  assertEquals(bed.dns.counters.outcomes.udp.refused, 8, "counted");
});

Deno.test("an allowed name: the question is built again, and the answer is the name's own address", () => {
  const bed = new Bed("a.example");
  const name = labels("A", "eXaMpLe");
  const cookie = [0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]; // a secret in an option
  const message = question(name, A, true).slice(0, -OPT.length).concat(cookie);
  assertEquals(bed.asks(message), undefined, "asked first");
  const [left] = bed.host.sockets[0].messages;
  const clean = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, ...labels("a", "example"), 0, 1, 0, 1, ...OPT];
  assertEquals([...left!], clean, "what leaves");
  bed.answers([{ type: "CNAME", name: "a.example", ttl: 300, data: "cdn.example" }, address("192.0.2.80")]);
  const own = bed.own.find("a.example")!;
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...own.address4.bytes];
  const head = [0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 1];
  assertEquals(bed.replies[0]?.bytes, [...head, ...name, 0, A, 0, 1, ...record, ...OPT], "in the guest's letters");
  assertEquals(bed.dns.counters.outcomes.udp.allowed, 1, "counted once");
  assertEquals(bed.dns.counters.outcomes.udp.noerror, 0, "the program's own question is not the guest's");
});

Deno.test("AAAA has the own IPv6 address, and no data if the name has none", () => {
  const bed = new Bed("a.example");
  bed.asks(question(labels("a", "example"), AAAA));
  bed.answers([address("2001:db8::80")]);
  const own = bed.own.find("a.example")!;
  assertEquals(bed.replies[0].bytes.slice(-16), [...own.address6.bytes], "the address");
  bed.asks(question(labels("a", "example"), A));
  bed.answers([]);
  assertEquals(bed.replies[1].bytes.slice(2, 8), [0x81, 0x80, 0, 1, 0, 0], "no data");
});

Deno.test("the servers' answer about an allowed name is passed on: NXDOMAIN, and SERVFAIL for all errors", () => {
  const bed = new Bed("a.example,b.example");
  bed.asks(question(labels("a", "example"), A, true));
  bed.answers([], 3);
  assertEquals(bed.replies[0].bytes.slice(2, 4), [0x81, 0x83], "NXDOMAIN");
  assertEquals(bed.replies[0].bytes.length, 12 + 11 + 4 + OPT.length, "not blocked");
  bed.asks(question(labels("b", "example"), A));
  bed.answers([], 5);
  assertEquals(bed.replies[1].bytes.slice(2, 4), [0x81, 0x82], "SERVFAIL");
});

Deno.test("HTTPS, SVCB, ANY and types that no rule names have no data, and nothing leaves", () => {
  const bed = new Bed("a.example");
  for (const type of [HTTPS, SVCB, ANY, TXT, SRV, PTR]) {
    const answer = bed.asks(question(labels("a", "example"), type, true));
    assertEquals(answer?.slice(2, 12), [0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 1], `type ${type}`);
    assertEquals(answer?.slice(-2), [0, 0], "no extended error");
  }
  assertEquals(bed.asked, []);
});

Deno.test("a dns rule opens its types, and the records come as the server gave them", () => {
  const bed = new Bed("dns://a.example?type=SRV,TXT");
  bed.asks(question(labels("a", "example"), SRV));
  const data = { priority: 1, weight: 2, port: 5060, target: "sip.example" };
  bed.answers([{ type: "SRV", name: "a.example", ttl: 300, data }]);
  const { answers } = dnsPacket.decode(Buffer.from(bed.replies[0].bytes));
  assertEquals(answers!.map(({ name, type }) => `${type} ${name}`), ["SRV a.example"]);
  const [srv] = answers!;
  assert(srv !== undefined && srv.type === "SRV");
  assertEquals(srv.data.target, "sip.example");
  assertEquals(srv.data.port, 5060);
  assertEquals(bed.asks(question(labels("a", "example"), 15))?.slice(6, 8), [0, 0], "MX has no data");
  assertEquals(bed.asked, ["SRV a.example"]);
});

Deno.test("the answer comes from the address that the guest asked", () => {
  const bed = new Bed("a.example");
  bed.asks(question(labels("b", "example"), A), "8.8.8.8:53");
  assertEquals(bed.replies[0].from, "8.8.8.8");
  assert(bed.dns.isAt(Uint8Array.of(8, 8, 8, 8), 0, 4, 53), "port 53");
  assert(!bed.dns.isAt(Uint8Array.of(8, 8, 8, 8), 0, 4, 853), "another port");
});

Deno.test("a question to an address from which no answer can come ends here all the same", () => {
  const bed = new Bed("a.example");
  for (
    const [address, answers] of [["224.0.0.251", 0], ["255.255.255.255", 0], ["0.0.0.0", 0], ["127.0.0.1", 1]] as const
  ) {
    const { bytes } = IpAddress.parse(address);
    assert(bed.dns.isAt(bytes, 0, 4, 53), address);
    const before = bed.replies.length;
    bed.asks(question(labels("b", "example"), A), `${address}:53`);
    assertEquals(bed.replies.length - before, answers, address);
  }
  for (const text of ["::", "ff02::fb", "64:ff9b::808:808", "::ffff:8.8.8.8"]) {
    assert(bed.dns.isAt(IpAddress.parse(text).bytes, 0, 6, 53), text);
  }
  assertEquals(bed.asked, []);
});

Deno.test("a name within its TTL needs no new question; after it, one question serves all callers", () => {
  const bed = new Bed("a.example");
  bed.asks(question(labels("a", "example"), A));
  bed.asks(question(labels("a", "example"), A));
  bed.answers([address("192.0.2.80", 30)]);
  assertEquals(bed.replies.length, 2, "both are answered");
  assertEquals(bed.asked, ["A a.example"], "asked once");
  bed.scheduler.advance(29_999);
  bed.asks(question(labels("a", "example"), A));
  assertEquals(bed.asked.length, 1, "within the TTL");
  bed.scheduler.advance(1);
  bed.asks(question(labels("a", "example"), A));
  assertEquals(bed.asked.length, 2, "after it");
});

Deno.test("an answer with a TTL of 0 is cached for the least time", () => {
  const bed = new Bed("a.example");
  bed.asks(question(labels("a", "example"), A));
  bed.answers([address("192.0.2.80", 0)]);
  bed.scheduler.advance(4_999);
  bed.asks(question(labels("a", "example"), A));
  assertEquals(bed.asked.length, 1);
  bed.scheduler.advance(1);
  bed.asks(question(labels("a", "example"), A));
  assertEquals(bed.asked.length, 2);
});

Deno.test("a name that leads only to forbidden addresses has no data, and the error says blocked", () => {
  const bed = new Bed("a.example");
  bed.forbidden = "127.0.0.1";
  bed.asks(question(labels("a", "example"), A, true));
  bed.answers([address("127.0.0.1")]);
  const { bytes } = bed.replies[0];
  assertEquals(bytes.slice(2, 8), [0x81, 0x80, 0, 1, 0, 0], "no data");
  assertEquals(bytes.slice(12 + 11 + 4 + 11, 12 + 11 + 4 + 13), [0, 15], "an extended error");
  assertEquals(bed.refusals, ["a.example addresses"]);
  assertEquals(bed.own.find("a.example"), null, "it has no own address");
});

Deno.test("new names under a wildcard are limited a minute; known and exact names are not counted", () => {
  const bed = new Bed("*.w.example,a.example", 2);
  const ask = (label: string) => bed.asks(question(labels(label, "w", "example"), A));
  for (const label of ["n1", "n2"]) {
    ask(label);
    bed.answers([address("192.0.2.80")]);
  }
  assertEquals(ask("n3")?.slice(2, 4), [0x81, 0x83], "the third");
  assertEquals(bed.refusals, ["n3.w.example limit"]);
  assertEquals(ask("n1")?.slice(2, 4), [0x81, 0x80], "a known one");
  bed.asks(question(labels("a", "example"), A));
  assertEquals(bed.asked, ["A n1.w.example", "A n2.w.example", "A a.example"], "an exact one is asked for");
  bed.scheduler.advance(60_000);
  ask("n3");
  assertEquals(bed.asked.at(-1), "A n3.w.example", "in the next minute");
});

Deno.test("a dot inside a label does not separate labels", () => {
  const bed = new Bed("*.example.com");
  assertEquals(bed.asks(question(labels("www.example", "com"), A))?.slice(2, 4), [0x81, 0x83], "www.example\\.com");
  assertEquals(bed.asks(question(labels("secret.example.com"), A))?.slice(2, 4), [0x81, 0x83], "one label");
  assertEquals(bed.asked, []);
});

Deno.test("PTR of an own address is the name; of any other, NXDOMAIN", () => {
  const bed = new Bed("a.example"), own = bed.own.claim("a.example")!;
  const reverse4 = [...own.address4.bytes].reverse().map(String);
  const answer = bed.asks(question(labels(...reverse4, "in-addr", "arpa"), PTR));
  const record = [0xc0, 12, 0, PTR, 0, 1, 0, 0, 0, 60, 0, 11, ...labels("a", "example")];
  assertEquals(answer?.slice(-record.length), record, "IPv4");
  const nibbles = [...own.address6.bytes].flatMap((byte) => [byte >> 4, byte & 15]).reverse();
  const answer6 = bed.asks(question(labels(...nibbles.map((nibble) => nibble.toString(16)), "ip6", "arpa"), PTR));
  assertEquals(answer6?.slice(-record.length), record, "IPv6");
  assertEquals(bed.asks(question(labels("1", "2", "0", "192", "in-addr", "arpa"), PTR))?.slice(2, 4), [0x81, 0x83]);
  assertEquals(bed.asked, []);
});

Deno.test("another class than IN is refused", () => {
  const bed = new Bed("a.example");
  const chaos = question(labels("a", "example"), TXT).slice(0, -1).concat(3);
  assertEquals(bed.asks(chaos)?.slice(2, 4), [0x81, 0x83]);
});

Deno.test("a name of the host's own /etc/hosts needs no server", () => {
  const bed = new Bed("db.internal", 10, { "db.internal": "192.0.2.5" });
  assertEquals(bed.asks(question(labels("db", "internal"), A))?.slice(6, 8), [0, 1], "A");
  assertEquals(bed.asks(question(labels("db", "internal"), AAAA))?.slice(6, 8), [0, 0], "AAAA has no data");
  assertEquals(bed.asked, []);
});

Deno.test("a truncated answer is asked for again over TCP", () => {
  const bed = new Bed("a.example");
  bed.asks(question(labels("a", "example"), A));
  const [asked] = bed.host.sockets[0].messages;
  bed.host.sockets[0].hearsBytes(SERVER, Uint8Array.from([asked![0], asked![1], 0x83, 0x80, ...asked!.subarray(4)]));
  assertEquals(bed.host.dials.length, 1);
  assertEquals(bed.replies, []);
});

Deno.test("waiting questions are limited: the next one gets SERVFAIL", () => {
  const bed = new Bed("a.example");
  for (let i = 0; i < 4; i++) bed.asks(question(labels("a", "example"), A));
  assertEquals(bed.asks(question(labels("a", "example"), A))?.slice(2, 4), [0x81, 0x82]);
  bed.scheduler.advance(60_000);
  assertEquals(bed.replies.length, 5, "the others fail in time");
  bed.asks(question(labels("a", "example"), A));
  assertEquals(bed.asked.length, 2, "and the next is asked for");
});

Deno.test("a malformed answer is SERVFAIL", () => {
  const bed = new Bed("a.example");
  bed.asks(question(labels("a", "example"), A));
  const [asked] = bed.host.sockets[0].messages;
  const broken = Uint8Array.from([
    ...asked!.subarray(0, 2),
    0x81,
    0x80,
    0,
    1,
    0,
    9,
    0,
    0,
    0,
    0,
    ...asked!.subarray(12, 27),
  ]);
  bed.host.sockets[0].hearsBytes(SERVER, broken);
  assertEquals(bed.replies[0]?.bytes.slice(2, 4), [0x81, 0x82]);
});

Deno.test("of an answer with very many addresses, some are used", () => {
  const bed = new Bed("a.example");
  bed.asks(question(labels("a", "example"), A));
  bed.answers(Array.from({ length: 1_000 }, (_, i) => address(`192.0.${i >> 8}.${i & 255}`)));
  assertEquals(bed.judged.length, 16);
});

Deno.test("a thousand names a second that no rule allows: each is refused, and nothing leaves", () => {
  const bed = new Bed("*.w.example", 60);
  for (let i = 0; i < 1_000; i++) {
    const answer = bed.asks(question(labels(`n${i}`, "evil", "example"), A));
    assertEquals(answer?.slice(2, 4), [0x81, 0x83], `${i}`);
  }
  assertEquals(bed.asked, []);
});
