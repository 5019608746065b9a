/** A speaker with a peer that says what it is given and a neighbour that is told what follows. */
import { ACCEPT_ALL } from "../../src/bgp/policy/chain.ts";
import type { PeerConfig, SpeakerConfig } from "../../src/bgp/speaker/config.ts";
import type { SpeakerEffect } from "../../src/bgp/speaker/effects.ts";
import type { ConnectionId, SpeakerInput } from "../../src/bgp/speaker/inputs.ts";
import { Speaker } from "../../src/bgp/speaker/speaker.ts";
import { encodeKeepalive } from "../../src/bgp/wire/header.ts";
import type { Capability, WireContext } from "../../src/bgp/wire/message.ts";
import { encodeOpen } from "../../src/bgp/wire/open.ts";
import { seededRng } from "../../src/core/rng.ts";
import { micros } from "../../src/core/time.ts";

const LOCAL_AS = 65_001;
const FAMILIES = [
  { afi: 1, safi: 1 },
  { afi: 2, safi: 1 },
];

export class Receiver {
  readonly #speaker = new Speaker({ rng: seededRng(1) });
  #now = micros(1_000_000);

  constructor(context: WireContext) {
    const remoteAs = context.session === "ibgp" ? LOCAL_AS : 45_104;
    const peers = [
      peerConfig("peer", "10.0.0.2", remoteAs, context),
      peerConfig("neighbour", "10.0.0.3", 65_003, { ...context, as4: true }),
    ];
    this.#input({ kind: "configure", config: speakerConfig(peers) });
    this.#meet(PEER, "10.0.0.2", remoteAs, context);
    this.#meet(NEIGHBOUR, "10.0.0.3", 65_003, { ...context, as4: true });
  }

  /** A segment, with everything that follows from it. */
  receive(octets: Uint8Array): void {
    this.#input({ kind: "tcp-data", connection: PEER, octets });
    this.#settle();
  }

  /** The session has survived all of it. */
  get isUp(): boolean {
    return this.#speaker.view.peer("peer")?.state === "Established";
  }

  #meet(connection: ConnectionId, remoteAddress: string, as: number, context: WireContext): void {
    const ports = { remotePort: 40_000, localPort: 179, localAddress: "10.0.0.1" };
    this.#input({ kind: "tcp-accepted", connection, remoteAddress, ...ports });
    const capabilities: Capability[] = FAMILIES.map((family) => ({
      kind: "multiprotocol",
      family,
    }));
    if (context.as4) capabilities.push({ kind: "four-octet-as", as });
    if (context.extendedMessages) capabilities.push({ kind: "extended-message" });
    const open = { kind: "open", version: 4, myAs: as, holdTimeSec: 0 } as const;
    const octets = encodeOpen({ ...open, bgpIdentifier: 1000 + connection, capabilities });
    this.#input({ kind: "tcp-data", connection, octets });
    this.#input({ kind: "tcp-data", connection, octets: encodeKeepalive() });
    this.#settle();
  }

  #settle(): void {
    while (this.#speaker.nextDeadline() === this.#now) {
      const out: SpeakerEffect[] = [];
      this.#speaker.expire(this.#now, out);
      this.#perform(out);
    }
  }

  #input(input: SpeakerInput): void {
    const out: SpeakerEffect[] = [];
    this.#speaker.handle(input, this.#now, out);
    this.#perform(out);
  }

  /** The neighbour takes everything at once. */
  #perform(effects: readonly SpeakerEffect[]): void {
    const sent = effects.some((effect) => effect.kind === "tcp-send");
    if (!sent) return;
    const out: SpeakerEffect[] = [];
    for (const connection of [PEER, NEIGHBOUR]) {
      this.#speaker.handle({ kind: "tcp-progress", connection, queuedOctets: 0 }, this.#now, out);
    }
  }
}

const PEER = 2 as ConnectionId;
const NEIGHBOUR = 4 as ConnectionId;

const speakerConfig = (peers: readonly PeerConfig[]): SpeakerConfig => ({
  localAs: LOCAL_AS,
  bgpIdentifier: 1,
  rib: {
    ...{ ebgpPathsMax: 8, ibgpPathsMax: 1, multipathRelax: true },
    ...{ alwaysCompareMed: false, preferOldest: false },
  },
  peers,
  originated: [],
});

const peerConfig = (
  name: string,
  remoteAddress: string,
  remoteAs: number,
  context: WireContext,
): PeerConfig => ({
  ...{ name, remoteAddress, remoteAs, localAddress: undefined, localAs: undefined },
  ...{ isPassive: true, isShutdown: false, holdTimeSec: 0, holdTimeSecMin: 0 },
  ...{ keepaliveTimeSec: 30, connectRetryTimeSec: 30, sendHoldTimeSec: 0 },
  ...{ idleHoldTimeSec: 5, idleHoldTimeSecMax: 60, families: FAMILIES },
  capabilities: {
    ...{ routeRefresh: true, enhancedRouteRefresh: true, fourOctetAs: true },
    ...{ extendedMessage: context.extendedMessages, gracefulRestart: false },
  },
  ...{ importPolicy: ACCEPT_ALL, exportPolicy: ACCEPT_ALL, maxPrefix: undefined },
  ...{ budget: undefined, isRouteReflectorClient: false, nextHopSelf: false, allowOwnAs: 0 },
});
