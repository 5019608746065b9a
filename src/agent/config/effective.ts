import { formatDurationUs, US_PER_SEC } from "../../core/time.ts";
import type { EdgeConfig } from "./edge-config.ts";
import { formatBandwidth } from "./units.ts";

/** Plain data: what JSON and YAML can say. */
export type Plain =
  | string
  | number
  | boolean
  | readonly Plain[]
  | { readonly [key: string]: Plain };

/**
 * The configuration in force as `/v1/config` shows it: defaults and profiles
 * filled in, quantities with their units, policies by name, secrets as `***`. What is not set is
 * left out. Safe to log, to send, and to attach to a ticket.
 */
export function effectiveConfig(config: EdgeConfig): { readonly [key: string]: Plain } {
  return plainObject(config);
}

function plainObject(value: object): { readonly [key: string]: Plain } {
  const plain: Record<string, Plain> = {};
  for (const [key, item] of Object.entries(value)) {
    const [name, shown] = plainEntry(key, item);
    if (shown !== undefined) plain[name] = shown;
  }
  return plain;
}

/** The unit moves from the end of the name into the value. */
function plainEntry(key: string, value: unknown): [name: string, value: Plain | undefined] {
  if (SECRET_KEYS.has(key)) return [key, value === undefined ? undefined : REDACTED];
  if (typeof value !== "number") return [key, plainOf(value)];
  const [, stem = key, unit = "", bound = ""] = /^(.*?)(Us|Sec|Bps)(Min|Max)?$/.exec(key) ?? [];
  switch (unit) {
    case "Us":
      return [stem + bound, formatDurationUs(value)];
    case "Sec":
      return [stem + bound, formatDurationUs(value * US_PER_SEC)];
    case "Bps":
      return [stem + bound, formatBandwidth(value)];
    default:
      return [key, value];
  }
}

function plainOf(value: unknown): Plain | undefined {
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "number") {
    return value;
  }
  if (Array.isArray(value)) return value.flatMap((item) => plainOf(item) ?? []);
  if (typeof value !== "object" || value === null) return undefined;
  if ("evaluate" in value && "name" in value) return String(value.name);
  if ("reveal" in value) return REDACTED;
  return plainObject(value);
}

/** Where secrets are, whatever form they have there. */
const SECRET_KEYS: ReadonlySet<string> = new Set(["md5Key", "secret"]);
const REDACTED = "***";
