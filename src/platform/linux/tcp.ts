import { Socket } from "node:net";
import { PlatformError } from "../../core/app-error.ts";
import type {
  Tcp,
  TcpCloseCause,
  TcpConnection,
  TcpConnectOptions,
  TcpHandler,
  TcpListener,
  TcpListenOptions,
} from "../contract.ts";
import { platformError } from "./errors.ts";
import { FdPoll } from "./fd-poll.ts";
import type { Netns } from "./netns.ts";
import { decodeSockaddr, encodeSockaddr, isIpv6, type SocketAddress } from "./sockaddr.ts";
import {
  C,
  check,
  Errno,
  int32,
  lastErrno,
  libc,
  SysError,
  setIntOption,
  takeSocketError,
} from "./sys.ts";
import {
  applyTtl,
  closeCause,
  closeCauseOf,
  createTcpSocket,
  localAddressOf,
  scopeOf,
  setAbortOnClose,
  setControlPriority,
  setMd5Key,
} from "./tcp-socket.ts";

/**
 * TCP for BGP: sockets are made and connected by libc, because Node's `net` can set neither MD5
 * keys (RFC 2385) nor TTL and its floor (GTSM, RFC 5082), device or traffic class; once connected
 * they are handed to a `net.Socket`, which reads, writes and queues.
 *
 * What may heal by itself (no route, no such address yet, an interface that is away) ends a
 * connection by `closed`, so that the caller's retry timer deals with it; what no retry heals
 * (privilege, malformed options) throws.
 */
export class LinuxTcp implements Tcp {
  readonly #netns: Netns;
  readonly #open = new Set<{ abandon(): void }>();

  constructor(netns: Netns) {
    this.#netns = netns;
  }

  listen(
    options: TcpListenOptions,
    accept: (connection: TcpConnection) => TcpHandler,
  ): TcpListener {
    const { localAddress, port } = options;
    refuseZones(localAddress);
    let fd: number | undefined;
    try {
      fd = this.#netns.run(() => listenSocket(options));
      return new LinuxListener(fd, this.#open, accept);
    } catch (error) {
      if (fd !== undefined) libc.close(fd);
      throw platformError(`listening on TCP ${localAddress} port ${port}`, error);
    }
  }

  connect(options: TcpConnectOptions, handler: TcpHandler): TcpConnection {
    const { remoteAddress, remotePort } = options;
    refuseZones(remoteAddress);
    const attempt = this.#netns.run(() => dial(options));
    const local = attempt.fd === undefined ? undefined : localAddressOf(attempt.fd);
    const ends: Ends = {
      local: local ?? { address: options.localAddress ?? "0.0.0.0", port: 0 },
      remote: { address: remoteAddress, port: remotePort },
    };
    const connection = new LinuxConnection(ends, this.#open);
    if (attempt.fd === undefined) connection.failSoon(attempt.cause, handler);
    else connection.awaitConnected(attempt.fd, handler);
    return connection;
  }

  /** Ends every connection (RST) and listener without a word to their handlers. */
  close(): void {
    for (const socket of this.#open) socket.abandon();
  }
}

interface Ends {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}

/** How long a connection that is being flushed may wait for its peer. */
const FLUSH_MS_MAX = 10_000;
/** Pause before accepting again when the process is out of descriptors. */
const ACCEPT_PAUSE_MS = 500;
const BACKLOG = 128;

class LinuxConnection implements TcpConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #registry: Set<{ abandon(): void }>;
  /** Undefined once nothing more may be said to the handler. */
  #handler: TcpHandler | undefined;
  #fd: number | undefined;
  #poll: FdPoll | undefined;
  #socket: Socket | undefined;
  /** What was sent before the handshake was done. */
  #early: Uint8Array[] = [];
  #isPaused = false;
  #closing: "flush" | undefined;

  constructor(ends: Ends, registry: Set<{ abandon(): void }>) {
    this.localAddress = ends.local.address;
    this.localPort = ends.local.port;
    this.remoteAddress = ends.remote.address;
    this.remotePort = ends.remote.port;
    this.#registry = registry;
    registry.add(this);
  }

  failSoon(cause: TcpCloseCause, handler: TcpHandler): void {
    this.#handler = handler;
    setImmediate(() => this.#finish(cause));
  }

  awaitConnected(fd: number, handler: TcpHandler): void {
    this.#handler = handler;
    this.#fd = fd;
    this.#poll = new FdPoll(fd, "writable", () => {
      const errno = takeSocketError(fd);
      this.#poll?.close();
      this.#poll = undefined;
      if (errno !== 0) {
        this.#finish(closeCauseOf(errno));
        return;
      }
      this.#attach(fd);
      this.#handler?.connected();
    });
  }

  /** Takes a connected socket; `accept` may already send on it and then says who listens. */
  begin(fd: number, accept: (connection: TcpConnection) => TcpHandler): void {
    this.#fd = fd;
    this.#attach(fd);
    const handler = accept(this);
    if (this.#socket !== undefined && this.#closing === undefined) this.#handler = handler;
  }

  send(octets: Uint8Array): number {
    if (this.#closing !== undefined) return 0;
    const socket = this.#socket;
    if (socket === undefined) {
      if (this.#poll === undefined) return 0;
      this.#early.push(octets);
      return this.#early.reduce((sum, part) => sum + part.length, 0);
    }
    socket.write(octets, this.#written);
    return socket.writableLength;
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (this.#closing !== undefined) return;
    if (isPaused) this.#socket?.pause();
    else this.#socket?.resume();
  }

  setTtl({ ttl, minTtl }: { readonly ttl: number; readonly minTtl: number | undefined }): void {
    if (this.#fd === undefined || this.#socket?.destroyed === true) return;
    try {
      applyTtl(this.#fd, isIpv6(this.remoteAddress), ttl, minTtl ?? 0);
    } catch (error) {
      throw platformError(`setting TTL ${ttl} towards ${this.remoteAddress}`, error);
    }
  }

  close(how: "flush" | "reset"): void {
    this.#handler = undefined;
    const socket = this.#socket;
    if (how === "reset" || socket === undefined) {
      this.abandon();
      return;
    }
    if (this.#closing !== undefined) return;
    this.#closing = "flush";
    // Unread octets would turn the FIN into an RST, and the peer would lose our last message.
    socket.resume();
    socket.end();
    setTimeout(() => this.abandon(), FLUSH_MS_MAX).unref();
  }

  abandon(): void {
    this.#handler = undefined;
    this.#release(true);
  }

  #attach(fd: number): void {
    const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
    this.#socket = socket;
    socket.on("data", (octets) => this.#handler?.data(octets));
    socket.on("end", () => this.#finish({ kind: "fin", text: "closed by the peer" }));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#finish(closeCause(error.code ?? "error", error.message));
    });
    socket.on("close", () => this.#finish({ kind: "error", text: "closed" }));
    if (this.#isPaused) socket.pause();
    for (const octets of this.#early) this.send(octets);
    this.#early = [];
  }

  readonly #written = (): void => {
    if (this.#socket !== undefined) this.#handler?.progress(this.#socket.writableLength);
  };

  /** The connection ended by itself: its handler hears so, once. */
  #finish(cause: TcpCloseCause): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#release(false);
    handler?.closed(cause);
  }

  #release(isAbort: boolean): void {
    this.#registry.delete(this);
    this.#poll?.close();
    this.#poll = undefined;
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd === undefined) return;
    // A socket that failed has closed its descriptor before it says so.
    if (isAbort && this.#socket?.destroyed !== true) setAbortOnClose(fd);
    // From `attach` on the descriptor belongs to the net.Socket.
    if (this.#socket === undefined) libc.close(fd);
    else this.#socket.destroy();
    this.#socket = undefined;
  }
}

class LinuxListener implements TcpListener {
  readonly port: number;
  readonly #registry: Set<{ abandon(): void }>;
  readonly #accept: (connection: TcpConnection) => TcpHandler;
  #fd: number | undefined;
  #poll: FdPoll | undefined;

  constructor(
    fd: number,
    registry: Set<{ abandon(): void }>,
    accept: (connection: TcpConnection) => TcpHandler,
  ) {
    this.port = localAddressOf(fd).port;
    this.#fd = fd;
    this.#registry = registry;
    this.#accept = accept;
    this.#watch();
    registry.add(this);
  }

  setMd5Key(remoteAddress: string, key: string | undefined): void {
    if (this.#fd === undefined) return;
    try {
      setMd5Key(this.#fd, remoteAddress, key);
    } catch (error) {
      throw platformError(`setting the TCP MD5 key for ${remoteAddress}`, error);
    }
  }

  close(): void {
    this.#registry.delete(this);
    this.#poll?.close();
    this.#poll = undefined;
    if (this.#fd !== undefined) libc.close(this.#fd);
    this.#fd = undefined;
  }

  abandon(): void {
    this.close();
  }

  #watch(): void {
    if (this.#fd !== undefined) this.#poll = new FdPoll(this.#fd, "readable", this.#incoming);
  }

  readonly #incoming = (): void => {
    const remote = new Uint8Array(28);
    while (this.#fd !== undefined) {
      const flags = C.SOCK_NONBLOCK | C.SOCK_CLOEXEC;
      const fd = libc.accept4(this.#fd, remote, int32(remote.length), flags);
      if (fd < 0) {
        this.#refused(lastErrno());
        return;
      }
      setControlPriority(fd);
      const ends: Ends = { local: localAddressOf(fd), remote: decodeSockaddr(remote) };
      new LinuxConnection(ends, this.#registry).begin(fd, this.#accept);
    }
  };

  /** Out of descriptors the queue stays readable; looking away for a moment keeps the loop free. */
  #refused(errno: number): void {
    if (errno !== Errno.EMFILE && errno !== Errno.ENFILE && errno !== Errno.ENOBUFS) return;
    this.#poll?.close();
    this.#poll = undefined;
    setTimeout(() => this.#watch(), ACCEPT_PAUSE_MS).unref();
  }
}

function listenSocket(options: TcpListenOptions): number {
  const { localAddress, port, device } = options;
  const isV6 = isIpv6(localAddress);
  const fd = createTcpSocket(isV6, options);
  try {
    setIntOption(fd, C.SOL_SOCKET, C.SO_REUSEADDR, 1);
    if (isV6) setIntOption(fd, C.SOL_IPV6, C.IPV6_V6ONLY, 1);
    const local = encodeSockaddr(localAddress, port, scopeOf(localAddress, device));
    check("bind", libc.bind(fd, local, local.length));
    check("listen", libc.listen(fd, BACKLOG));
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

type Attempt = { readonly fd: number } | { readonly fd: undefined; readonly cause: TcpCloseCause };

/** Starts the handshake. A failure that may pass is an answer, any other a PlatformError. */
function dial(options: TcpConnectOptions): Attempt {
  const { remoteAddress, remotePort, localAddress, device, md5Key } = options;
  const isV6 = isIpv6(remoteAddress);
  if (localAddress !== undefined && isIpv6(localAddress) !== isV6) {
    const ends = `${localAddress} to ${remoteAddress}`;
    throw new PlatformError("PLATFORM_OPTION", `${ends} is no connection: the families differ`);
  }
  let fd: number | undefined;
  try {
    fd = createTcpSocket(isV6, options);
    if (md5Key !== undefined) setMd5Key(fd, remoteAddress, md5Key);
    if (localAddress !== undefined) {
      if (!isV6) setIntOption(fd, C.SOL_IP, C.IP_BIND_ADDRESS_NO_PORT, 1);
      const local = encodeSockaddr(localAddress, 0, scopeOf(localAddress, device));
      check("bind", libc.bind(fd, local, local.length));
    }
    const remote = encodeSockaddr(remoteAddress, remotePort, scopeOf(remoteAddress, device));
    const result = libc.connect(fd, remote, remote.length);
    if (result < 0 && lastErrno() !== Errno.EINPROGRESS) throw new SysError("connect", lastErrno());
    return { fd };
  } catch (error) {
    if (fd !== undefined) libc.close(fd);
    const cause = passingCause(error);
    if (cause !== undefined) return { fd: undefined, cause };
    throw platformError(`connecting to ${remoteAddress} port ${remotePort}`, error);
  }
}

function passingCause(error: unknown): TcpCloseCause | undefined {
  if (error instanceof PlatformError && error.code === "PLATFORM_LINK_UNKNOWN") {
    return { kind: "unreachable", text: error.message };
  }
  if (!(error instanceof SysError)) return undefined;
  const cause = closeCause(error.errnoName, error.words);
  return cause.kind === "error" ? undefined : cause;
}

/** `fe80::1%eth0` is two facts; the interface is an option of its own here. */
function refuseZones(address: string): void {
  if (!address.includes("%")) return;
  const advice = "give the interface as device instead";
  throw new PlatformError("PLATFORM_OPTION", `"${address}" is not an IP address: ${advice}`);
}
