/**
 * Numbered probe packets, both ways, at a fixed pace: what a drill's loss is counted with. One
 * prober sends from its end and hears at the other; rows are columns (`ProbeColumns`), so a long
 * drill stays small. It runs over any two hosts: the kernel's packets in a lab, simulated ones on
 * a virtual clock.
 */

import { after, type Micros } from "../../core/time.ts";
import type { Clock, Host, UdpSocket } from "../../platform/contract.ts";
import type { Traffic } from "../drill/drill.ts";
import {
  addressesOf,
  DIRECTIONS,
  endsOf,
  groupOfFlows,
  SINK_PORT,
  sourcePortOf,
} from "../drill/traffic.ts";
import type { Direction, ProbeColumns, ProbeRecord } from "./lab.ts";

/** By number of the flow, one of `Fate`; memory that threads share. */
export type FlowFates = Readonly<Record<Direction, Uint8Array>>;

/** As the last probe says that had its time to arrive. */
export const Fate = { Unknown: 0, Delivered: 1, Lost: 2 } as const;

/** Between the ends of a lab; a probe that is not there by then is taken to be lost. */
const TRANSIT_US_MAX = 20_000;

export class ProbePair {
  readonly #flows: number;
  readonly #probers: Readonly<Record<Direction, Prober>>;

  /** `hostOf`: the machine that has an address of the traffic. */
  constructor(traffic: Traffic, hostOf: (address: string) => Host) {
    this.#flows = traffic.flows;
    this.#probers = {
      "to-cloud": new Prober(traffic, hostOf, "to-cloud"),
      "to-edge": new Prober(traffic, hostOf, "to-edge"),
    };
  }

  start(): void {
    for (const prober of Object.values(this.#probers)) prober.start();
  }

  /** What becomes of each flow, in this memory from now on. */
  showFates(fates: FlowFates): void {
    for (const direction of DIRECTIONS) this.#probers[direction].showFates(fates[direction]);
  }

  /** No probe is sent any more; those on their way still count. */
  stopSending(): void {
    for (const prober of Object.values(this.#probers)) prober.stopSending();
  }

  record(): ProbeRecord {
    return {
      flows: this.#flows,
      directions: {
        "to-cloud": this.#probers["to-cloud"].columns(),
        "to-edge": this.#probers["to-edge"].columns(),
      },
    };
  }

  close(): void {
    for (const prober of Object.values(this.#probers)) prober.close();
  }
}

class Prober {
  readonly #traffic: Traffic;
  readonly #clock: Clock;
  /** Each flow is a source port of its own, so that ECMP spreads flows; all go to one port. */
  readonly #sources: { readonly socket: UdpSocket; readonly target: string }[] = [];
  readonly #sinks: readonly UdpSocket[];
  readonly #alarm;
  readonly #payload = new Uint8Array(8);
  #sentUs = new Float64Array(4096);
  #arrivedUs = new Float64Array(4096);
  #count = 0;
  #startUs: Micros | undefined;
  /** Sent before the last start: probes may pause, as in an hour with a failure here and there. */
  #startCount = 0;
  #fates: Uint8Array | undefined;

  constructor(traffic: Traffic, hostOf: (address: string) => Host, direction: Direction) {
    this.#traffic = traffic;
    const targets = addressesOf(traffic, direction === "to-cloud" ? "vpc" : "idc");
    this.#sinks = targets.map((localAddress) => {
      const { udp, clock } = hostOf(localAddress);
      const options = { localAddress, port: SINK_PORT, ttl: 64 };
      return udp.open(options, ({ octets }) => this.#heard(octets, clock.now()));
    });
    for (const [flow, group] of groupOfFlows(traffic).entries()) {
      const { source, destination } = endsOf(group, direction);
      const options = { localAddress: source, port: sourcePortOf(flow), ttl: 64 };
      const socket = hostOf(source).udp.open(options, () => undefined);
      this.#sources.push({ socket, target: destination });
    }
    this.#clock = hostOf(direction === "to-cloud" ? traffic.idc : traffic.vpc).clock;
    this.#alarm = this.#clock.createAlarm(() => this.#sendDue());
  }

  start(): void {
    this.#startUs = this.#clock.now();
    this.#startCount = this.#count;
    this.#sendDue();
  }

  showFates(fates: Uint8Array): void {
    this.#fates = fates;
  }

  stopSending(): void {
    this.#startUs = undefined;
    this.#alarm.set(undefined);
  }

  columns(): ProbeColumns {
    const flow = new Uint16Array(this.#count);
    for (let row = 0; row < this.#count; row += 1) flow[row] = row % this.#traffic.flows;
    return {
      count: this.#count,
      flow,
      sentUs: this.#sentUs.slice(0, this.#count),
      arrivedUs: this.#arrivedUs.slice(0, this.#count),
    };
  }

  close(): void {
    this.stopSending();
    for (const sink of this.#sinks) sink.close();
    for (const { socket } of this.#sources) socket.close();
  }

  /** Sends what is due, also what a late alarm has missed: the count per second stays true. */
  #sendDue(): void {
    if (this.#startUs === undefined) return;
    const now = this.#clock.now();
    const { intervalUs } = this.#traffic;
    const due = Math.floor((now - this.#startUs) / intervalUs) + 1;
    while (this.#count - this.#startCount < due) this.#send(now);
    this.#alarm.set(after(this.#startUs, (this.#count - this.#startCount) * intervalUs));
  }

  #send(now: Micros): void {
    const row = this.#count;
    if (row === this.#sentUs.length) {
      this.#sentUs = doubled(this.#sentUs);
      this.#arrivedUs = doubled(this.#arrivedUs);
    }
    this.#sentUs[row] = now;
    this.#count = row + 1;
    const payload = this.#payload;
    payload[0] = row >>> 24;
    payload[1] = row >>> 16;
    payload[2] = row >>> 8;
    payload[3] = row;
    const flow = row % this.#traffic.flows;
    if (this.#fates !== undefined) this.#fates[flow] = this.#fateOf(row, now);
    const source = this.#sources[flow];
    source?.socket.send(payload, source.target, SINK_PORT);
  }

  /** Of the probes of the same flow before `row`: the last one old enough to be judged. */
  #fateOf(row: number, now: Micros): number {
    const { flows } = this.#traffic;
    for (let earlier = row - flows; earlier >= this.#startCount; earlier -= flows) {
      if (now - (this.#sentUs[earlier] ?? now) < TRANSIT_US_MAX) continue;
      return this.#arrivedUs[earlier] === 0 ? Fate.Lost : Fate.Delivered;
    }
    return Fate.Unknown;
  }

  #heard(octets: Uint8Array, now: Micros): void {
    if (octets.length < 4) return;
    const high = ((octets[0] ?? 0) << 8) | (octets[1] ?? 0);
    const row = high * 0x1_0000 + (((octets[2] ?? 0) << 8) | (octets[3] ?? 0));
    if (row < this.#count && this.#arrivedUs[row] === 0) {
      this.#arrivedUs[row] = now;
    }
  }
}

function doubled(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(column.length * 2);
  wider.set(column);
  return wider;
}
