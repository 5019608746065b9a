import { assert } from "../../core/assert.ts";
import { type Micros, micros } from "../../core/time.ts";
import { Trace } from "./trace.ts";

/**
 * Before an instant is known. No whole number, so that the engine takes the field for a double from
 * the first: it would have to compile everything again when times grow past 31 bits.
 */
const SOME_TIME = Number.NaN;

/** Something that happens at an instant. The three fields belong to the timeline. */
export abstract class Scheduled {
  at = SOME_TIME;
  order = SOME_TIME;
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
  /** Four branches a knot. */
  readonly #heap: Scheduled[] = [];

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
    return this.#heap.length;
  }

  /** The instant of the next event; Infinity where none waits. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
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
    const last = this.#heap.pop();
    if (last === undefined || last === event) return;
    this.#settle(last, slot);
  }

  /** Runs the next event; false where none waits. */
  step(): boolean {
    const event = this.#heap[0];
    if (event === undefined) return false;
    const { at } = event;
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
    event.at = Math.max(Math.ceil(at), this.#now);
    event.order = rank + this.#sequence;
    this.#sequence += 1;
    if (event.slot < 0) {
      this.#heap.push(event);
      this.#rise(event, this.#heap.length - 1);
    } else {
      this.#settle(event, event.slot);
    }
  }

  #settle(event: Scheduled, slot: number): void {
    if (this.#rise(event, slot) === slot) this.#sink(event, slot);
  }

  #rise(event: Scheduled, from: number): number {
    const heap = this.#heap;
    let slot = from;
    while (slot > 0) {
      const above = (slot - 1) >> 2;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[slot] = parent;
      parent.slot = slot;
      slot = above;
    }
    heap[slot] = event;
    event.slot = slot;
    return slot;
  }

  #sink(event: Scheduled, from: number): void {
    const heap = this.#heap;
    const size = heap.length;
    let slot = from;
    for (;;) {
      const first = slot * 4 + 1;
      let best = heap[first];
      if (best === undefined) break;
      let bestSlot = first;
      const end = Math.min(first + 4, size);
      for (let child = first + 1; child < end; child += 1) {
        const other = heap[child];
        if (other !== undefined && isBefore(other, best)) {
          best = other;
          bestSlot = child;
        }
      }
      if (isBefore(event, best)) break;
      heap[slot] = best;
      best.slot = slot;
      slot = bestSlot;
    }
    heap[slot] = event;
    event.slot = slot;
  }
}

const isBefore = (a: Scheduled, b: Scheduled): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);

/** Sequence numbers stay below it; orders stay exact in a double. */
const ALARM_RANK = 2 ** 52;
/** More events than this without time passing are a loop, not a simulation. */
const EVENTS_OF_INSTANT_MAX = 20_000_000;
