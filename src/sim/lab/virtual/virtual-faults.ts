/** Every fault, on a virtual clock: the wires, hosts and processes of a world are all to hand. */
import { BFD_PORT } from "../../../bfd/index.ts";
import type { LinkDirections, VirtualLink } from "../../../platform/virtual/link.ts";
import type { LinkQuality } from "../../../platform/virtual/link-quality.ts";
import type { Packet } from "../../../platform/virtual/packet.ts";
import type { Cloud } from "../../cloud/cloud.ts";
import type { CustomerEnd } from "../../cloud/network.ts";
import { circuitOptions } from "../../cloud/world.ts";
import type { Drill } from "../../drill/drill.ts";
import type { FaultDirection, FaultOf, LabFault } from "../../drill/faults/faults.ts";
import { isShared } from "../circuit-ports.ts";
import { type CloudFaults, GRACEFUL_SHUTDOWN } from "../cloud-faults.ts";
import { type Deeds, perform } from "../deeds.ts";
import { icmpPolicer, judgeReload, withAnnounced, withoutAnnounced } from "../edge-faults.ts";
import type { Pending } from "../pending.ts";
import { type OtherRouters, routersOn } from "./other-routers.ts";
import { CIRCUIT_QUALITY, type DrillWorld, EDGE, edgeDevice } from "./topology.ts";
import type { VirtualEdge } from "./virtual-edge.ts";

export interface VirtualFaultGround {
  readonly drill: Drill;
  readonly world: DrillWorld;
  readonly cloud: Cloud;
  readonly cloudFaults: CloudFaults;
  readonly edge: VirtualEdge;
  readonly others: OtherRouters;
  readonly pending: Pending;
}

/** Longer than a router needs to put a segment on the wire. */
const AT_ONCE_US = 1;
/** One packet may always wait. */
const MTU_OCTETS = 1500;
const REORDER_US = 20_000;
const BFD_PORTS: readonly number[] = Object.values(BFD_PORT);

export class VirtualFaults {
  readonly #ground: VirtualFaultGround;
  /** Rules of each circuit's wire that `restore` takes away. */
  readonly #rules = new Map<string, { remove(): void }[]>();

  constructor(ground: VirtualFaultGround) {
    this.#ground = ground;
  }

  /** Everything that was done and is not undone yet, at once. */
  rollback(): void {
    this.#pending.rollback();
    for (const circuit of this.#ground.world.circuits.keys()) this.#restore(circuit);
    this.#ground.cloudFaults.rollback();
  }

  get #pending(): Pending {
    return this.#ground.pending;
  }

  #resetEdgeAtLast(): void {
    const { edge, drill } = this.#ground;
    this.#pending.mendAtLast(() => edge.reload(() => drill.edge));
  }

  perform(fault: LabFault): boolean {
    return perform({ ...this.#ground.cloudFaults.deeds, ...this.#deeds }, fault);
  }

  readonly #deeds = {
    cut: ({ circuit, direction, carrier }) => {
      this.#cut(circuit, direction, carrier === "seen" ? "seen" : "unseen");
    },
    restore: ({ circuit }) => this.#restore(circuit),
    "shut-port": ({ circuit }) => {
      if (!this.#ground.cloudFaults.port(circuit, false)) this.#cut(circuit, "both", "seen");
    },
    "remove-vlan": ({ circuit }) => this.#cut(circuit, "both", "unseen"),
    degrade: (fault) => this.#degrade(fault),
    "restart-vbr": (fault) => {
      this.#ground.cloudFaults.restartVbr(fault, {
        cut: () => this.#cut(fault.circuit, "both", "unseen"),
        restore: () => this.#restore(fault.circuit),
      });
    },
    "forwarding-dead": ({ circuit }) => {
      this.#endHost(circuit).forwarding = "dead";
    },
    "stop-bfd": ({ circuit, direction }) => {
      this.#drop(circuit, direction, ({ body }) => {
        return body.kind === "udp" && BFD_PORTS.includes(body.destinationPort);
      });
    },
    "half-open": (fault) => this.#halfOpen(fault),
    maintain: (fault) => this.#maintain(fault),
    "down-interface": ({ circuit, forUs }) => {
      const { drill, world } = this.#ground;
      const device = edgeDevice(drill, circuit);
      world.edge.setAdmin(device, false);
      this.#pending.mend(forUs, () => world.edge.setAdmin(device, true));
    },
    "withdraw-own": ({ prefix }) => {
      this.#resetEdgeAtLast();
      this.#ground.edge.reload(withoutAnnounced(prefix));
    },
    "announce-own": ({ prefix }) => {
      this.#ground.edge.reload(withAnnounced(prefix, this.#ground.drill.edge));
    },
    reload: (fault) => {
      const { edge } = fault;
      this.#resetEdgeAtLast();
      judgeReload(fault, this.#ground.edge.reloadFrom({ ...edge, text: edge.problem }));
    },
    "step-clock": ({ offsetUs, way }) => {
      const { edge } = this.#ground.world;
      const offsetMs = ((way === "ahead" ? 1 : -1) * offsetUs) / 1000;
      edge.stepWallClock(offsetMs);
      this.#pending.mendAtLast(() => edge.stepWallClock(-offsetMs));
    },
    starve: (fault) => this.#starve(fault),
    freeze: ({ forUs }) => {
      this.#ground.edge.freeze();
      this.#pending.mend(forUs, () => this.#ground.edge.thaw());
    },
    kill: ({ downUs }) => {
      this.#ground.edge.kill();
      this.#pending.mend(downUs, () => this.#ground.edge.restart());
    },
    upgrade: ({ downUs }) => {
      this.#ground.edge.leave("upgrade", (note) => {
        this.#pending.mend(downUs, () => this.#ground.edge.restart(note));
      });
    },
    "stop-router": ({ router, forUs }) => {
      const { others } = this.#ground;
      others.powerOff(router);
      const boot = () => others.powerOn(router);
      if (forUs === undefined) this.#pending.mendAtLast(boot);
      else this.#pending.mend(forUs, boot);
    },
    "police-icmp": ({ perSec }) => {
      const { world, edge } = this.#ground.world;
      edge.answersEcho = icmpPolicer(perSec, () => world.now);
      this.#pending.mendAtLast(() => {
        edge.answersEcho = () => true;
      });
    },
  } satisfies Deeds;

  #cut(circuit: string, direction: FaultDirection, carrier: "seen" | "unseen"): void {
    const link = this.#link(circuit);
    const isSeen = carrier === "seen" && !isShared(link);
    const isDark = isSeen && direction !== "to-edge";
    for (const way of this.#ways(circuit, direction)) {
      const isLate = isDark && way.from === EDGE && this.#ground.cloudFaults.light(circuit, false);
      link.cut({ ...way, carrier: isSeen && !isLate ? "seen" : "unseen" });
    }
  }

  #restore(circuit: string): void {
    const link = this.#link(circuit);
    const own = { ...CIRCUIT_QUALITY, ...circuitOptions(this.#end(circuit)) };
    for (const rule of this.#rules.get(circuit) ?? []) rule.remove();
    this.#rules.delete(circuit);
    for (const way of this.#ways(circuit, "both")) {
      link.repair(way);
      link.shape(own, way);
    }
    this.#endHost(circuit).forwarding = "on";
    this.#ground.cloudFaults.restore(circuit);
  }

  #degrade(fault: FaultOf<"degrade">): void {
    const change: Partial<LinkQuality> = {
      ...(fault.lossPercent !== undefined && {
        ...{ loss: fault.lossPercent / 100, lossBurst: fault.burst ?? 1 },
      }),
      ...(fault.corruptPercent !== undefined && { corrupt: fault.corruptPercent / 100 }),
      ...(fault.latencyUs !== undefined && { latencyUs: fault.latencyUs }),
      ...(fault.jitterUs !== undefined && { jitterUs: fault.jitterUs }),
      ...(fault.duplicatePercent !== undefined && { duplicate: fault.duplicatePercent / 100 }),
      ...(fault.reorderPercent !== undefined && {
        ...{ reorder: fault.reorderPercent / 100, reorderUs: REORDER_US },
      }),
      ...(fault.mtu !== undefined && { mtu: fault.mtu }),
      ...(fault.rateBps !== undefined && { bandwidthBps: fault.rateBps }),
      ...(fault.rateBps !== undefined &&
        fault.queueUs !== undefined && {
          queueOctets: Math.max(MTU_OCTETS, (fault.rateBps * fault.queueUs) / 8e6),
        }),
    };
    for (const way of this.#ways(fault.circuit, fault.direction)) {
      this.#link(fault.circuit).shape(change, way);
    }
  }

  /** Its RST is lost on the way, so that the edge goes on believing. */
  #halfOpen({ circuit, peer }: FaultOf<"half-open">): void {
    const isTcp = ({ body }: Packet) => body.kind === "tcp";
    const rule = this.#drop(circuit, "to-edge", isTcp);
    this.#ground.cloudFaults.resetTcp({ circuit, peer });
    this.#pending.mend(AT_ONCE_US, () => rule.remove());
  }

  #maintain({ circuit, noticeUs, forUs }: FaultOf<"maintain">): void {
    this.#ground.cloudFaults.drain({ circuit }, GRACEFUL_SHUTDOWN);
    this.#pending.worsen(noticeUs, () => this.#cut(circuit, "both", "seen"));
    this.#pending.mend(noticeUs + forUs, () => this.#restore(circuit));
  }

  #starve({ forUs, sharePercent, sliceUs }: FaultOf<"starve">): void {
    const { edge } = this.#ground;
    const frozenUs = Math.floor((sliceUs * sharePercent) / 100);
    for (let atUs = 0; atUs < forUs; atUs += sliceUs) {
      this.#pending.worsen(atUs, () => edge.freeze());
      this.#pending.mend(atUs + frozenUs, () => edge.thaw());
    }
  }

  #drop(
    circuit: string,
    direction: FaultDirection,
    isMeant: (packet: Packet) => boolean,
  ): { remove(): void } {
    const ways = this.#ways(circuit, direction);
    const rule = this.#link(circuit).addRule((packet, from, to) => {
      const isWay = ways.some((way) => way.from === from && way.to === to);
      return isWay && isMeant(packet) ? "drop" : "pass";
    });
    const rules = this.#rules.get(circuit) ?? [];
    rules.push(rule);
    this.#rules.set(circuit, rules);
    return rule;
  }

  /** A wire may carry several circuits, so both ends of a way are named. */
  #ways(circuit: string, direction: FaultDirection): readonly LinkDirections[] {
    const end = this.#end(circuit).node;
    return [EDGE, ...routersOn(this.#ground.drill, circuit)].flatMap((own) => [
      ...(direction === "to-edge" ? [] : [{ from: own, to: end }]),
      ...(direction === "to-cloud" ? [] : [{ from: end, to: own }]),
    ]);
  }

  #link(circuit: string): VirtualLink {
    const link = this.#ground.world.circuits.get(circuit);
    if (link === undefined) throw new RangeError(`no circuit "${circuit}" in this drill`);
    return link;
  }

  #endHost(circuit: string) {
    return this.#ground.world.world.host(this.#end(circuit).node);
  }

  /** The cloud's node that ends a circuit: a VBR, or a VPN gateway. */
  #end(circuit: string): CustomerEnd {
    const end = this.#ground.world.network.customers.find((one) => one.circuit === circuit);
    if (end === undefined) throw new RangeError(`no circuit "${circuit}" in this drill`);
    return end;
  }
}
