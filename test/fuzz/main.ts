/**
 * `npm run fuzz`: cases one after the other in a worker, while this thread watches that each of
 * them ends and that the heap does not grow. Arguments: minutes and first seed, `-` to draw one.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { generate } from "./generate.ts";
import { fuzzOne, Soak, save, vectorsOf } from "./session-fuzz.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const HANG_MS = 60_000;
const CASES_PER_SAMPLE = 500;
/** Growth of the heap from an early sample to the end, beyond which something is kept. */
const GROWTH_OCTETS_MAX = 32 << 20;

interface Report {
  readonly seed: number;
  readonly saved?: string;
  readonly fault?: string;
  readonly heapOctets?: number;
}

if (isMainThread) watch(process.argv.slice(2));
else work(workerData as number);

function work(first: number): void {
  const vectors = vectorsOf(root);
  let soak = new Soak();
  for (let seed = first; ; seed += 1) {
    const endured = soak.play(seed, vectors);
    if (endured !== undefined) soak = new Soak();
    for (const finding of [fuzzOne(seed, vectors), endured]) {
      if (finding === undefined) continue;
      report({ seed, saved: save(root, finding), fault: finding.fault });
    }
    if ((seed - first) % CASES_PER_SAMPLE === CASES_PER_SAMPLE - 1) {
      globalThis.gc?.();
      report({ seed, heapOctets: process.memoryUsage().heapUsed });
    } else if (seed % 10 === 0) report({ seed });
  }
}

function report(what: Report): void {
  parentPort?.postMessage(what);
}

function watch([minutesText = "5", seedText = "-"]: readonly string[]): void {
  const minutes = Number(minutesText);
  const first = seedText === "-" ? Date.now() % 1_000_000_000 : Number(seedText);
  console.log(`fuzzing for ${minutes} min from seed ${first}`);
  const worker = new Worker(new URL(import.meta.url), { workerData: first });
  const heaps: number[] = [];
  let last = first;
  let findings = 0;
  const end = (sentence: string, code: number) => {
    console.log(`${last - first + 1} cases, ${findings} findings; ${sentence}`);
    process.exit(code);
  };
  const onHang = () => {
    const suspects = Array.from({ length: 12 }, (_, index) => last + 1 + index);
    for (const seed of suspects) {
      save(root, {
        seed,
        fault: "may be the one that hangs",
        case: generate(seed, vectorsOf(root)),
      });
    }
    end(`no end within ${HANG_MS / 1000} s after seed ${last}; the next cases are saved`, 1);
  };
  let watchdog = setTimeout(onHang, HANG_MS);
  worker.on("message", ({ seed, saved, fault, heapOctets }: Report) => {
    last = seed;
    clearTimeout(watchdog);
    watchdog = setTimeout(onHang, HANG_MS);
    if (saved !== undefined) {
      findings += 1;
      console.log(`${saved}\n${fault}`);
    }
    if (heapOctets !== undefined) heaps.push(heapOctets);
  });
  worker.on("error", (error) => end(`the fuzzer itself failed: ${error.stack}`, 3));
  setTimeout(() => {
    const [, early = 0] = heaps;
    const grown = heaps.length < 4 ? 0 : Math.min(...heaps.slice(-2)) - early;
    const sentence = `heap ${Math.round(grown / 1024)} KiB from its second sample to its last`;
    end(sentence, findings > 0 || grown > GROWTH_OCTETS_MAX ? 1 : 0);
  }, minutes * 60_000);
}
