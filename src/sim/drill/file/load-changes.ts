/** Steps that change the cloud's routing name what the cloud's file has. */
import type { ConfigProblem, Document } from "../../../agent/config/document.ts";
import type { CloudConfig } from "../../cloud/config/cloud-config.ts";
import { ecrAssociations } from "../../cloud/config/ecr-associations.ts";
import type { DrillFile } from "./schema.ts";

/** Read by their keys; of which kind each is, the table of faults has seen to. */
type Written = Readonly<Record<string, unknown>>;

export function lintChanges(
  document: Document,
  { steps }: DrillFile,
  cloud: CloudConfig,
): readonly ConfigProblem[] {
  return steps.flatMap((step, index) => {
    const message = unknownName(step as unknown as Written, cloud);
    if (message === undefined) return [];
    return [document.at(["steps", index], { severity: "error", code: "D103", message })];
  });
}

function unknownName(step: Written, cloud: CloudConfig): string | undefined {
  const { transitRouters, vbrs, vpcs, regions, endpoints } = cloud;
  const tr = transitRouters.find(({ name }) => name === step.transitRouter);
  const known: Readonly<Record<string, readonly { readonly name: string }[]>> = {
    transitRouter: transitRouters,
    attachment: tr?.attachments ?? [],
    association: ecrAssociations(cloud),
    instance: [...vbrs, ...vpcs.filter(({ isCustomTable }) => !isCustomTable), ...transitRouters],
    table: vpcs,
    region: regions,
    endpoint: endpoints,
  };
  for (const [key, list] of Object.entries(known)) {
    const written = step[key];
    if (written === undefined || list.some(({ name }) => name === written)) continue;
    const names = list.map(({ name }) => name).join(", ");
    return `${cloud.name} has no ${key} "${written}"; it has ${names || "none"}`;
  }
  if (step.do !== "route-map" || tr === undefined) return undefined;
  const { priority, transmit = "in" } = step;
  const isThere = tr.routeMaps.some(
    (map) => map.priority === priority && map.direction === transmit,
  );
  return isThere ? undefined : `${tr.name} has no route map ${priority} of direction ${transmit}`;
}
