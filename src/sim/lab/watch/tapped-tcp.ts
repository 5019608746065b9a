/** A hand between an agent and its TCP: all that is said and heard goes through it. */
import type { Host, Tcp, TcpConnection, TcpHandler } from "../../../platform/contract.ts";

/** One connection as its agent has it; as it is, it passes on what it is given. */
export class TappedConnection implements TcpConnection {
  protected raw: TcpConnection | undefined;

  attach(raw: TcpConnection): void {
    this.raw = raw;
  }

  /** What the host calls in place of the agent's handler. */
  carry(handler: TcpHandler): TcpHandler {
    return {
      connected: () => handler.connected(),
      data: (octets) => handler.data(octets),
      progress: (queuedOctets) => handler.progress(queuedOctets),
      closed: (cause) => handler.closed(cause),
    };
  }

  get localAddress(): string {
    return this.raw?.localAddress ?? "";
  }

  get localPort(): number {
    return this.raw?.localPort ?? 0;
  }

  get remoteAddress(): string {
    return this.raw?.remoteAddress ?? "";
  }

  get remotePort(): number {
    return this.raw?.remotePort ?? 0;
  }

  send(octets: Uint8Array): number {
    return this.raw?.send(octets) ?? 0;
  }

  pause(isPaused: boolean): void {
    this.raw?.pause(isPaused);
  }

  setTtl(options: { readonly ttl: number; readonly minTtl: number | undefined }): void {
    this.raw?.setTtl(options);
  }

  close(how: "flush" | "reset"): void {
    this.raw?.close(how);
  }
}

/** The host's TCP with a connection of `open`'s around each of its own. */
export function tappedTcp(tcp: Tcp, open: () => TappedConnection): Tcp {
  return {
    listen: (options, accept) =>
      tcp.listen(options, (raw) => {
        const tapped = open();
        tapped.attach(raw);
        return tapped.carry(accept(tapped));
      }),
    connect: (options, handler) => {
      const tapped = open();
      tapped.attach(tcp.connect(options, tapped.carry(handler)));
      return tapped;
    },
  };
}

/** The host with another TCP; part by part, for a host may be an object with a class behind it. */
export function withTcp(host: Host, tcp: Tcp): Host {
  const { name, clock, wallClock, rng, log, udp, routes, links } = host;
  return { name, clock, wallClock, rng, log, udp, routes, links, tcp };
}
