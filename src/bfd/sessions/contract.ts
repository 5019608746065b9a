import type { LogFields, LogLevel } from "../../core/log.ts";
import type { Micros } from "../../core/time.ts";

/** RFC 5880 §4.1, numbers as on the wire. */
export const BFD_STATES = ["AdminDown", "Down", "Init", "Up"] as const;
export type BfdState = (typeof BFD_STATES)[number];

export interface BfdSessionConfig {
  /** Unique; the circuit's or peer's name. */
  readonly name: string;
  /** `single-hop`: RFC 5881, port 3784, TTL 255. `multihop`: RFC 5883, port 4784. */
  readonly mode: "single-hop" | "multihop";
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Packets must come in by this interface; required for single hop where it has one. */
  readonly device: string | undefined;
  readonly desiredMinTxIntervalUs: number;
  readonly requiredMinRxIntervalUs: number;
  readonly detectMult: number;
  /**
   * Packets with a smaller received TTL are discarded: 255 for single hop, 256 − hops for multihop.
   */
  readonly minTtl: number;
  /** RFC 5880 §6.1: a passive system sends nothing before it hears its peer. */
  readonly isPassive: boolean;
  readonly isAdminDown: boolean;
  readonly auth: BfdAuthConfig | undefined;
}

/** RFC 5880 §4.2–§4.4. The key with `sendKeyId` signs; every key of the list is accepted. */
export interface BfdAuthConfig {
  readonly type:
    | "simple-password"
    | "keyed-md5"
    | "meticulous-keyed-md5"
    | "keyed-sha1"
    | "meticulous-keyed-sha1";
  readonly sendKeyId: number;
  readonly keys: readonly { readonly id: number; readonly secret: Uint8Array }[];
}

export type BfdInput =
  /** The whole set of sessions; those missing are ended (AdminDown for a Detection Time first). */
  | { readonly kind: "configure"; readonly sessions: readonly BfdSessionConfig[] }
  | {
      readonly kind: "packet";
      readonly octets: Uint8Array;
      readonly remoteAddress: string;
      readonly localAddress: string;
      readonly device: string | undefined;
      readonly ttl: number;
      /** Where it was received: 3784 or 4784. */
      readonly port: number;
    }
  | { readonly kind: "admin"; readonly session: string; readonly isDown: boolean };

export type BfdEffect =
  | { readonly kind: "send"; readonly session: string; readonly octets: Uint8Array }
  | BfdStateChange
  /** A session that was removed has said its last AdminDown: its socket may go. */
  | { readonly kind: "ended"; readonly session: string }
  | {
      readonly kind: "log";
      readonly level: LogLevel;
      readonly event: string;
      readonly fields: LogFields;
    };

export interface BfdStateChange {
  readonly kind: "state";
  readonly session: string;
  readonly from: BfdState;
  readonly to: BfdState;
  /** bfd.LocalDiag, RFC 5880 §4.1. */
  readonly diag: number;
  readonly remoteState: BfdState;
  readonly remoteDiag: number;
  readonly at: Micros;
  /** What was in force when it changed. */
  readonly detectionTimeUs: number;
  /** The last valid packet before the change. */
  readonly lastPacketAt: Micros | undefined;
  /**
   * Our own loop was late when the Detection Time ran out: the path may be innocent (design §5.4).
   */
  readonly isSuspectSelf: boolean;
}

/** Read model of one session; plain data, so that it crosses threads. */
export interface BfdSessionView {
  readonly name: string;
  readonly mode: "single-hop" | "multihop";
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly device: string | undefined;
  readonly state: BfdState;
  readonly since: Micros;
  readonly diag: number;
  readonly remoteState: BfdState;
  readonly remoteDiag: number;
  readonly localDiscriminator: number;
  readonly remoteDiscriminator: number;
  readonly detectMult: number;
  readonly remoteDetectMult: number;
  /** Configured, advertised by the peer, and in force. */
  readonly desiredMinTxIntervalUs: number;
  readonly requiredMinRxIntervalUs: number;
  readonly remoteDesiredMinTxIntervalUs: number;
  readonly remoteRequiredMinRxIntervalUs: number;
  readonly txIntervalUs: number;
  readonly rxIntervalUs: number;
  readonly detectionTimeUs: number;
  readonly isPolling: boolean;
  readonly lastPacketAt: Micros | undefined;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /**
   * Reason → count. Of the packet itself: `truncated`, `version`, `length`, `detect-mult`,
   * `multipoint`, `my-discriminator`, `your-discriminator-zero`, `your-discriminator` (unknown); of
   * the way it came: `port`, `address`, `device`, `ttl`;
   * `auth-unexpected|missing|section|type|key|sequence|digest`; `admin-down` (ours), `poll-rate`
   * for a poll that was taken but not answered, and `internal-error` for a bug of ours.
   */
  readonly discards: Readonly<Record<string, number>>;
  /** `from>to/diag` → count. */
  readonly transitions: Readonly<Record<string, number>>;
  /**
   * How late our transmissions left: upper bounds (µs) and cumulative counts, Prometheus style; the
   * last of `counts`, one more than `boundsUs`, counts every observation.
   */
  readonly txLateness: {
    readonly boundsUs: readonly number[];
    readonly counts: readonly number[];
    readonly sumUs: number;
  };
  /** Time between valid packets, counted likewise. */
  readonly rxGap: {
    readonly boundsUs: readonly number[];
    readonly counts: readonly number[];
    readonly sumUs: number;
  };
}
