import { concatBytes } from "../../core/bytes.ts";
import type { Micros } from "../../core/time.ts";
import type { OpenedBy } from "../fsm/collision.ts";
import { type Session, trackSendQueue } from "../fsm/session.ts";
import { Framer } from "../wire/framer.ts";
import type { OpenMessage } from "../wire/message.ts";
import type { SpeakerEffect } from "./effects.ts";
import type { ConnectionId } from "./inputs.ts";
import { SPEAKER_LIMITS } from "./limits.ts";
import type { Tally } from "./tally.ts";
import type { MessageKind } from "./view.ts";

/** One TCP connection of a peer, or the attempt at one. */
export interface Connection {
  readonly id: ConnectionId;
  readonly openedBy: OpenedBy;
  readonly framer: Framer;
  /** Empty and 0 until the connection is up. */
  localAddress: string;
  localPort: number;
  remotePort: number;
  /** Octets the host has not passed on yet. */
  queuedOctets: number;
  isPaused: boolean;
}

/** A session of the FSM and the connection it drives; a peer has one, or two until one wins. */
export interface Channel {
  readonly session: Session;
  readonly tally: Tally;
  connection: Connection | undefined;
  /** An OPEN that waits for the other connection's (RFC 4271 §6.8); nothing is read behind it. */
  heldOpen: { readonly open: OpenMessage; readonly until: Micros } | undefined;
}

export const newConnection = (id: ConnectionId, openedBy: OpenedBy): Connection => ({
  id,
  openedBy,
  framer: new Framer(),
  localAddress: "",
  localPort: 0,
  remotePort: 0,
  queuedOctets: 0,
  isPaused: false,
});

/** Queues one whole message towards the peer. */
export function sendMessage(
  channel: Channel,
  kind: MessageKind,
  octets: Uint8Array,
  now: Micros,
  out: SpeakerEffect[],
): void {
  const { connection } = channel;
  if (connection === undefined) return;
  channel.tally.messagesOut[kind] += 1;
  connection.queuedOctets += octets.length;
  out.push({ kind: "tcp-send", connection: connection.id, octets });
  trackSendQueue(channel.session, connection.queuedOctets, false, now);
}

/**
 * Queues whole UPDATEs, small ones joined: a table with many attribute sets is many small messages,
 * and a system call for each would cost more than everything else about it.
 */
export function sendUpdates(
  channel: Channel,
  messages: readonly Uint8Array[],
  now: Micros,
  out: SpeakerEffect[],
): void {
  const { connection } = channel;
  if (connection === undefined) return;
  channel.tally.messagesOut.update += messages.length;
  let first = 0;
  let lengthOctets = 0;
  for (let index = 0; index < messages.length; index += 1) {
    lengthOctets += messages[index]?.length ?? 0;
    const isLast = index === messages.length - 1;
    if (!isLast && lengthOctets < SPEAKER_LIMITS.sendChunkOctets) continue;
    const octets = concatBytes(messages.slice(first, index + 1));
    connection.queuedOctets += octets.length;
    out.push({ kind: "tcp-send", connection: connection.id, octets });
    first = index + 1;
    lengthOctets = 0;
  }
  trackSendQueue(channel.session, connection.queuedOctets, false, now);
}

/** The host took octets of a connection; what it still holds is the queue. */
export function noteProgress(channel: Channel, queuedOctets: number, now: Micros): void {
  const { connection, session } = channel;
  if (connection === undefined) return;
  const tookSome = queuedOctets < connection.queuedOctets;
  connection.queuedOctets = queuedOctets;
  trackSendQueue(session, queuedOctets, tookSome, now);
}

/** Which peer owns which connection, and which of them have octets waiting for a slice of work. */
export class ConnectionBook {
  readonly #owners = new Map<ConnectionId, string>();
  readonly #ready = new Set<ConnectionId>();
  #opened = -1;

  /** A number for a connection of ours: odd ones are the speaker's to give. */
  open(peer: string): ConnectionId {
    this.#opened += 2;
    const id = this.#opened as ConnectionId;
    this.#owners.set(id, peer);
    return id;
  }

  adopt(id: ConnectionId, peer: string): void {
    this.#owners.set(id, peer);
  }

  release(id: ConnectionId): void {
    this.#owners.delete(id);
    this.#ready.delete(id);
  }

  ownerOf(id: ConnectionId): string | undefined {
    return this.#owners.get(id);
  }

  markReady(id: ConnectionId): void {
    this.#ready.add(id);
  }

  isReady(id: ConnectionId): boolean {
    return this.#ready.has(id);
  }

  /** Removes and returns the one that has waited longest. */
  takeReady(): ConnectionId | undefined {
    for (const id of this.#ready) {
      this.#ready.delete(id);
      return id;
    }
    return undefined;
  }

  get hasReady(): boolean {
    return this.#ready.size > 0;
  }
}
