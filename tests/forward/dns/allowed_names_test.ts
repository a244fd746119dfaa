import * as edns from "../../../forward/dns/edns.ts";
import { AllowedNames } from "../../../forward/dns/allowed_names.ts";
import { parseQuestion, type Question } from "../../../forward/dns/message.ts";
import { parseRanges } from "../../../forward/policy/range.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assert, assertEquals } from "../../assert.ts";
import { question, told } from "./messages.ts";

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  "Web.Example": ["192.0.2.1", "2001:db8::1", "192.0.2.2"],
  "four.example.": ["192.0.2.4"],
  "db": ["::ffff:192.0.2.5"],
};

async function names(ranges: string): Promise<AllowedNames> {
  const resolve = (name: string) => Promise.resolve((ADDRESSES[name] ?? []).map(IpAddress.parse));
  return new AllowedNames(await parseRanges(ranges, resolve));
}

function parsed(message: Uint8Array): Question {
  const outcome = parseQuestion(message, edns);
  assert(outcome.kind === "question");
  return outcome.question;
}

const A = 1, MX = 15, AAAA = 28, ANY = 255;

/** A question of that type, and class, about a name. */
function asked(name: string, type: number, size: number | null = null, ofClass = 1): Question {
  const message = question(7, name, size), { end } = parsed(message);
  message.set([type >> 8, type & 255, 0, ofClass], end - 4);
  return parsed(message);
}

Deno.test("the names of -allow keep their first addresses, by type, whatever the port of the range", async () => {
  const allowed = await names("Web.Example:80,udp://Web.Example:53,four.example.,db,192.0.2.9,[2001:db8::]/32");
  for (
    const [name, type, expected] of [
      ["web.example", A, "7 NOERROR web.example 192.0.2.1 192.0.2.2"],
      ["WEB.eXample", AAAA, "7 NOERROR WEB.eXample 2001:db8::1"],
      ["web.example", ANY, "7 NOERROR web.example 192.0.2.1 2001:db8::1 192.0.2.2"],
      ["web.example", MX, "7 NOERROR web.example"],
      ["four.example", A, "7 NOERROR four.example 192.0.2.4"],
      ["four.example", AAAA, "7 NOERROR four.example"],
      ["db", A, "7 NOERROR db 192.0.2.5"],
    ] as const
  ) {
    const answer = allowed.answer(asked(name, type));
    assertEquals(answer === null ? null : told(answer), expected, `${name} ${type}`);
  }
});

Deno.test("any other name is refused", async () => {
  const allowed = await names("Web.Example:80,192.0.2.9");
  for (const name of ["secret.web.example", "example", "web.example.test", "192.0.2.9", "localhost", "."]) {
    const other = asked(name, A);
    assertEquals(allowed.answer(other), null, name);
    assert(told(allowed.refusal(other)).startsWith("7 REFUSED"), name);
  }
  assertEquals(allowed.answer(asked("web.example", A, null, 3)), null, "class CH");
});

Deno.test("an answer to a question with an OPT record has one too", async () => {
  const allowed = await names("Web.Example");
  assertEquals(told(allowed.answer(asked("web.example", A, 1232))!), "7 NOERROR web.example 192.0.2.1 192.0.2.2 OPT");
  assertEquals(told(allowed.refusal(asked("other.example", A, 1232))), "7 REFUSED other.example OPT");
});

Deno.test("an answer on the wire", async () => {
  const answer = (await names("four.example.")).answer(asked("four.example", A))!;
  assertEquals([...answer.subarray(0, 12)], [0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], "header: one answer");
  // a pointer to the question's name, A, IN, 60 s, 4 bytes (RFC 1035, section 4.1.3)
  assertEquals([...answer.subarray(-16)], [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 4], "record");
});
