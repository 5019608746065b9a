import { BFD_PORT } from "../../bfd/index.ts";
import type { BfdInput, BfdSessionConfig } from "../../bfd/sessions/contract.ts";
import { PlatformError } from "../../core/app-error.ts";
import type { LogEvent } from "../../core/log.ts";
import { after, US_PER_SEC } from "../../core/time.ts";
import type { Alarm, Host, UdpSocket } from "../../platform/contract.ts";

/** Where packets are awaited. */
interface Listening {
  readonly localAddress: string;
  readonly device: string | undefined;
  readonly port: number;
  /**
   * Wanted by no session, only to notice packets of a peer that is set to the other kind of BFD. It
   * gives way to a session that needs the port, and its failure is nobody's loss.
   */
  readonly isLookout: boolean;
}

interface Receiver extends Omit<Listening, "isLookout"> {
  isLookout: boolean;
  socket: UdpSocket | undefined;
  /** The last failure that was told, so that it is told once. */
  told: string | undefined;
}

/** A datagram and the socket's view of where it came in. */
type Received = Extract<BfdInput, { readonly kind: "packet" }>;

/**
 * The receive sockets: one per local address, interface and port, shared by the sessions behind it
 * (RFC 5881 §4 and RFC 5883 §5 leave only the destination port fixed). Each session's other port is
 * watched as well: single-hop against multihop is the commonest way for two ends not to meet. A
 * socket that cannot be opened (address not there yet, port taken) is tried again every second.
 */
export class Receivers {
  readonly #host: Host;
  readonly #receive: (received: Received) => void;
  readonly #tell: (entry: LogEvent) => void;
  readonly #retry: Alarm;
  readonly #receivers = new Map<string, Receiver>();

  constructor(host: Host, receive: (received: Received) => void, tell: (entry: LogEvent) => void) {
    this.#host = host;
    this.#receive = receive;
    this.#tell = tell;
    this.#retry = host.clock.createAlarm(() => this.#openAll());
  }

  /** Listens for exactly these sessions. */
  want(sessions: Iterable<BfdSessionConfig>): void {
    const wanted = listeningsFor(sessions);
    for (const [key, receiver] of this.#receivers) {
      const listening = wanted.get(key);
      if (listening === undefined) {
        receiver.socket?.close();
        this.#receivers.delete(key);
      } else {
        receiver.isLookout = listening.isLookout;
      }
    }
    for (const [key, listening] of wanted) {
      if (this.#receivers.has(key)) continue;
      this.#receivers.set(key, { ...listening, socket: undefined, told: undefined });
    }
    this.#openAll();
  }

  /** The interface is gone or another one now: sockets bound to it hear nothing any more. */
  deviceChanged(device: string): void {
    for (const receiver of this.#receivers.values()) {
      if (receiver.device !== device) continue;
      receiver.socket?.close();
      receiver.socket = undefined;
    }
    this.#openAll();
  }

  close(): void {
    this.#retry.set(undefined);
    for (const { socket } of this.#receivers.values()) socket?.close();
    this.#receivers.clear();
  }

  #openAll(): void {
    let isWaiting = false;
    for (const isLookout of [false, true]) {
      for (const receiver of this.#receivers.values()) {
        if (receiver.isLookout !== isLookout || receiver.socket !== undefined) continue;
        this.#open(receiver);
        if (receiver.socket === undefined) isWaiting = true;
      }
    }
    const retryAt = after(this.#host.clock.now(), RETRY_US);
    this.#retry.set(isWaiting ? retryAt : undefined);
  }

  #open(receiver: Receiver): void {
    const { localAddress, device, port } = receiver;
    try {
      receiver.socket = this.#host.udp.open(
        { localAddress, port, ttl: TTL, tos: TOS, ...(device === undefined ? {} : { device }) },
        (datagram) => {
          const { octets, remoteAddress, localAddress, ttl } = datagram;
          const from = device ?? datagram.device;
          const kind = "packet";
          this.#receive({ kind, octets, remoteAddress, localAddress, device: from, ttl, port });
        },
      );
      if (receiver.told !== undefined) {
        this.#tell({ level: "info", event: "bfd.socket.opened", fields: fieldsOf(receiver) });
      }
      receiver.told = undefined;
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      if (receiver.told === error.message) return;
      receiver.told = error.message;
      this.#tell({
        level: receiver.isLookout ? "debug" : "error",
        event: "bfd.socket.failed",
        fields: { ...fieldsOf(receiver), code: error.code, text: error.message },
      });
    }
  }
}

function listeningsFor(sessions: Iterable<BfdSessionConfig>): Map<string, Listening> {
  const wanted = new Map<string, Listening>();
  for (const { mode, localAddress, device } of sessions) {
    for (const port of Object.values(BFD_PORT)) {
      const key = `${localAddress} ${device ?? "*"} ${port}`;
      const isLookout = port !== BFD_PORT[mode] && wanted.get(key)?.isLookout !== false;
      wanted.set(key, { localAddress, device, port, isLookout });
    }
  }
  const needed = [...wanted.values()].filter(({ isLookout }) => !isLookout);
  for (const [key, listening] of wanted) {
    if (listening.isLookout && needed.some((other) => excludes(other, listening))) {
      wanted.delete(key);
    }
  }
  return wanted;
}

/** A port bound on every interface and one bound on a single one exclude each other. */
const excludes = (a: Listening, b: Listening): boolean =>
  a.localAddress === b.localAddress &&
  a.port === b.port &&
  (a.device === undefined || b.device === undefined);

const fieldsOf = ({ localAddress, device, port }: Listening) => ({ localAddress, device, port });

/** RFC 5881 §5; RFC 5883 §6 wants it likewise from whoever checks the hops. */
export const TTL = 255;
/** Internetwork Control, like BGP: the packets whose loss counts as the line's. */
export const TOS = 0xc0;
const RETRY_US = US_PER_SEC;
