/** What the vendor's API would refuse of BGP groups and their peers. */
import { CLOUD_AS } from "../../../agent/config/profiles.ts";
import { formatAddress, parseAddress } from "../../../core/address.ts";
import { containsAddress, maskAddress } from "../../../core/prefix.ts";
import { KNOB_DEFAULTS } from "../config/knobs.ts";
import { type GroupFile, groupsOfFile, type PeerFile, SHORT_KEYS } from "./bgp-groups.ts";
import { derivedNodes, type LintPath, type Tell } from "./lint-names.ts";
import type { CloudFile } from "./schema.ts";

type VbrFile = CloudFile["vbrs"][number];

export function lintBgp(source: CloudFile, vbr: VbrFile, path: LintPath, error: Tell): void {
  const groups = groupsOfFile(vbr);
  lintForm(vbr, path, error);
  lintKeys(source, groups, path, error);
  for (const group of groups) {
    const { peerAs } = group;
    if (peerAs !== undefined) lintPeerAs(source, { peerAs }, [...path, ...group.at], error);
  }
  if (vbr.groups === undefined) return; // its one peer is looked at with the interconnect
  lintGroupNames(groups, path, error);
  const taken = new Set<string>();
  for (const group of groups) {
    const ends = group.ipVersion === "ipv6" ? vbr.ipv6 : vbr;
    if (ends === undefined) {
      const message = `${group.name} is of IPv6, and ${vbr.name} has no "ipv6"`;
      error([...path, ...group.at, "ipVersion"], "C125", message);
    }
    for (const peer of group.peers) lintPeer(vbr.name, peer, { ends, taken, path }, error);
  }
}

/** Names of sessions: a journal knows them by these, and the inner ones by their node's. */
export function lintPeerNames(source: CloudFile, error: Tell): void {
  const { vbrs, transitRouters = [], vpcs = [], vpns = [], ecr } = source;
  const nodes = [vbrs, transitRouters, vpcs, vpns].flat().map(({ name }) => name);
  const peersOf = (vbr: VbrFile) => groupsOfFile(vbr).flatMap(({ peers }) => peers);
  // These cannot be changed, wherever in the file they stand.
  const bound = vbrs.filter(({ groups }) => groups === undefined).flatMap(peersOf);
  nodes.push(...derivedNodes(source).map(({ name }) => name));
  const others = [...nodes, ...bound.map(({ name }) => name)];
  const seen = new Set(ecr === undefined ? others : [ecr.name, ...others]);
  for (const [index, vbr] of vbrs.entries()) {
    if (vbr.groups === undefined) continue;
    for (const { name, at } of peersOf(vbr)) {
      const message = `two things here are called "${name}"; a peer's "name" may be another`;
      if (seen.has(name)) error(["vbrs", index, ...at], "C101", message);
      seen.add(name);
    }
  }
}

/** A customer's AS is neither the vendor's nor that of this cloud. */
export function lintPeerAs(
  source: CloudFile,
  { peerAs }: { readonly peerAs: number },
  path: LintPath,
  error: Tell,
): void {
  if (peerAs === CLOUD_AS) {
    error([...path, "peerAs"], "C109", `${CLOUD_AS} is the cloud's, a customer may not have it`);
  } else if (peerAs === source.cloud.as) {
    error([...path, "peerAs"], "C109", `peerAs ${peerAs} is the cloud's own in this file`);
  }
}

function lintKeys(
  { knobs }: CloudFile,
  groups: readonly GroupFile[],
  path: LintPath,
  error: Tell,
): void {
  const max = knobs?.md5KeyMax ?? KNOB_DEFAULTS.md5KeyMax;
  for (const { md5, at } of groups) {
    if (md5 === undefined || !isKeyTooLong(md5, max)) continue;
    const message = `the key is longer than ${max} octets: knobs.md5KeyMax`;
    error([...path, ...at, "md5"], "C125", `${message} (InvalidBgpAuthkey.Malformed)`);
  }
}

export const isKeyTooLong = (key: string, max: number): boolean =>
  new TextEncoder().encode(key).length > max;

/** One customer on the VBR itself, or groups: not both, not neither. */
function lintForm(vbr: VbrFile, path: LintPath, error: Tell): void {
  if (vbr.groups === undefined) {
    if (vbr.peerAs !== undefined) return;
    error(path, "C125", `${vbr.name} needs peerAs, or groups with the peers of each`);
    return;
  }
  for (const key of SHORT_KEYS) {
    if (vbr[key] === undefined) continue;
    error([...path, key], "C125", `${vbr.name} has groups, and ${key} stands in each of them`);
  }
}

function lintGroupNames(groups: readonly GroupFile[], path: LintPath, error: Tell): void {
  const seen = new Set<string>();
  for (const { name, at } of groups) {
    if (seen.has(name)) error([...path, ...at, "name"], "C101", `"${name}" stands here twice`);
    seen.add(name);
  }
}

interface PeerPlace {
  /** Of the interconnect; undefined where the VBR has none of this family. */
  readonly ends: { readonly local: string } | undefined;
  readonly taken: Set<string>;
  readonly path: LintPath;
}

function lintPeer(
  vbr: string,
  { address, at }: PeerFile,
  { ends, taken, path }: PeerPlace,
  error: Tell,
): void {
  const where = [...path, ...at, "address"];
  const [localText = "", maskText = ""] = (ends?.local ?? "").split("/");
  const [own, local, mask] = [parseAddress(address), parseAddress(localText), Number(maskText)];
  if (own === undefined) {
    error(where, "C102", `${address} is no address`);
    return;
  }
  if (taken.has(address)) {
    const code = "InvalidParams.PeerIpAddressInUse";
    error(where, "C125", `${address} is a peer of ${vbr} already (${code})`);
  }
  taken.add(address);
  // What is wrong with the interconnect itself is told where that is looked at.
  if (ends === undefined || local === undefined || mask > local.length * 8) return;
  const afi = local.length === 16 ? 2 : 1;
  const subnet = { afi, address: maskAddress(local, mask), length: mask } as const;
  if (!containsAddress(subnet, own)) {
    error(where, "C104", `${address} is not in the subnet of ${ends.local}`);
  } else if (address === formatAddress(local)) {
    error(where, "C104", `${address} is the VBR's own address`);
  }
}
