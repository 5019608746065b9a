import { LOCAL_SLOT, type PeerSlot, type RibView } from "../rib/contract.ts";
import type { Peer, Shared } from "./peer.ts";
import { peerView } from "./peer-view.ts";
import type { Deferral } from "./restarting.ts";
import type { PeerView, SpeakerView } from "./view.ts";

/** What a speaker lets its view look at. */
export interface SpeakerFacts {
  readonly peers: ReadonlyMap<string, Peer>;
  readonly refusals: ReadonlyMap<string, number>;
  /** Undefined until the first configuration. */
  shared(): Shared | undefined;
}

export class LiveSpeakerView implements SpeakerView {
  readonly #facts: SpeakerFacts;

  constructor(facts: SpeakerFacts) {
    this.#facts = facts;
  }

  get localAs(): number {
    return this.#facts.shared()?.identity.localAs ?? 0;
  }

  get bgpIdentifier(): number {
    return this.#facts.shared()?.identity.bgpIdentifier ?? 0;
  }

  get rib(): RibView {
    return this.#facts.shared()?.rib.view ?? NO_ROUTES;
  }

  get deferrals(): readonly Deferral[] {
    return this.#facts.shared()?.restarting.deferrals ?? [];
  }

  get isSettled(): boolean {
    const shared = this.#facts.shared();
    return shared !== undefined && !shared.isRibDirty && !shared.book.hasReady;
  }

  get refusedConnections(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#facts.refusals);
  }

  peers(): readonly PeerView[] {
    return Array.from(this.#facts.peers.values(), peerView);
  }

  peer(name: string): PeerView | undefined {
    const peer = this.#facts.peers.get(name);
    return peer === undefined ? undefined : peerView(peer);
  }

  peerName(slot: PeerSlot): string {
    if (slot === LOCAL_SLOT) return "local";
    for (const peer of this.#facts.peers.values()) if (peer.slot === slot) return peer.name;
    return `slot ${slot}`;
  }
}

const NO_ROUTES: RibView = {
  counts: () => ({
    received: 0,
    accepted: 0,
    rejected: 0,
    stale: 0,
    best: 0,
    advertised: 0,
    overBudget: 0,
    overLimit: 0,
  }),
  locRibCount: () => 0,
  explain: () => undefined,
  lookup: () => undefined,
  routes: () => [],
  attributeSetCount: () => 0,
};
