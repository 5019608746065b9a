/** Sessions of a drill's files: both ends must mean the same ones, and steps name what there is. */
import type { ConfigProblem, Document } from "../../agent/config/document.ts";
import { peersOf } from "../cloud/bgp-config.ts";
import type { CloudConfig } from "../cloud/cloud-config.ts";
import type { DrillFile } from "./schema.ts";

/** `peer` of a step is a BGP peer of the VBR that ends its circuit. */
export function lintPeers(
  document: Document,
  { steps }: DrillFile,
  circuits: readonly string[],
  { vbrs }: CloudConfig,
): readonly ConfigProblem[] {
  return steps.flatMap((step, index) => {
    const peer: unknown = Reflect.get(step, "peer");
    if (peer === undefined) return [];
    const meant = step.circuit === "all" ? circuits : [step.circuit];
    const bare = vbrs
      .filter(({ circuit }) => meant.includes(circuit))
      .find((vbr) => !peersOf(vbr).some(({ name }) => name === peer));
    if (bare === undefined) return [];
    const names = peersOf(bare).map(({ name }) => name);
    const message = `${bare.name} has no BGP peer "${peer}"; it has ${names.join(", ")}`;
    return [document.at(["steps", index, "peer"], { severity: "error", code: "D103", message })];
  });
}
