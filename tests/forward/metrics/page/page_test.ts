import { PAGE } from "../../../../forward/metrics/page/page.ts";
import { run } from "../../../../scripts/lab/process.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../../assert.ts";

const chromium = (await run(["sh", "-c", "command -v chromium || true"])).stdout.trim();

/** What a guest might call something, if names were not checked. */
const HOSTILE = `<img src=x onerror="document.title='forged'">&amp;'"`;
const NAMES = [
  { ...row("api.test", "api.test"), flows: 2, bytes_in: 12_345_678 },
  { ...row("denied.test", null), refused: 4, reason: "no_rule", remedy: "denied.test" },
  { ...row(HOSTILE, null), refused: 1, reason: "denied" },
];

function row(name: string, rule: string | null) {
  return { name, rule, flows: 0, opened: 1, bytes_out: 0, bytes_in: 0, refused: 0, reason: null, remedy: null };
}

Deno.test("the page loads nothing from elsewhere", () => {
  assertEquals(PAGE.match(/(?:src|href)="(?!data:,|\/names)/g), null);
  assertStringIncludes(PAGE, "default-src 'none'");
  assert(!PAGE.includes("innerHTML"), "nothing is set as HTML");
});

/** The page in a browser, after a script of the test has pressed keys. */
async function shown(keys: readonly string[], ...flags: readonly string[]): Promise<string> {
  const script = `setTimeout(() => {
    for (const key of ${
    JSON.stringify(keys)
  }) document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  }, 1500)`;
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    if (new URL(request.url).pathname === "/names") return Response.json({ time: performance.now(), names: NAMES });
    const page = PAGE.replace("</script>", `;${script}</script>`);
    return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
  });
  const folder = await Deno.makeTempDir();
  try {
    const { stdout, stderr, code } = await run([
      ...["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${folder}`],
      ...["--disable-component-update", "--disable-background-networking", "--virtual-time-budget=4000"],
      ...[...flags, "--dump-dom", `http://127.0.0.1:${server.addr.port}/`],
    ]);
    assertEquals(code, 0, stderr);
    return stdout;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The names in the table. */
function namesIn(page: string): (string | undefined)[] {
  return [...page.matchAll(/<tr[^>]*><td title="([^"]*)">/g)].map(([, name]) => name);
}

Deno.test({
  name: "the page in chromium: names, by bytes; what a guest has chosen is text",
  ignore: chromium === "",
  fn: async () => {
    const page = await shown([]);
    assertStringIncludes(page, "3 names, 2 flows, 5 refused");
    assertEquals(namesIn(page).slice(0, 1), ["api.test"]);
    assertStringIncludes(page, "<title>slirpnetstack</title>", "nothing was run");
    assertEquals(page.match(/<img/g), null, "no element was made");
    assertMatch(page, /<polyline id="in"[^>]* points="[0-9., ]+"/, "the chart has points");
  },
});

Deno.test({
  name: "the page in chromium: it works by keyboard, in the dark too",
  ignore: chromium === "",
  fn: async () => {
    const page = await shown(["r", "d", "ArrowDown"], "--blink-settings=preferredColorScheme=0");
    assertEquals(namesIn(page).length, 2, "refusals only");
    assertEquals(namesIn(page)[0], "denied.test", "by refusals");
    assertStringIncludes(page, "denied.test was refused (no_rule). To allow it: -only denied.test");
    assertMatch(page, /aria-selected="true" class="refused"><td title="denied.test">/);
    assertMatch(page, /<th scope="col" data-key="refused" aria-sort="descending">/);
  },
});
