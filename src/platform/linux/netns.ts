import { closeSync, openSync } from "node:fs";
import { PlatformError } from "../../core/app-error.ts";
import { assert } from "../../core/assert.ts";
import { C, check, libc, SysError } from "./sys.ts";

/**
 * The network namespace a host lives in. A socket stays in the namespace it was created in, and
 * `/proc/sys/net` shows the one of the reading thread, so it is enough to step in for the moment
 * of creation: one process drives as many namespaces as it likes, from any of its threads.
 */
export class Netns {
  /** For error texts: the name or path it was asked for by; `this one` for the process's own. */
  readonly label: string;
  readonly #fd: number | undefined;
  #isClosed = false;

  /** `place` is a name under /run/netns or a path; undefined stays where the thread is. */
  constructor(place: string | undefined) {
    this.label = place ?? "this one";
    if (place === undefined) return;
    const path = place.includes("/") ? place : `/run/netns/${place}`;
    try {
      this.#fd = openSync(path, "r");
    } catch (cause) {
      const advice = "create it first (ip netns add) or correct the name";
      throw new PlatformError(
        "PLATFORM_NETNS_UNKNOWN",
        `there is no readable network namespace ${path}; ${advice}`,
        { cause },
      );
    }
  }

  /** Runs `act` inside and comes back, whatever happens. `act` must not wait for anything. */
  run<Value>(act: () => Value): Value {
    assert(!this.#isClosed, "nothing is asked of a host that is closed");
    const fd = this.#fd;
    if (fd === undefined || fd === entered) return act();
    const before = entered ?? homeFd();
    this.#enter(fd);
    const outer = entered;
    entered = fd;
    try {
      return act();
    } finally {
      returnTo(before);
      entered = outer;
    }
  }

  close(): void {
    if (this.#fd !== undefined && !this.#isClosed) closeSync(this.#fd);
    this.#isClosed = true;
  }

  #enter(fd: number): void {
    try {
      check("setns", libc.setns(fd, C.CLONE_NEWNET));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw new PlatformError(
        "PLATFORM_PERMISSION",
        `entering the network namespace ${this.label} needs root or CAP_SYS_ADMIN`,
        { cause: error },
      );
    }
  }
}

function returnTo(fd: number): void {
  const result = libc.setns(fd, C.CLONE_NEWNET);
  assert(result === 0, "a thread can return to the network namespace it came from");
}

/** Descriptor of the namespace this thread is inside of now; undefined at home. */
let entered: number | undefined;
let home: number | undefined;

function homeFd(): number {
  home ??= openSync("/proc/thread-self/ns/net", "r");
  return home;
}
