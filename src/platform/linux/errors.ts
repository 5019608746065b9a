import { PlatformError } from "../../core/app-error.ts";
import { SysError } from "./sys.ts";

/**
 * What a refused system call means to an operator: one sentence with what was wanted, what stood
 * in the way and what to do about it. `wanted` begins it: `listening on TCP 10.0.0.1 port 179`.
 */
export function platformError(wanted: string, error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  if (!(error instanceof SysError)) throw error;
  const [code, because] = VERDICTS[error.errnoName] ?? ["PLATFORM_SYSTEM", error.message];
  return new PlatformError(code, `${wanted} failed: ${because}`, { cause: error });
}

/** A failed request for something only a network administrator may do. */
export function adminError(wanted: string, error: unknown): PlatformError {
  const isRefusal = error instanceof SysError && REFUSALS.has(error.errnoName);
  if (!isRefusal) return platformError(wanted, error);
  return new PlatformError(
    "PLATFORM_PERMISSION",
    `${wanted} needs root or CAP_NET_ADMIN in this network namespace`,
    { cause: error },
  );
}

export const linkUnknown = (device: string, cause?: unknown): PlatformError =>
  new PlatformError(
    "PLATFORM_LINK_UNKNOWN",
    `there is no interface "${device}" on this host; check its name with "ip link"`,
    { cause },
  );

const REFUSALS: ReadonlySet<string> = new Set(["EPERM", "EACCES"]);

const NO_SUPPORT = [
  "PLATFORM_UNSUPPORTED",
  "the running kernel was built without support for it",
] as const;
const NO_RESOURCE = [
  "PLATFORM_RESOURCE",
  "the kernel is out of memory for it; for TCP MD5 keys raise the sysctl net.core.optmem_max",
] as const;
const NO_FILES = [
  "PLATFORM_RESOURCE",
  "the process has too many open files; raise its limit (LimitNOFILE, ulimit -n)",
] as const;

const VERDICTS: Readonly<Record<string, readonly [code: string, because: string]>> = {
  EADDRINUSE: [
    "PLATFORM_ADDRESS_IN_USE",
    "the port is taken, by another program or a second copy of this one; stop it or use another",
  ],
  EACCES: [
    "PLATFORM_PERMISSION",
    "a port below 1024 needs root or the capability CAP_NET_BIND_SERVICE",
  ],
  EPERM: ["PLATFORM_PERMISSION", "it needs root or the capabilities CAP_NET_ADMIN and CAP_NET_RAW"],
  EADDRNOTAVAIL: [
    "PLATFORM_ADDRESS_UNKNOWN",
    "no interface of this host has the address; configure it first or correct the configuration",
  ],
  ENODEV: [
    "PLATFORM_LINK_UNKNOWN",
    "there is no interface of that name on this host; check it with `ip link`",
  ],
  EINVAL: ["PLATFORM_OPTION", "an option is out of its range"],
  ENOPROTOOPT: NO_SUPPORT,
  EPROTONOSUPPORT: NO_SUPPORT,
  EAFNOSUPPORT: NO_SUPPORT,
  EOPNOTSUPP: NO_SUPPORT,
  ENOMEM: NO_RESOURCE,
  ENOBUFS: NO_RESOURCE,
  EMFILE: NO_FILES,
  ENFILE: NO_FILES,
};
