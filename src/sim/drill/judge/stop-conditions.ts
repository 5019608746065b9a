/**
 * Stop conditions (`abort`): what must not go on, whatever the drill is about. They are asked after
 * everything that happens; the first that has held for as long as it says breaks the drill off.
 */
import type { Lab } from "../../lab/lab.ts";
import type { SafetyReport } from "../../report/report.ts";
import type { LiveExpectation, StopCondition } from "../drill.ts";
import { DIRECTIONS } from "../traffic.ts";
import { stopText } from "../words.ts";
import type { Claims } from "./claims.ts";

/** Thrown where a drill is broken off. */
export class Tripped extends Error {
  readonly condition: StopCondition;

  constructor(condition: StopCondition) {
    super(stopText(condition));
    this.condition = condition;
  }
}

export class StopConditions {
  readonly #conditions: readonly StopCondition[];
  /** What each asks, by its place in the file; undefined where that is of lost flows. */
  readonly #expected: readonly (LiveExpectation | undefined)[];
  readonly #claims: Claims;
  readonly #lab: Lab;
  /** Since when a condition holds, by its place in the file. */
  readonly #since = new Map<number, number>();
  /** Since when a flow is lost. */
  readonly #lostSince = new Map<string, number>();
  #tripped: { readonly condition: StopCondition; readonly atUs: number } | undefined;

  constructor(conditions: readonly StopCondition[], claims: Claims, lab: Lab) {
    this.#conditions = conditions;
    this.#expected = conditions.map(({ claim }) =>
      claim.kind === "outage" ? undefined : { ...claim, withinUs: 0 },
    );
    this.#claims = claims;
    this.#lab = lab;
  }

  /** Until then, or until one trips, which is thrown. */
  async sleepUntil(at: Parameters<Lab["sleepUntil"]>[0]): Promise<void> {
    if (this.#conditions.length === 0) return this.#lab.sleepUntil(at);
    await this.waitFor(() => false, at);
  }

  /** As the lab's, or throws. */
  async waitFor(claim: () => boolean, deadline: Parameters<Lab["waitFor"]>[1]): Promise<boolean> {
    if (this.#conditions.length === 0) return this.#lab.waitFor(claim, deadline);
    const isMet = await this.#lab.waitFor(() => this.#trips() || claim(), deadline);
    if (this.#tripped !== undefined) throw new Tripped(this.#tripped.condition);
    return isMet;
  }

  report(zeroUs: number): SafetyReport["stopConditions"] {
    return this.#conditions.map((condition) => {
      const tripped = this.#tripped?.condition === condition ? this.#tripped : undefined;
      const atMs = tripped === undefined ? null : (tripped.atUs - zeroUs) / 1000;
      return { condition: stopText(condition), isTripped: tripped !== undefined, atMs };
    });
  }

  #trips(): boolean {
    const now = this.#lab.now();
    for (const [index, condition] of this.#conditions.entries()) {
      const since = this.#holdsSince(index, now);
      if (since === undefined || now - since < condition.forUs) continue;
      this.#tripped ??= { condition, atUs: now };
      return true;
    }
    return false;
  }

  #holdsSince(index: number, now: number): number | undefined {
    const expect = this.#expected[index];
    if (expect === undefined) return this.#longestSilence(now);
    if (!this.#claims.holds(expect)) {
      this.#since.delete(index);
      return undefined;
    }
    const since = this.#since.get(index) ?? now;
    this.#since.set(index, since);
    return since;
  }

  /** Since when the flow is lost that has been lost for longest. */
  #longestSilence(now: number): number | undefined {
    const fates = this.#lab.flowFates();
    let earliest: number | undefined;
    for (const direction of DIRECTIONS) {
      for (const [flow, { outcome }] of fates[direction].entries()) {
        const key = `${direction} ${flow}`;
        if (outcome === "delivered" || outcome === "not known yet") {
          this.#lostSince.delete(key);
          continue;
        }
        const since = this.#lostSince.get(key) ?? now;
        this.#lostSince.set(key, since);
        earliest = Math.min(earliest ?? since, since);
      }
    }
    return earliest;
  }
}
