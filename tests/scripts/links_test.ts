/** Every link of every page leads to a file and to a heading of it, and every path that a page names exists. */
import { pages } from "../e2e/bed/pages.ts";
import { PROJECT } from "../../scripts/lab/program.ts";
import { assert, assertEquals } from "../assert.ts";
import { anchors, links } from "./page_links.ts";

/** The fault of a link; null: none. */
function fault(page: string, target: string): string | null {
  const url = new URL(target, new URL(page, `file://${PROJECT}`));
  let found: Deno.FileInfo;
  try {
    found = Deno.statSync(new URL(url.pathname, url));
  } catch {
    return `${page}: ${target}: there is no such file`;
  }
  if (url.hash === "") return null;
  if (!found.isFile || !url.pathname.endsWith(".md")) return `${page}: ${target}: not a page with headings`;
  const known = anchors(Deno.readTextFileSync(new URL(url.pathname, url)));
  return known.includes(decodeURIComponent(url.hash.slice(1))) ? null : `${page}: ${target}: there is no such heading`;
}

/** Whether the project has this file or folder. */
function exists(path: string): boolean {
  try {
    return Deno.statSync(`${PROJECT}${path}`) !== null;
  } catch {
    return false;
  }
}

Deno.test("links: an anchor is made of a heading as GitHub makes it", () => {
  assertEquals(
    anchors("# A\n\n## A virtual machine: `-fd`\n\n```sh\n# no heading\n```\n\n## The [map](x.md), here\n\n## A\n"),
    ["a", "a-virtual-machine--fd", "the-map-here", "a-1"],
  );
});

Deno.test("links: those in prose count, those in code and to the internet do not", () => {
  const text = "[a](b.md) ![c](d.svg) [`e`](f/) `[no](x)` [g](https://x.y/)\n\n```sh\n[no](x)\n```\n\n    [no](x)\n";
  assertEquals(links(text), ["b.md", "d.svg", "f/"]);
});

Deno.test("links: a broken one is found", () => {
  assertEquals(fault("README.md", "scripts/RECIPES.md#names"), null);
  assertEquals(fault("README.md", "nowhere.md"), "README.md: nowhere.md: there is no such file");
  assertEquals(
    fault("scripts/RECIPES.md", "../README.md#no"),
    "scripts/RECIPES.md: ../README.md#no: there is no such heading",
  );
});

Deno.test("links: every link of every page leads somewhere", () => {
  assert(pages().length >= 6, pages().join(" "));
  const faults = pages().flatMap((page) => {
    return links(Deno.readTextFileSync(`${PROJECT}${page}`)).map((target) => fault(page, target));
  });
  assertEquals(faults.filter((fault) => fault !== null), []);
});

Deno.test("links: every path of the project that a page names exists", () => {
  const missing = pages().flatMap((page) => {
    const text = Deno.readTextFileSync(`${PROJECT}${page}`);
    const paths = [...text.matchAll(/`((?:ffi|forward|stack|scripts|tests)\/[\w./-]*)`/g)].map(([, path]) => path!);
    const folder = page.replace(/[^/]*$/, "");
    return paths.filter((path) => !exists(path) && !exists(folder + path)).map((path) => `${page}: ${path}`);
  });
  assertEquals(missing, []);
});
