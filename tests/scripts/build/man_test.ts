import { COMMANDS } from "../../../forward/cli/help/commands.ts";
import { PAGES } from "../../../forward/cli/help/pages.ts";
import { run } from "../../../scripts/lab/process.ts";
import { manualPage } from "../../../scripts/build/man.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { isInstalled, needs } from "../../e2e/bed/installed.ts";

const PAGE = manualPage({ version: "1.2.3+g0123abc", time: new Date("2026-07-01T09:05:00Z") });

/** Registers a test of the page by a program that reads it from its stdin. */
function checked(name: string, command: readonly string[], look: (text: string) => void): void {
  Deno.test({
    name: `manual page: ${name}${needs(command[0])}`,
    ignore: !isInstalled(command[0]),
    async fn() {
      const { code, stdout, stderr } = await run(command, { stdin: PAGE });
      assertEquals(stderr, "", "stderr");
      assertEquals(code, 0, "exit status");
      look(stdout);
    },
  });
}

checked("mandoc finds nothing to say", ["mandoc", "-T", "lint", "-W", "style"], (text) => assertEquals(text, ""));

checked("groff has no warning; every flag is there", ["groff", "-man", "-ww", "-Tutf8", "-P-cbou"], (text) => {
  assertMatch(text, /^SLIRPNETSTACK\(1\) +User Commands +SLIRPNETSTACK\(1\)\n/);
  assertMatch(text, /\nslirpnetstack 1\.2\.3 +2026-07-01 +SLIRPNETSTACK\(1\)\n/);
  for (const name of new Set(COMMANDS.flatMap(({ flags }) => Object.keys(flags)))) {
    assertMatch(text, new RegExp(`\\n {7}-${name}( |\\n)`), `-${name}`);
  }
  assertStringIncludes(text, "\n           slirpnetstack -L '[::]:8080:[fd00::100]:80'\n");
});

Deno.test("manual page: it has every section of the help pages about subjects", () => {
  const headings = [...PAGE.matchAll(/^\.S[HS] "?([^"\n]*)"?$/gm)].map(([, heading]) => heading.toUpperCase());
  const subjects = PAGES.filter(({ name }) => !COMMANDS.some((command) => command.name === name));
  for (const { title } of subjects.flatMap(({ sections }) => sections)) {
    assert(headings.includes(title.toUpperCase()), title);
  }
});

Deno.test("manual page: no text is taken for a request", () => {
  for (const line of PAGE.split("\n")) {
    assertMatch(line, /^(?:\.(?:TH|SH|SS|PP|TP|IP|BR|br|nf|fi|RS|RE|nh|ad|\\")|[^.']|$)/);
  }
});
