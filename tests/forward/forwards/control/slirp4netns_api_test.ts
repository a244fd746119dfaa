import { Slirp4netnsApi } from "../../../../forward/forwards/control/slirp4netns_api.ts";
import { HostError } from "../../../../forward/host/host_network.ts";
import { parseForward } from "../../../../forward/syntax/forward_spec.ts";
import { DEFAULT_ADDRESSES } from "../../../../stack/link/addresses.ts";
import { assertEquals } from "../../../assert.ts";
import { FakeForwards } from "../../bed/forward_table.ts";

function setup() {
  const state = new FakeForwards();
  const api = new Slirp4netnsApi(state.table, DEFAULT_ADDRESSES);
  const add = (given: Readonly<Record<string, unknown>>) =>
    api.answer(JSON.stringify({ execute: "add_hostfwd", arguments: given }));
  return { state, api, add };
}

const error = (reason: string) => `{"error":{"desc":"bad request: ${reason}"}}`;
/** As podman sends them. */
const PODMAN = '{"execute":"add_hostfwd","arguments":{"proto":"tcp","host_addr":"0.0.0.0","host_port":8080,' +
  '"guest_addr":"","guest_port":80}}';

Deno.test("slirp4netns API: add, list, remove, letter by letter", async () => {
  const { state, api } = setup();
  assertEquals(await api.answer('{"execute":"list_hostfwd"}'), '{"return":{"entries":[]},"entries":[]}');
  assertEquals(await api.answer(PODMAN), '{"return":{"id":1}}');
  assertEquals(state.listeners, ["tcp 0.0.0.0:8080 10.0.2.100:80 one version"]);
  const entry =
    '{"id":1,"proto":"tcp","host_addr":"0.0.0.0","host_port":8080,"guest_addr":"10.0.2.100","guest_port":80}';
  assertEquals(
    await api.answer('{"execute":"list_hostfwd"}\n'),
    `{"return":{"entries":[${entry}]},"entries":[${entry}]}`,
  );
  assertEquals(await api.answer('{"execute":"remove_hostfwd","arguments":{"id":1}}'), '{"return":{}}');
  assertEquals(state.closed, ["tcp 0.0.0.0:8080"]);
  assertEquals(await api.answer('{"execute":"list_hostfwd"}'), '{"return":{"entries":[]},"entries":[]}');
  assertEquals(await api.answer(PODMAN), '{"return":{"id":2}}', "an id is not used twice");
});

Deno.test("slirp4netns API: addresses and protocols, including IPv6", async () => {
  const { state, add } = setup();
  const ports = { host_port: 1, guest_port: 2 };
  for (
    const [given, listener] of [
      [{ proto: "udp" }, "udp 0.0.0.0:1 10.0.2.100:2"],
      [{ proto: "tcp", host_addr: "", guest_addr: "" }, "tcp 0.0.0.0:1 10.0.2.100:2"],
      [{ proto: "tcp", host_addr: "127.0.0.1", guest_addr: "10.0.2.15" }, "tcp 127.0.0.1:1 10.0.2.15:2"],
      [{ proto: "tcp", host_addr: "::", guest_addr: "fd00::100" }, "tcp [::]:1 [fd00::100]:2"],
      [{ proto: "udp", host_addr: "::1" }, "udp [::1]:1 10.0.2.100:2"],
      [{ proto: "tcp", guest_addr: "fd00::100" }, "tcp 0.0.0.0:1 [fd00::100]:2"],
      [{ proto: "tcp4" }, "tcp 0.0.0.0:1 10.0.2.100:2"],
      [{ proto: "tcp6" }, "tcp [::]:1 10.0.2.100:2"],
      [{ proto: "udp4", host_addr: "127.0.0.1" }, "udp 127.0.0.1:1 10.0.2.100:2"],
      [{ proto: "udp6", host_addr: "::1", guest_addr: "fd00::100" }, "udp [::1]:1 [fd00::100]:2"],
      [{ proto: "tcp", host_addr: 5, unknown: "ignored" }, "tcp 0.0.0.0:1 10.0.2.100:2"],
    ] as const
  ) {
    assertEquals(await add({ ...ports, ...given }), `{"return":{"id":${state.listeners.length}}}`);
    assertEquals(state.listeners.at(-1), `${listener} one version`);
  }
});

Deno.test("slirp4netns API: what is wrong with a request", async () => {
  const { state, api } = setup();
  for (
    const [request, reason] of [
      ["", "cannot parse JSON"],
      ["{", "cannot parse JSON"],
      ["hello", "cannot parse JSON"],
      ["[]", "json_object() failed"],
      ["null", "json_object() failed"],
      ['"x"', "json_object() failed"],
      ["{}", "no execute found"],
      ['{"execute":1}', "no execute found"],
      ['{"execute":"nope"}', "unknown execute"],
      ['{"execute":""}', "unknown execute"],
      ['{"execute":"add_hostfwd"}', "add_hostfwd: bad arguments.proto"],
      ['{"execute":"remove_hostfwd"}', "remove_hostfwd: bad arguments.id"],
      ['{"execute":"remove_hostfwd","arguments":{"id":"1"}}', "remove_hostfwd: bad arguments.id"],
      ['{"execute":"remove_hostfwd","arguments":{"id":0}}', "remove_hostfwd: bad arguments.id"],
      ['{"execute":"remove_hostfwd","arguments":{"id":1.5}}', "remove_hostfwd: bad arguments.id"],
      ['{"execute":"remove_hostfwd","arguments":{"id":1}}', "remove_hostfwd: slirp_remove_hostfwd failed"],
    ] as const
  ) assertEquals(await api.answer(request), error(reason), request);
  state.failure = new HostError("other", "address already in use");
  assertEquals(await api.answer(PODMAN), error("add_hostfwd: slirp_add_hostfwd failed"));
});

Deno.test("slirp4netns API: the arguments of add_hostfwd are checked in its order", async () => {
  const { state, add } = setup();
  const right = { proto: "tcp", host_addr: "", host_port: 1, guest_addr: "", guest_port: 1 };
  const wrong = { proto: "sctp", host_addr: "x", host_port: 0, guest_addr: "x", guest_port: 0 };
  const names = Object.keys(right);
  for (const [i, name] of names.entries()) {
    const given = Object.fromEntries(names.map((name, j) => [name, Reflect.get(j < i ? right : wrong, name)]));
    assertEquals(await add(given), error(`add_hostfwd: bad arguments.${name}`));
  }
  for (
    const [name, value] of [
      ["proto", undefined],
      ["proto", 6],
      ["proto", "TCP"],
      ["proto", "constructor"],
      ["host_addr", "localhost"],
      ["host_port", undefined],
      ["host_port", "80"],
      ["host_port", 65_536],
      ["host_port", -1],
      ["host_port", 80.5],
      ["guest_addr", "10.0.2"],
      ["guest_port", 65_616],
    ] as const
  ) {
    assertEquals(await add({ ...right, [name]: value }), error(`add_hostfwd: bad arguments.${name}`), `${value}`);
  }
  assertEquals(await add({ ...right, proto: "tcp4", host_addr: "::1" }), error("add_hostfwd: bad arguments.host_addr"));
  assertEquals(
    await add({ ...right, proto: "udp6", host_addr: "0.0.0.0" }),
    error("add_hostfwd: bad arguments.host_addr"),
  );
  assertEquals(state.table.list(), []);
});

Deno.test("slirp4netns API: remote forwards are not listed, and can't be removed", async () => {
  const { state, api } = setup();
  const { id } = await state.table.add("remote", parseForward("80", "remote"));
  assertEquals(await api.answer('{"execute":"list_hostfwd"}'), '{"return":{"entries":[]},"entries":[]}');
  const request = JSON.stringify({ execute: "remove_hostfwd", arguments: { id } });
  assertEquals(await api.answer(request), error("remove_hostfwd: slirp_remove_hostfwd failed"));
  assertEquals(state.table.list().length, 1);
});
