/**
 * What the cloud's routers let pass between each other, in the policy language the edge has too.
 * Inside the cloud routes carry large communities of an AS nobody has, which say whence they came;
 * they are taken off where a route leaves for a customer, and what a customer sends of them is
 * taken off as well.
 */
import { ACCEPT_ALL, type PolicyChain } from "../../bgp/policy/chain.ts";
import { compilePolicies } from "../../bgp/policy/compile.ts";
import type { MatchSource, SetSource, TermSource } from "../../bgp/policy/source.ts";
import { assert } from "../../core/assert.ts";
import type { CloudConfig, VbrConfig } from "./cloud-config.ts";
import type { VbrState, VpcState } from "./state.ts";
import type { AttachmentConfig, RouteMapConfig, TransitRouterConfig } from "./tr-config.ts";
import type { VpcConfig } from "./vpc-config.ts";

const TAG_AS = 4_294_967_295;
const tag = (kind: number, value: number | "*"): string => `${TAG_AS}:${kind}:${value}`;

const ANY_TAG = `${TAG_AS}:*:*`;
const FROM_ANY_CUSTOMER = tag(1, "*");
const FROM_VBR = tag(1, 1);
const FROM_VPN = tag(1, 2);
const fromVpc = (index: number): string => tag(2, index);
const fromAttachment = (index: number): string => tag(3, index);
const chosenByMap = (priority: number): string => tag(4, priority);

/** Routes of another region lose before anything but AS_PATH is looked at. */
const OTHER_REGION_MED = 10_000_000;
/** Preference (1–100, 50 if nobody says) before the region's name, each in its digits of MED. */
const PREFERENCE_MED = 1_000;
const PREFERENCE_DEFAULT = 50;

/** Compiles terms once: the same text is the same policy, so a reload that changes none is none. */
export class PolicyBook {
  readonly #known = new Map<string, PolicyChain>();

  of(terms: readonly TermSource[]): PolicyChain {
    if (terms.length === 1 && terms[0] === ACCEPT) return ACCEPT_ALL;
    const key = JSON.stringify(terms);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = compilePolicies({ policies: { cloud: terms } });
    assert(made.ok, "a policy of our own compiles");
    const policy = made.value.get("cloud");
    assert(policy !== undefined, "it was compiled");
    this.#known.set(key, policy);
    return policy;
  }
}

const ACCEPT: TermSource = { term: "rest", action: "accept" };
const reject = (term: string, match: MatchSource): TermSource => {
  return { term, match, action: "reject" };
};
const change = (term: string, set: SetSource, match?: MatchSource): TermSource => {
  return { term, set, ...(match !== undefined && { match }) };
};
const within = (prefix: string) => ({ permit: prefix, le: prefix.includes(":") ? 128 : 32 });
/** A reflector leaves the next hop alone (RFC 4456 §10); the cloud's hubs do not. */
const SELF = change("next-hop", { nextHop: "self" });

// VBR and VPN towards their customer ------------------------------------------------------------

export function fromCustomer(
  cloud: CloudConfig,
  kind: "vbr" | "vpn",
  overQuota: readonly string[],
): TermSource[] {
  const { customerMed, gracefulShutdown } = cloud.knobs;
  return [
    change("foreign-tags", { community: { delete: [ANY_TAG] } }),
    ...(customerMed === "ignored" ? [change("med", { med: "none" })] : []),
    ...(gracefulShutdown === "ignored"
      ? [change("shutdown", { localPref: 100 }, { community: "graceful-shutdown" })]
      : []),
    ...(overQuota.length > 0 ? [reject("over-quota", { prefix: overQuota })] : []),
    change("tag", { community: { add: [kind === "vbr" ? FROM_VBR : FROM_VPN] } }),
    ACCEPT,
  ];
}

/** `isSitelink`: routes of other customers pass; what else is let through was judged before. */
export function toCustomer(
  probeSource: string | undefined,
  options: { readonly isSitelink: boolean; readonly isProbeOnly: boolean },
): TermSource[] {
  const probe: TermSource[] =
    probeSource === undefined
      ? []
      : [{ term: "probe", match: { prefix: `${probeSource}/32` }, action: "accept" }];
  if (options.isProbeOnly) return [...probe, { term: "failed", action: "reject" }];
  return [
    ...probe,
    ...(options.isSitelink ? [] : [reject("no-sitelink", { community: FROM_ANY_CUSTOMER })]),
    change("tags", { med: "none", community: { delete: [ANY_TAG] } }),
    ACCEPT,
  ];
}

/** A VBR whose health check failed tells the cloud nothing; the probe's source stays with it. */
export function vbrToHub(vbr: VbrConfig, state: VbrState): TermSource[] {
  const { healthCheck } = vbr;
  if (state.isHealthFailed) return [{ term: "health-check-failed", action: "reject" }];
  if (healthCheck === undefined) return [ACCEPT];
  return [reject("probe", { prefix: `${healthCheck.source}/32` }), ACCEPT];
}

// ECR -------------------------------------------------------------------------------------------

/** VPCs and transit routers reach customers, and nobody else, by way of the ECR. */
export function ecrToVbr(cloud: CloudConfig, vbr: VbrConfig): TermSource[] {
  return [
    ...(vbr.isSitelink ? [] : [reject("no-sitelink", { community: FROM_ANY_CUSTOMER })]),
    ...cloud.vpcs.flatMap(allowedPrefixTerms),
    SELF,
    ACCEPT,
  ];
}

function allowedPrefixTerms(vpc: VpcConfig, index: number): TermSource[] {
  if (vpc.allowedPrefixes.length === 0) return [];
  const term = `allowed-${vpc.name}`;
  const community = fromVpc(index);
  return vpc.prefixMode === "match"
    ? [reject(term, { community })]
    : [reject(term, { community, prefix: vpc.allowedPrefixes.map(within) })];
}

export const ecrToCloud = (): TermSource[] => [
  SELF,
  { term: "customers", match: { community: FROM_ANY_CUSTOMER }, action: "accept" },
];

export const ecrFromVpc = (cloud: CloudConfig, vpc: VpcConfig): TermSource[] => [
  change("tag", { community: { add: [fromVpc(cloud.vpcs.indexOf(vpc))] } }),
  ACCEPT,
];

export const betweenHubs = (): TermSource[] => [SELF, ACCEPT];

/** A path by another region's node loses where the AS_PATHs are as long. */
export const ecrFromRegion = (): TermSource[] => [
  change("other-region", { med: { add: OTHER_REGION_MED } }),
  ACCEPT,
];

// Transit router --------------------------------------------------------------------------------

/** Routes of an attachment into a table it propagates to, through the route maps that apply. */
export function intoTable(
  tr: TransitRouterConfig,
  attachment: AttachmentConfig,
  maps: readonly RouteMapConfig[],
): TermSource[] {
  const index = tr.attachments.indexOf(attachment);
  return [
    change("source", {
      med: medOf(PREFERENCE_DEFAULT),
      community: { delete: [tag(3, "*")], add: [fromAttachment(index)] },
    }),
    ...maps
      .filter((map) => map.direction === "in" && appliesTo(map, "source", attachment))
      .flatMap((map) => mapTerms(tr, map)),
    ACCEPT,
  ];
}

/** The same of another region's transit router: whatever it prefers, it is further away. */
export function intoTableFromRegion(
  tr: TransitRouterConfig,
  attachment: AttachmentConfig | undefined,
  regionRank: number,
): TermSource[] {
  const index =
    attachment === undefined ? tr.attachments.length : tr.attachments.indexOf(attachment);
  const rank = tr.isMultiRegionEcmp ? 0 : regionRank;
  return [
    change("source", {
      med: OTHER_REGION_MED + medOf(PREFERENCE_DEFAULT) + rank,
      community: { delete: [tag(3, "*")], add: [fromAttachment(index)] },
    }),
    ACCEPT,
  ];
}

/** Ways to customers, which the vendor's own map keeps apart from each other. */
const isGateway = ({ kind }: AttachmentConfig): boolean =>
  kind === "ecr" || kind === "vbr" || kind === "vpn";

/**
 * Static routes not told to an attachment: those that lead to it, which would come back, and from
 * one gateway to another, as with what is learnt from them.
 */
export function staticsKept(
  tr: TransitRouterConfig,
  attachment: AttachmentConfig,
  statics: ReadonlySet<string>,
): TermSource[] {
  const kept = tr.routes.flatMap(({ prefix, to }) => {
    const target = tr.attachments.find(({ name }) => name === to);
    if (target === undefined || !statics.has(prefix)) return [];
    const isApart = isGateway(target) && isGateway(attachment);
    return isApart || target === attachment ? [prefix] : [];
  });
  return kept.length === 0 ? [] : [reject("static-kept", { prefix: kept })];
}

/** Routes of a table to an attachment; at the end the vendor's own map of priority 5000. */
export function outOfTable(
  tr: TransitRouterConfig,
  attachment: AttachmentConfig,
  maps: readonly RouteMapConfig[],
): TermSource[] {
  return [
    SELF,
    ...maps
      .filter((map) => map.direction === "out" && appliesTo(map, "destination", attachment))
      .flatMap((map) => mapTerms(tr, map)),
    ...(isGateway(attachment) ? [reject("priority-5000", { community: FROM_ANY_CUSTOMER })] : []),
    ACCEPT,
  ];
}

/** Static routes rank behind BGP wherever they are told, and their path is the shortest of all. */
export const behindBgp = (statics: ReadonlySet<string>): TermSource[] =>
  statics.size === 0
    ? []
    : [change("static", { localPref: STATIC_LOCAL_PREF }, { prefix: [...statics] })];

const STATIC_LOCAL_PREF = 50;

const medOf = (preference: number): number => preference * PREFERENCE_MED;

function appliesTo(
  map: RouteMapConfig,
  side: "source" | "destination",
  attachment: AttachmentConfig,
): boolean {
  const { sources, sourceKinds, destinations, destinationKinds } = map.match;
  const names = side === "source" ? sources : destinations;
  const kinds = side === "source" ? sourceKinds : destinationKinds;
  return (
    (names === undefined || names.includes(attachment.name)) &&
    (kinds === undefined || kinds.includes(attachment.kind))
  );
}

/**
 * What matched is marked first, so that one change of a map cannot keep the next from matching. A
 * map that permits ends it all, unless it names a next one.
 */
function mapTerms(tr: TransitRouterConfig, map: RouteMapConfig): TermSource[] {
  const mark = chosenByMap(map.priority);
  const name = `map-${map.priority}`;
  const community = mark;
  const { preference, communities, communityMode, prepend = [] } = map.set;
  const terms: TermSource[] = [
    change(name, { community: { add: [mark] } }, mapMatch(tr, map)),
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

function mapMatch(tr: TransitRouterConfig, map: RouteMapConfig): MatchSource {
  const { prefixes, prefixMode, asns, asnMode, communities, communityMode } = map.match;
  const sources = map.direction === "out" ? sourceTags(tr, map) : undefined;
  const asked =
    communities === undefined
      ? undefined
      : communityMode === "include"
        ? { any: communities }
        : { exact: communities };
  const parts: MatchSource = {
    ...(prefixes !== undefined && {
      prefix: prefixMode === "include" ? prefixes.map(within) : prefixes,
    }),
    ...(asns !== undefined &&
      (asnMode === "include" ? { asPathContains: asns } : { asPath: `^${asns.join("_")}$` })),
    ...(asked !== undefined && { community: asked }),
    ...(map.match.addressFamily !== undefined && { family: map.match.addressFamily }),
  };
  if (sources === undefined) return parts;
  // Two questions about communities cannot stand side by side, so the second is asked by `not not`.
  return { ...parts, not: { not: { community: { any: sources } } } };
}

function sourceTags(tr: TransitRouterConfig, map: RouteMapConfig): string[] | undefined {
  const { sources, sourceKinds } = map.match;
  if (sources === undefined && sourceKinds === undefined) return undefined;
  return tr.attachments.flatMap((one, index) =>
    appliesTo(map, "source", one) ? [fromAttachment(index)] : [],
  );
}

// VPC -------------------------------------------------------------------------------------------

/** Priority of a VPC's table: system before custom before dynamic; the rest stays inactive. */
export function intoVpc(vpc: VpcConfig, state: VpcState): TermSource[] {
  const custom = state.routes.map(({ prefix }) => prefix);
  return [
    reject("system-route", { prefix: vpc.vswitches.map(({ cidr }) => within(cidr)) }),
    ...(custom.length > 0 ? [reject("custom-route", { prefix: custom })] : []),
    ...(state.overQuota.length > 0 ? [reject("over-quota", { prefix: state.overQuota })] : []),
    ACCEPT,
  ];
}
