import type { BfdAuthConfig } from "../../bfd/sessions/contract.ts";
import type { Policy } from "../../bgp/policy/policy.ts";
import type { PrefixBudget } from "../../bgp/rib/contract.ts";

/**
 * The configuration after schema, profiles, defaults, secrets and lint: what the agent runs on.
 * Every field is filled in; whatever could be wrong with it has been refused by `load.ts`.
 */
export interface EdgeConfig {
  readonly name: string;
  readonly localAs: number;
  /** Dotted decimal. */
  readonly routerId: string;
  readonly listen: { readonly addresses: readonly string[]; readonly port: number };
  readonly circuits: readonly CircuitConfig[];
  /** Neighbours that are no circuit: iBGP to the other edge, eBGP to the data centre. */
  readonly neighbors: readonly NeighborConfig[];
  readonly failover: FailoverConfig;
  /** Own prefixes, announced by `originated`; `rank` feeds the budgets. */
  readonly announce: readonly {
    readonly prefix: string;
    readonly rank: number;
    readonly communities: readonly number[];
  }[];
  readonly multipath: {
    readonly ebgpPathsMax: number;
    readonly ibgpPathsMax: number;
    readonly relax: boolean;
    /** MED between different neighbouring ASes; the emulated cloud's hubs ask for it. */
    readonly alwaysCompareMed?: boolean;
    /** Between equal iBGP paths the older one; the emulated cloud's hubs may be asked to. */
    readonly preferOldestInternal?: boolean;
  };
  readonly fib: FibConfig;
  readonly api: ApiConfig;
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" };
  /** Where the event journal and recorder may write; undefined keeps both in memory. */
  readonly stateDirectory: string | undefined;
}

/**
 * Plain BGP towards one address; a circuit is one of these plus an interface and a policy of
 * failover.
 */
export interface NeighborConfig {
  readonly name: string;
  readonly description: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string | undefined;
  readonly remoteAs: number;
  readonly localAs: number | undefined;
  readonly device: string | undefined;
  readonly isPassive: boolean;
  readonly isShutdown: boolean;
  readonly holdTimeSec: number;
  readonly holdTimeSecMin: number;
  readonly keepaliveTimeSec: number;
  readonly connectRetryTimeSec: number;
  readonly sendHoldTimeSec: number;
  readonly families: readonly ("ipv4-unicast" | "ipv6-unicast")[];
  readonly capabilities: {
    readonly routeRefresh: boolean;
    readonly enhancedRouteRefresh: boolean;
    readonly extendedMessage: boolean;
    readonly fourOctetAs: boolean;
    readonly gracefulRestart: boolean;
  };
  /** Cleartext in memory only; printed as `***`. */
  readonly md5Key: Secret | undefined;
  /** TTL sent; 1 for directly connected eBGP unless GTSM (255) or `multihop` says otherwise. */
  readonly ttl: number;
  /** GTSM (RFC 5082): smallest TTL accepted; undefined is off. */
  readonly minTtl: number | undefined;
  readonly importPolicy: Policy;
  readonly exportPolicy: Policy;
  readonly maxPrefix:
    | {
        readonly limit: number;
        readonly warnAtPercent: number;
        readonly action: "warn" | "drop-newest" | "reset" | "shutdown";
        readonly restartSec: number | undefined;
      }
    | undefined;
  readonly budget: PrefixBudget | undefined;
  readonly isRouteReflectorClient: boolean;
  readonly nextHopSelf: boolean;
  /** What we are to the peer, by the number of RFC 9234 §4.1. */
  readonly role?: { readonly value: number; readonly isStrict: boolean };
  /** RFC 8326 §4.2. */
  readonly isInMaintenance?: boolean;
  readonly allowOwnAs: number;
  readonly bfd: BfdConfig | undefined;
}

export interface CircuitConfig {
  readonly name: string;
  readonly profile: "alibaba-vbr" | "none";
  /** The interface traffic leaves by; for a VLAN the agent creates it on `parent`. */
  readonly device: string;
  readonly vlan:
    | {
        readonly parent: string;
        readonly id: number;
        readonly addresses: readonly string[];
        readonly mtu: number | undefined;
      }
    | undefined;
  /** Share in an ECMP group, 1–256. */
  readonly weight: number;
  readonly capacityBps: number | undefined;
  /** One session a family: each has the circuit's name, the IPv6 one with `-v6` behind it. */
  readonly sessions: readonly NeighborConfig[];
}

export interface BfdConfig {
  readonly mode: "single-hop" | "multihop";
  readonly desiredMinTxIntervalUs: number;
  readonly requiredMinRxIntervalUs: number;
  readonly detectMult: number;
  readonly minTtl: number;
  readonly isPassive: boolean;
  /** BGP waits in Idle until BFD is Up (design §5.2). */
  readonly isStrict: boolean;
  readonly auth: BfdAuthConfig | undefined;
}

/**
 * `active-standby`: circuits in `order` get falling LOCAL_PREF inwards and growing AS_PATH prepends
 * outwards, so that the cloud agrees on the return path; already folded into their policies.
 */
export interface FailoverConfig {
  readonly mode: "ecmp" | "active-standby";
  readonly order: readonly string[];
  /** Traffic that must still fit after the loss of a circuit (design §5.3). */
  readonly loadBps?: number;
  /** undefined: a circuit is used again as soon as its session is Established. */
  readonly failback?: FailbackConfig | undefined;
}

/** How a circuit that failed comes back (design §5.3). */
export interface FailbackConfig {
  readonly soakUs: number;
  readonly stepUs: number;
  /** The failure within `perUs` that is one too many; undefined never holds a circuit. */
  readonly flapsMax: number | undefined;
  readonly perUs: number;
}

export interface FibConfig {
  readonly kind: "kernel" | "virtual";
  /** Kernel routing table number. */
  readonly table: number;
  /** rtnetlink protocol number our routes carry. */
  readonly proto: number;
  readonly metric: number;
}

export interface ApiConfig {
  /** `127.0.0.1:9179`, or undefined for none. */
  readonly listen: { readonly address: string; readonly port: number } | undefined;
  /** Unix socket for the CLI; undefined for none. */
  readonly socketPath: string | undefined;
}

/** A string that refuses to be printed. */
export interface Secret {
  reveal(): string;
  toString(): "***";
  toJSON(): "***";
}
