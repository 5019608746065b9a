/**
 * VLANs of a drill's circuits: edge and cloud must mean the same one, as the two ends of a line
 * must. The wrong VLAN is the commonest fault of a new line and one that no light shows, so it is
 * told at the place in the cloud's file before anything is played.
 */
import { type ConfigProblem, type Document, readDocument } from "../../../agent/config/document.ts";
import type { CircuitConfig, EdgeConfig } from "../../../agent/config/edge-config.ts";
import { type CircuitFile, type EdgeFile, edgeFileSchema } from "../../../agent/config/schema.ts";
import type { CloudConfig, VbrConfig } from "../../cloud/config/cloud-config.ts";
import { type CloudFile, CloudSchema } from "../../cloud/file/schema.ts";
import type { Part } from "./load-parts.ts";
import type { DrillFile } from "./schema.ts";

export interface VlanParts {
  readonly edge: { readonly part: Part; readonly config: EdgeConfig };
  readonly cloud: { readonly part: Part; readonly config: CloudConfig };
}

export function lintVlans(
  document: Document,
  { steps }: DrillFile,
  { edge, cloud }: VlanParts,
): readonly ConfigProblem[] {
  const suspects = cloud.config.vbrs.flatMap((vbr, index) => {
    const circuit = edge.config.circuits.find(({ name }) => name === vbr.circuit);
    const isSame = circuit === undefined || vlanOf(circuit) === vbr.vlan;
    return isSame ? [] : [{ vbr, circuit, index }];
  });
  const problems: ConfigProblem[] = [];
  // What a file leaves out agrees with anything, and only the file itself knows what it left out.
  const files =
    suspects.length === 0 ? undefined : { edge: openEdge(edge), cloud: openCloud(cloud) };
  for (const { vbr, circuit, index } of suspects) {
    if (files === undefined || files.cloud.file.vbrs[index]?.vlan === undefined) continue;
    const isTagged = circuit.vlan !== undefined;
    if (!isTagged && !(files.edge.circuits ?? []).some((one) => isWholeParent(one, circuit)))
      continue;
    const message = disagreement(circuit, vbr);
    const problem = { severity: "error", code: "D103", message } as const;
    problems.push(cloud.part.place(files.cloud.document.at(["vbrs", index, "vlan"], problem)));
  }
  return [...problems, ...lintCarrier(document, steps, edge.config)];
}

/** The parent of a circuit's VLAN, where other circuits ride on it as well. */
function sharedParent(edge: EdgeConfig, circuit: string): string | undefined {
  const parent = edge.circuits.find(({ name }) => name === circuit)?.vlan?.parent;
  const riders = edge.circuits.filter(({ vlan }) => vlan !== undefined && vlan.parent === parent);
  return riders.length > 1 ? parent : undefined;
}

/** Light is lost for a whole port or not at all. */
function lintCarrier(
  document: Document,
  steps: DrillFile["steps"],
  edge: EdgeConfig,
): readonly ConfigProblem[] {
  return steps.flatMap((step, index) => {
    if (step.circuit === undefined || Reflect.get(step, "carrier") !== "seen") return [];
    const names = step.circuit === "all" ? edge.circuits.map(({ name }) => name) : [step.circuit];
    const sharing = names.find((name) => sharedParent(edge, name) !== undefined);
    if (sharing === undefined) return [];
    const parent = sharedParent(edge, sharing);
    const message =
      `${sharing} shares ${parent} with other circuits, so no carrier is lost with it alone; ` +
      `leave "carrier" out, or shut the port`;
    const problem = { severity: "error", code: "D103", message } as const;
    return [document.at(["steps", index, "carrier"], problem)];
  });
}

const vlanOf = ({ vlan }: CircuitConfig): number => vlan?.id ?? 0;

/** `{ parent: eth1, vlan: 0 }` says untagged; a plain device says nothing about what is below. */
const isWholeParent = (one: CircuitFile, circuit: CircuitConfig): boolean =>
  one.name === circuit.name && one.interface?.parent !== undefined;

function disagreement(circuit: CircuitConfig, vbr: VbrConfig): string {
  const words = (vlan: number) => (vlan === 0 ? "sends no tag" : `is in VLAN ${vlan}`);
  return (
    `${circuit.name}: the edge's ${circuit.device} ${words(vlanOf(circuit))}, ` +
    `${vbr.name} ${words(vbr.vlan)}; they would not hear each other`
  );
}

const openCloud = ({ part }: VlanParts["cloud"]) => {
  const document = readDocument(part.file ?? part.name, part.text, CloudSchema);
  return { document, file: document.value as CloudFile };
};

const openEdge = ({ part }: VlanParts["edge"]): EdgeFile =>
  readDocument(part.file ?? part.name, part.text, edgeFileSchema).value as EdgeFile;
