/** What a VBR and a VPC of the cloud's file are joined to, and the regions things stand in. */
import { DEFAULTS } from "./defaults.ts";
import type { CloudFile } from "./schema.ts";

/** What a VBR is joined to: its transit router, the ECR, or (undefined) VPCs by peering only. */
export const hubOfVbr = (source: CloudFile, vbr: string): string | undefined =>
  hubOf(source, "vbr", vbr);

/** The transit router a VPC is attached to, else the ECR; none where it is only peered. */
export const hubOfVpc = (source: CloudFile, vpc: string): string | undefined =>
  hubOf(source, "vpc", vpc);

function hubOf(source: CloudFile, kind: "vbr" | "vpc", name: string): string | undefined {
  const tr = source.transitRouters?.find(({ attachments }) =>
    attachments.some((one) => one.kind === kind && one.to === name),
  );
  if (tr !== undefined) return tr.name;
  const isPeered = source.peerings?.some((one) => one[kind] === name) === true;
  return isPeered ? undefined : source.ecr?.name;
}

export const isEcr = ({ ecr }: CloudFile, hub: string | undefined): boolean =>
  ecr !== undefined && hub === ecr.name;

/** By name, in the order of the file; one that has none is of one region. */
export const regionsOf = ({ regions }: CloudFile): readonly string[] =>
  regions === undefined ? [DEFAULTS.region] : regions.map(({ name }) => name);

/** The first region, where everything stands that names none. */
export const homeOf = (source: CloudFile): string => regionsOf(source)[0] ?? DEFAULTS.region;

/** Of its access point. */
export function regionOfVbr(source: CloudFile, vbr: string | undefined): string {
  const line = source.vbrs.find(({ name }) => name === vbr)?.connection;
  const point = source.connections?.find(({ name }) => name === line)?.accessPoint;
  const found = source.accessPoints?.find(({ name }) => name === point);
  return found?.region ?? homeOf(source);
}
