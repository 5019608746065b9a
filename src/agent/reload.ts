import { classifyPeerChange } from "../bgp/speaker/config-diff.ts";
import type { EdgeConfig, NeighborConfig } from "./config/edge-config.ts";
import { buildSpeakerConfig, sessionPlans } from "./speaker-config.ts";

/** What a new configuration means for a running edge, in the order of the file. */
export interface ReloadReport {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Sessions that end and begin again: what was agreed on, or the connection, is different now. */
  readonly reset: readonly string[];
  /** Those of them the speaker knows nothing of, since only TCP is different. */
  readonly reconnect: readonly string[];
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
  const reconnect = kept
    .filter(({ was, plan }) => {
      return connectionOf(was.neighbor, was.device) !== connectionOf(plan.neighbor, plan.device);
    })
    .map(({ name }) => name);
  const renegotiated = renegotiate(before, after);
  return {
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    reset: kept
      .map(({ name }) => name)
      .filter((name) => renegotiated.has(name) || reconnect.includes(name)),
    reconnect: reconnect.filter((name) => !renegotiated.has(name)),
    restartNeeded: STARTUP_SECTIONS.filter(
      (section) => JSON.stringify(before[section]) !== JSON.stringify(after[section]),
    ),
  };
}

/** Sessions the speaker resets by itself when it gets the new configuration. */
function renegotiate(before: EdgeConfig, after: EdgeConfig): ReadonlySet<string> {
  const [was, now] = [buildSpeakerConfig(before), buildSpeakerConfig(after)];
  const isOther = was.localAs !== now.localAs || was.bgpIdentifier !== now.bgpIdentifier;
  const old = new Map(was.peers.map((peer) => [peer.name, peer]));
  return new Set(
    now.peers
      .filter((peer) => {
        const known = old.get(peer.name);
        if (known === undefined) return false;
        return isOther || classifyPeerChange(known, peer) === "reset";
      })
      .map(({ name }) => name),
  );
}

const STARTUP_SECTIONS = ["fib", "api", "stateDirectory"] as const;

/** What TCP was given when it connected, which the speaker does not know of. */
function connectionOf(neighbor: NeighborConfig, device: string | undefined): string {
  const { remoteAddress, remotePort, localAddress, ttl, minTtl, md5Key } = neighbor;
  const key = md5Key?.reveal();
  return JSON.stringify([remoteAddress, remotePort, localAddress, device, ttl, minTtl, key]);
}
