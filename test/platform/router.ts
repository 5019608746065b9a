import { BfdRuntime } from "../../src/agent/bfd/runtime.ts";
import type { BfdSessionConfig, BfdStateChange } from "../../src/bfd/sessions/contract.ts";
import type { SpeakerConfig } from "../../src/bgp/speaker/config.ts";
import type { SpeakerEffect } from "../../src/bgp/speaker/effects.ts";
import type { ConnectionId, SpeakerInput } from "../../src/bgp/speaker/inputs.ts";
import { Speaker } from "../../src/bgp/speaker/speaker.ts";
import { seededRng } from "../../src/core/rng.ts";
import type { Host, TcpConnection, TcpHandler } from "../../src/platform/contract.ts";
import { Driver } from "../../src/platform/driver.ts";
import { Recorder } from "../../src/platform/recorder.ts";

export interface RouterOptions {
  readonly host: Host;
  /** Where it listens and connects from. */
  readonly localAddress: string;
  readonly bgp: SpeakerConfig;
  readonly bfd: readonly BfdSessionConfig[];
}

export const SPEAKER_SEED = 5;

/** A speaker and BFD on a host, with the least glue there can be: enough to peer, no FIB, no API. */
export class Router {
  readonly speaker = new Speaker({ rng: seededRng(SPEAKER_SEED) });
  readonly driver: Driver<SpeakerInput, SpeakerEffect>;
  readonly bfd: BfdRuntime;
  readonly effects: SpeakerEffect[] = [];
  readonly bfdChanges: BfdStateChange[] = [];
  readonly recorder = new Recorder<SpeakerInput>({
    machine: "speaker",
    octetsMax: 1 << 26,
    // Policies are compiled; the replay has the configuration anyway.
    represent: (input) => (input.kind === "configure" ? { kind: "configure" } : input),
  });
  readonly #options: RouterOptions;
  readonly #connections = new Map<ConnectionId, TcpConnection>();
  #acceptedCount = 0;

  constructor(options: RouterOptions) {
    this.#options = options;
    const { host, localAddress } = options;
    this.driver = new Driver<SpeakerInput, SpeakerEffect>(
      this.speaker,
      host.clock,
      (effect) => this.#perform(effect),
      this.recorder,
    );
    this.bfd = new BfdRuntime(host, {
      state: (change) => this.#bfdChanged(change),
      log: () => undefined,
    });
    host.tcp.listen({ localAddress, port: 179 }, (connection) => this.#accept(connection));
    this.driver.deliver({ kind: "configure", config: options.bgp });
    this.bfd.configure(options.bfd);
  }

  #bfdChanged(change: BfdStateChange): void {
    this.bfdChanges.push(change);
    if (change.from !== "Up" || change.to !== "Down") return;
    const { session } = change;
    this.driver.deliver({ kind: "path-failed", peer: session, cause: "bfd-down", text: "BFD" });
  }

  #perform(effect: SpeakerEffect): void {
    if (effect.kind !== "tcp-send") this.effects.push(effect);
    switch (effect.kind) {
      case "tcp-connect":
        this.#connect(effect.connection, effect.peer);
        break;
      case "tcp-send":
        this.#connections.get(effect.connection)?.send(effect.octets);
        break;
      case "tcp-close":
        this.#connections.get(effect.connection)?.close(effect.how);
        this.#connections.delete(effect.connection);
        break;
      case "tcp-pause":
        this.#connections.get(effect.connection)?.pause(effect.isPaused);
        break;
    }
  }

  #connect(id: ConnectionId, peer: string): void {
    const config = this.#options.bgp.peers.find(({ name }) => name === peer);
    const { host, localAddress } = this.#options;
    const handler = this.#handler(id, () => {
      const { localPort = 0, remotePort = 0 } = this.#connections.get(id) ?? {};
      const kind = "tcp-connected";
      this.driver.deliver({ kind, connection: id, localAddress, localPort, remotePort });
    });
    const remoteAddress = config?.remoteAddress ?? "";
    const connection = host.tcp.connect({ localAddress, remoteAddress, remotePort: 179 }, handler);
    this.#connections.set(id, connection);
  }

  #accept(connection: TcpConnection): TcpHandler {
    this.#acceptedCount += 2;
    const id = this.#acceptedCount as ConnectionId;
    this.#connections.set(id, connection);
    const { remoteAddress, remotePort, localAddress, localPort } = connection;
    this.driver.deliver({
      ...{ kind: "tcp-accepted", connection: id },
      ...{ remoteAddress, remotePort, localAddress, localPort },
    });
    return this.#handler(id, () => undefined);
  }

  #handler(id: ConnectionId, connected: () => void): TcpHandler {
    return {
      connected,
      data: (octets) =>
        this.driver.deliver({ kind: "tcp-data", connection: id, octets: octets.slice() }),
      progress: (queuedOctets) =>
        this.driver.deliver({ kind: "tcp-progress", connection: id, queuedOctets }),
      closed: ({ kind, text }) => {
        this.#connections.delete(id);
        this.driver.deliver({ kind: "tcp-closed", connection: id, cause: kind, text });
      },
    };
  }
}
