/**
 * Keeps quotas that depend on all routes at once: what a VBR takes of its customer where the lowest
 * prefixes stay, and how many dynamic routes of a VPC's table are active. It looks whenever a
 * node's routes changed and gives the node the list of what is beyond.
 */

import type { Agent } from "../../../agent/agent.ts";
import type { JournalEntry } from "../../../agent/journal.ts";
import type { Alarm, Clock } from "../../../platform/contract.ts";
import { peersOf } from "../config/bgp-config.ts";
import type { CloudConfig, VbrConfig } from "../config/cloud-config.ts";
import { isVpcOnEcr } from "../config/ecr-associations.ts";
import { isKeptByList } from "../config/knobs.ts";
import type { VpcConfig } from "../config/vpc-config.ts";
import type { CloudState } from "../deeds/state.ts";
import { arrived, beyondQuota } from "./quota.ts";
import { dynamicRoutes } from "./route-view.ts";

export interface QuotaKeeperParts {
  readonly config: CloudConfig;
  readonly clock: Clock;
  readonly state: CloudState;
  agent(node: string): Agent | undefined;
  reload(node: string): void;
}

const ROWS_MAX = 100_000;

export class QuotaKeeper {
  readonly #parts: QuotaKeeperParts;
  readonly #alarm: Alarm;
  readonly #changed = new Set<string>();
  /** Prefixes of a VPC's table, or of one peer of a VBR, in the order in which they came. */
  readonly #arrivals = new Map<string, readonly string[]>();

  constructor(parts: QuotaKeeperParts) {
    this.#parts = parts;
    this.#alarm = parts.clock.createAlarm(() => this.#look());
  }

  /** Looks later: the agent that speaks here is in the middle of something. */
  heard(node: string, entry: JournalEntry): void {
    const isNews = entry.event === "fib.synced" || entry.event === "bgp.prefix-limit.exceeded";
    if (!isNews || !this.#isKept(node)) return;
    this.#changed.add(node);
    this.#alarm.set(this.#parts.clock.now());
  }

  stop(): void {
    this.#alarm.set(undefined);
  }

  #isKept(node: string): boolean {
    const { vbrs, vpcs, knobs } = this.#parts.config;
    if (vpcs.some(({ name }) => name === node)) return true;
    return isKeptByList(knobs) && vbrs.some(({ name }) => name === node);
  }

  #look(): void {
    const nodes = [...this.#changed];
    this.#changed.clear();
    const { config } = this.#parts;
    for (const node of nodes) {
      const vpc = config.vpcs.find(({ name }) => name === node);
      const vbr = config.vbrs.find(({ name }) => name === node);
      if (vpc !== undefined) this.#keepVpc(vpc);
      else if (vbr !== undefined) {
        for (const { name } of peersOf(vbr)) this.#keepPeer(vbr, name);
      }
    }
  }

  #keepPeer(vbr: VbrConfig, peer: string): void {
    const state = this.#parts.state.peer(vbr.name, peer);
    const speaker = this.#parts.agent(vbr.name)?.view.speaker;
    const slot = speaker?.peer(peer)?.slot;
    if (speaker === undefined || slot === undefined) return;
    const rows = speaker.rib.routes({ rib: "adj-rib-in", slot, offset: 0, limit: ROWS_MAX });
    const isFirst = this.#parts.config.knobs.routesKept === "first-received";
    const prefixes = rows.map(({ prefix }) => prefix);
    const beyond = this.#beyond(`${vbr.name} ${peer}`, prefixes, state.routeQuota, isFirst);
    if (isSame(beyond, state.overQuota)) return;
    state.overQuota = beyond;
    this.#parts.reload(vbr.name);
  }

  #keepVpc(vpc: VpcConfig): void {
    const { config } = this.#parts;
    const { quotas, knobs } = config;
    const state = this.#parts.state.vpc(vpc.name);
    const isByEcr = isVpcOnEcr(config, vpc);
    const quota = isByEcr ? quotas.ecrRoutesPerVpcTable : quotas.dynamicRoutesPerVpcTable;
    const candidates = dynamicRoutes(this.#parts.agent(vpc.name)).filter(
      ({ rejectedBy }) => rejectedBy === undefined || rejectedBy.endsWith("/over-quota"),
    );
    const prefixes = [...new Set(candidates.map(({ prefix }) => prefix))];
    const isFirst = knobs.vpcRoutesActive === "first-received";
    const beyond = this.#beyond(vpc.name, prefixes, quota, isFirst);
    if (isSame(beyond, state.overQuota)) return;
    state.overQuota = beyond;
    this.#parts.reload(vpc.name);
  }

  #beyond(
    table: string,
    prefixes: readonly string[],
    quota: number,
    isFirstKept: boolean,
  ): readonly string[] {
    if (!isFirstKept) return beyondQuota(prefixes, quota);
    const inOrder = arrived(this.#arrivals.get(table) ?? [], prefixes);
    this.#arrivals.set(table, inOrder);
    return inOrder.slice(quota);
  }
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);
