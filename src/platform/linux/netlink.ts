import { FdPoll } from "./fd-poll.ts";
import { forEachMessage, type Message, type MessageWriter, readAnswer } from "./netlink-codec.ts";
import type { Netns } from "./netns.ts";
import { Nlm, NlmType, Sol } from "./rtnetlink.ts";
import { C, check, Errno, int32, lastErrno, libc, SysError, setIntOption } from "./sys.ts";

/**
 * A rtnetlink socket for requests. The kernel answers while the request is being sent, so asking is
 * plain synchronous code without a wait. Many requests go in one send; only the last asks for an
 * acknowledgement, for refusals are told in any case, each with its sequence number and, where the
 * kernel has one, a sentence (extended acknowledgement).
 */
export class NetlinkSocket {
  /** -1 once closed: a call that comes too late fails with EBADF instead of hitting another's. */
  #fd: number;
  #seq = 0;
  #isTorn = false;

  constructor(netns: Netns) {
    this.#fd = openNetlink(netns);
  }

  /** The number the next message has to carry. */
  nextSeq(): number {
    this.#seq = this.#seq >= 0x7fff_ffff ? 1 : this.#seq + 1;
    return this.#seq;
  }

  /**
   * Sends what the writer holds and waits for the answer to its last message. Refusals are returned
   * in order; other messages (what a GET asked for) go to `visit`.
   */
  transact(writer: MessageWriter, visit?: (message: Message) => void): Refusal[] {
    const refusals: Refusal[] = [];
    if (writer.count === 0) return refusals;
    const last = this.#seq;
    const first = last - writer.count + 1;
    writer.addFlags(Nlm.ACK);
    this.#send(writer);
    for (let isDone = false; !isDone; ) {
      forEachMessage(this.#receive(), (message) => {
        if (message.seq < first || message.seq > last) return;
        if (message.type !== NlmType.ERROR) {
          visit?.(message);
          return;
        }
        const { errno, words } = readAnswer(message);
        if (errno !== 0) refusals.push({ index: message.seq - first, errno, words });
        if (message.seq === last) isDone = true;
      });
    }
    return refusals;
  }

  /** One request that must succeed; throws SysError with the kernel's words. */
  demand(call: string, writer: MessageWriter, visit?: (message: Message) => void): void {
    const [refusal] = this.transact(writer, visit);
    if (refusal !== undefined) throw sysErrorOf(call, refusal);
  }

  /** Begins a dump; read it to its end with `readDump` before anything else is asked here. */
  startDump(writer: MessageWriter): void {
    writer.addFlags(Nlm.DUMP);
    this.#send(writer);
  }

  /** Reads the next part. `torn`: the table changed on the way, rows may be missing or double. */
  readDump(visit: (message: Message) => void): "more" | "done" | "torn" {
    let outcome: "more" | "done" | "torn" = "more";
    forEachMessage(this.#receive(), (message) => {
      if (message.seq !== this.#seq) return;
      if ((message.flags & Nlm.DUMP_INTR) !== 0) this.#isTorn = true;
      if (message.type === NlmType.ERROR) {
        throw sysErrorOf("netlink dump", { index: 0, ...readAnswer(message) });
      }
      if (message.type !== NlmType.DONE) visit(message);
      else outcome = this.#isTorn ? "torn" : "done";
    });
    if (outcome !== "more") this.#isTorn = false;
    return outcome;
  }

  /** A whole dump at once; read again while it was torn. */
  dump(writer: () => MessageWriter, visit: (message: Message) => void, again: () => void): void {
    for (let tries = DUMP_TRIES; ; tries -= 1) {
      this.startDump(writer());
      let outcome = this.readDump(visit);
      while (outcome === "more") outcome = this.readDump(visit);
      if (outcome === "done" || tries <= 1) return;
      again();
    }
  }

  close(): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }

  #send(writer: MessageWriter): void {
    const octets = writer.view();
    check("netlink send", libc.send(this.#fd, octets, octets.length, 0));
  }

  #receive(): Uint8Array {
    for (;;) {
      const length = libc.recv(this.#fd, received, received.length, C.MSG_DONTWAIT);
      if (length >= 0) return received.subarray(0, length);
      const errno = lastErrno();
      if (errno === Errno.EINTR) continue;
      if (errno !== Errno.EAGAIN) throw new SysError("netlink receive", errno);
      this.#awaitAnswer();
    }
  }

  #awaitAnswer(): void {
    const pollFd = new Uint8Array(8);
    const view = new DataView(pollFd.buffer);
    view.setInt32(0, this.#fd, true);
    view.setInt16(4, 1, true); // POLLIN
    if (libc.poll(pollFd, 1, ANSWER_MS_MAX) === 0) {
      throw new SysError("netlink receive", Errno.ETIMEDOUT);
    }
  }
}

/** A request the kernel did not grant; `index` counts from the first message of the send. */
export interface Refusal {
  readonly index: number;
  readonly errno: number;
  readonly words: string;
}

export const sysErrorOf = (call: string, { errno, words }: Refusal): SysError =>
  new SysError(call, errno, words === "" ? undefined : words);

/** A socket that hears of changes. `lost` is called where the kernel had more to say than room. */
export class NetlinkEvents {
  readonly #fd: number;
  readonly #poll: FdPoll;
  readonly #visit: (message: Message) => void;
  readonly #lost: () => void;

  constructor(
    netns: Netns,
    groups: readonly number[],
    handlers: { visit(message: Message): void; lost(): void; drained(): void },
  ) {
    this.#fd = openNetlink(netns);
    this.#visit = (message) => handlers.visit(message);
    this.#lost = () => handlers.lost();
    for (const group of groups) {
      setIntOption(this.#fd, C.SOL_NETLINK, Sol.ADD_MEMBERSHIP, group);
    }
    this.#poll = new FdPoll(this.#fd, "readable", () => {
      this.drain();
      handlers.drained();
    });
    this.#poll.unref();
  }

  /** Reads all that is told already; the kernel tells at the moment of the change. */
  drain(): void {
    let isLost = false;
    for (;;) {
      const length = libc.recv(this.#fd, received, received.length, C.MSG_DONTWAIT);
      if (length >= 0) {
        forEachMessage(received.subarray(0, length), this.#visit);
        continue;
      }
      const errno = lastErrno();
      if (errno === Errno.ENOBUFS) isLost = true;
      else if (errno !== Errno.EINTR) break;
    }
    if (isLost) this.#lost();
  }

  close(): void {
    this.#poll.close();
    libc.close(this.#fd);
  }
}

const DUMP_TRIES = 3;
const ANSWER_MS_MAX = 5_000;
/** A thousand refusals at once must fit; the kernel counts each at about a kilobyte. */
const RECEIVE_BUFFER_OCTETS = 8 * 2 ** 20;
const SEND_BUFFER_OCTETS = 2 ** 20;
const SO_SNDBUFFORCE = 32;
const NETLINK_ROUTE = 0;

/** Answers are used up before the next call, so the thread shares one buffer. */
const received = new Uint8Array(2 ** 16);

function openNetlink(netns: Netns): number {
  const kind = C.SOCK_RAW | C.SOCK_NONBLOCK | C.SOCK_CLOEXEC;
  const fd = netns.run(() => check("socket", libc.socket(C.AF_NETLINK, kind, NETLINK_ROUTE)));
  for (const option of [Sol.CAP_ACK, Sol.EXT_ACK, Sol.GET_STRICT_CHK]) {
    libc.setsockopt(fd, C.SOL_NETLINK, option, int32(1), 4); // older kernels lack some: no harm
  }
  if (libc.setsockopt(fd, C.SOL_SOCKET, SO_SNDBUFFORCE, int32(SEND_BUFFER_OCTETS), 4) === 0) {
    libc.setsockopt(fd, C.SOL_SOCKET, C.SO_RCVBUFFORCE, int32(RECEIVE_BUFFER_OCTETS), 4);
  }
  const address = new Uint8Array(12);
  address[0] = C.AF_NETLINK;
  try {
    check("bind netlink", libc.bind(fd, address, address.length));
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}
