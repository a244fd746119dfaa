import { DEFAULT_ADDRESSES } from "../../../stack/base/link_addresses.ts";
import { TooManyForwards } from "../../../forward/forwards/table.ts";
import { HostError } from "../../../forward/host/host_network.ts";
import { LookupError } from "../../../forward/names/lookup.ts";
import {
  formatHost,
  type ForwardEnd,
  type ForwardSide,
  type ForwardSpec,
  networkName,
  parseForward,
  parseForwardEnds,
} from "../../../forward/syntax/forward_spec.ts";
import { InvalidValue } from "../../../forward/syntax/invalid_value.ts";
import { formatEndpoint } from "../../../stack/base/address.ts";
import { assertEquals, assertRejects, assertThrows } from "../../assert.ts";
import { FakeForwards } from "../bed/forward_table.ts";

function setup(limit?: number) {
  const state = new FakeForwards(limit);
  const add = (text: string, side: ForwardSide = "local") => state.table.add(side, parseForward(text, side));
  const listed = () => state.table.list().map(({ id, side, bound }) => `${id} ${side} ${formatEndpoint(bound)}`);
  return { ...{ state, add, listed }, table: state.table };
}

Deno.test("forwards: each has a line and an id, and is listed until it is removed", async () => {
  const { state, table, add, listed } = setup();
  assertEquals((await add("80")).id, 1);
  assertEquals((await add("udp://0:guest:53")).id, 2);
  assertEquals((await add("90", "remote")).id, 3);
  assertEquals(listed(), ["1 local 127.0.0.1:80", "2 local 127.0.0.1:49999", "3 remote 10.0.2.2:90"]);
  assertEquals(state.lines, [
    "[+] local-fwd Local listen tcp://127.0.0.1:80",
    "[+] local-fwd Local listen udp://127.0.0.1:49999",
    "[+] Accepting on remote side tcp://10.0.2.2:90",
  ]);
  for (const id of [2, 3]) assertEquals(table.remove(id), true, `remove ${id}`);
  assertEquals(table.remove(2), false, "once more");
  assertEquals(state.closed, ["udp 127.0.0.1:49999"], "listeners that were closed");
  assertEquals(state.removed, ["10.0.2.2:90"], "remote forwards that were removed");
  assertEquals(state.find(state.remoteTcp, "10.0.2.2:90"), null, "what the guest finds at 10.0.2.2:90");
  assertEquals((await add("81")).id, 4, "an id is not used twice");
  assertEquals(listed(), ["1 local 127.0.0.1:80", "4 local 127.0.0.1:81"]);
});

Deno.test("forwards: one that can't be set up is not in the table, and uses up no id", async () => {
  const { state, add, listed } = setup();
  state.failure = new HostError("other", "address already in use");
  await assertRejects(() => add("80"), HostError, "address already in use");
  state.failure = null;
  await assertRejects(() => add("none:80"), LookupError, "lookup none: no such host");
  await add("80", "remote");
  await assertRejects(() => add("80", "remote"), HostError, "address already in use");
  assertEquals((await add("udp://80", "remote")).id, 2, "UDP's ports are others");
  assertEquals(listed(), ["1 remote 10.0.2.2:80", "2 remote 10.0.2.2:80"]);
});

Deno.test("forwards: at the limit a further one is refused, also while another is being set up", async () => {
  const { table, add } = setup(2);
  const slow = add("here:80");
  await add("81");
  await assertRejects(() => add("82"), TooManyForwards, "too many forwards: -max-forwards is 2");
  await slow;
  assertEquals(table.usage, { current: 2, limit: 2, overflows: 1 });
  table.remove(1);
  await add("82");
  await assertRejects(() => add("83"), TooManyForwards);
  assertEquals(table.usage, { current: 2, limit: 2, overflows: 2 });
});

Deno.test("forwards: parseForwardEnds reads the two ends as parseForward does, and needs a port in each", () => {
  const written = ({ bind, target, ...kind }: ForwardSpec) => ({ ...kind, bind: end(bind), target: end(target) });
  const end = ({ host, port }: ForwardEnd) => `${formatHost(host)} ${port}`;
  const ends = (bind: string, target: string, side: ForwardSide = "local", network = "tcp") =>
    parseForwardEnds(network, bind, target, side, DEFAULT_ADDRESSES);
  assertEquals(written(ends("127.0.0.1:80", "10.0.2.100:81")), written(parseForward("80:10.0.2.100:81", "local")));
  assertEquals(written(ends(":80", ":81")), written(parseForward("80::81", "local")));
  assertEquals(
    written(ends("[::1]:80", ":81", "local", "udprpc")),
    written(parseForward("udprpc://[::1]:80::81", "local")),
  );
  assertEquals(
    written(ends(":80", "[web@srv-[::1]:8600]:0", "remote")),
    written(parseForward("80:[web@srv-[::1]:8600]:0", "remote")),
  );
  for (
    const [bind, target, reason] of [
      ["80", ":80", 'not HOST:PORT: "80"'],
      ["::1:80", ":80", 'not HOST:PORT: "::1:80"'],
      [":80", "10.0.2.100", 'not HOST:PORT: "10.0.2.100"'],
      [":80", "10.0.2.100:", 'strconv.ParseUint: parsing "": invalid syntax'],
      [":65536", ":80", 'strconv.ParseUint: parsing "65536": value out of range'],
    ] as const
  ) assertEquals(assertThrows(() => ends(bind, target), InvalidValue).message, reason);
  assertThrows(() => ends(":80", ":80", "local", "sctp"), InvalidValue, 'unknown network type "sctp"');
  assertThrows(() => ends(":80", ":80", "remote", "tcppp"), InvalidValue, "for local forwards only");
});

Deno.test("forwards: networkName is the inverse of parsing a network", () => {
  for (const name of ["tcp", "udp", "udprpc", "tcppp", "udpspp"]) {
    assertEquals(networkName(parseForward(`${name}://80`, "local")), name);
  }
});
