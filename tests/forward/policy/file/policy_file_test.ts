import { policySchema } from "../../../../forward/policy/file/schema.ts";
import { PolicyFault, readPolicy } from "../../../../forward/policy/file/policy_file.ts";
import { assert, assertEquals, assertRejects } from "../../../assert.ts";

Deno.test("a policy with comments, presets and all properties of rules", async () => {
  const { names, addresses } = await readPolicy(
    "p.json",
    `{
  // what the agent needs
  "$schema": "policy-1.schema.json", "version": 1,
  "default": "deny",
  "rules": [
    { "allow": "tcp://git.example.com:22", "id": "git", "note": "git over ssh" },
    { "allow": "10.1.0.0/16:5432", "until": "2026-12-24T00:00:00Z" }, /* for now */
    { "deny": "gist.example.com" },
  ],
}`,
  );
  assertEquals(names.map(({ text, deny }) => `${text} ${deny}`), ["git false", "!gist.example.com true"]);
  assertEquals(addresses.map(({ until }) => until), [Date.UTC(2026, 11, 24)]);
});

Deno.test("a policy without rules denies all", async () => {
  assertEquals(await readPolicy("p.json", `{ "version": 1 }`), { names: [], addresses: [] });
});

Deno.test("a fault is an error with its line, its column and the correct form", async () => {
  for (
    const [text, message] of [
      ["", "p.json:1:1: the file is empty"],
      ["{", "p.json:1:2: a closing brace is missing"],
      [`{ "version": 1\n  "rules": [] }`, "p.json:2:3: a comma is missing"],
      [`{ "version": 1 } x`, "p.json:1:18: "],
      [`[]`, "p.json:1:1: an object belongs here"],
      [`{ "rules": [] }`, `p.json:1:1: "version" is missing`],
      [`{ "version": 2 }`, "p.json:1:14: the version of this format must be 1"],
      [`{ "version": 1, "default": "open" }`, `p.json:1:28: what happens to all else must be "deny"`],
      [`{ "version": 1,\n\n  "ruels": [] }`, `p.json:3:3: unknown key "ruels": a policy has $schema, version`],
      [`{ "version": 1, "rules": [{ "alow": "a.example" }] }`, `p.json:1:29: unknown key "alow"`],
      [`{ "version": 1, "rules": [{}] }`, "p.json:1:27: a rule has exactly one of allow and deny"],
      [`{ "version": 1, "rules": [{ "allow": "a.example", "deny": "b.example" }] }`, "exactly one of allow and deny"],
      [`{ "version": 1, "version": 1 }`, 'p.json:1:17: "version" is given twice'],
      [`{ "version": 1, "rules": [{ "allow": 7 }] }`, "p.json:1:38: a text belongs here"],
      [`{ "version": 1, "rules": { "allow": "a.example" } }`, "p.json:1:26: a list belongs here"],
      [`{ "version": 1, "rules": [{ "deny": "!a.example" }] }`, "p.json:1:37: a rule that denies is written"],
      [`{ "version": 1, "rules": [{ "deny": "tcp://a.example" }] }`, "p.json:1:37: tcp:// and a name need a port"],
      [`{ "version": 1, "rules": [{ "allow": "tcp://*.co.uk:22" }] }`, "p.json:1:38: "],
      [`{ "version": 1, "use": ["npm"] }`, `p.json:1:25: "npm" is not a preset`],
      [`{ "version": 1, "use": ["@nmp"] }`, `p.json:1:25: unknown preset "@nmp"`],
      [`{ "version": 1, "rules": [{ "allow": "1.2.3.4", "until": "tomorrow" }] }`, "is not when the rule ends"],
      [`{ "version": 1, "rules": [{ "allow": "1.2.3.4", "until": "2026-99-01T00:00:00Z" }] }`, "no date and time"],
      [`{ "version": 1, "rules": [{ "allow": "1.2.3.4", "id": "a b" }] }`, `p.json:1:55: "a b" is not`],
    ] as const
  ) await assertRejects(() => readPolicy("p.json", text), PolicyFault, message, text);
});

Deno.test("the schema knows the keys that the reader knows, and no others", () => {
  const schema = JSON.parse(JSON.stringify(policySchema()));
  assertEquals(Object.keys(schema.properties), ["$schema", "version", "default", "use", "rules"]);
  assertEquals(schema.additionalProperties, false, "at the top");
  assertEquals(schema.properties.rules.items.additionalProperties, false, "in a rule");
  assertEquals(Object.keys(schema.properties.rules.items.properties), ["allow", "deny", "id", "note", "until"]);
  assert(schema.required.includes("version"));
});
