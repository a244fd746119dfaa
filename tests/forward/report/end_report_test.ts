import { assertEquals } from "../../assert.ts";
import { type ConnectionEnd, EndReport, EOF } from "../../../forward/report/end_report.ts";

function report(...ends: [ConnectionEnd, string][]): string {
  const report = new EndReport();
  for (const [end, reason] of ends) report.record(end, reason);
  return String(report);
}

Deno.test("the first end to come to rest is in square brackets", () => {
  assertEquals(report(["l-read", EOF], ["r-read", EOF]), "l=[EOF]/0 r=EOF/0");
  assertEquals(report(["r-read", EOF], ["l-read", EOF]), "l=EOF/0 r=[EOF]/0");
  assertEquals(report(["r-write", "broken pipe"], ["l-read", EOF]), "l=EOF/0 r=0/[broken pipe]");
  assertEquals(report(["l-write", "reset"]), "l=0/[reset] r=0/0");
  assertEquals(report(["r-read", "connection refused"]), "l=0/0 r=[connection refused]/0");
});

Deno.test("before anything happened the brackets are where the Go program has them", () => {
  assertEquals(report(), "l=[0]/0 r=0/0");
});

Deno.test("an end is recorded once, in one line", () => {
  assertEquals(report(["l-read", "a"], ["r-read", "b"], ["l-read", "c"]), "l=[a]/0 r=b/0");
  assertEquals(report(["l-read", "one\n  two\r\nthree\n"]), "l=[one two three]/0 r=0/0");
  const ends = new EndReport();
  assertEquals(ends.has("l-write"), false);
  ends.record("l-write", EOF);
  assertEquals([ends.has("l-write"), ends.has("l-read")], [true, false]);
});

Deno.test("the outcome is that of the first end which was not a good one", () => {
  const outcome = (...ends: Parameters<EndReport["record"]>[]) => {
    const report = new EndReport();
    for (const end of ends) report.record(...end);
    return report.outcome;
  };
  assertEquals(outcome(), "ok");
  assertEquals(outcome(["l-read", EOF], ["r-read", EOF]), "ok");
  assertEquals(outcome(["l-read", EOF], ["r-read", "gone", "reset"], ["r-write", "late", "timeout"]), "reset");
  assertEquals(outcome(["l-read", "nobody said what"]), "other");
  assertEquals(outcome(["l-read", "idle timeout"]), "expired", "one of our own");
  assertEquals(outcome(["l-read", EOF], ["l-read", "again", "reset"]), "ok", "what was recorded first stays");
});
