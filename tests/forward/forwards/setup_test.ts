import { setUpForwards } from "../../../forward/forwards/setup.ts";
import type { RemoteForwards } from "../../../forward/forwards/remote/table.ts";
import { HostError } from "../../../forward/host/host_network.ts";
import { StartFailed } from "../../../forward/report/start_failed.ts";
import { parseForward } from "../../../forward/syntax/forward_spec.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { FakeForwards } from "../bed/forward_table.ts";

function setup(limit?: number) {
  const state = new FakeForwards(limit);
  const { lines, listeners, checked, remoteTcp, remoteUdp, table } = state;
  const run = (local: readonly string[], remote: readonly string[]) =>
    setUpForwards(
      local.map((text) => parseForward(text, "local")),
      remote.map((text) => parseForward(text, "remote")),
      table,
      () => 1_000,
    );
  const find = (forwards: RemoteForwards, text: string) => state.find(forwards, text);
  return { lines, listeners, checked, remoteTcp, remoteUdp, table, state, run, find };
}

Deno.test("setup: local forwards, then remote ones, each with its line", async () => {
  const { lines, listeners, remoteTcp, remoteUdp, run, find } = setup();
  await run(
    ["80", "udprpc://here:0:guest:53", "tcppp://[::1]:81:[fd00::100]:0", "svc@srv-53:0"],
    ["80:here:8080", "udp://[fd00::2]:53", "udprpc://192.0.2.5:7:127.0.0.1:7"],
  );
  assertEquals(listeners, [
    "tcp 127.0.0.1:80 10.0.2.100:80",
    "udp 127.0.0.1:0 guest:53 one answer",
    "tcp [::1]:81 [fd00::100]:0 proxy protocol",
    "tcp 127.0.0.1:99 10.0.2.100:0",
  ]);
  assertEquals(lines, [
    "[+] local-fwd Local listen tcp://127.0.0.1:80",
    "[+] local-fwd Local listen udp://127.0.0.1:49999",
    "[+] local-fwd Local PP listen tcp://[::1]:81",
    "[+] local-fwd Local listen tcp://127.0.0.1:99",
    "[+] Accepting on remote side tcp://10.0.2.2:80",
    "[+] Accepting on remote side udp://fd00::2:53",
    "[+] Accepting on remote side udp://192.0.2.5:7",
  ]);
  assertEquals(String(find(remoteTcp, "10.0.2.2:80")?.target), "here:8080");
  assertEquals(String(find(remoteUdp, "[fd00::2]:53")?.target), "[::1]:53");
  assertEquals(find(remoteUdp, "192.0.2.5:7")?.oneAnswer, true);
  assertEquals(find(remoteUdp, "10.0.2.2:80"), null, "a forward for TCP is not one for UDP");
  assertEquals(find(remoteTcp, "10.0.2.2:81"), null, "another port");
});

Deno.test("setup: what the name of a remote forward's target stands for is checked, each time; of a local one's not", async () => {
  const { checked, run, remoteTcp, find } = setup();
  await run(["80:guest:80"], ["80:here:8080", "81:svc@srv-53:1", "82:127.0.0.1:82"]);
  assertEquals(checked, []);
  for (const bind of ["10.0.2.2:80", "10.0.2.2:80", "10.0.2.2:81"]) await find(remoteTcp, bind)!.target.ask();
  assertEquals(checked, ["tcp here 127.0.0.1:8080", "tcp here 127.0.0.1:8080", "tcp svc@srv-53 127.0.0.1:99"]);
});

Deno.test("setup: port 0 in the guest's network is one that is free, also for the target", async () => {
  const { lines, remoteTcp, run, find } = setup();
  await run([], ["0", "0", "[fd00::9]:0::7"]);
  const bound = lines.map((line) => Number(line.split(":").at(-1)));
  assert(new Set(bound).size === 3 && bound.every((port) => port >= 49_152), lines.join());
  assertEquals(String(find(remoteTcp, `10.0.2.2:${bound[0]}`)?.target), `127.0.0.1:${bound[0]}`);
  assertEquals(String(find(remoteTcp, `[fd00::9]:${bound[2]}`)?.target), "[::1]:7");
});

Deno.test("setup: a remote forward on port 0 of an address all of whose ports are taken ends the start", async () => {
  const ports = 65_536 - 49_152;
  const { lines, run } = setup(ports + 1);
  const forwards = Array<string>(ports + 1).fill("0");
  const error = await assertRejects(() => run([], forwards), StartFailed);
  assertEquals(error.message, "[!] Failed to listen on tcp://10.0.2.2:0: no free port");
  assertEquals(error.status, 246, "exit status");
  assertEquals(new Set(lines).size, ports, "ports that were taken before");
});

Deno.test("setup: of two remote forwards on one port the last counts", async () => {
  const { remoteTcp, table, run, find } = setup();
  await run([], ["80:127.0.0.1:1", "80:127.0.0.1:2"]);
  assertEquals(String(find(remoteTcp, "10.0.2.2:80")?.target), "127.0.0.1:2");
  assertEquals(table.list().map(({ target }) => String(target)), ["127.0.0.1:2"], "the table");
});

Deno.test("setup: a bind name without an address, or one that can't be listened on, ends it", async () => {
  for (
    const [local, remote, status, line] of [
      [["none:80"], [], 247, "[!] Failed to listen on tcp://none:80: lookup none: no such host"],
      [
        ["udp://no@srv-53:0"],
        [],
        247,
        `[!] Failed to listen on udp://no@srv-53:0: Failed to lookup SRV "no" on "127.0.0.1:53"`,
      ],
      [
        [],
        ["tcp://no@srv-53:0"],
        246,
        `[!] Failed to resolve bind address. dns lookup error of tcp addr: Failed to lookup SRV "no" on "127.0.0.1:53"`,
      ],
      [
        [],
        ["udp://none:80"],
        246,
        "[!] Failed to resolve bind address. dns lookup error of udp addr: lookup none: no such host",
      ],
    ] as const
  ) {
    const { lines, run } = setup();
    const error = await assertRejects(() => run(["1", ...local, "2"], [...remote, "3"]), StartFailed);
    const before = local.length > 0 ? 1 : 2;
    assertEquals(error.status, status, "error status");
    assertEquals(error.message, line, "error message");
    assertEquals(lines.length, before, "number of lines");
  }
  const { state, run } = setup();
  state.failure = new HostError("other", "address already in use");
  const error = await assertRejects(() => run(["[::1]:80"], []), StartFailed);
  assertEquals(error.status, 247, "error status");
  assertEquals(error.message, "[!] Failed to listen on tcp://[::1]:80: address already in use", "error message");
});

Deno.test("setup: a port that is kept for privileged programs: the line names the setting", async () => {
  const { state, run } = setup();
  state.failure = new HostError("prohibited", "permission denied");
  const line = async (forward: string) => (await assertRejects(() => run([forward], []), StartFailed)).message;
  const advice = " (ports below 1000 need CAP_NET_BIND_SERVICE; " +
    "sysctl -w net.ipv4.ip_unprivileged_port_start=80 gives this one to everybody)";
  assertEquals(await line("80"), `[!] Failed to listen on tcp://127.0.0.1:80: permission denied${advice}`);
  assertEquals(await line("udp://[::1]:80"), `[!] Failed to listen on udp://[::1]:80: permission denied${advice}`);
  const others = "[!] Failed to listen on tcp://127.0.0.1:1000: permission denied";
  assertEquals(await line("1000"), others, "a port that everybody may listen on");
  state.failure = new HostError("other", "address already in use");
  assertEquals(await line("80"), "[!] Failed to listen on tcp://127.0.0.1:80: address already in use");
});
