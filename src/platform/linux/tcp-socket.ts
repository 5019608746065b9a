import { isLinkLocal6, parseAddress } from "../../core/address.ts";
import { PlatformError } from "../../core/app-error.ts";
import type { TcpCloseCause, TcpEndpointOptions } from "../contract.ts";
import { linkUnknown } from "./errors.ts";
import { decodeSockaddr, encodeSockaddr, isIpv6, type SocketAddress } from "./sockaddr.ts";
import { C, check, errnoName, int32, libc, SysError, setIntOption } from "./sys.ts";

/** What BGP sockets need set before their first segment leaves; Node's `net` has none of it. */

const MD5_KEY_OCTETS_MAX = 80;
/** `struct tcp_md5sig`: sockaddr_storage 128, flags 1, prefixlen 1, keylen 2, ifindex 4, key 80. */
const MD5SIG_OCTETS = 216;
/** TC_PRIO_CONTROL, the band of routing protocols. */
const PRIORITY_CONTROL = 6;

/** A TCP socket with TTL, GTSM floor, traffic class and device set; the caller closes it. */
export function createTcpSocket(isV6: boolean, options: TcpEndpointOptions): number {
  const kind = C.SOCK_STREAM | C.SOCK_NONBLOCK | C.SOCK_CLOEXEC;
  const fd = check("socket", libc.socket(isV6 ? C.AF_INET6 : C.AF_INET, kind, 0));
  try {
    if (options.device !== undefined) bindToDevice(fd, options.device);
    setIntOption(fd, C.SOL_TCP, C.TCP_NODELAY, 1);
    const level = isV6 ? C.SOL_IPV6 : C.SOL_IP;
    const { ttl, minTtl, tos } = options;
    if (tos !== undefined) setIntOption(fd, level, isV6 ? C.IPV6_TCLASS : C.IP_TOS, tos);
    setControlPriority(fd); // after TOS, which would put it back
    applyTtl(fd, isV6, ttl, minTtl);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** A floor of 0 takes segments from any distance. */
export function applyTtl(
  fd: number,
  isV6: boolean,
  ttl: number | undefined,
  minTtl: number | undefined,
): void {
  const level = isV6 ? C.SOL_IPV6 : C.SOL_IP;
  if (ttl !== undefined) setIntOption(fd, level, isV6 ? C.IPV6_UNICAST_HOPS : C.IP_TTL, ttl);
  if (minTtl !== undefined) {
    setIntOption(fd, level, isV6 ? C.IPV6_MINHOPCOUNT : C.IP_MINTTL, minTtl);
  }
}

/** Accepted sockets inherit everything but this. */
export const setControlPriority = (fd: number): void =>
  setIntOption(fd, C.SOL_SOCKET, C.SO_PRIORITY, PRIORITY_CONTROL);

export function bindToDevice(fd: number, device: string): void {
  const name = new TextEncoder().encode(`${device}\0`);
  check(
    "setsockopt SO_BINDTODEVICE",
    libc.setsockopt(fd, C.SOL_SOCKET, C.SO_BINDTODEVICE, name, name.length),
  );
}

/**
 * Sets or deletes the key one remote address signs with (RFC 2385). On a listener it takes effect
 * from the next SYN; deleting a key that is not there is no error.
 */
export function setMd5Key(fd: number, remoteAddress: string, key: string | undefined): void {
  const octets = new TextEncoder().encode(key ?? "");
  if (octets.length > MD5_KEY_OCTETS_MAX) {
    throw new PlatformError(
      "PLATFORM_OPTION",
      `the TCP MD5 key for ${remoteAddress} has ${octets.length} octets; 80 are allowed`,
    );
  }
  const option = new Uint8Array(MD5SIG_OCTETS);
  option.set(encodeSockaddr(remoteAddress, 0));
  new DataView(option.buffer).setUint16(130, octets.length, true);
  option.set(octets, 136);
  const result = libc.setsockopt(fd, C.SOL_TCP, C.TCP_MD5SIG, option, option.length);
  try {
    check("setsockopt TCP_MD5SIG", result);
  } catch (error) {
    const isAbsent = error instanceof SysError && error.errnoName === "ENOENT";
    if (!isAbsent || octets.length > 0) throw error;
  }
}

/** Makes the coming close an RST instead of a FIN. */
export function setAbortOnClose(fd: number): void {
  const linger = new Uint8Array(8);
  linger[0] = 1; // on, with a time of zero
  check("setsockopt SO_LINGER", libc.setsockopt(fd, C.SOL_SOCKET, C.SO_LINGER, linger, 8));
}

/** The interface index that tells one `fe80::1` from another; 0 for other addresses. */
export function scopeOf(address: string, device: string | undefined): number {
  const octets = isIpv6(address) ? parseAddress(address) : undefined;
  if (octets === undefined || !isLinkLocal6(octets)) return 0;
  if (device === undefined) {
    throw new PlatformError(
      "PLATFORM_OPTION",
      `${address} is link-local: say which interface it is on (device)`,
    );
  }
  const index = libc.ifNameToIndex(device);
  if (index === 0) throw linkUnknown(device);
  return index;
}

export function localAddressOf(fd: number): SocketAddress {
  const encoded = new Uint8Array(28);
  check("getsockname", libc.getsockname(fd, encoded, int32(encoded.length)));
  return decodeSockaddr(encoded);
}

export const closeCause = (errno: string, words: string): TcpCloseCause => ({
  kind: CAUSES[errno] ?? "error",
  text: `${words} (${errno})`,
});

export const closeCauseOf = (errno: number): TcpCloseCause =>
  closeCause(errnoName(errno), libc.strerror(errno));

const CAUSES: Readonly<Record<string, TcpCloseCause["kind"]>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ENETDOWN: "unreachable",
  EHOSTDOWN: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ENODEV: "unreachable",
};
