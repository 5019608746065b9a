/** Hosts and configurations for the agent's own tests: a clock moved by hand, routes kept in memory. */
import type { BfdConfig, EdgeConfig, NeighborConfig } from "../../src/agent/config/edge-config.ts";
import type { Events } from "../../src/agent/event-journal.ts";
import { REJECT_ALL } from "../../src/bgp/policy/chain.ts";
import { Afi, formatAddress } from "../../src/core/address.ts";
import type { LogEvent } from "../../src/core/log.ts";
import { type Micros, micros } from "../../src/core/time.ts";
import type {
  Alarm,
  Clock,
  KernelRoute,
  RouteBatch,
  RouteFailure,
  RouteGroup,
  RouteResult,
  Routes,
} from "../../src/platform/contract.ts";

export class FakeClock implements Clock {
  #now = 0;
  readonly #alarms = new Map<Alarm, { at: Micros | undefined; ring: () => void }>();

  now(): Micros {
    return micros(this.#now);
  }

  createAlarm(ring: () => void): Alarm {
    const entry: { at: Micros | undefined; ring: () => void } = { at: undefined, ring };
    const alarm = {
      set: (at: Micros | undefined) => {
        entry.at = at;
      },
    };
    this.#alarms.set(alarm, entry);
    return alarm;
  }

  /** Moves time and rings what is due on the way, soonest first. */
  advance(us: number): void {
    const end = this.#now + us;
    for (;;) {
      let next: { at: Micros | undefined; ring: () => void } | undefined;
      for (const entry of this.#alarms.values()) {
        if (entry.at === undefined || entry.at > end) continue;
        if (next?.at === undefined || entry.at < next.at) next = entry;
      }
      if (next?.at === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      next.at = undefined;
      next.ring();
    }
    this.#now = end;
  }
}

export interface RecordedEvents extends Events {
  readonly entries: LogEvent[];
  /** Ids of what an operator sees at the default level. */
  ids(): string[];
  of(id: string): LogEvent["fields"][];
}

export function recordingEvents(): RecordedEvents {
  const entries: LogEvent[] = [];
  return {
    entries,
    emit: (level, event, fields) => void entries.push({ level, event, fields }),
    ids: () => entries.filter((entry) => entry.level !== "debug").map((entry) => entry.event),
    of: (id) => entries.filter((entry) => entry.event === id).map((entry) => entry.fields),
  };
}

/** Kernel routes as a map, with the answers delayed until `settle` and refusals on demand. */
export class FakeRoutes implements Routes {
  readonly kind = "virtual";
  readonly groups = new Map<number, RouteGroup>();
  readonly rows = new Map<string, number>();
  /** Calls in order: `groups 1,2`, `apply 3`, `remove 1`. */
  readonly calls: string[] = [];
  readonly refuse = new Map<string, RouteFailure>();
  isHolding = false;
  readonly #waiting: (() => void)[] = [];

  setGroups(groups: readonly RouteGroup[], done: (result: RouteResult) => void): void {
    this.calls.push(`groups ${groups.map((group) => group.id).join(",")}`);
    for (const group of groups) this.groups.set(group.id, group);
    this.#answer(groups.length, [], done);
  }

  removeGroups(ids: readonly number[], done: (result: RouteResult) => void): void {
    this.calls.push(`remove ${ids.join(",")}`);
    for (const id of ids) this.groups.delete(id);
    this.#answer(ids.length, [], done);
  }

  apply(batch: RouteBatch, done: (result: RouteResult) => void): void {
    this.calls.push(`apply ${batch.count}`);
    const octets = batch.afi === Afi.Ipv4 ? 4 : 16;
    const failures: RouteFailure[] = [];
    for (let row = 0; row < batch.count; row += 1) {
      const address = batch.addresses.subarray(row * octets, (row + 1) * octets);
      const prefix = `${formatAddress(address)}/${batch.lengths[row]}`;
      const group = batch.groups[row] ?? 0;
      const refusal = this.refuse.get(prefix);
      if (refusal !== undefined) failures.push(refusal);
      else if (group === 0) this.rows.delete(prefix);
      else this.rows.set(prefix, group);
    }
    this.#answer(batch.count - failures.length, failures, done);
  }

  dump(done: (routes: readonly KernelRoute[]) => void): void {
    const routes = [...this.rows].map(([prefix, id]) => {
      return { prefix, hops: this.groups.get(id)?.hops ?? [], proto: 187 };
    });
    if (this.isHolding) this.#waiting.push(() => done(routes));
    else done(routes);
  }

  resolve(address: string): { device: string; gateway?: string } | undefined {
    return address.startsWith("192.0.2.") ? undefined : { device: "lo" };
  }

  flush(): RouteResult {
    const applied = this.rows.size;
    this.rows.clear();
    this.groups.clear();
    return { applied, failures: [], tookUs: 0 };
  }

  close(): void {}

  /** Gives the answers that were held back. */
  settle(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
  }

  #answer(
    applied: number,
    failures: readonly RouteFailure[],
    done: (result: RouteResult) => void,
  ): void {
    const answer = () => done({ applied, failures, tookUs: 10 });
    if (this.isHolding) this.#waiting.push(answer);
    else answer();
  }
}

export type NeighborOverrides = Partial<Omit<NeighborConfig, "bfd">> & {
  readonly name: string;
  readonly bfd?: Partial<BfdConfig> | undefined;
};

export function neighbor(overrides: NeighborOverrides): NeighborConfig {
  const { bfd, ...rest } = overrides;
  return {
    description: "",
    remoteAddress: "10.0.0.2",
    remotePort: 179,
    localAddress: "10.0.0.1",
    remoteAs: 45104,
    localAs: undefined,
    device: undefined,
    isPassive: false,
    isShutdown: false,
    holdTimeSec: 30,
    holdTimeSecMin: 3,
    keepaliveTimeSec: 10,
    connectRetryTimeSec: 5,
    sendHoldTimeSec: 60,
    families: ["ipv4-unicast"],
    capabilities: {
      routeRefresh: true,
      enhancedRouteRefresh: true,
      extendedMessage: true,
      fourOctetAs: true,
      gracefulRestart: false,
    },
    md5Key: undefined,
    ttl: 1,
    minTtl: undefined,
    importPolicy: REJECT_ALL,
    exportPolicy: REJECT_ALL,
    maxPrefix: undefined,
    budget: undefined,
    isRouteReflectorClient: false,
    nextHopSelf: false,
    allowOwnAs: 0,
    ...rest,
    bfd: bfd === undefined ? undefined : { ...BFD, ...bfd },
  };
}

const BFD: BfdConfig = {
  mode: "single-hop",
  desiredMinTxIntervalUs: 50_000,
  requiredMinRxIntervalUs: 50_000,
  detectMult: 3,
  minTtl: 255,
  isPassive: false,
  isStrict: false,
  auth: undefined,
};

export function edgeConfig(overrides: Partial<EdgeConfig> = {}): EdgeConfig {
  return {
    name: "edge1",
    localAs: 65_001,
    routerId: "10.0.0.1",
    listen: { addresses: [], port: 179 },
    circuits: [],
    neighbors: [],
    failover: { mode: "ecmp", order: [] },
    announce: [],
    multipath: { ebgpPathsMax: 2, ibgpPathsMax: 2, relax: true },
    fib: { kind: "virtual", table: 254, proto: 187, metric: 20 },
    api: { listen: undefined, socketPath: undefined },
    log: { level: "info" },
    stateDirectory: undefined,
    ...overrides,
  };
}
