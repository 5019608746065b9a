/** Monotonic time in microseconds since an arbitrary origin of the host; never wall-clock time. */
export type Micros = number & { readonly unit: "us" };

export const micros = (value: number): Micros => value as Micros;
export const after = (now: Micros, delayUs: number): Micros => (now + delayUs) as Micros;

export const US_PER_MS = 1_000;
export const US_PER_SEC = 1_000_000;

const UNIT_US: Readonly<Record<string, number>> = {
  us: 1,
  ms: US_PER_MS,
  s: US_PER_SEC,
  m: 60 * US_PER_SEC,
  h: 3600 * US_PER_SEC,
  d: 86_400 * US_PER_SEC,
};

/** Reads a written duration, `300ms`, `1.5s`, `5m`; a bare number has no unit and is refused. */
export function parseDurationUs(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)(us|ms|s|m|h|d)$/.exec(text.trim());
  if (found === null) return undefined;
  const unit = UNIT_US[found[2] ?? ""] ?? Number.NaN;
  const us = Number(found[1]) * unit;
  return Number.isSafeInteger(Math.round(us)) ? Math.round(us) : undefined;
}

/** The shortest exact text: 1500000 → `1.5s`, 300000 → `300ms`, 0 → `0s`. */
export function formatDurationUs(us: number): string {
  if (us >= US_PER_SEC || us === 0) return `${us / US_PER_SEC}s`;
  return us >= US_PER_MS ? `${us / US_PER_MS}ms` : `${us}us`;
}
