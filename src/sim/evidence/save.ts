/**
 * What a report's figures were drawn from, as files that whoever doubts it can read with tools that
 * are not ours: journals, changes of the tables, every probe, what was scraped; in virtual time the
 * packets of every line, the BGP messages of the edge and its RIB. The report holds their digests.
 */
import type { Records } from "../report/compose.ts";
import { findPhases } from "../report/phases.ts";
import type { EvidenceReport } from "../report/report.ts";
import { momentsOf } from "../report/routes.ts";
import { sha256 } from "../report/sources.ts";
import { openMetrics } from "./open-metrics.ts";

export type SaveFile = (file: string, content: string | Uint8Array) => void;

interface Content {
  readonly what: EvidenceReport["what"];
  /** Behind the stem of all names. */
  readonly name: string;
  readonly entries: number;
  readonly content: string | Uint8Array;
}

/** Saves all of it under names that begin with `stem`, and answers with the digests. */
export function saveEvidence(
  records: Records,
  stem: string,
  save: SaveFile,
): readonly EvidenceReport[] {
  const contents = [...textsOf(records), ...binariesOf(records)];
  return contents.map(({ what, name, entries, content }) => {
    const file = `${stem}.${name}`;
    save(file, content);
    return { what, file, entries, sha256: sha256(content) };
  });
}

function textsOf(records: Records): readonly Content[] {
  const { edge, cloud, routeChanges, scrapes, drill, epochUs } = records;
  const ofLines = (what: Content["what"], suffix: string, lines: readonly string[]): Content => {
    const content = lines.map((line) => `${line}\n`).join("");
    return { what, name: `${what}.${suffix}`, entries: lines.length, content };
  };
  const instance = drill.edge.name;
  return [
    ofLines("edge-journal", "jsonl", json(edge)),
    ofLines("cloud-journal", "jsonl", json(cloud)),
    ofLines("routes", "jsonl", json(routeChanges)),
    ofLines("probes", "csv", probeRows(records)),
    ...(scrapes === undefined
      ? []
      : [ofLines("metrics", "om", openMetrics(scrapes, { epochUs, instance }))]),
  ];
}

const json = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value));

function binariesOf(records: Records): readonly Content[] {
  const { kept, routeChanges } = records;
  if (kept === undefined) return [];
  const { messages } = kept;
  const captures = kept.captures.map(({ circuit, file }): Content => {
    const name = `${circuit}.pcapng`;
    return { what: "capture", name, entries: file.count, content: file.octets() };
  });
  const moments = momentsOf(kept.ribs, findPhases(records, routeChanges));
  const ribs = Object.entries(moments).flatMap(([moment, sample]): Content[] => {
    if (sample === undefined) return [];
    const { file } = sample;
    const name = `rib-${moment}.mrt`;
    return [{ what: "rib", name, entries: file.count, content: file.octets() }];
  });
  const bgp: Content[] =
    messages === undefined
      ? []
      : [
          {
            ...{ what: "bgp-messages", name: "bgp.mrt" },
            ...{ entries: messages.count, content: messages.octets() },
          },
        ];
  return [...captures, ...bgp, ...ribs];
}

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
