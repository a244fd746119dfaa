import { MAX_LOOKUPS } from "../../../forward/limits/limits.ts";
import { NAME_SERVER_PATIENCE_MS } from "../../../forward/limits/timeouts.ts";
import { SystemNames } from "../../../forward/names/system.ts";
import { type Endpoint, IpAddress } from "../../../stack/base/address.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";

const SRV = 33, A = 1, AAAA = 28;

/** A name server on loopback; `answer` gives the data of the records for a question's type, null: nothing is said. */
class NameServer implements AsyncDisposable {
  readonly endpoint: Endpoint;
  /** Types of questions. */
  readonly asked: number[] = [];
  private readonly socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  private readonly served: Promise<void>;

  constructor(answer: (type: number) => readonly (readonly number[])[] | null) {
    const { addr } = this.socket;
    assert(addr.transport === "udp");
    this.endpoint = { address: IpAddress.parse("127.0.0.1"), port: addr.port };
    this.served = this.serve(answer);
  }

  private async serve(answer: (type: number) => readonly (readonly number[])[] | null): Promise<void> {
    for await (const [query, from] of this.socket) {
      const end = query.indexOf(0, 12) + 5; // behind the name: its end, type and class
      const type = query[end - 3];
      this.asked.push(type);
      const records = answer(type);
      if (records === null) continue;
      const head = [query[0], query[1], 0x85, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0];
      const body = records.flatMap((data) => [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length, ...data]);
      await this.socket.send(Uint8Array.from([...head, ...query.subarray(12, end), ...body]), from);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await this.served;
  }
}

/** `host.test` as a name server writes it. */
const HOST = [..."\x04host\x04test"].map((character) => character.charCodeAt(0));

Deno.test("system names: service records of a server", async () => {
  await using server = new NameServer((type) => type === SRV ? [[0, 1, 0, 2, 0x1f, 0x90, ...HOST, 0]] : []);
  const records = await new SystemNames().servicesBy(server.endpoint, "web.service.test");
  assertEquals(records.map((record) => ({ ...record, host: record.host.replace(/\.$/, "") })), [
    { priority: 1, weight: 2, port: 8080, host: "host.test" },
  ]);
  assertEquals(server.asked, [SRV]);
});

Deno.test("system names: addresses of both families, by a server", async () => {
  const six = IpAddress.parse("2001:db8::1");
  await using server = new NameServer((type) => type === A ? [[192, 0, 2, 1]] : type === AAAA ? [[...six.bytes]] : []);
  const found = await new SystemNames().addressesBy(server.endpoint, "host.test");
  assertEquals(found.map(String), ["192.0.2.1", "2001:db8::1"]);
  await using none = new NameServer(() => []);
  assertEquals(await new SystemNames().addressesBy(none.endpoint, "host.test"), []);
});

Deno.test("system names: a question that was lost is asked again soon", async () => {
  let lost = 0;
  await using server = new NameServer(() => lost++ === 0 ? null : [[0, 1, 0, 2, 0, 80, ...HOST, 0]]);
  const start = performance.now();
  assertEquals((await new SystemNames().servicesBy(server.endpoint, "web.service.test")).length, 1);
  assert(performance.now() - start < 2 * NAME_SERVER_PATIENCE_MS[0]);
});

Deno.test("system names: a server that knows nothing, and the system's resolver", async () => {
  await using server = new NameServer(() => []);
  await assertRejects(() => new SystemNames().servicesBy(server.endpoint, "web.service.test"));
  const found = await new SystemNames().addresses("localhost");
  assert(found.some((address) => ["127.0.0.1", "::1"].includes(String(address))), found.join());
  await assertRejects(() => new SystemNames().addresses("no-such-host.invalid"));
});

Deno.test("system names: the number of lookups at once is limited, however long they take", async () => {
  const answers: PromiseWithResolvers<readonly IpAddress[]>[] = [];
  const names = new SystemNames(() => {
    const answer = Promise.withResolvers<readonly IpAddress[]>();
    answers.push(answer);
    return answer.promise;
  });
  const found = Array.from({ length: MAX_LOOKUPS }, (_, i) => names.addresses(`${i}.test`));
  await assertRejects(() => names.addresses("another.test"), Error, "too many names are being looked up");
  answers[0].reject(new Error("no such host"));
  await assertRejects(() => found[0], Error, "no such host");
  const another = names.addresses("another.test");
  assertEquals(answers.length, MAX_LOOKUPS + 1);
  for (const { resolve } of answers) resolve([IpAddress.parse("192.0.2.1")]);
  assertEquals((await Promise.all([...found.slice(1), another])).flat().length, MAX_LOOKUPS);
});
