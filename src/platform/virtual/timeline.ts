import { assert } from "../../core/assert.ts";
import { type Micros, micros } from "../../core/time.ts";
import { Trace } from "./trace.ts";

/**
 * Before an instant is known. No whole number, so that the engine takes the field for a double from
 * the first: it would have to compile everything again when times grow past 31 bits.
 */
const SOME_TIME = Number.NaN;

/** Something that happens at an instant. The two fields belong to the timeline. */
export abstract class Scheduled {
  at = SOME_TIME;
  /** Where it is in the heap, −1 while it waits for nothing. */
  slot = -1;
  abstract run(): void;
}

/** A function as an event, to be scheduled again and again. */
export class Call extends Scheduled {
  readonly run: () => void;

  constructor(run: () => void) {
    super();
    this.run = run;
  }
}

/**
 * Virtual time: a queue of events on (instant, order) and the clock that jumps from one to the
 * next. Events of one instant run in the order they were scheduled, except that alarms run behind
 * everything else of their instant, so that a packet which arrives at a deadline is read before
 * the deadline is judged (contract, `Udp.open`). No event is ever in the past: what is scheduled
 * for an instant gone by happens now. Times are whole microseconds.
 */
export class Timeline {
  readonly trace = new Trace();
  #now = SOME_TIME;
  #sequence = 0;
  #eventsOfInstant = 0;
  #eventCount = 0;
  /** A heap of four branches a knot; instants and orders of its events lie beside it. */
  #heap: (Scheduled | undefined)[] = new Array(WAITING).fill(undefined);
  #ats = new Float64Array(WAITING);
  #orders = new Float64Array(WAITING);
  #size = 0;

  constructor() {
    this.#now = 0;
  }

  get now(): Micros {
    return micros(this.#now);
  }

  /** Events run since the beginning. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Events waiting. */
  get size(): number {
    return this.#size;
  }

  /** The instant of the next event; Infinity where none waits. */
  get nextAt(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#ats[0] ?? 0);
  }

  /** Schedules `event`, or moves it where it is scheduled already (behind its equals). */
  schedule(event: Scheduled, at: number): void {
    this.#place(event, at, 0);
  }

  /** As `schedule`, behind every other event of that instant. */
  scheduleAlarm(event: Scheduled, at: number): void {
    this.#place(event, at, ALARM_RANK);
  }

  /** Runs `run` at `at`. */
  call(at: number, run: () => void): Scheduled {
    const event = new Call(run);
    this.schedule(event, at);
    return event;
  }

  cancel(event: Scheduled): void {
    if (event.slot < 0) return;
    const slot = event.slot;
    event.slot = -1;
    this.#size -= 1;
    const end = this.#size;
    const last = this.#heap[end];
    this.#heap[end] = undefined;
    if (last === undefined || last === event) return;
    this.#settle(last, this.#ats[end] ?? 0, this.#orders[end] ?? 0, slot);
  }

  /** Runs the next event; false where none waits. */
  step(): boolean {
    const event = this.#heap[0];
    if (event === undefined) return false;
    const at = this.#ats[0] ?? 0;
    assert(at >= this.#now, "no event is in the past");
    if (at > this.#now) {
      this.#now = at;
      this.#eventsOfInstant = 0;
    }
    this.#eventsOfInstant += 1;
    assert(this.#eventsOfInstant < EVENTS_OF_INSTANT_MAX, "virtual time moves on");
    this.#eventCount += 1;
    this.cancel(event);
    event.run();
    return true;
  }

  /** Moves the clock on to `at` although nothing happens there. */
  idleUntil(at: number): void {
    assert(this.nextAt >= at, "no event is skipped");
    if (at > this.#now) {
      this.#now = at;
      this.#eventsOfInstant = 0;
    }
  }

  #place(event: Scheduled, at: number, rank: number): void {
    assert(!Number.isNaN(at), "an instant is a number");
    const due = Math.max(Math.ceil(at), this.#now);
    const order = rank + this.#sequence;
    this.#sequence += 1;
    event.at = due;
    if (event.slot < 0) {
      this.#size += 1;
      if (this.#size > this.#heap.length) this.#grow();
      this.#rise(event, due, order, this.#size - 1);
    } else {
      this.#settle(event, due, order, event.slot);
    }
  }

  #settle(event: Scheduled, at: number, order: number, slot: number): void {
    if (this.#rise(event, at, order, slot) === slot) this.#sink(event, at, order, slot);
  }

  #rise(event: Scheduled, at: number, order: number, from: number): number {
    let slot = from;
    while (slot > 0) {
      const above = (slot - 1) >> 2;
      if (this.#isBefore(above, at, order)) break;
      this.#move(above, slot);
      slot = above;
    }
    this.#put(event, at, order, slot);
    return slot;
  }

  #sink(event: Scheduled, at: number, order: number, from: number): void {
    const size = this.#size;
    let slot = from;
    for (let first = slot * 4 + 1; first < size; first = slot * 4 + 1) {
      let best = first;
      const end = Math.min(first + 4, size);
      for (let child = first + 1; child < end; child += 1) {
        const childAt = this.#ats[child] ?? 0;
        if (!this.#isBefore(best, childAt, this.#orders[child] ?? 0)) best = child;
      }
      if (!this.#isBefore(best, at, order)) break;
      this.#move(best, slot);
      slot = best;
    }
    this.#put(event, at, order, slot);
  }

  /** Whether what is in a slot comes before that instant and order, which no two events share. */
  #isBefore(slot: number, at: number, order: number): boolean {
    const slotAt = this.#ats[slot] ?? 0;
    return slotAt < at || (slotAt === at && (this.#orders[slot] ?? 0) < order);
  }

  #move(from: number, to: number): void {
    const event = this.#heap[from];
    if (event === undefined) return;
    this.#put(event, this.#ats[from] ?? 0, this.#orders[from] ?? 0, to);
  }

  #put(event: Scheduled, at: number, order: number, slot: number): void {
    this.#heap[slot] = event;
    this.#ats[slot] = at;
    this.#orders[slot] = order;
    event.slot = slot;
  }

  #grow(): void {
    const [ats, orders] = [this.#ats, this.#orders];
    this.#ats = new Float64Array(ats.length * 2);
    this.#orders = new Float64Array(ats.length * 2);
    this.#ats.set(ats);
    this.#orders.set(orders);
    this.#heap.length = this.#ats.length;
  }
}

/** Sequence numbers stay below it; orders stay exact in a double. */
const ALARM_RANK = 2 ** 52;
/** More events than this without time passing are a loop, not a simulation. */
const EVENTS_OF_INSTANT_MAX = 20_000_000;
const WAITING = 64;
