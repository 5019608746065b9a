/**
 * Plays a drill in a lab and judges it. The runner knows steps, claims and figures; it does not
 * know whether time is virtual. Whatever goes wrong before the first step is INCONCLUSIVE, not
 * FAIL: a drill that could not be set up says nothing about failover.
 */
import { after, type Micros, micros } from "../../core/time.ts";
import type { RulesEngine } from "../alerts/engine.ts";
import type { ScrapeLog } from "../alerts/scrape-log.ts";
import type { EvidenceKeeper } from "../evidence/keeper.ts";
import type { Lab, ProbeRecord } from "../lab/lab.ts";
import { whyNoRouters } from "../lab/virtual/other-routers.ts";
import { composeReport, type Judgement, lossOfDrill, type Records } from "../report/compose.ts";
import { type Deed, measureFaults, measureRepairs, settleDeeds } from "../report/measure.ts";
import type {
  AlertReport,
  CheckReport,
  DrillReport,
  SafetyReport,
  TimelineEntry,
} from "../report/report.ts";
import type { FlowSample } from "../report/routes.ts";
import { ms, signed } from "../report/units.ts";
import type { Drill, Expectation, LiveExpectation, Step } from "./drill.ts";
import { alertsEndUs, judgeAlert, type OpenClaim, reportAlerts } from "./judge/alert-claims.ts";
import { judgeAlways } from "./judge/always.ts";
import { Claims } from "./judge/claims.ts";
import { excused, figures, judgeBudgets } from "./judge/judge.ts";
import { StopConditions, Tripped } from "./judge/stop-conditions.ts";
import { claimText, describe, stopText, summary, timesText } from "./words.ts";

export interface RunOptions {
  readonly version: string;
  /** RFC 3339 */
  readonly startedAt: string;
  /** What only the caller knows of where the drill came from and what it runs on. */
  readonly header?: Pick<
    Judgement,
    "commit" | "configHash" | "sources" | "host" | "operator" | "approver"
  >;
  /** Called as things happen, for the terminal. */
  readonly progress: (entry: TimelineEntry) => void;
  readonly traceHash: () => string | null;
  /** Plays the same drill again, for `determinism`; answers with its hash. */
  readonly repeat?: () => Promise<string | null>;
  /** Says which alerts fire; without it what a drill claims of alerts is not judged. */
  readonly rulesEngine?: RulesEngine;
  /** Keeps the records behind the figures. */
  readonly evidence?: (records: Records) => DrillReport["evidence"];
  /** Called with the report before the lab is taken down; the lab stays up until it resolves. */
  readonly reported?: (report: DrillReport) => Promise<void>;
}

/** Where evidence is kept and the drill itself asks for no scrapes. */
const EVIDENCE_SCRAPE_US = 5_000_000;
const SETUP_US_MAX = 60_000_000;
/** Probes run this long before the first step, so that the report has a baseline. */
const BASELINE_US = 300_000;
/** And so long after the last step, for what came after. */
const AFTERMATH_US = 300_000;
/** Before a deed, in a lab: where every flow goes is asked then. */
const ASKING_US = 150_000;
const SETTLE_US = 500_000;
/** What the edge's process and its channel to a lab take on a machine with other work. */
const HEARING_US = 50_000;
/** So late a lab loses BFD and sessions by itself, and so long it takes to show. */
const BREAKING_US = 250_000;
const RECENT_US = 2_000_000;
/** A drill that was broken off waits so long for its own repairs. */
const ROLLBACK_US_MAX = 180_000_000;

export async function runDrill(drill: Drill, lab: Lab, options: RunOptions): Promise<DrillReport> {
  const run = new Run(drill, lab, options);
  try {
    const report = run.whyNot() ?? (await run.setUpAndPlay());
    await options.reported?.(report);
    return report;
  } finally {
    await lab.stop();
  }
}

class Run {
  readonly #drill: Drill;
  readonly #lab: Lab;
  readonly #options: RunOptions;
  readonly #deeds: Deed[] = [];
  readonly #checks: CheckReport[] = [];
  readonly #flowSamples: FlowSample[] = [];
  /** Claims about alerts, judged when the drill is over. */
  readonly #alertClaims: OpenClaim[] = [];
  #alerts: readonly AlertReport[] | undefined;
  #kept: EvidenceKeeper | undefined;
  /** Changes of the tables that the last sample of the flows knew. */
  #sampledCount = -1;
  readonly #startUs: Micros;
  readonly #claims: Claims;
  readonly #stops: StopConditions;
  #preChecks: readonly CheckReport[] = [];
  #rollback: SafetyReport["rollback"] = null;
  #zeroUs: Micros;
  /** When the last fault began. */
  #faultUs: Micros;

  constructor(drill: Drill, lab: Lab, options: RunOptions) {
    this.#drill = drill;
    this.#lab = lab;
    this.#options = options;
    this.#claims = new Claims(drill, lab);
    this.#stops = new StopConditions(drill.abort ?? [], this.#claims, lab);
    this.#startUs = lab.now();
    this.#zeroUs = this.#startUs;
    this.#faultUs = this.#startUs;
  }

  /** The report of a drill that asks for what this lab cannot do; nothing was started for it. */
  whyNot(): DrillReport | undefined {
    const noRouters = this.#lab.mode === "lab" ? whyNoRouters(this.#drill) : undefined;
    const ofSteps = this.#drill.steps.flatMap((step, index) => {
      const reason = step.do === "expect" ? undefined : this.#lab.whyNot(step);
      return reason === undefined ? [] : [`step ${index + 1}: this lab cannot ${reason}`];
    });
    const barred = noRouters === undefined ? ofSteps : [`this lab cannot ${noRouters}`, ...ofSteps];
    if (barred.length === 0) return undefined;
    return this.#unplayed(`everything can be done in ${this.#lab.substrate}`, barred.join("; "));
  }

  async setUpAndPlay(): Promise<DrillReport> {
    if (this.#options.evidence !== undefined) this.#kept = this.#lab.keepEvidence();
    await this.#lab.start();
    if (await this.isReady()) return this.play();
    const wanted = `every session up within ${ms(SETUP_US_MAX / 1000)}`;
    return this.#unplayed(wanted, this.#claims.missing() ?? "ready too late");
  }

  /** Every session up, every VPC prefix in the edge's FIB, a way back in the ECR's. */
  async isReady(): Promise<boolean> {
    const deadline = after(this.#lab.now(), SETUP_US_MAX);
    return this.#lab.waitFor(() => this.#claims.isReady(), deadline);
  }

  async play(): Promise<DrillReport> {
    const lab = this.#lab;
    lab.startProbes();
    this.#zeroUs = after(lab.now(), BASELINE_US);
    await lab.sleepUntil(this.#zeroUs);
    this.#claims.begin();
    this.#preChecks = this.#claims.preChecks();
    this.#faultUs = this.#zeroUs;
    this.#startScrapes();
    try {
      await this.#playSteps();
    } catch (cause) {
      if (!(cause instanceof Tripped)) throw cause;
      await this.#breakOff(cause);
    }
    this.#sampleFlows();
    const probes = await lab.stopProbes(SETTLE_US);
    await this.#judgeAlerts();
    if (this.#drill.always?.includes("determinism")) await this.#compareWithTwin();
    return this.#report(probes);
  }

  #startScrapes(): void {
    const { alerting } = this.#drill;
    const isKept = this.#options.evidence !== undefined;
    if (alerting !== undefined) this.#lab.startScrapes(alerting.intervalUs);
    else if (isKept) this.#lab.startScrapes(EVIDENCE_SCRAPE_US);
  }

  async #playSteps(): Promise<void> {
    const lab = this.#lab;
    for (const step of this.#drill.steps) {
      await this.#sampleBefore(step);
      await this.#perform(step);
    }
    await this.#stops.sleepUntil(micros(alertsEndUs(this.#alertClaims)));
    await this.#stops.sleepUntil(after(lab.now(), AFTERMATH_US));
    const left = this.#claims.left() ?? null;
    this.#rollback = {
      ...{ isByAbort: false, atMs: this.#sinceZeroMs(lab.now()) },
      ...{ tookMs: left === null ? 0 : null, isRestored: left === null, left },
    };
  }

  /** Everything is restored at once, and seen to be as before. */
  async #breakOff({ condition }: Tripped): Promise<void> {
    const lab = this.#lab;
    const begunUs = lab.now();
    const atMs = this.#sinceZeroMs(begunUs);
    lab.rollback();
    const touches = this.#drill.edge.circuits.map(({ name }) => name);
    const text = `broken off, everything is restored: ${stopText(condition)}`;
    const deed = { kind: "repair", text, circuit: undefined, touches, change: "announce" } as const;
    this.#deeds.push({ ...deed, begunUs, atUs: lab.now() });
    this.#options.progress({ atMs, lane: "drill", actor: "drill", event: "abort", text });
    const deadline = after(begunUs, ROLLBACK_US_MAX);
    await lab.waitFor(() => this.#claims.left() === undefined, deadline);
    const tookMs = (lab.now() - begunUs) / 1000;
    const left = this.#claims.left() ?? null;
    const isRestored = left === null;
    this.#rollback = {
      isByAbort: true,
      atMs,
      tookMs: isRestored ? tookMs : null,
      isRestored,
      left,
    };
    await lab.sleepUntil(after(lab.now(), AFTERMATH_US));
    const proof = isRestored ? `everything was as before after ${ms(tookMs)}` : `it left: ${left}`;
    this.#checks.push({
      check: "no stop condition",
      status: isRestored ? "inconclusive" : "fail",
      expected: "the drill is played to its end",
      observed: `${stopText(condition)} at ${signed(atMs)}; ${proof}`,
    });
  }

  #sinceZeroMs(us: number): number {
    return (us - this.#zeroUs) / 1000;
  }

  /** Prometheus' rules over what was scraped, and the claims about them. */
  async #judgeAlerts(): Promise<void> {
    const { alerting, edge } = this.#drill;
    const log = this.#lab.scrapes;
    if (alerting === undefined) return;
    const found = await this.#firedIn(log, alerting.rules.text, edge.name);
    for (const open of this.#alertClaims) {
      this.#checks.push(
        typeof found === "string" || log === undefined
          ? { ...open.check, status: "inconclusive", observed: String(found) }
          : judgeAlert(open, log, found),
      );
    }
    if (log !== undefined && typeof found !== "string") {
      this.#alerts = reportAlerts(log, found, this.#zeroUs);
    }
  }

  async #firedIn(log: ScrapeLog | undefined, rules: string, instance: string) {
    const { rulesEngine } = this.#options;
    if (rulesEngine === undefined) return "no rules engine was asked";
    if (log === undefined || log.series.length === 0) return "the edge's metrics were not read";
    return rulesEngine({ log, rules, instance });
  }

  async #compareWithTwin(): Promise<void> {
    const { repeat, traceHash } = this.#options;
    const twin = await repeat?.();
    const own = traceHash();
    const isSame = twin === own;
    const isUnsure = twin === undefined || twin === null || own === null;
    this.#checks.push({
      check: "always determinism",
      status: isUnsure ? "inconclusive" : isSame ? "pass" : "fail",
      expected: "the same seed gives the same trace",
      observed: isUnsure ? "not played twice" : isSame ? `${own} twice` : `${own}, then ${twin}`,
    });
  }

  /**
   * Asking a kernel stops the cloud's routers, which live in the lab's own process, for tens of
   * milliseconds: so only shortly before a deed, when they are at rest.
   */
  async #sampleBefore(step: Step): Promise<void> {
    if (this.#lab.mode === "lab") {
      if (step.do === "expect") return;
      const atUs = Math.max(0, step.atUs - ASKING_US);
      await this.#stops.sleepUntil(after(this.#zeroUs, atUs));
    }
    this.#sampleFlows();
  }

  /** Where every flow goes, asked again only where a table has changed. */
  #sampleFlows(): void {
    const { length } = this.#lab.routes.changes;
    if (length === this.#sampledCount) return;
    this.#sampledCount = length;
    this.#kept?.sampleRib();
    this.#flowSamples.push({ atUs: this.#lab.now(), circuits: this.#lab.flowCircuits() });
  }

  #unplayed(expected: string, observed: string): DrillReport {
    this.#checks.push({ check: "setup", status: "inconclusive", expected, observed });
    return this.#report(undefined);
  }

  async #perform(step: Step): Promise<void> {
    if (step.atUs !== undefined) await this.#stops.sleepUntil(after(this.#zeroUs, step.atUs));
    if (step.do === "expect") return this.#expect(step.expect);
    const begunUs = this.#lab.now();
    const words = describe(step, this.#drill.cloud);
    if (words.kind === "fault") {
      this.#claims.faultBegins();
      this.#faultUs = begunUs;
    }
    const deed: Deed = { ...words, begunUs, atUs: this.#lab.perform(step) };
    this.#deeds.push(deed);
    this.#options.progress({
      atMs: (deed.atUs - this.#zeroUs) / 1000,
      lane: "drill",
      actor: "drill",
      event: step.do,
      text: deed.text,
    });
  }

  async #expect(expect: Expectation): Promise<void> {
    if (expect.kind === "alert") {
      const check = { check: claimText(expect), expected: timesText(expect) };
      const [fromUs, faultUs] = [this.#lab.now(), this.#faultUs];
      this.#alertClaims.push({ claim: expect, fromUs, faultUs, check });
      return;
    }
    this.#claims.stepBegins();
    const from = this.#lab.now();
    const holds = () => this.#claims.holds(expect);
    const isMet = await this.#stops.waitFor(holds, after(from, expect.withinUs));
    const tookMs = (this.#lab.now() - from) / 1000;
    if (!isMet && (await this.#isMetLate(expect, from, holds))) return;
    const broke = isMet && expect.forUs !== undefined ? await this.#breaks(expect) : undefined;
    const isHeld = isMet && broke === undefined;
    const observed = isMet ? `after ${ms(tookMs)}` : `not after ${ms(tookMs)}`;
    const isTimed = isMet && broke === undefined && expect.withinUs > 0;
    this.#checks.push({
      check: claimText(expect),
      status: isHeld ? "pass" : "fail",
      expected: timesText(expect),
      observed: broke ?? (isMet ? observed : `${observed}${this.#claims.instead(expect)}`),
      ...this.#excuseOf(broke),
      ...(isTimed ? figures(tookMs, expect.withinUs / 1000, "ms") : {}),
    });
  }

  /** In a lab: a claim that came true too late by no more than machine or lab are late. */
  async #isMetLate(expect: Expectation, from: Micros, holds: () => boolean): Promise<boolean> {
    const lateUs = this.#lab.lateUs(from, this.#lab.now());
    if (lateUs === undefined) return false;
    const patienceUs = Math.max(lateUs, HEARING_US);
    if (!(await this.#lab.waitFor(holds, after(this.#lab.now(), patienceUs)))) return false;
    const tookText = `after ${ms((this.#lab.now() - from) / 1000)}`;
    this.#checks.push({
      ...{ check: claimText(expect), status: "inconclusive", expected: timesText(expect) },
      ...(lateUs > HEARING_US
        ? excused(tookText, lateUs / 1000)
        : { observed: `${tookText}, and a lab hears of it up to ${ms(HEARING_US / 1000)} late` }),
    });
    return true;
  }

  /** What broke while the cloud's routers stood still in this very process was theirs to break. */
  #excuseOf(broke: string | undefined) {
    const now = this.#lab.now();
    const lateUs = this.#lab.lateUs(micros(Math.max(0, now - RECENT_US)), now) ?? 0;
    return broke === undefined || lateUs < BREAKING_US ? {} : excused(broke, lateUs / 1000);
  }

  /** Watches a claim that holds for as long as it must; what happened where it did not. */
  async #breaks(expect: LiveExpectation): Promise<string | undefined> {
    const from = this.#lab.now();
    const isBroken = () => !this.#claims.holds(expect);
    if (!(await this.#stops.waitFor(isBroken, after(from, expect.forUs ?? 0)))) return undefined;
    return `no longer after ${ms((this.#lab.now() - from) / 1000)}${this.#claims.instead(expect)}`;
  }

  #report(probes: ProbeRecord | undefined): DrillReport {
    const records = this.#records(probes);
    const { drill } = records;
    const faults = measureFaults(records);
    const isPlayed = probes !== undefined && this.#rollback?.isByAbort !== true;
    const checks = [
      ...this.#checks,
      ...(isPlayed ? judgeBudgets(drill, faults, measureRepairs(records)) : []),
      ...(isPlayed ? judgeAlways(drill.always ?? [], records, faults) : []),
    ];
    const failed = checks.find((check) => check.status === "fail");
    const unsure = checks.find((check) => check.status === "inconclusive");
    const worst = failed ?? unsure;
    const evidence = this.#options.evidence?.(records);
    return composeReport(records, {
      ...(evidence === undefined ? {} : { evidence }),
      ...this.#options.header,
      mode: this.#lab.mode,
      substrate: this.#lab.substrate,
      version: this.#options.version,
      startedAt: this.#options.startedAt,
      durationMs: (this.#lab.now() - this.#startUs) / 1000,
      ...(records.lateUs && { lateMs: records.lateUs(records.zeroUs, records.endUs) / 1000 }),
      traceHash: this.#options.traceHash(),
      verdict: failed ? "FAIL" : unsure ? "INCONCLUSIVE" : "PASS",
      because: worst
        ? `${worst.check}: ${worst.observed}`
        : summary(faults, lossOfDrill(probes), checks.length),
      score: scoreOf(checks),
      // Virtual or CLOCK_MONOTONIC: every stamp is of one clock.
      clockOffsetMaxMs: 0,
      safety: {
        preChecks: this.#preChecks,
        stopConditions: this.#stops.report(this.#zeroUs),
        rollback: this.#rollback,
      },
      faults,
      checks,
    });
  }

  #lateness(): Pick<Records, "lateUs"> {
    const isWatched = this.#lab.lateUs(this.#startUs, this.#startUs) !== undefined;
    if (!isWatched) return {};
    return { lateUs: (from, until) => this.#lab.lateUs(micros(from), micros(until)) ?? 0 };
  }

  #records(probes: ProbeRecord | undefined): Records {
    return {
      drill: this.#drill,
      zeroUs: this.#zeroUs,
      endUs: this.#lab.now(),
      deeds: settleDeeds(this.#deeds, this.#lab.edgeJournal()),
      edge: this.#lab.edgeJournal(),
      cloud: this.#lab.cloudJournal(),
      probes,
      routeChanges: this.#lab.routes.changes,
      flowSamples: this.#flowSamples,
      watched: this.#lab.watched(),
      ...this.#lateness(),
      scrapes: this.#lab.scrapes,
      alerts: this.#alerts,
      kept: this.#kept,
      epochUs: Date.parse(this.#options.startedAt) * 1000 - this.#startUs,
    };
  }
}

/** Each check counts the same; one that could not be judged has not passed. */
function scoreOf(checks: readonly CheckReport[]): number {
  const passed = checks.filter(({ status }) => status === "pass").length;
  return checks.length === 0 ? 0 : Math.round((1000 * passed) / checks.length) / 10;
}
