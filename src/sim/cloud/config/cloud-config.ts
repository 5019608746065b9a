/**
 * The cloud's side of a lab after schema and defaults: what `buildCloud` makes nodes of. Facts and
 * defaults are the vendor's as far as documented; whatever nobody documents is a knob
 * (`knobs.ts`). `docs/fidelity.md` says of each behaviour whence it is known and how well.
 */

import type { EcrRouteMap } from "../routers/ecr-route-maps.ts";
import type { EndpointConfig } from "../tables/endpoints.ts";
import type { BgpGroupConfig } from "./bgp-config.ts";
import type { CloudKnobs, CloudQuotas } from "./knobs.ts";
import type { PeeringConfig, VbrRouteConfig } from "./peering-config.ts";
import type { TransitRouterConfig } from "./tr-config.ts";
import type { VpcConfig } from "./vpc-config.ts";
import type { VpnConfig } from "./vpn-config.ts";

export interface CloudConfig {
  readonly name: string;
  /** 45104 unless the account has its own (express-connect: `LocalAsn`). */
  readonly as: number;
  /** The first is the one everything stands in that names none. */
  readonly regions: readonly RegionConfig[];
  readonly accessPoints: readonly AccessPointConfig[];
  readonly connections: readonly ConnectionConfig[];
  readonly vbrs: readonly VbrConfig[];
  readonly failoverGroups: readonly FailoverGroupConfig[];
  /** Undefined where nothing is on one: transit routers and peering connections need none. */
  readonly ecr: EcrConfig | undefined;
  readonly transitRouters: readonly TransitRouterConfig[];
  readonly vpcs: readonly VpcConfig[];
  readonly vpns: readonly VpnConfig[];
  readonly peerings: readonly PeeringConfig[];
  readonly endpoints: readonly EndpointConfig[];
  readonly knobs: CloudKnobs;
  readonly quotas: CloudQuotas;
}

export interface RegionConfig {
  readonly name: string;
  /** Cloud Data Transfer is open: traffic may leave for other regions (`CdtNotOpened` if not). */
  readonly hasCdt: boolean;
  /** One way to any other region, inside the cloud. */
  readonly latencyUs: number;
}

export interface AccessPointConfig {
  readonly name: string;
  readonly region: string;
}

/** A physical connection (`pc-…`): one port of the cloud and the line of the customer on it. */
export interface ConnectionConfig {
  readonly name: string;
  readonly accessPoint: string;
  /** The access device the port is on; VBRs of a failover group must be on two. */
  readonly device: string;
  /** Undefined: no limit is modelled. */
  readonly bandwidthBps: number | undefined;
  /** `DownDelayTime`: how much later the port reports that it is down. */
  readonly downDelayUs: number;
  readonly status: ConnectionStatus;
  readonly businessStatus: BusinessStatus;
  /** What its device cannot do. */
  readonly lacks: readonly DeviceFeature[];
}

/**
 * As `ListPhysicalConnectionFeatures` calls them. A device without `CEN` tells its customer no
 * AS_PATH but the cloud's AS, and no communities; one without `MPBGP` is on no ECR.
 */
export type DeviceFeature = "CEN" | "MPBGP" | "BFD" | "DualStack" | "MSHA" | "MULTI_MS_HA";

/** In the order an application runs through; `Rejected` and `Canceled` end it early. */
export type ConnectionStatus =
  | "Initial"
  | "Approved"
  | "Allocating"
  | "Allocated"
  | "Confirmed"
  | "Enabled"
  | "Rejected"
  | "Canceled"
  | "Allocation Failed"
  | "Terminating"
  | "Terminated"
  /** At run time only: the vendor's console would not show it. */
  | "Deleted";

/** Whether a VBR carries anything from the start: it is active, and its connection is paid for. */
export function isInOperation({ connections, knobs }: CloudConfig, vbr: VbrConfig): boolean {
  const line = connections.find(({ name }) => name === vbr.connection);
  const isLocked = line?.businessStatus !== "Normal" && knobs.businessLock === "port-down";
  return vbr.status === "active" && line?.status === "Enabled" && !isLocked;
}

export type BusinessStatus = "Normal" | "FinancialLocked" | "SecurityLocked";

/** `unconfirmed` waits for the account it was made for; only an active one does anything. */
export type VbrStatus = "unconfirmed" | "active" | "terminating" | "terminated" | "recovering";

/** One virtual border router: the cloud end of one circuit. */
export interface VbrConfig {
  readonly name: string;
  /** The circuit of the edge this VBR terminates; faults and reports speak of it. */
  readonly circuit: string;
  /** The physical connection it rides on. */
  readonly connection: string;
  /** Of its access point. */
  readonly region: string;
  readonly status: VbrStatus;
  /** 0 is the whole port, 1–2999 a sub-interface. */
  readonly vlan: number;
  /** LocalGatewayIp with the mask of the interconnect, `10.0.1.1/30`. */
  readonly local: string;
  /** PeerGatewayIp: the customer's end. */
  readonly peer: string;
  /** `EnableIpv6`: the interconnect's second subnet, its ends as `local` and `peer`. */
  readonly ipv6: InterconnectConfig | undefined;
  /** Whom it speaks BGP with on the interconnect. */
  readonly groups: readonly BgpGroupConfig[];
  /** Where it listens and whom it dials, for labs without port 179. */
  readonly port: number;
  readonly peerPort: number;
  /** The interface towards the customer; a lab sets it where it makes the interface itself. */
  readonly device: string | undefined;
  readonly mtu: number;
  /** Traffic above it is dropped, each way; undefined is unlimited. */
  readonly bandwidthBps: number | undefined;
  readonly healthCheck: HealthCheckConfig | undefined;
  /** Routes of other VBRs are passed on to this customer (IDC to IDC through the cloud). */
  readonly isSitelink: boolean;
  /** Static routes of its own table, into peering connections. */
  readonly routes: readonly VbrRouteConfig[];
  /** `AddBgpNetwork`: what its customer is told, whether or not it has a route for it. */
  readonly networks: readonly string[];
}

export interface InterconnectConfig {
  /** With its mask. */
  readonly local: string;
  readonly peer: string;
}

/** ICMP from the cloud to the customer's end, answered by way of the same circuit. */
export interface HealthCheckConfig {
  /** Its /32 is announced to the customer over this session only. */
  readonly source: string;
  readonly intervalUs: number;
  /** Losses in a row that make it fail. */
  readonly threshold: number;
  /** `HealthCheckOnly`: it is measured and told, traffic stays where it is. */
  readonly isProbeOnly: boolean;
}

/** VBR-HA: VBRs that carry each other's traffic at once: a pair, or up to eight (`MULTI_MS_HA`). */
export interface FailoverGroupConfig {
  readonly name: string;
  readonly vbrs: readonly string[];
}

/** The Express Connect Router that joins the VBRs to VPCs and transit routers. */
export interface EcrConfig {
  readonly name: string;
  /** Prefixes of the VPCs behind it, announced to every VBR. */
  readonly prefixes: readonly string[];
  /** Equal paths it spreads traffic over (vendor: up to 32). */
  readonly ecmpPathsMax: number;
  /** Between regions: `near-by` prefers VBRs of its own region, `ecmp` does not look. */
  readonly transitMode: "near-by" | "ecmp";
  readonly routeMaps: readonly EcrRouteMap[];
}
