/** The page's looks, dark and light; it is part of the page, so nothing is fetched. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57616c; --page: #ffffff;
  --card: #f5f7f9; --line: #d5dbe1; --pass: #12703a; --fail: #b3201d; --unsure: #8a5a00;
  --fault: #b3201d; --detect: #9a5b00; --converge: #12703a; --repair: #2458b8;
  --up: #bfe3cb; --route: #c5d9f5; --on: #14321f; --cell: #e3efe7; --lost: #c62828;
  --pass-soft: #e2f3e8; --fail-soft: #fbe5e3; --unsure-soft: #fbf0da; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #a0abb6; --page: #14181d;
  --card: #1d232a; --line: #39424d; --pass: #5ccf8a; --fail: #ff8a80; --unsure: #e8bb4d;
  --fault: #ff8a80; --detect: #f0a83c; --converge: #5ccf8a; --repair: #8db5ff;
  --up: #245036; --route: #2a4368; --on: #e4f2e9; --cell: #22332a; --lost: #ff6b61;
  --pass-soft: #16301f; --fail-soft: #3b1d1c; --unsure-soft: #352a12; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 76rem; color: var(--ink);
  background: var(--page); font: 15px/1.45 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .5rem; }
h3 { font-size: .9rem; margin: .4rem 0; color: var(--soft); font-weight: 600; }
p { margin: .3rem 0; } .soft, .facts { color: var(--soft); } .facts { font-size: .85rem; }
a { color: var(--repair); }
.scroll + article, article + article { margin-top: 3rem; padding-top: 2rem;
  border-top: 2px solid var(--line); }
.banner { border: 1px solid; border-left-width: .5rem; border-radius: .5rem; padding: .8rem 1rem; }
.banner p { font-size: 1.05rem; font-weight: 600; }
.banner p, .banner h1, .banner dl { color: var(--ink); }
.banner .title { display: flex; flex-wrap: wrap; gap: .4rem .9rem; align-items: center; }
.banner .chip { font-size: 1.25rem; } .banner .back { margin-left: auto; font-size: .85rem; }
.banner dl { display: grid; grid-template-columns: 8.5rem 1fr; gap: .25rem .8rem;
  margin: .6rem 0 0; }
.banner dt { color: var(--soft); } .banner dd { margin: 0; min-width: 0; }
.PASS { color: var(--pass); background: var(--pass-soft); }
.FAIL { color: var(--fail); background: var(--fail-soft); }
.INCONCLUSIVE { color: var(--unsure); background: var(--unsure-soft); }
.chip { display: inline-block; padding: 0 .5rem; border: 1px solid; border-radius: 1rem;
  font-weight: 600; font-size: .85rem; white-space: nowrap; }
.chip.pass { color: var(--pass); } .chip.fail { color: var(--fail); }
.chip.inconclusive { color: var(--unsure); } .chip.moved { color: var(--repair); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .6rem;
  margin: .8rem 0; }
.tiles > div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .9rem; }
.tiles b { display: block; font-size: 1.9rem; line-height: 1.2;
  font-variant-numeric: tabular-nums; }
.tiles small { color: var(--soft); display: block; }
.gauge { height: .4rem; margin: .4rem 0 .2rem; border-radius: .2rem; background: var(--line); }
.gauge i { display: block; height: 100%; border-radius: .2rem; background: var(--pass); }
.gauge.fail i { background: var(--fail); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { color: var(--soft); font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
td { min-width: 4.5rem; } .words { min-width: 13rem; } .index a { white-space: nowrap; }
.index small { color: var(--fail); }
figure { margin: .5rem 0 1rem; min-width: 0; }
figcaption { color: var(--soft); font-size: .85rem; margin-bottom: .3rem; }
.scroll { overflow-x: auto; } .scroll > svg { min-width: 46rem; }
svg { display: block; width: 100%; height: auto; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .actor { font-weight: 600; } svg .lane { fill: var(--soft); font-size: 11px; }
svg .tick { fill: var(--soft); font-size: 11px; } svg .bad { fill: var(--fault); }
svg .deed { font-size: 12px; paint-order: stroke; stroke: var(--card); stroke-width: 5px;
  stroke-linejoin: round; } svg .deed.fault { fill: var(--fault); font-weight: 600; }
svg .deed.repair { fill: var(--repair); font-weight: 600; }
svg .on { fill: var(--on); } svg .isdown { fill: var(--fault); font-weight: 600; }
.grid { stroke: var(--line); } .rail { stroke: var(--line); }
.outage { fill: var(--fault); opacity: .1; }
.mark { stroke-width: 1.5; } .mark.fault { stroke: var(--fault); }
.mark.repair { stroke: var(--repair); stroke-dasharray: 8 4; }
.bracket { fill: none; stroke-width: 2; } .bracket.detect { stroke: var(--detect); }
.bracket.converge { stroke: var(--converge); }
.bar.up { fill: var(--up); } .bar.route { fill: var(--route); }
rect.bar { stroke: var(--card); stroke-width: 1; }
rect.bar.down { fill: url(#hatch); stroke: var(--fault); } .hatch { stroke: var(--fault);
  stroke-width: 1.6; opacity: .45; }
.sign { stroke: var(--card); stroke-width: 1; }
.sign.fault, .sign.down { fill: var(--fault); } .sign.up { fill: var(--converge); }
.sign.repair { fill: var(--repair); } .cell { fill: var(--cell); } .lost { fill: var(--lost); }
.legend { color: var(--soft); font-size: .85rem; }
.key { display: inline-block; width: 1.1rem; height: .7rem; margin: 0 .3rem 0 .9rem;
  border-radius: .15rem; } .key:first-of-type { margin-left: 0; }
.key.up { background: var(--up); } .key.route { background: var(--route); }
.key.down { border: 1px solid var(--fault); background: repeating-linear-gradient(45deg,
  var(--fault) 0 1px, transparent 1px 4px); }
.key.outage { background: var(--fault); opacity: .18; } .key.lost { background: var(--lost); }
.sign-key { color: var(--fault); margin-left: .9rem; }
.sign-key.repair { color: var(--repair); } .sign-key.converge { color: var(--converge); }
.three > :only-child { max-width: 30rem; }
.three { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: .8rem; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 0 1.6rem; }
.node { fill: var(--page); stroke: var(--soft); } .way { fill: none; stroke: var(--soft); }
.way.used { stroke: var(--converge); stroke-width: 5; } .way.idle { stroke-width: 1.5; }
.way.broken { stroke: var(--fault); stroke-width: 2; stroke-dasharray: 5 5; }
.cross { fill: none; stroke: var(--fault); stroke-width: 3; }
.bar > b { display: inline-block; width: 5.2rem; font-weight: 400; color: var(--soft);
  font-size: .85rem; }
div.bar { display: flex; align-items: center; margin: .25rem 0; }
div.bar > b { flex: none; } div.bar > div { display: flex; flex: 1; min-width: 0; gap: 2px; }
.share { flex: 1 1 0; min-width: 2px; overflow: hidden; white-space: nowrap; padding: .1rem .4rem;
  font-size: .8rem; border-radius: .2rem; color: var(--ink); border: 1px solid var(--line); }
.s0 { background: var(--up); } .s1 { background: var(--route); }
.s2 { background: var(--unsure-soft); } .s3 { background: var(--card); }
.s4 { background: var(--cell); } .s5 { background: var(--pass-soft); }
.snone { background: var(--fail-soft); color: var(--fail); }
summary { cursor: pointer; color: var(--soft); padding: .3rem 0; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
dl.facts dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
@media (max-width: 40rem) { body { padding: .8rem; }
  .banner dl { grid-template-columns: 1fr; gap: 0; } .banner dd { margin-bottom: .4rem; } }
@media print { body { max-width: none; padding: 0; font-size: 12px; }
  details::details-content { display: block; } .back, summary { display: none; }
  article + article { break-before: page; } figure, .banner, .tiles { break-inside: avoid; } }
`;
