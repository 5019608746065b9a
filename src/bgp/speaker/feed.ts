import { LIMITS } from "../../core/limits.ts";
import type { Micros } from "../../core/time.ts";
import { type Negotiated, sameFamily } from "../fsm/negotiate.ts";
import { restartKeepalive } from "../fsm/session.ts";
import type { PeerSlot, RibEngine } from "../rib/contract.ts";
import type { Family } from "../wire/message.ts";
import { encodeRouteRefresh, RefreshSubtype } from "../wire/route-refresh.ts";
import { type Channel, sendMessage, sendUpdates } from "./channel.ts";
import type { SpeakerEffect } from "./effects.ts";
import { SPEAKER_LIMITS } from "./limits.ts";

/**
 * What an Established peer is told: the UPDATEs the RIB has for it, as fast as the socket takes
 * them and no faster. The RIB keeps what is not sent as a set of changed prefixes, so a peer that
 * reads slowly costs the octets of one full queue, whatever happens to the table meanwhile.
 *
 * RFC 7313: a refresh is opened by BoRR and closed by EoRR, which follows when the RIB has nothing
 * more for the peer. None is opened before the first feed is complete (§4), and a request that
 * comes while one is open is answered by another one after it.
 */
export class Feed {
  readonly #peer: string;
  readonly #slot: PeerSlot;
  readonly #channel: Channel;
  readonly #negotiated: Negotiated;
  #isFirstComplete = false;
  /** Families to be told again, and those between BoRR and EoRR. */
  #wanted: Family[] = [];
  #open: Family[] = [];

  constructor(peer: string, slot: PeerSlot, channel: Channel, negotiated: Negotiated) {
    this.#peer = peer;
    this.#slot = slot;
    this.#channel = channel;
    this.#negotiated = negotiated;
  }

  /** Tells the peer everything of a family again: its ROUTE-REFRESH (RFC 2918 §4), or an order. */
  readvertise(family: Family): void {
    if (!this.#wanted.some((other) => sameFamily(other, family))) this.#wanted.push(family);
  }

  /** One slice: sends what fits. True while there is more that could go now. */
  pump(rib: RibEngine, now: Micros, out: SpeakerEffect[]): boolean {
    let sentOctets = 0;
    while (rib.hasUpdates(this.#slot)) {
      const budgetOctets = SPEAKER_LIMITS.updateOctetsPerSlice - sentOctets;
      const roomOctets = Math.min(budgetOctets, this.#roomOctets);
      if (roomOctets <= 0) break;
      const messages = rib.takeUpdates(this.#slot, roomOctets);
      if (messages.length === 0) break; // a bounded walk that met nothing for this peer
      sendUpdates(this.#channel, messages, now, out);
      for (const octets of messages) sentOctets += octets.length;
    }
    // RFC 4271 §4.4: an UPDATE is as good as a KEEPALIVE.
    if (sentOctets > 0) restartKeepalive(this.#channel.session, now);
    if (rib.isFed(this.#slot)) this.#caughtUp(rib, now, out);
    return rib.hasUpdates(this.#slot) && this.#roomOctets > 0;
  }

  get #roomOctets(): number {
    return LIMITS.sendQueueOctets - (this.#channel.connection?.queuedOctets ?? 0);
  }

  #caughtUp(rib: RibEngine, now: Micros, out: SpeakerEffect[]): void {
    if (!this.#isFirstComplete) {
      this.#isFirstComplete = true;
      out.push({ kind: "feed-complete", peer: this.#peer });
    }
    this.#mark(this.#open, RefreshSubtype.EndOfRefresh, now, out);
    this.#open = [];
    if (this.#wanted.length === 0) return;
    const families = this.#wanted;
    this.#wanted = [];
    this.#open = families;
    this.#mark(families, RefreshSubtype.BeginOfRefresh, now, out);
    for (const family of families) rib.readvertise(this.#slot, family);
    // A family without a single route is told again by BoRR and EoRR alone.
    if (rib.isFed(this.#slot)) this.#caughtUp(rib, now, out);
  }

  #mark(families: readonly Family[], subtype: number, now: Micros, out: SpeakerEffect[]): void {
    if (!this.#negotiated.enhancedRouteRefresh) return;
    for (const family of families) {
      const octets = encodeRouteRefresh({ family, subtype });
      sendMessage(this.#channel, "route-refresh", octets, now, out);
    }
  }
}
