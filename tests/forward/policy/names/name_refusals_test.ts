import { MAX_NAME_REFUSALS, NameRefusals } from "../../../../forward/policy/names/name_refusals.ts";
import { assert, assertEquals } from "../../../assert.ts";

Deno.test("a refusal is said once, however often it comes", () => {
  const said: string[] = [];
  const refusals = new NameRefusals(({ network, name, port, reason }) =>
    said.push(`${network} ${name} ${port} ${reason}`)
  );
  for (let i = 0; i < 3; i++) {
    refusals.refused("dns", "a.example", 0, "no_rule");
    refusals.refused("tcp", "a.example", 22, "no_rule");
    refusals.refused("tcp", "a.example", 443, "denied");
  }
  assertEquals(said, ["dns a.example 0 no_rule", "tcp a.example 22 no_rule", "tcp a.example 443 denied"]);
  assertEquals(refusals.rules, ["a.example", "a.example:22"], "what rules would let through, sorted");
});

Deno.test("a flood of refusals costs neither memory nor lines", () => {
  let said = 0;
  const refusals = new NameRefusals(() => said++);
  for (let i = 0; i < 100_000; i++) refusals.refused("dns", `n${i}.example`, 0, "no_rule");
  assert(said <= MAX_NAME_REFUSALS, `${said} were said`);
  assert(refusals.rules.length <= MAX_NAME_REFUSALS, `${refusals.rules.length} are kept`);
});
