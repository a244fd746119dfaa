/**
 * The page at `/` of the metrics' server: a chart of throughput, flows and refusals by name, and a table of all names.
 *
 * It is one file. Its content security policy lets it load nothing but `/names`, and run no script and no style but its
 * own, which it names by their hashes. Everything that a guest has chosen is set as text, never as HTML.
 *
 * @module
 */
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** The columns: what each sorts by, its heading, and the key. A column without a key sorts as the one before. */
const COLUMNS = [
  ["name", "Name", "n"],
  ["open", "Open", "o"],
  ["flows", "Flows", "f"],
  ["rate", "Out/s", "s"],
  [null, "In/s", null],
  ["bytes", "Out", "b"],
  [null, "In", null],
  ["refusals", "Refused", "x"],
] as const;

const HEADINGS = COLUMNS.map(([key, title, letter]) =>
  key === null
    ? `<th scope="col">${title}</th>`
    : `<th scope="col" data-key="${key}"><button type="button" title="Sort (key ${letter})">${title}</button></th>`
).join("");

/** A source of the content security policy that is the hash of a text (CSP 3, section 2.3.1). */
async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}

/** The content security policy. */
const POLICY = [
  "default-src 'none'",
  "connect-src 'self'",
  `script-src ${await hashOf(SCRIPT)}`,
  `style-src ${await hashOf(STYLE)}`,
  "img-src data:", // the icon, which is empty
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** A chart of the names that have the most of something. */
function barChart(id: string, title: string, none: string): string {
  return `<figure class="bars"><figcaption>${title}</figcaption>` +
    `<ol id="${id}"></ol><p id="${id}-none">${none}</p></figure>`;
}

/** The page. */
export const PAGE: string = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>slirpnetstack</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>slirpnetstack</h1>
<p id="state">Loading</p>
<p id="problem" role="alert"></p>
</header>
<main>
<figure>
<figcaption>Throughput, two minutes, up to <span id="most">0 B/s</span>:
<span class="in">in <b id="in-now">0 B/s</b></span>, <span class="out">out (dashed) <b id="out-now">0 B/s</b></span>
</figcaption>
<svg viewBox="0 0 600 120" preserveAspectRatio="none" role="img" aria-label="Throughput over the last two minutes">
<polyline id="in" fill="none"></polyline><polyline id="out" fill="none"></polyline>
</svg>
</figure>
<div id="charts">
${barChart("flows", "Flows by name", "No flows yet")}
${barChart("refused", "Refusals by name", "Nothing was refused")}
</div>
<div id="tools">
<label><input type="checkbox" id="refusals"> Refusals only <kbd>d</kbd></label>
<label>Filter <input type="search" id="filter" autocomplete="off" spellcheck="false"> <kbd>/</kbd></label>
<button type="button" id="pause" aria-pressed="false">Pause</button> <kbd>p</kbd>
</div>
<p id="rule" role="status">&nbsp;</p>
<table>
<caption>All names. Sort by a heading, or by the keys n, o, f, s, b and x. Choose a row with the arrow keys to see its
rule.</caption>
<thead><tr>${HEADINGS}</tr></thead>
<tbody id="rows"></tbody>
</table>
<p id="more"></p>
</main>
<noscript>This page needs JavaScript. The same is at <a href="/names">/names</a>, as JSON.</noscript>
<script>${SCRIPT}</script>
</body>
</html>
`;
