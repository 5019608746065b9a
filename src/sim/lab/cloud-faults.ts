/**
 * Faults of the cloud's own making, the same in every lab: what a VBR says in its sessions, how it
 * is configured, what the VPC announces. They need nothing of a lab but its hosts and its clock;
 * what happens on the wire is the lab's to add.
 */

import type { NeighborConfig } from "../../agent/config/edge-config.ts";
import type { RestartNote } from "../../agent/restart.ts";
import { compilePolicies } from "../../bgp/policy/compile.ts";
import type { TermSource } from "../../bgp/policy/source.ts";
import { ErrorCode } from "../../bgp/wire/iana.ts";
import { encodeNotification } from "../../bgp/wire/notification.ts";
import { parseAddress } from "../../core/address.ts";
import { AppError } from "../../core/app-error.ts";
import { assert } from "../../core/assert.ts";
import type { Host } from "../../platform/contract.ts";
import type { Cloud } from "../cloud/cloud.ts";
import { groupedPeers, peersOf } from "../cloud/config/bgp-config.ts";
import type { CloudConfig, VbrConfig } from "../cloud/config/cloud-config.ts";
import type { CloudDeed } from "../cloud/deeds/deeds.ts";
import { addressOf, toldPrefixes } from "../cloud/network.ts";
import type { FaultOf } from "../drill/faults/faults.ts";
import { type CloudChange, deedOf, undone } from "./cloud-changes.ts";
import type { Deeds } from "./deeds.ts";
import { announcing, subnets, subnetsOf, withdrawing } from "./flood.ts";
import type { Pending } from "./pending.ts";
import { SessionTap } from "./watch/session-tap.ts";
import { withTcp } from "./watch/tapped-tcp.ts";

export interface CloudFaultGround {
  readonly config: CloudConfig;
  readonly cloud: () => Cloud;
  /** On the lab's clock. */
  readonly pending: Pending;
}

/** All sessions of a circuit's VBR, or that of one peer. */
export interface Sessions {
  readonly circuit: string;
  readonly peer?: string | undefined;
}

interface ExpectedAnswer {
  readonly answer: "accepted" | "refused";
  readonly code?: string | undefined;
}

type Change = (session: NeighborConfig) => NeighborConfig;

export class CloudFaults {
  readonly #ground: CloudFaultGround;
  readonly #taps = new Map<string, SessionTap>();
  readonly #hosts = new Map<string, { readonly host: Host; readonly tapped: Host }>();
  /** VBRs that do not run as their file says. */
  readonly #changed = new Set<string>();

  /** Beside those of the file. */
  readonly #announced = new Set<string>();
  readonly #withdrawn = new Set<string>();
  /** What takes back the changes of the cloud's routing. */
  readonly #undo = new Map<string, CloudDeed>();
  #jobCount = 0;

  constructor(ground: CloudFaultGround) {
    this.#ground = ground;
  }

  /** The host a node of the cloud is to run on: `host`, with a thumb on the TCP of a VBR. */
  tapped(node: string, host: Host): Host {
    if (!this.#ground.config.vbrs.some((vbr) => vbr.name === node)) return host;
    const known = this.#hosts.get(node);
    if (known?.host === host) return known.tapped;
    const tap = new SessionTap(host.tcp, host.clock);
    const tapped = withTcp(host, tap.tcp);
    this.#taps.set(node, tap);
    this.#hosts.set(node, { host, tapped });
    return tapped;
  }

  /** Undoes everything that was done to the VBR of a circuit. */
  restore(circuit: string): void {
    const vbr = this.#ground.config.vbrs.find((one) => one.circuit === circuit);
    if (vbr === undefined) return; // a tunnel, of which only the line can be broken
    for (const { address } of peersOf(vbr)) {
      this.#tap(vbr)?.silence(address, false);
      this.#tap(vbr)?.stall(address, false);
      this.#tap(vbr)?.throttle(address, undefined);
      this.#tap(vbr)?.slice(address, undefined);
    }
    this.light(circuit, true);
    this.port(circuit, true);
    this.#unlock(vbr.connection);
    if (this.#changed.delete(vbr.name)) this.#cloud.alter(vbr.name, undefined);
  }

  /** What the cloud announces is what its file says; circuits are the lab's to restore. */
  rollback(): void {
    const own = toldPrefixes(this.#ground.config);
    const back = [...this.#withdrawn].filter((prefix) => own.includes(prefix));
    const foreign = [...this.#announced].filter((prefix) => !own.includes(prefix));
    if (foreign.length > 0) this.#cloud.withdraw(...foreign);
    if (back.length > 0) this.#announce(...back);
    for (const deed of this.#undo.values()) this.#cloud.do(deed);
    this.#undo.clear();
  }

  get #pending(): Pending {
    return this.#ground.pending;
  }

  readonly deeds = {
    "send-cease": (fault) => {
      const octets = encodeNotification({ code: ErrorCode.Cease, subcode: fault.subcode });
      this.#eachPeer(fault, (tap, address) => tap.inject(address, octets));
    },
    "silence-bgp": (fault) => this.#eachPeer(fault, (tap, address) => tap.silence(address, true)),
    "stall-bgp": (fault) => this.#eachPeer(fault, (tap, address) => tap.stall(address, true)),
    "slow-bgp": (fault) => {
      this.#eachPeer(fault, (tap, address) => tap.throttle(address, fault.rateBps));
    },
    "slice-bgp": (fault) => {
      this.#eachPeer(fault, (tap, address) => tap.slice(address, fault));
    },
    "reset-tcp": (fault) => {
      const { afterOctets } = fault;
      if (afterOctets === undefined) this.resetTcp(fault);
      else this.#eachPeer(fault, (tap, address) => tap.resetAfter(address, afterOctets));
    },
    "wrong-as": (fault) => {
      this.#change(fault, (session) => ({ ...session, remoteAs: fault.as }));
    },
    "wrong-md5": (fault) => {
      const { key } = fault;
      this.#change(fault, (session) => ({
        ...session,
        md5Key: { reveal: () => key, toString: () => "***", toJSON: () => "***" },
      }));
    },
    drain: (fault) => this.drain(fault, drainTerm(fault)),
    withdraw: ({ prefix }) => this.#withdraw(prefix),
    announce: ({ prefix }) => this.#announce(prefix),
    "announce-only": ({ prefixes }) => this.#announceOnly(prefixes),
    flood: (fault) => {
      if (fault.circuit !== undefined) this.#floodSession(fault.circuit, fault);
      else this.#announce(...subnets(fault.prefix, fault.count));
    },
    storm: (fault) => this.#storm(fault),
    "failover-test": (fault) => this.#testFailover(fault),
    lock: (fault) => this.#lock(fault),
    "order-connection": ({ circuit, order, answer, code }) => {
      const { connection } = this.#vbr(circuit);
      const deed = { do: "order-connection", connection, order } as const;
      this.#ask(`${order} the connection of ${circuit}`, deed, { answer, code });
    },
    "order-vbr": ({ circuit, order, answer, code }) => {
      const deed = { do: "order-vbr", vbr: this.#vbr(circuit).name, order } as const;
      this.#ask(`${order} the VBR of ${circuit}`, deed, { answer, code });
    },
    "route-map": (fault) => this.#changeRouting(fault),
    propagation: (fault) => this.#changeRouting(fault),
    association: (fault) => this.#changeRouting(fault),
    "allowed-prefixes": (fault) => this.#changeRouting(fault),
    "ecr-route": (fault) => this.#changeRouting(fault),
    "custom-route": (fault) => this.#changeRouting(fault),
    cdt: (fault) => this.#changeRouting(fault),
    endpoint: (fault) => this.#changeRouting(fault),
  } satisfies Deeds;

  #changeRouting(change: CloudChange): void {
    this.#ask(change.do, deedOf(change));
    const undo = undone(this.#ground.config, change);
    if (undo !== undefined) this.#undo.set(JSON.stringify(undo), undo);
  }

  /**
   * The line's light at the cloud's port, which reports it after its DownDelayTime; false where
   * this lab has no such port, and carrier is all there is.
   */
  light(circuit: string, isOn: boolean): boolean {
    const connection = this.#connectionOf(circuit);
    if (connection === undefined) return false;
    return this.#cloud.do({ do: "light", connection, isOn }) === undefined;
  }

  /** The cloud's port of a circuit, with every other circuit on it. */
  port(circuit: string, isOpen: boolean): boolean {
    const connection = this.#connectionOf(circuit);
    if (connection === undefined) return false;
    return this.#cloud.do({ do: "port", connection, isOpen }) === undefined;
  }

  /**
   * `line`: what only the lab can do to it. A VBR that dies without a word takes its line along;
   * one that restarts as planned leaves what it forwards behind (RFC 4724).
   */
  restartVbr(
    { circuit, how, downUs, without }: FaultOf<"restart-vbr">,
    line: { cut(): void; restore(): void },
  ): void {
    const vbr = this.#vbr(circuit);
    const comeBack = (note?: RestartNote) => {
      this.#pending.mend(downUs, () => {
        line.restore();
        if (without !== "nothing") this.#change({ circuit }, withoutFamily(without));
        this.#cloud.startVbr(vbr, note);
      });
    };
    if (how === "planned") {
      this.#cloud.leaveNode(vbr.name, "restart", comeBack);
      return;
    }
    if (how === "silent") line.cut();
    this.#cloud.stopNode(vbr.name, "restart", () => undefined);
    comeBack();
  }

  resetTcp(sessions: Sessions): void {
    this.#eachPeer(sessions, (tap, address) => tap.reset(address));
  }

  /** The VBR tells its customer other attributes from now on. */
  drain(sessions: Sessions, set: TermSource["set"]): void {
    const source = { term: "drain", action: "accept", ...(set !== undefined && { set }) } as const;
    const made = compilePolicies({ policies: { drain: [source] } });
    assert(made.ok, "a policy of our own compiles");
    const exportPolicy = made.value.get("drain");
    assert(exportPolicy !== undefined, "it was compiled");
    this.#change(sessions, (session) => ({ ...session, exportPolicy }));
  }

  #withdraw(...prefixes: readonly string[]): void {
    for (const prefix of prefixes) this.#withdrawn.add(prefix);
    this.#cloud.withdraw(...prefixes);
  }

  #announce(...prefixes: readonly string[]): void {
    for (const prefix of prefixes) {
      this.#announced.add(prefix);
      this.#withdrawn.delete(prefix);
    }
    this.#cloud.announce(...prefixes);
  }

  /** In this session alone; the cloud's own routers never learn of it. */
  #floodSession(circuit: string, { prefix, count, forUs }: FaultOf<"flood">): void {
    const vbr = this.#vbr(circuit);
    const prefixes = subnetsOf(prefix, count);
    const nextHop = parseAddress(addressOf(vbr.local));
    assert(nextHop !== undefined, "the address of a VBR was checked when its file was read");
    for (const { group, peer } of groupedPeers(vbr)) {
      if (group.ipVersion !== "ipv4") continue; // a flood is of IPv4
      const as = group.fakeAs ?? this.#ground.config.as;
      const { address } = peer;
      this.#tap(vbr)?.say(address, announcing(prefixes, { as, nextHop }));
      const withdraw = () => this.#tap(vbr)?.say(address, withdrawing(prefixes));
      if (forUs === undefined) this.#pending.mendAtLast(withdraw);
      else this.#pending.mend(forUs, withdraw);
    }
  }

  #announceOnly(prefixes: readonly string[]): void {
    const all = [...toldPrefixes(this.#ground.config), ...this.#announced];
    this.#withdraw(...all.filter((one) => !prefixes.includes(one)));
    this.#announce(...prefixes);
  }

  /** Through the door the vendor has for it, with its reasons to say no. */
  #testFailover(fault: FaultOf<"failover-test">): void {
    const { circuit, forUs, resource, answer, code } = fault;
    this.#jobCount += 1;
    const { region, connection, name: vbr } = this.#vbr(circuit);
    const name = `drill-${this.#jobCount}`;
    const meant = {
      connection: { type: "PHYSICALCONNECTION", resources: [connection] },
      vbr: { type: "VIRTUALBORDERROUTER", resources: [vbr] },
      peer: { type: "BGPPEER", resources: [circuit] },
    } as const;
    const job = { name, region, ...meant[resource], durationUs: forUs, isStartedNow: true };
    this.#ask(`failover test of ${circuit}`, { do: "create-job", job }, { answer, code });
    if (answer === "accepted") {
      this.#pending.mendAtLast(() => this.#cloud.do({ do: "stop-job", job: name }));
    }
  }

  #lock({ circuit, status, forUs }: FaultOf<"lock">): void {
    const { connection } = this.#vbr(circuit);
    this.#ask(`lock of ${circuit}`, { do: "business", connection, status });
    const unlock = () => this.#unlock(connection);
    if (forUs === undefined) this.#pending.mendAtLast(unlock);
    else this.#pending.mend(forUs, unlock);
  }

  /** As its file has it. */
  #unlock(connection: string): void {
    const known = this.#ground.config.connections.find(({ name }) => name === connection);
    const status = known?.businessStatus ?? "Normal";
    this.#cloud.do({ do: "business", connection, status });
  }

  /** The drill ends where the vendor's answer is another than it expects. */
  #ask(what: string, deed: CloudDeed, expected: ExpectedAnswer = { answer: "accepted" }): void {
    const refusal = this.#cloud.do(deed);
    const isExpected = (refusal === undefined) === (expected.answer === "accepted");
    const isReason = expected.code === undefined || expected.code === refusal?.code;
    if (isExpected && isReason) return;
    const why = refusal && `refused it by ${refusal.code}: ${refusal.text}`;
    throw new AppError("DRILL_DEED", `${what}: the cloud ${why ?? "accepted it"}`);
  }

  #storm({ prefix, count, periodUs, times }: FaultOf<"storm">): void {
    const storming = subnets(prefix, count);
    for (let turn = 0; turn < times; turn += 1) {
      this.#pending.worsen(turn * periodUs, () => {
        this.#cloud.announce(...storming);
      });
      this.#pending.mend(turn * periodUs + Math.floor(periodUs / 2), () => {
        this.#cloud.withdraw(...storming);
      });
    }
  }

  #change({ circuit, peer }: Sessions, change: Change): void {
    const vbr = this.#vbr(circuit);
    this.#changed.add(vbr.name);
    this.#cloud.alter(vbr.name, change, peer);
  }

  #eachPeer({ circuit, peer }: Sessions, run: (tap: SessionTap, address: string) => void): void {
    const vbr = this.#vbr(circuit);
    const tap = this.#tap(vbr);
    if (tap === undefined) return;
    for (const { name, address } of peersOf(vbr)) {
      if (peer === undefined || name === peer) run(tap, address);
    }
  }

  #connectionOf(circuit: string): string | undefined {
    return this.#ground.config.vbrs.find((vbr) => vbr.circuit === circuit)?.connection;
  }

  get #cloud(): Cloud {
    return this.#ground.cloud();
  }

  #vbr(circuit: string): VbrConfig {
    return this.#cloud.vbrOf(circuit);
  }

  #tap(vbr: VbrConfig): SessionTap | undefined {
    return this.#taps.get(vbr.name);
  }
}

/** Sessions of the family offer the other one, as a router does that has lost its configuration. */
const withoutFamily =
  (lost: "ipv4" | "ipv6"): Change =>
  (session) => {
    if (!session.families.includes(`${lost}-unicast`)) return session;
    return { ...session, families: [lost === "ipv4" ? "ipv6-unicast" : "ipv4-unicast"] };
  };

export const GRACEFUL_SHUTDOWN = { community: { add: ["graceful-shutdown"] } } as const;

function drainTerm({ by, prepend, med }: FaultOf<"drain">): TermSource["set"] {
  if (by === "graceful-shutdown") return GRACEFUL_SHUTDOWN;
  return { ...(prepend !== undefined && { prepend }), ...(med !== undefined && { med }) };
}
