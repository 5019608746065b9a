/**
 * What the vendor would refuse of failover groups, and of devices that cannot do what is asked
 * of them (`ListPhysicalConnectionFeatures`).
 */

import type { DeviceFeature } from "../config/cloud-config.ts";
import { groupsOfFile } from "./bgp-groups.ts";
import { deviceOf } from "./defaults.ts";
import { hubOfVbr, isEcr, regionOfVbr } from "./hubs.ts";
import type { LintPath, Tell } from "./lint-names.ts";
import type { CloudFile } from "./schema.ts";

type VbrFile = CloudFile["vbrs"][number];

export function lintFailoverGroups(source: CloudFile, error: Tell): void {
  const groupOf = new Map<string, string>();
  for (const [index, group] of (source.failoverGroups ?? []).entries()) {
    const path = ["failoverGroups", index, "vbrs"];
    const vbrs = group.vbrs.map((name) => source.vbrs.find((vbr) => vbr.name === name));
    const feature = vbrs.length > 2 ? "MULTI_MS_HA" : "MSHA";
    for (const [at, vbr] of vbrs.entries()) {
      if (vbr === undefined) continue;
      const other = groupOf.get(vbr.name);
      if (other === group.name) {
        error([...path, at], "C112", `${vbr.name} stands here twice`);
      } else if (other !== undefined) {
        const message = `${vbr.name} is in ${other} already (VbrInUsedByOtherHa)`;
        error([...path, at], "C112", message);
      }
      groupOf.set(vbr.name, group.name);
      lintMember(source, vbr, [...path, at], feature, error);
    }
    lintHubs(source, group.vbrs, path, error);
    for (const [at, vbr] of vbrs.entries()) {
      for (const other of vbrs.slice(at + 1)) {
        if (vbr === undefined || other === undefined || vbr === other) continue;
        lintPair(source, vbr, other, path, error);
      }
    }
  }
}

export function lintFeatures(source: CloudFile, error: Tell): void {
  for (const [index, vbr] of source.vbrs.entries()) {
    const lacks = (feature: DeviceFeature, key: keyof VbrFile, message: string) => {
      if (!isMissing(source, vbr, feature)) return;
      error(["vbrs", index, key], "C126", `${message}: ${feature} of ${vbr.connection} is NOK`);
    };
    const hasBfd = groupsOfFile(vbr)
      .flatMap(({ peers }) => peers)
      .some(({ bfd }) => bfd !== undefined && bfd !== "off");
    if (hasBfd) lacks("BFD", "bfd", "its device has no BFD");
    if (vbr.ipv6 !== undefined) {
      const code = "OperationUnsupported.VirtualBorderRouterEnableIPv6";
      lacks("DualStack", "ipv6", `its device has no IPv6 (${code})`);
    }
    if (isEcr(source, hubOfVbr(source, vbr.name))) {
      lacks("MPBGP", "connection", "no ECR takes it (OperationDenied.VbrDoesNotSupportMpbgp)");
    }
  }
}

/** All of a group have to be on one ECR or transit router. */
function lintHubs(source: CloudFile, vbrs: readonly string[], path: LintPath, error: Tell): void {
  const hubs = vbrs.map((name) => hubOfVbr(source, name));
  for (const [at, hub] of hubs.entries()) {
    if (hub !== undefined) continue;
    const message = `${vbrs[at]} is on no ECR or transit router (VbrCenNotRelation)`;
    error([...path, at], "C112", message);
  }
  const known = [...new Set(hubs)];
  if (hubs.includes(undefined) || known.length < 2) return;
  error(path, "C112", `they are on ${known.join(" and ")} (VbrCenNotConsistent)`);
}

function lintMember(
  source: CloudFile,
  vbr: VbrFile,
  path: LintPath,
  feature: "MSHA" | "MULTI_MS_HA",
  error: Tell,
): void {
  const bare = groupsOfFile(vbr)
    .flatMap(({ peers }) => peers)
    .find(({ bfd }) => bfd === undefined || bfd === "off");
  if (bare !== undefined) {
    const message = `${bare.address} of ${vbr.name} has no BFD (VbrBgpPeerNotEnableBfd)`;
    error(path, "C112", message);
  }
  if (isMissing(source, vbr, feature)) {
    const message = `${vbr.name} is on a device for no such group: ${feature} of its connection`;
    error(path, "C126", `${message} is NOK`);
  }
}

function lintPair(source: CloudFile, a: VbrFile, b: VbrFile, path: LintPath, error: Tell): void {
  const [lineA, lineB] = [lineOf(source, a), lineOf(source, b)];
  if (lineA === undefined || lineB === undefined) return;
  if (deviceOf(lineA) === deviceOf(lineB)) {
    const message = `${a.name} and ${b.name} are on one device (VbrAccessDeviceSame)`;
    error(path, "C112", message);
  }
  if (regionOfVbr(source, a.name) !== regionOfVbr(source, b.name)) {
    error(path, "C112", `${a.name} and ${b.name} are in two regions`);
  }
}

const lineOf = ({ connections = [] }: CloudFile, { connection }: VbrFile) =>
  connections.find(({ name }) => name === connection);

const isMissing = (source: CloudFile, vbr: VbrFile, feature: DeviceFeature): boolean =>
  lineOf(source, vbr)?.features?.[feature] === "NOK";
