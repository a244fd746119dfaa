/**
 * The page at `/` of the metrics' server: names with their flows, rates, bytes and refusals, and a chart of throughput.
 *
 * It is one file without anything from elsewhere, and its content security policy lets it load nothing but `/names`. All
 * that a guest has chosen is set as text, never as HTML.
 *
 * @module
 */
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** The headings of the columns, with the key that sorts by each. */
const COLUMNS = [
  ["name", "Name", "n"],
  ["flows", "Flows", "f"],
  ["rateOut", "Out/s", "o"],
  ["rateIn", "In/s", "i"],
  ["bytes", "Bytes", "b"],
  ["refused", "Refused", "r"],
] as const;

const HEADINGS = COLUMNS.map(([key, title, letter]) =>
  `<th scope="col" data-key="${key}"><button type="button" accesskey="${letter}" title="Sort (key ${letter})">${title}</button></th>`
).join("");

/** The page. */
export const PAGE: string = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>slirpnetstack</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>slirpnetstack</h1>
<p id="state" role="status">Loading</p>
</header>
<main>
<figure>
<svg id="chart" viewBox="0 0 600 120" preserveAspectRatio="none" role="img" aria-labelledby="chart-text">
<polyline id="in" fill="none"></polyline><polyline id="out" fill="none"></polyline>
</svg>
<figcaption id="chart-text">No traffic yet</figcaption>
</figure>
<div id="tools">
<label><input type="checkbox" id="refusals"> Refusals only <kbd>d</kbd></label>
<label>Filter <input type="search" id="filter" autocomplete="off" spellcheck="false"> <kbd>/</kbd></label>
</div>
<table>
<caption>By name. Sort by a heading or its key; choose a row with the arrow keys to see its rule.</caption>
<thead><tr>${HEADINGS}</tr></thead>
<tbody id="rows"></tbody>
</table>
<p id="rule" role="status">&nbsp;</p>
</main>
<noscript>This page needs JavaScript. The same is at <a href="/names">/names</a>, as JSON.</noscript>
<script>${SCRIPT}</script>
</body>
</html>
`;
