/** What the vendor's API would refuse of route maps (CEN routing policies). */
import { vpcTableName } from "./build-routes.ts";
import { homeOf, regionsOf } from "./hubs.ts";
import type { LintPath, Tell } from "./lint-names.ts";
import type { CloudFile } from "./schema.ts";
import type { RouteMapFile, TransitRouterFile } from "./schema-routes.ts";

export function lintRouteMaps(
  source: CloudFile,
  tr: TransitRouterFile,
  path: LintPath,
  error: Tell,
): void {
  const maps = tr.routeMaps ?? [];
  for (const [index, map] of maps.entries()) {
    const at = [...path, "routeMaps", index];
    const same = maps.filter((one) => one.direction === map.direction);
    if (same.filter((one) => one.priority === map.priority).length > 1) {
      const message = `two route maps have priority ${map.priority} (Forbidden.CenRouteMapExist)`;
      error([...at, "priority"], "C120", message);
    }
    const tables = tr.tables ?? ["default"];
    if (map.table !== undefined && !tables.includes(map.table)) {
      error([...at, "table"], "C106", `${tr.name} has no table "${map.table}"`);
    }
    if (map.nextPriority !== undefined) {
      const onTable = same.filter((one) => tableOf(tr, one) === tableOf(tr, map));
      lintChain(map, onTable, [...at, "nextPriority"], error);
    }
    lintMatch(source, tr, map, [...at, "match"], error);
    lintSet(source, tr, map, [...at, "set"], error);
  }
}

const tableOf = (tr: TransitRouterFile, map: RouteMapFile): string =>
  map.table ?? tr.tables?.[0] ?? "default";

function lintChain(
  map: RouteMapFile,
  same: readonly RouteMapFile[],
  path: LintPath,
  error: Tell,
): void {
  const later = same.map((one) => one.priority).filter((priority) => priority > map.priority);
  const next = Math.min(...later);
  if (map.result === "deny") {
    error(path, "C120", "only a map that permits goes on to another");
  } else if (map.nextPriority !== next) {
    const order = later.length === 0 ? "there is none" : `that is ${next}`;
    error(path, "C120", `nextPriority names the next map of its direction; ${order}`);
  }
}

function lintMatch(
  source: CloudFile,
  tr: TransitRouterFile,
  map: RouteMapFile,
  path: LintPath,
  error: Tell,
): void {
  const { match = {} } = map;
  const own = tr.attachments.map(({ name }) => name);
  const all = (source.transitRouters ?? []).flatMap(({ attachments }) => attachments);
  const regions = regionsOf(source);
  const { vpcs = [], vbrs, vpns = [] } = source;
  const custom = vpcs.flatMap(({ name, tables = [] }) =>
    tables.map((one) => vpcTableName(name, one.name)),
  );
  const owners = [...[...vpcs, ...vbrs, ...vpns].map(({ name }) => name), ...custom];
  const known = {
    sources: all.map(({ name }) => name),
    destinations: own,
    sourceRegions: regions,
    destinationRegions: regions,
    sourceTables: owners,
    destinationTables: owners,
  };
  for (const key of Object.keys(known) as readonly (keyof typeof known)[]) {
    for (const name of match[key] ?? []) {
      if (known[key].includes(name)) continue;
      error(path, "C106", `${key}: there is no "${name}"; known are ${known[key].join(", ")}`);
    }
  }
  const { destinations, destinationKinds, destinationRegions, destinationTables } = match;
  const asked = [destinations, destinationKinds, destinationRegions, destinationTables];
  if (map.direction === "in" && asked.some((list) => list !== undefined)) {
    error(path, "C120", "destinations can be matched on the way out only");
  }
  if (match.sourcesReverse === true && match.sources === undefined) {
    error(path, "C120", "sourcesReverse turns sources round, and there are none");
  }
  if (match.destinationsReverse === true && destinations === undefined) {
    error(path, "C120", "destinationsReverse turns destinations round, and there are none");
  }
  lintCommunities(match.communities, path, error);
}

function lintSet(
  source: CloudFile,
  tr: TransitRouterFile,
  map: RouteMapFile,
  path: LintPath,
  error: Tell,
): void {
  const { set, match = {} } = map;
  if (set === undefined) return;
  if (map.result === "deny") {
    error(path, "C120", "what is denied is not changed (NoEffictiveAction)");
  }
  if (set.prepend !== undefined) {
    const needed = map.direction === "in" ? "sources" : "destinations";
    const own = tr.region ?? homeOf(source);
    if (match[needed] === undefined) {
      error([...path, "prepend"], "C120", `prepend needs match.${needed}`);
    } else if (map.direction === "in" && match.sourceRegions?.some((name) => name !== own)) {
      error([...path, "prepend"], "C120", `prepend on the way in needs sources of ${own} itself`);
    }
  }
  if (set.preference !== undefined && map.direction === "out") {
    error([...path, "preference"], "C120", "a preference can be set on the way in only");
  }
  lintCommunities(set.communities, [...path, "communities"], error);
}

/** Both halves 1–65535 (RFC 1997); large communities are not taken. */
function lintCommunities(
  communities: readonly string[] | undefined,
  path: LintPath,
  error: Tell,
): void {
  for (const text of communities ?? []) {
    const halves = text.split(":").map(Number);
    if (halves.length === 2 && halves.every((half) => half >= 1 && half <= 65_535)) continue;
    error(path, "C120", `${text}: both numbers of a community are 1 to 65535`);
  }
}

/** The rules of the ECR's own policies. */
export function lintEcrRouteMaps(source: CloudFile, error: Tell): void {
  const { vbrs, vpcs = [], transitRouters = [] } = source;
  const known = [...vbrs, ...vpcs, ...transitRouters].map(({ name }) => name);
  const maps = source.ecr?.routeMaps ?? [];
  for (const [index, { priority, direction, result, match = {}, set }] of maps.entries()) {
    const path = ["ecr", "routeMaps", index];
    const isTwin = (one: (typeof maps)[number]): boolean =>
      one.priority === priority && one.direction === direction;
    if (maps.findIndex(isTwin) !== index) {
      error([...path, "priority"], "C120", `two rules have priority ${priority}`);
    }
    for (const name of match.instances ?? []) {
      if (known.includes(name)) continue;
      error([...path, "match"], "C106", `instances: there is no "${name}"`);
    }
    if (result === "deny" && set !== undefined) {
      error([...path, "set"], "C120", "what is denied is not changed");
    }
    lintCommunities(match.communities, [...path, "match"], error);
    lintCommunities(set?.communities, [...path, "set", "communities"], error);
  }
}
