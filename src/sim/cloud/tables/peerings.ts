/**
 * The static routes around peering connections, as they follow from the file, from what was
 * deactivated and from what the health checks say. A VPC's route goes to the interfaces that carry
 * weight; one that failed leaves it, and the one of weight 0 takes over when no other is left.
 */
import type { Agent } from "../../../agent/agent.ts";
import type { JournalEntry } from "../../../agent/journal.ts";
import type { Alarm, Clock } from "../../../platform/contract.ts";
import type { CloudConfig } from "../config/cloud-config.ts";
import type { PeeringConfig, PeeringHop } from "../config/peering-config.ts";
import type { CloudField, FieldHop, FieldRoute } from "../deeds/deeds.ts";
import type { CloudState } from "../deeds/state.ts";
import type { CloudNetwork } from "../network.ts";
import type { StaticTables } from "./static-tables.ts";

export interface PeeringParts {
  readonly config: CloudConfig;
  readonly state: CloudState;
  readonly network: CloudNetwork;
  readonly field: CloudField;
  readonly clock: Clock;
  agent(node: string): Agent | undefined;
  readonly tables: StaticTables;
  reload(node: string): void;
}

export class Peerings {
  readonly #parts: PeeringParts;
  readonly #alarm: Alarm;
  /** VBRs whose BGP routes changed since the last look. */
  readonly #changedVbrs = new Set<string>();

  constructor(parts: PeeringParts) {
    this.#parts = parts;
    this.#alarm = parts.clock.createAlarm(() => this.#look());
  }

  stop(): void {
    this.#alarm.set(undefined);
  }

  /** Looks later: the agent that speaks here is in the middle of something. */
  heard(node: string, { event }: JournalEntry): void {
    const { peerings, knobs } = this.#parts.config;
    const isNews = event === "fib.synced" && knobs.vbrSamePrefix === "bgp";
    if (!isNews || !peerings.some(({ vbr }) => vbr === node)) return;
    this.#changedVbrs.add(node);
    this.#alarm.set(this.#parts.clock.now());
  }

  start(): void {
    for (const peering of this.#parts.config.peerings) {
      this.#setProbeRoutes(peering);
      this.#setRoutes(peering);
    }
  }

  /** Routes and what the customer is told follow the state of one connection. */
  changed(name: string): void {
    const peering = this.#find(name);
    if (peering === undefined) return;
    this.#setRoutes(peering);
    this.#parts.reload(peering.vbr);
  }

  #look(): void {
    for (const peering of this.#parts.config.peerings) {
      if (this.#changedVbrs.has(peering.vbr)) this.#setRoutes(peering);
    }
    this.#changedVbrs.clear();
  }

  /** A probe goes by its own connection there and back, wherever the traffic goes. */
  #setProbeRoutes(peering: PeeringConfig): void {
    const { setRoute } = this.#parts.field;
    const { healthCheck, vbr, vpc } = peering;
    if (healthCheck === undefined || setRoute === undefined) return;
    const { toVbr, toVpc } = this.#ends(peering);
    setRoute(vpc, `${healthCheck.source}/32`, "local");
    setRoute(vpc, `${healthCheck.target}/32`, toVbr);
    setRoute(vbr, `${healthCheck.source}/32`, toVpc);
  }

  #setRoutes(peering: PeeringConfig): void {
    const { config, state, tables } = this.#parts;
    const { isActive } = state.peering(peering.name);
    const { toVpc } = this.#ends(peering);
    const routes = config.vbrs.find(({ name }) => name === peering.vbr)?.routes ?? [];
    for (const { prefix, to } of routes) {
      if (to !== peering.name) continue;
      this.#setVbrRoute(peering.vbr, prefix, isActive ? toVpc : "blackhole");
    }
    const failed = new Set(state.vpc(peering.vpc).failedRoutes);
    for (const { prefix, nextHop, hops } of state.vpc(peering.vpc).routes) {
      if (nextHop !== "peering" || !hops.some((hop) => hop.peering === peering.name)) continue;
      const ways = this.#ways(hops);
      const isOut = ways.length === 0 && config.knobs.failedPeeringRoute === "falls-back";
      if (isOut) failed.add(prefix);
      else failed.delete(prefix);
      tables.set(peering.vpc, prefix, ways.length > 0 ? ways : isOut ? undefined : "blackhole");
    }
    if (failed.size === state.vpc(peering.vpc).failedRoutes.length) return;
    state.vpc(peering.vpc).failedRoutes = [...failed];
    this.#parts.reload(peering.vpc);
  }

  /** The VBR's own route for a prefix that its customer announces as well. */
  #setVbrRoute(vbr: string, prefix: string, to: FieldRoute): void {
    const isBgp = this.#parts.config.knobs.vbrSamePrefix === "bgp" && this.#isLearnt(vbr, prefix);
    this.#parts.tables.set(vbr, prefix, isBgp ? undefined : to);
  }

  /** Best by BGP and not a network of the VBR's own: then its router has it in the table. */
  #isLearnt(vbr: string, prefix: string): boolean {
    const speaker = this.#parts.agent(vbr)?.view.speaker;
    const candidates = speaker?.rib.explain(prefix)?.candidates ?? [];
    return candidates.some(({ slot, isBest }) => isBest && speaker?.peerName(slot) !== "local");
  }

  #ways(hops: readonly PeeringHop[]): readonly FieldHop[] {
    const usable = hops.filter(({ peering }) => {
      const { isActive, isHealthFailed } = this.#parts.state.peering(peering);
      return isActive && !isHealthFailed;
    });
    const active = usable.filter(({ weight }) => weight > 0);
    const chosen = active.length > 0 ? active : usable;
    return chosen.flatMap(({ peering }) => {
      const found = this.#find(peering);
      return found === undefined ? [] : [this.#ends(found).toVbr];
    });
  }

  #find(name: string): PeeringConfig | undefined {
    return this.#parts.config.peerings.find((one) => one.name === name);
  }

  #ends({ vbr, vpc }: PeeringConfig): { readonly toVbr: FieldHop; readonly toVpc: FieldHop } {
    const wire = this.#parts.network.wires.find(
      ({ a, b, hasSession }) => !hasSession && a.node === vbr && b.node === vpc,
    );
    if (wire === undefined) throw new RangeError(`no wire between ${vbr} and ${vpc}`);
    const { a, b } = wire;
    return {
      toVbr: { gateway: a.address, device: b.device },
      toVpc: { gateway: b.address, device: a.device },
    };
  }
}
