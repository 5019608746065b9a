/** What hubs and VPCs let pass on each of their sessions: who is on the other side decides. */
import type { TermSource } from "../../../bgp/policy/source.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import type { AttachmentConfig, RouteMapConfig, TransitRouterConfig } from "../config/tr-config.ts";
import { toldByVpc } from "../config/vpc-config.ts";
import type { CloudState } from "../deeds/state.ts";
import {
  type CloudNode,
  isEcrNode,
  ownerOf,
  type TransitRouterTable,
  tableOf,
} from "../network.ts";
import type { NodeContext, SessionRules } from "./nodes.ts";
import {
  aggregated,
  behindBgp,
  betweenHubs,
  ecrFromRegion,
  ecrToCloud,
  ecrToVbr,
  fromVpcTable,
  inConflict,
  intoEcr,
  intoTable,
  intoTableFromRegion,
  intoVpc,
  outOfTable,
  outToRegion,
  staticsKept,
} from "./policies.ts";
import type { MapScene } from "./route-maps.ts";

const NOTHING: readonly TermSource[] = [{ term: "none", action: "reject" }];

export function ecrSession(
  { cloud, state }: NodeContext,
  node: CloudNode,
  other: CloudNode,
): SessionRules {
  switch (other.kind) {
    case "vbr": {
      const vbr = cloud.vbrs.find(({ name }) => name === other.name);
      const told = vbr === undefined ? NOTHING : ecrToVbr(cloud, vbr, state);
      return { import: intoEcr(cloud, other.name, state), export: told, isClient: true };
    }
    case "vpc":
      return {
        import: intoEcr(cloud, ownerOf(cloud, other.name), state),
        export: ecrToCloud(cloud, ownerOf(cloud, other.name)),
        isClient: true,
      };
    case "tr": {
      const { attachment, table, tr } = attachmentOf(cloud, other, node.name);
      return {
        import: isAssociated(state, tr, attachment, table)
          ? intoEcr(cloud, tr.name, state)
          : NOTHING,
        export: isPropagating(state, tr, attachment, table) ? ecrToCloud(cloud, tr.name) : NOTHING,
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
  const { tr, table } = knownTable(cloud, node.name);
  const inForce = state.staticsOf(node.name);
  const place = { cloud, network, tr, table, maps: mapsInForce(tr, state), other };
  const told = (scene: MapScene, rest: readonly TermSource[]): readonly TermSource[] => [
    ...aggregated(scene, state.aggregatesOf(node.name)),
    ...staticsKept(scene, inForce),
    ...behindBgp(inForce),
    ...rest,
  ];
  if (other.kind === "tr") {
    const { scene, isHeard, isTold, rank } = peerScene(place, state);
    return {
      import: isHeard ? intoTableFromRegion(scene, rank) : NOTHING,
      export: isTold ? told(scene, outToRegion(scene)) : NOTHING,
      isClient: false,
    };
  }
  const { attachment } = attachmentOf(cloud, node, other.name);
  const scene = { ...place, attachment };
  const conflicts = attachment.kind === "vpc" ? takenBefore(scene, state) : [];
  return {
    import: isPropagating(state, tr, attachment, table)
      ? [...inConflict(conflicts), ...intoTable(scene)]
      : NOTHING,
    export: isAssociated(state, tr, attachment, table) ? told(scene, outOfTable(scene)) : NOTHING,
    isClient: true,
  };
}

const isPropagating = (
  state: CloudState,
  tr: TransitRouterConfig,
  { name, propagations }: AttachmentConfig,
  table: string,
): boolean => propagations.includes(table) && !state.linksOff.has(`propagation ${tr.name}/${name}`);

/** Associated, and told the table's routes. */
const isAssociated = (
  state: CloudState,
  tr: TransitRouterConfig,
  { name, association, isAdvertised }: AttachmentConfig,
  table: string,
): boolean =>
  association === table && isAdvertised && !state.linksOff.has(`association ${tr.name}/${name}`);

/** What VPCs attached before this one tell the same table, as they are now. */
function takenBefore(
  { cloud, tr, table, attachment, other }: MapScene & { attachment: AttachmentConfig },
  state: CloudState,
): readonly string[] {
  if (cloud.knobs.vpcConflict === "shared") return [];
  const before = tr.attachments
    .slice(0, tr.attachments.indexOf(attachment))
    .filter((one) => one.kind === "vpc" && isPropagating(state, tr, one, table));
  const names = before.map(({ to }) => to);
  const told = cloud.vpcs
    .filter(({ vpc }) => names.includes(vpc))
    .flatMap((vpc) => toldByVpc(vpc, state.vpc(vpc.name).routes));
  const own = cloud.vpcs.find(({ name }) => name === other.name);
  const mine = new Set(own === undefined ? [] : toldByVpc(own, state.vpc(own.name).routes));
  return told.filter((prefix) => mine.has(prefix));
}

/** A VPC is told by every table it is associated to, and tells each it propagates to. */
export function vpcSession({ cloud, state }: NodeContext, node: CloudNode): SessionRules {
  const vpc = cloud.vpcs.find(({ name }) => name === node.name);
  if (vpc === undefined) return { import: NOTHING, export: NOTHING, isClient: false };
  const heard = intoVpc(vpc, state.vpc(vpc.name));
  return { import: heard, export: fromVpcTable(vpc), isClient: false };
}

/** The session with a table of another region's router: what either says of it. */
function peerScene(place: Omit<MapScene, "attachment">, state: CloudState) {
  const { cloud, tr, table, other } = place;
  const theirs = knownTable(cloud, other.name);
  const attachment = tr.attachments.find(({ kind, to }) => kind === "tr" && to === theirs.tr.name);
  const back = theirs.tr.attachments.find(({ kind, to }) => kind === "tr" && to === tr.name);
  const isFirst = table === tr.tables[0];
  const ranks = cloud.regions.map(({ name }) => name).toSorted();
  return {
    scene: { ...place, attachment },
    isHeard: attachment === undefined ? isFirst : isPropagating(state, tr, attachment, table),
    isTold:
      (attachment === undefined ? isFirst : isAssociated(state, tr, attachment, table)) &&
      (back === undefined || isPropagating(state, theirs.tr, back, theirs.table)),
    rank: ranks.indexOf(theirs.tr.region),
  };
}

function knownTable(cloud: CloudConfig, node: string): TransitRouterTable {
  const found = tableOf(cloud, node);
  if (found === undefined) throw new RangeError(`no route table "${node}" in this cloud`);
  return found;
}

/** How a node is attached to the transit router that `tableNode` is a table of. */
function attachmentOf(
  cloud: CloudConfig,
  tableNode: CloudNode,
  instance: string,
): TransitRouterTable & { readonly attachment: AttachmentConfig } {
  const { tr, table } = knownTable(cloud, tableNode.name);
  const isEcr = isEcrNode(cloud, instance);
  const attachment = tr.attachments.find(({ kind, to }) =>
    kind === "ecr" ? isEcr : kind !== "tr" && to === ownerOf(cloud, instance),
  );
  if (attachment === undefined) throw new RangeError(`${instance} is not attached to ${tr.name}`);
  return { attachment, table, tr };
}

const mapsInForce = (tr: TransitRouterConfig, state: CloudState): readonly RouteMapConfig[] =>
  tr.routeMaps.filter(
    ({ direction, priority }) => !state.mapsOff.has(`${tr.name}/${direction}/${priority}`),
  );
