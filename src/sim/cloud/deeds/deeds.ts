/**
 * What can be done to a running cloud, by a drill, a person or (later) the vendor's API, as plain
 * data; what the cloud needs of the lab around it to do that; what it says happened. A deed that is
 * refused answers with the vendor's error code where there is one.
 */
import type { Micros } from "../../../core/time.ts";
import type { BfdTimers } from "../config/bgp-config.ts";
import type { BusinessStatus } from "../config/cloud-config.ts";
import type { AllowedPrefixes } from "../config/ecr-associations.ts";
import type { NextHopType } from "../config/next-hops.ts";
import type { EndpointConnection } from "../tables/endpoints.ts";

export type CloudDeed =
  // Lines and ports
  /** The customer's light went out or came back; the port reports it after `downDelay`. */
  | { readonly do: "light"; readonly connection: string; readonly isOn: boolean }
  /** The cloud shuts or opens its own port: both ends lose carrier, without any delay. */
  | { readonly do: "port"; readonly connection: string; readonly isOpen: boolean }
  | {
      readonly do: "order-connection";
      readonly connection: string;
      readonly order: ConnectionOrder;
    }
  | { readonly do: "business"; readonly connection: string; readonly status: BusinessStatus }
  /** Every port on one access device, or of a whole access point or region, at once. */
  | { readonly do: "device"; readonly device: string; readonly isUp: boolean }
  | { readonly do: "access-point"; readonly accessPoint: string; readonly isUp: boolean }
  | { readonly do: "region"; readonly region: string; readonly isUp: boolean }
  | { readonly do: "order-vbr"; readonly vbr: string; readonly order: VbrOrder }
  // Sessions: of one peer, or of all the VBR has
  | ({ readonly do: "reset-session" } & OfPeer)
  | ({ readonly do: "disable-session"; readonly isDisabled: boolean } & OfPeer)
  | ({ readonly do: "set-bfd"; readonly bfd: BfdTimers | undefined } & OfPeer)
  // What a BGP group says, for all of its peers: of one group, or of all the VBR has
  | ({ readonly do: "set-md5"; readonly key: string | undefined } & OfGroup)
  | ({ readonly do: "set-route-quota"; readonly routes: number } & OfGroup)
  | { readonly do: "health-check"; readonly vbr: string; readonly isOn: boolean }
  // Routes
  | { readonly do: "announce"; readonly prefix: string }
  | { readonly do: "withdraw"; readonly prefix: string }
  | {
      readonly do: "custom-route";
      readonly vpc: string;
      readonly prefix: string;
      /** Undefined removes it. */
      readonly nextHop: NextHopType | undefined;
    }
  /** One of the ECR's routes switched off or on (`DisableExpressConnectRouterRouteEntries`). */
  | {
      readonly do: "ecr-route";
      readonly prefix: string;
      /** A VBR, a VPC or a transit router on the ECR. */
      readonly nextHop: string;
      readonly isOn: boolean;
    }
  /** Allowed prefixes of a VPC's or transit router's association with the ECR. */
  | {
      readonly do: "allowed-prefixes";
      readonly association: string;
      readonly allowed: AllowedPrefixes;
    }
  /** A PrivateLink endpoint's connection to its service, or one of its zones. */
  | {
      readonly do: "endpoint";
      readonly endpoint: string;
      readonly connection: EndpointConnection;
    }
  | {
      readonly do: "endpoint-zone";
      readonly endpoint: string;
      readonly zone: string;
      readonly isUp: boolean;
    }
  /** Cloud Data Transfer of a region closed (an unpaid bill) or opened. */
  | { readonly do: "cdt"; readonly region: string; readonly isOpen: boolean }
  /** Activates or deactivates the router interfaces of a peering connection. */
  | { readonly do: "peering"; readonly peering: string; readonly isActive: boolean }
  /** One route map of a transit router in force or out of it. */
  | {
      readonly do: "route-map";
      readonly transitRouter: string;
      readonly direction: "in" | "out";
      readonly priority: number;
      readonly isOn: boolean;
    }
  /** An attachment's association with its table, or all its propagations. */
  | {
      readonly do: "association" | "propagation";
      readonly transitRouter: string;
      readonly attachment: string;
      readonly isOn: boolean;
    }
  // Failover-test jobs
  | { readonly do: "create-job"; readonly job: JobOrder }
  | { readonly do: "start-job"; readonly job: string }
  | { readonly do: "stop-job"; readonly job: string }
  | { readonly do: "delete-job"; readonly job: string };

export interface OfPeer {
  readonly vbr: string;
  /** By name. */
  readonly peer?: string;
}

export interface OfGroup {
  readonly vbr: string;
  readonly group?: string;
}

/** The first four, and `resubmit` of a rejected one, are the way of an application. */
export const CONNECTION_ORDERS = [
  ...(["approve", "reject", "allocate", "fail-allocation", "resubmit", "confirm"] as const),
  ...(["enable", "cancel", "terminate", "delete", "recover"] as const),
] as const;
export type ConnectionOrder = (typeof CONNECTION_ORDERS)[number];

export const VBR_ORDERS = ["confirm", "terminate", "recover"] as const;
export type VbrOrder = (typeof VBR_ORDERS)[number];

export type JobResourceType = "PHYSICALCONNECTION" | "VIRTUALBORDERROUTER" | "BGPPEER";

export interface JobOrder {
  readonly name: string;
  readonly region: string;
  /** `PHYSICALCONNECTION` where it says nothing. */
  readonly type?: JobResourceType;
  /** Names, all of that type. */
  readonly resources: readonly string[];
  readonly durationUs: number;
  /** `StartNow`; else it waits in Init. */
  readonly isStartedNow: boolean;
}

/** Why a deed was not done. `code` is the vendor's, or `Causeway.…` where it has none. */
export interface DeedFault {
  readonly code: string;
  readonly text: string;
}

/**
 * What a lab lends the cloud beyond sockets. A lab leaves out what it has not got; a deed or a
 * health check that needs it is then refused by name.
 */
export interface CloudField {
  /** The cloud's port of a circuit goes down (both ends lose their carrier) or comes back. */
  setPort?(circuit: string, isUp: boolean): void;
  /** An ICMP echo from a node; `true` where an answer came in time. */
  ping?(
    node: string,
    probe: { readonly source: string; readonly destination: string; readonly timeoutUs: number },
    done: (isAnswered: boolean) => void,
  ): void;
  /**
   * A route of the administrator's in a node's table: the node itself answers, nobody does, a next
   * hop, or (undefined) gone. Left out where nothing is forwarded at all.
   */
  setRoute?(node: string, prefix: string, to: FieldRoute | undefined): void;
  /** Left out where a lab cannot see what becomes of packets. */
  lineOf?(circuit: string): FieldLine | undefined;
}

/** The way of a circuit's packets, as whoever sits on it knows it. */
export interface FieldLine {
  /** Both directions pass, apart from what is blocked here. */
  isWhole(): boolean;
  /** Nothing passes and no end sees it, until it is removed. */
  block(): { remove(): void };
}

export type FieldRoute =
  | "local"
  | "blackhole"
  | FieldHop
  /** Sharing the traffic, a flow to each. */
  | readonly FieldHop[];

export interface FieldHop {
  readonly gateway: string;
  readonly device: string;
}

/** As CloudMonitor tells it; names marked in `fidelity.ts` where the vendor's are not known. */
export interface CloudEvent {
  readonly at: Micros;
  readonly level: "CRITICAL" | "WARN" | "INFO";
  /** `BGPPeerStatus:Down`, `BgpPeerReceiveRoutes:Exceed` … */
  readonly name: string;
  readonly resource: string;
  readonly region: string;
  readonly text: string;
}
