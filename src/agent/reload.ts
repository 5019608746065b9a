import type { EdgeConfig, NeighborConfig } from "./config/edge-config.ts";
import { sessionPlans } from "./speaker-config.ts";

/** What a new configuration means for a running edge, in the order of the file. */
export interface ReloadReport {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Sessions that were reset because the connection itself is different now. */
  readonly reset: readonly string[];
  /** Sections that take effect at the next start only. */
  readonly restartNeeded: readonly string[];
}

export function compareConfigs(before: EdgeConfig, after: EdgeConfig): ReloadReport {
  const old = new Map(sessionPlans(before).map((plan) => [plan.neighbor.name, plan]));
  const now = new Map(sessionPlans(after).map((plan) => [plan.neighbor.name, plan]));
  const kept = [...now].flatMap(([name, plan]) => {
    const was = old.get(name);
    return was === undefined ? [] : [{ name, was, plan }];
  });
  return {
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    reset: kept
      .filter(({ was, plan }) => {
        return connectionOf(was.neighbor, was.device) !== connectionOf(plan.neighbor, plan.device);
      })
      .map(({ name }) => name),
    restartNeeded: STARTUP_SECTIONS.filter(
      (section) => JSON.stringify(before[section]) !== JSON.stringify(after[section]),
    ),
  };
}

const STARTUP_SECTIONS = ["fib", "api", "stateDirectory"] as const;

/** What TCP was given when it connected, which the speaker does not know of. */
function connectionOf(neighbor: NeighborConfig, device: string | undefined): string {
  const { remoteAddress, remotePort, localAddress, ttl, minTtl, md5Key } = neighbor;
  const key = md5Key?.reveal();
  return JSON.stringify([remoteAddress, remotePort, localAddress, device, ttl, minTtl, key]);
}
