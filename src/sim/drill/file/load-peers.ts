/** Sessions of a drill's files: both ends must mean the same ones, and steps name what there is. */
import type { ConfigProblem, Document } from "../../../agent/config/document.ts";
import type { EdgeConfig, NeighborConfig } from "../../../agent/config/edge-config.ts";
import { parseAddress } from "../../../core/address.ts";
import { equalBytes } from "../../../core/bytes.ts";
import { peersOf } from "../../cloud/config/bgp-config.ts";
import type { CloudConfig, VbrConfig } from "../../cloud/config/cloud-config.ts";
import type { VpnConfig } from "../../cloud/config/vpn-config.ts";
import { addressOf } from "../../cloud/network.ts";
import type { DrillFile } from "./schema.ts";

/** Sessions that could never come up: the two files do not mean the same ends. */
export function sessionFaults(
  edge: Pick<EdgeConfig, "circuits">,
  cloud: CloudConfig,
): readonly string[] {
  return edge.circuits.flatMap((circuit) => {
    const gateway = [...cloud.vbrs, ...cloud.vpns].find((one) => one.circuit === circuit.name);
    if (gateway === undefined) return [`no VBR of the cloud ends circuit "${circuit.name}"`];
    const ends = "groups" in gateway ? endsOfVbr(gateway) : endsOfVpn(gateway);
    const { name, sessions } = circuit;
    const faults = sessions.flatMap((session) => sessionFault(session, gateway.name, ends) ?? []);
    const isBare = ends.ipv6 !== undefined && !sessions.some((one) => isIpv6(one.remoteAddress));
    if (isBare) faults.push(`${name}: ${gateway.name} has IPv6, and the edge's circuit has none`);
    return faults;
  });
}

interface Ends {
  /** Of the cloud, with masks. */
  readonly ipv4: string;
  readonly ipv6: string | undefined;
  readonly peers: readonly string[];
}

const endsOfVbr = (vbr: VbrConfig): Ends => {
  const peers = peersOf(vbr).map(({ address }) => address);
  return { ipv4: vbr.local, ipv6: vbr.ipv6?.local, peers };
};
const endsOfVpn = ({ local, peer }: VpnConfig): Ends => {
  return { ipv4: local, ipv6: undefined, peers: [peer] };
};

const isIpv6 = (address: string): boolean => address.includes(":");

function sessionFault(
  { name, remoteAddress, localAddress }: NeighborConfig,
  gateway: string,
  ends: Ends,
): string | undefined {
  const local = isIpv6(remoteAddress) ? ends.ipv6 : ends.ipv4;
  if (local === undefined) return `${name}: the edge speaks IPv6, ${gateway} has no "ipv6"`;
  if (!isSame(remoteAddress, addressOf(local))) {
    return `${name}: the edge expects its VBR at ${remoteAddress}, ${gateway} is at ${local}`;
  }
  if (localAddress === undefined || ends.peers.some((one) => isSame(one, localAddress))) return;
  const known = ends.peers.join(", ");
  return `${name}: the edge is at ${localAddress}, the peers of ${gateway} are ${known}`;
}

/** Written in two ways it is one address. */
function isSame(a: string, b: string): boolean {
  const [one, other] = [parseAddress(a), parseAddress(b)];
  return one !== undefined && other !== undefined && equalBytes(one, other);
}

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
