/**
 * CEN route maps (routing policies of a transit router's table) in the policy language the edge has
 * too. `in` maps judge what comes into the table, of its own region's instances or of another
 * region's router; `out` maps judge what the table tells them. Who is on the other side of a
 * session is known beforehand, so destinations pick the maps; sources are asked of the route.
 */
import type { MatchSource, SetSource, TermSource } from "../../../bgp/policy/source.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import type {
  AttachmentConfig,
  PlainMatch,
  RouteMapConfig,
  RouteMapMatch,
  RouteType,
  TransitRouterConfig,
} from "../config/tr-config.ts";
import type { CloudNetwork } from "../network.ts";
import { change, reject, within } from "./policy-terms.ts";
import {
  CUSTOM_ROUTE,
  chosenByMap,
  FROM_ANY_CUSTOMER,
  fromAttachment,
  fromTable,
  SYSTEM_ROUTE,
} from "./tags.ts";

/** One session of a table: whose maps judge it, and who is on its other side. */
export interface MapScene {
  readonly cloud: CloudConfig;
  readonly network: CloudNetwork;
  readonly tr: TransitRouterConfig;
  readonly table: string;
  readonly maps: readonly RouteMapConfig[];
  /** Undefined: a router of another region that this one has no attachment of its own for. */
  readonly attachment: AttachmentConfig | undefined;
  /** The other side's node: a route table of an instance, or of another transit router. */
  readonly other: { readonly name: string; readonly region: string };
}

/** `medOf` puts a preference into the place selection looks for it. */
export function mapsInto(scene: MapScene, medOf: (preference: number) => number): TermSource[] {
  return scene.maps
    .filter(({ direction, table }) => direction === "in" && table === scene.table)
    .flatMap((map) => mapTerms(map, mapMatch(scene, map.match), medOf));
}

export function mapsOutOf(scene: MapScene): TermSource[] {
  return scene.maps
    .filter(({ direction, table }) => direction === "out" && table === scene.table)
    .filter(({ match }) => isDestination(match, scene))
    .flatMap((map) => mapTerms(map, mapMatch(scene, map.match)));
}

function isDestination(match: RouteMapMatch, { attachment, other }: MapScene): boolean {
  const { destinations, destinationKinds, destinationRegions, destinationTables } = match;
  const isNamed = attachment !== undefined && destinations?.includes(attachment.name) === true;
  return (
    (destinations === undefined || isNamed !== match.isDestinationsReversed) &&
    (destinationKinds?.includes(attachment?.kind ?? "tr") ?? true) &&
    (destinationRegions?.includes(other.region) ?? true) &&
    (destinationTables?.includes(other.name) ?? true)
  );
}

/**
 * What matched is marked first, so that one change of a map cannot keep the next from matching. A
 * map that permits ends it all, unless it names a next one.
 */
export function mapTerms(
  map: Pick<RouteMapConfig, "priority" | "isPermit" | "nextPriority" | "set">,
  match: MatchSource,
  medOf: (preference: number) => number = () => 0,
): TermSource[] {
  const mark = chosenByMap(map.priority);
  const name = `map-${map.priority}`;
  const community = mark;
  const { preference, communities, communityMode, prepend = [] } = map.set;
  const terms: TermSource[] = [
    change(name, { community: { add: [mark] } }, match),
    ...[...prepend]
      .reverse()
      .map((as, index) =>
        change(`${name}-prepend-${index}`, { prepend: { as, count: 1 } }, { community }),
      ),
  ];
  if (!map.isPermit) return [...terms, reject(`${name}-deny`, { community })];
  const set: SetSource = {
    ...(preference !== undefined && { med: medOf(preference) }),
    community: {
      delete: [mark],
      ...(communities !== undefined &&
        (communityMode === "replace" ? { set: communities } : { add: communities })),
    },
  };
  const action = map.nextPriority === undefined ? "accept" : "next-term";
  return [...terms, { term: `${name}-permit`, match: { community }, set, action }];
}

/** What a route says itself. */
export const plainMatch = (match: PlainMatch): MatchSource => allOf(plainParts(match));

function plainParts(match: PlainMatch): MatchSource[] {
  const { prefixes, asns, communities, communityMode } = match;
  const path = {
    ...(prefixes !== undefined && {
      prefix: match.prefixMode === "include" ? prefixes.map(within) : prefixes,
    }),
    ...(asns !== undefined &&
      (match.asnMode === "include" ? { asPathContains: asns } : { asPath: `^${asns.join("_")}$` })),
    ...(match.addressFamily !== undefined && { family: match.addressFamily }),
  };
  if (communities === undefined) return [path];
  const asked = communityMode === "include" ? { any: communities } : { exact: communities };
  return [path, { community: asked }];
}

function mapMatch(scene: MapScene, match: RouteMapMatch): MatchSource {
  const parts = plainParts(match);
  const { routeTypes, sourceKinds, sourceRegions, sourceTables, sources } = match;
  const ask = (any: readonly string[]): void => void parts.push({ community: { any } });
  if (routeTypes !== undefined) ask(routeTypes.map((type) => TYPE_TAGS[type]));
  if (sourceTables !== undefined) ask(sourceTables.flatMap((name) => tableTags(scene, name)));
  const tagsWhere = (holds: SourceTest) => sourceTags(scene.cloud, holds);
  if (sourceKinds !== undefined) ask(tagsWhere(({ kind }) => sourceKinds.includes(kind)));
  if (sourceRegions !== undefined)
    ask(tagsWhere((_, { region }) => sourceRegions.includes(region)));
  if (sources !== undefined) {
    const isOwn = (name: string) => scene.tr.attachments.some((one) => one.name === name);
    const any = tagsWhere(
      ({ name }, tr) => sources.includes(name) && (tr === scene.tr || !isOwn(name)),
    );
    // Last, for only the innermost can be turned round.
    if (match.isSourcesReversed) parts.push({ not: { community: { any } } });
    else ask(any);
  }
  return allOf(parts);
}

const TYPE_TAGS: Readonly<Record<RouteType, string>> = {
  system: SYSTEM_ROUTE,
  custom: CUSTOM_ROUTE,
  bgp: FROM_ANY_CUSTOMER,
};

/** Questions of one kind cannot stand side by side, so each next one is asked by `not not`. */
function allOf([first = {}, ...rest]: readonly MatchSource[]): MatchSource {
  return rest.length === 0 ? first : { ...first, not: { not: allOf(rest) } };
}

type SourceTest = (attachment: AttachmentConfig, tr: TransitRouterConfig) => boolean;

/** Of every attachment of the CEN that is meant, in whichever region. */
const sourceTags = (cloud: CloudConfig, holds: SourceTest): string[] =>
  cloud.transitRouters.flatMap((tr) =>
    tr.attachments.flatMap((one) => (holds(one, tr) ? [fromAttachment(cloud, tr, one)] : [])),
  );

function tableTags({ network }: MapScene, name: string): string[] {
  const index = network.nodes.findIndex((node) => node.name === name);
  return index < 0 ? [] : [fromTable(index)];
}
