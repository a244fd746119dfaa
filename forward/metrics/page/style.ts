/**
 * The style of the page at `/`, for light and dark.
 *
 * @module
 */

/** CSS. */
export const STYLE: string = String.raw`
:root { color-scheme: light dark; --in: light-dark(#1257a8, #7db4ff); --out: light-dark(#a34b00, #ffb066);
  --bad: light-dark(#a4001d, #ff8f9c); --line: light-dark(#ddd, #444); --soft: light-dark(#f3f4f6, #26282c);
  --quiet: light-dark(#555, #aaa); }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; font: 1rem/1.4 system-ui, sans-serif;
  color: light-dark(#111, #eee); background: light-dark(#fff, #17181a); }
header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap; }
h1 { font-size: 1.3rem; margin: 0; }
header p, figcaption, caption, #more, .bars p { color: var(--quiet); margin: 0; }
#problem { color: var(--bad); }
figure { margin: 1rem 0; }
figcaption { padding-bottom: .25rem; }
svg { width: 100%; height: 7.5rem; background: var(--soft); display: block; }
polyline { stroke-width: 2; vector-effect: non-scaling-stroke; }
#in { stroke: var(--in); } #out { stroke: var(--out); stroke-dasharray: 6 3; }
.in { color: var(--in); } .out { color: var(--out); }
#charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 2rem; }
.bars { margin: 0 0 1rem; min-width: 0; }
.bars ol { list-style: none; margin: 0; padding: 0; }
.bars li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 1rem; padding: .15rem 0; }
.name { direction: rtl; text-align: left; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bars b { font-variant-numeric: tabular-nums; }
.bars i { grid-column: 1 / -1; height: .3rem; background: var(--in); }
#refused i { background: var(--bad); }
#tools { display: flex; gap: 1rem; flex-wrap: wrap; align-items: baseline; margin-bottom: .5rem; }
#tools label { margin-right: 1rem; }
#pause[aria-pressed="true"] { font-weight: 600; }
#pause[aria-pressed="true"]::after { content: "d"; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { text-align: right; padding: .2rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; width: 100%; max-width: 0; overflow: hidden; text-overflow: ellipsis; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th[aria-sort] button::after { content: " \25BE"; }
tr.refused td:last-child { color: var(--bad); font-weight: 600; }
tbody tr { cursor: pointer; }
tbody tr[aria-selected="true"] { background: var(--soft); }
:focus-visible, th button:focus-visible { outline: 2px solid var(--in); outline-offset: 1px; }
tbody tr:focus-visible { outline-offset: -2px; }
#rule { min-height: 1.4em; margin: .5rem 0; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
kbd { font: .85em ui-monospace, monospace; border: 1px solid var(--line); border-radius: 3px; padding: 0 .3em; }
@media (max-width: 40rem) { :is(th, td):is(:nth-child(2), :nth-child(4), :nth-child(6), :nth-child(7)) { display: none; } }
`;
