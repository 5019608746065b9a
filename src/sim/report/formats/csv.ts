import type { DrillReport } from "../report.ts";

/** The timelines of all reports as CSV (RFC 4180 §2): one event a row, times in microseconds. */
export function formatCsv(reports: readonly DrillReport[]): string {
  const rows = reports.flatMap((report) =>
    report.timeline.map((entry) => [
      report.drill,
      report.mode,
      String(report.seed),
      String(Math.round(entry.atMs * 1000)),
      entry.lane,
      entry.actor,
      entry.event,
      entry.text,
    ]),
  );
  return [HEAD, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

const HEAD = ["drill", "mode", "seed", "t_rel_us", "lane", "actor", "event", "text"];

/** A leading sign that a spreadsheet would take for a formula gets an apostrophe before it. */
function field(text: string): string {
  const safe = /^[=+@\t\r]|^-(?!\d)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
