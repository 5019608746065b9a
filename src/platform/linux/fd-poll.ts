import koffi, { type node } from "koffi";

/**
 * Readiness of a descriptor Node has no class for (netlink, UDP with ancillary data, a TCP socket
 * that is still connecting), from the same event loop as everything else. Close it before the
 * descriptor.
 *
 * Each line answers a fault of the layers below. The handle is collected, and its events end,
 * unless
 * something reachable holds it: `live`. After an error condition libuv stops watching: the callback
 * is called all the same, must consume the error (SO_ERROR), and the watch starts again. Promises
 * and ticks queued by the callback are not run by some Node versions until something else wakes
 * JavaScript: the empty `setImmediate`. An exception must not unwind through native code.
 */
export class FdPoll {
  readonly #events: { readonly readable?: boolean; readonly writable?: boolean };
  readonly #ready: () => void;
  #handle: node.PollHandle | undefined;

  constructor(fd: number, wanted: "readable" | "writable", ready: () => void) {
    this.#events = { [wanted]: true };
    this.#ready = ready;
    this.#handle = koffi.node.poll(fd, this.#events, this.#called as unknown as PollCallback);
    live.add(this);
  }

  /** Waiting for this alone does not keep the process alive. */
  unref(): void {
    this.#handle?.unref();
  }

  close(): void {
    this.#handle?.close();
    this.#handle = undefined;
    live.delete(this);
  }

  /** Called with (status, events), not as koffi's types say; the status is negative on an error. */
  readonly #called = (status: number): void => {
    setImmediate(noop);
    try {
      this.#ready();
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
    if (status < 0) this.#handle?.start(this.#events, this.#called as unknown as PollCallback);
  };
}

type PollCallback = Parameters<node.PollHandle["start"]>[0];

const live = new Set<FdPoll>();
const noop = (): void => {};
