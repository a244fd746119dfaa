import { outcomeOf } from "../../../forward/report/outcomes.ts";
import { HostError } from "../../../forward/host/host_network.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("errors of the host have an outcome", () => {
  for (
    const [failure, outcome] of [
      ["refused", "refused"],
      ["network-unreachable", "unreachable"],
      ["prohibited", "denied"],
      ["resources", "resources"],
      ["aborted", "cancelled"],
    ] as const
  ) assertEquals(outcomeOf(new HostError(failure, "")), outcome);
  assertEquals(outcomeOf(new Error("a fault of ours")), "other");
  assertEquals(outcomeOf("no error at all"), "other");
});
