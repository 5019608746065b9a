/**
 * Prefixes that a deed takes back or adds while the cloud runs. Each is told by whoever tells it by
 * the file: its VPC, VBRs with it among their networks, else the ECR. A cloud without an ECR tells
 * what stands in no file of its transit routers' default tables, and of its peered VBRs.
 */
import type { CloudConfig } from "../config/cloud-config.ts";
import { toldByVpc } from "../config/vpc-config.ts";
import type { CloudState } from "../deeds/state.ts";

export function withdrawPrefix(state: CloudState, prefix: string): void {
  state.prefixes.delete(prefix);
  state.withdrawn.add(prefix);
}

export function announcePrefix(config: CloudConfig, state: CloudState, prefix: string): void {
  state.withdrawn.delete(prefix);
  const isOfEcr = config.ecr?.prefixes.includes(prefix) === true;
  if (isOfEcr || ownersOf(config, prefix).length === 0) state.prefixes.add(prefix);
}

/** Nodes that tell a prefix, or would. */
export function tellersOf(config: CloudConfig, prefix: string): readonly string[] {
  const owners = ownersOf(config, prefix);
  const isOfEcr = config.ecr?.prefixes.includes(prefix) === true;
  return owners.length > 0 && !isOfEcr ? owners : [...owners, ...strangersOf(config)];
}

/** Nodes that tell what stands nowhere in the file. */
export const strangersOf = ({ ecr, transitRouters, peerings }: CloudConfig): readonly string[] =>
  ecr !== undefined
    ? [ecr.name]
    : [...transitRouters.map(({ name }) => name), ...new Set(peerings.map(({ vbr }) => vbr))];

function ownersOf({ vpcs, vbrs }: CloudConfig, prefix: string): readonly string[] {
  const ofVpc = vpcs.filter(
    (vpc) => vpc.attachment !== undefined && toldByVpc(vpc).includes(prefix),
  );
  const ofVbr = vbrs.filter(({ networks }) => networks.includes(prefix));
  return [...ofVpc, ...ofVbr].map(({ name }) => name);
}
