/**
 * The style of the page at `/`, for light and dark.
 *
 * @module
 */

/** CSS. */
export const STYLE: string = String.raw`
:root { color-scheme: light dark; --in: light-dark(#1257a8, #7db4ff); --out: light-dark(#a34b00, #ffb066);
  --bad: light-dark(#a4001d, #ff8f9c); --line: light-dark(#ddd, #444); --soft: light-dark(#f3f4f6, #26282c); }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; font: 1rem/1.4 system-ui, sans-serif;
  color: light-dark(#111, #eee); background: light-dark(#fff, #17181a); }
header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap; }
h1 { font-size: 1.3rem; margin: 0; }
header p, figcaption, caption { color: light-dark(#555, #aaa); margin: 0; }
figure { margin: 1rem 0; }
svg { width: 100%; height: 7.5rem; background: var(--soft); display: block; }
polyline { stroke-width: 2; vector-effect: non-scaling-stroke; }
#in { stroke: var(--in); } #out { stroke: var(--out); stroke-dasharray: 6 3; }
#tools { display: flex; gap: 2rem; flex-wrap: wrap; margin-bottom: .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { text-align: right; padding: .2rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; width: 100%; max-width: 0; overflow: hidden; text-overflow: ellipsis; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th[aria-sort] button::after { content: " \25BE"; }
tr.refused td:last-child { color: var(--bad); font-weight: 600; }
tbody tr[aria-selected="true"] { background: var(--soft); }
:focus-visible { outline: 2px solid var(--in); outline-offset: 1px; }
th button:focus-visible { outline: 2px solid var(--in); }
#rule { min-height: 1.4em; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
kbd { font: .85em ui-monospace, monospace; border: 1px solid var(--line); border-radius: 3px; padding: 0 .3em; }
`;
