/**
 * The machines beside the cloud's routers, on its clock: a port for every physical connection, a
 * health check for every VBR that has one, the failover-test jobs. They tell a `MachineOwner` what
 * changed; nothing in here knows a router.
 */
import type { Micros } from "../../../core/time.ts";
import type { Clock } from "../../../platform/contract.ts";
import { Driver } from "../../../platform/driver.ts";
import { peersOf } from "../config/bgp-config.ts";
import type {
  CloudConfig,
  ConnectionConfig,
  ConnectionStatus,
  VbrStatus,
} from "../config/cloud-config.ts";
import type {
  CloudEvent,
  CloudField,
  ConnectionOrder,
  DeedFault,
  JobResourceType,
  VbrOrder,
} from "../deeds/deeds.ts";
import { addressOf } from "../network.ts";
import {
  FailoverJobs,
  type JobEffect,
  type JobInput,
  type JobResource,
  type JobView,
} from "./failover-jobs.ts";
import { HealthCheck, type HealthEffect, type HealthInput } from "./health-check.ts";
import { Orders } from "./orders.ts";
import { BUSINESS, closedBy, Port, type PortEffect, type PortInput, statusReason } from "./port.ts";

export interface TestedPeer {
  readonly vbr: string;
  readonly peer: string;
}

export interface MachineOwner {
  /** A circuit lost its port, or has it back. */
  portChanged(circuit: string, isUp: boolean): void;
  /** A VBR begins to be there for its customer, or ceases to. */
  vbrChanged(vbr: string, isActive: boolean): void;
  /** A failover-test job takes sessions down, or gives them back. */
  sessionsTested(peers: readonly TestedPeer[], isTested: boolean): void;
  healthChanged(probed: Probed, isFailed: boolean): void;
  tell(event: CloudEvent): void;
}

/** What a health check is of, and whence it probes what. */
export interface Probed {
  readonly kind: "vbr" | "peering" | "vpn";
  readonly name: string;
  readonly region: string;
  readonly node: string;
  readonly source: string;
  readonly target: string;
  readonly intervalUs: number;
  readonly threshold: number;
  readonly isProbeOnly: boolean;
}

const JOB_TYPES = ["PHYSICALCONNECTION", "VIRTUALBORDERROUTER", "BGPPEER"] as const;

interface DrivenPort {
  readonly config: ConnectionConfig;
  readonly port: Port;
  readonly driver: Driver<PortInput, PortEffect>;
  businessStatus: ConnectionConfig["businessStatus"];
}

interface DrivenCheck {
  readonly check: HealthCheck;
  readonly driver: Driver<HealthInput, HealthEffect>;
}

export class CloudMachines {
  readonly #config: CloudConfig;
  readonly #clock: Clock;
  readonly #field: CloudField;
  readonly #owner: MachineOwner;
  readonly #ports = new Map<string, DrivenPort>();
  readonly #checks = new Map<string, DrivenCheck>();
  readonly #orders: Orders;
  readonly #jobs: FailoverJobs;
  readonly #jobDriver: Driver<JobInput, JobEffect>;
  #refusal: DeedFault | undefined;

  constructor(parts: {
    readonly config: CloudConfig;
    readonly clock: Clock;
    readonly field: CloudField;
    readonly owner: MachineOwner;
  }) {
    this.#config = parts.config;
    this.#clock = parts.clock;
    this.#field = parts.field;
    this.#owner = parts.owner;
    for (const connection of this.#config.connections) this.#addPort(connection);
    for (const probed of probedOf(this.#config)) this.#addCheck(probed);
    this.#orders = new Orders({
      ...{ config: parts.config, clock: parts.clock },
      isLocked: (connection) => (this.businessStatus(connection) ?? "Normal") !== "Normal",
      connectionEntered: (...change) => this.#connectionEntered(...change),
      vbrEntered: (name, is) => this.#vbrEntered(name, is),
    });
    this.#jobs = new FailoverJobs({
      resourcesMax: this.#config.quotas.jobResources,
      transitionUs: this.#config.knobs.jobTransitionUs,
      types: this.#config.knobs.jobTypes === "all" ? JOB_TYPES : ["PHYSICALCONNECTION"],
      resource: (type, name) => this.#resource(type, name),
    });
    this.#jobDriver = new Driver(this.#jobs, this.#clock, (effect) => this.#performJob(effect));
  }

  /** Shuts what is not in operation, and begins to probe. */
  start(): void {
    for (const { config, driver } of this.#ports.values()) {
      const reason = closedBy(config, this.#config.knobs);
      if (reason !== undefined) driver.deliver({ kind: "shut", reason, isShut: true });
    }
    for (const { driver } of this.#checks.values()) driver.deliver({ kind: "switch", isOn: true });
  }

  stop(): void {
    for (const { driver } of this.#ports.values()) driver.stop();
    for (const { driver } of this.#checks.values()) driver.stop();
    this.#jobDriver.stop();
    this.#orders.stop();
  }

  light(connection: string, isOn: boolean): DeedFault | undefined {
    return this.#toPort(connection, { kind: "light", isOn });
  }

  shut(connection: string, reason: string, isShut: boolean): DeedFault | undefined {
    return this.#toPort(connection, { kind: "shut", reason, isShut });
  }

  setBusinessStatus(
    connection: string,
    status: ConnectionConfig["businessStatus"],
  ): DeedFault | undefined {
    const fault = this.#portFault(connection);
    if (fault !== undefined) return fault;
    const found = this.#ports.get(connection);
    if (found !== undefined) found.businessStatus = status;
    const isClosing = this.#config.knobs.businessLock === "port-down";
    return this.shut(connection, BUSINESS, isClosing && status !== "Normal");
  }

  orderConnection(connection: string, order: ConnectionOrder): DeedFault | undefined {
    return this.#portFault(connection) ?? this.#orders.orderConnection(connection, order);
  }

  orderVbr(vbr: string, order: VbrOrder): DeedFault | undefined {
    return this.#orders.orderVbr(vbr, order);
  }

  connectionStatus(connection: string): ConnectionStatus | undefined {
    return this.#orders.connectionStatus(connection);
  }

  vbrStatus(vbr: string): VbrStatus | undefined {
    return this.#orders.vbrStatus(vbr);
  }

  switchCheck(vbr: string, isOn: boolean): DeedFault | undefined {
    const found = this.#checks.get(vbr);
    if (found === undefined) {
      return { code: "Causeway.NoHealthCheck", text: `${vbr} has no health check in its file` };
    }
    found.driver.deliver({ kind: "switch", isOn });
    return undefined;
  }

  job(input: JobInput): DeedFault | undefined {
    this.#refusal = undefined;
    this.#jobDriver.deliver(input);
    return this.#refusal;
  }

  jobs(): readonly JobView[] {
    return this.#jobs.view();
  }

  port(connection: string): Port | undefined {
    return this.#ports.get(connection)?.port;
  }

  businessStatus(connection: string): ConnectionConfig["businessStatus"] | undefined {
    return this.#ports.get(connection)?.businessStatus;
  }

  /** Of a VBR or a peering connection. */
  check(name: string): HealthCheck | undefined {
    return this.#checks.get(name)?.check;
  }

  #addPort(config: ConnectionConfig): void {
    const { portUpDelayUs: upDelayUs, shutPortDelay } = this.#config.knobs;
    const isShutDelayed = shutPortDelay === "down-delay";
    const port = new Port({ downDelayUs: config.downDelayUs, upDelayUs, isShutDelayed });
    const driver = new Driver(port, this.#clock, (effect: PortEffect) => {
      this.#reported(config, effect);
    });
    this.#ports.set(config.name, { config, port, driver, businessStatus: config.businessStatus });
  }

  #addCheck(probed: Probed): void {
    const { intervalUs, threshold } = probed;
    const recovery = this.#config.knobs.healthCheckRecovery;
    const check = new HealthCheck({ intervalUs, threshold, recovery });
    const driver: Driver<HealthInput, HealthEffect> = new Driver(check, this.#clock, (effect) => {
      if (effect.kind === "probe") this.#probe(probed, effect.probe, driver);
      else this.#judged(probed, effect);
    });
    this.#checks.set(probed.name, { check, driver });
  }

  #probe(probed: Probed, probe: number, driver: Driver<HealthInput, HealthEffect>): void {
    const { node, source, target, intervalUs } = probed;
    this.#field.ping?.(node, { source, destination: target, timeoutUs: intervalUs }, (isAnswered) =>
      driver.deliver({ kind: "answer", probe, isAnswered }),
    );
  }

  #judged(probed: Probed, effect: Exclude<HealthEffect, { readonly kind: "probe" }>): void {
    const isFailed = effect.kind === "failed";
    const count = isFailed ? `${effect.losses} losses` : `${effect.answers} answers`;
    const what = CHECK_NAMES[probed.kind];
    this.#owner.tell({
      at: this.#now(),
      level: isFailed ? "CRITICAL" : "INFO",
      name: `${what}:${isFailed ? "Failed" : "Recovered"}`,
      ...{ resource: probed.name, region: probed.region, text: `${count} in a row` },
    });
    if (!probed.isProbeOnly) this.#owner.healthChanged(probed, isFailed);
  }

  #reported(connection: ConnectionConfig, { isUp, text }: PortEffect): void {
    this.#owner.tell({
      at: this.#now(),
      level: isUp ? "INFO" : "CRITICAL",
      name: `PhysicalConnectionStatus:${isUp ? "Up" : "Down"}`,
      ...{ resource: connection.name, region: this.#regionOf(connection), text },
    });
    for (const vbr of this.#config.vbrs) {
      if (vbr.connection === connection.name) this.#owner.portChanged(vbr.circuit, isUp);
    }
  }

  #performJob(effect: JobEffect): void {
    if (effect.kind === "refused") this.#refusal = effect.fault;
    else if (effect.kind === "shut") {
      const { type, resource, isShut } = effect;
      if (type === "PHYSICALCONNECTION") this.shut(resource, `job ${effect.job}`, isShut);
      else this.#owner.sessionsTested(this.#peersMeant(type, resource), isShut);
    } else {
      const job = this.#jobs.view().find(({ name }) => name === effect.job);
      this.#owner.tell({
        at: this.#now(),
        level: "INFO",
        name: `FailoverTestJob:${effect.state}`,
        ...{ resource: effect.job, region: job?.region ?? "", text: `is ${effect.state}` },
      });
    }
  }

  /** Shut for the new state before it is no longer shut for the old one. */
  #connectionEntered(connection: string, was: ConnectionStatus, is: ConnectionStatus): void {
    const found = this.#ports.get(connection);
    if (is !== "Enabled") this.shut(connection, statusReason(is), true);
    if (was !== "Enabled") this.shut(connection, statusReason(was), false);
    const region = found === undefined ? "" : this.#regionOf(found.config);
    this.#tellStatus("PhysicalConnection", connection, region, is);
  }

  #vbrEntered(vbr: string, is: VbrStatus): void {
    const region = this.#config.vbrs.find(({ name }) => name === vbr)?.region ?? "";
    this.#tellStatus("VirtualBorderRouter", vbr, region, is);
    if (is === "active" || is === "terminating") this.#owner.vbrChanged(vbr, is === "active");
  }

  #tellStatus(what: string, resource: string, region: string, status: string): void {
    this.#owner.tell({
      ...{ at: this.#now(), level: "INFO", name: `${what}:${status.replaceAll(" ", "")}` },
      ...{ resource, region, text: `is ${status}` },
    });
  }

  #toPort(connection: string, input: PortInput): DeedFault | undefined {
    const fault = this.#portFault(connection);
    if (fault === undefined) this.#ports.get(connection)?.driver.deliver(input);
    return fault;
  }

  #portFault(connection: string): DeedFault | undefined {
    if (!this.#ports.has(connection)) {
      const text = `there is no physical connection "${connection}"`;
      return { code: "InvalidPhysicalConnectionId.NotFound", text };
    }
    if (this.#field.setPort === undefined) {
      const text = "this lab cannot take a port of the cloud down";
      return { code: "Causeway.LabCannot", text };
    }
    return undefined;
  }

  #resource(type: JobResourceType, name: string): JobResource | undefined {
    const [own] = type === "PHYSICALCONNECTION" ? [] : this.#peersMeant(type, name);
    const vbr = this.#config.vbrs.find((one) => one.name === own?.vbr);
    const found = this.#ports.get(type === "PHYSICALCONNECTION" ? name : (vbr?.connection ?? ""));
    if (found === undefined) return undefined;
    const { config, businessStatus } = found;
    const status = this.connectionStatus(config.name) ?? config.status;
    const vbrStatus = vbr && this.vbrStatus(vbr.name);
    return { region: this.#regionOf(config), vbrStatus, status, businessStatus };
  }

  /** The sessions of a VBR, or the one peer of that name. */
  #peersMeant(type: JobResourceType, name: string): readonly TestedPeer[] {
    return this.#config.vbrs.flatMap((vbr) =>
      peersOf(vbr).flatMap((peer) => {
        const isMeant = name === (type === "BGPPEER" ? peer.name : vbr.name);
        return isMeant ? [{ vbr: vbr.name, peer: peer.name }] : [];
      }),
    );
  }

  #regionOf({ accessPoint }: ConnectionConfig): string {
    return this.#config.accessPoints.find(({ name }) => name === accessPoint)?.region ?? "";
  }

  #now(): Micros {
    return this.#clock.now();
  }
}

const CHECK_NAMES: Readonly<Record<Probed["kind"], string>> = {
  vbr: "VbrHealthCheck",
  peering: "RouterInterfaceHealthCheck",
  vpn: "VpnHealthCheck",
};

function probedOf({ vbrs, vpcs, peerings, vpns }: CloudConfig): Probed[] {
  return [
    ...vbrs.flatMap(({ name, region, peer, healthCheck }): Probed[] => {
      if (healthCheck === undefined) return [];
      return [{ ...healthCheck, kind: "vbr", name, region, node: name, target: peer }];
    }),
    ...peerings.flatMap(({ name, vpc, healthCheck }): Probed[] => {
      if (healthCheck === undefined) return [];
      const region = vpcs.find((one) => one.name === vpc)?.region ?? "";
      return [{ ...healthCheck, kind: "peering", name, region, node: vpc, isProbeOnly: false }];
    }),
    ...vpns.flatMap(({ name, region, local, healthCheck }): Probed[] => {
      if (healthCheck === undefined) return [];
      const { target, intervalUs, retry: threshold } = healthCheck;
      const source = addressOf(local);
      const probe = { source, target, intervalUs, threshold, isProbeOnly: false };
      return [{ ...probe, kind: "vpn", name, region, node: name }];
    }),
  ];
}
