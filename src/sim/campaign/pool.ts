import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import type { Run } from "./campaign.ts";
import type { Answer, Task } from "./worker.ts";

/** Plays runs; as many at a time as it has threads. */
export interface Pool {
  readonly threads: number;
  play(run: Run): Promise<Answer>;
  close(): Promise<void>;
}

export const defaultParallel = (): number => availableParallelism();

export function openPool(threads: number, version: string): Pool {
  const piscina = new Piscina<Task, Answer>({
    filename: new URL("./worker.js", import.meta.url).href,
    name: "play",
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1,
  });
  return {
    threads,
    play: ({ variant: { files, digest }, seed }) => piscina.run({ files, digest, seed, version }),
    close: () => piscina.destroy(),
  };
}
