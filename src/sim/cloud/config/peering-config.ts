/**
 * A peering connection: a pair of router interfaces between one VBR and one VPC, the way to a VPC
 * before there was an Express Connect Router. No route goes over it by itself: each side has static
 * routes, and the customer is told what `AddBgpNetwork` names.
 */
export interface PeeringConfig {
  readonly name: string;
  readonly vbr: string;
  readonly vpc: string;
  readonly healthCheck: PeeringHealthCheckConfig | undefined;
}

/** ICMP from the VPC through this connection, whatever the VPC's table says. */
export interface PeeringHealthCheckConfig {
  /** `HealthCheckSourceIp`: its /32 is announced to the customer by this VBR only. */
  readonly source: string;
  /** `HealthCheckTargetIp`: the customer's end of the circuit where the file names none. */
  readonly target: string;
  readonly intervalUs: number;
  readonly threshold: number;
}

/** One next hop of a VPC's route: equal weights share, 100 and 0 are active and standby. */
export interface PeeringHop {
  readonly peering: string;
  readonly weight: number;
}

export interface VbrRouteConfig {
  readonly prefix: string;
  /** The peering connection it leads into. */
  readonly to: string;
}
