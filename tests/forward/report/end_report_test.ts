import { assert, assertEquals } from "../../assert.ts";
import {
  type ConnectionEnd,
  type EndReason,
  endReason,
  EndReasons,
  EndReport,
  EOF,
} from "../../../forward/report/end_report.ts";
import { HostError } from "../../../forward/host/host_network.ts";
import { LookupError } from "../../../forward/names/lookup.ts";

function report(...ends: [ConnectionEnd, EndReason | string][]): string {
  const report = new EndReport();
  for (const [end, reason] of ends) {
    report.record(end, typeof reason === "string" ? { text: reason, outcome: "other" } : reason);
  }
  return String(report);
}

Deno.test("the first end to end is in square brackets", () => {
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
  assert(ends.has("l-write"), "the end that was recorded");
  assert(!ends.has("l-read"), "another end");
});

Deno.test("the outcome is that of the first end with an error", () => {
  const outcome = (...ends: Parameters<EndReport["record"]>[]) => {
    const report = new EndReport();
    for (const end of ends) report.record(...end);
    return report.outcome;
  };
  assertEquals(outcome(), "ok");
  assertEquals(outcome(["l-read", EOF], ["r-read", EOF]), "ok");
  const gone: EndReason = { text: "gone", outcome: "reset" }, late: EndReason = { text: "late", outcome: "timeout" };
  assertEquals(outcome(["l-read", EOF], ["r-read", gone], ["r-write", late]), "reset");
  assertEquals(outcome(["l-read", EndReasons.IDLE]), "expired", "one of our own");
  assertEquals(outcome(["l-read", EOF], ["l-read", gone]), "ok", "what was recorded first stays");
});

Deno.test("no outcome depends on a text", () => {
  const report = new EndReport();
  report.record("l-read", { text: "idle timeout", outcome: "other" });
  assertEquals(report.outcome, "other");
});

Deno.test("errors have the outcome of their kind", () => {
  assertEquals(endReason(new HostError("refused", "nobody is there")), { text: "nobody is there", outcome: "refused" });
  assertEquals(endReason(new LookupError("lookup x: none")), { text: "lookup x: none", outcome: "unresolved" });
  assertEquals(endReason(new Error("?")), { text: "?", outcome: "other" });
});
