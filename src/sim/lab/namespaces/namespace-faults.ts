/**
 * Faults with a real kernel's means: links and queues set by `ip` and `tc`, policy rules that
 * refuse a protocol, signals to the daemon. What a kernel cannot do to a wire is refused by name.
 */
import type { RestartNote } from "../../../agent/restart.ts";
import { BFD_PORT } from "../../../bfd/index.ts";
import type { Cloud } from "../../cloud/cloud.ts";
import type { VbrConfig } from "../../cloud/config/cloud-config.ts";
import { type CustomerEnd, cloudNetwork } from "../../cloud/network.ts";
import type { Drill } from "../../drill/drill.ts";
import type { FaultDirection, FaultOf, LabFault } from "../../drill/faults/faults.ts";
import { type CloudFaults, GRACEFUL_SHUTDOWN } from "../cloud-faults.ts";
import { type Deeds, perform } from "../deeds.ts";
import type { Pending } from "../pending.ts";
import { EDGE, edgeDevice } from "../virtual/topology.ts";
import type { NamespaceEdge } from "./namespace-edge.ts";
import { type Namespaces, whyNoEchoLimit, whyNoNetem } from "./namespaces.ts";

export interface NamespaceFaultGround {
  readonly drill: Drill;
  readonly namespaces: Namespaces;
  readonly cloud: Cloud;
  readonly cloudFaults: CloudFaults;
  readonly edge: NamespaceEdge;
  readonly pending: Pending;
  /** What goes wrong behind the drill's back. */
  failed(error: unknown): void;
}

interface End {
  readonly node: string;
  readonly device: string;
}

/** The reason in words that follow "cannot"; undefined where it can. */
export function whyNotInNamespaces(fault: LabFault): string | undefined {
  if (fault.do === "step-clock") return "set a clock of its own: namespaces share the machine's";
  if (fault.do === "police-icmp") {
    const missing = fault.perSec > 0 ? whyNoEchoLimit() : undefined;
    return missing && `limit pings to a rate: ${missing}`;
  }
  if (fault.do !== "degrade") return undefined;
  const { mtu, direction, ...rest } = fault;
  const { lossPercent, latencyUs, jitterUs, duplicatePercent, reorderPercent } = rest;
  const asked = [lossPercent, latencyUs, jitterUs, duplicatePercent, reorderPercent];
  const isQueue = [...asked, rest.corruptPercent, rest.rateBps].some((one) => one !== undefined);
  if (mtu !== undefined) return "shrink the MTU of a wire unseen";
  const missing = isQueue ? whyNoNetem() : undefined;
  return missing && `degrade a line ${direction}: ${missing}`;
}

/** Bursts are netem's Gilbert model: how a burst begins, and how it ends. */
function lossWords({ lossPercent, burst }: FaultOf<"degrade">): readonly string[] {
  if (lossPercent === undefined) return [];
  if (burst === undefined || lossPercent >= 100) return ["loss", `${lossPercent}%`];
  const beginsPercent = (100 * lossPercent) / (burst * (100 - lossPercent));
  return ["loss", "gemodel", `${beginsPercent}%`, `${100 / burst}%`];
}

/** Packets that may wait for the rate. */
function limitWords({ rateBps, queueUs }: FaultOf<"degrade">): readonly string[] {
  if (rateBps === undefined || queueUs === undefined) return [];
  const octets = (rateBps * queueUs) / 8e6;
  return ["limit", String(Math.max(1, Math.round(octets / PACKET_OCTETS)))];
}

const PACKET_OCTETS = 1500;
const FORWARDING = ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"];
/** By type of message, as Linux has it from the start (`icmp_ratemask`). */
const ICMP_RATEMASK = 6168;
const ECHO_REPLY = 0;
const BFD_PORTS: readonly number[] = Object.values(BFD_PORT);

export class NamespaceFaults {
  readonly #ground: NamespaceFaultGround;
  /** What `restore` undoes, by circuit. */
  readonly #undoing = new Map<string, Set<() => void>>();
  /** Nodes whose rules can be put in front of that for local addresses. */
  readonly #ruled = new Set<string>();
  readonly #ends: readonly CustomerEnd[];

  constructor(ground: NamespaceFaultGround) {
    this.#ground = ground;
    this.#ends = cloudNetwork(ground.drill.cloud).customers;
  }

  /** Everything that was done and is not undone yet, at once. */
  rollback(): void {
    this.#pending.rollback();
    for (const { name } of this.#ground.drill.edge.circuits) this.#restore(name);
    this.#ground.cloudFaults.rollback();
  }

  get #pending(): Pending {
    return this.#ground.pending;
  }

  perform(fault: LabFault): boolean {
    return perform({ ...this.#ground.cloudFaults.deeds, ...this.#deeds }, fault);
  }

  readonly #deeds = {
    cut: ({ circuit, direction, carrier }) => {
      if (carrier === "seen") this.#darken(circuit, direction);
      else this.#blackhole(circuit, direction);
    },
    restore: ({ circuit }) => this.#restore(circuit),
    "shut-port": ({ circuit }) => {
      if (!this.#ground.cloudFaults.port(circuit, false)) this.#shut(circuit);
    },
    "remove-vlan": ({ circuit }) => this.#blackhole(circuit, "both"),
    degrade: (fault) => this.#degrade(fault),
    "restart-vbr": (fault) => {
      this.#ground.cloudFaults.restartVbr(fault, {
        cut: () => this.#blackhole(fault.circuit, "both"),
        restore: () => this.#restore(fault.circuit),
      });
    },
    "forwarding-dead": ({ circuit }) => {
      const { name } = this.#vbr(circuit);
      const setForwarding = (value: number) => {
        for (const key of FORWARDING) this.#ground.namespaces.sysctl(name, key, value);
      };
      setForwarding(0);
      this.#undoingOf(circuit).add(() => setForwarding(1));
    },
    "stop-bfd": ({ circuit, direction }) => {
      for (const end of this.#receivers(circuit, direction)) {
        const matches = BFD_PORTS.map((port) => `ipproto udp dport ${port}`);
        this.#refuse(circuit, end, matches);
      }
    },
    "half-open": (fault) => this.#halfOpen(fault),
    maintain: (fault) => this.#maintain(fault),
    "down-interface": ({ circuit, forUs }) => {
      const device = edgeDevice(this.#ground.drill, circuit);
      const { devices } = this.#ground.namespaces;
      devices.setUp(EDGE, device, false);
      this.#pending.mend(forUs, () => devices.setUp(EDGE, device, true));
    },
    "withdraw-own": ({ prefix }) => {
      this.#pending.mendAtLast(() => this.#ground.edge.reset());
      this.#ground.edge.command({ kind: "withdraw-own", prefix });
    },
    "announce-own": ({ prefix }) => this.#ground.edge.command({ kind: "announce-own", prefix }),
    reload: ({ edge: { name, text }, answer }) => {
      this.#pending.mendAtLast(() => this.#ground.edge.reset());
      this.#ground.edge.command({ kind: "reload", name, text, answer });
    },
    starve: ({ forUs, sharePercent, sliceUs }) => {
      const stoppedUs = Math.floor((sliceUs * sharePercent) / 100);
      for (let atUs = 0; atUs < forUs; atUs += sliceUs) {
        this.#pending.worsen(atUs, () => this.#ground.edge.signal("SIGSTOP"));
        this.#pending.mend(atUs + stoppedUs, () => this.#ground.edge.signal("SIGCONT"));
      }
    },
    freeze: ({ forUs }) => {
      this.#ground.edge.signal("SIGSTOP");
      this.#pending.mend(forUs, () => this.#ground.edge.signal("SIGCONT"));
    },
    kill: ({ downUs }) => {
      this.#ground.edge.signal("SIGKILL");
      this.#pending.mend(downUs, () => this.#startEdge());
    },
    upgrade: ({ downUs }) => {
      this.#ground.edge.leave().then(
        (note) => this.#pending.mend(downUs, () => this.#startEdge(note)),
        (error: unknown) => this.#ground.failed(error),
      );
    },
    "police-icmp": ({ perSec }) => {
      this.#policeIcmp(perSec);
      this.#pending.mendAtLast(() => this.#policeIcmp(undefined));
    },
  } satisfies Deeds;

  /** The kernel's own limit on ICMP, which leaves echo replies out by default; undefined: none. */
  #policeIcmp(perSec: number | undefined): void {
    const set = (key: string, value: number) =>
      this.#ground.namespaces.sysctl(EDGE, `net/ipv4/icmp_${key}`, value);
    set("echo_ignore_all", perSec === 0 ? 1 : 0);
    if (perSec === 0) return;
    const isLimited = perSec !== undefined;
    set("ratemask", ICMP_RATEMASK | (isLimited ? 1 << ECHO_REPLY : 0));
    if (!isLimited) return;
    set("ratelimit", 0);
    set("msgs_per_sec", perSec);
    set("msgs_burst", perSec);
  }

  #blackhole(circuit: string, direction: FaultDirection): void {
    for (const { node, device } of this.#senders(circuit, direction)) {
      this.#ground.namespaces.devices.setQueue(node, device, "blackhole");
    }
  }

  /**
   * A cable here has no light of its own: the end that sees it go is told that its link is not to
   * be used. The cloud's port reports it when it sees fit.
   */
  #darken(circuit: string, direction: FaultDirection): void {
    const isLate = direction !== "to-edge" && this.#ground.cloudFaults.light(circuit, false);
    if (direction === "both" && !isLate) {
      this.#shut(circuit);
      return;
    }
    this.#blackhole(circuit, direction);
    const { devices } = this.#ground.namespaces;
    for (const { node, device } of this.#receivers(circuit, direction)) {
      if (isLate && node !== EDGE) continue;
      devices.setDormant(node, device, true);
      this.#undoingOf(circuit).add(() => devices.setDormant(node, device, false));
    }
  }

  #shut(circuit: string): void {
    const { node, device } = this.#cloudEnd(circuit);
    this.#ground.namespaces.devices.setUp(node, device, false);
  }

  #restore(circuit: string): void {
    const { devices } = this.#ground.namespaces;
    for (const { node, device } of this.#senders(circuit, "both")) {
      devices.setUp(node, device, true);
      devices.setQueue(node, device, "pfifo");
    }
    for (const undo of this.#undoing.get(circuit) ?? []) undo();
    this.#undoing.delete(circuit);
    this.#ground.cloudFaults.restore(circuit);
  }

  #degrade(fault: FaultOf<"degrade">): void {
    const { latencyUs, jitterUs, duplicatePercent, reorderPercent, corruptPercent, rateBps } =
      fault;
    const delayUs =
      latencyUs ?? (jitterUs === undefined && reorderPercent === undefined ? 0 : 1000);
    const parts = [
      ...(delayUs > 0 ? ["delay", `${delayUs}us`] : []),
      ...(delayUs > 0 && jitterUs !== undefined ? [`${jitterUs}us`] : []),
      ...lossWords(fault),
      ...(duplicatePercent !== undefined ? ["duplicate", `${duplicatePercent}%`] : []),
      ...(reorderPercent !== undefined ? ["reorder", `${reorderPercent}%`] : []),
      ...(corruptPercent !== undefined ? ["corrupt", `${corruptPercent}%`] : []),
      ...(rateBps !== undefined ? ["rate", `${rateBps}bit`] : []),
      ...limitWords(fault),
    ];
    for (const end of this.#senders(fault.circuit, fault.direction)) {
      this.#queue(end, ["netem", ...parts]);
    }
  }

  /** Its RST is not let in, so that the edge goes on believing. */
  #halfOpen({ circuit, peer }: FaultOf<"half-open">): void {
    const edge = this.#edgeEnd(circuit);
    const undo = this.#refuse(circuit, edge, ["ipproto tcp"]);
    this.#ground.cloudFaults.resetTcp({ circuit, peer });
    undo();
  }

  #maintain({ circuit, noticeUs, forUs }: FaultOf<"maintain">): void {
    this.#ground.cloudFaults.drain({ circuit }, GRACEFUL_SHUTDOWN);
    this.#pending.worsen(noticeUs, () => this.#shut(circuit));
    this.#pending.mend(noticeUs + forUs, () => this.#restore(circuit));
  }

  /**
   * What comes in by this end and matches is dropped. A rule, for lack of a packet filter: the one
   * for local addresses must come behind it. (Packets on their way out know their device, and the
   * kernel asks no rule for those.)
   */
  #refuse(circuit: string, { node, device }: End, matches: readonly string[]): () => void {
    const rules = matches.map((match) => `pref 10 iif ${device} ${match} blackhole`);
    const isNew = !this.#ruled.has(node);
    this.#ruled.add(node);
    const first = isNew ? ["rule add pref 100 lookup local", "rule del pref 0"] : [];
    this.#rules(node, [...first, ...rules.map((rule) => `rule add ${rule}`)]);
    const undo = () =>
      this.#rules(
        node,
        rules.map((rule) => `rule del ${rule}`),
      );
    const undoing = this.#undoingOf(circuit).add(undo);
    return () => {
      undoing.delete(undo);
      undo();
    };
  }

  #undoingOf(circuit: string): Set<() => void> {
    const undoing = this.#undoing.get(circuit) ?? new Set();
    this.#undoing.set(circuit, undoing);
    return undoing;
  }

  /** Of both families; one process for all: each takes its time on a busy machine. */
  #rules(node: string, commands: readonly string[]): void {
    const all = ["-4", "-6"].flatMap((family) => commands.map((one) => `ip ${family} ${one}`));
    this.#ground.namespaces.exec(node, "sh", ["-ec", all.join("\n")]);
  }

  #startEdge(restarted?: RestartNote): void {
    this.#ground.edge.start(restarted).catch((error: unknown) => this.#ground.failed(error));
  }

  #queue({ node, device }: End, kind: readonly string[]): void {
    this.#ground.namespaces.tc(node, ["qdisc", "replace", "dev", device, "root", ...kind]);
  }

  /** Whose packets a direction is about. */
  #senders(circuit: string, direction: FaultDirection): readonly End[] {
    const edge = this.#edgeEnd(circuit);
    const cloud = this.#cloudEnd(circuit);
    return [
      ...(direction === "to-edge" ? [] : [edge]),
      ...(direction === "to-cloud" ? [] : [cloud]),
    ];
  }

  #receivers(circuit: string, direction: FaultDirection): readonly End[] {
    if (direction === "both") return this.#senders(circuit, "both");
    return this.#senders(circuit, direction === "to-edge" ? "to-cloud" : "to-edge");
  }

  #edgeEnd(circuit: string): End {
    return { node: EDGE, device: edgeDevice(this.#ground.drill, circuit) };
  }

  /** At a VBR, or at the gateway of a VPN. */
  #cloudEnd(circuit: string): End {
    const end = this.#ends.find((one) => one.circuit === circuit);
    if (end === undefined) throw new RangeError(`no circuit "${circuit}" in this drill`);
    return end;
  }

  #vbr(circuit: string): VbrConfig {
    return this.#ground.cloud.vbrOf(circuit);
  }
}
