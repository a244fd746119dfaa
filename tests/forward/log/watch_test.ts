import { type EndReason, EndReasons, EndReport, EOF } from "../../../forward/report/end_report.ts";
import { NO_OBSERVERS } from "../../../forward/report/flow_observers.ts";
import type { Facts, ProgramLog } from "../../../forward/log/program_log.ts";
import { LimitWatch, loggedObservers, logRefusal, logRefusalsUnsaid } from "../../../forward/log/watch.ts";
import { IpAddress } from "../../../stack/base/address.ts";
import { assertEquals } from "../../assert.ts";
import { endpoint } from "../bed/fakes.ts";

/** A log that keeps `LEVEL EVENT`, and the facts. */
class KeptLog implements ProgramLog {
  readonly records: string[] = [];
  readonly facts: Facts[] = [];

  debug = this.taker("debug");
  info = this.taker("info");
  warning = this.taker("warning");
  error = this.taker("error");

  private taker(level: string) {
    return (event: string, facts: Facts | (() => Facts) = {}) => {
      this.records.push(`${level} ${event}`);
      this.facts.push(typeof facts === "function" ? facts() : facts);
    };
  }
}

Deno.test("the log has a refusal by the policy, with the rule", () => {
  const log = new KeptLog();
  logRefusal(log, "tcp", IpAddress.parse("2001:db8::1"), 25, "deny");
  logRefusal(log, "icmp", IpAddress.parse("192.0.2.1"), 0, "host");
  logRefusalsUnsaid(log);
  assertEquals(log.records, [
    "info refused by the policy",
    "info refused by the policy",
    "info further refusals are left out for an hour",
  ]);
  assertEquals(log.facts[0], { network: "tcp", to: "[2001:db8::1]:25", rule: "deny" });
  assertEquals(log.facts[1], { network: "icmp", to: "192.0.2.1", rule: "host" }, "a ping has no port");
});

Deno.test("the log warns of evictions and of missing resources; all else is for debugging", () => {
  const log = new KeptLog();
  const { routedTcp, routedUdp, remoteTcp } = loggedObservers(NO_OBSERVERS, log);
  const [guest, local, remote] = ["10.0.2.100:1", "198.51.100.1:2", "192.0.2.1:80"].map(endpoint);
  const report = (reason: EndReason) => {
    const ends = new EndReport();
    ends.record("l-read", reason);
    return ends;
  };
  routedTcp.opened(guest!, local!, remote!);
  routedTcp.done(guest!, local!, remote!, report(EOF));
  routedTcp.failed(guest!, remote!, report(EndReasons.REFUSED));
  routedTcp.failed(guest!, remote!, report(EndReasons.TOO_MANY_CONNECTIONS));
  routedUdp.done(guest!, local!, remote!, report(EndReasons.TOO_MANY_ASSOCIATIONS));
  remoteTcp(local!).unresolved(guest!, "a.example:80", "no such host");
  assertEquals(log.records, [
    "debug flow open",
    "debug flow over",
    "debug flow failed",
    "warning flow failed",
    "warning flow over",
    "warning name not resolved",
  ]);
  assertEquals(log.facts[4].outcome, "evicted");
  assertEquals(log.facts[4].to, "192.0.2.1:80");
});

Deno.test("the log warns of a limit once a check, with the number since the last check", () => {
  const log = new KeptLog(), dials = { resource: "dials", current: 4, limit: 4, overflows: 0 };
  const watch = new LimitWatch(() => [dials, { resource: "pings", current: 0, limit: 9, overflows: 0 }], log);
  watch.look();
  assertEquals(log.records, []);
  dials.overflows = 3;
  watch.look();
  watch.look();
  dials.overflows = 5;
  watch.look();
  assertEquals(log.records, ["warning limit reached", "warning limit reached"]);
  assertEquals(log.facts.map(({ resource, overflows }) => `${resource} ${overflows}`), ["dials 3", "dials 2"]);
});
