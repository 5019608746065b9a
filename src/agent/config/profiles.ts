import { isPrivateAs } from "../../bgp/policy/as-path.ts";
import type { EdgeConfig } from "./edge-config.ts";

/**
 * What is known about the other side, so that a file need not say it and can be held against it.
 * The VBR's figures are the vendor's: session timers 30 s / 10 s, BFD 1000 ms × 3 with 255 hops,
 * 110 routes a peer; what is a documented limit there is a limit here.
 */
export interface Profile {
  readonly name: EdgeConfig["circuits"][number]["profile"];
  readonly remoteAs: number | undefined;
  readonly holdTimeSec: number;
  readonly keepaliveTimeSec: number;
  /** BFD where the file says nothing; undefined is none. */
  readonly bfd: BfdDefaults | undefined;
  readonly bfdLimits: BfdLimits | undefined;
  /** Policies where the file names none. */
  readonly importNames: readonly string[];
  readonly exportNames: readonly string[];
  readonly budgetLimit: number | undefined;
  readonly maxPrefixLimit: number | undefined;
  readonly vlanMax: number;
  /** Length of the IPv4 interconnect; undefined allows any. */
  readonly maskLength: { readonly min: number; readonly max: number } | undefined;
}

export interface BfdDefaults {
  readonly intervalUs: number;
  readonly multiplier: number;
  readonly hops: number;
}

export interface BfdLimits {
  readonly intervalUs: { readonly min: number; readonly max: number };
  readonly multiplier: { readonly min: number; readonly max: number };
}

export const ALIBABA_VBR: Profile = {
  name: "alibaba-vbr",
  remoteAs: 45104,
  holdTimeSec: 30,
  keepaliveTimeSec: 10,
  bfd: { intervalUs: 1_000_000, multiplier: 3, hops: 255 },
  bfdLimits: { intervalUs: { min: 200_000, max: 1_000_000 }, multiplier: { min: 3, max: 10 } },
  importNames: ["cloud-in"],
  exportNames: ["announce-own"],
  budgetLimit: 110,
  maxPrefixLimit: 1000,
  vlanMax: 2999,
  maskLength: { min: 24, max: 30 },
};

/** A peer nothing is known of: RFC defaults, nothing allowed that the file does not say. */
export const PLAIN: Profile = {
  name: "none",
  remoteAs: undefined,
  holdTimeSec: 90,
  keepaliveTimeSec: 30,
  bfd: undefined,
  bfdLimits: undefined,
  importNames: [],
  exportNames: [],
  budgetLimit: undefined,
  maxPrefixLimit: undefined,
  vlanMax: 4094,
  maskLength: undefined,
};

export const profileOf = (name: Profile["name"] | undefined): Profile =>
  name === "alibaba-vbr" ? ALIBABA_VBR : PLAIN;

/** BFD that is `on` without a profile that knows better. */
export const BFD_PLAIN: BfdDefaults = { intervalUs: 300_000, multiplier: 3, hops: 1 };

/** The cloud's own AS, and what it documents for its private ones. */
export const CLOUD_AS = 45104;
export const CLOUD_AS_REFUSED = 65025;
export const isDocumentedCloudAs = (as: number): boolean => as === CLOUD_AS || isPrivateAs(as);
