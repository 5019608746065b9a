import type { LocalOpen } from "../../src/bgp/fsm/negotiate.ts";
import type { PeerConfig, SpeakerConfig } from "../../src/bgp/speaker/config.ts";
import type { SpeakerEffect } from "../../src/bgp/speaker/effects.ts";
import type { ConnectionId, SpeakerInput } from "../../src/bgp/speaker/inputs.ts";
import { Speaker, type SpeakerOptions } from "../../src/bgp/speaker/speaker.ts";
import type { PeerView } from "../../src/bgp/speaker/view.ts";
import { encodeAttributes } from "../../src/bgp/wire/attribute-encode.ts";
import { decodeMessage } from "../../src/bgp/wire/decode.ts";
import { Framer } from "../../src/bgp/wire/framer.ts";
import { encodeKeepalive } from "../../src/bgp/wire/header.ts";
import type { Message, PathAttributes, WireContext } from "../../src/bgp/wire/message.ts";
import { encodeNlri } from "../../src/bgp/wire/nlri.ts";
import { encodeOpen } from "../../src/bgp/wire/open.ts";
import { encodeUpdate } from "../../src/bgp/wire/update.ts";
import { parsePrefix } from "../../src/core/prefix.ts";
import { seededRng } from "../../src/core/rng.ts";
import { after, type Micros, micros, US_PER_SEC } from "../../src/core/time.ts";
import { peerConfig, speakerConfig } from "./bgp-pair.ts";
import { IPV4, remoteOpen } from "./bgp-session.ts";

/** One speaker with a hand at the other end of each connection: octets in, octets out. */
export class Solo {
  readonly speaker: Speaker;
  now: Micros = micros(1_000_000);
  /** Since the last `take`. */
  effects: SpeakerEffect[] = [];
  readonly #framers = new Map<ConnectionId, Framer>();
  #accepted = 0;

  constructor(
    config: SpeakerConfig = soloConfig(),
    options: Partial<SpeakerOptions> = {},
    before: readonly SpeakerInput[] = [],
  ) {
    this.speaker = new Speaker({ rng: seededRng(1), ...options });
    for (const input of before) this.input(input);
    this.input({ kind: "configure", config });
  }

  /** Effects of this input; the same are kept for `take`. */
  input(input: SpeakerInput): SpeakerEffect[] {
    const out: SpeakerEffect[] = [];
    this.speaker.handle(input, this.now, out);
    this.effects.push(...out);
    return out;
  }

  expire(): SpeakerEffect[] {
    const out: SpeakerEffect[] = [];
    this.speaker.expire(this.now, out);
    this.effects.push(...out);
    return out;
  }

  /** Lets time pass; every deadline rings when it is due. */
  advance(sec: number): void {
    const until = after(this.now, sec * US_PER_SEC);
    for (;;) {
      const at = this.speaker.nextDeadline();
      if (at === undefined || at > until) break;
      this.now = micros(Math.max(at, this.now));
      this.expire();
    }
    this.now = until;
  }

  /** Everything to do now is done, without time passing. */
  settle(): void {
    this.advance(0);
  }

  take(): SpeakerEffect[] {
    const taken = this.effects;
    this.effects = [];
    return taken;
  }

  /** The peer dials us. */
  accept(remoteAddress = "10.0.0.2", localAddress = "10.0.0.1"): ConnectionId {
    this.#accepted += 2;
    const connection = this.#accepted as ConnectionId;
    const ports = { remotePort: 40_000 + this.#accepted, localPort: 179 };
    this.input({ kind: "tcp-accepted", connection, remoteAddress, localAddress, ...ports });
    return connection;
  }

  /** Our own attempt succeeds. */
  connect(): ConnectionId {
    const dialled = this.effects.findLast((effect) => effect.kind === "tcp-connect");
    if (dialled?.kind !== "tcp-connect") throw new Error("nothing was dialled");
    const { connection } = dialled;
    const ports = { localPort: 40_000, remotePort: 179 };
    this.input({ kind: "tcp-connected", connection, localAddress: "10.0.0.1", ...ports });
    return connection;
  }

  say(connection: ConnectionId, ...messages: readonly Uint8Array[]): SpeakerEffect[] {
    return messages.flatMap((octets) => {
      return this.input({ kind: "tcp-data", connection, octets: octets.slice() });
    });
  }

  /** Messages sent on a connection since the last call, decoded. */
  heard(connection: ConnectionId): Message[] {
    const framer = this.#framers.get(connection) ?? new Framer();
    this.#framers.set(connection, framer);
    const messages: Message[] = [];
    for (const effect of this.effects) {
      if (effect.kind !== "tcp-send" || effect.connection !== connection) continue;
      framer.push(effect.octets);
      for (let frame = framer.next(true); ; frame = framer.next(true)) {
        if (!frame.ok || frame.value === undefined) break;
        const message = decodeMessage(frame.value, CONTEXT);
        if (message.ok) messages.push(message.value);
      }
    }
    this.effects = this.effects.filter(
      (effect) => effect.kind !== "tcp-send" || effect.connection !== connection,
    );
    return messages;
  }

  /** An accepted connection brought to Established. */
  establish(open: Partial<LocalOpen> = {}, remoteAddress = "10.0.0.2"): ConnectionId {
    const connection = this.accept(remoteAddress);
    this.say(connection, encodeOpen(remoteOpen(open)), encodeKeepalive());
    this.settle();
    return connection;
  }

  peer(name = "b"): PeerView {
    const peer = this.speaker.view.peer(name);
    if (peer === undefined) throw new Error(`no peer ${name}`);
    return peer;
  }

  logs(event: string): Extract<SpeakerEffect, { kind: "log" }>[] {
    return this.effects.flatMap((effect) =>
      effect.kind === "log" && effect.event === event ? [effect] : [],
    );
  }

  closes(): string[] {
    return this.effects.flatMap((effect) =>
      effect.kind === "tcp-close" ? [`${effect.connection} ${effect.how}`] : [],
    );
  }
}

/** Passive, so that nothing happens but what the test does. */
export const soloPeer = (changes: Partial<PeerConfig> = {}): PeerConfig =>
  peerConfig({ isPassive: true, ...changes });

export const soloConfig = (
  peer: Partial<PeerConfig> = {},
  changes: Partial<SpeakerConfig> = {},
): SpeakerConfig => speakerConfig({ peers: [soloPeer(peer)], ...changes });

/** An UPDATE of AS 45104 that announces `prefixes`. */
export function announce(
  prefixes: readonly string[],
  attributes: Partial<PathAttributes> = {},
): Uint8Array {
  const encoded = encodeAttributes(
    {
      origin: 0,
      asPath: [{ type: 2, ases: [45104] }],
      nextHop: Uint8Array.of(10, 0, 0, 2),
      ...attributes,
    },
    { as4: true, session: "ebgp", includeNextHop: true },
  );
  return encodeUpdate({ attributes: encoded, nlri: nlriOf(prefixes) });
}

export const withdraw = (prefixes: readonly string[]): Uint8Array =>
  encodeUpdate({ withdrawn: nlriOf(prefixes) });

const nlriOf = (prefixes: readonly string[]): Uint8Array =>
  encodeNlri(
    prefixes.map((text) => {
      const prefix = parsePrefix(text);
      if (prefix === undefined) throw new Error(`${text} is no prefix`);
      return prefix;
    }),
  );

const CONTEXT: WireContext = {
  as4: true,
  extendedMessages: true,
  addPath: [],
  families: [IPV4],
  session: "ebgp",
  peerAs: undefined,
};
