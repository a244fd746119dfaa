import { Target } from "../../../forward/names/target.ts";
import { parseForward } from "../../../forward/syntax/forward_spec.ts";
import { type Endpoint, formatEndpoint } from "../../../stack/base/address.ts";
import { assertEquals, assertRejects } from "../../assert.ts";
import { FakeNames } from "../bed/fake_host.ts";
import { FakeScheduler } from "../bed/fakes.ts";

function setup(text: string, ttl: number) {
  const scheduler = new FakeScheduler();
  const names = new FakeNames({ addresses: { web: "192.0.2.1" }, services: { svc: "0 0 81 web" } });
  const target = new Target(parseForward(`1:${text}`, "remote").target, {
    ...{ names, ttl },
    now: () => scheduler.now(),
    random: () => 0,
  });
  const known = () => show(target.known());
  return { scheduler, names, target, known };
}

const show = (endpoint: Endpoint | null) => endpoint && formatEndpoint(endpoint);

Deno.test("target: an address is known", () => {
  const { target, known } = setup("192.0.2.7:80", 0);
  assertEquals(known(), "192.0.2.7:80", "known");
  assertEquals(show(target.fixed), "192.0.2.7:80", "fixed");
  assertEquals(String(target), "192.0.2.7:80", "text");
  assertEquals(target.name, "192.0.2.7", "name");
});

Deno.test("target: an answer is good for its time", async () => {
  const { scheduler, names, target, known } = setup("web:80", 5_000);
  assertEquals(known(), null, "known before the first question");
  assertEquals(target.fixed, null, "fixed");
  assertEquals(String(target), "web:80", "text");
  assertEquals(show(await target.ask()), "192.0.2.1:80");
  scheduler.advance(4_999);
  assertEquals(known(), "192.0.2.1:80");
  scheduler.advance(1);
  assertEquals(known(), null);
  names.answers.addresses.web = "192.0.2.2";
  assertEquals(show(await target.ask()), "192.0.2.2:80", "the new answer");
  assertEquals(known(), "192.0.2.2:80", "known after it");
  assertEquals(names.asked.length, 2, "lookups");
});

for (const ttl of [0, -1]) {
  Deno.test(`target: with a time of ${ttl} each is asked for`, async () => {
    const { names, target, known } = setup("web:80", ttl);
    for (let i = 1; i <= 3; i++) {
      await target.ask();
      assertEquals(known(), null, "known");
      assertEquals(names.asked.length, i, "lookups");
    }
  });
}

Deno.test("target: callers at the same time share a lookup", async () => {
  const { names, target } = setup("svc@srv-53:80", 0);
  const both = await Promise.all([target.ask(), target.ask()]);
  assertEquals(both.map(show), ["192.0.2.1:81", "192.0.2.1:81"]);
  assertEquals(names.asked.filter((question) => question.includes("srv")).length, 1);
});

Deno.test("target: a failure is reported to all callers that wait, and not cached", async () => {
  const { names, target, known } = setup("gone:80", 5_000);
  const first = target.ask(), second = target.ask();
  await assertRejects(() => first, Error, "lookup gone: no such host");
  await assertRejects(() => second, Error, "lookup gone: no such host");
  assertEquals(known(), null, "known");
  assertEquals(names.asked.length, 1, "lookups");
  names.answers.addresses.gone = "192.0.2.9";
  assertEquals(show(await target.ask()), "192.0.2.9:80");
});
