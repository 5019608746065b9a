import type { Afi } from "../core/address.ts";
import type { Log } from "../core/log.ts";
import type { Rng } from "../core/rng.ts";
import type { Micros } from "../core/time.ts";

/**
 * What a host offers, as types only. Two hosts keep it: `linux` (sockets, rtnetlink) and `virtual`
 * (event queue, links, kernel tables); the agent and the cloud run on either without noticing.
 *
 * Rules both keep. Handlers are called one at a time from the host's own loop, never from inside a
 * call into the host, so nothing re-enters. Octets handed to a handler are its own until it
 * returns;
 * it copies what it keeps. No promises: the order of effects is the order of calls. An option the
 * host cannot honour is refused with a PlatformError, never ignored. Addresses are canonical text.
 */
export interface Host {
  /** For the log and for error texts: `edge`, `netns vbr1`, `virtual:idc`. */
  readonly name: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly rng: Rng;
  readonly log: Log;
  readonly tcp: Tcp;
  readonly udp: Udp;
  readonly routes: Routes;
  readonly links: Links;
}

export interface Clock {
  /** Monotonic. */
  now(): Micros;
  /**
   * One alarm: `ring` is called once, at `at` or as soon after as the host can; `undefined`
   * cancels. Each alarm is independent of the others of the same clock.
   */
  createAlarm(ring: () => void): Alarm;
}

export interface Alarm {
  set(at: Micros | undefined): void;
}

/** For stamps in logs and reports; never for a decision. */
export interface WallClock {
  /** Milliseconds since 1970 (UTC). */
  nowMs(): number;
}

// TCP ------------------------------------------------------------------------------------------

export interface TcpEndpointOptions {
  /** Local address to bind to. */
  readonly localAddress?: string;
  /** Bind to this interface or VRF device (SO_BINDTODEVICE). */
  readonly device?: string;
  /** TTL or hop limit of what is sent. */
  readonly ttl?: number;
  /** Segments received with a smaller TTL or hop limit are dropped (GTSM, RFC 5082 §3). */
  readonly minTtl?: number;
  /** TOS / traffic class octet; BGP uses 0xc0 (Internetwork Control). */
  readonly tos?: number;
}

export interface TcpConnectOptions extends TcpEndpointOptions {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** TCP MD5 signature key (RFC 2385), at most 80 octets. */
  readonly md5Key?: string;
}

export interface TcpListenOptions extends TcpEndpointOptions {
  readonly localAddress: string;
  readonly port: number;
}

export interface TcpHandler {
  /** The three-way handshake is done. Not called on accepted connections, which begin connected. */
  connected(): void;
  data(octets: Uint8Array): void;
  /** Octets passed to `send` went down to the kernel; `queuedOctets` is what still waits here. */
  progress(queuedOctets: number): void;
  /** The last call, exactly once, however it ended; not called after our own `close`. */
  closed(cause: TcpCloseCause): void;
}

export interface TcpCloseCause {
  /** `fin`: the peer closed in order. */
  readonly kind: "fin" | "reset" | "refused" | "unreachable" | "timeout" | "error";
  /** The system's words, for the log. */
  readonly text: string;
}

export interface TcpConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Queues octets (the host takes ownership). Returns what now waits here, unsent. */
  send(octets: Uint8Array): number;
  /** Stops or resumes reading; the peer feels it as a closing window. */
  pause(isPaused: boolean): void;
  /**
   * TTL (or hop limit) sent and smallest one accepted from here on. One listener serves many peers,
   * so an accepted connection gets those of its peer once it is known whose it is (RFC 5082 §3).
   */
  setTtl(options: { readonly ttl: number; readonly minTtl: number | undefined }): void;
  /**
   * `flush`: send what is queued, then FIN. `reset`: drop it and RST. Handlers are not called
   * again.
   */
  close(how: "flush" | "reset"): void;
}

export interface TcpListener {
  readonly port: number;
  /** Sets or (undefined) deletes the MD5 key of one remote address. */
  setMd5Key(remoteAddress: string, key: string | undefined): void;
  close(): void;
}

export interface Tcp {
  /**
   * Throws PlatformError (PLATFORM_ADDRESS_IN_USE, PLATFORM_PERMISSION, PLATFORM_ADDRESS_UNKNOWN).
   */
  listen(options: TcpListenOptions, accept: (connection: TcpConnection) => TcpHandler): TcpListener;
  /**
   * Failures of the connection itself arrive by `handler.closed`; bad options throw PlatformError.
   */
  connect(options: TcpConnectOptions, handler: TcpHandler): TcpConnection;
}

// UDP ------------------------------------------------------------------------------------------

export interface UdpOptions {
  readonly localAddress: string;
  readonly port: number;
  readonly device?: string;
  /** TTL or hop limit of what is sent. */
  readonly ttl: number;
  readonly tos?: number;
  /**
   * Nothing is read: what arrives may be dropped unseen, and costs nothing before an alarm rings.
   */
  readonly isSendOnly?: boolean;
}

export interface UdpDatagram {
  readonly octets: Uint8Array;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  /** The interface it came in by; undefined where the host cannot tell. */
  readonly device?: string;
  /** Received TTL or hop limit; GTSM checks of BFD need it (RFC 5881 §5). */
  readonly ttl: number;
}

export interface UdpSocket {
  readonly port: number;
  /** Never fails: what the network refuses is lost, and counted by `sendErrors`. */
  send(octets: Uint8Array, remoteAddress: string, remotePort: number): void;
  readonly sendErrors: number;
  close(): void;
}

export interface Udp {
  /**
   * Throws PlatformError as `Tcp.listen` does. All waiting datagrams are read before any alarm
   * rings.
   */
  open(options: UdpOptions, receive: (datagram: UdpDatagram) => void): UdpSocket;
}

// Kernel routes ----------------------------------------------------------------------------------

/** One way out: a gateway on an interface. */
export interface RouteHop {
  readonly gateway: string;
  readonly device: string;
  /** 1–256, relative share in an ECMP group. */
  readonly weight: number;
}

/**
 * What a set of routes points at: an ECMP group by number. Replacing a group moves every route on
 * it at once, whatever their number (design §4). A host without next-hop objects may expand groups
 * into routes itself; the semantics stay.
 */
export interface RouteGroup {
  readonly id: number;
  readonly afi: Afi;
  /** In use now. Never empty: a group with no hop left is removed with its routes instead. */
  readonly hops: readonly RouteHop[];
  /**
   * Takes over where the kernel itself takes the last of `hops` out, as Linux does with a link that
   * lost its carrier, and carries nothing before. A host that cannot have it so leaves it out.
   */
  readonly spare?: readonly RouteHop[];
}

/**
 * Changes to kernel routes as columns: row i sets prefix i to group `groups[i]`, or removes the
 * route where that is 0. `addresses` holds 4 or 16 octets a row.
 */
export interface RouteBatch {
  readonly afi: Afi;
  readonly count: number;
  readonly addresses: Uint8Array;
  readonly lengths: Uint8Array;
  readonly groups: Uint32Array;
}

export interface RouteFailure {
  readonly op: "route-add" | "route-remove" | "group-set" | "group-remove";
  /** `10.0.0.0/8`, or `group 3`. */
  readonly subject: string;
  /** `ENETUNREACH`, and the kernel's extended text where it gave one. */
  readonly errno: string;
  readonly text: string;
}

export interface RouteResult {
  readonly applied: number;
  readonly failures: readonly RouteFailure[];
  readonly tookUs: number;
  /** When the kernel had answered, where that is known; `done` is called some time later. */
  readonly answeredAt?: Micros;
}

export interface KernelRoute {
  readonly prefix: string;
  readonly hops: readonly RouteHop[];
  /** rtnetlink protocol number of who installed it. */
  readonly proto: number;
}

/**
 * The kernel's forwarding table, as far as it is ours: routes stamped with our `proto` number.
 * Others' routes are never touched. Calls are applied in order; each answers through `done`.
 */
/** Where another thread of this process finds the groups in the kernel; plain data. */
export interface GroupsSite {
  /** As in the host's own options; undefined is the namespace the process runs in. */
  readonly netns: string | undefined;
  readonly table: number;
  readonly proto: number;
  /** Of this run (`linux/kernel-ids.ts`). */
  readonly epoch: number;
}

export interface Routes {
  /** `kernel`, or `virtual` where routes are only kept in memory. */
  readonly kind: "kernel" | "virtual";
  /** Undefined where no other thread can move the groups. */
  readonly site?: GroupsSite | undefined;
  /** Defines groups, or replaces their hops; an id in use moves its routes at once. */
  setGroups(groups: readonly RouteGroup[], done: (result: RouteResult) => void): void;
  /** Removes groups no route uses any more. */
  removeGroups(ids: readonly number[], done: (result: RouteResult) => void): void;
  apply(batch: RouteBatch, done: (result: RouteResult) => void): void;
  /** Every route with our proto number, for the audit and for adoption after a restart. */
  dump(done: (routes: readonly KernelRoute[]) => void): void;
  /** Which way the kernel would send, for next-hop tracking; undefined where it is unreachable. */
  resolve(address: string): { readonly device: string; readonly gateway?: string } | undefined;
  /** Removes every route and group of ours; synchronous, for the end of the process. */
  flush(): RouteResult;
  close(): void;
}

// Links ------------------------------------------------------------------------------------------

export interface LinkState {
  readonly device: string;
  readonly index: number;
  readonly isAdminUp: boolean;
  /** Carrier (IFF_RUNNING / operstate up). */
  readonly hasCarrier: boolean;
  readonly mtu: number;
  /** `10.0.0.1/30`, as configured on the interface. */
  readonly addresses: readonly string[];
}

export interface VlanOptions {
  readonly device: string;
  readonly parent: string;
  /** 1–4094 */
  readonly vlanId: number;
  readonly addresses: readonly string[];
  readonly mtu?: number;
}

export interface Links {
  /** The link now, undefined where no such interface exists. */
  state(device: string): LinkState | undefined;
  all(): readonly LinkState[];
  /** Calls on every change of any link, and once with undefined for one that is gone. */
  watch(changed: (device: string, state: LinkState | undefined) => void): { close(): void };
  /**
   * Creates, addresses and raises an 802.1Q sub-interface, or adopts one that is already as asked.
   * Throws PlatformError (PLATFORM_VLAN_UNSUPPORTED, PLATFORM_PERMISSION, PLATFORM_LINK_UNKNOWN,
   * PLATFORM_LINK_CONFLICT).
   */
  ensureVlan(options: VlanOptions): LinkState;
}
