/** What hubs and VPCs let pass on each of their sessions: who is on the other side decides. */
import type { TermSource } from "../../bgp/policy/source.ts";
import type { CloudConfig } from "./cloud-config.ts";
import { type CloudNode, tableNodeName } from "./network.ts";
import type { NodeContext, SessionRules } from "./nodes.ts";
import {
  behindBgp,
  betweenHubs,
  ecrFromRegion,
  ecrFromVpc,
  ecrToCloud,
  ecrToVbr,
  fromVpcTable,
  intoTable,
  intoTableFromRegion,
  intoVpc,
  outOfTable,
  outToRegion,
  staticsKept,
} from "./policies.ts";
import type { MapScene } from "./route-maps.ts";
import type { CloudState } from "./state.ts";
import type { AttachmentConfig, RouteMapConfig, TransitRouterConfig } from "./tr-config.ts";

const ACCEPT: readonly TermSource[] = [{ term: "rest", action: "accept" }];
const NOTHING: readonly TermSource[] = [{ term: "none", action: "reject" }];

export function ecrSession(
  { cloud }: NodeContext,
  node: CloudNode,
  other: CloudNode,
): SessionRules {
  switch (other.kind) {
    case "vbr": {
      const vbr = cloud.vbrs.find(({ name }) => name === other.name);
      const told = vbr === undefined ? NOTHING : ecrToVbr(cloud, vbr);
      return { import: ACCEPT, export: told, isClient: true };
    }
    case "vpc": {
      const vpc = cloud.vpcs.find(({ name }) => name === other.name);
      const heard = vpc === undefined ? NOTHING : ecrFromVpc(cloud, vpc);
      return { import: heard, export: ecrToCloud(), isClient: true };
    }
    case "tr": {
      const { attachment, table } = attachmentOf(cloud, other, node.name);
      const isHeard = attachment.association === table && attachment.isAdvertised;
      return {
        import: isHeard ? ACCEPT : NOTHING,
        export: attachment.propagations.includes(table) ? ecrToCloud() : NOTHING,
        isClient: true,
      };
    }
    default:
      return { import: ecrFromRegion(), export: betweenHubs(), isClient: false };
  }
}

/** A session of a transit router's table: with an attachment, or with another router's table. */
export function tableSession(
  context: NodeContext,
  node: CloudNode,
  other: CloudNode,
): SessionRules {
  const { cloud, network, state } = context;
  const { tr, table } = tableOf(cloud, node.name);
  const inForce = state.staticsOf(node.name);
  const statics = behindBgp(inForce);
  const place = { cloud, network, tr, table, maps: mapsInForce(tr, state), other };
  if (other.kind === "tr") {
    const rules = peerSession(place);
    return { ...rules, export: [...statics, ...rules.export] };
  }
  const { attachment } = attachmentOf(cloud, node, other.name);
  const scene = { ...place, attachment };
  const isTold = attachment.association === table && attachment.isAdvertised;
  return {
    import: attachment.propagations.includes(table) ? intoTable(scene) : NOTHING,
    export: isTold
      ? [...staticsKept(tr, attachment, inForce, cloud.knobs), ...statics, ...outOfTable(scene)]
      : NOTHING,
    isClient: true,
  };
}

/** A VPC is told by every table it is associated to, and tells each it propagates to. */
export function vpcSession({ cloud, state }: NodeContext, node: CloudNode): SessionRules {
  const vpc = cloud.vpcs.find(({ name }) => name === node.name);
  if (vpc === undefined) return { import: NOTHING, export: NOTHING, isClient: false };
  const heard = intoVpc(vpc, state.vpc(vpc.name));
  return { import: heard, export: fromVpcTable(vpc), isClient: false };
}

function peerSession(place: Omit<MapScene, "attachment">): SessionRules {
  const { cloud, tr, table, other } = place;
  const theirs = tableOf(cloud, other.name);
  const attachment = tr.attachments.find(({ kind, to }) => kind === "tr" && to === theirs.tr.name);
  const back = theirs.tr.attachments.find(({ kind, to }) => kind === "tr" && to === tr.name);
  const isHeard = attachment?.propagations.includes(table) ?? table === tr.tables[0];
  const isTold =
    attachment === undefined
      ? table === tr.tables[0]
      : attachment.association === table && attachment.isAdvertised;
  const isWanted = back?.propagations.includes(theirs.table) ?? true;
  const ranks = cloud.regions.map(({ name }) => name).toSorted();
  const rank = ranks.indexOf(theirs.tr.region);
  const scene = { ...place, attachment };
  return {
    import: isHeard ? intoTableFromRegion(scene, rank) : NOTHING,
    export: isTold && isWanted ? outToRegion(scene) : NOTHING,
    isClient: false,
  };
}

function tableOf(
  cloud: CloudConfig,
  node: string,
): { readonly tr: TransitRouterConfig; readonly table: string } {
  for (const tr of cloud.transitRouters) {
    for (const table of tr.tables) if (tableNodeName(tr, table) === node) return { tr, table };
  }
  throw new RangeError(`no route table "${node}" in this cloud`);
}

/** How a node is attached to the transit router that `tableNode` is a table of. */
function attachmentOf(
  cloud: CloudConfig,
  tableNode: CloudNode,
  instance: string,
): { readonly attachment: AttachmentConfig; readonly table: string } {
  const { tr, table } = tableOf(cloud, tableNode.name);
  const isEcr = instance === cloud.ecr.name || instance.startsWith(`${cloud.ecr.name}-`);
  const attachment = tr.attachments.find(({ kind, to }) =>
    kind === "ecr" ? isEcr : kind !== "tr" && to === instance,
  );
  if (attachment === undefined) throw new RangeError(`${instance} is not attached to ${tr.name}`);
  return { attachment, table };
}

const mapsInForce = (tr: TransitRouterConfig, state: CloudState): readonly RouteMapConfig[] =>
  tr.routeMaps.filter(
    ({ direction, priority }) => !state.mapsOff.has(`${tr.name}/${direction}/${priority}`),
  );
