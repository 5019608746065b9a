/**
 * What the vendor's API would refuse of VBRs off the ECR: of peering connections and the
 * routes that need them, and of what only a VBR on the ECR has.
 */
import { parsePrefix } from "../../../core/prefix.ts";
import { quotasOf } from "../config/knobs.ts";
import { wayOf } from "../config/next-hops.ts";
import { DEFAULTS } from "./defaults.ts";
import { hubOfVbr, hubOfVpc, isEcr } from "./hubs.ts";
import { lintProbe } from "./lint-lines.ts";
import type { LintPath, Tell } from "./lint-names.ts";
import { lintAnnounced } from "./lint-routes.ts";
import type { CloudFile } from "./schema.ts";
import type { VpcFile, VpcRouteFile } from "./schema-routes.ts";

type VbrFile = CloudFile["vbrs"][number];

/** Multicast, which no network of BGP may be. */
const CLASS_D_FIRST_OCTET = { min: 224, max: 239 } as const;

export function lintPeerings(source: CloudFile, error: Tell): void {
  lintTwins(source, error);
  lintProbes(source, error);
  for (const [index, vbr] of source.vbrs.entries()) {
    const path = ["vbrs", index];
    const isPeered = source.peerings?.some((one) => one.vbr === vbr.name) === true;
    const hub = hubOfVbr(source, vbr.name);
    if (!isEcr(source, hub)) lintOffEcr(vbr, isPeered, path, error);
    if (isPeered && hub !== undefined) {
      const message = `${vbr.name} is peered and on ${hub} at once, which is not modelled`;
      error([...path, "name"], "C123", message);
    }
    if (!isPeered && hub === undefined) tellLost(vbr.name, [...path, "name"], error);
    lintVbrRoutes(source, vbr, path, error);
    lintNetworks(vbr, isPeered, path, error);
  }
  for (const [index, vpc] of (source.vpcs ?? []).entries()) {
    const isPeered = source.peerings?.some((one) => one.vpc === vpc.name) === true;
    const isLost = !isPeered && hubOfVpc(source, vpc.name) === undefined;
    if (isLost) tellLost(vpc.name, ["vpcs", index, "name"], error);
    for (const [at, route] of (vpc.routes ?? []).entries()) {
      lintVpcRoute(source, vpc, route, ["vpcs", index, "routes", at], error);
    }
  }
}

/** Without an ECR everything has to be joined to something else. */
function tellLost(name: string, path: LintPath, error: Tell): void {
  const others = "attach it to a transit router, peer it, or add the key ecr";
  error(path, "C124", `${name} is joined to nothing: there is no ECR here; ${others}`);
}

function lintTwins({ peerings = [] }: CloudFile, error: Tell): void {
  for (const [index, { vbr, vpc }] of peerings.entries()) {
    if (peerings.findIndex((one) => one.vbr === vbr && one.vpc === vpc) === index) continue;
    const message = `${vbr} and ${vpc} are peered already (Forbidden.OnlyOneConnection)`;
    error(["peerings", index], "C121", message);
  }
}

/** Probes find their way by address, so no two may have the same where both are known. */
function lintProbes(source: CloudFile, error: Tell): void {
  const sources = new Set(source.vbrs.flatMap(({ healthCheck }) => healthCheck?.source ?? []));
  const targets = new Set<string>();
  for (const [index, { vbr, vpc, healthCheck }] of (source.peerings ?? []).entries()) {
    if (healthCheck === undefined) continue;
    const path = ["peerings", index, "healthCheck"];
    lintProbe(healthCheck, path, error);
    if (sources.has(healthCheck.source)) {
      const message = `${healthCheck.source} is the source of another health check`;
      error([...path, "source"], "C111", message);
    }
    sources.add(healthCheck.source);
    const { target = source.vbrs.find(({ name }) => name === vbr)?.peer } = healthCheck;
    const key = `${vpc} ${target}`;
    if (targets.has(key)) {
      const message = `${vpc} probes ${target} through another peering connection already`;
      error([...path, "target"], "C111", message);
    }
    targets.add(key);
  }
}

/** What belongs to a VBR on the ECR, and would do nothing on one that is not. */
function lintOffEcr(vbr: VbrFile, isPeered: boolean, path: LintPath, error: Tell): void {
  const because = `${vbr.name} is not on the ECR`;
  if (vbr.mtu === 8500) error([...path, "mtu"], "C124", `${because}: its MTU is 1500`);
  if (vbr.sitelink === true) {
    error([...path, "sitelink"], "C124", `${because}: routes of other VBRs do not reach it`);
  }
  if (isPeered && vbr.healthCheck !== undefined) {
    const message = `${because}: each peering connection has a health check of its own`;
    error([...path, "healthCheck"], "C124", message);
  }
}

function lintVbrRoutes(source: CloudFile, vbr: VbrFile, path: LintPath, error: Tell): void {
  const { routes = [] } = vbr;
  const limit = quotasOf(source).customRoutesPerVbrTable;
  if (routes.length > limit) {
    const quota = `quotas.customRoutesPerVbrTable allows ${limit}`;
    error([...path, "routes"], "C108", `${routes.length} custom routes, ${quota}`);
  }
  const own = (source.peerings ?? []).flatMap((one) => (one.vbr === vbr.name ? one.name : []));
  const seen = new Set<string>();
  for (const [index, { prefix, to }] of routes.entries()) {
    const at = [...path, "routes", index];
    lintAnnounced(prefix, [...at, "prefix"], error);
    if (seen.has(prefix)) {
      error([...at, "prefix"], "C119", `${prefix} stands here twice; a VBR's table has no ECMP`);
    }
    seen.add(prefix);
    if (own.length === 0) {
      const message = `${vbr.name} has no peering connection a static route could lead into`;
      error([...at, "to"], "C124", message);
    } else if (!own.includes(to)) {
      const message = `${vbr.name} has no peering connection "${to}"; known are ${own.join(", ")}`;
      error([...at, "to"], "C106", message);
    }
  }
}

function lintNetworks(vbr: VbrFile, isPeered: boolean, path: LintPath, error: Tell): void {
  const seen = new Set<string>();
  for (const [index, network] of (vbr.networks ?? []).entries()) {
    const at = [...path, "networks", index];
    if (!isPeered) {
      const message = `${vbr.name} has no peering connection`;
      error(at, "C124", `${message} (OperationFailed.NoActiveRouterInterface)`);
    }
    lintAnnounced(network, at, error);
    const octet = parsePrefix(network)?.address[0] ?? 0;
    if (octet >= CLASS_D_FIRST_OCTET.min && octet <= CLASS_D_FIRST_OCTET.max) {
      error(at, "C122", `${network} is multicast (IllegalParam.ConflictWithDClass)`);
    }
    if (seen.has(network)) {
      error(at, "C119", `${network} stands here twice (Duplicated.CidrBlock)`);
    }
    seen.add(network);
  }
}

/** Into peering connections: of the VPC's own, and weights the vendor takes. */
function lintVpcRoute(
  source: CloudFile,
  vpc: VpcFile,
  { nextHop, via }: VpcRouteFile,
  path: LintPath,
  error: Tell,
): void {
  if (wayOf(nextHop) !== "peering") return;
  if (via === undefined) {
    error([...path, "nextHop"], "C124", "nextHop: peering needs via, its peering connections");
    return;
  }
  const own = (source.peerings ?? []).flatMap((one) => (one.vpc === vpc.name ? one.name : []));
  const seen = new Set<string>();
  for (const [index, { peering }] of via.entries()) {
    const at = [...path, "via", index, "peering"];
    if (!own.includes(peering)) {
      error(at, "C106", `${vpc.name} has no peering connection "${peering}"`);
    }
    if (seen.has(peering)) error(at, "C101", `"${peering}" stands here twice`);
    seen.add(peering);
  }
  const weights = via
    .map(({ weight = DEFAULTS.peeringWeight }) => weight)
    .toSorted((a, b) => b - a);
  const isStandby = weights.length === 2 && weights[0] === 100 && weights[1] === 0;
  const isEqual = weights.every((weight) => weight === weights[0] && weight > 0);
  if (isStandby || isEqual) return;
  error(
    [...path, "via"],
    "C124",
    "weights are equal and above 0 to share, or 100 and 0 to stand by",
  );
}
