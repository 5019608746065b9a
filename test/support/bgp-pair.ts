import { ACCEPT_ALL } from "../../src/bgp/policy/chain.ts";
import type { RibEngine } from "../../src/bgp/rib/contract.ts";
import type { PeerConfig, SpeakerConfig } from "../../src/bgp/speaker/config.ts";
import type { SpeakerEffect } from "../../src/bgp/speaker/effects.ts";
import type { ConnectionId, SpeakerInput } from "../../src/bgp/speaker/inputs.ts";
import { Speaker, type SpeakerOptions } from "../../src/bgp/speaker/speaker.ts";
import type { PeerView } from "../../src/bgp/speaker/view.ts";
import { seededRng } from "../../src/core/rng.ts";
import { after, type Micros, micros, US_PER_SEC } from "../../src/core/time.ts";
import { IPV4 } from "./bgp-session.ts";

/** Of one connection: the wire there and back, and how long a process leaves it unaccepted. */
export interface Distance {
  readonly thereUs: number;
  readonly backUs: number;
  readonly acceptUs: number;
}

/** What the wire between two speakers does. */
export interface LinkOptions {
  readonly latencyUs?: number;
  /** Of each connection in turn, instead of `latencyUs`. */
  readonly distances?: () => Distance;
  /** Every segment carries one octet. */
  readonly isOneByte?: boolean;
}

/**
 * Speakers joined without sockets, in virtual time: a connection is two ends and a delay. Enough of
 * TCP for BGP: order, handshake, FIN, RST, a receiver that stops reading, a wire that is cut.
 */
export class Net {
  now: Micros = micros(0);
  readonly nodes: Node[] = [];
  readonly #queue: { at: Micros; run: () => void }[] = [];
  readonly #latencyUs: number;
  readonly #distances: LinkOptions["distances"];
  readonly isOneByte: boolean;
  /** Nothing gets through, and nobody is told. */
  isCut = false;

  constructor(options: LinkOptions = {}) {
    this.#latencyUs = options.latencyUs ?? 1000;
    this.#distances = options.distances;
    this.isOneByte = options.isOneByte ?? false;
  }

  add(address: string, config: SpeakerConfig, options: Partial<SpeakerOptions> = {}): Node {
    const node = new Node(this, address, config, {
      rng: seededRng(this.nodes.length + 1),
      ...options,
    });
    this.nodes.push(node);
    return node;
  }

  /** After the wire's delay; lost where it is cut by then. */
  carry(run: () => void, latencyUs: number): void {
    this.at(after(this.now, latencyUs), () => {
      if (!this.isCut) run();
    });
  }

  distance(): Distance {
    const latencyUs = this.#latencyUs;
    return this.#distances?.() ?? { thereUs: latencyUs, backUs: latencyUs, acceptUs: 0 };
  }

  at(at: Micros, run: () => void): void {
    let index = this.#queue.length;
    while (index > 0 && (this.#queue[index - 1]?.at ?? 0) > at) index -= 1;
    this.#queue.splice(index, 0, { at, run });
  }

  /** Runs everything that happens within `sec`. */
  run(sec: number): void {
    const until = after(this.now, sec * US_PER_SEC);
    for (;;) {
      const event = this.#queue[0];
      const node = this.#mostUrgent();
      const deadline = node?.speaker.nextDeadline();
      const alarmAt = deadline === undefined ? undefined : micros(Math.max(deadline, this.now));
      if (event !== undefined && event.at <= (alarmAt ?? Number.POSITIVE_INFINITY)) {
        if (event.at > until) break;
        this.#queue.shift();
        this.now = event.at;
        event.run();
      } else if (node !== undefined && alarmAt !== undefined && alarmAt <= until) {
        this.now = alarmAt;
        node.deliver("alarm");
      } else break;
    }
    this.now = until;
  }

  /** Until `holds`, at most `sec`; true where it came to hold. */
  runUntil(holds: () => boolean, sec = 300): boolean {
    const until = after(this.now, sec * US_PER_SEC);
    while (!holds() && this.now < until) this.run(0.01);
    return holds();
  }

  #mostUrgent(): Node | undefined {
    let found: Node | undefined;
    for (const node of this.nodes) {
      const at = node.speaker.nextDeadline();
      const best = found?.speaker.nextDeadline();
      if (at !== undefined && (best === undefined || at < best)) found = node;
    }
    return found;
  }
}

interface End {
  readonly id: ConnectionId;
  readonly localAddress: string;
  readonly localPort: number;
  /** The other end; undefined until the handshake is done. */
  far: { readonly node: Node; readonly id: ConnectionId } | undefined;
  /** Sent by our speaker, not taken by the other side. */
  waiting: Uint8Array[];
  isPaused: boolean;
  /** To the other end. */
  readonly latencyUs: number;
  /** What comes before is read then. */
  readonly acceptedAt: Micros;
}

export class Node {
  readonly speaker: Speaker;
  readonly address: string;
  /** Everything the speaker ever wanted, but octets. */
  readonly effects: SpeakerEffect[] = [];
  /** Octets sent, by connection. */
  readonly sent = new Map<ConnectionId, Uint8Array[]>();
  readonly ends = new Map<ConnectionId, End>();
  readonly #net: Net;
  readonly #inbox: (SpeakerInput | "alarm")[] = [];
  #isRunning = false;
  #accepted = 0;
  #ports = 40_000;
  /** Nobody listens here. */
  isDeaf = false;
  /** Reads nothing from its sockets, like a process that hangs. */
  isStuck = false;
  /** The most octets a peer of ours ever had waiting towards us. */
  waitingOctetsMax = 0;

  constructor(net: Net, address: string, config: SpeakerConfig, options: SpeakerOptions) {
    this.#net = net;
    this.address = address;
    this.speaker = new Speaker(options);
    this.deliver({ kind: "configure", config });
  }

  deliver(input: SpeakerInput | "alarm"): void {
    this.#inbox.push(input);
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
      const out: SpeakerEffect[] = [];
      if (next === "alarm") this.speaker.expire(this.#net.now, out);
      else this.speaker.handle(next, this.#net.now, out);
      for (const effect of out) this.#perform(effect);
    }
    this.#isRunning = false;
  }

  peer(name: string): PeerView {
    const peer = this.speaker.view.peer(name);
    if (peer === undefined) throw new Error(`no peer ${name}`);
    return peer;
  }

  /** The `session` effects of a peer as `Idle>Connect`, in order. */
  history(name: string): string[] {
    return this.effects.flatMap((effect) =>
      effect.kind === "session" && effect.peer === name ? [`${effect.from}>${effect.to}`] : [],
    );
  }

  logs(event: string): SpeakerEffect[] {
    return this.effects.filter((effect) => effect.kind === "log" && effect.event === event);
  }

  #perform(effect: SpeakerEffect): void {
    if (effect.kind !== "tcp-send") this.effects.push(effect);
    switch (effect.kind) {
      case "tcp-connect":
        this.#connect(effect.connection, effect.peer);
        break;
      case "tcp-send":
        this.#send(effect.connection, effect.octets);
        break;
      case "tcp-close":
        this.#close(effect.connection, effect.how);
        break;
      case "tcp-pause": {
        const end = this.ends.get(effect.connection);
        if (end === undefined) break;
        end.isPaused = effect.isPaused;
        if (!effect.isPaused) this.drainTowards(effect.connection);
      }
    }
  }

  #connect(id: ConnectionId, peerName: string): void {
    const remoteAddress = this.peer(peerName).config.remoteAddress;
    const distance = this.#net.distance();
    const { thereUs, backUs } = distance;
    const end: End = {
      ...{ id, localAddress: this.address, localPort: this.#ports++ },
      ...{ far: undefined, waiting: [], isPaused: false, latencyUs: thereUs },
      acceptedAt: this.#net.now,
    };
    this.ends.set(id, end);
    this.#net.carry(() => {
      const target = this.#net.nodes.find((node) => node.address === remoteAddress);
      // A black hole where there is nobody: the ConnectRetryTimer will tell.
      if (target === undefined || !this.ends.has(id)) return;
      if (target.isDeaf) {
        this.#net.carry(() => this.hear(id, "refused"), backUs);
        return;
      }
      const farId = target.accept(this, end, distance);
      this.#net.carry(() => {
        if (!this.ends.has(id)) return;
        end.far = { node: target, id: farId };
        const { localAddress, localPort } = end;
        this.deliver({
          kind: "tcp-connected",
          ...{ connection: id, localAddress, localPort, remotePort: 179 },
        });
      }, backUs);
    }, thereUs);
  }

  accept(from: Node, dialler: End, distance: Distance): ConnectionId {
    this.#accepted += 2;
    const id = this.#accepted as ConnectionId;
    const acceptedAt = after(this.#net.now, distance.acceptUs);
    this.ends.set(id, {
      ...{ id, localAddress: this.address, localPort: 179, waiting: [], isPaused: false },
      ...{ far: { node: from, id: dialler.id }, latencyUs: distance.backUs, acceptedAt },
    });
    const accepted: SpeakerInput = {
      kind: "tcp-accepted",
      ...{ connection: id, remoteAddress: from.address, remotePort: dialler.localPort },
      ...{ localAddress: this.address, localPort: 179 },
    };
    if (distance.acceptUs === 0) this.deliver(accepted);
    else this.#net.at(acceptedAt, () => this.deliver(accepted));
    return id;
  }

  #send(id: ConnectionId, octets: Uint8Array): void {
    const end = this.ends.get(id);
    if (end === undefined) return;
    const list = this.sent.get(id);
    if (list === undefined) this.sent.set(id, [octets]);
    else list.push(octets);
    end.waiting.push(octets);
    this.#net.at(this.#net.now, () => this.flush(id));
  }

  /** The process is gone, and its machine with it: nothing is sent, nothing answered. */
  die(): void {
    this.#net.nodes.splice(this.#net.nodes.indexOf(this), 1);
    this.ends.clear();
  }

  /** Puts on the wire what the other side has room for, and says so. */
  flush(id: ConnectionId): void {
    const end = this.ends.get(id);
    if (end?.far === undefined || end.waiting.length === 0) return;
    const { node, id: farId } = end.far;
    const far = node.ends.get(farId);
    const queuedOctets = end.waiting.reduce((sum, octets) => sum + octets.length, 0);
    node.waitingOctetsMax = Math.max(node.waitingOctetsMax, queuedOctets);
    if (node.isStuck || far?.isPaused === true) return;
    const octets = end.waiting;
    end.waiting = [];
    this.#net.carry(() => {
      for (const part of octets) node.hearData(farId, part);
    }, end.latencyUs);
    this.deliver({ kind: "tcp-progress", connection: id, queuedOctets: 0 });
  }

  hearData(id: ConnectionId, octets: Uint8Array): void {
    const end = this.ends.get(id);
    if (end === undefined) return;
    if (end.acceptedAt > this.#net.now) {
      this.#net.at(end.acceptedAt, () => this.hearData(id, octets));
      return;
    }
    if (!this.#net.isOneByte) {
      this.deliver({ kind: "tcp-data", connection: id, octets: octets.slice() });
      return;
    }
    for (const octet of octets) {
      this.deliver({ kind: "tcp-data", connection: id, octets: Uint8Array.of(octet) });
    }
  }

  /** Reads again: the other side may send what it held back. */
  drainTowards(id: ConnectionId): void {
    const far = this.ends.get(id)?.far;
    if (far !== undefined) this.#net.at(this.#net.now, () => far.node.flush(far.id));
  }

  hear(id: ConnectionId, cause: "fin" | "reset" | "refused"): void {
    const end = this.ends.get(id);
    if (end === undefined) return;
    if (end.acceptedAt > this.#net.now) {
      this.#net.at(end.acceptedAt, () => this.hear(id, cause));
      return;
    }
    this.ends.delete(id);
    this.deliver({ kind: "tcp-closed", connection: id, cause, text: cause });
  }

  #close(id: ConnectionId, how: "flush" | "reset"): void {
    this.#net.at(this.#net.now, () => {
      if (how === "flush") this.flush(id);
      const end = this.ends.get(id);
      this.ends.delete(id);
      if (end?.far === undefined) return;
      const { node, id: farId } = end.far;
      this.#net.carry(() => node.hear(farId, how === "flush" ? "fin" : "reset"), end.latencyUs);
    });
  }
}

export const peerConfig = (changes: Partial<PeerConfig> = {}): PeerConfig => ({
  name: "b",
  remoteAddress: "10.0.0.2",
  localAddress: undefined,
  remoteAs: 45104,
  localAs: undefined,
  isPassive: false,
  isShutdown: false,
  holdTimeSec: 90,
  holdTimeSecMin: 0,
  keepaliveTimeSec: 30,
  connectRetryTimeSec: 30,
  sendHoldTimeSec: 480,
  idleHoldTimeSec: 5,
  idleHoldTimeSecMax: 60,
  families: [IPV4],
  capabilities: {
    routeRefresh: true,
    enhancedRouteRefresh: true,
    extendedMessage: true,
    fourOctetAs: true,
    gracefulRestart: false,
  },
  importPolicy: ACCEPT_ALL,
  exportPolicy: ACCEPT_ALL,
  maxPrefix: undefined,
  budget: undefined,
  isRouteReflectorClient: false,
  nextHopSelf: false,
  allowOwnAs: 0,
  ...changes,
});

export const speakerConfig = (changes: Partial<SpeakerConfig> = {}): SpeakerConfig => ({
  localAs: 65001,
  bgpIdentifier: 0x0a00_0001,
  rib: {
    ebgpPathsMax: 8,
    ibgpPathsMax: 1,
    multipathRelax: true,
    alwaysCompareMed: false,
    preferOldest: false,
  },
  peers: [peerConfig()],
  originated: [],
  ...changes,
});

/** `10.x.y.0/24` for `count` values of x.y: routes to originate. */
export const originated = (count: number, first = 0): SpeakerConfig["originated"] =>
  Array.from({ length: count }, (_, index) => {
    const number = first + index;
    return {
      prefix: `10.${number >> 8}.${number & 255}.0/24`,
      attributes: { origin: 0 },
    } as const;
  });

export interface PairOptions extends LinkOptions {
  readonly a?: Partial<PeerConfig>;
  readonly b?: Partial<PeerConfig>;
  readonly aSpeaker?: Partial<SpeakerConfig>;
  readonly bSpeaker?: Partial<SpeakerConfig>;
  readonly createRib?: () => RibEngine;
}

/** AS 65001 at 10.0.0.1 and AS 45104 at 10.0.0.2; each calls the other by its letter. */
export function pair(options: PairOptions = {}): { net: Net; a: Node; b: Node } {
  const net = new Net(options);
  const own = options.createRib === undefined ? {} : { createRib: options.createRib };
  const a = net.add(
    "10.0.0.1",
    speakerConfig({ peers: [peerConfig(options.a)], ...options.aSpeaker }),
    own,
  );
  const b = net.add(
    "10.0.0.2",
    speakerConfig({
      localAs: 45104,
      bgpIdentifier: 0x0a00_0002,
      peers: [peerConfig({ name: "a", remoteAddress: "10.0.0.1", remoteAs: 65001, ...options.b })],
      ...options.bSpeaker,
    }),
  );
  return { net, a, b };
}

export const isUp = ({ a, b }: { readonly a: Node; readonly b: Node }): boolean =>
  a.peer("b").state === "Established" && b.peer("a").state === "Established";
