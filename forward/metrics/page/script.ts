/**
 * The script of the page at `/`. It is text here because it runs in a browser.
 *
 * @module
 */

import { REASON_TEXTS } from "../../audit/schema.ts";

/** JavaScript. */
export const SCRIPT: string = String.raw`
"use strict";
const POINTS = 120, INTERVAL = 1000, BARS = 6, MOST_ROWS = 200;
const REASONS = ${JSON.stringify(REASON_TEXTS)};
const $ = (id) => document.getElementById(id);
let before = null, rows = [], sort = "rate", selected = null, paused = false;
const history = [];

// K is 1,024, as in "slirpnetstack top"
function amount(value) {
  const units = ["", "K", "M", "G", "T", "P"];
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) { value /= 1024; unit++; }
  return value.toFixed(unit > 0 && value < 9.95 ? 1 : 0) + " " + units[unit] + "B";
}

function rate(now) {
  const old = new Map(before === null ? [] : [...before.names, before.other].map((row) => [row.name, row]));
  const seconds = before === null ? 0 : now.seconds - before.seconds;
  const per = (bytes) => seconds > 0 ? Math.max(0, bytes) / seconds : 0;
  const all = now.other.flows + now.other.refusals > 0 ? [...now.names, now.other] : now.names;
  return all.map((row) => {
    const was = old.get(row.name) || { bytes_out: 0, bytes_in: 0 };
    const rateOut = per(row.bytes_out - was.bytes_out), rateIn = per(row.bytes_in - was.bytes_in);
    return { ...row, title: row.kind === "other" ? "(other)" : row.name, rateOut, rateIn,
      rate: rateOut + rateIn, bytes: row.bytes_out + row.bytes_in };
  });
}

const rank = (row) => row.kind === "other" ? 1 : 0;
const byName = (a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

function shown() {
  const part = $("filter").value.toLowerCase(), only = $("refusals").checked;
  const some = rows.filter((row) => row.title.includes(part) && (!only || row.refusals > 0));
  return some.sort((a, b) => rank(a) - rank(b) ||
    (sort === "name" ? 0 : b[sort] - a[sort] || b.bytes - a.bytes || b.refusals - a.refusals) || byName(a, b));
}

// the style cuts off the beginning of a long name: its end says whose it is
function put(element, name) {
  const text = document.createElement("bdi");
  text.dir = "ltr";
  text.textContent = element.title = name;
  element.className = "name";
  element.replaceChildren(text);
}

function tableRow(row, isFirst) {
  const line = document.createElement("tr");
  const rates = [amount(row.rateOut), amount(row.rateIn)];
  const cells = ["", row.open, row.flows, ...rates, amount(row.bytes_out), amount(row.bytes_in), row.refusals];
  for (const text of cells) line.insertCell().textContent = text;
  put(line.cells[0], row.title);
  line.tabIndex = row.name === selected || (selected === null && isFirst) ? 0 : -1;
  line.setAttribute("aria-selected", String(row.name === selected));
  if (row.refusals > 0) line.className = "refused";
  line.addEventListener("click", () => select(row.name));
  line.addEventListener("focus", () => { if (selected !== row.name) select(row.name); });
  return line;
}

function draw() {
  const body = $("rows"), hadFocus = body.contains(document.activeElement);
  const list = shown(), first = list[0];
  if (selected !== null && !list.some(({ name }) => name === selected)) selected = null;
  body.replaceChildren(...list.slice(0, MOST_ROWS).map((row) => tableRow(row, row === first)));
  say("more", list.length > MOST_ROWS ? "and " + (list.length - MOST_ROWS) + " more: use the filter" : "");
  if (hadFocus) focusSelected();
  for (const heading of document.querySelectorAll("th")) {
    if (heading.dataset.key !== sort) heading.removeAttribute("aria-sort");
    else heading.setAttribute("aria-sort", sort === "name" ? "ascending" : "descending");
  }
  const row = rows.find(({ name }) => name === selected);
  say("rule", row === undefined ? "\u00a0" : about(row));
}

// a status that stays the same must not be read out again
function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function about(row) {
  if (row.kind === "other") return "These names have no lines of their own: the table was full, or no rule can name them";
  const parts = [];
  if (row.rule !== null) parts.push("allowed by " + row.rule);
  else if (row.flows > 0) parts.push("allowed by its address");
  if (row.reason !== null) {
    const name = row.shown === null || row.shown === row.name ? "" : " (" + row.shown + ")";
    const times = row.refusals === 1 ? "once" : row.refusals + " times";
    parts.push("refused " + times + ", last " + row.reason + name + ": " + REASONS[row.reason]);
  }
  if (row.remedy !== null) parts.push(row.remedy + " would let it");
  return row.name + ": " + parts.join("; ");
}

function focusSelected() {
  const line = document.querySelector('tr[aria-selected="true"]') || $("rows").rows[0];
  if (line) line.focus({ preventScroll: false });
}

function select(name) {
  selected = name;
  draw();
  focusSelected();
}

// ---- charts ----

const sum = (key) => rows.reduce((total, row) => total + row[key], 0);

function throughput() {
  history.push({ in: sum("rateIn"), out: sum("rateOut") });
  if (history.length > POINTS) history.shift();
  const most = Math.max(1, ...history.map((point) => Math.max(point.in, point.out)));
  const from = POINTS - history.length;
  for (const key of ["in", "out"]) {
    $(key).setAttribute("points", history.map((point, i) =>
      ((from + i) * 600 / (POINTS - 1)).toFixed(1) + "," + (116 - 112 * point[key] / most).toFixed(1)).join(" "));
  }
  const last = history[history.length - 1];
  say("in-now", amount(last.in) + "/s");
  say("out-now", amount(last.out) + "/s");
  say("most", amount(most) + "/s");
}

/** The names with the most of something, each with a bar. */
function bars(id, key) {
  const list = rows.filter((row) => row[key] > 0).sort((a, b) => b[key] - a[key] || byName(a, b)).slice(0, BARS);
  const most = list.length === 0 ? 1 : list[0][key];
  $(id).replaceChildren(...list.map((row) => {
    const item = document.createElement("li"), name = document.createElement("span");
    const count = document.createElement("b"), bar = document.createElement("i");
    put(name, row.title);
    count.textContent = row[key];
    bar.style.width = 100 * row[key] / most + "%";
    item.append(name, count, bar);
    return item;
  }));
  $(id + "-none").hidden = list.length > 0;
}

async function look() {
  try {
    const answer = await fetch("/names", { cache: "no-store" });
    if (!answer.ok) throw new Error("status " + answer.status);
    const now = await answer.json();
    if (paused) return;
    rows = rate(now);
    if (before !== null) throughput();
    before = now;
    say("state", now.names.length + " names; flows: " + sum("open") + " open, " + sum("flows") + " so far; refusals: " +
      sum("refusals"));
    say("problem", "");
    bars("flows", "flows");
    bars("refused", "refusals");
    draw();
  } catch (error) {
    say("problem", "No answer: " + error.message);
  }
}

// ---- keys ----

function pause() {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
}

const KEYS = { n: "name", o: "open", f: "flows", s: "rate", b: "bytes", x: "refusals" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === $("filter")) {
    if (event.key === "Escape") { $("filter").value = ""; $("filter").blur(); draw(); }
    return;
  }
  const list = shown(), at = list.findIndex(({ name }) => name === selected);
  if (Object.hasOwn(KEYS, event.key)) { sort = KEYS[event.key]; draw(); }
  else if (event.key === "d") { $("refusals").checked = !$("refusals").checked; draw(); }
  else if (event.key === "p") pause();
  else if (event.key === "/") { event.preventDefault(); $("filter").focus(); }
  else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && list.length > 0) {
    event.preventDefault();
    const next = at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1);
    select(list[Math.max(0, Math.min(Math.min(list.length, MOST_ROWS) - 1, next))].name);
  }
});
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => { sort = button.closest("th").dataset.key; draw(); });
}
$("filter").addEventListener("input", draw);
$("refusals").addEventListener("change", draw);
$("pause").addEventListener("click", pause);

(async () => {
  for (;;) {
    if (!paused && !document.hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
  }
})();
`;
