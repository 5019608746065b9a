/**
 * The cloud's side of a lab after schema and defaults: what `buildCloud` makes nodes of. Facts and
 * defaults are the vendor's as far as documented (routes 110 a peer with silent truncation, hold
 * 30 s, BFD 1000 ms × 3 with 255 hops); each is a knob, because many are not.
 */
export interface CloudConfig {
  readonly name: string;
  /** 45104 unless the account has its own (express-connect: `LocalAsn`). */
  readonly as: number;
  readonly vbrs: readonly VbrConfig[];
  readonly ecr: EcrConfig;
}

/** One virtual border router: the cloud end of one circuit. */
export interface VbrConfig {
  readonly name: string;
  /** The circuit of the edge this VBR terminates; faults and reports speak of it. */
  readonly circuit: string;
  /** LocalGatewayIp with the mask of the interconnect, `10.0.1.1/30`. */
  readonly local: string;
  /** PeerGatewayIp: the customer's end. */
  readonly peer: string;
  readonly peerAs: number;
  /** Where it listens and whom it dials, for labs without port 179. */
  readonly port: number;
  readonly peerPort: number;
  /** The interface towards the customer; a lab sets it where it makes the interface itself. */
  readonly device: string | undefined;
  readonly holdTimeSec: number;
  readonly keepaliveTimeSec: number;
  readonly md5Key: string | undefined;
  /** Routes accepted from the customer; what is above is dropped, the session stays. */
  readonly routeQuota: number;
  readonly bfd:
    | {
        readonly txIntervalUs: number;
        readonly rxIntervalUs: number;
        readonly multiplier: number;
        /** `BfdMultiHop`: 1 is single hop (port 3784), more is multihop (4784). */
        readonly hops: number;
      }
    | undefined;
}

/** The Express Connect Router (or transit router) that joins the VBRs to the VPC. */
export interface EcrConfig {
  readonly name: string;
  /** Prefixes of the VPCs behind it, announced to every VBR. */
  readonly prefixes: readonly string[];
  /** Equal paths it spreads traffic over (vendor: up to 32). */
  readonly ecmpPathsMax: number;
}
