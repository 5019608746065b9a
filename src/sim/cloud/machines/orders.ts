/**
 * What is ordered of physical connections and VBRs, from the application to the end, with the
 * vendor's refusals. Papers (LOA), payment and the work in the building take no part: an order of
 * the vendor's own (`approve`, `allocate` …) stands for them.
 */
import type { Clock } from "../../../platform/contract.ts";
import { Driver } from "../../../platform/driver.ts";
import type { CloudConfig, ConnectionStatus, VbrStatus } from "../config/cloud-config.ts";
import type { ConnectionOrder, DeedFault, VbrOrder } from "../deeds/deeds.ts";
import { Life, type LifeEffect, type LifeOrder, type LifeRule } from "./life.ts";

export interface OrderParts {
  readonly config: CloudConfig;
  readonly clock: Clock;
  /** An overdue connection: nothing is done about it. */
  isLocked(connection: string): boolean;
  connectionEntered(name: string, was: ConnectionStatus, is: ConnectionStatus): void;
  vbrEntered(name: string, is: VbrStatus): void;
}

const NOT_ALLOWED = "Forbidden.NotAllowedInState";
/** Of what the vendor itself does, so that nobody is told no by it. */
const NOT_NOW = "Causeway.NotAllowedInState";

const CONNECTION: Readonly<Record<ConnectionOrder, LifeRule<ConnectionStatus>>> = {
  approve: { from: ["Initial"], to: "Approved", refusal: NOT_NOW },
  reject: { from: ["Initial", "Approved"], to: "Rejected", refusal: NOT_NOW },
  resubmit: { from: ["Rejected"], to: "Initial", refusal: "InvalidStatus" },
  allocate: { from: ["Approved"], through: "Allocating", to: "Allocated", refusal: NOT_NOW },
  "fail-allocation": {
    ...{ from: ["Allocating"], to: "Allocation Failed", overtakes: true, refusal: NOT_NOW },
  },
  confirm: { from: ["Allocated"], to: "Confirmed", refusal: "IncorrectStatus.PhysicalConnection" },
  enable: {
    ...{ from: ["Confirmed"], through: "Confirmed", to: "Enabled", isDoneIn: "Enabled" },
    refusal: NOT_ALLOWED,
  },
  cancel: {
    from: ["Initial", "Approved", "Allocated", "Confirmed"],
    ...{ to: "Canceled", refusal: NOT_ALLOWED },
  },
  terminate: {
    ...{ from: ["Enabled"], through: "Terminating", to: "Terminated", refusal: NOT_ALLOWED },
  },
  delete: {
    from: ["Allocated", "Confirmed", "Rejected", "Canceled", "Allocation Failed", "Terminated"],
    ...{ to: "Deleted", refusal: "Forbidden.NotInAllowDeleteStatus" },
  },
  // Of hosted connections only, which there are none of here.
  recover: { from: [], to: "Enabled", refusal: "OperationDenied.PconnNotAllowRecover" },
};

const VBR_REFUSAL = "InvalidOperation.OperationNotAllowedInState";
const VBR: Readonly<Record<VbrOrder, LifeRule<VbrStatus>>> = {
  confirm: { from: ["unconfirmed"], to: "active", refusal: VBR_REFUSAL },
  terminate: {
    ...{ from: ["active"], through: "terminating", to: "terminated", refusal: VBR_REFUSAL },
  },
  recover: {
    ...{ from: ["terminated"], through: "recovering", to: "active", refusal: VBR_REFUSAL },
  },
};

export class Orders {
  readonly #parts: OrderParts;
  readonly #connections: Life<ConnectionStatus, ConnectionOrder>;
  readonly #vbrs: Life<VbrStatus, VbrOrder>;
  readonly #connectionDriver: Driver<LifeOrder<ConnectionOrder>, LifeEffect<ConnectionStatus>>;
  readonly #vbrDriver: Driver<LifeOrder<VbrOrder>, LifeEffect<VbrStatus>>;
  #refusal: DeedFault | undefined;

  constructor(parts: OrderParts) {
    this.#parts = parts;
    const { config, clock } = parts;
    const transitionUs = config.knobs.orderTransitionUs;
    this.#connections = new Life({
      ...{ rules: CONNECTION, transitionUs },
      born: config.connections.map(({ name, status }) => [name, status] as const),
      guard: (order) => this.#connectionFault(order),
    });
    this.#vbrs = new Life({
      ...{ rules: VBR, transitionUs },
      born: config.vbrs.map(({ name, status }) => [name, status] as const),
      guard: (order) => this.#vbrFault(order),
    });
    this.#connectionDriver = new Driver(this.#connections, clock, (effect) => {
      if (effect.kind === "refused") this.#refusal = effect.fault;
      else parts.connectionEntered(effect.name, effect.was, effect.is);
    });
    this.#vbrDriver = new Driver(this.#vbrs, clock, (effect) => {
      if (effect.kind === "refused") this.#refusal = effect.fault;
      else parts.vbrEntered(effect.name, effect.is);
    });
  }

  stop(): void {
    this.#connectionDriver.stop();
    this.#vbrDriver.stop();
  }

  connectionStatus(name: string): ConnectionStatus | undefined {
    return this.#connections.status(name);
  }

  vbrStatus(name: string): VbrStatus | undefined {
    return this.#vbrs.status(name);
  }

  orderConnection(name: string, order: ConnectionOrder): DeedFault | undefined {
    this.#refusal = undefined;
    this.#connectionDriver.deliver({ name, order });
    return this.#refusal;
  }

  orderVbr(name: string, order: VbrOrder): DeedFault | undefined {
    this.#refusal = undefined;
    this.#vbrDriver.deliver({ name, order });
    return this.#refusal;
  }

  #connectionFault({ name, order }: LifeOrder<ConnectionOrder>): DeedFault | undefined {
    const locked = this.#lockedFault(name);
    if (locked !== undefined || (order !== "terminate" && order !== "delete")) return locked;
    const isDelete = order === "delete";
    const attached = this.#parts.config.vbrs.find((vbr) => {
      const isThere = isDelete || this.vbrStatus(vbr.name) !== "terminated";
      return vbr.connection === name && isThere;
    });
    if (attached === undefined) return undefined;
    const text = `${attached.name} is on ${name} and ${this.vbrStatus(attached.name)}`;
    return { code: isDelete ? "Forbidden.VBRExists" : "Forbidden.VbrAttached", text };
  }

  #vbrFault({ name, order }: LifeOrder<VbrOrder>): DeedFault | undefined {
    const { vbrs } = this.#parts.config;
    const vbr = vbrs.find((one) => one.name === name);
    if (vbr === undefined || order === "terminate") return undefined;
    const { connection, vlan } = vbr;
    const status = this.connectionStatus(connection);
    if (status !== "Enabled") {
      const text = `${connection} is ${status}, not Enabled`;
      return { code: "OperationFailed.PconnTrafficNotEnable", text };
    }
    const heir = vbrs.find((one) => {
      const isThere = one.connection === connection && one.vlan === vlan && one !== vbr;
      return isThere && this.vbrStatus(one.name) !== "terminated";
    });
    if (heir !== undefined) {
      const text = `VLAN ${vlan} of ${connection} is ${heir.name}'s by now`;
      return { code: "OperationFailed.VlanIdAlreadyInUse", text };
    }
    return this.#lockedFault(connection);
  }

  #lockedFault(connection: string): DeedFault | undefined {
    if (!this.#parts.isLocked(connection)) return undefined;
    const text = `${connection} is locked: its bill is overdue, or somebody stopped it`;
    return { code: "OperationFailed.PconnTrafficNotEnable", text };
  }
}
