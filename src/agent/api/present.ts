import { Afi } from "../../core/address.ts";
import { AppError } from "../../core/app-error.ts";
import type { Micros } from "../../core/time.ts";
import type { AgentView } from "../view.ts";
import type { Stamp } from "./schemas.ts";

/** The asked-for thing is not there, or the question makes no sense: told by value of `status`. */
export class ApiError extends AppError {
  override readonly name = "ApiError";
  readonly status: 400 | 404 | 409 | 504;
  readonly nearest: readonly string[];

  constructor(
    status: 400 | 404 | 409 | 504,
    code: string,
    message: string,
    nearest: readonly string[] = [],
  ) {
    super(code, message);
    this.status = status;
    this.nearest = nearest;
  }
}

/** A moment of the monotonic clock, for people and for machines. */
export const stampOf = (view: AgentView, at: Micros): Stamp => stampMs(view.wallMs(at));

export const stampMs = (wallMs: number): Stamp => {
  return { time: new Date(wallMs).toISOString(), ms: wallMs };
};

export const nowOf = (view: AgentView): Stamp => stampOf(view, view.now());

export const familyName = (afi: number): string =>
  afi === Afi.Ipv4 ? "ipv4" : afi === Afi.Ipv6 ? "ipv6" : `afi-${afi}`;

/** An unsigned 32-bit identifier as people write it. */
export const dottedQuad = (value: number): string =>
  [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");

/** Names that look like what was asked for, best first. */
export function nearestNames(asked: string, names: readonly string[]): string[] {
  const word = asked.toLowerCase();
  const scored = names.map((name) => ({ name, distance: editDistance(word, name.toLowerCase()) }));
  return scored
    .filter(({ name, distance }) => distance <= 2 || name.toLowerCase().startsWith(word))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
