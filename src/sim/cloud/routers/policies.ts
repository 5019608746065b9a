/**
 * What the cloud's routers let pass between each other, in the policy language the edge has too;
 * by the tags of `tags.ts` they know whence a route came.
 */
import { ACCEPT_ALL, type PolicyChain } from "../../../bgp/policy/chain.ts";
import { compilePolicies } from "../../../bgp/policy/compile.ts";
import type { TermSource } from "../../../bgp/policy/source.ts";
import { assert } from "../../../core/assert.ts";
import type { CloudConfig, VbrConfig } from "../config/cloud-config.ts";
import { type AllowedPrefixes, ecrAssociations } from "../config/ecr-associations.ts";
import type { AttachmentConfig } from "../config/tr-config.ts";
import type { VpcConfig } from "../config/vpc-config.ts";
import type { VpnConfig } from "../config/vpn-config.ts";
import {
  type CloudState,
  isRevoked,
  type VbrState,
  type VpcState,
  type VpnState,
} from "../deeds/state.ts";
import { ecrMaps } from "./ecr-route-maps.ts";
import { ACCEPT, change, reject, within } from "./policy-terms.ts";
import { farMedOf, medOf, OTHER_REGION_MED, PREFERENCE_DEFAULT } from "./preference.ts";
import { type MapScene, mapsInto, mapsOutOf } from "./route-maps.ts";
import {
  ANY_ATTACHMENT,
  ANY_TABLE,
  ANY_TAG,
  CUSTOM_ROUTE,
  FROM_ANY_CUSTOMER,
  FROM_VBR,
  FROM_VPN,
  fromAssociation,
  fromAttachment,
  fromTable,
  SYSTEM_ROUTE,
} from "./tags.ts";

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

/** A reflector leaves the next hop alone (RFC 4456 §10); the cloud's hubs do not. */
const SELF = change("next-hop", { nextHop: "self" });

// VBR and VPN towards their customer ------------------------------------------------------------

export function fromCustomer(
  cloud: CloudConfig,
  kind: "vbr" | "vpn",
  overQuota: readonly string[],
): TermSource[] {
  const { customerMed, customerOrigin, customerNoExport, customerDefault } = cloud.knobs;
  const { gracefulShutdown } = cloud.knobs;
  return [
    ...(customerDefault === "refused"
      ? [reject("default", { prefix: ["0.0.0.0/0", "::/0"] })]
      : []),
    change("foreign-tags", { community: { delete: [ANY_TAG] } }),
    ...(customerMed === "ignored" ? [change("med", { med: "none" })] : []),
    ...(customerOrigin === "ignored" ? [change("origin", { origin: "igp" })] : []),
    ...(customerNoExport === "ignored"
      ? [change("no-export", { community: { delete: ["no-export"] } })]
      : []),
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
  options: {
    readonly isSitelink: boolean;
    readonly isProbeOnly: boolean;
    readonly privateAs: CloudConfig["knobs"]["privateAs"];
    /** A device that knows no AS_PATH but the cloud's own. */
    readonly isOldDevice: boolean;
  },
): TermSource[] {
  const probe: TermSource[] =
    probeSource === undefined
      ? []
      : [{ term: "probe", match: { prefix: `${probeSource}/32` }, action: "accept" }];
  if (options.isProbeOnly) return [...probe, { term: "failed", action: "reject" }];
  return [
    ...probe,
    ...(options.isSitelink ? [] : [reject("no-sitelink", { community: FROM_ANY_CUSTOMER })]),
    ...(options.privateAs === "removed"
      ? [change("private-as", { asPath: "remove-private" })]
      : []),
    ...(options.isOldDevice
      ? [change("old-device", { asPath: { replace: [] }, community: { delete: ["*:*"] } })]
      : []),
    change("tags", { med: "none", community: { delete: [ANY_TAG] } }),
    ACCEPT,
  ];
}

/** A VBR whose health check failed tells the cloud nothing; the probe's source stays with it. */
export function vbrToHub(cloud: CloudConfig, vbr: VbrConfig, state: VbrState): TermSource[] {
  const { healthCheck } = vbr;
  if (state.isHealthFailed) return [{ term: "health-check-failed", action: "reject" }];
  return [
    ...(healthCheck === undefined ? [] : [reject("probe", { prefix: `${healthCheck.source}/32` })]),
    ...(cloud.knobs.customerNoExport === "kept-at-vbr"
      ? [reject("no-export", { community: "no-export" })]
      : []),
    ACCEPT,
  ];
}

/** Of two tunnels the one that stands by tells the cloud nothing. */
export function vpnToHub(vpn: VpnConfig, state: VpnState): TermSource[] {
  if (isRevoked(vpn, state)) return [{ term: "health-check-failed", action: "reject" }];
  return state.isStandby ? [{ term: "standby", action: "reject" }] : [ACCEPT];
}

// ECR -------------------------------------------------------------------------------------------

/** VPCs and transit routers reach customers, and nobody else, by way of the ECR. */
export function ecrToVbr(cloud: CloudConfig, vbr: VbrConfig, state: CloudState): TermSource[] {
  return [
    ...(vbr.isSitelink ? [] : [reject("no-sitelink", { community: FROM_ANY_CUSTOMER })]),
    ...ecrAssociations(cloud).flatMap(({ name }, index): TermSource[] => {
      const { prefixes, mode } = state.allowed.get(name) ?? NO_PREFIXES;
      if (prefixes.length === 0) return [];
      const community = fromAssociation(index);
      const covered = mode === "match" ? {} : { prefix: prefixes.map(within) };
      // One that is a prefix of the instance's own is told as the route that it is.
      const match = { community, ...covered, not: { prefix: prefixes } };
      return [reject(`allowed-${name}`, match)];
    }),
    SELF,
    ...ecrMaps(cloud.ecr?.routeMaps ?? [], vbr.name, "out"),
    ACCEPT,
  ];
}

const NO_PREFIXES: AllowedPrefixes = { prefixes: [], mode: "match" };

export function ecrToCloud(cloud: CloudConfig, instance: string): TermSource[] {
  const maps = ecrMaps(cloud.ecr?.routeMaps ?? [], instance, "out");
  const customers = { community: FROM_ANY_CUSTOMER };
  if (maps.length === 0) return [SELF, { term: "customers", match: customers, action: "accept" }];
  return [SELF, reject("others", { not: customers }), ...maps, ACCEPT];
}

/** Of a VPC, a transit router, a VBR: what was not switched off by prefix and next hop. */
export function intoEcr(cloud: CloudConfig, instance: string, state: CloudState): TermSource[] {
  const off = [...state.ecrRoutesOff].flatMap((key) => {
    const [prefix = "", nextHop] = key.split(" ");
    return nextHop === instance ? [prefix] : [];
  });
  const index = ecrAssociations(cloud).findIndex(({ name }) => name === instance);
  return [
    ...(off.length > 0 ? [reject("switched-off", { prefix: off })] : []),
    ...(index < 0 ? [] : [change("tag", { community: { add: [fromAssociation(index)] } })]),
    ...ecrMaps(cloud.ecr?.routeMaps ?? [], instance, "in"),
    ACCEPT,
  ];
}

export const betweenHubs = (): TermSource[] => [SELF, ACCEPT];

/** A path by another region's node loses where the AS_PATHs are as long. */
export const ecrFromRegion = (): TermSource[] => [
  change("other-region", { med: { add: OTHER_REGION_MED } }),
  ACCEPT,
];

// Transit router --------------------------------------------------------------------------------

/** Routes of an attachment into a table it propagates to, through the route maps that apply. */
export function intoTable(scene: MapScene & { attachment: AttachmentConfig }): TermSource[] {
  const { cloud, network, tr, attachment, other } = scene;
  const source = fromAttachment(cloud, tr, attachment);
  const table = network.nodes.findIndex(({ name }) => name === other.name);
  return [
    change("source", {
      med: medOf(PREFERENCE_DEFAULT),
      community: { delete: [ANY_ATTACHMENT, ANY_TABLE], add: [source, fromTable(table)] },
    }),
    ...mapsInto(scene, medOf),
    ACCEPT,
  ];
}

/** The same of another region's transit router: whatever it prefers, it is further away. */
export function intoTableFromRegion(scene: MapScene, regionRank: number): TermSource[] {
  const rank = scene.tr.isMultiRegionEcmp ? 0 : regionRank;
  const farMed = (preference: number) => farMedOf(preference, rank);
  return [
    change("source", { med: farMed(PREFERENCE_DEFAULT) }),
    ...mapsInto(scene, farMed),
    ACCEPT,
  ];
}

/** Routes of a table to that of another region: nothing is kept but what route maps deny. */
export const outToRegion = (scene: MapScene): TermSource[] => [SELF, ...mapsOutOf(scene), ACCEPT];

/** Ways to customers, which the vendor's own map keeps apart from each other. */
const isGateway = (attachment: AttachmentConfig | undefined): boolean =>
  attachment !== undefined && ["ecr", "vbr", "vpn"].includes(attachment.kind);

/**
 * Static routes not told on a session: those that lead to its attachment, which would come back;
 * from one gateway to another, as with what is learnt from them; to another region those that lead
 * to the ECR.
 */
export function staticsKept({ cloud, tr, attachment }: MapScene, statics: Statics): TermSource[] {
  const isToRegion = attachment === undefined || attachment.kind === "tr";
  const kept = tr.routes.flatMap(({ prefix, to }) => {
    const target = tr.attachments.find(({ name }) => name === to);
    if (target === undefined || !statics.has(prefix)) return [];
    const isApart =
      cloud.knobs.gatewayStatics === "kept" && isGateway(target) && isGateway(attachment);
    const isHidden = isToRegion && target.kind === "ecr";
    return isApart || isHidden || target === attachment ? [prefix] : [];
  });
  return kept.length === 0 ? [] : [reject("static-kept", { prefix: kept })];
}

/** Aggregates in force are told in place of what they cover; none covers another. */
export function aggregated({ cloud, attachment }: MapScene, aggregates: Statics): TermSource[] {
  const all = [...aggregates];
  if (all.length === 0) return [];
  const isVpc = attachment?.kind === "vpc";
  if (cloud.knobs.aggregatesToldTo === "vpc" && !isVpc) {
    return [reject("aggregate-kept", { prefix: all })];
  }
  const covered = all.map((prefix) => {
    return { ...within(prefix), ge: Number(prefix.split("/")[1]) + 1 };
  });
  return [
    reject("aggregated", { prefix: [...all.map((deny) => ({ deny })), ...covered] }),
    change("aggregate", { community: { add: [CUSTOM_ROUTE] } }, { prefix: all }),
  ];
}

type Statics = ReadonlySet<string>;

/** Prefixes that a VPC attached before this one has: its routes of the same are in conflict. */
export function inConflict(prefixes: readonly string[]): TermSource[] {
  return prefixes.length === 0 ? [] : [reject("conflict", { prefix: prefixes })];
}

/** Routes of a table to an attachment; at the end the vendor's own map of priority 5000. */
export const outOfTable = (scene: MapScene & { attachment: AttachmentConfig }): TermSource[] => [
  SELF,
  ...mapsOutOf(scene),
  ...(isGateway(scene.attachment)
    ? [reject("priority-5000", { community: FROM_ANY_CUSTOMER })]
    : []),
  ACCEPT,
];

/** Static routes rank behind BGP wherever they are told, and their path is the shortest of all. */
export const behindBgp = (statics: ReadonlySet<string>): TermSource[] =>
  statics.size === 0
    ? []
    : [
        change(
          "static",
          { localPref: STATIC_LOCAL_PREF, community: { add: [CUSTOM_ROUTE] } },
          { prefix: [...statics] },
        ),
      ];

const STATIC_LOCAL_PREF = 50;

// VPC -------------------------------------------------------------------------------------------

/** Priority of a VPC's table: system before custom before dynamic; the rest stays inactive. */
export function intoVpc(vpc: VpcConfig, state: VpcState): TermSource[] {
  const custom = state.routes.flatMap(({ prefix }) =>
    state.failedRoutes.includes(prefix) ? [] : [prefix],
  );
  return [
    reject("system-route", {
      prefix: [...vpc.vswitches, ...vpc.siblings].map(({ cidr }) => within(cidr)),
    }),
    ...(vpc.isPropagated ? [] : [{ term: "no-propagation", action: "reject" } as const]),
    ...(custom.length > 0 ? [reject("custom-route", { prefix: custom })] : []),
    ...(state.overQuota.length > 0 ? [reject("over-quota", { prefix: state.overQuota })] : []),
    ACCEPT,
  ];
}

/** A VPC's own routes by their type: its vSwitches, and what somebody entered and published. */
export function fromVpcTable({ vswitches }: VpcConfig): TermSource[] {
  const prefix = vswitches.map(({ cidr }) => cidr);
  const custom = { community: { add: [CUSTOM_ROUTE] } };
  if (prefix.length === 0) return [change("custom", custom), ACCEPT];
  return [
    change("system", { community: { add: [SYSTEM_ROUTE] } }, { prefix }),
    change("custom", custom, { not: { prefix } }),
    ACCEPT,
  ];
}
