import type { BfdSessionConfig } from "../bfd/sessions/contract.ts";
import type { Routes } from "../platform/contract.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import type { Events } from "./event-journal.ts";
import type { LinkBook } from "./link-book.ts";
import { buildBfdSessions, type SessionPlan, sessionPlans } from "./speaker-config.ts";

/**
 * Where BFD sessions run from that name no address of ours: the one on the peer's subnet, else one
 * of the interface that leads to the peer. An address once chosen stays as long as we have it: a
 * session must not restart because a route moved.
 */
export class BfdPlacement {
  readonly #links: LinkBook;
  readonly #routes: Pick<Routes, "resolve">;
  readonly #events: Events;
  readonly #chosen = new Map<string, string>();
  /** Peers without any address of ours; told once. */
  readonly #homeless = new Set<string>();
  /** What was said last, where every session has its place: holds until links or file change. */
  #last:
    | {
        readonly config: EdgeConfig;
        readonly revision: number;
        readonly sessions: readonly BfdSessionConfig[];
      }
    | undefined;

  constructor(links: LinkBook, routes: Pick<Routes, "resolve">, events: Events) {
    this.#links = links;
    this.#routes = routes;
    this.#events = events;
  }

  /** The sessions that can run now. */
  sessions(config: EdgeConfig): readonly BfdSessionConfig[] {
    const { revision } = this.#links;
    if (this.#last?.config === config && this.#last.revision === revision) {
      return this.#last.sessions;
    }
    const sessions = buildBfdSessions(config, (plan) => this.#localAddressOf(plan));
    const placed = new Set(sessions.map((session) => session.name));
    for (const { neighbor } of sessionPlans(config)) {
      const { name: peer, bfd, remoteAddress } = neighbor;
      if (bfd === undefined || placed.has(peer)) this.#homeless.delete(peer);
      else if (!this.#homeless.has(peer)) {
        this.#homeless.add(peer);
        const text = `no address of ours is known to speak BFD to ${remoteAddress} from`;
        this.#events.emit("warn", "bfd.session.no-address", { peer, text });
      }
    }
    this.#last = this.#homeless.size === 0 ? { config, revision, sessions } : undefined;
    return sessions;
  }

  #localAddressOf({ neighbor, device }: SessionPlan): string | undefined {
    const { name, remoteAddress } = neighbor;
    const kept = this.#chosen.get(name);
    if (kept !== undefined && this.#links.hasAddress(kept, device)) return kept;
    const address = this.#choose(remoteAddress, device);
    if (address === undefined) this.#chosen.delete(name);
    else this.#chosen.set(name, address);
    return address;
  }

  #choose(remoteAddress: string, device: string | undefined): string | undefined {
    const own = this.#links.addressTowards(remoteAddress, device);
    if (own !== undefined) return own;
    const via = device ?? this.#routes.resolve(remoteAddress)?.device;
    return via === undefined ? undefined : this.#links.addressOn(via, remoteAddress);
  }
}
