import { PlatformError } from "../../../src/core/app-error.ts";
import { seededRng } from "../../../src/core/rng.ts";
import { type Micros, micros } from "../../../src/core/time.ts";
import type {
  Alarm,
  Clock,
  Host,
  LinkState,
  Udp,
  UdpDatagram,
  UdpOptions,
  UdpSocket,
} from "../../../src/platform/contract.ts";

export interface FakeSocket extends UdpOptions {
  readonly receive: (datagram: UdpDatagram) => void;
  readonly sent: { readonly octets: Uint8Array; readonly to: string; readonly port: number }[];
  isOpen: boolean;
}

/** A clock, sockets and links by hand: for what a well-behaved host never does. */
export class FakeHost {
  now: Micros = micros(0);
  readonly sockets: FakeSocket[] = [];
  readonly #alarms: { at: Micros | undefined; readonly ring: () => void }[] = [];
  readonly #watchers = new Set<(device: string, state: LinkState | undefined) => void>();
  readonly links = new Map<string, LinkState>();
  /** Why a socket cannot be opened; undefined lets it be. */
  refuse: (options: UdpOptions) => string | undefined = () => undefined;

  readonly host: Host;

  constructor() {
    const clock: Clock = { now: () => this.now, createAlarm: (ring) => this.#createAlarm(ring) };
    const udp: Udp = { open: (options, receive) => this.#open(options, receive) };
    const links = {
      state: (device: string) => this.links.get(device),
      all: () => [...this.links.values()],
      watch: (changed: (device: string, state: LinkState | undefined) => void) => {
        this.#watchers.add(changed);
        return { close: () => this.#watchers.delete(changed) };
      },
    };
    this.host = { name: "fake", clock, udp, links, rng: seededRng(1) } as unknown as Host;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  setLink(device: string, index: number | undefined): void {
    const state = { device, index: index ?? 0, isAdminUp: true, hasCarrier: true };
    const link = index === undefined ? undefined : { ...state, mtu: 1500, addresses: [] };
    if (link === undefined) this.links.delete(device);
    else this.links.set(device, link);
    for (const changed of this.#watchers) changed(device, link);
  }

  open(port?: number): FakeSocket[] {
    return this.sockets.filter((s) => s.isOpen && (port === undefined || s.port === port));
  }

  senders(): FakeSocket[] {
    return this.open().filter(({ port }) => port >= 49_152);
  }

  armed(): number {
    return this.#alarms.filter(({ at }) => at !== undefined).length;
  }

  run(us: number): void {
    const end = this.now + us;
    for (;;) {
      let next: { at: Micros | undefined; readonly ring: () => void } | undefined;
      for (const alarm of this.#alarms) {
        if (alarm.at !== undefined && (next?.at === undefined || alarm.at < next.at)) next = alarm;
      }
      if (next?.at === undefined || next.at > end) break;
      this.now = micros(Math.max(this.now, next.at));
      next.at = undefined;
      next.ring();
    }
    this.now = micros(end);
  }

  #createAlarm(ring: () => void): Alarm {
    const alarm = { at: undefined as Micros | undefined, ring };
    this.#alarms.push(alarm);
    return {
      set: (at) => {
        alarm.at = at;
      },
    };
  }

  #open(options: UdpOptions, receive: (datagram: UdpDatagram) => void): UdpSocket {
    const refusal = this.refuse(options);
    if (refusal !== undefined) throw new PlatformError(refusal, `refused: ${refusal}`);
    for (const other of this.open(options.port)) {
      const isSameDevice = other.device === options.device;
      const isApart = other.device !== undefined && options.device !== undefined && !isSameDevice;
      if (other.localAddress !== options.localAddress || isApart) continue;
      throw new PlatformError("PLATFORM_ADDRESS_IN_USE", `port ${options.port} is taken`);
    }
    const socket: FakeSocket = { ...options, receive, sent: [], isOpen: true };
    this.sockets.push(socket);
    return {
      port: options.port,
      sendErrors: 0,
      send: (octets, to, port) => {
        if (!socket.isOpen) throw new Error("sent through a closed socket");
        socket.sent.push({ octets, to, port });
      },
      close: () => {
        socket.isOpen = false;
      },
    };
  }
}
