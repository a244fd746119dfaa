/** Questions as a way out for bytes of the guest's, and messages that are no plain questions. */
import { assertEquals } from "../../assert.ts";
import { A, address, Bed, labels, OPT, question, SERVER } from "./gate_bed.ts";

Deno.test("only the name and the type of a question leave: its letters, flags, options and further bytes do not", () => {
  const name = labels("a", "example");
  const option = [0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 8, 0xff, 0xfa, 0, 4, 0x53, 0x45, 0x43, 0x52];
  const behind = (message: readonly number[], flags: readonly number[], counts: readonly number[]) =>
    [0x53, 0x45, ...flags, 0, 1, ...counts, ...message.slice(12)] as const;
  const plain = question(name, A);
  const carriers: readonly (readonly [what: string, message: readonly number[]])[] = [
    // letters: https://datatracker.ietf.org/doc/html/draft-vixie-dnsext-dns0x20
    ["the case of its letters", question(labels("A", "eXAMpLE"), A)],
    ["AD, CD and Z", behind(plain, [0x01, 0x70], [0, 0, 0, 0, 0, 0])],
    ["an option of EDNS", [...behind(plain, [1, 0], [0, 0, 0, 0, 0, 1]), ...option]],
    ["a record of its own", [
      ...behind(plain, [1, 0], [0, 1, 0, 0, 0, 0]),
      ...name,
      0,
      16,
      0,
      1,
      0,
      0,
      0,
      1,
      0,
      2,
      1,
      83,
    ]],
    ["bytes behind it", [...plain, 0x53, 0x45, 0x43, 0x52]],
  ];
  for (const [what, message] of carriers) {
    const bed = new Bed("a.example");
    bed.asks(message);
    const left = bed.host.sockets.flatMap(({ messages }) => messages.map((bytes) => [...bytes]));
    assertEquals(left, [[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, ...name, 0, A, 0, 1, ...OPT]], what);
  }
});

Deno.test("names that differ only in their letters' case are one question", () => {
  const bed = new Bed("a.example");
  for (const letters of ["example", "EXAMPLE", "eXaMpLe"]) bed.asks(question(labels("a", letters), A));
  assertEquals(bed.asked, ["A a.example"]);
  bed.answers([address("192.0.2.80")]);
  assertEquals(bed.replies.length, 3, "answers");
  assertEquals(bed.asks(question(labels("A", "example"), A))?.slice(6, 8), [0, 1], "from the cache");
});

Deno.test("messages that are no plain question are answered here, or dropped", () => {
  const bed = new Bed("a.example"), name = labels("a", "example");
  const flags = (first: number) => [0, 7, first, 0, ...question(name, A).slice(4)];
  assertEquals(bed.asks([...question([0xc0, 12], A)])?.slice(2, 4), [0x81, 0x81], "a name that points to itself");
  assertEquals(bed.asks(question([1, 0x61, 0xc0, 12], A))?.slice(2, 4), [0x81, 0x81], "a label, and a pointer back");
  assertEquals(bed.asks(question([0x41, 0x61, 0], A))?.slice(2, 4), [0x81, 0x81], "a label of 65 bytes");
  const two = [0, 7, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, ...name, 0, A, 0, 1, ...labels("evil", "test"), 0, A, 0, 1];
  assertEquals(bed.asks(two)?.slice(2, 4), [0x81, 0x81], "two questions");
  assertEquals(bed.asks(flags(0x28))?.slice(3, 4), [0x84], "UPDATE");
  assertEquals(bed.asks(flags(0x20))?.slice(3, 4), [0x84], "NOTIFY");
  assertEquals(bed.asks(flags(0x81)), undefined, "an answer");
  assertEquals(bed.asks(question(name, 252))?.slice(3, 4), [0x84], "AXFR");
  const loop = [
    0,
    7,
    1,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    1,
    ...labels("evil", "test"),
    0,
    A,
    0,
    1,
    0xc0,
    27,
    0,
    41,
    4,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  assertEquals(bed.asks(loop)?.slice(2, 4), [0x81, 0x83], "a loop in an additional record's name");
  assertEquals(bed.asked, []);
});

Deno.test("a server's answer with a compression loop is SERVFAIL, and the guest gets none of its bytes", () => {
  const bed = new Bed("a.example");
  bed.asks(question(labels("a", "example"), A));
  const [asked] = bed.host.sockets[0].messages;
  const end = 12 + labels("a", "example").length + 4;
  const head = [...asked!.subarray(0, 2), 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, ...asked!.subarray(12, end)];
  const record = [0xc0, end, 0, A, 0, 1, 0, 0, 1, 0, 0, 4, 192, 0, 2, 80];
  bed.host.sockets[0].hearsBytes(SERVER, Uint8Array.from([...head, ...record]));
  assertEquals(bed.replies[0]?.bytes.slice(2, 4), [0x81, 0x82]);
  assertEquals(bed.replies[0]?.bytes.slice(6, 8), [0, 0], "answers");
});
