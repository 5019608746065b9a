/** The page's looks, dark and light; it is part of the page, so nothing is fetched. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --page: #ffffff;
  --card: #f5f7f9; --line: #d5dbe1; --pass: #12703a; --fail: #b3201d; --unsure: #8a5a00;
  --fault: #b3201d; --detect: #b56a00; --converge: #12703a; --repair: #2458b8;
  --cell: #cfe6d6; --lost: #c62828; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #9aa5b1; --page: #14181d;
  --card: #1d232a; --line: #39424d; --pass: #4cc27b; --fail: #ff7b72; --unsure: #e3b341;
  --fault: #ff7b72; --detect: #f0a83c; --converge: #4cc27b; --repair: #79a8ff;
  --cell: #24452f; --lost: #ff6b61; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 72rem; color: var(--ink);
  background: var(--page); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 1.8rem 0 .5rem; }
p { margin: .3rem 0; } .soft, .facts { color: var(--soft); } .facts { font-size: .85rem; }
a { color: var(--repair); }
table + article, article + article { margin-top: 3rem; padding-top: 2rem;
  border-top: 2px solid var(--line); }
.verdict { display: flex; gap: 1rem; align-items: center; margin: .8rem 0; padding: .8rem 1rem;
  border: 2px solid; border-radius: .5rem; background: var(--card); }
.verdict strong { font-size: 1.6rem; } .verdict span { color: var(--ink); }
.PASS { color: var(--pass); } .FAIL { color: var(--fail); } .INCONCLUSIVE { color: var(--unsure); }
.tiles { display: grid; grid-template-columns: 2fr 1fr 1fr 1.6fr; gap: .6rem; margin: .6rem 0; }
.tiles > div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .8rem; }
.tiles b { display: block; font-size: 1.2rem; } .tiles small { color: var(--soft); }
@media (max-width: 44rem) { .tiles { grid-template-columns: 1fr 1fr; } }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
.pass { color: var(--pass); } .fail { color: var(--fail); font-weight: 700; }
.inconclusive { color: var(--unsure); }
figure { margin: .5rem 0 1rem; } figcaption { color: var(--soft); font-size: .85rem; }
.scroll { overflow-x: auto; } svg { display: block; width: 100%; min-width: 42rem; height: auto;
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .tick { fill: var(--soft); font-size: 11px; } .grid { stroke: var(--line); }
.rail { stroke: var(--soft); stroke-opacity: .35; } .outage { fill: var(--fault); opacity: .12; }
.mark { stroke-width: 2; } .mark.fault { stroke: var(--fault); }
.mark.detect { stroke: var(--detect); stroke-dasharray: 6 3; }
.mark.converge { stroke: var(--converge); stroke-dasharray: 2 3; }
.mark.repair { stroke: var(--repair); stroke-dasharray: 10 4; }
.sign.fault, .sign.down { fill: var(--fault); } .sign.up { fill: var(--converge); }
.sign.repair { fill: var(--repair); } .cell { fill: var(--cell); } .lost { fill: var(--lost); }
.key { display: inline-block; width: 1.1rem; border-top: 3px solid; margin: 0 .3rem 0 .9rem;
  vertical-align: middle; } .key:first-of-type { margin-left: 0; }
.key.fault { color: var(--fault); } .key.detect { color: var(--detect); border-style: dashed; }
.key.converge { color: var(--converge); border-style: dotted; }
.key.repair { color: var(--repair); border-style: dashed; }
summary { cursor: pointer; color: var(--soft); }
@media print { body { max-width: none; } details::details-content { display: block; } }
`;
