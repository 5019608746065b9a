import { BFD_PORT } from "../../bfd/index.ts";
import type { BfdSessionConfig } from "../../bfd/sessions/contract.ts";
import { PlatformError } from "../../core/app-error.ts";
import type { LogEvent } from "../../core/log.ts";
import type { Host, UdpSocket } from "../../platform/contract.ts";
import { TOS, TTL } from "./receivers.ts";

interface Sender {
  readonly config: BfdSessionConfig;
  readonly socket: UdpSocket;
}

/**
 * The send sockets: one a session, with a source port of 49152–65535 that is the session's own for
 * its life and no other session's (RFC 5881 §4). Opened by the first packet; one that cannot be
 * opened is tried again with the next, for the schedule of BFD is retry enough.
 */
export class Senders {
  readonly #host: Host;
  readonly #tell: (entry: LogEvent) => void;
  readonly #senders = new Map<string, Sender>();
  readonly #failed = new Map<string, string>();

  constructor(host: Host, tell: (entry: LogEvent) => void) {
    this.#host = host;
    this.#tell = tell;
  }

  send(config: BfdSessionConfig, octets: Uint8Array): void {
    const known = this.#senders.get(config.name);
    // An old path says its last word through its own socket, whatever the name means by now.
    const sender = known ?? this.#open(config);
    sender?.socket.send(octets, sender.config.remoteAddress, BFD_PORT[sender.config.mode]);
  }

  close(session: string): void {
    this.#senders.get(session)?.socket.close();
    this.#senders.delete(session);
    this.#failed.delete(session);
  }

  deviceChanged(device: string): void {
    for (const [name, { config }] of [...this.#senders]) {
      if (config.device === device) this.close(name);
    }
  }

  closeAll(): void {
    for (const name of [...this.#senders.keys()]) this.close(name);
  }

  #open(config: BfdSessionConfig): Sender | undefined {
    const { name, localAddress, device } = config;
    const bound = device === undefined ? {} : { device };
    const options = { localAddress, ttl: TTL, tos: TOS, isSendOnly: true, ...bound };
    for (let tries = PORT_TRIES; tries > 0; tries -= 1) {
      const port = this.#freePort();
      try {
        const socket = this.#host.udp.open({ ...options, port }, () => {});
        const sender = { config, socket };
        this.#senders.set(name, sender);
        this.#failed.delete(name);
        return sender;
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        if (error.code === "PLATFORM_ADDRESS_IN_USE" && tries > 1) continue;
        this.#fail(config, error);
        return undefined;
      }
    }
    return undefined;
  }

  #fail({ name, localAddress, device }: BfdSessionConfig, error: PlatformError): void {
    if (this.#failed.get(name) === error.message) return;
    this.#failed.set(name, error.message);
    const { code, message: text } = error;
    const fields = { session: name, localAddress, device, code, text };
    this.#tell({ level: "error", event: "bfd.socket.failed", fields });
  }

  #freePort(): number {
    const used = new Set([...this.#senders.values()].map(({ socket }) => socket.port));
    let port = this.#host.rng.int(PORT_MIN, PORT_MAX);
    while (used.has(port)) port = port === PORT_MAX ? PORT_MIN : port + 1;
    return port;
  }
}

const PORT_MIN = 49_152;
const PORT_MAX = 65_535;
/** Ports of others that we may hit before we call it a failure. */
const PORT_TRIES = 16;
