import type { MessagePort } from "node:worker_threads";
import type { LogEvent } from "../../core/log.ts";
import type { Micros } from "../../core/time.ts";
import type { RouteBatch, RouteGroup, RouteResult } from "../contract.ts";
import type { KernelFibOptions } from "./kernel-fib.ts";
import type { DumpedRoutes } from "./route-dump.ts";

/** What `thread-routes.ts` and its thread say to each other; `seq` joins question and answer. */
export type ToRoutesThread =
  | { readonly kind: "set"; readonly seq: number; readonly groups: readonly RouteGroup[] }
  | { readonly kind: "remove"; readonly seq: number; readonly ids: readonly number[] }
  | { readonly kind: "apply"; readonly seq: number; readonly batch: RouteBatch }
  | { readonly kind: "dump"; readonly seq: number }
  | { readonly kind: "flush" }
  | { readonly kind: "close" };

export type FromRoutesThread =
  | { readonly kind: "result"; readonly seq: number; readonly result: RouteResult }
  | { readonly kind: "dumped"; readonly seq: number; readonly dumped: DumpedRoutes }
  | { readonly kind: "log"; readonly entry: LogEvent; readonly at: Micros };

export interface RoutesThreadData {
  readonly netns: string | undefined;
  readonly options: KernelFibOptions;
  readonly port: MessagePort;
  /** Set to 1 and notified when the answer to `flush` is in the mail. */
  readonly gate: Int32Array<SharedArrayBuffer>;
}

/** The answer to `flush`, for which the other thread stands still. */
export const FLUSH_SEQ = 0;
