import { parseDurationUs, US_PER_SEC } from "../../core/time.ts";
import type { FailbackConfig } from "./edge-config.ts";
import type { FailbackFile } from "./schema.ts";

/** `failover.failback` with its defaults; undefined is `immediate`. */
export function buildFailback(source: FailbackFile): FailbackConfig | undefined {
  if (source === "immediate") return undefined;
  const { soak, step, flaps = FLAPS_MAX, per } = source;
  return {
    soakUs: parseDurationUs(soak ?? "") ?? SOAK_US,
    stepUs: parseDurationUs(step ?? "") ?? STEP_US,
    flapsMax: flaps === "off" ? undefined : flaps,
    perUs: parseDurationUs(per ?? "") ?? FLAPS_PER_US,
  };
}

/** A line that was repaired is stable for a minute; one that fails four times a day is not. */
const SOAK_US = 60 * US_PER_SEC;
const STEP_US = 10 * US_PER_SEC;
const FLAPS_MAX = 4;
const FLAPS_PER_US = 86_400 * US_PER_SEC;
