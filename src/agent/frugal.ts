import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { trimMemory } from "../platform/linux/sys.ts";

/**
 * A start reads a schema, a file and a web framework once, and leaves behind a heap several times
 * the size of what stays in use; V8 and malloc would give it back after minutes, if at all. So the
 * young generation does not grow before the agent runs, and what the start left is collected
 * afterwards, and given back.
 */
export function beginFrugalStart(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

/** Worth a second call some seconds later: V8 hands pages back in the background. */
export function endFrugalStart(): void {
  setFlagsFromString("--semi-space-growth-factor=2");
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
  trimMemory();
}
