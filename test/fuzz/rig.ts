/**
 * A router in virtual time: one `Speaker` and one `BfdSessions` with two neighbours each. `bad`
 * does what a case says; `good` must notice nothing of it. Every effect is checked as it comes.
 */

import type { BfdEffect, BfdSessionConfig } from "../../src/bfd/sessions/contract.ts";
import { BFD_PORT, BfdSessions } from "../../src/bfd/sessions/sessions.ts";
import type { PeerConfig, SpeakerConfig } from "../../src/bgp/speaker/config.ts";
import type { SpeakerEffect } from "../../src/bgp/speaker/effects.ts";
import type { ConnectionId, SpeakerInput } from "../../src/bgp/speaker/inputs.ts";
import { Speaker } from "../../src/bgp/speaker/speaker.ts";
import { encodeKeepalive } from "../../src/bgp/wire/header.ts";
import { encodeOpen } from "../../src/bgp/wire/open.ts";
import { fromHex } from "../../src/core/bytes.ts";
import { seededRng } from "../../src/core/rng.ts";
import { after, type Micros, micros } from "../../src/core/time.ts";
import { peerConfig, speakerConfig } from "../support/bgp-pair.ts";
import { IPV4, IPV6, remoteOpen } from "../support/bgp-session.ts";
import { announce } from "../support/bgp-solo.ts";
import { mirrored, sessionConfig } from "../unit/bfd/harness.ts";
import type { Step } from "./case.ts";
import { HealthyPeer } from "./healthy.ts";

const SEC = 1_000_000;
const KEEPALIVE_US = 10 * SEC;
/** Work at one instant, beyond which the machine is taken to spin. */
const TURNS_PER_INSTANT = 20_000;
const GOOD_PREFIXES = ["10.0.1.0/24", "10.1.2.0/24", "192.168.7.0/24"];

type Connection = { readonly peer: string; isOver: boolean; queuedOctets: number };

/** What a case showed to be broken. */
export class Broken extends Error {}

export class Rig {
  now: Micros = micros(SEC);
  readonly speaker = new Speaker({ rng: seededRng(1) });
  readonly #bfd = new BfdSessions({ rng: seededRng(2) });
  readonly #far = new BfdSessions({ rng: seededRng(3) });
  readonly #variant: number;
  readonly #good: HealthyPeer;
  readonly #connections = new Map<ConnectionId, Connection>();
  readonly #states = new Map<string, string>();
  readonly #flights: { readonly at: Micros; readonly run: () => void }[] = [];
  #accepted = 0;
  #goodConnection = 0 as ConnectionId;
  #keepaliveAt: Micros = micros(0);
  #isStalled = false;
  /** From here on the healthy peer's session and BFD may not change. */
  #isWatched = false;
  #attributeSets = 0;

  constructor(variant: number) {
    this.#variant = variant;
    this.#good = new HealthyPeer((variant & 1) === 0);
    this.#speak({ kind: "configure", config: this.#config(true) });
    this.#bfdInput({ kind: "configure", sessions: BFD_SESSIONS }, "near");
    this.#bfdInput({ kind: "configure", sessions: [mirrored(GOOD_BFD)] }, "far");
    this.#meetGood();
  }

  play(step: Step): void {
    switch (step.do) {
      case "accept":
        this.#accept("10.0.0.2");
        break;
      case "connected":
        this.#connected();
        break;
      case "closed":
        for (const connection of this.#openOf("bad")) this.#lose(connection, step.cause);
        break;
      case "stall":
        this.#isStalled = true;
        break;
      case "drain":
        this.#isStalled = false;
        this.#drain();
        break;
      case "say": {
        const octets = fromHex(step.hex) ?? new Uint8Array(0);
        for (const connection of this.#openOf("bad")) {
          this.#speak({ kind: "tcp-data", connection, octets: octets.slice() });
        }
        this.#advance(0);
        break;
      }
      case "wait":
        this.#advance(step.us);
        break;
      case "bfd":
        this.#hostilePacket(step);
        break;
      case "order":
        this.#order(step.order);
    }
    this.#advance(0);
    this.#check();
  }

  /** After the case: what the hostile peer left behind, while it is there and once it is not. */
  finish(): void {
    this.#drain();
    this.#advance(2 * SEC);
    this.#checkTold();
    for (const connection of this.#openOf("bad")) this.#lose(connection, "reset");
    this.#speak({ kind: "configure", config: this.#config(false) });
    this.#advance(2 * SEC);
    this.#check();
    this.#checkTold();
    const { rib } = this.speaker.view;
    const sets = rib.attributeSetCount();
    if (sets !== this.#attributeSets) {
      throw new Broken(`${sets} attribute sets are left, there were ${this.#attributeSets}`);
    }
    const received = rib.counts(this.#goodPeer().slot, IPV4).received;
    if (received !== GOOD_PREFIXES.length || rib.locRibCount(IPV4) !== received + 1) {
      throw new Broken(`${rib.locRibCount(IPV4)} routes, ${received} of the healthy peer`);
    }
    if (rib.locRibCount(IPV6) !== 0) throw new Broken("IPv6 routes of nobody are left");
  }

  // Time ----------------------------------------------------------------------------------------

  #advance(us: number): void {
    const until = after(this.now, us);
    let turns = 0;
    for (;;) {
      const due = this.#nextDue();
      if (due === undefined || due.at > until) break;
      turns = due.at > this.now ? 0 : turns + 1;
      if (turns > TURNS_PER_INSTANT) throw new Broken(`no end of work at one instant`);
      this.now = micros(Math.max(this.now, due.at));
      due.run();
    }
    this.now = until;
  }

  #nextDue(): { readonly at: Micros; readonly run: () => void } | undefined {
    let next = this.#flights[0];
    if (next !== undefined) {
      const { run } = next;
      next = {
        at: next.at,
        run: () => {
          this.#flights.shift();
          run();
        },
      };
    }
    const consider = (at: Micros | undefined, run: () => void) => {
      if (at !== undefined && (next === undefined || at < next.at)) next = { at, run };
    };
    consider(this.speaker.nextDeadline(), () => this.#expireSpeaker());
    consider(this.#bfd.nextDeadline(), () => this.#expireBfd("near"));
    consider(this.#far.nextDeadline(), () => this.#expireBfd("far"));
    if (this.#goodConnection !== 0) {
      consider(this.#keepaliveAt, () => {
        this.#keepaliveAt = after(this.now, KEEPALIVE_US);
        this.#sayGood(encodeKeepalive());
      });
    }
    return next;
  }

  // BGP -----------------------------------------------------------------------------------------

  #config(hasBad: boolean): SpeakerConfig {
    const families = [IPV4, IPV6];
    const good = peerConfig({
      ...{ name: "good", remoteAddress: "10.0.0.3", remoteAs: 45_105, isPassive: true, families },
      ...{ holdTimeSec: 30, keepaliveTimeSec: 10 },
      capabilities: { ...peerConfig().capabilities, extendedMessage: (this.#variant & 1) === 0 },
    });
    const bad = badPeer(this.#variant);
    const originated = [{ prefix: "172.16.0.0/12", attributes: { origin: 0 as const } }];
    const preservesForwarding = (this.#variant & 8) !== 0;
    return speakerConfig({ peers: hasBad ? [bad, good] : [good], originated, preservesForwarding });
  }

  #meetGood(): void {
    this.#goodConnection = this.#accept("10.0.0.3");
    const identity = { localAs: 45_105, bgpIdentifier: 0x0a00_0003, holdTimeSec: 30 };
    const open = remoteOpen({ ...identity, families: [IPV4, IPV6] });
    const ipv6 = { kind: "multiprotocol" as const, family: IPV6 };
    this.#sayGood(encodeOpen({ ...open, capabilities: [...open.capabilities, ipv6] }));
    this.#sayGood(encodeKeepalive());
    const asPath = [{ type: 2 as const, ases: [45_105] }];
    this.#sayGood(announce(GOOD_PREFIXES, { asPath, nextHop: Uint8Array.of(10, 0, 0, 3) }));
    this.#advance(5 * SEC);
    if (this.#goodPeer().state !== "Established") throw new Broken("the rig does not come up");
    if (this.#goodBfd().state !== "Up") throw new Broken("BFD of the rig does not come up");
    this.#attributeSets = this.speaker.view.rib.attributeSetCount();
    this.#isWatched = true;
  }

  #sayGood(octets: Uint8Array): void {
    this.#speak({ kind: "tcp-data", connection: this.#goodConnection, octets: octets.slice() });
  }

  #accept(remoteAddress: string): ConnectionId {
    this.#accepted += 2;
    const connection = this.#accepted as ConnectionId;
    const ports = { remotePort: 40_000 + (this.#accepted % 20_000), localPort: 179 };
    const localAddress = "10.0.0.1";
    this.#speak({ kind: "tcp-accepted", connection, remoteAddress, localAddress, ...ports });
    return connection;
  }

  /** The newest of our own attempts succeeds. */
  #connected(): void {
    const dialled = this.#openOf("bad").findLast((connection) => connection % 2 === 1);
    if (dialled === undefined) return;
    const ends = { localAddress: "10.0.0.1", localPort: 40_000, remotePort: 179 };
    this.#speak({ kind: "tcp-connected", connection: dialled, ...ends });
  }

  #openOf(peer: string): ConnectionId[] {
    const open = [...this.#connections].filter(([, connection]) => connection.peer === peer);
    return open.map(([id]) => id);
  }

  #lose(connection: ConnectionId, cause: "fin" | "reset" | "refused"): void {
    this.#connections.delete(connection);
    this.#speak({ kind: "tcp-closed", connection, cause, text: cause });
  }

  #drain(): void {
    for (const [connection, state] of this.#connections) {
      if (state.queuedOctets === 0) continue;
      state.queuedOctets = 0;
      this.#speak({ kind: "tcp-progress", connection, queuedOctets: 0 });
    }
  }

  #order(order: Extract<Step, { do: "order" }>["order"]): void {
    const peer = "bad";
    switch (order) {
      case "refresh":
        this.#speak({ kind: "refresh", peer, direction: "out", family: undefined });
        this.#speak({ kind: "refresh", peer, direction: "in", family: undefined });
        break;
      case "bfd-down":
        this.#speak({ kind: "path-failed", peer, cause: "bfd-down", text: "BFD" });
        break;
      case "hold":
      case "release":
        this.#speak({ kind: "hold-off", peer, isOn: order === "hold", reason: "BFD" });
        break;
      case "reset":
        this.#speak({ kind: "admin", peer, action: "reset", text: "by hand" });
        break;
      case "reconfigure":
        this.#speak({ kind: "configure", config: this.#config(false) });
        this.#advance(0);
        this.#speak({ kind: "configure", config: this.#config(true) });
    }
  }

  #speak(input: SpeakerInput): void {
    const out: SpeakerEffect[] = [];
    this.speaker.handle(input, this.now, out);
    this.#perform(out);
  }

  #expireSpeaker(): void {
    const out: SpeakerEffect[] = [];
    this.speaker.expire(this.now, out);
    this.#perform(out);
  }

  #perform(effects: readonly SpeakerEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "tcp-connect":
        case "tcp-adopt": {
          const { connection, peer } = effect;
          if (this.#connections.has(connection)) throw new Broken(`${connection} opened twice`);
          this.#connections.set(connection, { peer, isOver: false, queuedOctets: 0 });
          break;
        }
        case "tcp-close":
          this.#connections.delete(effect.connection);
          break;
        case "tcp-send":
          this.#sent(effect.connection, effect.octets);
          break;
        case "session":
          this.#changed(effect);
          break;
        case "log":
          if (effect.event === "bgp.peer.internal-error") {
            throw new Broken(`internal error: ${effect.fields.message} ${effect.fields.stack}`);
          }
      }
    }
  }

  #sent(id: ConnectionId, octets: Uint8Array): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) throw new Broken(`sent on ${id}, which is not open`);
    if (connection.isOver) throw new Broken("sent behind a NOTIFICATION");
    connection.isOver = octets[18] === 3;
    if (connection.peer === "good") this.#good.hear(octets);
    connection.queuedOctets += octets.length;
    if (this.#isStalled && connection.peer === "bad") return;
    const run = () => {
      const queued = this.#connections.get(id);
      if (queued === undefined) return;
      queued.queuedOctets = 0;
      this.#speak({ kind: "tcp-progress", connection: id, queuedOctets: 0 });
    };
    this.#flights.unshift({ at: this.now, run });
  }

  #changed(effect: Extract<SpeakerEffect, { kind: "session" }>): void {
    const { peer, from, to, text } = effect;
    const known = this.#states.get(peer) ?? "Idle";
    if (from !== known || from === to) throw new Broken(`${peer}: ${from}>${to}, was ${known}`);
    this.#states.set(peer, to);
    if (to === "Idle" && this.speaker.view.peer(peer) === undefined) this.#states.delete(peer);
    if (this.#isWatched && peer === "good") throw new Broken(`good: ${from}>${to}: ${text}`);
  }

  // BFD -----------------------------------------------------------------------------------------

  #hostilePacket(step: Extract<Step, { do: "bfd" }>): void {
    const octets = fromHex(step.hex) ?? new Uint8Array(0);
    const session = this.#bfd.view().find(({ name }) => name === "bad");
    if (step.isInformed && octets.length >= 12 && session !== undefined) {
      const view = new DataView(octets.buffer, octets.byteOffset);
      view.setUint32(8, session.localDiscriminator);
    }
    const { ttl, port, device } = step;
    const way = { localAddress: "10.0.0.1", remoteAddress: "10.0.0.2", ttl, port, device };
    this.#bfdInput({ kind: "packet", octets, ...way }, "near");
  }

  #bfdInput(input: Parameters<BfdSessions["handle"]>[0], end: "near" | "far"): void {
    const out: BfdEffect[] = [];
    (end === "near" ? this.#bfd : this.#far).handle(input, this.now, out);
    this.#performBfd(out, end);
  }

  #expireBfd(end: "near" | "far"): void {
    const out: BfdEffect[] = [];
    (end === "near" ? this.#bfd : this.#far).expire(this.now, out);
    this.#performBfd(out, end);
  }

  #performBfd(effects: readonly BfdEffect[], end: "near" | "far"): void {
    for (const effect of effects) {
      if (effect.kind === "state" && effect.session === "good" && this.#isWatched) {
        throw new Broken(`BFD of good: ${effect.from}>${effect.to}`);
      }
      if (effect.kind !== "send" || effect.session !== "good") continue;
      const octets = effect.octets.slice();
      const other = end === "near" ? "far" : "near";
      const [localAddress, remoteAddress] =
        other === "near" ? ["10.0.0.1", "10.0.0.3"] : ["10.0.0.3", "10.0.0.1"];
      const way = { localAddress, remoteAddress, ttl: 255, port: BFD_PORT["single-hop"] };
      const run = () =>
        this.#bfdInput({ kind: "packet", octets, device: GOOD_BFD.device, ...way }, other);
      this.#flights.push({ at: after(this.now, 1000), run });
    }
  }

  // Claims --------------------------------------------------------------------------------------

  #goodPeer() {
    const peer = this.speaker.view.peer("good");
    if (peer === undefined) throw new Broken("the healthy peer is gone");
    return peer;
  }

  #goodBfd() {
    const session = this.#bfd.view().find(({ name }) => name === "good");
    if (session === undefined) throw new Broken("the healthy BFD session is gone");
    return session;
  }

  #check(): void {
    if (this.#good.offence !== undefined) throw new Broken(this.#good.offence);
    for (const peer of this.speaker.view.peers()) {
      const known = this.#states.get(peer.name) ?? "Idle";
      if (peer.state !== known) throw new Broken(`${peer.name} is ${peer.state}, said ${known}`);
      const open = this.#openOf(peer.name).length;
      if (open > 2) throw new Broken(`${open} connections of ${peer.name}`);
      const isUp = peer.state === "Established";
      if (!isUp && peer.state !== "Idle" && peer.downReason === undefined) {
        throw new Broken(`no reason in ${peer.state}`);
      }
      const reasons = Object.keys(peer.counters.discards).length;
      if (reasons > 200) throw new Broken(`${reasons} reasons of discards`);
      if (peer.outQueueOctets > 4 << 20) throw new Broken(`${peer.outQueueOctets} octets queued`);
    }
  }

  /** What the healthy peer holds is what the RIB says that it was told. */
  #checkTold(): void {
    const { slot } = this.#goodPeer();
    const all = { rib: "adj-rib-out", slot, offset: 0, limit: 1_000_000 } as const;
    const rows = this.speaker.view.rib.routes(all).map(({ prefix }) => prefix);
    const missing = rows.filter((prefix) => !this.#good.told.has(prefix));
    if (missing.length > 0 || rows.length !== this.#good.told.size) {
      const [told, should] = [this.#good.told.size, rows.length];
      throw new Broken(`the healthy peer holds ${told} routes of ${should}; not ${missing[0]}`);
    }
  }
}

const GOOD_BFD: BfdSessionConfig = sessionConfig({
  ...{ name: "good", remoteAddress: "10.0.0.3", device: "eth2" },
});
const BFD_SESSIONS = [sessionConfig({ name: "bad", device: "eth1" }), GOOD_BFD];

/** Sixteen neighbours that differ in what a hostile one could make use of. */
function badPeer(variant: number): PeerConfig {
  const limits = {
    ...{ limit: 5, warnAtPercent: 80, restartSec: 5 },
    action: (["warn", "drop-newest", "reset", "shutdown"] as const)[variant & 3] ?? "warn",
  };
  return peerConfig({
    ...{ name: "bad", families: [IPV4, IPV6], isPassive: (variant & 2) !== 0 },
    capabilities: {
      ...{ routeRefresh: true, enhancedRouteRefresh: true, fourOctetAs: true },
      ...{ extendedMessage: (variant & 4) !== 0, gracefulRestart: (variant & 8) !== 0 },
    },
    maxPrefix: (variant & 8) === 0 ? undefined : limits,
    budget: (variant & 5) === 5 ? { limit: 2, ranks: [] } : undefined,
    delayOpenTimeSec: (variant & 12) === 4 ? 3 : 0,
    ...((variant & 3) === 3 ? { role: { value: 4, isStrict: false } } : {}),
    allowOwnAs: variant & 1,
  });
}
