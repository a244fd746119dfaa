import * as edns from "../../../forward/dns/edns.ts";
import fc from "fast-check";
import {
  errorAnswer,
  fitToUdp,
  isAnswerTo,
  parseQuestion,
  type Question,
  SERVFAIL,
} from "../../../forward/dns/message.ts";
import { assert, assertEquals } from "../../assert.ts";
import { hex } from "../../../scripts/lab/packets.ts";
import { answerTo, question, told } from "./messages.ts";

// A? example.org, as dig asks it
const QUERY = "1234 0120 0001 0000 0000 0001 07 6578616d706c65 03 6f7267 00 0001 0001";
const OPT = "00 0029 04d0 0000 0000 0000";

function parsed(bytes: Uint8Array): Question {
  const found = parseQuestion(bytes, edns);
  assert(found.kind === "question", found.kind);
  return found.question;
}

const verdict = (bytes: Uint8Array) => {
  const found = parseQuestion(bytes, edns);
  return found.kind === "error" ? found.rcode : found.kind;
};

Deno.test("a message is a question, an error, or nonsense", () => {
  assertEquals(parsed(hex(`${QUERY} ${OPT}`)).end, 29);
  assertEquals(verdict(hex(QUERY).subarray(0, 11)), "nonsense");
  assertEquals(verdict(hex(QUERY.replace("0120", "8180"))), "nonsense", "an answer");
  assertEquals(verdict(hex(QUERY.replace("0120 0001", "0120 0000"))), 1, "no question");
  assertEquals(verdict(hex(QUERY.replace("0120 0001", "0120 0002"))), 1, "two");
  assertEquals(verdict(hex(QUERY).subarray(0, 28)), 1, "cut off");
  assertEquals(verdict(hex(QUERY.replace("07 65", "c0 65"))), 1, "a pointer to nothing before it");
  assertEquals(verdict(hex(QUERY.replace("0120", "2820"))), 4, "an update");
  assertEquals(verdict(hex(QUERY.replace("00 0001 0001", "00 00fc 0001"))), 4, "a zone transfer");
  const long = "3f" + "61".repeat(63);
  assertEquals(verdict(hex(`${QUERY.slice(0, 29)} ${long.repeat(4)} 00 0001 0001`)), 1, "a name of 257 bytes");
});

Deno.test("errors repeat the question, its number and flags, and the OPT record", () => {
  assertEquals(
    errorAnswer(parsed(hex(`${QUERY} ${OPT}`)), SERVFAIL),
    hex("1234 8182 0001 0000 0000 0001 07 6578616d706c65 03 6f7267 00 0001 0001 00 0029 04d0 0000 0000 0000"),
  );
  assertEquals(
    errorAnswer(parsed(hex(QUERY.replace("0000 0001 07", "0000 0000 07"))), SERVFAIL),
    hex("1234 8182 0001 0000 0000 0000 07 6578616d706c65 03 6f7267 00 0001 0001"),
  );
  const nothing = parseQuestion(hex("1234 0100 0000 0000 0000 0000"), edns);
  assert(nothing.kind === "error");
  assertEquals(errorAnswer(nothing.question, nothing.rcode), hex("1234 8181 0000 0000 0000 0000"));
});

Deno.test("an answer belongs to its question only", () => {
  const asked = parsed(question(7, "example.org"));
  const answer = answerTo(question(7, "example.org"));
  const matches = (bytes: Uint8Array, id = 7) => isAnswerTo(asked, id, bytes, bytes.length);
  assert(matches(answer));
  assert(matches(answerTo(question(7, "EXAMPLE.org"))), "names have no case");
  assert(!matches(answer, 8), "another number");
  assert(!matches(question(7, "example.org")), "a question");
  assert(!matches(answerTo(question(7, "example.com"))), "another name");
  const otherType = Uint8Array.from(answer);
  otherType[asked.end - 3] = 28;
  assert(!matches(otherType), "another type");
  assert(!isAnswerTo(asked, 7, answer, asked.end - 1), "cut off");
  assert(matches(hex("0007 8181 0000 0000 0000 0000")), "an error without the question");
  assert(!matches(hex("0007 8180 0000 0000 0000 0000")), "no error, and no question");
});

Deno.test("the size that a client accepts over UDP", () => {
  const fit = (size: number | null, length: number) => {
    const bytes = question(7, "example.org", size);
    const answer = new Uint8Array(length);
    answer.set(answerTo(bytes));
    return fitToUdp(parsed(bytes), answer);
  };
  assertEquals(fit(null, 512).length, 512);
  assertEquals(told(fit(null, 513)), "7 NOERROR TC example.org");
  assertEquals(fit(1232, 1232).length, 1232);
  assertEquals(told(fit(1232, 1233)), "7 NOERROR TC example.org OPT");
  assertEquals(told(fit(100, 513)), "7 NOERROR TC example.org OPT", "less than 512 means 512");
});

Deno.test("no message makes the parser throw", () => {
  const real = [
    hex(`${QUERY} ${OPT}`),
    question(7, "a.very.long.name.example.org", 4096),
    answerTo(hex(`${QUERY} ${OPT}`)),
  ];
  const mutated = fc.tuple(fc.constantFrom(...real), fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 })).map(
    ([bytes, changes]) => {
      const copy = Uint8Array.from([...bytes, ...new Uint8Array(600)]);
      for (const [at, value] of changes) copy[at] = value;
      return copy.subarray(0, bytes.length + (changes.length === 3 ? 600 : 0));
    },
  );
  fc.assert(fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 100 })), mutated, (message, answer) => {
    const found = parseQuestion(message, edns);
    if (found.kind === "nonsense") return;
    assert(found.question.end <= message.length);
    isAnswerTo(found.question, 7, answer, answer.length);
    fitToUdp(found.question, answer);
    assertEquals(
      parseQuestion(errorAnswer(found.question, SERVFAIL), edns).kind,
      "nonsense",
      "an answer, not a question",
    );
  }));
});
