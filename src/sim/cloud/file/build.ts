/** From the cloud's file, once it is known to be sound, to what the cloud is built of. */
import { parseDurationUs } from "../../../core/time.ts";
import type { BfdTimers, BgpGroupConfig } from "../config/bgp-config.ts";
import type {
  CloudConfig,
  ConnectionConfig,
  DeviceFeature,
  HealthCheckConfig,
  InterconnectConfig,
  RegionConfig,
  VbrConfig,
} from "../config/cloud-config.ts";
import { type CloudKnobs, KNOB_DEFAULTS, quotasOf } from "../config/knobs.ts";
import type { PeeringConfig } from "../config/peering-config.ts";
import type { VpnConfig } from "../config/vpn-config.ts";
import { type GroupFile, groupsOfFile, oneSpelling } from "./bgp-groups.ts";
import { toEcrRouteMap, toEndpoint, toTransitRouter, toVpc } from "./build-routes.ts";
import { bps, DEFAULTS, deviceOf, sec, us } from "./defaults.ts";
import { homeOf, regionOfVbr } from "./hubs.ts";
import type { CloudFile } from "./schema.ts";
import type { KnobsFile } from "./schema-knobs.ts";

export function buildCloudConfig(source: CloudFile): CloudConfig {
  const knobs = toKnobs(source.knobs ?? {});
  const regions = (source.regions ?? [{ name: DEFAULTS.region }]).map(toRegion);
  const home = homeOf(source);
  const accessPoints = (source.accessPoints ?? []).map((ap) => ({
    name: ap.name,
    region: ap.region ?? home,
  }));
  const connections = (source.connections ?? []).map(toConnection);
  for (const vbr of source.vbrs) {
    if (vbr.connection !== undefined) continue;
    // A file without physical connections means one a circuit, each on a device.
    const accessPoint = `ap-${vbr.circuit}`;
    accessPoints.push({ name: accessPoint, region: home });
    connections.push(toConnection({ name: vbr.circuit, accessPoint }));
  }
  return {
    name: source.cloud.name,
    as: source.cloud.as ?? DEFAULTS.as,
    regions,
    accessPoints,
    connections,
    vbrs: source.vbrs.map((file) => {
      const vbr = toVbr(file, regionOfVbr(source, file.name));
      const connection = connections.find(({ name }) => name === vbr.connection);
      return { ...vbr, bandwidthBps: vbr.bandwidthBps ?? defaultBps(knobs, connection) };
    }),
    failoverGroups: source.failoverGroups ?? [],
    ecr: source.ecr && {
      name: source.ecr.name,
      prefixes: source.ecr.prefixes ?? [],
      ecmpPathsMax: source.ecr.ecmp ?? DEFAULTS.ecmpPathsMax,
      transitMode: source.ecr.transitMode ?? "near-by",
      routeMaps: (source.ecr.routeMaps ?? [])
        .map(toEcrRouteMap)
        .sort((a, b) => a.priority - b.priority),
    },
    transitRouters: (source.transitRouters ?? []).map((tr) => toTransitRouter(source, tr, home)),
    vpcs: (source.vpcs ?? []).flatMap((vpc) => toVpc(source, vpc, home)),
    vpns: (source.vpns ?? []).flatMap((vpn) => toVpn(vpn, home)),
    peerings: (source.peerings ?? []).map((peering) => toPeering(source, peering)),
    endpoints: (source.endpoints ?? []).map(toEndpoint),
    knobs,
    quotas: quotasOf(source),
  };
}

function defaultBps(
  { defaultBandwidth }: CloudKnobs,
  connection: ConnectionConfig | undefined,
): number | undefined {
  if (defaultBandwidth === "unlimited") return undefined;
  return defaultBandwidth === "connection" ? connection?.bandwidthBps : defaultBandwidth;
}

function toRegion(source: NonNullable<CloudFile["regions"]>[number]): RegionConfig {
  return {
    name: source.name,
    hasCdt: source.cdt ?? false,
    latencyUs: us(source.latency, DEFAULTS.interRegionLatencyUs),
  };
}

const FEATURES: readonly DeviceFeature[] = [
  "CEN",
  "MPBGP",
  "BFD",
  "DualStack",
  "MSHA",
  "MULTI_MS_HA",
];

function toConnection(source: NonNullable<CloudFile["connections"]>[number]): ConnectionConfig {
  return {
    name: source.name,
    accessPoint: source.accessPoint,
    device: deviceOf(source),
    bandwidthBps: bps(source.bandwidth),
    downDelayUs: us(source.downDelay, 0),
    status: source.status ?? "Enabled",
    businessStatus: source.businessStatus ?? "Normal",
    lacks: FEATURES.filter((feature) => source.features?.[feature] === "NOK"),
  };
}

function toVbr(source: CloudFile["vbrs"][number], region: string): VbrConfig {
  return {
    name: source.name,
    circuit: source.circuit,
    connection: source.connection ?? source.circuit,
    region,
    status: source.status ?? "active",
    vlan: source.vlan ?? 0,
    local: source.local,
    peer: source.peer,
    ipv6: source.ipv6 && toInterconnect(source.ipv6),
    groups: groupsOfFile(source).map(toGroup),
    port: source.port ?? DEFAULTS.port,
    peerPort: source.peerPort ?? DEFAULTS.port,
    device: source.device,
    mtu: source.mtu ?? DEFAULTS.mtu,
    bandwidthBps: bps(source.bandwidth),
    healthCheck: toHealthCheck(source.healthCheck),
    isSitelink: source.sitelink ?? false,
    routes: source.routes ?? [],
    networks: source.networks ?? [],
  };
}

function toGroup(source: GroupFile): BgpGroupConfig {
  return {
    name: source.name,
    ipVersion: source.ipVersion ?? "ipv4",
    peerAs: source.peerAs ?? 0,
    fakeAs: source.fakeAs,
    holdTimeSec: sec(source.hold, DEFAULTS.holdTimeSec),
    keepaliveTimeSec: sec(source.keepalive, DEFAULTS.keepaliveTimeSec),
    md5Key: source.md5,
    routeQuota: source.routeQuota ?? DEFAULTS.routeQuota,
    peers: source.peers.map(({ name, address, bfd }) => {
      return { name, address, bfd: toBfd(bfd) };
    }),
  };
}

function toInterconnect({ local, peer }: InterconnectConfig): InterconnectConfig {
  const [address = "", mask = ""] = local.split("/");
  return { local: `${oneSpelling(address)}/${mask}`, peer: oneSpelling(peer) };
}

function toBfd(bfd: CloudFile["vbrs"][number]["bfd"]): BfdTimers | undefined {
  if (bfd === undefined || bfd === "off") return undefined;
  return {
    txIntervalUs: us(bfd.tx, DEFAULTS.bfdIntervalUs),
    rxIntervalUs: us(bfd.rx, DEFAULTS.bfdIntervalUs),
    multiplier: bfd.multiplier ?? DEFAULTS.bfdMultiplier,
    hops: bfd.hops ?? DEFAULTS.bfdHops,
  };
}

function toHealthCheck(
  source: CloudFile["vbrs"][number]["healthCheck"],
): HealthCheckConfig | undefined {
  if (source === undefined) return undefined;
  return { ...toProbe(source), isProbeOnly: source.probeOnly ?? false };
}

type ProbeFile = Pick<
  NonNullable<CloudFile["vbrs"][number]["healthCheck"]>,
  "source" | "interval" | "threshold"
>;

const toProbe = ({ source, interval, threshold }: ProbeFile) => ({
  source,
  intervalUs: us(interval, DEFAULTS.healthCheckIntervalUs),
  threshold: threshold ?? DEFAULTS.healthCheckThreshold,
});

/** A node for each tunnel. */
function toVpn(source: NonNullable<CloudFile["vpns"]>[number], home: string): VpnConfig[] {
  const { name, second, healthCheck } = source;
  const common = {
    connection: name,
    tunnelMode: source.tunnelMode ?? "ecmp",
    region: source.region ?? home,
    peerAs: source.peerAs,
    holdTimeSec: sec(source.hold, DEFAULTS.holdTimeSec),
    keepaliveTimeSec: sec(source.keepalive, DEFAULTS.keepaliveTimeSec),
    latencyUs: us(source.latency, DEFAULTS.vpnLatencyUs),
    bandwidthBps: bps(source.bandwidth),
    mtu: source.mtu ?? DEFAULTS.vpnMtu,
    hasDpd: source.dpd ?? true,
    lifetimeUs: us(source.lifetime, DEFAULTS.ikeLifetimeUs),
  } as const;
  const checkOf = (peer: string): VpnConfig["healthCheck"] =>
    healthCheck && {
      target: healthCheck.target ?? peer,
      intervalUs: us(healthCheck.interval, DEFAULTS.vpnCheckIntervalUs),
      retry: healthCheck.retry ?? DEFAULTS.vpnCheckRetry,
      policy: healthCheck.policy ?? "revoke",
    };
  const tunnel = (role: VpnConfig["role"], at: NonNullable<typeof second>): VpnConfig => ({
    ...common,
    ...{ name: role === "master" ? name : `${name}-2`, role },
    ...{ circuit: at.circuit, local: at.local, peer: at.peer },
    healthCheck: checkOf(at.peer),
  });
  return [tunnel("master", source), ...(second === undefined ? [] : [tunnel("slave", second)])];
}

function toPeering(
  source: CloudFile,
  { name, vbr, vpc, healthCheck }: NonNullable<CloudFile["peerings"]>[number],
): PeeringConfig {
  if (healthCheck === undefined) return { name, vbr, vpc, healthCheck };
  const peer = source.vbrs.find((one) => one.name === vbr)?.peer ?? "";
  const target = healthCheck.target ?? peer;
  return { name, vbr, vpc, healthCheck: { ...toProbe(healthCheck), target } };
}

/** Durations are written with their unit in the file, and lose the `Us` of their name for it. */
function toKnobs(source: KnobsFile): CloudKnobs {
  const knobs: Record<string, unknown> = { ...KNOB_DEFAULTS };
  const names = Object.keys(knobs);
  for (const [key, value] of Object.entries(source)) {
    const isDuration = names.includes(`${key}Us`);
    knobs[isDuration ? `${key}Us` : key] = isDuration ? parseDurationUs(String(value)) : value;
  }
  for (const key of ["defaultBandwidth", "flowLimit"] as const) {
    knobs[key] = bps(source[key]) ?? knobs[key]; // a word is no rate
  }
  return knobs as unknown as CloudKnobs;
}
