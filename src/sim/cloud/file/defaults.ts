/** The vendor's defaults, and how values of the cloud's file are read. */
import { parseBandwidthBps } from "../../../agent/config/units.ts";
import { parseDurationUs, US_PER_SEC } from "../../../core/time.ts";
import type { CloudFile } from "./schema.ts";

type ConnectionFile = NonNullable<CloudFile["connections"]>[number];

/** The vendor's defaults, as documented (express-connect facts: BGP, BFD, quotas). */
export const DEFAULTS = {
  as: 45104,
  region: "region-1",
  interRegionLatencyUs: 20_000,
  holdTimeSec: 30,
  keepaliveTimeSec: 10,
  routeQuota: 110,
  bfdIntervalUs: 1_000_000,
  bfdMultiplier: 3,
  bfdHops: 255,
  ecmpPathsMax: 32,
  port: 179,
  mtu: 1500,
  healthCheckIntervalUs: 2_000_000,
  healthCheckThreshold: 8,
  vpnLatencyUs: 15_000,
  vpnMtu: 1400,
  ikeLifetimeUs: 86_400 * US_PER_SEC,
  vpnCheckIntervalUs: 3_000_000,
  vpnCheckRetry: 3,
  peeringWeight: 100,
} as const;

export const us = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : (parseDurationUs(text) ?? fallback);
export const sec = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : Math.round((parseDurationUs(text) ?? 0) / US_PER_SEC);
export const bps = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : parseBandwidthBps(text);

/** The access device a physical connection is on: one of its own where the file names none. */
export const deviceOf = ({ name, accessDevice }: ConnectionFile): string =>
  accessDevice ?? `device-${name}`;
