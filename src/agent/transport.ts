/**
 * The speaker's connections on the host's TCP. It owns the listeners (one per address of the
 * configuration) and every connection under the number the speaker knows it by: odd for those the
 * speaker asks for, even for those accepted here.
 *
 * GTSM (RFC 5082) and TTL: a peer's own values go on every connection opened to it. A listener
 * serves many peers, so it answers with TTL 255, which every peer accepts, and an accepted
 * connection gets the values of its peer when the speaker adopts it, before any octet of it is
 * read. A handshake from too far away may thus complete; nothing it says is ever heard.
 */

import type { SpeakerEffect } from "../bgp/speaker/effects.ts";
import type { ConnectionId, SpeakerInput } from "../bgp/speaker/inputs.ts";
import { PlatformError } from "../core/app-error.ts";
import type { Tcp, TcpConnection, TcpHandler, TcpListener } from "../platform/contract.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import type { SessionPlan } from "./speaker-config.ts";

export type TcpEffect = Extract<SpeakerEffect, { readonly kind: `tcp-${string}` }>;

/** Internetwork Control (RFC 4594 §3.1). */
const TOS = 0xc0;
const TTL_MAX = 255;

export class Transport {
  readonly #tcp: Tcp;
  readonly #deliver: (input: SpeakerInput) => void;
  readonly #connections = new Map<ConnectionId, TcpConnection>();
  #listeners = new Map<string, TcpListener>();
  #plans: ReadonlyMap<string, SessionPlan> = new Map();
  #accepted = 0;

  constructor(tcp: Tcp, deliver: (input: SpeakerInput) => void) {
    this.#tcp = tcp;
    this.#deliver = deliver;
  }

  /**
   * Opens what is missing, then closes what is not wanted; throws and changes nothing if it cannot.
   */
  configure(listen: EdgeConfig["listen"], plans: readonly SessionPlan[]): void {
    const next = new Map<string, TcpListener>();
    const opened: TcpListener[] = [];
    try {
      for (const address of listen.addresses) {
        const key = `${address} ${listen.port}`;
        const kept = this.#listeners.get(key);
        next.set(key, kept ?? this.#listen(address, listen.port, opened));
      }
      for (const [key, listener] of next) signListener(listener, key, plans);
    } catch (error) {
      for (const listener of opened) listener.close();
      throw error;
    }
    for (const [key, listener] of this.#listeners) {
      if (next.get(key) !== listener) listener.close();
      else this.#unsignRemoved(listener, plans);
    }
    this.#listeners = next;
    this.#plans = new Map(plans.map((plan) => [plan.neighbor.name, plan]));
  }

  /** What the host refuses to one connection (it may have died already) ends that one. */
  perform(effect: TcpEffect): void {
    try {
      this.#perform(effect);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      const { connection } = effect;
      this.#connections.get(connection)?.close("reset");
      this.#connections.delete(connection);
      this.#fail(connection, error.message);
    }
  }

  #perform(effect: TcpEffect): void {
    const connection = this.#connections.get(effect.connection);
    switch (effect.kind) {
      case "tcp-connect":
        this.#connect(effect.connection, effect.peer);
        break;
      case "tcp-send":
        connection?.send(effect.octets);
        break;
      case "tcp-pause":
        connection?.pause(effect.isPaused);
        break;
      case "tcp-close":
        this.#connections.delete(effect.connection);
        connection?.close(effect.how);
        break;
      case "tcp-adopt":
        connection?.setTtl(ttlOf(this.#plans.get(effect.peer)));
        break;
    }
  }

  /** Nobody is let in any more; open connections are left to the speaker. */
  closeListeners(): void {
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
  }

  #listen(address: string, port: number, opened: TcpListener[]): TcpListener {
    const options = { localAddress: address, port, ttl: TTL_MAX, tos: TOS };
    const listener = this.#tcp.listen(options, (connection) => this.#accept(connection));
    opened.push(listener);
    return listener;
  }

  #accept(connection: TcpConnection): TcpHandler {
    this.#accepted += 2;
    const id = this.#accepted as ConnectionId;
    this.#connections.set(id, connection);
    const { remoteAddress, remotePort, localAddress, localPort } = connection;
    this.#deliver({
      kind: "tcp-accepted",
      connection: id,
      remoteAddress,
      remotePort,
      localAddress,
      localPort,
    });
    return this.#handler(id, () => undefined);
  }

  #connect(id: ConnectionId, peer: string): void {
    const plan = this.#plans.get(peer);
    if (plan === undefined) {
      this.#fail(id, "the peer is not configured any more");
      return;
    }
    const { neighbor, device } = plan;
    const { ttl, minTtl } = ttlOf(plan);
    const handler = this.#handler(id, () => {
      const open = this.#connections.get(id);
      if (open === undefined) return;
      const { localAddress, localPort, remotePort } = open;
      this.#deliver({ kind: "tcp-connected", connection: id, localAddress, localPort, remotePort });
    });
    try {
      const connection = this.#tcp.connect(
        {
          remoteAddress: neighbor.remoteAddress,
          remotePort: neighbor.remotePort,
          tos: TOS,
          ttl,
          ...(minTtl !== undefined && { minTtl }),
          ...(neighbor.localAddress !== undefined && { localAddress: neighbor.localAddress }),
          ...(device !== undefined && { device }),
          ...(neighbor.md5Key !== undefined && { md5Key: neighbor.md5Key.reveal() }),
        },
        handler,
      );
      this.#connections.set(id, connection);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      this.#fail(id, error.message);
    }
  }

  #fail(connection: ConnectionId, text: string): void {
    this.#deliver({ kind: "tcp-closed", connection, cause: "error", text });
  }

  #handler(connection: ConnectionId, connected: () => void): TcpHandler {
    return {
      connected,
      // The host's buffer is its own again when this returns.
      data: (octets) => this.#deliver({ kind: "tcp-data", connection, octets: octets.slice() }),
      progress: (queuedOctets) => {
        this.#deliver({ kind: "tcp-progress", connection, queuedOctets });
      },
      closed: ({ kind, text }) => {
        if (!this.#connections.delete(connection)) return;
        this.#deliver({ kind: "tcp-closed", connection, cause: kind, text });
      },
    };
  }

  #unsignRemoved(listener: TcpListener, plans: readonly SessionPlan[]): void {
    const signed = new Set(
      plans.filter((plan) => plan.neighbor.md5Key).map((plan) => plan.neighbor.remoteAddress),
    );
    for (const { neighbor } of this.#plans.values()) {
      const { remoteAddress, md5Key } = neighbor;
      if (md5Key !== undefined && !signed.has(remoteAddress)) {
        listener.setMd5Key(remoteAddress, undefined);
      }
    }
  }
}

/** Keys belong to remote addresses, so every listener of the family gets all of them (RFC 2385). */
function signListener(listener: TcpListener, key: string, plans: readonly SessionPlan[]): void {
  for (const { neighbor } of plans) {
    const isSameFamily = neighbor.remoteAddress.includes(":") === key.includes(":");
    if (neighbor.md5Key === undefined || !isSameFamily) continue;
    listener.setMd5Key(neighbor.remoteAddress, neighbor.md5Key.reveal());
  }
}

const ttlOf = (plan: SessionPlan | undefined) => {
  return { ttl: plan?.neighbor.ttl ?? TTL_MAX, minTtl: plan?.neighbor.minTtl };
};
