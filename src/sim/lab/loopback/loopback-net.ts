/**
 * Real sockets without privileges: every address of a topology stands for one of 127.0.0.0/8, every
 * port below 1024 for a free one above, and the agents never learn of it. Wires can be cut here,
 * for loopback has none: datagrams over a cut wire are dropped, a TCP stream stands still (as it
 * would while its segments are lost) and goes on when the wire is whole again.
 */
import type {
  Tcp,
  TcpCloseCause,
  TcpConnection,
  TcpConnectOptions,
  TcpHandler,
  TcpListenOptions,
  Udp,
  UdpOptions,
} from "../../../platform/contract.ts";

/** Which way of which wire is dead; asked for every packet, told of every change. */
export class Wires {
  readonly #dead = new Set<string>();
  readonly #watchers = new Set<() => void>();

  isDead(from: string, to: string): boolean {
    return this.#dead.has(`${from}>${to}`);
  }

  set(from: string, to: string, isDead: boolean): void {
    if (isDead) this.#dead.add(`${from}>${to}`);
    else this.#dead.delete(`${from}>${to}`);
    for (const changed of [...this.#watchers]) changed();
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }
}

/** The translation both ways; one for all nodes of a lab. */
export class LoopbackMap {
  readonly #toLoopback = new Map<string, string>();
  readonly #fromLoopback = new Map<string, string>();
  readonly #net: number;
  readonly #portOffset: number;

  /**
   * `net` picks 512 addresses of 127.0.0.0/8, the same ones 32,000 numbers later, so that labs
   * side by side do not meet.
   */
  constructor(net: number, portOffset: number) {
    this.#net = net;
    this.#portOffset = portOffset;
  }

  address(address: string): string {
    const known = this.#toLoopback.get(address);
    if (known !== undefined) return known;
    const index = this.#toLoopback.size + 1;
    const third = (Math.floor(this.#net / 250) % 128) * 2 + ((index >> 8) & 1);
    const loopback = `127.${1 + (this.#net % 250)}.${third}.${index & 255}`;
    this.#toLoopback.set(address, loopback);
    this.#fromLoopback.set(loopback, address);
    return loopback;
  }

  original(loopback: string): string {
    return this.#fromLoopback.get(loopback) ?? loopback;
  }

  port(port: number): number {
    return port < 1024 ? port + this.#portOffset : port;
  }
}

export function loopbackUdp(real: Udp, map: LoopbackMap, wires: Wires): Udp {
  return {
    open(options: UdpOptions, receive) {
      const { device: _, ...rest } = options;
      const localAddress = map.address(options.localAddress);
      const socket = real.open({ ...rest, localAddress, port: map.port(rest.port) }, (datagram) =>
        receive({
          octets: datagram.octets,
          remoteAddress: map.original(datagram.remoteAddress),
          remotePort: datagram.remotePort,
          localAddress: options.localAddress,
          ttl: datagram.ttl,
          ...(options.device === undefined ? {} : { device: options.device }),
        }),
      );
      return {
        port: socket.port,
        send(octets, remoteAddress, remotePort) {
          if (wires.isDead(options.localAddress, remoteAddress)) return;
          socket.send(octets, map.address(remoteAddress), map.port(remotePort));
        },
        get sendErrors() {
          return socket.sendErrors;
        },
        close: () => socket.close(),
      };
    },
  };
}

export function loopbackTcp(real: Tcp, map: LoopbackMap, wires: Wires): Tcp {
  const plain = <Options extends TcpConnectOptions | TcpListenOptions>(options: Options) => {
    const { device: _device, ttl: _ttl, minTtl: _minTtl, ...rest } = options;
    return rest;
  };
  return {
    listen(options, accept) {
      const port = map.port(options.port);
      const localAddress = map.address(options.localAddress);
      const listener = real.listen({ ...plain(options), localAddress, port }, (raw) => {
        const stream = new WiredStream(raw, map, wires);
        stream.arrive(() => stream.attach(accept(stream)));
        return stream;
      });
      return {
        port: options.port,
        setMd5Key: (remote, key) => listener.setMd5Key(map.address(remote), key),
        close: () => listener.close(),
      };
    },
    connect(options, handler) {
      const stream = new WiredStream(undefined, map, wires);
      stream.attach(handler);
      const local = options.localAddress;
      const raw = real.connect(
        {
          ...plain(options),
          remoteAddress: map.address(options.remoteAddress),
          remotePort: map.port(options.remotePort),
          ...(local === undefined ? {} : { localAddress: map.address(local) }),
        },
        stream,
      );
      stream.carry(raw);
      return stream;
    },
  };
}

/** One TCP connection over a wire that may be dead in either direction. */
class WiredStream implements TcpConnection, TcpHandler {
  readonly #map: LoopbackMap;
  readonly #wires: Wires;
  readonly #unwatch: () => void;
  readonly #held: Uint8Array[] = [];
  #raw: TcpConnection | undefined;
  #handler: TcpHandler | undefined;
  #isPausedByOwner = false;
  #isConnectHeld = false;
  #heldClose: TcpCloseCause | undefined;
  #arrival: (() => void) | undefined;

  constructor(raw: TcpConnection | undefined, map: LoopbackMap, wires: Wires) {
    this.#raw = raw;
    this.#map = map;
    this.#wires = wires;
    this.#unwatch = wires.watch(() => this.#rewire());
  }

  attach(handler: TcpHandler): void {
    this.#handler = handler;
  }

  /** From the far end: over a dead wire its SYN is not here before the wire is whole. */
  arrive(accept: () => void): void {
    this.#arrival = accept;
    this.#rewire();
  }

  carry(raw: TcpConnection): void {
    this.#raw = raw;
    this.#rewire();
  }

  get localAddress(): string {
    return this.#map.original(this.#raw?.localAddress ?? "");
  }

  get localPort(): number {
    return this.#raw?.localPort ?? 0;
  }

  get remoteAddress(): string {
    return this.#map.original(this.#raw?.remoteAddress ?? "");
  }

  get remotePort(): number {
    return this.#raw?.remotePort ?? 0;
  }

  send(octets: Uint8Array): number {
    if (!this.#isDeadOut) return this.#raw?.send(octets) ?? 0;
    this.#held.push(octets);
    return this.#held.reduce((sum, part) => sum + part.length, 0);
  }

  pause(isPaused: boolean): void {
    this.#isPausedByOwner = isPaused;
    this.#rewire();
  }

  /** Loopback has no hops to count: TTLs are left as they are. */
  setTtl(): void {}

  close(how: "flush" | "reset"): void {
    this.#unwatch();
    // Behind a dead wire not even a FIN gets through: the far end finds out by its own timers.
    if (this.#isDeadOut) setTimeout(() => this.#raw?.close("reset"), 10_000).unref();
    else this.#raw?.close(how);
  }

  connected(): void {
    this.#isConnectHeld = this.#isDeadIn || this.#isDeadOut;
    if (!this.#isConnectHeld) this.#handler?.connected();
  }

  data(octets: Uint8Array): void {
    this.#handler?.data(octets);
  }

  progress(queuedOctets: number): void {
    this.#handler?.progress(queuedOctets);
  }

  closed(cause: TcpCloseCause): void {
    if (this.#arrival === undefined && this.#isDeadIn) {
      this.#heldClose = cause;
      return;
    }
    this.#unwatch();
    this.#handler?.closed(cause);
  }

  get #isDeadOut(): boolean {
    return this.#wires.isDead(this.localAddress, this.remoteAddress);
  }

  get #isDeadIn(): boolean {
    return this.#wires.isDead(this.remoteAddress, this.localAddress);
  }

  #rewire(): void {
    const raw = this.#raw;
    if (raw === undefined) return;
    raw.pause(this.#isPausedByOwner || this.#isDeadIn);
    const arrival = this.#arrival;
    if (arrival !== undefined) {
      raw.pause(true);
      if (this.#isDeadIn || this.#isDeadOut) return;
      this.#arrival = undefined;
      raw.pause(this.#isPausedByOwner);
      arrival();
      return;
    }
    if (!this.#isDeadOut) for (const octets of this.#held.splice(0)) raw.send(octets);
    if (this.#isDeadIn || this.#isDeadOut) return;
    if (this.#isConnectHeld) {
      this.#isConnectHeld = false;
      this.#handler?.connected();
    }
    if (this.#heldClose !== undefined) this.closed(this.#heldClose);
  }
}
