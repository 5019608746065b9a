import { PlatformError } from "../../core/app-error.ts";
import type { Interface } from "./interface.ts";
import { type Ip, ip } from "./ip.ts";
import type { IpStack } from "./ip-stack.ts";

/** What UDP and TCP sockets of a host share: names of interfaces, local addresses, ports. */
export interface SocketContext {
  readonly stack: IpStack;
  readonly interfaces: ReadonlyMap<string, Interface>;
  /** May bind ports below 1024. */
  readonly isPrivileged: boolean;
  /** Where the search for an ephemeral port begins. */
  readonly firstEphemeralPort: number;
}

/** Where a socket is bound. */
export interface Binding {
  readonly address: Ip;
  readonly port: number;
  readonly via: Interface | undefined;
}

/** The interface of that name; undefined for no name. Throws PLATFORM_LINK_UNKNOWN. */
export function interfaceNamed(
  context: SocketContext,
  device: string | undefined,
): Interface | undefined {
  if (device === undefined) return undefined;
  const found = context.interfaces.get(device);
  if (found === undefined) {
    throw new PlatformError("PLATFORM_LINK_UNKNOWN", `there is no interface ${device}`);
  }
  return found;
}

/** The address, which must be one of this host. Throws PLATFORM_ADDRESS_UNKNOWN. */
export function localAddress(context: SocketContext, text: string): Ip {
  const address = ip(text);
  if (!address.isAny && !context.stack.isLocal(address)) {
    throw new PlatformError("PLATFORM_ADDRESS_UNKNOWN", `${text} is no address of this host`);
  }
  return address;
}

/** Refuses a port that needs a privilege, or that another socket of the list has. */
export function checkBinding(
  context: SocketContext,
  wanted: Binding,
  others: Iterable<Binding>,
): void {
  const { port, address } = wanted;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new PlatformError("PLATFORM_OPTION", `${port} is not a port`);
  }
  if (port > 0 && port < 1024 && !context.isPrivileged) {
    throw new PlatformError("PLATFORM_PERMISSION", `port ${port} needs CAP_NET_BIND_SERVICE`);
  }
  for (const other of others) {
    if (!isConflict(wanted, other)) continue;
    throw new PlatformError("PLATFORM_ADDRESS_IN_USE", `${address.text} port ${port} is in use`);
  }
}

/** The next free port from the ephemeral range (RFC 6056 §3.3.1 without the randomness). */
export class EphemeralPorts {
  #next: number;

  constructor(first: number) {
    this.#next = first;
  }

  take(isFree: (port: number) => boolean): number {
    for (let tries = 0; tries < EPHEMERAL_COUNT; tries += 1) {
      const port = this.#next;
      this.#next = port + 1 < EPHEMERAL_END ? port + 1 : EPHEMERAL_START;
      if (isFree(port)) return port;
    }
    throw new PlatformError("PLATFORM_ADDRESS_IN_USE", "no ephemeral port is free");
  }
}

/** The socket that suits a packet best: the most specific address, then the bound device. */
export function bestMatch<Socket extends Binding>(
  sockets: readonly Socket[],
  destination: Ip,
  via: Interface,
): Socket | undefined {
  let best: Socket | undefined;
  let bestScore = -1;
  for (const socket of sockets) {
    if (socket.via !== undefined && socket.via !== via) continue;
    const isExact = socket.address.text === destination.text;
    const isAny = socket.address.isAny && socket.address.afi === destination.afi;
    if (!isExact && !isAny) continue;
    const score = (isExact ? 2 : 0) + (socket.via === undefined ? 0 : 1);
    if (score > bestScore) {
      best = socket;
      bestScore = score;
    }
  }
  return best;
}

const isConflict = (a: Binding, b: Binding): boolean =>
  a.port === b.port &&
  a.port !== 0 &&
  a.address.afi === b.address.afi &&
  (a.address.isAny || b.address.isAny || a.address.text === b.address.text) &&
  (a.via === undefined || b.via === undefined || a.via === b.via);

export const EPHEMERAL_START = 32_768;
const EPHEMERAL_END = 60_999;
export const EPHEMERAL_COUNT = EPHEMERAL_END - EPHEMERAL_START;
