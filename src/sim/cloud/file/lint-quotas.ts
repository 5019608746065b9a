/** Quotas of an account that can be counted in the file, each with the vendor's code for it. */

import type { CloudQuotas } from "../config/knobs.ts";
import { quotasOf } from "../config/knobs.ts";
import { groupsOfFile } from "./bgp-groups.ts";
import { deviceOf } from "./defaults.ts";
import { hubOfVpc, isEcr } from "./hubs.ts";
import type { LintPath, Tell } from "./lint-names.ts";
import type { CloudFile } from "./schema.ts";

/** One thing that counts, against the quota of whatever it is on. */
interface Counted {
  readonly of: string;
  readonly path: LintPath;
}

interface Quota {
  readonly key: keyof CloudQuotas;
  /** What is counted, in the plural. */
  readonly what: string;
  /** The vendor's, where it is known. */
  readonly code?: string;
  count(source: CloudFile): readonly Counted[];
}

export function lintQuotas(source: CloudFile, error: Tell): void {
  const quotas = quotasOf(source);
  for (const { key, what, code, count } of QUOTAS) {
    const counts = new Map<string, number>();
    for (const { of, path } of count(source)) {
      const number = (counts.get(of) ?? 0) + 1;
      counts.set(of, number);
      if (number <= quotas[key]) continue;
      const limit = `quotas.${key} allows ${quotas[key]}`;
      const because = code === undefined ? "" : ` (${code})`;
      error(path, "C108", `${of} has ${number} ${what}, ${limit}${because}`);
    }
  }
}

type VbrFile = CloudFile["vbrs"][number];

const THE_ACCOUNT = "the account";

const QUOTAS: readonly Quota[] = [
  {
    key: "connectionsPerAccessPoint",
    what: "connections",
    code: "QuotaExceeded.pConnPerAP",
    count: ({ connections = [] }) =>
      connections.map(({ accessPoint }, index) => {
        return { of: accessPoint, path: ["connections", index, "accessPoint"] };
      }),
  },
  {
    key: "unpaidConnections",
    what: "connections that are not paid for",
    code: "QuotaExceeded.freePconnPerAP",
    count: ({ connections = [] }) =>
      connections.flatMap(({ status = "Enabled" }, index) => {
        return UNPAID.has(status)
          ? [{ of: THE_ACCOUNT, path: ["connections", index, "status"] }]
          : [];
      }),
  },
  {
    key: "vbrsPerConnection",
    what: "VBRs",
    code: "QuotaExceeded.vbrPerpConn",
    count: (source) => vbrs(source, "connection", ({ connection }) => connection),
  },
  {
    key: "idleVbrs",
    what: "VBRs that nobody has confirmed",
    code: "QuotaExceeded.freevbr",
    count: (source) =>
      vbrs(source, "status", ({ status }) => (status === "unconfirmed" ? THE_ACCOUNT : undefined)),
  },
  {
    key: "vbrsPerAccessDevice",
    what: "VBRs",
    code: "QuotaExceeded.VbrPerAccessDevice",
    count: (source) => vbrs(source, "connection", (vbr) => deviceOfVbr(source, vbr)),
  },
  {
    key: "bfdSessionsPerAccessDevice",
    what: "BFD sessions",
    code: "QuotaExceeded.BfdSession",
    count: (source) =>
      bgpPeers(source).flatMap(({ vbr, path, bfd }) => {
        const of = bfd === undefined || bfd === "off" ? undefined : deviceOfVbr(source, vbr);
        return of === undefined ? [] : [{ of, path }];
      }),
  },
  {
    key: "bgpPeersPerVbr",
    what: "BGP peers",
    code: "QuotaExceeded.Bgp",
    count: (source) => bgpPeers(source).map(({ vbr, path }) => ({ of: vbr.name, path })),
  },
  {
    key: "healthChecksPerAccessDevice",
    what: "health checks",
    code: "QuotaExceeded.Nqa",
    count: (source) =>
      vbrs(source, "healthCheck", (vbr) =>
        vbr.healthCheck === undefined ? undefined : deviceOfVbr(source, vbr),
      ),
  },
  {
    key: "networksPerVbr",
    what: "networks",
    code: "QuotaExceeded.BgpNetwork",
    count: (source) =>
      source.vbrs.flatMap(({ name, networks = [] }, index) =>
        networks.map((_, at) => ({ of: name, path: ["vbrs", index, "networks", at] })),
      ),
  },
  {
    key: "vpcsPerEcr",
    what: "VPCs",
    code: "QuotaExceeded.VpcCountPerEcr",
    count: (source) =>
      (source.vpcs ?? []).flatMap(({ name }, index) =>
        isOnEcr(source, name) ? [{ of: source.ecr?.name ?? "", path: ["vpcs", index] }] : [],
      ),
  },
  {
    key: "transitRoutersPerEcr",
    what: "transit routers",
    code: "QuotaExceeded.TrCountPerEcr",
    count: ({ transitRouters = [], ecr }) =>
      transitRouters.flatMap(({ attachments }, index) =>
        attachments.some(({ kind }) => kind === "ecr")
          ? [{ of: ecr?.name ?? "", path: ["transitRouters", index] }]
          : [],
      ),
  },
  {
    key: "customTablesPerVpc",
    what: "custom route tables",
    code: "QuotaExceeded.RouteTable",
    count: ({ vpcs = [] }) =>
      vpcs.flatMap(({ name, tables = [] }, index) =>
        tables.map((_, at) => ({ of: name, path: ["vpcs", index, "tables", at] })),
      ),
  },
  {
    key: "allowedPrefixesPerVpc",
    what: "allowed prefixes",
    code: "IllegalParamSize.AllowedPrefixes",
    count: ({ vpcs = [] }) =>
      vpcs.flatMap(({ name, allowedPrefixes = [] }, index) =>
        allowedPrefixes.map((_, at) => {
          return { of: name, path: ["vpcs", index, "allowedPrefixes", at] };
        }),
      ),
  },
  {
    key: "peeringsPerVbr",
    what: "peering connections",
    count: (source) => peerings(source, "vbr", ({ vbr }) => vbr),
  },
  {
    key: "peeringsPerVpc",
    what: "peering connections",
    count: (source) => peerings(source, "vpc", ({ vpc }) => vpc),
  },
  {
    key: "peeringsPerAccount",
    what: "peering connections",
    count: (source) => peerings(source, "name", () => THE_ACCOUNT),
  },
];

/** On the way to Enabled: ordered, not yet paid. */
const UNPAID: ReadonlySet<string> = new Set([
  ...["Initial", "Approved", "Allocating", "Allocated", "Confirmed"],
]);

function vbrs(
  source: CloudFile,
  key: keyof VbrFile,
  placeOf: (vbr: VbrFile) => string | undefined,
): readonly Counted[] {
  return source.vbrs.flatMap((vbr, index) => {
    const of = placeOf(vbr);
    return of === undefined ? [] : [{ of, path: ["vbrs", index, key] }];
  });
}

type PeeringFile = NonNullable<CloudFile["peerings"]>[number];

const peerings = (
  { peerings: all = [] }: CloudFile,
  key: keyof PeeringFile,
  placeOf: (peering: PeeringFile) => string,
): readonly Counted[] =>
  all.map((peering, index) => ({ of: placeOf(peering), path: ["peerings", index, key] }));

const bgpPeers = (source: CloudFile) =>
  source.vbrs.flatMap((vbr, index) =>
    groupsOfFile(vbr).flatMap(({ peers }) =>
      peers.map(({ at, bfd }) => ({ vbr, bfd, path: ["vbrs", index, ...at] })),
    ),
  );

/** The access device a VBR's connection is on; undefined where the file has no connections. */
function deviceOfVbr({ connections = [] }: CloudFile, vbr: VbrFile): string | undefined {
  const found = connections.find(({ name }) => name === vbr.connection);
  return found && deviceOf(found);
}

const isOnEcr = (source: CloudFile, vpc: string): boolean => isEcr(source, hubOfVpc(source, vpc));
