/**
 * How true the emulated cloud is: every behaviour of the vendor's that a customer can meet, whether
 * it is modelled, by which key or knob, and whence it is known. `docs/fidelity.md` is printed from
 * here; a test holds the two together, and each row against the test it names.
 */
import type { CloudKnobs, CloudQuotas } from "../config/knobs.ts";
import { KNOB_DEFAULTS, QUOTA_DEFAULTS } from "../config/knobs.ts";

/**
 * `capture`: seen on the wire of the real cloud. `document`: the vendor says so. `inferred`:
 * follows from what the vendor says. `assumed`: nobody says; it is our choice and can be turned.
 */
export type Grade = "capture" | "document" | "inferred" | "assumed";

export interface FidelityRow {
  readonly area: string;
  readonly behaviour: string;
  /** `part`: the rest of the sentence is in `behaviour`. */
  readonly isModelled: "yes" | "part" | "no";
  /** Key of the cloud's file, or the deed. */
  readonly key?: string;
  readonly knob?: keyof CloudKnobs;
  readonly quota?: keyof CloudQuotas;
  readonly byDefault?: string;
  /** Keys of the list of sources; none where nothing was found. */
  readonly source: string;
  readonly grade: Grade;
  /** File below `test`, and how the title of its test begins. */
  readonly test?: readonly [file: string, title: string];
}

export const area = (
  name: string,
  rows: readonly Omit<FidelityRow, "area">[],
): readonly FidelityRow[] => rows.map((row) => ({ area: name, ...row }));

const HEAD = "| behaviour | modelled | key or knob | default | source | evidence | test |";
const RULE = "|---|---|---|---|---|---|---|";

/** The tables of the page, an area each. */
export function formatFidelity(rows: readonly FidelityRow[]): string {
  const areas = [...new Set(rows.map(({ area }) => area))];
  return areas
    .map((area) => {
      const lines = rows.filter((row) => row.area === area).map(formatRow);
      return [`### ${area}`, "", HEAD, RULE, ...lines].join("\n");
    })
    .join("\n\n");
}

function formatRow(row: FidelityRow): string {
  const cells = [
    row.behaviour,
    row.isModelled,
    keyOf(row),
    defaultOf(row),
    row.source === "" ? "–" : row.source,
    row.grade,
    row.test === undefined ? "" : `${row.test[0]}: ${row.test[1]}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

function keyOf({ key, knob, quota }: FidelityRow): string {
  if (knob !== undefined) return `\`knobs.${keyOfKnob(knob)}\``;
  if (quota !== undefined) return `\`quotas.${quota}\``;
  return key === undefined ? "" : `\`${key}\``;
}

function defaultOf({ knob, quota, byDefault }: FidelityRow): string {
  if (knob !== undefined) {
    const value = KNOB_DEFAULTS[knob];
    return knob.endsWith("Us") ? `${Number(value) / 1e6}s` : String(value);
  }
  if (quota === undefined) return byDefault ?? "";
  return Number.isFinite(QUOTA_DEFAULTS[quota]) ? String(QUOTA_DEFAULTS[quota]) : "unlimited";
}

/** As the file has it: there the unit is written with the value. */
const keyOfKnob = (knob: keyof CloudKnobs): string => knob.replace(/Us$/, "");

/** What a source's key stands for, as far as rows use it. */
export const SOURCES: Readonly<Record<string, string>> = {
  K1: "official Node SDK of the VPC API, `@alicloud/vpc20160428` 7.3.2",
  K2: "official Go SDK of the Express Connect Router API, 2025-09",
  K3: "official Go SDK of the CEN API, 2026-04",
  K4: "official Go SDK of the PrivateLink API, 2026-06",
  K5: "OpenAPI metadata of 2024-06, error codes with their texts",
  "D-BGP": "help: configure and manage BGP",
  "D-VBR": "help: overview of VBRs",
  "D-IP6": "help: IPv6 of VBRs",
  "D-LIM": "help: limits of Express Connect, 2026-03",
  "D-QUO": "help: quotas of Express Connect",
  "D-FAQ": "help: Express Connect FAQ",
  "D-BFD": "help: BGP and BFD for faster convergence, 2026-06",
  "D-HC": "help: health checks of Express Connect and CEN",
  "D-FG": "help: failover groups",
  "D-ECR": "help: Express Connect Router, overview and use cases",
  "D-CEN": "help: ECR connections of transit routers, route view, ECMP",
  "D-AGG": "help: aggregate routes of transit routers, two pages of which contradict each other",
  "D-ERM": "help: route policies of Express Connect Routers and CreateRouteMapRule, 2026-10",
  "D-VPN": "help: IPsec-VPN connections in dual-tunnel mode, on transit routers and VPN gateways",
  "D-RT": "help: VPC route tables",
  "D-OLD": "older help pages: limits of Express Connect, still the only ones with these numbers",
  "D-LOOP": "help: when not to attach a VBR to CEN",
  "D-CMS": "help: CloudMonitor metrics and events",
  "D-BILL": "help: billing of outbound traffic",
};
