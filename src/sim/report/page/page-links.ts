/** Load of the circuits against what they can carry, where the drill's traffic has rates. */

import type { DrillReport } from "../report.ts";
import { ms, signed } from "../units.ts";
import { escapeMarkup as text } from "./escape.ts";
import { chip } from "./page-tables.ts";

export function linkTable({ links = [] }: DrillReport): string {
  if (links.length === 0) return "";
  const rows = links.map((link) => {
    const { capacityBps, peakBps, overMs } = link;
    const full = capacityBps === null ? 0 : Math.round((100 * peakBps) / capacityBps);
    const kind = overMs > 0 ? "fail" : "pass";
    const bar =
      capacityBps === null
        ? ""
        : `<div class="gauge ${kind}"><i style="width:${Math.min(100, full)}%"></i></div>`;
    const over = overMs > 0 ? chip("fail", `too much for ${ms(overMs)}`) : chip("pass", "fits");
    const peak = `${bps(peakBps)} at ${signed(link.peakAtMs)}`;
    const numbers = [capacityBps === null ? "–" : bps(capacityBps), bps(link.beforeBps), peak];
    return (
      `<tr><td>${text(link.circuit)}, ${link.direction}</td>` +
      `${numbers.map((number) => `<td class=n>${number}</td>`).join("")}` +
      `<td>${bar}${capacityBps === null ? "" : `${full} %`}</td><td>${over}</td></tr>`
    );
  });
  const heads = ["capacity", "before", "peak"].map((name) => `<th class=n>${name}</th>`).join("");
  return (
    `<h3>load of the circuits</h3><div class="scroll"><table><thead><tr><th>circuit</th>${heads}` +
    `<th>of the capacity</th><th>verdict</th></tr></thead>` +
    `<tbody>${rows.join("")}</tbody></table></div>`
  );
}

function bps(value: number): string {
  const units = ["bps", "kbps", "Mbps", "Gbps", "Tbps"];
  const step = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${Number((value / 1000 ** step).toFixed(2))} ${units[step]}`;
}
