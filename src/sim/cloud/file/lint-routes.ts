/** What the vendor's API would refuse of VPCs, transit routers, route maps and prefixes told. */
import { prefixOf } from "../../../agent/config/units.ts";
import { parseAddress } from "../../../core/address.ts";
import {
  containsAddress,
  coversPrefix,
  overlaps,
  type Prefix,
  parsePrefix,
} from "../../../core/prefix.ts";
import { quotasOf } from "../config/knobs.ts";
import { NEXT_HOPS, wayOf } from "../config/next-hops.ts";
import { homeOf, hubOfVpc, isEcr, regionOfVbr } from "./hubs.ts";
import type { LintPath, Tell } from "./lint-names.ts";
import { lintEcrRouteMaps, lintRouteMaps } from "./lint-route-maps.ts";
import type { CloudFile } from "./schema.ts";
import type { TransitRouterFile, VpcFile, VpcRouteFile } from "./schema-routes.ts";

const SERVICE_RANGE = "100.64.0.0/10";
/** Ranges no VPC may have. */
const REFUSED = ["100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"].map((text) => {
  return { text, prefix: prefixOf(text) };
});

export function lintRoutes(source: CloudFile, error: Tell): void {
  for (const [index, text] of (source.ecr?.prefixes ?? []).entries()) {
    lintAnnounced(text, ["ecr", "prefixes", index], error);
  }
  for (const [index, vpc] of (source.vpcs ?? []).entries()) {
    lintVpc(source, vpc, ["vpcs", index], error);
  }
  lintEcrRouteMaps(source, error);
  lintOverlaps(source, error);
  lintEndpoints(source, error);
  for (const [index, tr] of (source.transitRouters ?? []).entries()) {
    lintTransitRouter(source, tr, ["transitRouters", index], error);
  }
  lintRegions(source, error);
}

/** The service range may be told in halves or smaller parts, not as the whole it is reserved as. */
export function lintAnnounced(text: string, path: LintPath, error: Tell): Prefix | undefined {
  const found = parsePrefix(text);
  if (found === undefined) error(path, "C102", `${text} is no prefix (host bits set?)`);
  else if (text === SERVICE_RANGE) {
    error(path, "C122", `${text} itself is refused; use 100.64.0.0/11 and 100.96.0.0/11`);
  }
  return found;
}

function lintVpc(source: CloudFile, vpc: VpcFile, path: LintPath, error: Tell): void {
  const quotas = quotasOf(source);
  if (vpc.vswitches.length > quotas.vswitchesPerVpc) {
    const message = `${vpc.vswitches.length} vSwitches, a VPC takes ${quotas.vswitchesPerVpc}`;
    error([...path, "vswitches"], "C108", message);
  }
  for (const [index, { cidr }] of vpc.vswitches.entries()) {
    const at = [...path, "vswitches", index, "cidr"];
    const found = parsePrefix(cidr);
    if (found === undefined) error(at, "C102", `${cidr} is no prefix (host bits set?)`);
    const range = REFUSED.find(({ prefix }) => found && coversPrefix(prefix, found));
    if (range !== undefined) error(at, "C118", `${cidr} is in ${range.text}, which no VPC may use`);
    if (found !== undefined && found.afi === 1 && found.length > 29) {
      error(at, "C118", `${cidr} is smaller than /29: a vSwitch keeps four addresses for itself`);
    }
  }
  lintTableRoutes(source, vpc, vpc.routes, path, error);
  lintVpcTables(source, vpc, path, error);
  if (vpc.allowedPrefixes !== undefined && !isEcr(source, hubOfVpc(source, vpc.name))) {
    const message = "a VPC that is not on the ECR has no allowed prefixes; its transit router may";
    error([...path, "allowedPrefixes"], "C123", message);
  }
  for (const [index, text] of (vpc.allowedPrefixes ?? []).entries()) {
    lintAnnounced(text, [...path, "allowedPrefixes", index], error);
  }
}

/** What goes for the system table and for custom ones. */
function lintTableRoutes(
  source: CloudFile,
  vpc: VpcFile,
  routes: VpcFile["routes"] = [],
  path: LintPath,
  error: Tell,
): void {
  const limit = quotasOf(source).customRoutesPerVpcTable;
  if (routes.length > limit) {
    error([...path, "routes"], "C108", `${routes.length} custom routes, a table takes ${limit}`);
  }
  const systems = vpc.vswitches.flatMap(({ cidr, ipv6 = cidr }) => [cidr, ipv6]);
  const seen = new Set<string>();
  for (const [index, route] of routes.entries()) {
    lintNextHop(source, vpc, route, [...path, "routes", index], error);
    const at = [...path, "routes", index, "prefix"];
    if (lintAnnounced(route.prefix, at, error) === undefined) continue;
    if (systems.includes(route.prefix)) {
      error(at, "C119", `${route.prefix} is a system route, no custom route can replace it`);
    } else if (seen.has(route.prefix)) {
      error(at, "C119", `${route.prefix} stands here twice (RouteConflict.AlreadyExist)`);
    }
    if (isServiceRoute(route.prefix) && source.knobs?.serviceRangeRoutes === "refused") {
      error(at, "C122", `${route.prefix} is inside of 100.64.0.0/10: knobs.serviceRangeRoutes`);
    }
    seen.add(route.prefix);
  }
}

/** Towards a hub there has to be one, and it has to be what the next hop says. */
function lintNextHop(
  source: CloudFile,
  vpc: VpcFile,
  { nextHop, via, publish }: VpcRouteFile,
  path: LintPath,
  error: Tell,
): void {
  if (publish === true && !NEXT_HOPS[nextHop].isPublishable) {
    error([...path, "publish"], "C119", `a route with next hop ${nextHop} cannot be published`);
  }
  if (via !== undefined && wayOf(nextHop) !== "peering") {
    error([...path, "via"], "C124", "via goes with nextHop: peering only");
  }
  if (wayOf(nextHop) !== "hub") return;
  const at = [...path, "nextHop"];
  const hub = hubOfVpc(source, vpc.name);
  if (hub === undefined) error(at, "C124", `${vpc.name} is peered only, it has no hub`);
  else if (nextHop === "ecr" && !isEcr(source, hub)) {
    error(at, "C119", `${vpc.name} is on ${hub}, not on an ECR (ResourceNotAssociated.Ecr)`);
  } else if (nextHop === "attachment" && isEcr(source, hub)) {
    error(at, "C119", `${vpc.name} is on the ECR, not on a transit router`);
  }
}

/** Custom tables: each vSwitch is associated to one. */
function lintVpcTables(source: CloudFile, vpc: VpcFile, path: LintPath, error: Tell): void {
  const known = vpc.vswitches.map(({ name }) => name);
  const associated = new Set<string>();
  for (const [index, { vswitches, routes }] of (vpc.tables ?? []).entries()) {
    const at = [...path, "tables", index];
    for (const [place, vswitch] of vswitches.entries()) {
      const where = [...at, "vswitches", place];
      if (!known.includes(vswitch)) {
        error(where, "C106", `${vpc.name} has no vSwitch "${vswitch}"`);
      } else if (associated.has(vswitch)) {
        error(where, "C119", `${vswitch} has a table (ResourceAlreadyAssociated.RouteTable)`);
      }
      associated.add(vswitch);
    }
    lintTableRoutes(source, vpc, routes, at, error);
    for (const [place, { nextHop }] of (routes ?? []).entries()) {
      if (wayOf(nextHop) !== "peering") continue;
      const message = "peering connections are reached by the system table only";
      error([...at, "routes", place, "nextHop"], "C123", message);
    }
  }
}

export function isServiceRoute(text: string): boolean {
  const found = parsePrefix(text);
  return found !== undefined && coversPrefix(prefixOf(SERVICE_RANGE), found);
}

/** vSwitches behind one ECR or transit router must not overlap. */
function lintOverlaps(source: CloudFile, error: Tell): void {
  const seen: { readonly hub: string; readonly vpc: string; readonly prefix: Prefix }[] = [];
  for (const [index, vpc] of (source.vpcs ?? []).entries()) {
    const hub = hubOfVpc(source, vpc.name);
    if (hub === undefined) continue;
    const networks = vpc.vswitches.flatMap((vswitch, at) =>
      (["cidr", "ipv6"] as const).map((key) => ({ text: vswitch[key], at, key })),
    );
    for (const { text, at, key } of networks) {
      const found = text === undefined ? undefined : parsePrefix(text);
      if (found === undefined) continue;
      const other = seen.find((one) => one.hub === hub && overlaps(one.prefix, found));
      if (other !== undefined) {
        const message = `${text} overlaps with a vSwitch of ${other.vpc}, both are on ${hub}`;
        error(["vpcs", index, "vswitches", at, key], "C118", message);
      }
      seen.push({ hub, vpc: vpc.name, prefix: found });
    }
  }
}

function lintEndpoints(source: CloudFile, error: Tell): void {
  for (const [index, { address, zones = [], vpc }] of (source.endpoints ?? []).entries()) {
    const path: LintPath = ["endpoints", index];
    const vswitches = source.vpcs?.find(({ name }) => name === vpc)?.vswitches ?? [];
    const inside = (text: string, at: LintPath): void => {
      const octets = parseAddress(text);
      const isInside = vswitches.some(({ cidr }) => {
        const found = parsePrefix(cidr);
        return octets !== undefined && found !== undefined && containsAddress(found, octets);
      });
      if (!isInside) error(at, "C118", `${text} is in no vSwitch of ${vpc}`);
    };
    if ((address === undefined) === (zones.length === 0)) {
      error(path, "C118", "an endpoint has an address or zones, one of the two");
    }
    if (address !== undefined) inside(address, [...path, "address"]);
    for (const [at, one] of zones.entries()) {
      inside(one.address, [...path, "zones", at, "address"]);
      if (zones.findIndex(({ zone }) => zone === one.zone) === at) continue;
      const message = `zone "${one.zone}" stands here twice (EndpointZoneDuplicated)`;
      error([...path, "zones", at, "zone"], "C118", message);
    }
  }
}

function lintTransitRouter(
  source: CloudFile,
  tr: TransitRouterFile,
  path: LintPath,
  error: Tell,
): void {
  const tables = tr.tables ?? ["default"];
  const names = new Set<string>();
  for (const [index, attachment] of tr.attachments.entries()) {
    const at = [...path, "attachments", index];
    const { name, kind, to, association, propagations = [], allowedPrefixes } = attachment;
    if (names.has(name)) error([...at, "name"], "C101", `"${name}" stands here twice`);
    names.add(name);
    const lists = {
      ecr: undefined,
      vbr: source.vbrs,
      vpc: source.vpcs,
      vpn: source.vpns,
      tr: source.transitRouters,
    };
    const known = lists[kind]?.map((one) => one.name);
    if (known === undefined && source.ecr === undefined) {
      error([...at, "kind"], "C106", `there is no ECR here: add the key "ecr"`);
    } else if (known === undefined && to !== undefined && to !== source.ecr?.name) {
      error([...at, "to"], "C106", `the ECR is called "${source.ecr?.name}"`);
    } else if (known !== undefined && (to === undefined || !known.includes(to))) {
      error([...at, "to"], "C106", `there is no ${kind} "${to ?? ""}"; known are ${known}`);
    } else if (to === tr.name) {
      error([...at, "to"], "C121", "a transit router is not attached to itself");
    }
    if (allowedPrefixes !== undefined && kind !== "ecr") {
      const message = "allowed prefixes are those of the association with the ECR";
      error([...at, "allowedPrefixes"], "C123", message);
    }
    for (const [index, text] of (allowedPrefixes ?? []).entries()) {
      lintAnnounced(text, [...at, "allowedPrefixes", index], error);
    }
    for (const table of [association, ...propagations]) {
      if (table === undefined || table === "none" || tables.includes(table)) continue;
      error(at, "C106", `${tr.name} has no table "${table}"; known are ${tables.join(", ")}`);
    }
  }
  lintAttachedOnce(source, tr, path, error);
  for (const [index, route] of (tr.routes ?? []).entries()) {
    const at = [...path, "routes", index];
    if (lintAnnounced(route.prefix, [...at, "prefix"], error) === undefined) continue;
    if (route.to !== "blackhole" && !names.has(route.to)) {
      error([...at, "to"], "C106", `${tr.name} has no attachment "${route.to}"`);
    }
    if (route.table !== undefined && !tables.includes(route.table)) {
      error([...at, "table"], "C106", `${tr.name} has no table "${route.table}"`);
    }
  }
  lintAggregates(source, tr, path, error);
  lintRouteMaps(source, tr, path, error);
}

/** Aggregates of a table: so many, none twice, none of the same prefix as a static route. */
function lintAggregates(
  source: CloudFile,
  tr: TransitRouterFile,
  path: LintPath,
  error: Tell,
): void {
  const { aggregates = [], routes = [], tables = ["default"] } = tr;
  const tableOf = ({ table = tables[0] }: { readonly table?: string }) => table;
  const limit = quotasOf(source).aggregatesPerTrTable;
  for (const [index, aggregate] of aggregates.entries()) {
    const at = [...path, "aggregates", index];
    const table = tableOf(aggregate);
    if (!tables.includes(table ?? "")) {
      error([...at, "table"], "C106", `${tr.name} has no table "${table}"`);
    }
    const found = lintAnnounced(aggregate.prefix, [...at, "prefix"], error);
    if (found !== undefined && found.length >= (found.afi === 1 ? 32 : 128)) {
      error([...at, "prefix"], "C121", `${aggregate.prefix} covers no other prefix`);
    }
    const before = aggregates.slice(0, index).filter((one) => tableOf(one) === table);
    const same = [...before, ...routes.filter((one) => tableOf(one) === table)];
    if (same.some(({ prefix }) => prefix === aggregate.prefix)) {
      error([...at, "prefix"], "C121", `${aggregate.prefix} is in the table ${table} already`);
    }
    if (before.length === limit) {
      error(at, "C108", `more than ${limit} aggregates, which is what a table takes`);
    }
  }
}

/** One transit router a region for the ECR; one for a VBR, of its region; one for a VPC. */
function lintAttachedOnce(
  source: CloudFile,
  tr: TransitRouterFile,
  path: LintPath,
  error: Tell,
): void {
  const all = source.transitRouters ?? [];
  const regionOf = ({ region = homeOf(source) }: TransitRouterFile): string => region;
  for (const [index, { kind, to }] of tr.attachments.entries()) {
    const at = [...path, "attachments", index];
    const twins = (other: TransitRouterFile) =>
      other.attachments.filter((one) => one.kind === kind && (kind === "ecr" || one.to === to))
        .length;
    if (kind === "vpc" || kind === "vpn" || kind === "vbr") {
      const count = all.reduce((sum, other) => sum + twins(other), 0);
      if (count > 1) error(at, "C121", `${to} is attached ${count} times; once is allowed`);
      const region = kind === "vbr" ? regionOfVbr(source, to) : undefined;
      if (region !== undefined && region !== regionOf(tr)) {
        error([...at, "to"], "C121", `${to} is in ${region}, where ${tr.name} is not`);
      }
    } else if (kind === "ecr") {
      const isMixed = tr.attachments.some((one) => one.kind === "vbr");
      if (isMixed && source.knobs?.vbrBesideEcr === "refused") {
        error(at, "C121", `${tr.name} has VBRs and the ECR at once: knobs.vbrBesideEcr`);
      }
      const near = all.filter((other) => regionOf(other) === regionOf(tr));
      const count = near.reduce((sum, other) => sum + twins(other), 0);
      const code = "OperationDenied.AttachmentInCurrentRegionExisted";
      if (count > 1) error(at, "C121", `the ECR is attached twice in one region (${code})`);
    }
  }
}

/** Traffic between regions is Cloud Data Transfer's, which has to be opened. */
function lintRegions(source: CloudFile, error: Tell): void {
  const regions = source.regions ?? [];
  if (regions.length < 2) return;
  for (const [index, { name, cdt }] of regions.entries()) {
    if (cdt === true) continue;
    const message = `${name} is one of several regions and needs cdt: true`;
    error(["regions", index], "C116", `${message} (OperationFailed.CdtNotOpened)`);
  }
}
