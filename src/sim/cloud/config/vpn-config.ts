/** IPsec connections of a transit router to the same edge, by way of the internet. */

/** One tunnel of a connection: a node of the cloud's, in a zone of its own where there are two. */
export interface VpnConfig {
  /** That of the connection; the second tunnel's is followed by `-2`. */
  readonly name: string;
  readonly connection: string;
  readonly role: "master" | "slave";
  /** `ecmp`: both carry traffic. `active-standby`: the slave does while the master cannot. */
  readonly tunnelMode: "ecmp" | "active-standby";
  /** The edge's circuit of this name is the other end of the tunnel. */
  readonly circuit: string;
  readonly region: string;
  /** Addresses inside the tunnel, a /30 of 169.254.0.0/16. */
  readonly local: string;
  readonly peer: string;
  readonly peerAs: number;
  readonly holdTimeSec: number;
  readonly keepaliveTimeSec: number;
  readonly latencyUs: number;
  readonly bandwidthBps: number | undefined;
  /** What is left of the internet's 1500 inside of ESP. */
  readonly mtu: number;
  readonly hasDpd: boolean;
  /** `IkeLifetime`: keys are negotiated again this often. */
  readonly lifetimeUs: number;
  readonly healthCheck: VpnHealthCheck | undefined;
}

/** `HealthCheckConfig`: ICMP through the tunnel. */
export interface VpnHealthCheck {
  readonly target: string;
  readonly intervalUs: number;
  /** Losses in a row that make it fail. */
  readonly retry: number;
  /** `revoke`: a failed check takes the tunnel's routes from the transit router. */
  readonly policy: "revoke" | "reserve";
}

/** The nodes of an IPsec connection. */
export const tunnelsOf = (
  { vpns }: { readonly vpns: readonly VpnConfig[] },
  connection: string,
): readonly VpnConfig[] => vpns.filter((one) => one.connection === connection);
