import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { InvalidValue } from "../../../forward/syntax/invalid_value.ts";
import { lookUp, resolveOnHost } from "../../../forward/syntax/resolver.ts";
import { IpAddress } from "../../../stack/base/address.ts";

Deno.test("resolveOnHost knows localhost and literal addresses without asking a server", async () => {
  const local = (await resolveOnHost("localhost")).map(String);
  assert(local.includes("127.0.0.1") || local.includes("::1"), String(local));
  assertEquals((await resolveOnHost("192.0.2.7")).map(String), ["192.0.2.7"]);
});

Deno.test("lookUp names the name that failed", async () => {
  const fails = async (resolve: () => Promise<IpAddress[]>) =>
    (await assertRejects(() => lookUp("nowhere.example", resolve), InvalidValue)).message;
  assertEquals(
    await fails(() => Promise.reject(new Error("temporary failure"))),
    "lookup nowhere.example: temporary failure",
  );
  assertEquals(await fails(() => Promise.reject("odd")), "lookup nowhere.example: odd");
  assertEquals(await fails(() => Promise.resolve([])), "lookup nowhere.example: no such host");
  const all = [IpAddress.parse("192.0.2.1"), IpAddress.parse("2001:db8::1")];
  assertEquals(await lookUp("both.example", () => Promise.resolve(all)), all);
});

Deno.test("lookUp refuses texts that the C library would read as addresses in its own way", async () => {
  const asked: string[] = [];
  const resolve = (name: string) => {
    asked.push(name);
    return Promise.resolve([IpAddress.parse("127.0.0.1")]);
  };
  for (
    const name of ["127.1", "010.0.0.1", "2130706433", "0x7f000001", "127.0.0.0x1", "10.0.0.256", "1.2.3.4.", "web.1"]
  ) {
    const { message } = await assertRejects(() => lookUp(name, resolve), InvalidValue);
    assert(message.startsWith(`lookup ${name}: no such host`), message);
  }
  assertEquals(asked, []);
  for (const name of ["127.0.0.1", "::1", "web1", "1.example", "0x.example", "face"]) await lookUp(name, resolve);
  assertEquals(asked.length, 6);
});
