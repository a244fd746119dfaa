import { DEFAULT_ADDRESSES } from "../../../../stack/base/link_addresses.ts";
import { HttpApi } from "../../../../forward/forwards/control/http_api.ts";
import { HostError } from "../../../../forward/host/host_network.ts";
import { parseForward } from "../../../../forward/syntax/forward_spec.ts";
import { assertEquals, assertMatch } from "../../../assert.ts";
import { FakeForwards } from "../../bed/forward_table.ts";

function setup() {
  const state = new FakeForwards();
  const api = new HttpApi(state.table, DEFAULT_ADDRESSES);
  const ask = async (method: string, path: string, body = "") => {
    const answer = await api.answer({ method, path: `/services/forwarder/${path}`, host: null, body });
    assertEquals(typeof answer.body, "string");
    return `${answer.status} ${answer.body}`.trim();
  };
  const post = (path: string, value: unknown) => ask("POST", path, JSON.stringify(value));
  const all = async () => {
    const text = await ask("GET", "all");
    assertMatch(text, /^200 \[/);
    return JSON.parse(text.slice(4));
  };
  return { state, api, ask, post, all };
}

Deno.test("HTTP API: expose, all, unexpose, as gvproxy has them", async () => {
  const { state, post, all } = setup();
  assertEquals(await all(), []);
  assertEquals(await post("expose", { local: ":6443", remote: "10.0.2.100:6443", protocol: "tcp" }), "200");
  assertEquals(await post("expose", { local: "127.0.0.1:53", remote: "guest:53", protocol: "udp", more: 1 }), "200");
  assertEquals(state.listeners, ["tcp 0.0.0.0:6443 10.0.2.100:6443", "udp 127.0.0.1:53 guest:53"]);
  assertEquals(await all(), [
    { local: "127.0.0.1:53", remote: "guest:53", protocol: "udp", direction: "local" },
    { local: ":6443", remote: "10.0.2.100:6443", protocol: "tcp", direction: "local" },
  ]);
  assertEquals(await post("unexpose", { local: ":6443", protocol: "udp" }), "500 proxy not found");
  assertEquals(await post("unexpose", { local: ":6443" }), "200");
  assertEquals(await post("unexpose", { local: ":6443" }), "500 proxy not found", "once more");
  assertEquals(state.closed, ["tcp 0.0.0.0:6443"]);
  assertEquals((await all()).length, 1);
});

Deno.test("HTTP API: every network of forwards, and defaults of -L", async () => {
  const { state, post } = setup();
  assertEquals(await post("expose", { local: "127.0.0.1:80", remote: ":8080", protocol: "tcppp" }), "200");
  assertEquals(await post("expose", { local: "[::1]:80", remote: ":0", protocol: "udpspp" }), "200");
  assertEquals(await post("expose", { local: "here:80", remote: ":53", protocol: "udprpc" }), "200");
  assertEquals(state.listeners, [
    "tcp 127.0.0.1:80 10.0.2.100:8080 proxy protocol",
    "udp [::1]:80 [fd00::100]:0 proxy protocol",
    "udp 127.0.0.1:80 10.0.2.100:53 one answer",
  ]);
  assertEquals(await post("unexpose", { local: "here:80", protocol: "udprpc" }), "200", "as it was asked for");
  assertEquals(await post("unexpose", { local: "127.0.0.1:80", protocol: "tcp" }), "500 proxy not found", "tcp alone");
});

Deno.test("HTTP API: remote forwards", async () => {
  const { state, post, all } = setup();
  const direction = "remote";
  assertEquals(await post("expose", { local: ":5432", remote: ":5432", direction }), "200");
  assertEquals(await post("expose", { local: "10.0.2.7:80", remote: "here:80", direction }), "200");
  assertEquals(String(state.find(state.remoteTcp, "10.0.2.2:5432")?.target), "127.0.0.1:5432");
  assertEquals((await all()).at(-1), { local: ":5432", remote: "127.0.0.1:5432", protocol: "tcp", direction });
  await state.find(state.remoteTcp, "10.0.2.7:80")!.target.ask();
  assertEquals(state.checked, ["tcp here 127.0.0.1:80"], "the guard of names");
  const again = await post("expose", { local: "10.0.2.2:5432", remote: ":1", direction });
  assertEquals(again, "500 tcp://10.0.2.2:5432: address already in use");
  assertEquals(await post("unexpose", { local: ":5432" }), "500 proxy not found", "a local one");
  assertEquals(await post("unexpose", { local: "10.0.2.2:5432", direction }), "200", "as it is bound");
  assertEquals(state.find(state.remoteTcp, "10.0.2.2:5432"), null);
});

Deno.test("HTTP API: port 0 is any free port, and the answer says which", async () => {
  const { post, all } = setup();
  const shown = { local: "127.0.0.1:49999", remote: "10.0.2.100:80", protocol: "tcp", direction: "local" };
  const asked = { local: "127.0.0.1:0", remote: "10.0.2.100:80" };
  assertEquals(await post("expose", asked), `200 ${JSON.stringify(shown)}`);
  assertEquals(await all(), [shown]);
  assertEquals(await post("unexpose", { local: "127.0.0.1:49999" }), "200");
});

Deno.test("HTTP API: forwards of the command line are listed and removed as well", async () => {
  const { state, post, all } = setup();
  await state.table.add("local", parseForward("8080:guest:80", "local"));
  await state.table.add("remote", parseForward("udp://53", "remote"));
  assertEquals(await all(), [
    { local: "10.0.2.2:53", remote: "127.0.0.1:53", protocol: "udp", direction: "remote" },
    { local: "127.0.0.1:8080", remote: "guest:80", protocol: "tcp", direction: "local" },
  ]);
  assertEquals(await post("unexpose", { local: "127.0.0.1:8080" }), "200");
  assertEquals(await post("unexpose", { local: "10.0.2.2:53", protocol: "udp", direction: "remote" }), "200");
  assertEquals(await all(), []);
});

Deno.test("HTTP API: what is wrong with a request is a status and a line", async () => {
  const { state, ask, post } = setup();
  assertEquals(await ask("GET", "expose"), "400 post only");
  assertEquals(await ask("GET", "unexpose"), "400 post only");
  assertEquals(await ask("POST", "all", "{}"), "400 get only");
  assertEquals(await ask("GET", "none"), "404 not found");
  assertEquals(await ask("GET", ""), "404 not found");
  assertEquals(await ask("POST", "expose", ""), "400 the body is no JSON");
  assertEquals(await ask("POST", "expose", '{"local":'), "400 the body is no JSON");
  for (const body of ["null", "1", '"x"']) {
    assertEquals(await ask("POST", "expose", body), "400 the body is no JSON object", body);
  }
  const remote = ":80", local = ":80";
  for (
    const [value, reason] of [
      [{}, "local is missing"],
      [{ local }, "remote is missing"],
      [{ local: 80, remote }, "local must be a string"],
      [{ local: "80", remote }, 'not HOST:PORT: "80"'],
      [{ local: ":x", remote }, 'strconv.ParseUint: parsing "x": invalid syntax'],
      [{ local, remote: "a@b:1" }, 'unknown dns type "b"'],
      [{ local, remote, protocol: "unix" }, 'unknown network type "unix"'],
      [{ local, remote, protocol: "tcppp", direction: "remote" }, 'network type "tcppp" is for local forwards only'],
      [{ local, remote, direction: "up" }, 'unknown direction "up": must be local or remote'],
      [{ local, remote, protocol: "__proto__" }, 'unknown network type "__proto__"'],
    ] as const
  ) assertEquals(await post("expose", value), `400 ${reason}`);
  assertEquals(await post("expose", { local: "none:80", remote }), "500 tcp://none:80: lookup none: no such host");
  state.failure = new HostError("other", "address already in use");
  assertEquals(await post("expose", { local, remote }), "500 tcp://:80: address already in use");
  assertEquals(state.table.list(), []);
});

Deno.test("HTTP API: the rules are shown and replaced; a fault leaves them", async () => {
  const { state } = setup(), replaced: string[] = [];
  const policy = {
    shown: { generation: 3, rules: ["a.example"] },
    replace: (path: string, text: string) => {
      if (text === "bad") return Promise.reject(new Error(`${path}:1:1: a fault`));
      return Promise.resolve(replaced.push(text));
    },
  };
  const ask = async (api: HttpApi, method: string, body = "") => {
    const answer = await api.answer({ method, path: "/policy", host: null, body });
    return `${answer.status} ${answer.body}`.trim();
  };
  const api = new HttpApi(state.table, DEFAULT_ADDRESSES, policy);
  assertEquals(await ask(api, "GET"), '200 {"generation":3,"rules":["a.example"]}');
  assertEquals(await ask(api, "POST", '{ "version": 1 }'), '200 {"generation":1}');
  assertEquals(await ask(api, "POST", "bad"), "400 policy:1:1: a fault");
  assertEquals(replaced, ['{ "version": 1 }'], "what was replaced");
  const none = new HttpApi(state.table, DEFAULT_ADDRESSES);
  assertEquals(await ask(none, "POST", "{}"), "404 there are no rules: start with -only or -policy");
});
