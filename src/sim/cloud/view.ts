/** What a console would show of a running cloud; plain data, built when somebody asks. */
import type { Agent } from "../../agent/agent.ts";
import { groupedPeers } from "./config/bgp-config.ts";
import type { CloudConfig, ConnectionConfig, VbrStatus } from "./config/cloud-config.ts";
import type { VpnConfig } from "./config/vpn-config.ts";
import type { CloudState } from "./deeds/state.ts";
import type { JobView } from "./machines/failover-jobs.ts";
import type { CloudMachines } from "./machines/machines.ts";
import type { CloudNetwork } from "./network.ts";
import {
  type RouterTableView,
  type RouteView,
  viewRouterTables,
  vpcTable,
} from "./tables/route-view.ts";
import type { StaticTables } from "./tables/static-tables.ts";
import { type TransitRouterView, viewTransitRouters } from "./tables/tr-view.ts";

export interface CloudView {
  readonly connections: readonly ConnectionView[];
  readonly vbrs: readonly VbrView[];
  readonly vpcs: readonly { readonly name: string; readonly table: readonly RouteView[] }[];
  /** Of the VBRs and the ECR's nodes. */
  readonly routers: readonly RouterTableView[];
  readonly transitRouters: readonly TransitRouterView[];
  readonly vpns: readonly VpnView[];
  readonly peerings: readonly PeeringView[];
  readonly jobs: readonly JobView[];
}

export interface ConnectionView {
  readonly name: string;
  readonly status: ConnectionConfig["status"];
  readonly businessStatus: ConnectionConfig["businessStatus"];
  readonly port: "Up" | "Down";
  readonly shutBy: readonly string[];
}

export interface VbrView {
  readonly name: string;
  readonly circuit: string;
  readonly status: VbrStatus;
  readonly peers: readonly PeerView[];
  readonly healthCheck: { readonly isFailed: boolean; readonly lossPercent: number } | undefined;
}

export interface PeerView {
  readonly name: string;
  readonly group: string;
  readonly address: string;
  /** `BgpStatus`; Down where the node does not run. */
  readonly bgpStatus: string;
  /** `ReceivedRouteCount`: in its table; what the quota dropped is not. */
  readonly receivedRouteCount: number;
  readonly advertisedRouteCount: number;
  readonly droppedByQuota: number;
}

/** One tunnel of an IPsec connection. */
export interface VpnView {
  readonly name: string;
  readonly connection: string;
  readonly role: "master" | "slave";
  readonly status: "ipsec_sa_established" | "ike_sa_not_established";
  readonly bgpStatus: string;
  /** Its routes are kept back because the other one carries the traffic. */
  readonly isStandby: boolean;
  readonly healthCheck: VbrView["healthCheck"];
}

export interface PeeringView {
  readonly name: string;
  readonly status: "Active" | "Inactive";
  readonly healthCheck: VbrView["healthCheck"];
}

export interface ViewParts {
  readonly config: CloudConfig;
  readonly state: CloudState;
  readonly machines: CloudMachines;
  readonly tables: StaticTables;
  readonly network: CloudNetwork;
  agent(node: string): Agent | undefined;
}

const FAMILIES = { ipv4: { afi: 1, safi: 1 }, ipv6: { afi: 2, safi: 1 } } as const;

export function viewCloud(parts: ViewParts): CloudView {
  const { config, machines, state } = parts;
  return {
    connections: config.connections.map((connection) => {
      const port = machines.port(connection.name);
      return {
        name: connection.name,
        status: machines.connectionStatus(connection.name) ?? connection.status,
        businessStatus: machines.businessStatus(connection.name) ?? connection.businessStatus,
        port: port?.isUp === false ? "Down" : "Up",
        shutBy: port?.reasons ?? [],
      };
    }),
    vbrs: config.vbrs.map((vbr) => viewVbr(parts, vbr)),
    vpcs: config.vpcs.map((vpc) => ({ name: vpc.name, table: vpcTable(parts, vpc) })),
    routers: viewRouterTables(parts),
    transitRouters: viewTransitRouters(parts),
    vpns: config.vpns.map((vpn) => viewVpn(parts, vpn)),
    peerings: config.peerings.map(({ name }) => {
      const status = state.peering(name).isActive ? "Active" : "Inactive";
      return { name, status, healthCheck: viewCheck(machines, name) };
    }),
    jobs: machines.jobs(),
  };
}

function viewVbr({ agent, machines }: ViewParts, vbr: CloudConfig["vbrs"][number]): VbrView {
  const speaker = agent(vbr.name)?.view.speaker;
  const peers = groupedPeers(vbr).map(({ group, peer: { name, address } }): PeerView => {
    const peer = speaker?.peer(name);
    const counts = peer && speaker?.rib.counts(peer.slot, FAMILIES[group.ipVersion]);
    return {
      ...{ name, group: group.name, address },
      bgpStatus: peer?.state ?? "Down",
      receivedRouteCount: counts?.accepted ?? 0,
      advertisedRouteCount: counts?.advertised ?? 0,
      droppedByQuota: (counts?.overLimit ?? 0) + (counts?.rejected ?? 0),
    };
  });
  return {
    name: vbr.name,
    circuit: vbr.circuit,
    status: machines.vbrStatus(vbr.name) ?? vbr.status,
    peers,
    healthCheck: viewCheck(machines, vbr.name),
  };
}

function viewVpn({ agent, machines, state }: ViewParts, vpn: VpnConfig): VpnView {
  const { name, connection, role, circuit } = vpn;
  const { isDown, isStandby } = state.vpn(name);
  return {
    ...{ name, connection, role, isStandby },
    status: isDown ? "ike_sa_not_established" : "ipsec_sa_established",
    bgpStatus: agent(name)?.view.speaker.peer(circuit)?.state ?? "Down",
    healthCheck: viewCheck(machines, name),
  };
}

function viewCheck(machines: CloudMachines, name: string): VbrView["healthCheck"] {
  const check = machines.check(name);
  return check && { isFailed: check.isFailed, lossPercent: check.lossPercent };
}
