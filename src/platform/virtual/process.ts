import type { Micros } from "../../core/time.ts";
import type { Alarm, Clock } from "../contract.ts";
import { Scheduled, type Timeline } from "./timeline.ts";
import type { Place } from "./trace.ts";

/**
 * What runs on a host: one loop that is called for sockets, links and alarms. Its own faults are
 * here: frozen (SIGSTOP, a starved CPU, a long garbage collection) it is called for nothing while
 * the kernel goes on; thawed it reads what waited and only then hears its overdue alarms; killed it
 * is never called again and the kernel closes its sockets. What a kernel holds (routes, VLANs,
 * addresses) outlives it.
 */
export class Process {
  readonly name: string;
  readonly place: Place;
  readonly clock: Clock;
  readonly #timeline: Timeline;
  #state: "running" | "frozen" | "dead" = "running";
  readonly #waiting: (() => void)[] = [];
  #overdue: VirtualAlarm[] = [];
  readonly #resources = new Set<() => void>();

  constructor(name: string, place: Place, timeline: Timeline) {
    this.name = name;
    this.place = place;
    this.#timeline = timeline;
    this.clock = {
      now: () => timeline.now,
      createAlarm: (ring) => new VirtualAlarm(this, timeline, ring),
    };
  }

  get state(): "running" | "frozen" | "dead" {
    return this.#state;
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** Calls the process, now or when it thaws. For events only: never from inside a call of its. */
  post(run: () => void): void {
    if (this.#state === "running") run();
    else if (this.#state === "frozen") this.#waiting.push(run);
  }

  /** As `post`, as an event of its own: the way to answer a call without re-entering the caller. */
  postLater(run: () => void, delayUs = 0): void {
    this.#timeline.call(this.#timeline.now + delayUs, () => this.post(run));
  }

  freeze(): void {
    if (this.#state === "running") this.#become("frozen");
  }

  /** Reads at once what waited; overdue alarms ring behind it. */
  thaw(): void {
    if (this.#state !== "frozen") return;
    this.#become("running");
    while (this.isRunning && this.#waiting.length > 0) this.#waiting.shift()?.();
    const overdue = this.#overdue;
    this.#overdue = [];
    for (const alarm of overdue) this.#timeline.scheduleAlarm(alarm, this.#timeline.now);
  }

  /** Frozen for a while. */
  stall(durationUs: number): void {
    this.freeze();
    this.#timeline.call(this.#timeline.now + durationUs, () => this.thaw());
  }

  /** Ends it as SIGKILL does; the kernel closes what it had open, in the order it was opened. */
  kill(): void {
    if (this.#state === "dead") return;
    this.#become("dead");
    this.#waiting.length = 0;
    this.#overdue = [];
    for (const release of [...this.#resources]) release();
    this.#resources.clear();
  }

  /** Called when the process is killed, unless given back before. */
  own(release: () => void): { disown(): void } {
    this.#resources.add(release);
    return { disown: () => this.#resources.delete(release) };
  }

  /** An alarm is due: answers whether it may ring now. */
  mayRing(alarm: VirtualAlarm): boolean {
    if (this.#state === "frozen") this.#overdue.push(alarm);
    return this.#state === "running";
  }

  forgetOverdue(alarm: VirtualAlarm): void {
    const index = this.#overdue.indexOf(alarm);
    if (index >= 0) this.#overdue.splice(index, 1);
  }

  #become(state: "running" | "frozen" | "dead"): void {
    this.#state = state;
    this.#timeline.trace.note(this.#timeline.now, this.place, `process ${this.name} ${state}`);
  }
}

class VirtualAlarm extends Scheduled implements Alarm {
  readonly #process: Process;
  readonly #timeline: Timeline;
  readonly #ring: () => void;

  constructor(process: Process, timeline: Timeline, ring: () => void) {
    super();
    this.#process = process;
    this.#timeline = timeline;
    this.#ring = ring;
  }

  set(at: Micros | undefined): void {
    if (this.#process.state === "frozen") this.#process.forgetOverdue(this);
    if (at === undefined || this.#process.state === "dead") this.#timeline.cancel(this);
    else if (this.slot < 0 || this.at !== at) this.#timeline.scheduleAlarm(this, at);
  }

  run(): void {
    if (!this.#process.mayRing(this)) return;
    this.#timeline.trace.alarm(this.#timeline.now, this.#process.place);
    this.#ring();
  }
}
