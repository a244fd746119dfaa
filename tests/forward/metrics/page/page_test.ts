import type { NameLine, NamesDocument } from "../../../../forward/metrics/names/document.ts";
import { PAGE } from "../../../../forward/metrics/page/page.ts";
import { run } from "../../../../scripts/lab/process.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../../assert.ts";

const chromium = (await run(["sh", "-c", "command -v chromium || true"])).stdout.trim();

/** What a guest might call something, if names were not checked. */
const HOSTILE = `<img src=x onerror="document.title='forged'">&amp;'"</script><script>document.title='forged'</script>`;

const NAMES: readonly NameLine[] = [
  { ...lineOf("api.test"), open: 2, flows: 12, bytes_in: 12_345_678, rule: "*.test" },
  { ...lineOf("denied.test"), refusals: 4, reason: "no_rule", remedy: "-only denied.test" },
  { ...lineOf(HOSTILE), refusals: 1, reason: "denied", shown: HOSTILE },
];

function lineOf(name: string): NameLine {
  const counts = { open: 0, flows: 0, bytes_out: 0, bytes_in: 0, refusals: 0 };
  return { name, kind: "name", ...counts, rule: null, reason: null, shown: null, remedy: null };
}

/** A document whose first name gets 1 MiB a second. */
function document(): NamesDocument {
  const seconds = performance.now() / 1_000;
  const [api, ...others] = NAMES.map((line) => line.open > 0 ? { ...line, bytes_in: seconds * 2 ** 20 } : line);
  return { version: 1, seconds, limit: 1_024, names: [api!, ...others], other: { ...lineOf(""), kind: "other" } };
}

Deno.test("the page loads nothing from elsewhere", () => {
  assertEquals(PAGE.match(/(?:src|href)="(?!data:,|\/names)/g), null);
  assertMatch(
    PAGE,
    /content="default-src 'none'; connect-src 'self'; script-src 'sha256-[^']{44}'; style-src 'sha256-/,
  );
  assert(!PAGE.includes("unsafe"), "no other script, and no other style");
  assert(!PAGE.includes("innerHTML"), "nothing is set as HTML");
});

/** The page in a browser, after keys were pressed, and the paths that it has asked for. */
async function shown(
  keys: readonly string[],
  ...flags: readonly string[]
): Promise<{ page: string; paths: Set<string> }> {
  const script = `setTimeout(() => {
    for (const key of ${JSON.stringify(keys)}) {
      (document.activeElement || document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    }
  }, 1500)`;
  const paths = new Set<string>();
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    paths.add(pathname);
    if (pathname === "/names") return Response.json(document());
    // the policy would keep the test's script out
    const pressing = PAGE.replace(/<meta http-equiv[^>]*>/, "").replace("</body>", `<script>${script}</script></body>`);
    return new Response(keys.length === 0 ? PAGE : pressing, {
      headers: { "content-type": "text/html; charset=utf-8" },
    });
  });
  const folder = await Deno.makeTempDir();
  try {
    const { stdout, stderr, code } = await run([
      ...["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${folder}`],
      ...["--disable-component-update", "--disable-background-networking", "--virtual-time-budget=4000"],
      ...[...flags, "--dump-dom", `http://127.0.0.1:${server.addr.port}/`],
    ], { timeout: 60_000 });
    assertEquals(code, 0, stderr);
    return { page: stdout, paths };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The names in the table. */
function namesIn(page: string): (string | undefined)[] {
  return [...page.matchAll(/<tr[^>]*><td title="([^"]*)"[^>]*>/g)].map(([, name]) => name);
}

/** The names and numbers in a chart of bars. */
function barsIn(page: string, id: string): string[] {
  const list = new RegExp(`<ol id="${id}">(.*?)</ol>`, "s").exec(page)?.[1] ?? "";
  return [...list.matchAll(/<span title="([^"]*)"[^>]*>.*?<b>(\d+)<\/b><i style="width: ([0-9.]+)%;">/g)].map((match) =>
    match.slice(1).join(" ")
  );
}

Deno.test({
  name: "the page in chromium, by its own policy: names, charts; what a guest has chosen is text",
  ignore: chromium === "",
  fn: async () => {
    const { page, paths } = await shown([]);
    assertStringIncludes(page, "3 names; flows: 2 open, 12 so far; refusals: 5");
    assertEquals(namesIn(page)[0], "api.test", "by speed");
    assertEquals(namesIn(page).length, 3);
    assertStringIncludes(page, "<title>slirpnetstack</title>", "nothing was run");
    assertEquals(page.match(/<img/g), null, "no element was made");
    assertEquals(page.match(/<script>/g)?.length, 1, "no script was made");
    assertMatch(page, /<polyline id="in"[^>]* points="[0-9., ]+"/, "the chart has points");
    assertMatch(page, /<b id="in-now">(?:1\.[0-9] MB|9[0-9]{2} KB|10[0-9]{2} KB)\/s<\/b>/, "the rate");
    assertEquals(barsIn(page, "flows"), ["api.test 12 100"]);
    assertEquals(barsIn(page, "refused")[0], "denied.test 4 100");
    assertMatch(barsIn(page, "refused")[1]!, / 1 25$/, "a quarter");
    assertEquals([...paths].toSorted(), ["/", "/names"], "it asks for nothing else");
  },
});

Deno.test({
  name: "the page in chromium: it works by keyboard, in the dark too",
  ignore: chromium === "",
  fn: async () => {
    const { page } = await shown(["x", "d", "ArrowDown"], "--blink-settings=preferredColorScheme=0");
    assertEquals(namesIn(page).length, 2, "refusals only");
    assertEquals(namesIn(page)[0], "denied.test", "by refusals");
    assertStringIncludes(
      page,
      "denied.test: refused 4 times, last no_rule: no rule allows it; -only denied.test would let it",
    );
    assertMatch(page, /aria-selected="true" class="refused"><td title="denied.test"/);
    assertMatch(page, /<th scope="col" data-key="refusals" aria-sort="descending">/);
    const paused = await shown(["n", "ArrowDown", "ArrowDown", "p", "d"]);
    assertMatch(paused.page, /<button type="button" id="pause" aria-pressed="true">/);
    assertMatch(paused.page, /<th scope="col" data-key="name" aria-sort="ascending">/);
  },
});
