/**
 * How late the machine is while a lab runs: a thread sleeps two milliseconds, again and again, and
 * keeps by how much it was woken too late, the worst of every tenth of a second. A lab in real time
 * is as punctual as that; what it measured within such a moment says less about the edge.
 *
 * One file is both sides. They share memory, so that asking never waits for the thread.
 */
import { isMainThread, Worker, workerData } from "node:worker_threads";

const ROLE = "causeway-lateness";
const SLEEP_MS = 2;
const BUCKET_US = 100_000;
/** Two hours; what comes later counts for the last. */
const BUCKETS = 72_000;
/** Sleeping itself is not exact. */
const PUNCTUAL_US = 1_000;

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

  constructor() {
    this.#worker.unref();
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

  close(): void {
    Atomics.store(this.#shared.gate, 0, 1);
    Atomics.notify(this.#shared.gate, 0);
  }
}

const bucketAt = (sinceUs: number): number =>
  Math.min(Math.max(0, Math.floor(sinceUs / BUCKET_US)), BUCKETS - 1);

/** Sleeps until it is told to end. A sleep over several buckets was late in all of them. */
function watch({ startUs, worst, gate }: Shared): void {
  for (;;) {
    const fromUs = nowUs();
    if (Atomics.wait(gate, 0, 0, SLEEP_MS) !== "timed-out") return;
    const untilUs = nowUs();
    const lateUs = untilUs - fromUs - SLEEP_MS * 1000 - PUNCTUAL_US;
    if (lateUs <= 0) continue;
    const last = bucketAt(untilUs - startUs);
    for (let bucket = bucketAt(fromUs - startUs); bucket <= last; bucket += 1) {
      worst[bucket] = Math.max(worst[bucket] ?? 0, lateUs);
    }
  }
}

if (!isMainThread && workerData?.role === ROLE) watch(workerData as Shared);
