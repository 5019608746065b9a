/**
 * What a report's figures were drawn from, as files that whoever doubts it can read: both journals,
 * the changes of the tables, every probe. The report holds their digests.
 */
import type { Records } from "./compose.ts";
import type { EvidenceReport } from "./report.ts";
import { sha256 } from "./sources.ts";

export type SaveFile = (file: string, content: string) => void;

/** Saves all of it under names that begin with `stem`, and answers with the digests. */
export function saveEvidence(
  records: Records,
  stem: string,
  save: SaveFile,
): readonly EvidenceReport[] {
  return CONTENTS.map(({ what, suffix, rows }) => {
    const lines = rows(records);
    const file = `${stem}.${what}.${suffix}`;
    const content = lines.map((line) => `${line}\n`).join("");
    save(file, content);
    return { what, file, entries: lines.length, sha256: sha256(content) };
  });
}

const json = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value));

const CONTENTS: readonly {
  readonly what: EvidenceReport["what"];
  readonly suffix: string;
  readonly rows: (records: Records) => readonly string[];
}[] = [
  { what: "edge-journal", suffix: "jsonl", rows: ({ edge }) => json(edge) },
  { what: "cloud-journal", suffix: "jsonl", rows: ({ cloud }) => json(cloud) },
  { what: "routes", suffix: "jsonl", rows: ({ routeChanges }) => json(routeChanges) },
  { what: "probes", suffix: "csv", rows: probeRows },
];

/** Microseconds from the drill's zero; one that never arrived has no second stamp. */
function probeRows({ probes, zeroUs }: Records): readonly string[] {
  if (probes === undefined) return [];
  const rows = ["direction,flow,sent_us,arrived_us"];
  for (const [direction, { count, flow, sentUs, arrivedUs }] of Object.entries(probes.directions)) {
    for (let row = 0; row < count; row += 1) {
      const [sent, arrived] = [sentUs[row] ?? 0, arrivedUs[row] ?? 0];
      const at = arrived === 0 ? "" : Math.round(arrived - zeroUs);
      rows.push(`${direction},${flow[row] ?? 0},${Math.round(sent - zeroUs)},${at}`);
    }
  }
  return rows;
}
