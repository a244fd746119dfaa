/** `/names`, `slirpnetstack top` and the page at `/`, of a program that serves a guest. */
import { programCommand, PROJECT } from "../../../scripts/lab/program.ts";
import { WORLD } from "../../../scripts/lab/lab.ts";
import { run } from "../../../scripts/lab/process.ts";
import { inTerminal } from "../../../scripts/lab/terminal.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { Bed, e2e } from "../bed/bed.ts";

const PORT = 9100;

/** Whether Debian's browser is there. */
const chromium = (await run(["sh", "-c", "command -v chromium || true"])).stdout.trim();

e2e("/names, top and the page show what the guest used and what was refused", async () => {
  await using bed = await Bed.create({ mode: "tap", mtu: 1500 });
  await bed.restart(["-only", `${WORLD.v4}:80`, "-m", `tcp://127.0.0.1:${PORT}`]);
  const { guest, lab: { host } } = bed;
  await guest.check(["curl", "-sS", "--output", "/dev/null", `http://${WORLD.v4}/`]);
  await guest.run(["curl", "-sS", `http://${WORLD.v4}:81/`]);
  await guest.run(["dig", "+tries=1", "@10.0.2.3", "evil.test"]);

  const shown = await host.run([...programCommand(), "top", `tcp://127.0.0.1:${PORT}`], { cwd: PROJECT });
  assertEquals(shown.code, 0, shown.stderr);
  assertMatch(shown.stdout, /^NAME +OPEN +FLOWS +\*OUT\/S +IN\/S +OUT +IN +REFUSED\n/);
  assertMatch(shown.stdout, new RegExp(`^${WORLD.v4}:80 +0 +1 +0 +0 +[0-9]+ +[0-9.]+K? +0$`, "m"));
  assertMatch(shown.stdout, new RegExp(`^${WORLD.v4}:81 +0 +0 +0 +0 +0 +0 +1$`, "m"));
  assertMatch(shown.stdout, /^evil\.test +0 .* 1$/m);
  assertEquals(shown.stdout.split("\n").length, 5, "headings and three lines");
  const { names } = JSON.parse(await host.check(["curl", "-sS", `http://127.0.0.1:${PORT}/names`]));
  const [evil] = names.filter(({ name }: { name: string }) => name === "evil.test");
  assertEquals(`${evil.reason} ${evil.remedy}`, "no_rule -only evil.test");

  const stranger = await host.run(["curl", "-sS", "--header", "Host: evil.test", `http://127.0.0.1:${PORT}/`]);
  assertEquals(stranger.stdout, "ask for an IP address, or for localhost\n", "a stranger's name");
  const wrong = await host.run([...programCommand(), "top", "tcp://127.0.0.1:1"], { cwd: PROJECT });
  assertEquals(wrong.code, 1, "nobody there");

  const keys = [
    "until:evil\\.test",
    "type:d",
    "until:sort: n o f",
    "type:jp",
    "until:refused once",
    "type:q",
  ];
  const command = [...programCommand(), "top", `tcp://127.0.0.1:${PORT}`];
  const live = await host.run(inTerminal(keys, command), { cwd: PROJECT, env: { TERM: "xterm", NO_COLOR: "1" } });
  assertEquals(live.code, 0, live.stderr);
  const [, screen, after] = live.stdout.split("\x1b[?1049");
  assertStringIncludes(screen!, "2 refused  tcp://127.0.0.1:9100");
  // deno-lint-ignore no-control-regex
  assertEquals(screen!.match(/\x1b\[[0-9;]*m/g), null, "no colours with NO_COLOR");
  assertMatch(after!, /^l\S+: refused once, last no_rule: .*; -only \S+ would let it\r?\n/, "the rule is left behind");
  assertMatch(after!, /status 0\n$/);
  const ended = await host.run(inTerminal(["until:evil\\.test"], ["timeout", "--foreground", "3", ...command]), {
    cwd: PROJECT,
    env: { TERM: "xterm", NO_COLOR: "" },
  });
  assertStringIncludes(ended.stdout, "\x1b[31m", "colours otherwise");
  assertEquals(ended.stdout.lastIndexOf("\x1b"), ended.stdout.lastIndexOf("\x1b[?1049l"), "a signal ends it in order");
  if (chromium === "") return;
  const page = await host.check(["chromium", ...HEADLESS, "--dump-dom", `http://127.0.0.1:${PORT}/`]);
  assertStringIncludes(page, "3 names; flows: 0 open, 1 so far; refusals: 2");
  assertMatch(
    page,
    /<tr tabindex="-?[01]+" aria-selected="false" class="refused"><td title="evil.test" class="name"><bdi dir="ltr">evil.test</,
  );
});

const HEADLESS = [
  ...["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-component-update"],
  ...["--disable-background-networking", "--virtual-time-budget=5000", "--user-data-dir=/tmp/none-such"],
];
