import { PlatformError } from "../../core/app-error.ts";
import { assert } from "../../core/assert.ts";
import { EMPTY } from "../../core/bytes.ts";
import type { Rng } from "../../core/rng.ts";
import type {
  Tcp,
  TcpConnection,
  TcpConnectOptions,
  TcpEndpointOptions,
  TcpHandler,
  TcpListener,
  TcpListenOptions,
} from "../contract.ts";
import type { Interface } from "./interface.ts";
import { type Ip, ip } from "./ip.ts";
import {
  type DropReason,
  headerOctets,
  type Packet,
  TCP_HEADER_OCTETS,
  TCP_MD5_OCTETS,
  TcpFlag,
  type TcpSegment,
} from "./packet.ts";
import type { Process } from "./process.ts";
import {
  type Binding,
  bestMatch,
  checkBinding,
  EphemeralPorts,
  interfaceNamed,
  localAddress,
  type SocketContext,
} from "./sockets.ts";
import { Connection, type ConnectionOwner, type SegmentParts } from "./tcp-connection.ts";
import type { Timeline } from "./timeline.ts";

export interface TcpBuffers {
  readonly sendBufferOctets: number;
  readonly receiveBufferOctets: number;
}

/**
 * TCP of a virtual host: finds the connection or listener of a segment, checks MD5 signature
 * (RFC 2385) and TTL (RFC 5082) before anything else sees it, answers what belongs to nobody.
 */
export class TcpStack implements ConnectionOwner {
  readonly timeline: Timeline;
  readonly #context: SocketContext;
  readonly #rng: Rng;
  readonly #buffers: TcpBuffers;
  readonly #ports: EphemeralPorts;
  /** By local and remote port. */
  readonly #connections = new Map<number, Connection[]>();
  readonly #listeners = new Map<number, Listener[]>();
  readonly #disown = new Map<Connection, () => void>();

  constructor(context: SocketContext, timeline: Timeline, rng: Rng, buffers: TcpBuffers) {
    this.#context = context;
    this.timeline = timeline;
    this.#rng = rng;
    this.#buffers = buffers;
    this.#ports = new EphemeralPorts(context.firstEphemeralPort);
    context.stack.register("tcp", (packet, via) => this.#receive(packet, via));
  }

  /** TCP as one process has it. */
  facade(process: Process): Tcp {
    return {
      listen: (options, accept) => this.#listen(process, options, accept),
      connect: (options, handler) => this.#connect(process, options, handler),
    };
  }

  /** The host lost its power. */
  vanish(): void {
    for (const connections of [...this.#connections.values()]) {
      for (const connection of connections) connection.vanish();
    }
    this.#listeners.clear();
  }

  /** An ICMP error about a segment of ours. */
  icmp(packet: Packet): void {
    const { body } = packet;
    if (body.kind !== "icmp" || body.about?.body.kind !== "tcp") return;
    const { about } = body;
    const { sourcePort, destinationPort } = body.about.body;
    const local = about.source;
    this.#find(local, sourcePort, about.destination, destinationPort)?.icmp(body);
  }

  output(connection: Connection, parts: SegmentParts): DropReason | undefined {
    const { options } = connection;
    return this.#context.stack.output({
      source: options.local,
      destination: options.remote,
      ttl: connection.ttl,
      tos: options.tos,
      via: options.via,
      body: {
        kind: "tcp",
        sourcePort: options.localPort,
        destinationPort: options.remotePort,
        seq: parts.seq,
        ack: parts.ack,
        flags: parts.flags,
        windowOctets: parts.windowOctets,
        octets: parts.octets,
        mss: parts.mss,
        md5Key: options.md5Key,
      },
    });
  }

  remove(connection: Connection): void {
    const key = keyOf(connection.localPort, connection.remotePort);
    const left = (this.#connections.get(key) ?? []).filter((other) => other !== connection);
    if (left.length > 0) this.#connections.set(key, left);
    else this.#connections.delete(key);
    for (const listener of this.#listeners.get(connection.localPort) ?? []) {
      listener.halfOpen.delete(connection);
    }
    this.#disown.get(connection)?.();
    this.#disown.delete(connection);
  }

  #connect(process: Process, options: TcpConnectOptions, handler: TcpHandler): TcpConnection {
    const via = interfaceNamed(this.#context, options.device);
    const remote = ip(options.remoteAddress);
    checkMd5Key(options.md5Key);
    const local =
      options.localAddress === undefined
        ? this.#context.stack.sourceFor(remote, via)
        : localAddress(this.#context, options.localAddress);
    const source = local ?? ip(remote.octets.length === 4 ? "0.0.0.0" : "::");
    const localPort = this.#ports.take(
      (port) => this.#find(source, port, remote, options.remotePort) === undefined,
    );
    const connection = this.#add(process, options, {
      local: source,
      localPort,
      remote,
      remotePort: options.remotePort,
      via,
      md5Key: options.md5Key,
    });
    connection.connect(handler);
    return connection;
  }

  #listen(
    process: Process,
    options: TcpListenOptions,
    accept: (connection: TcpConnection) => TcpHandler,
  ): TcpListener {
    const wanted = {
      address: localAddress(this.#context, options.localAddress),
      port: options.port,
      via: interfaceNamed(this.#context, options.device),
    };
    checkBinding(this.#context, wanted, this.#listeners.get(options.port) ?? []);
    const port =
      options.port === 0
        ? this.#ports.take((free) => this.#listeners.get(free) === undefined)
        : options.port;
    const close = () => {
      listener.isClosed = true;
      held.disown();
      const left = (this.#listeners.get(port) ?? []).filter((other) => other !== listener);
      if (left.length > 0) this.#listeners.set(port, left);
      else this.#listeners.delete(port);
    };
    const listener = new Listener({ ...wanted, port }, { process, options, accept, close });
    const held = process.own(close);
    this.#listeners.set(port, [...(this.#listeners.get(port) ?? []), listener]);
    return listener;
  }

  #receive(packet: Packet, via: Interface): void {
    const segment = packet.body;
    assert(segment.kind === "tcp", "only TCP is registered for TCP");
    const { sourcePort, destinationPort } = segment;
    const found = this.#find(packet.destination, destinationPort, packet.source, sourcePort);
    const connection =
      found?.options.via === undefined || found.options.via === via ? found : undefined;
    const isSyn = segment.flags === TcpFlag.Syn;
    if (connection !== undefined) {
      const { minTtl, options } = connection;
      const reason = refusal(packet, segment, minTtl, options.md5Key);
      if (reason !== undefined) this.#context.stack.discard(packet, reason);
      else connection.receive(segment);
      return;
    }
    const listener = bestMatch(this.#listeners.get(destinationPort) ?? [], packet.destination, via);
    if (listener === undefined || !isSyn) this.#refuse(packet, segment, listener);
    else this.#answer(packet, segment, listener);
  }

  #answer(packet: Packet, segment: TcpSegment, listener: Listener): void {
    const { options } = listener;
    const md5Key = listener.keyFor(packet.source);
    const isFull = listener.halfOpen.size >= BACKLOG;
    const minTtl = options.minTtl ?? 0;
    const reason = isFull ? "backlog" : refusal(packet, segment, minTtl, md5Key);
    if (reason !== undefined) {
      this.#context.stack.discard(packet, reason);
      return;
    }
    const connection = this.#add(listener.process, options, {
      local: packet.destination,
      localPort: segment.destinationPort,
      remote: packet.source,
      remotePort: segment.sourcePort,
      via: listener.via,
      md5Key,
    });
    listener.halfOpen.add(connection);
    connection.answer(segment, (accepted) => {
      listener.halfOpen.delete(connection);
      if (!listener.isClosed) return listener.accept(accepted);
      accepted.close("reset");
      return IGNORANT;
    });
  }

  /** Answers what belongs to no connection with a reset (RFC 9293 §3.10.7.1). */
  #refuse(packet: Packet, segment: TcpSegment, listener: Listener | undefined): void {
    this.#context.stack.discard(packet, "no-socket");
    if ((segment.flags & TcpFlag.Rst) !== 0) return;
    const isAck = (segment.flags & TcpFlag.Ack) !== 0;
    const length = segment.octets.length + (segment.flags & (TcpFlag.Syn | TcpFlag.Fin) ? 1 : 0);
    this.#context.stack.output({
      source: packet.destination,
      destination: packet.source,
      ttl: TTL_DEFAULT,
      tos: 0,
      body: {
        kind: "tcp",
        sourcePort: segment.destinationPort,
        destinationPort: segment.sourcePort,
        seq: isAck ? segment.ack : 0,
        ack: isAck ? 0 : segment.seq + length,
        flags: TcpFlag.Rst | (isAck ? 0 : TcpFlag.Ack),
        windowOctets: 0,
        octets: EMPTY,
        mss: 0,
        md5Key: listener?.keyFor(packet.source),
      },
    });
  }

  #add(
    process: Process,
    endpoint: TcpEndpointOptions,
    made: {
      readonly local: Ip;
      readonly localPort: number;
      readonly remote: Ip;
      readonly remotePort: number;
      readonly via: Interface | undefined;
      readonly md5Key: string | undefined;
    },
  ): Connection {
    const out = made.via ?? this.#context.stack.fib.lookup(made.remote)?.hops[0]?.via;
    const md5Octets = made.md5Key === undefined ? 0 : TCP_MD5_OCTETS;
    const overheadOctets = headerOctets(made.remote.afi) + TCP_HEADER_OCTETS + md5Octets;
    const connection = new Connection(this, {
      process,
      ...made,
      ...this.#buffers,
      ttl: endpoint.ttl ?? TTL_DEFAULT,
      minTtl: endpoint.minTtl ?? 0,
      tos: endpoint.tos ?? 0,
      iss: this.#rng.int(0, 0x7fff_ffff),
      mss: (out?.mtu ?? LOOPBACK_MTU) - overheadOctets,
      overheadOctets,
    });
    const key = keyOf(made.localPort, made.remotePort);
    this.#connections.set(key, [...(this.#connections.get(key) ?? []), connection]);
    const held = process.own(() => connection.abandon());
    this.#disown.set(connection, () => held.disown());
    return connection;
  }

  #find(local: Ip, localPort: number, remote: Ip, remotePort: number): Connection | undefined {
    const candidates = this.#connections.get(keyOf(localPort, remotePort));
    return candidates?.find(
      ({ options }) => options.local.text === local.text && options.remote.text === remote.text,
    );
  }
}

class Listener implements TcpListener, Binding {
  readonly address: Ip;
  readonly port: number;
  readonly via: Interface | undefined;
  readonly process: Process;
  readonly options: TcpListenOptions;
  readonly accept: (connection: TcpConnection) => TcpHandler;
  readonly close: () => void;
  /** Handshakes not over, or not heard of by a frozen process. */
  readonly halfOpen = new Set<Connection>();
  isClosed = false;
  readonly #keys = new Map<string, string>();

  constructor(
    binding: Binding,
    made: {
      readonly process: Process;
      readonly options: TcpListenOptions;
      readonly accept: (connection: TcpConnection) => TcpHandler;
      readonly close: () => void;
    },
  ) {
    this.address = binding.address;
    this.port = binding.port;
    this.via = binding.via;
    this.process = made.process;
    this.options = made.options;
    this.accept = made.accept;
    this.close = made.close;
  }

  setMd5Key(remoteAddress: string, key: string | undefined): void {
    checkMd5Key(key);
    const { text } = ip(remoteAddress);
    if (key === undefined) this.#keys.delete(text);
    else this.#keys.set(text, key);
  }

  keyFor(remote: Ip): string | undefined {
    return this.#keys.get(remote.text);
  }
}

function refusal(
  packet: Packet,
  segment: TcpSegment,
  minTtl: number,
  md5Key: string | undefined,
): DropReason | undefined {
  if (packet.ttl < minTtl) return "min-ttl";
  return segment.md5Key === md5Key ? undefined : "md5";
}

function checkMd5Key(key: string | undefined): void {
  if (key === undefined || (key.length > 0 && key.length <= MD5_KEY_OCTETS_MAX)) return;
  throw new PlatformError("PLATFORM_OPTION", "a TCP MD5 key has 1 to 80 octets");
}

const keyOf = (localPort: number, remotePort: number): number => localPort * 65_536 + remotePort;

const IGNORANT: TcpHandler = {
  connected: () => undefined,
  data: () => undefined,
  progress: () => undefined,
  closed: () => undefined,
};

const TTL_DEFAULT = 64;
const LOOPBACK_MTU = 65_536;
/** Handshakes a listener keeps at a time: Linux, net.core.somaxconn. */
const BACKLOG = 4096;
const MD5_KEY_OCTETS_MAX = 80;
