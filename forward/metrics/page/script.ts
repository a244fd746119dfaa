/**
 * The script of the page at `/`. It is text here because it runs in a browser.
 *
 * @module
 */

/** JavaScript. */
export const SCRIPT = String.raw`
"use strict";
const POINTS = 120, INTERVAL = 1000;
const $ = (id) => document.getElementById(id);
let before = null, rows = [], sort = "bytes", selected = null;
const history = [];

function amount(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit++; }
  return (unit === 0 ? Math.round(value) : value.toPrecision(3)) + " " + units[unit];
}

function rate(now) {
  const old = new Map(before === null ? [] : before.names.map((row) => [row.name, row]));
  const seconds = before === null ? 0 : (now.time - before.time) / 1000;
  const per = (bytes) => seconds > 0 ? Math.max(0, bytes) / seconds : 0;
  return now.names.map((row) => {
    const was = old.get(row.name) || { bytes_out: 0, bytes_in: 0 };
    return { ...row, bytes: row.bytes_out + row.bytes_in,
      rateOut: per(row.bytes_out - was.bytes_out), rateIn: per(row.bytes_in - was.bytes_in) };
  });
}

function shown() {
  const part = $("filter").value.toLowerCase();
  const some = rows.filter((row) => row.name.includes(part) && (!$("refusals").checked || row.refused > 0));
  return some.sort((a, b) => (sort === "name" ? 0 : b[sort] - a[sort]) || (a.name < b.name ? -1 : 1));
}

function draw() {
  const body = $("rows"), focused = document.activeElement;
  const hadFocus = focused !== null && body.contains(focused);
  const list = shown();
  body.replaceChildren(...list.map((row) => {
    const line = document.createElement("tr");
    const cells = [row.name, row.flows, amount(row.rateOut), amount(row.rateIn), amount(row.bytes), row.refused];
    for (const text of cells) line.insertCell().textContent = text;
    line.cells[0].title = row.name;
    line.tabIndex = row.name === selected || (selected === null && row === list[0]) ? 0 : -1;
    line.setAttribute("aria-selected", String(row.name === selected));
    if (row.refused > 0) line.className = "refused";
    line.addEventListener("click", () => select(row.name));
    line.addEventListener("focus", () => { if (selected !== row.name) select(row.name); });
    return line;
  }));
  if (hadFocus) focusSelected();
  for (const heading of document.querySelectorAll("th")) {
    if (heading.dataset.key === sort) heading.setAttribute("aria-sort", sort === "name" ? "ascending" : "descending");
    else heading.removeAttribute("aria-sort");
  }
  const row = rows.find(({ name }) => name === selected);
  $("rule").textContent = row === undefined ? "\u00a0" : about(row);
}

function about(row) {
  if (row.remedy !== null) return row.name + " was refused (" + row.reason + "). To allow it: -only " + row.remedy;
  if (row.reason !== null) return row.name + " was refused: " + row.reason;
  return row.name + (row.rule === null ? ": by address" : ": by the rule " + row.rule);
}

function focusSelected() {
  const line = document.querySelector('tr[aria-selected="true"]');
  if (line !== null) line.focus();
}

function select(name) {
  selected = name;
  draw();
  focusSelected();
}

function chart() {
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  history.push({ in: sum("rateIn"), out: sum("rateOut") });
  if (history.length > POINTS) history.shift();
  const most = Math.max(1, ...history.map((point) => Math.max(point.in, point.out)));
  const from = POINTS - history.length;
  for (const key of ["in", "out"]) {
    $(key).setAttribute("points", history.map((point, i) =>
      ((from + i) * 600 / (POINTS - 1)).toFixed(1) + "," + (116 - 112 * point[key] / most).toFixed(1)).join(" "));
  }
  const last = history[history.length - 1];
  $("chart-text").textContent = "In (solid) " + amount(last.in) + "/s, out (dashed) " + amount(last.out) +
    "/s; the most in two minutes " + amount(most) + "/s";
}

async function look() {
  try {
    const answer = await fetch("/names", { cache: "no-store" });
    if (!answer.ok) throw new Error("status " + answer.status);
    const now = await answer.json();
    rows = rate(now);
    if (before !== null) chart();
    before = now;
    const refused = rows.reduce((total, row) => total + row.refused, 0);
    const flows = rows.reduce((total, row) => total + row.flows, 0);
    $("state").textContent = rows.length + " names, " + flows + " flows, " + refused + " refused";
    draw();
  } catch (error) {
    $("state").textContent = "No answer: " + error.message;
  }
  setTimeout(look, INTERVAL);
}

const KEYS = { n: "name", f: "flows", o: "rateOut", i: "rateIn", b: "bytes", r: "refused" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === $("filter")) {
    if (event.key === "Escape") { $("filter").value = ""; $("filter").blur(); draw(); }
    return;
  }
  const list = shown(), at = list.findIndex(({ name }) => name === selected);
  if (event.key in KEYS) { sort = KEYS[event.key]; draw(); }
  else if (event.key === "d") { $("refusals").checked = !$("refusals").checked; draw(); }
  else if (event.key === "/") { event.preventDefault(); $("filter").focus(); }
  else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && list.length > 0) {
    event.preventDefault();
    const next = at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1);
    select(list[Math.max(0, Math.min(list.length - 1, next))].name);
  }
});
for (const heading of document.querySelectorAll("th")) {
  heading.querySelector("button").addEventListener("click", () => { sort = heading.dataset.key; draw(); });
}
$("filter").addEventListener("input", draw);
$("refusals").addEventListener("change", draw);
look();
`;
