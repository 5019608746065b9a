/**
 * Round trips between one edge and the service: numbered packets that whichever region gets them
 * sends back. One packet in both directions says as much as two probes do, and knows no region.
 */
import { after, type Micros } from "../../core/time.ts";
import type { Alarm, Clock, Host, UdpSocket } from "../../platform/contract.ts";

const PORT = 7007;
const SOURCE_PORT_MIN = 20_000;
const NEVER = 0;

/** Answers what comes, at the service's address on one host. */
export function answerTrips(host: Host, address: string): { close(): void } {
  const socket: UdpSocket = host.udp.open(
    { localAddress: address, port: PORT, ttl: 64 },
    ({ octets, remoteAddress, remotePort }) => socket.send(octets, remoteAddress, remotePort),
  );
  return socket;
}

export interface TripOptions {
  readonly host: Host;
  readonly from: string;
  readonly to: string;
  readonly flows: number;
  readonly intervalUs: number;
}

export interface TripFigures {
  readonly sent: number;
  readonly lost: number;
  /** Longest time without an answer to any one flow that had lost a packet. */
  readonly longestGapMs: number;
}

export class RoundTrips {
  readonly #options: TripOptions;
  readonly #clock: Clock;
  readonly #sockets: readonly UdpSocket[];
  readonly #alarm: Alarm;
  #sentUs = new Float64Array(256);
  #isBack = new Uint8Array(256);
  #count = 0;
  #startUs: Micros | undefined;

  constructor(options: TripOptions) {
    const { host, from, flows } = options;
    this.#options = options;
    this.#clock = host.clock;
    this.#sockets = Array.from({ length: flows }, (_, flow) =>
      host.udp.open({ localAddress: from, port: SOURCE_PORT_MIN + flow, ttl: 64 }, ({ octets }) =>
        this.#heard(octets),
      ),
    );
    this.#alarm = host.clock.createAlarm(() => this.#send());
  }

  /** `delayUs` spreads a fleet's packets over the interval. */
  start(delayUs: number): void {
    this.#startUs = after(this.#clock.now(), delayUs);
    this.#alarm.set(this.#startUs);
  }

  stop(): void {
    this.#alarm.set(undefined);
  }

  close(): void {
    this.stop();
    for (const socket of this.#sockets) socket.close();
  }

  figures(): TripFigures {
    const lastBackUs = new Float64Array(this.#options.flows).fill(NEVER);
    const isLosing = new Uint8Array(this.#options.flows);
    let lost = 0;
    let longestUs = 0;
    for (let row = 0; row < this.#count; row += 1) {
      const flow = row % this.#options.flows;
      const at = this.#sentUs[row] ?? 0;
      const since = lastBackUs[flow] ?? NEVER;
      if (this.#isBack[row] === 0) {
        lost += 1;
        isLosing[flow] = 1;
        longestUs = Math.max(longestUs, at - (since === NEVER ? at : since));
      } else {
        if (isLosing[flow] === 1 && since !== NEVER) longestUs = Math.max(longestUs, at - since);
        isLosing[flow] = 0;
        lastBackUs[flow] = at;
      }
    }
    return { sent: this.#count, lost, longestGapMs: longestUs / 1000 };
  }

  #send(): void {
    if (this.#startUs === undefined) return;
    const row = this.#count;
    if (row === this.#sentUs.length) this.#widen();
    this.#sentUs[row] = this.#clock.now();
    this.#count = row + 1;
    const octets = new Uint8Array(4);
    new DataView(octets.buffer).setUint32(0, row);
    this.#sockets[row % this.#options.flows]?.send(octets, this.#options.to, PORT);
    this.#alarm.set(after(this.#startUs, this.#count * this.#options.intervalUs));
  }

  #heard(octets: Uint8Array): void {
    if (octets.length < 4) return;
    const row = new DataView(octets.buffer, octets.byteOffset, octets.byteLength).getUint32(0);
    if (row < this.#count) this.#isBack[row] = 1;
  }

  #widen(): void {
    const sentUs = new Float64Array(this.#count * 2);
    sentUs.set(this.#sentUs);
    const isBack = new Uint8Array(this.#count * 2);
    isBack.set(this.#isBack);
    this.#sentUs = sentUs;
    this.#isBack = isBack;
  }
}
