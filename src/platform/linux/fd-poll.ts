import koffi, { type node } from "koffi";

/**
 * Readiness of a descriptor Node has no class for (netlink, UDP with ancillary data, a TCP socket
 * that is still connecting), from the same event loop as everything else. Close it before the
 * descriptor.
 *
 * Each line answers a fault of the layers below. The handle is collected, and its events end,
 * unless something reachable holds it: `live`. After an error condition libuv stops watching:
 * `ready` is called all the same, must consume the error (SO_ERROR), and the watch starts again.
 * The native callback only schedules: an exception cannot unwind through native code, promises and
 * ticks queued there would wait for something else to wake JavaScript, and a thread terminated
 * while inside it takes the whole process down with "napi_throw". For that last reason a thread
 * with polls should be asked to end and close its host, not be terminated.
 */
export class FdPoll {
  readonly #events: { readonly readable?: boolean; readonly writable?: boolean };
  readonly #ready: () => void;
  #handle: node.PollHandle | undefined;
  #hasError = false;

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
    if (status < 0) this.#hasError = true;
    setImmediate(this.#act);
  };

  /** Runs before the loop polls again, so an event is never acted on twice. */
  readonly #act = (): void => {
    if (this.#handle === undefined) return;
    const hadError = this.#hasError;
    this.#hasError = false;
    this.#ready();
    if (hadError) this.#handle?.start(this.#events, this.#called as unknown as PollCallback);
  };
}

type PollCallback = Parameters<node.PollHandle["start"]>[0];

const live = new Set<FdPoll>();
