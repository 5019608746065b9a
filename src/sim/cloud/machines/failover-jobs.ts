/**
 * Failover-test jobs as a machine: Init → Starting → Testing → Stopping → Stopped. While one is
 * testing its connections are shut; it stops by itself when its time is over. What the vendor's API
 * refuses, this refuses with the same code.
 */
import { Deadlines } from "../../../core/deadlines.ts";
import type { Machine } from "../../../core/machine.ts";
import { after, type Micros, US_PER_SEC } from "../../../core/time.ts";
import type { BusinessStatus, ConnectionStatus, VbrStatus } from "../config/cloud-config.ts";
import type { DeedFault, JobOrder, JobResourceType } from "../deeds/deeds.ts";

export type JobState = "Init" | "Starting" | "Testing" | "Stopping" | "Stopped";

export interface JobView {
  readonly name: string;
  readonly region: string;
  readonly type: JobResourceType;
  readonly resources: readonly string[];
  readonly durationUs: number;
  readonly state: JobState;
  readonly startedAt: Micros | undefined;
  readonly stoppedAt: Micros | undefined;
}

export type JobInput =
  | { readonly kind: "create"; readonly order: JobOrder }
  | { readonly kind: "start" | "stop" | "delete"; readonly job: string };

export type JobEffect =
  | {
      readonly kind: "shut";
      readonly job: string;
      readonly type: JobResourceType;
      readonly resource: string;
      readonly isShut: boolean;
    }
  | { readonly kind: "state"; readonly job: string; readonly state: JobState }
  | { readonly kind: "refused"; readonly fault: DeedFault };

/** What a job has to know of a resource, asked at Create and again at Start. */
export interface JobResource {
  readonly region: string;
  /** Of the VBR, or that of the peer; undefined of a connection. */
  readonly vbrStatus?: VbrStatus | undefined;
  /** Of its connection. */
  readonly status: ConnectionStatus;
  readonly businessStatus: BusinessStatus;
}

export interface JobFacts {
  readonly resourcesMax: number;
  /** How long it is Starting, and Stopping. */
  readonly transitionUs: number;
  /** Others are refused; `PHYSICALCONNECTION` never is. */
  readonly types: readonly JobResourceType[];
  resource(type: JobResourceType, name: string): JobResource | undefined;
}

/** In minutes as the API has it. */
const JOB_MINUTES = { min: 1, max: 4320 } as const;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export class FailoverJobs implements Machine<JobInput, JobEffect> {
  readonly #facts: JobFacts;
  readonly #jobs = new Map<string, Mutable<JobView>>();
  readonly #deadlines = new Deadlines<string>();

  constructor(facts: JobFacts) {
    this.#facts = facts;
  }

  view(): readonly JobView[] {
    return [...this.#jobs.values()];
  }

  handle(input: JobInput, now: Micros, out: JobEffect[]): void {
    const fault =
      input.kind === "create" ? this.#create(input.order, now, out) : this.#change(input, now, out);
    if (fault !== undefined) out.push({ kind: "refused", fault });
  }

  expire(now: Micros, out: JobEffect[]): void {
    for (let name = this.#deadlines.takeDue(now); name !== undefined; ) {
      const job = this.#jobs.get(name);
      if (job !== undefined) this.#advance(job, now, out);
      name = this.#deadlines.takeDue(now);
    }
  }

  nextDeadline(): Micros | undefined {
    return this.#deadlines.next();
  }

  #create(order: JobOrder, now: Micros, out: JobEffect[]): DeedFault | undefined {
    const { name, region, type = "PHYSICALCONNECTION", resources, durationUs } = order;
    if (this.#jobs.has(name)) {
      return refuse("Causeway.JobExists", `there is a job "${name}" already`);
    }
    const minutes = durationUs / (60 * US_PER_SEC);
    if (!Number.isInteger(minutes) || minutes < JOB_MINUTES.min || minutes > JOB_MINUTES.max) {
      const range = `${JOB_MINUTES.min} to ${JOB_MINUTES.max} whole minutes`;
      return refuse("IllegalParam.JobDuration", `a job takes ${range}, not ${minutes}`);
    }
    const { resourcesMax, types } = this.#facts;
    if (!types.includes(type)) {
      return refuse("IllegalParam.ResourceType", `a job takes no ${type} here`);
    }
    if (resources.length === 0 || resources.length > resourcesMax) {
      const text = `a job takes 1 to ${resourcesMax} resources, not ${resources.length}`;
      return refuse("EcFailoverTestJobExceedMaxResourceNum", text);
    }
    const fault = this.#check({ type, region, resources });
    if (fault !== undefined) return fault;
    if (order.isStartedNow) {
      const busy = this.#busy(region, name, resources);
      if (busy !== undefined) return busy;
    }
    const job: Mutable<JobView> = {
      ...{ name, region, type, resources, durationUs, state: "Init" as const },
      startedAt: undefined,
      stoppedAt: undefined,
    };
    this.#jobs.set(name, job);
    if (order.isStartedNow) this.#start(job, now, out);
    else out.push({ kind: "state", job: name, state: "Init" });
    return undefined;
  }

  #change(
    { kind, job: wanted }: Exclude<JobInput, { readonly kind: "create" }>,
    now: Micros,
    out: JobEffect[],
  ): DeedFault | undefined {
    const job = this.#jobs.get(wanted);
    if (job === undefined) return refuse("IllegalParam.JobId", `there is no job "${wanted}"`);
    const { name, state } = job;
    if (kind === "delete") {
      if (state !== "Init" && state !== "Stopped") {
        return refuse("IncorrectStatus.OnlyForInitOrStopped", `${name} is ${state}`);
      }
      this.#jobs.delete(name);
      return undefined;
    }
    if (kind === "stop") {
      if (state !== "Testing") {
        return refuse("IncorrectStatus.OnlyForTesting", `${name} is ${state}`);
      }
      this.#stop(job, now, out);
      return undefined;
    }
    if (state !== "Init") return refuse("IncorrectStatus.OnlyForInit", `${name} is ${state}`);
    const fault = this.#check(job) ?? this.#busy(job.region, name, job.resources);
    if (fault === undefined) this.#start(job, now, out);
    return fault;
  }

  #check({ type, region, resources }: Asked): DeedFault | undefined {
    for (const name of resources) {
      const found = this.#facts.resource(type, name);
      if (found === undefined || found.region !== region) {
        const text = `there is no ${WORDS[type]} "${name}" in ${region}`;
        return refuse("IllegalParam.ResourceId", text);
      }
      const { vbrStatus = "active" } = found;
      if (vbrStatus !== "active") {
        return refuse("IncorrectStatus.ResourceId", `the VBR of ${name} is ${vbrStatus}`);
      }
      if (found.status !== "Enabled") {
        return refuse("IncorrectStatus.ResourceId", `${name} is ${found.status}, not Enabled`);
      }
      if (found.businessStatus !== "Normal") {
        const text = `${name} is ${found.businessStatus}, not Normal`;
        return refuse("IncorrectBusinessStatus.ResourceId", text);
      }
    }
    return undefined;
  }

  /** One running job a region, and one running job a resource. */
  #busy(region: string, name: string, resources: readonly string[]): DeedFault | undefined {
    for (const other of this.#jobs.values()) {
      if (other.name === name || !RUNNING.has(other.state)) continue;
      const shared = other.resources.find((one) => resources.includes(one));
      if (shared !== undefined) {
        const text = `${shared} is in the running job ${other.name}`;
        return refuse("EcFailoverTestJobResourceInAnotherProcessingJob", text);
      }
      if (other.region === region) {
        return refuse("AnotherJobTesting", `${other.name} is running in ${region}`);
      }
    }
    return undefined;
  }

  #start(job: Mutable<JobView>, now: Micros, out: JobEffect[]): void {
    this.#enter(job, "Starting", out);
    job.startedAt = now;
    this.#deadlines.arm(job.name, after(now, this.#facts.transitionUs));
  }

  #stop(job: Mutable<JobView>, now: Micros, out: JobEffect[]): void {
    this.#enter(job, "Stopping", out);
    this.#shut(job, false, out);
    this.#deadlines.arm(job.name, after(now, this.#facts.transitionUs));
  }

  #advance(job: Mutable<JobView>, now: Micros, out: JobEffect[]): void {
    if (job.state === "Starting") {
      this.#enter(job, "Testing", out);
      this.#shut(job, true, out);
      this.#deadlines.arm(job.name, after(now, job.durationUs));
    } else if (job.state === "Testing") {
      this.#stop(job, now, out);
    } else if (job.state === "Stopping") {
      job.stoppedAt = now;
      this.#enter(job, "Stopped", out);
    }
  }

  #shut({ name: job, type, resources }: JobView, isShut: boolean, out: JobEffect[]): void {
    for (const resource of resources) out.push({ kind: "shut", job, type, resource, isShut });
  }

  #enter(job: Mutable<JobView>, state: JobState, out: JobEffect[]): void {
    job.state = state;
    out.push({ kind: "state", job: job.name, state });
  }
}

type Asked = Pick<JobView, "type" | "region" | "resources">;

const WORDS: Readonly<Record<JobResourceType, string>> = {
  PHYSICALCONNECTION: "physical connection",
  VIRTUALBORDERROUTER: "VBR",
  BGPPEER: "BGP peer",
};

const RUNNING: ReadonlySet<JobState> = new Set(["Starting", "Testing", "Stopping"]);

const refuse = (code: string, text: string): DeedFault => ({ code, text });
