import { sameFamily } from "../fsm/negotiate.ts";
import type { Family } from "../wire/message.ts";
import type { PeerConfig } from "./config.ts";

/**
 * What a new configuration means for a running peer. `soft`: the session stays, policies and limits
 * are applied to what is already here. `reset`: what changed was agreed on in the OPENs, or is the
 * connection itself.
 */
export type PeerChange = "none" | "soft" | "reset";

/**
 * Policies are compared by identity, for they are functions: whoever compiles the same text twice
 * and keeps the first result spares the RIB the work.
 */
export function classifyPeerChange(before: PeerConfig, now: PeerConfig): PeerChange {
  let change: PeerChange = "none";
  for (const [field, effect] of FIELDS) {
    if (sameValue(field, before[field], now[field])) continue;
    if (effect === "reset") return "reset";
    change = "soft";
  }
  return change;
}

/**
 * Only the peer can bring back what was never kept: paths beyond a limit that is higher now. Paths
 * an import policy rejected are here still, and need no ROUTE-REFRESH.
 */
export function needsRefresh(before: PeerConfig, now: PeerConfig): boolean {
  if (before.maxPrefix?.action !== "drop-newest") return false;
  const { maxPrefix } = now;
  return (
    maxPrefix === undefined ||
    maxPrefix.action !== "drop-newest" ||
    maxPrefix.limit > before.maxPrefix.limit
  );
}

type Field = keyof PeerConfig;

const EFFECTS: Readonly<Record<Field, "soft" | "reset">> = {
  name: "reset",
  remoteAddress: "reset",
  localAddress: "reset",
  remoteAs: "reset",
  localAs: "reset",
  isShutdown: "reset",
  holdTimeSec: "reset",
  families: "reset",
  role: "reset",
  capabilities: "reset",
  // In force with the next session, or the next start of the timer:
  isPassive: "soft",
  holdTimeSecMin: "soft",
  keepaliveTimeSec: "soft",
  connectRetryTimeSec: "soft",
  delayOpenTimeSec: "soft",
  sendHoldTimeSec: "soft",
  idleHoldTimeSec: "soft",
  idleHoldTimeSecMax: "soft",
  // Applied to the routes at once:
  importPolicy: "soft",
  exportPolicy: "soft",
  maxPrefix: "soft",
  budget: "soft",
  isRouteReflectorClient: "soft",
  nextHopSelf: "soft",
  isInMaintenance: "soft",
  allowOwnAs: "soft",
};

const FIELDS = Object.entries(EFFECTS) as readonly [Field, "soft" | "reset"][];

function sameValue(field: Field, a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (field === "importPolicy" || field === "exportPolicy") return false;
  if (field === "families") return sameFamilies(a as readonly Family[], b as readonly Family[]);
  return sameData(a, b);
}

const sameFamilies = (a: readonly Family[], b: readonly Family[]): boolean =>
  a.length === b.length && a.every((family) => b.some((other) => sameFamily(family, other)));

/** Deep equality of plain data: what a configuration holds beside policies. */
export function sameData(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const key of keys) {
    if (!sameData(Reflect.get(a, key), Reflect.get(b, key))) return false;
  }
  return true;
}
