import { C, check, libc } from "../platform/linux/sys.ts";

/**
 * Tells systemd what the daemon is about (sd_notify): `READY=1`, `STATUS=2/2 peers up`,
 * `STOPPING=1`. Node's datagram sockets know no Unix addresses, so this goes through libc. A daemon
 * that was not started by systemd has nobody to tell; a message that does not get through is
 * nobody's loss.
 */
export class Systemd {
  readonly #path: string | undefined;
  /** How often `WATCHDOG=1` is wanted, twice within systemd's patience. */
  readonly watchdogMs: number | undefined;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#path = env.NOTIFY_SOCKET || undefined;
    const patienceUs = Number(env.WATCHDOG_USEC);
    this.watchdogMs = this.#path !== undefined && patienceUs > 0 ? patienceUs / 2_000 : undefined;
  }

  notify(state: string): void {
    if (this.#path === undefined) return;
    try {
      send(this.#path, Buffer.from(state));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }
}

function send(path: string, octets: Buffer): void {
  // A leading @ stands for the NUL of an abstract address.
  const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`);
  const address = new Uint8Array(2 + name.length);
  address[0] = C.AF_UNIX;
  address.set(name, 2);
  const fd = check("socket", libc.socket(C.AF_UNIX, C.SOCK_DGRAM | C.SOCK_CLOEXEC, 0));
  try {
    check("sendto", libc.sendto(fd, octets, octets.length, 0, address, address.length));
  } finally {
    libc.close(fd);
  }
}
