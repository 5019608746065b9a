/**
 * Reads every UPDATE that the edge sends and hears, at its own end of the sessions: a prefix that
 * nobody agreed on is found though it was withdrawn before any table showed it, and an UPDATE that
 * says again what its peer knows is counted. The edge's TCP goes through here unchanged.
 */
import type { AgentView } from "../../../agent/view.ts";
import { decodeMessage } from "../../../bgp/wire/decode.ts";
import { Framer } from "../../../bgp/wire/framer.ts";
import type { NlriRun, UpdateMessage, WireContext } from "../../../bgp/wire/message.ts";
import { NlriCursor } from "../../../bgp/wire/nlri.ts";
import { Afi } from "../../../core/address.ts";
import { coversPrefix, formatPrefix, type Prefix, parsePrefix } from "../../../core/prefix.ts";
import type { Clock, Host, Tcp, TcpHandler } from "../../../platform/contract.ts";
import { probeSources, toldPrefixes } from "../../cloud/network.ts";
import type { Drill } from "../../drill/drill.ts";
import { TappedConnection, tappedTcp, withTcp } from "./tapped-tcp.ts";

/** What an UPDATE did that it should not have done. */
export interface UpdateOffence {
  readonly atUs: number;
  /** The edge's session, by the name it has there. */
  readonly session: string;
  /**
   * `advertised`: the edge told a prefix that is not its own; `accepted`: it took one from a peer
   * that nobody agreed on; `needless`: it told a peer what that peer had been told before.
   */
  readonly what: "advertised" | "accepted" | "needless";
  readonly prefix: string;
}

/** What may be said, as plain data: the edge of a lab may be another process. */
export interface UpdateRules {
  /** Session by the peer's address. */
  readonly sessions: Readonly<Record<string, string>>;
  /** Prefixes as they stand, from the edge and to it. */
  readonly own: readonly string[];
  readonly told: readonly string[];
  /** With everything inside of them, both ways. */
  readonly allowed: readonly string[];
}

/** Undefined where no invariant of the drill asks for UPDATEs. */
export function updateRules({ edge, cloud, steps, always, allow }: Drill): UpdateRules | undefined {
  const isAsked = always?.some((one) => one === "no-leak" || one === "session-isolation");
  if (isAsked !== true) return undefined;
  const reloaded = steps.flatMap((step) => (step.do === "reload" ? (step.edge.config ?? []) : []));
  const edges = [edge, ...reloaded];
  const sessions = edges.flatMap(({ circuits }) => circuits.flatMap((one) => one.sessions));
  return {
    sessions: Object.fromEntries(sessions.map(({ name, remoteAddress }) => [remoteAddress, name])),
    own: edges.flatMap(({ announce }) => announce.map(({ prefix }) => prefix)),
    told: [...toldPrefixes(cloud), ...probeSources(cloud)],
    allowed: allow ?? [],
  };
}

/** Of one drill: so many are enough to say what is wrong. */
const OFFENCES_MAX = 1_000;

/** A host with an eye on its UPDATEs, which is to see its agent before the first of them. */
export interface WatchedHost {
  readonly host: Host;
  see(view: AgentView): void;
}

/** Without rules the host as it is. */
export function watchUpdates(
  host: Host,
  rules: UpdateRules | undefined,
  found: (offence: UpdateOffence) => void,
): WatchedHost {
  if (rules === undefined) return { host, see: () => undefined };
  const watch = new UpdateWatch(rules, host.clock, found);
  const see = (view: AgentView) => {
    watch.view = view;
  };
  return { host: withTcp(host, watch.tapped(host.tcp)), see };
}

class UpdateWatch {
  readonly #rules: UpdateRules;
  readonly #clock: Clock;
  readonly #own: ReadonlySet<string>;
  readonly #told: ReadonlySet<string>;
  readonly #allowed: readonly Prefix[];
  readonly #found: (offence: UpdateOffence) => void;
  #count = 0;
  /** Whose Adj-RIB-In says what was accepted. */
  view: AgentView | undefined;

  constructor(rules: UpdateRules, clock: Clock, found: (offence: UpdateOffence) => void) {
    this.#rules = rules;
    this.#clock = clock;
    this.#found = found;
    this.#own = new Set(rules.own);
    this.#told = new Set(rules.told);
    this.#allowed = rules.allowed.flatMap((text) => parsePrefix(text) ?? []);
  }

  tapped(tcp: Tcp): Tcp {
    return tappedTcp(tcp, () => new Ear(this));
  }

  /** A prefix that may not go out (`own`), or that may not be taken. */
  isForeign(prefix: Prefix, direction: "sent" | "heard"): boolean {
    if (this.#allowed.some((outer) => coversPrefix(outer, prefix))) return false;
    return !(direction === "sent" ? this.#own : this.#told).has(formatPrefix(prefix));
  }

  isAccepted(remoteAddress: string, prefix: string): boolean {
    const speaker = this.view?.speaker;
    const slot = speaker?.peer(this.#sessionOf(remoteAddress))?.slot;
    const candidates = speaker?.rib.explain(prefix)?.candidates ?? [];
    return candidates.some((one) => one.slot === slot && one.rejectedBy === undefined);
  }

  tell(remoteAddress: string, what: UpdateOffence["what"], prefix: string): void {
    if (this.#count === OFFENCES_MAX) return;
    this.#count += 1;
    const session = this.#sessionOf(remoteAddress);
    this.#found({ atUs: this.#clock.now(), session, what, prefix });
  }

  #sessionOf(remoteAddress: string): string {
    return this.#rules.sessions[remoteAddress] ?? remoteAddress;
  }
}

/** Enough to find prefixes; what is wrong with an UPDATE is for the speakers to say. */
const CONTEXT: WireContext = {
  ...{ as4: true, extendedMessages: true, addPath: [], families: undefined },
  ...{ session: "ebgp", peerAs: undefined },
};

/** One connection of the edge. */
class Ear extends TappedConnection {
  readonly #watch: UpdateWatch;
  readonly #sent = new Framer();
  readonly #heard = new Framer();
  /** What the peer was told: attributes by prefix. */
  readonly #told = new Map<string, string>();

  constructor(watch: UpdateWatch) {
    super();
    this.#watch = watch;
  }

  override carry(handler: TcpHandler): TcpHandler {
    return { ...super.carry(handler), data: (octets) => this.#hear(octets, handler) };
  }

  override send(octets: Uint8Array): number {
    this.#sent.push(octets.slice());
    for (const { message } of messagesOf(this.#sent)) {
      if (message?.kind === "update") this.#judgeSent(message);
    }
    return super.send(octets);
  }

  /** Asked after each of its chunks: what is taken and taken back within one was never used. */
  #hear(octets: Uint8Array, handler: TcpHandler): void {
    this.#heard.push(octets.slice());
    const foreign: string[] = [];
    for (const { message } of messagesOf(this.#heard)) {
      // The peer asked to be told everything again (RFC 2918).
      if (message?.kind === "route-refresh") this.#told.clear();
      if (message?.kind !== "update") continue;
      for (const prefix of prefixesOf(message.reach)) {
        if (this.#watch.isForeign(prefix, "heard")) foreign.push(formatPrefix(prefix));
      }
    }
    handler.data(octets);
    for (const prefix of foreign) {
      if (!this.#watch.isAccepted(this.remoteAddress, prefix)) continue;
      this.#watch.tell(this.remoteAddress, "accepted", prefix);
    }
  }

  #judgeSent({ reach, unreach, attributes }: UpdateMessage): void {
    let isNews = reach.length === 0 && unreach.length === 0; // an End-of-RIB
    let first: string | undefined;
    for (const prefix of prefixesOf(unreach)) {
      const text = formatPrefix(prefix);
      first ??= text;
      if (this.#told.delete(text)) isNews = true;
    }
    for (const run of reach) {
      const said = JSON.stringify([attributes, run.nextHop]);
      for (const prefix of prefixesOf([run])) {
        const text = formatPrefix(prefix);
        first ??= text;
        if (this.#told.get(text) !== said) isNews = true;
        this.#told.set(text, said);
        if (!this.#watch.isForeign(prefix, "sent")) continue;
        this.#watch.tell(this.remoteAddress, "advertised", text);
      }
    }
    if (!isNews && first !== undefined) this.#watch.tell(this.remoteAddress, "needless", first);
  }
}

/** Those that are whole; a stream that lost its framing has no more. */
function* messagesOf(framer: Framer) {
  for (;;) {
    const frame = framer.next(true);
    if (!frame.ok || frame.value === undefined) return;
    const message = decodeMessage(frame.value, CONTEXT);
    yield { message: message.ok ? message.value : undefined };
  }
}

function* prefixesOf(runs: readonly NlriRun[]): IterableIterator<Prefix> {
  const cursor = new NlriCursor();
  for (const run of runs) {
    cursor.reset(run);
    while (cursor.next()) {
      const address = new Uint8Array(run.afi === Afi.Ipv4 ? 4 : 16);
      cursor.copyAddress(address, 0);
      yield { afi: run.afi, address, length: cursor.length };
    }
  }
}
