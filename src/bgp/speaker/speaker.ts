import { formatAddress, parseAddress } from "../../core/address.ts";
import { InvariantError } from "../../core/assert.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Machine } from "../../core/machine.ts";
import type { Rng } from "../../core/rng.ts";
import { type Micros, micros } from "../../core/time.ts";
import type { PeerSlot, RibEngine, RibOptions } from "../rib/contract.ts";
import { Rib } from "../rib/rib.ts";
import { ConnectionBook } from "./channel.ts";
import type { PeerConfig, SpeakerConfig } from "./config.ts";
import { classifyPeerChange, sameData } from "./config-diff.ts";
import type { SpeakerEffect } from "./effects.ts";
import type { SpeakerInput } from "./inputs.ts";
import { SPEAKER_LIMITS } from "./limits.ts";
import { Peer, type Shared } from "./peer.ts";
import type { Identity } from "./peer-settings.ts";
import { Restarting } from "./restarting.ts";
import { LiveSpeakerView } from "./speaker-view.ts";
import { LogGate } from "./tally.ts";
import type { SpeakerView } from "./view.ts";

export interface SpeakerOptions {
  readonly rng: Rng;
  /** For a RIB of one's own; `Rib` if there is none. */
  readonly createRib?: (options: Identity & { readonly rng: Rng }) => RibEngine;
}

/**
 * A BGP-4 speaker: all peers of a router and the RIB they share, as one synchronous machine. Inputs
 * are what happened (configuration, TCP, BFD, operators), effects what to do about it (TCP, routes,
 * log); time and randomness come in as arguments, so that a recorded run repeats exactly.
 *
 *   speaker.ts  peers, slices of work, configuration     peer.ts      one neighbour
 *   channels.ts its connections, RFC 4271 §6.8           receive.ts   messages in, the hot path
 *   feed.ts     UPDATEs out, RFC 7313                     gate.ts      what keeps a peer down
 *   ceases.ts   what we say when we stop                 config-diff.ts  what a change resets
 *   restarting.ts our own restart, RFC 4724 §4.1         graceful-restart.ts  a peer's, §4.2
 *   refresh-in.ts a peer sends all again, RFC 7313
 *
 * Invariants. Work on tables is done in slices, armed as a deadline of `now`: timers, KEEPALIVEs
 * and orders come in between. What one peer costs is bounded by `limits.ts` and `core/limits.ts`,
 * in memory and in log lines, whatever it sends and however slowly it reads. A bug that one peer's
 * input finds ends that peer's session; only broken state of the RIB all share ends the speaker.
 *
 * RFC 4271, 4486, 4724, 6286, 6608, 6793, 7313, 8212 (in the RIB), 9003, 9384, 9687.
 */
export class Speaker implements Machine<SpeakerInput, SpeakerEffect> {
  readonly view: SpeakerView;
  readonly #options: SpeakerOptions;
  readonly #book = new ConnectionBook();
  readonly #peers = new Map<string, Peer>();
  readonly #byAddress = new Map<string, Peer[]>();
  /** `hold-off` may come before the peer it is for. */
  readonly #holds = new Map<string, string>();
  readonly #freeSlots: PeerSlot[] = [];
  #slotTop = 0;
  readonly #refusals = new Map<string, number>();
  readonly #logGate = new LogGate();
  readonly #restarting = new Restarting();
  #shared: Shared | undefined;
  #ribOptions: RibOptions | undefined;
  #isStopped = false;
  /** No timer of a peer is due before this; it may be too early, never too late. */
  #wakeAt: Micros | undefined;
  #workAt: Micros | undefined;

  constructor(options: SpeakerOptions) {
    this.#options = options;
    this.view = new LiveSpeakerView({
      peers: this.#peers,
      refusals: this.#refusals,
      shared: () => this.#shared,
    });
  }

  handle(input: SpeakerInput, now: Micros, out: SpeakerEffect[]): void {
    switch (input.kind) {
      case "configure":
        if (!this.#isStopped) this.#configure(input.config, now, out);
        break;
      case "restarted":
        if (this.#shared === undefined) this.#restarting.begin(input);
        break;
      case "stop":
        this.#isStopped = true;
        for (const peer of this.#peers.values()) {
          peer.end(input.text, input.isRestart === true, now, out);
        }
        break;
      case "tcp-accepted": {
        const peer = this.#acceptor(input);
        if (peer === undefined) this.#refuse(input, now, out);
        else this.#tell(peer, input, now, out);
        break;
      }
      case "tcp-connected":
      case "tcp-closed":
      case "tcp-data":
      case "tcp-progress": {
        // A connection we closed may still be heard of: what was under way then is void.
        const peer = this.#peers.get(this.#book.ownerOf(input.connection) ?? "");
        if (peer !== undefined) this.#tell(peer, input, now, out);
        break;
      }
      case "next-hop":
        this.#shared?.rib.setNextHop(input.nextHop, input.state);
        if (this.#shared !== undefined) this.#shared.isRibDirty = true;
        break;
      case "hold-off":
        if (input.isOn) this.#holds.set(input.peer, input.reason);
        else this.#holds.delete(input.peer);
        this.#order(input, now, out);
        break;
      case "avoid":
      case "path-restored":
      case "path-failed":
      case "admin":
      case "refresh":
        this.#order(input, now, out);
    }
    this.#selectWhatIsDue(out);
    this.#armWork(now);
  }

  expire(now: Micros, out: SpeakerEffect[]): void {
    if (this.#wakeAt !== undefined && this.#wakeAt <= now) {
      this.#wakeAt = undefined;
      this.#restarting.expire(now);
      this.#noteDeadline(this.#restarting.nextDeadline());
      for (const peer of this.#peers.values()) {
        const dueAt = peer.nextDeadline();
        if (dueAt !== undefined && dueAt <= now) this.#tell(peer, "alarm", now, out);
        else this.#noteDeadline(dueAt);
      }
    }
    if (this.#workAt !== undefined && this.#workAt <= now) this.#work(now, out);
    this.#selectWhatIsDue(out);
    this.#armWork(now);
  }

  nextDeadline(): Micros | undefined {
    if (this.#workAt === undefined || this.#wakeAt === undefined) {
      return this.#workAt ?? this.#wakeAt;
    }
    return micros(Math.min(this.#workAt, this.#wakeAt));
  }

  // Peers ---------------------------------------------------------------------------------------

  /** An input for one peer. A bug it finds is that peer's loss alone. */
  #tell(peer: Peer, input: PeerInput, now: Micros, out: SpeakerEffect[]): void {
    try {
      applyInput(peer, input, now, out);
    } catch (error) {
      this.#contain(peer, error, now, out);
    }
    this.#noteDeadline(peer.nextDeadline());
  }

  #contain(peer: Peer, error: unknown, now: Micros, out: SpeakerEffect[]): void {
    const shared = this.#shared;
    if (shared === undefined) throw error;
    if (shared.isInRib && error instanceof InvariantError) throw error;
    shared.isInRib = false;
    peer.fail(error, now, out);
  }

  #order(input: PeerOrder, now: Micros, out: SpeakerEffect[]): void {
    const peer = this.#peers.get(input.peer);
    if (peer !== undefined) {
      this.#tell(peer, input, now, out);
      return;
    }
    if (input.kind === "hold-off") return;
    const fields = { peer: input.peer, order: input.kind };
    out.push({ kind: "log", level: "warn", event: "bgp.peer.unknown", fields });
  }

  /** Whose connection this is: by the remote address, and ours where several share one. */
  #acceptor(input: Accepted): Peer | undefined {
    const sharers = this.#byAddress.get(input.remoteAddress) ?? [];
    return (
      sharers.find((peer) => peer.config.localAddress === input.localAddress) ??
      sharers.find((peer) => peer.config.localAddress === undefined)
    );
  }

  #refuse(input: Accepted, now: Micros, out: SpeakerEffect[]): void {
    const reason = "unknown-peer";
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
    out.push({ kind: "tcp-close", connection: input.connection, how: "reset" });
    const suppressed = this.#logGate.admit(reason, now);
    if (suppressed === undefined) return;
    const { remoteAddress, remotePort, localAddress } = input;
    const fields = { reason, remoteAddress, remotePort, localAddress, suppressed };
    out.push({ kind: "log", level: "info", event: "bgp.connection.refused", fields });
  }

  // Work ----------------------------------------------------------------------------------------

  /** One slice: octets that wait, then decisions, then what follows from them. */
  #work(now: Micros, out: SpeakerEffect[]): void {
    this.#workAt = undefined;
    const shared = this.#shared;
    if (shared === undefined) return;
    let octetsLeft: number = SPEAKER_LIMITS.receiveOctetsPerSlice;
    while (octetsLeft > 0) {
      const id = this.#book.takeReady();
      if (id === undefined) break;
      const peer = this.#peers.get(this.#book.ownerOf(id) ?? "");
      if (peer !== undefined) octetsLeft -= this.#turn(peer, id, now, out);
    }
    const hasUndecided = decide(shared, out);
    shared.isRibDirty = hasUndecided;
    for (const peer of this.#peers.values()) {
      if (this.#pump(peer, now, out)) shared.isRibDirty = true;
    }
  }

  /** RFC 4724 §4.1: nobody is waited for any more. */
  #selectWhatIsDue(out: SpeakerEffect[]): void {
    const shared = this.#shared;
    if (shared === undefined || !this.#restarting.isOn) return;
    const due = this.#restarting.takeDue();
    for (const one of due) {
      shared.rib.deferSelection(one.family, false);
      shared.isRibDirty = true;
      out.push({ kind: "selection-due", ...one });
    }
    if (due.length === 0 || this.#restarting.isOn) return;
    for (const peer of this.#peers.values()) peer.restartOver();
  }

  #turn(peer: Peer, id: TcpData["connection"], now: Micros, out: SpeakerEffect[]): number {
    let octets = 0;
    try {
      octets = peer.turn(id, now, out);
    } catch (error) {
      this.#contain(peer, error, now, out);
    }
    this.#noteDeadline(peer.nextDeadline());
    return octets;
  }

  #pump(peer: Peer, now: Micros, out: SpeakerEffect[]): boolean {
    let hasMore = false;
    try {
      hasMore = peer.pump(now, out);
    } catch (error) {
      this.#contain(peer, error, now, out);
    }
    this.#noteDeadline(peer.nextDeadline());
    return hasMore;
  }

  #armWork(now: Micros): void {
    if (this.#shared?.isRibDirty === true || this.#book.hasReady) this.#workAt ??= now;
  }

  #noteDeadline(at: Micros | undefined): void {
    if (at === undefined) return;
    if (this.#wakeAt === undefined || at < this.#wakeAt) this.#wakeAt = at;
  }

  // Configuration -------------------------------------------------------------------------------

  #configure(config: SpeakerConfig, now: Micros, out: SpeakerEffect[]): void {
    const { localAs, bgpIdentifier } = config;
    const known = this.#shared;
    const isOther =
      known !== undefined &&
      (known.identity.localAs !== localAs || known.identity.bgpIdentifier !== bgpIdentifier);
    if (known !== undefined && isOther) this.#dissolve(known, now, out);
    const shared = known ?? this.#createShared({ localAs, bgpIdentifier });
    if (isOther) {
      shared.identity = { localAs, bgpIdentifier };
      shared.rib = this.#createRib(shared.identity);
    }
    if (isOther || !sameData(this.#ribOptions, config.rib)) shared.rib.setOptions(config.rib);
    this.#ribOptions = config.rib;
    const wanted = this.#acceptable(config.peers, out);
    shared.preservesForwarding = config.preservesForwarding ?? false;
    this.#restarting.configured([...wanted.values()], now);
    this.#noteDeadline(this.#restarting.nextDeadline());
    for (const { family } of this.#restarting.deferrals) shared.rib.deferSelection(family, true);
    shared.rib.setOriginated(config.originated);
    shared.isRibDirty = true;
    for (const [name, peer] of this.#peers) {
      if (!wanted.has(name)) this.#remove(peer, now, out);
    }
    const added: Peer[] = [];
    for (const peerConfig of wanted.values()) {
      const peer = this.#peers.get(peerConfig.name);
      if (peer === undefined) {
        added.push(this.#add(peerConfig, shared, now));
      } else {
        const change = isOther ? "reset" : classifyPeerChange(peer.config, peerConfig);
        peer.reconfigure(peerConfig, change, now, out);
      }
    }
    this.#indexAddresses();
    for (const peer of added) peer.start(now, out);
    for (const peer of this.#peers.values()) this.#noteDeadline(peer.nextDeadline());
  }

  #createShared(identity: Identity): Shared {
    this.#shared = {
      rng: this.#options.rng,
      book: this.#book,
      identity,
      rib: this.#createRib(identity),
      isRibDirty: false,
      isInRib: false,
      restarting: this.#restarting,
      preservesForwarding: false,
    };
    return this.#shared;
  }

  #createRib(identity: Identity): RibEngine {
    const options = { ...identity, rng: this.#options.rng.fork() };
    return this.#options.createRib?.(options) ?? new Rib(options);
  }

  /** A router with another AS or identifier is another router: everything is learned anew. */
  #dissolve(shared: Shared, now: Micros, out: SpeakerEffect[]): void {
    for (const peer of this.#peers.values()) {
      peer.suspend(now, out);
      shared.rib.removePeer(peer.slot);
    }
    shared.rib.setOriginated([]);
    while (decide(shared, out));
  }

  /** The agent has checked all of this; a speaker used alone gets a line in its log instead. */
  #acceptable(
    configs: readonly PeerConfig[],
    out: SpeakerEffect[],
  ): ReadonlyMap<string, PeerConfig> {
    const accepted = new Map<string, PeerConfig>();
    for (const config of configs) {
      const fault = accepted.has(config.name)
        ? "the name is taken"
        : parseAddress(config.remoteAddress) === undefined
          ? "remoteAddress is no address"
          : accepted.size + 1 >= LIMITS.peers
            ? `there are ${LIMITS.peers - 1} peers already`
            : undefined;
      if (fault === undefined) accepted.set(config.name, config);
      else {
        const fields = { peer: config.name, because: fault };
        out.push({ kind: "log", level: "error", event: "bgp.peer.ignored", fields });
      }
    }
    return accepted;
  }

  #add(config: PeerConfig, shared: Shared, now: Micros): Peer {
    const peer = new Peer(this.#freeSlots.pop() ?? this.#newSlot(), config, shared, now);
    peer.gate.hold = this.#holds.get(config.name);
    this.#peers.set(config.name, peer);
    return peer;
  }

  #remove(peer: Peer, now: Micros, out: SpeakerEffect[]): void {
    peer.remove(now, out);
    this.#peers.delete(peer.name);
    this.#freeSlots.push(peer.slot);
  }

  #newSlot(): PeerSlot {
    this.#slotTop += 1;
    return this.#slotTop as PeerSlot;
  }

  #indexAddresses(): void {
    this.#byAddress.clear();
    for (const peer of this.#peers.values()) {
      const octets = parseAddress(peer.config.remoteAddress);
      const key = octets === undefined ? peer.config.remoteAddress : formatAddress(octets);
      const sharers = this.#byAddress.get(key);
      if (sharers === undefined) this.#byAddress.set(key, [peer]);
      else sharers.push(peer);
    }
  }
}

type Accepted = Extract<SpeakerInput, { readonly kind: "tcp-accepted" }>;
type TcpData = Extract<SpeakerInput, { readonly kind: "tcp-data" }>;
type PeerOrder = Extract<SpeakerInput, { readonly peer: string }>;
type PeerInput = PeerOrder | Extract<SpeakerInput, { readonly kind: `tcp-${string}` }> | "alarm";

function applyInput(peer: Peer, input: PeerInput, now: Micros, out: SpeakerEffect[]): void {
  if (input === "alarm") {
    peer.expire(now, out);
    return;
  }
  switch (input.kind) {
    case "tcp-data":
      peer.data(input, now, out);
      break;
    case "tcp-progress":
      peer.progress(input, now);
      break;
    case "tcp-accepted":
      peer.accepted(input, now, out);
      break;
    case "tcp-connected":
      peer.connected(input, now, out);
      break;
    case "tcp-closed":
      peer.closed(input, now, out);
      break;
    case "avoid":
      peer.avoid(input);
      break;
    case "path-restored":
      peer.channels.retry(now, out);
      break;
    case "path-failed":
      peer.pathFailed(input, now, out);
      break;
    case "hold-off":
      peer.holdOff(input.isOn ? input.reason : undefined, now, out);
      break;
    case "admin":
      peer.admin(input.action, input.text, now, out);
      break;
    case "refresh":
      peer.refresh(input, now, out);
  }
}

/** One slice of decisions, and what the host must hear of them; true while prefixes are left. */
function decide(shared: Shared, out: SpeakerEffect[]): boolean {
  const { rib } = shared;
  const hasMore = rib.work(LIMITS.dirtyPrefixesPerSlice);
  const interest = rib.takeNextHopInterest();
  if (interest.added.length > 0 || interest.removed.length > 0) {
    out.push({ kind: "next-hop-interest", ...interest });
  }
  const changes = rib.takeRouteChanges();
  if (changes !== undefined) out.push({ kind: "routes", changes });
  return hasMore;
}
