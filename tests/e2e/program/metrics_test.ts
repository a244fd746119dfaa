/** `-m`: health, metrics and flows over HTTP during traffic. */
import { GUEST } from "../../../scripts/lab/device.ts";
import { WORLD } from "../../../scripts/lab/lab.ts";
import { run } from "../../../scripts/lab/process.ts";
import { clientCommand, url } from "../../../scripts/lab/services.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { Bed, e2e } from "../bed/bed.ts";

/** The value of a sample by its name and labels; NaN if there is none. */
function sample(text: string, name: string): number {
  const line = text.split("\n").find((line) => line.startsWith(`${name} `));
  return line === undefined ? NaN : Number(line.slice(name.length + 1));
}

e2e("-m tcp://127.0.0.1:0: a line with the port before all others; health, metrics and flows", async () => {
  await using bed = await Bed.create({ mode: "tap", mtu: 1500 });
  await bed.restart(["-m", "tcp://127.0.0.1:0", "-deny", `tcp://${WORLD.v4}:81`]);
  const [first, second] = bed.program.stderr.filter((line) => line.startsWith("["));
  assertMatch(first!, new RegExp(`^\\[ \\] #${bed.program.pid} Running metrics on 127\\.0\\.0\\.1:\\d+$`));
  assertMatch(second!, /^\[\.\] Joininig netns /);
  const address = `http://${/\S+$/.exec(first!)![0]}`;
  const ask = (path: string, ...options: string[]) =>
    bed.lab.host.check(["curl", "-sS", "--max-time", "5", ...options, `${address}${path}`]);
  assertEquals(await ask("/health"), "ok");
  assertMatch(await ask("/nothing", "-o", "/dev/null", "-w", "%{http_code}"), /^404$/);

  assertEquals((await bed.curl("-o", `${bed.lab.directory}/blob`, url(WORLD.v4, "/blob"))).code, 0);
  assertEquals((await bed.curl(url(WORLD.v4, "/", 81))).code, 7);
  await bed.client("udp", WORLD.v6, 7, 100);
  await using held = bed.guest.start(clientCommand("hold", WORLD.v6, 2));
  await held.line("stdout", /"open": 2/);

  const flows: unknown = JSON.parse(await ask("/flows"));
  assert(Array.isArray(flows));
  const destinations = flows.map((flow) => `${Reflect.get(flow, "network")} ${Reflect.get(flow, "destination")}`);
  assertEquals(destinations.filter((text) => text.startsWith("tcp")), Array(2).fill(`tcp [${WORLD.v6}]:9007`));
  assertEquals(destinations.filter((text) => text.startsWith("udp")), [`udp [${WORLD.v6}]:7`]);
  for (const flow of flows) assertMatch(String(Reflect.get(flow, "guest")), new RegExp(`^\\[${GUEST.v6}\\]:\\d+$`));

  const text = await ask("/metrics");
  const open = (network: string) => sample(text, `slirpnetstack_open_flows{kind="routed",network="${network}"}`);
  assertEquals(open("tcp"), 2, `open tcp: ${text}`);
  assertEquals(open("udp"), 1, `open udp: ${text}`);
  assertMatch(await ask("/metrics", "-o", "/dev/null", "-w", "%{content_type}"), /^text\/plain; version=0\.0\.4/);
  const { code, stdout, stderr } = await run(["promtool", "check", "metrics"], { stdin: text });
  assertEquals(code, 0, "exit status");
  assertEquals(stdout, "", "stdout");
  assertEquals(stderr, "", "stderr");
  await held.sayEnd();
});

e2e("-m unix://PATH: served there, and the socket is gone at the end", async () => {
  await using bed = await Bed.create({ mode: "tap", mtu: 1500 });
  const path = `${bed.lab.directory}/metrics.sock`;
  await bed.restart(["-m", `unix://${path}`]);
  assertEquals(await bed.lab.host.check(["curl", "-sS", "--unix-socket", path, "http://localhost/health"]), "ok");
  assertEquals(await bed.program.stop(), 0);
  assertEquals((await bed.lab.host.run(["test", "-e", path])).code, 1);
});
