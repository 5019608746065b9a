/**
 * The static routes around peering connections, as they follow from the file, from what was
 * deactivated and from what the health checks say. A VPC's route goes to the interfaces that carry
 * weight; one that failed leaves it, and the one of weight 0 takes over when no other is left.
 */
import type { CloudConfig } from "./cloud-config.ts";
import type { CloudField, FieldHop, FieldRoute } from "./deeds.ts";
import type { CloudNetwork } from "./network.ts";
import type { PeeringConfig, PeeringHop } from "./peering-config.ts";
import type { CloudState } from "./state.ts";

export interface PeeringParts {
  readonly config: CloudConfig;
  readonly state: CloudState;
  readonly network: CloudNetwork;
  readonly field: CloudField;
  reload(node: string): void;
}

export class Peerings {
  readonly #parts: PeeringParts;

  constructor(parts: PeeringParts) {
    this.#parts = parts;
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
    const { config, state, field } = this.#parts;
    const { isActive } = state.peering(peering.name);
    const { toVpc } = this.#ends(peering);
    const routes = config.vbrs.find(({ name }) => name === peering.vbr)?.routes ?? [];
    for (const { prefix, to } of routes) {
      if (to !== peering.name) continue;
      field.setRoute?.(peering.vbr, prefix, isActive ? toVpc : "blackhole");
    }
    for (const { prefix, nextHop, hops } of state.vpc(peering.vpc).routes) {
      if (nextHop !== "peering" || !hops.some((hop) => hop.peering === peering.name)) continue;
      field.setRoute?.(peering.vpc, prefix, this.#way(hops));
    }
  }

  #way(hops: readonly PeeringHop[]): FieldRoute {
    const usable = hops.filter(({ peering }) => {
      const { isActive, isHealthFailed } = this.#parts.state.peering(peering);
      return isActive && !isHealthFailed;
    });
    const active = usable.filter(({ weight }) => weight > 0);
    const chosen = active.length > 0 ? active : usable;
    const ways = chosen.flatMap(({ peering }) => {
      const found = this.#find(peering);
      return found === undefined ? [] : [this.#ends(found).toVbr];
    });
    return ways.length === 0 ? "blackhole" : ways;
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
