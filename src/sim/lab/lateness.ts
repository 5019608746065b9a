/**
 * How late the machine is while a lab runs: a thread sleeps two milliseconds, again and again, and
 * keeps by how much it was woken too late, the worst of every tenth of a second. So does a timer in
 * the lab's own loop, where the cloud's routers live. A lab in real time is as punctual as these;
 * what it measured within such a moment says less about the edge.
 *
 * One file is both sides. They share memory, so that asking never waits for the thread.
 */
import { isMainThread, Worker, workerData } from "node:worker_threads";

const ROLE = "causeway-lateness";
const SLEEP_MS = 2;
const LOOP_MS = 10;
const BUCKET_US = 100_000;
/** Two hours; what comes later counts for the last. */
const BUCKETS = 72_000;
/** Sleeping itself is not exact. */
const PUNCTUAL_US = 1_500;

interface Shared {
  readonly role: typeof ROLE;
  readonly startUs: number;
  /** Worst lateness in microseconds by bucket. */
  readonly worst: Float32Array;
  /** 1: end. */
  readonly gate: Int32Array;
}

const nowUs = (): number => Number(process.hrtime.bigint() / 1000n);

export class LatenessWatch {
  readonly #shared: Shared = {
    role: ROLE,
    startUs: nowUs(),
    worst: new Float32Array(new SharedArrayBuffer(BUCKETS * 4)),
    gate: new Int32Array(new SharedArrayBuffer(4)),
  };
  readonly #worker = new Worker(new URL(import.meta.url), { workerData: this.#shared });

  readonly #timer: NodeJS.Timeout;
  #wokenUs = nowUs();

  constructor() {
    this.#worker.unref();
    this.#timer = setInterval(() => this.#woken(), LOOP_MS);
    this.#timer.unref();
  }

  /** The worst between two moments of the monotonic clock, in microseconds. */
  worstUs(fromUs: number, untilUs: number): number {
    const { startUs, worst } = this.#shared;
    const last = bucketAt(untilUs - startUs);
    let found = 0;
    for (let bucket = bucketAt(fromUs - startUs); bucket <= last; bucket += 1) {
      found = Math.max(found, worst[bucket] ?? 0);
    }
    return found;
  }

  #woken(): void {
    const fromUs = this.#wokenUs;
    this.#wokenUs = nowUs();
    note(this.#shared, fromUs, this.#wokenUs, LOOP_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    Atomics.store(this.#shared.gate, 0, 1);
    Atomics.notify(this.#shared.gate, 0);
  }
}

const bucketAt = (sinceUs: number): number =>
  Math.min(Math.max(0, Math.floor(sinceUs / BUCKET_US)), BUCKETS - 1);

/** A sleep over several buckets was late in all of them. */
function note({ startUs, worst }: Shared, fromUs: number, untilUs: number, sleepMs: number): void {
  const lateUs = untilUs - fromUs - sleepMs * 1000 - PUNCTUAL_US;
  if (lateUs <= 0) return;
  const last = bucketAt(untilUs - startUs);
  for (let bucket = bucketAt(fromUs - startUs); bucket <= last; bucket += 1) {
    worst[bucket] = Math.max(worst[bucket] ?? 0, lateUs);
  }
}

/** Sleeps until it is told to end. */
function watch(shared: Shared): void {
  for (;;) {
    const fromUs = nowUs();
    if (Atomics.wait(shared.gate, 0, 0, SLEEP_MS) !== "timed-out") return;
    note(shared, fromUs, nowUs(), SLEEP_MS);
  }
}

if (!isMainThread && workerData?.role === ROLE) watch(workerData as Shared);
