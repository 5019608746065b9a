import { endianness } from "node:os";
import koffi from "koffi";
import { assert } from "../../core/assert.ts";

/**
 * The one door to libc: some twenty functions bound by koffi, and the error they fail with.
 *
 * Owns the bindings, `errno` and the numeric constants of sockets. Does not own meaning: what an
 * option is for stands where it is used, what a failure means for an operator in `errors.ts`.
 * Every call here returns at once (non-blocking sockets, finite waits), because a native call that
 * blocks for ever would hold the process at exit. `errno` belongs to the calling thread and to the
 * last call, so `check` reads it before anything else. Structures are laid out by hand, as 64-bit
 * little-endian Linux has them (x86_64 and arm64, glibc and musl alike).
 *
 * A program whose workers use this must load it in its main thread too: with the last thread that
 * has it, koffi's library leaves the process, and a poll handle closed by that very end crashes it.
 */
assert(endianness() === "LE", "the host is little-endian");

/** What koffi hands out for memory of its own; only passed back to it. */
export type NativePointer = { readonly brand: "NativePointer" };
type Memory = Uint8Array | NativePointer | null;

const self = koffi.load(null);
const bind = <Call>(prototype: string): Call => self.func(prototype) as unknown as Call;

/** Results below zero are failures; pass them through `check`. */
export const libc = {
  socket: bind<(domain: number, type: number, protocol: number) => number>(
    "int socket(int, int, int)",
  ),
  bind: bind<(fd: number, address: Uint8Array, length: number) => number>(
    "int bind(int, const void *, uint32_t)",
  ),
  listen: bind<(fd: number, backlog: number) => number>("int listen(int, int)"),
  accept4: bind<(fd: number, address: Uint8Array, length: Uint8Array, flags: number) => number>(
    "int accept4(int, void *, void *, int)",
  ),
  connect: bind<(fd: number, address: Uint8Array, length: number) => number>(
    "int connect(int, const void *, uint32_t)",
  ),
  close: bind<(fd: number) => number>("int close(int)"),
  getsockname: bind<(fd: number, address: Uint8Array, length: Uint8Array) => number>(
    "int getsockname(int, void *, void *)",
  ),
  setsockopt: bind<
    (fd: number, level: number, name: number, value: Uint8Array, length: number) => number
  >("int setsockopt(int, int, int, const void *, uint32_t)"),
  getsockopt: bind<
    (fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array) => number
  >("int getsockopt(int, int, int, void *, void *)"),
  send: bind<(fd: number, octets: Uint8Array, length: number, flags: number) => number>(
    "intptr_t send(int, const void *, size_t, int)",
  ),
  recv: bind<(fd: number, octets: Uint8Array, length: number, flags: number) => number>(
    "intptr_t recv(int, void *, size_t, int)",
  ),
  sendto: self.func(
    "intptr_t sendto(int, const void *, size_t, int, const void *, uint32_t)",
  ) as unknown as SendTo,
  recvmmsg: bind<
    (fd: number, headers: Memory, count: number, flags: number, timeout: Memory) => number
  >("int recvmmsg(int, void *, unsigned int, int, void *)"),
  poll: bind<(fds: Uint8Array, count: number, timeoutMs: number) => number>(
    "int poll(void *, unsigned long, int)",
  ),
  setns: bind<(fd: number, kind: number) => number>("int setns(int, int)"),
  ifNameToIndex: bind<(name: string) => number>("uint32_t if_nametoindex(const char *)"),
  ifIndexToName: bind<(index: number, name: Uint8Array) => unknown>(
    "void *if_indextoname(uint32_t, void *)",
  ),
  strerror: bind<(errno: number) => string>("const char *strerror(int)"),
  schedSetScheduler: bind<(pid: number, policy: number, parameters: Uint8Array) => number>(
    "int sched_setscheduler(int, int, const void *)",
  ),
};

/** As the call is declared in C; five parameters would not do. */
// biome-ignore lint/complexity/useMaxParams: the shape is libc's
type SendTo = (
  fd: number,
  octets: Uint8Array,
  length: number,
  flags: number,
  address: Uint8Array,
  addressLength: number,
) => number;

/** A system call said no. `errnoName` is what the code looks at, the message is for people. */
export class SysError extends Error {
  override readonly name = "SysError";
  readonly call: string;
  readonly errno: number;
  readonly errnoName: string;
  /** The system's words alone: `Connection refused`. */
  readonly words: string;

  constructor(call: string, errno: number, detail?: string) {
    const words = detail ?? libc.strerror(errno);
    super(`${call}: ${words} (${errnoName(errno)})`);
    this.call = call;
    this.errno = errno;
    this.errnoName = errnoName(errno);
    this.words = words;
  }
}

/** The result of a call, or a SysError naming it where it is negative. */
export function check(call: string, result: number): number {
  if (result < 0) throw new SysError(call, koffi.errno());
  return result;
}

/** The thread's errno after a call that returned below zero. */
export const lastErrno = (): number => koffi.errno();

const NAMES = new Map<number, string>();
for (const [name, errno] of Object.entries(koffi.os.errno)) {
  if (!NAMES.has(errno)) NAMES.set(errno, name);
}
NAMES.set(11, "EAGAIN");
NAMES.set(95, "EOPNOTSUPP");

/** `ECONNREFUSED`; `E12345` for a number without a name. */
export const errnoName = (errno: number): string => NAMES.get(errno) ?? `E${errno}`;

/** The numbers the code compares with; generic Linux. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  EOPNOTSUPP: 95,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENOBUFS: 105,
  ETIMEDOUT: 110,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
} as const;

/** Numbers of <sys/socket.h>, <netinet/in.h> and <netinet/tcp.h>, by their C names. */
export const C = {
  AF_UNSPEC: 0,
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  SOL_IP: 0,
  SOL_SOCKET: 1,
  SOL_TCP: 6,
  SOL_IPV6: 41,
  SOL_NETLINK: 270,
  SO_REUSEADDR: 2,
  SO_ERROR: 4,
  SO_RCVBUF: 8,
  SO_PRIORITY: 12,
  SO_LINGER: 13,
  SO_BINDTODEVICE: 25,
  SO_RCVBUFFORCE: 33,
  IP_TOS: 1,
  IP_TTL: 2,
  IP_PKTINFO: 8,
  IP_RECVTTL: 12,
  IP_MINTTL: 21,
  IP_BIND_ADDRESS_NO_PORT: 24,
  IPV6_UNICAST_HOPS: 16,
  IPV6_V6ONLY: 26,
  IPV6_RECVPKTINFO: 49,
  IPV6_PKTINFO: 50,
  IPV6_RECVHOPLIMIT: 51,
  IPV6_HOPLIMIT: 52,
  IPV6_TCLASS: 67,
  IPV6_MINHOPCOUNT: 73,
  TCP_NODELAY: 1,
  TCP_MD5SIG: 14,
  CLONE_NEWNET: 0x4000_0000,
  SCHED_FIFO: 1,
} as const;

/** A C int, as options and results by pointer want it. */
export function int32(value: number): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setInt32(0, value, true);
  return octets;
}

export function setIntOption(fd: number, level: number, name: number, value: number): void {
  check(`setsockopt ${level}/${name}`, libc.setsockopt(fd, level, name, int32(value), 4));
}

/** Reads and clears the pending error of a socket (SO_ERROR); 0 where there is none. */
export function takeSocketError(fd: number): number {
  const value = new Uint8Array(4);
  check("getsockopt SO_ERROR", libc.getsockopt(fd, C.SOL_SOCKET, C.SO_ERROR, value, int32(4)));
  return new DataView(value.buffer).getInt32(0, true);
}

/** Memory that stays where it is, for structures that hold addresses of each other. */
export interface NativeBlock {
  readonly pointer: NativePointer;
  readonly address: bigint;
  readonly octets: Uint8Array;
  readonly view: DataView;
}

export function allocateBlock(lengthOctets: number): NativeBlock {
  const pointer = koffi.alloc("uint8_t", lengthOctets) as NativePointer;
  const buffer = koffi.view(pointer, lengthOctets);
  return {
    pointer,
    address: koffi.address(pointer),
    octets: new Uint8Array(buffer),
    view: new DataView(buffer),
  };
}

/**
 * Puts the calling thread under SCHED_FIFO, so that no busy neighbour delays a BFD packet. False
 * where the process may not (CAP_SYS_NICE or LimitRTPRIO); things then work, only less evenly.
 */
export function raiseThreadToRealtime(priority: number): boolean {
  return libc.schedSetScheduler(0, C.SCHED_FIFO, int32(priority)) === 0;
}

/** Gives freed memory back to the kernel; glibc keeps it otherwise. */
export function trimMemory(): void {
  try {
    bind<(padOctets: number) => number>("int malloc_trim(size_t)")(0);
  } catch {
    // musl has no malloc_trim, and needs none: it keeps next to nothing.
  }
}
