/** Ports, health checks, failover-test jobs and quotas as machines: time goes in as a number. */
import t from "tap";
import type { Machine } from "../../../../src/core/machine.ts";
import { type Micros, micros } from "../../../../src/core/time.ts";
import type { JobOrder } from "../../../../src/sim/cloud/deeds/deeds.ts";
import {
  FailoverJobs,
  type JobResource,
} from "../../../../src/sim/cloud/machines/failover-jobs.ts";
import { HealthCheck, type HealthEffect } from "../../../../src/sim/cloud/machines/health-check.ts";
import { Port, type PortEffect } from "../../../../src/sim/cloud/machines/port.ts";
import { beyondQuota } from "../../../../src/sim/cloud/tables/quota.ts";

const SEC = 1_000_000;

/** Runs one machine on a clock of its own; says what came out since the last call. */
function run<Input, Effect>(machine: Machine<Input, Effect>) {
  let now = micros(0);
  const say = (input: Input): Effect[] => {
    const out: Effect[] = [];
    machine.handle(input, now, out);
    return out;
  };
  const wait = (us: number): Effect[] => {
    const out: Effect[] = [];
    const end = (now + us) as Micros;
    for (let at = machine.nextDeadline(); at !== undefined && at <= end; ) {
      now = at;
      machine.expire(now, out);
      at = machine.nextDeadline();
    }
    now = end;
    return out;
  };
  return { say, wait };
}

t.test("port: a shut port is down at once, lost light after DownDelayTime", async (t) => {
  const port = run(new Port({ downDelayUs: 500_000, upDelayUs: 100_000 }));
  const isUp = (effects: readonly PortEffect[]) => effects.map((effect) => effect.isUp);
  t.same(isUp(port.say({ kind: "light", isOn: false })), []);
  t.same(isUp(port.wait(499_999)), []);
  t.same(isUp(port.wait(1)), [false]);
  t.same(isUp(port.say({ kind: "light", isOn: true })), []);
  t.same(isUp(port.wait(100_000)), [true]);
  t.same(isUp(port.say({ kind: "shut", reason: "job", isShut: true })), [false]);
  t.same(isUp(port.say({ kind: "light", isOn: false })), [], "it was down already");
  t.same(isUp(port.say({ kind: "shut", reason: "job", isShut: false })), []);
  t.same(isUp(port.wait(SEC)), [], "there is no light");
});

t.test("port: light that is lost and shut within the delay is down at once", async (t) => {
  const port = run(new Port({ downDelayUs: 500_000, upDelayUs: 0 }));
  port.say({ kind: "light", isOn: false });
  port.wait(100_000);
  t.match(port.say({ kind: "shut", reason: "deed", isShut: true }), [{ isUp: false }]);
  t.same(port.wait(SEC), [], "and not again");
});

t.test("health check: losses in a row fail it, answers in a row make it well", async (t) => {
  const check = new HealthCheck({ intervalUs: 2 * SEC, threshold: 3, recovery: 2 });
  const driven = run(check);
  const kinds = (effects: readonly HealthEffect[]) => effects.map(({ kind }) => kind);
  t.same(kinds(driven.say({ kind: "switch", isOn: true })), ["probe"]);
  t.same(kinds(driven.wait(6 * SEC)), ["probe", "probe", "probe"], "one every 2 s");
  const answer = (probe: number, isAnswered: boolean) =>
    kinds(driven.say({ kind: "answer", probe, isAnswered }));
  t.same([answer(1, false), answer(2, false), answer(3, true)], [[], [], []], "not in a row");
  t.same([answer(4, false), answer(4, false)], [[], []]);
  t.same(answer(4, false), ["failed"]);
  t.same(answer(4, false), [], "failed already");
  t.same([answer(4, true), answer(4, true)], [[], ["recovered"]]);
  t.equal(check.lossPercent, (6 / 4) * 100);
});

t.test("health check: answers to probes of before it was switched off do not count", async (t) => {
  const check = new HealthCheck({ intervalUs: 2 * SEC, threshold: 3, recovery: 2 });
  const driven = run(check);
  driven.say({ kind: "switch", isOn: true });
  driven.wait(4 * SEC);
  driven.say({ kind: "switch", isOn: false });
  t.same(driven.wait(60 * SEC), [], "no probes while it is off");
  driven.say({ kind: "switch", isOn: true });
  for (const probe of [1, 2, 3]) driven.say({ kind: "answer", probe, isAnswered: false });
  t.equal(check.isFailed, false);
});

const GOOD: JobResource = { region: "r1", status: "Enabled", businessStatus: "Normal" };

function jobs(change: Readonly<Record<string, Partial<JobResource>>> = {}) {
  const machine = new FailoverJobs({
    resourcesMax: 16,
    transitionUs: SEC,
    types: ["PHYSICALCONNECTION"],
    resource: (_, name) => (name.startsWith("pc") ? { ...GOOD, ...change[name] } : undefined),
  });
  const driven = run(machine);
  const order = (more: Partial<JobOrder> = {}): JobOrder => ({
    ...{ name: "a", region: "r1", resources: ["pc-1"], durationUs: 60 * SEC, isStartedNow: false },
    ...more,
  });
  const create = (more: Partial<JobOrder> = {}) => {
    return codeOf(driven.say({ kind: "create", order: order(more) }));
  };
  const say = (kind: "start" | "stop" | "delete", job: string) => {
    return codeOf(driven.say({ kind, job }));
  };
  return { machine, driven, create, say };
}

const codeOf = (effects: readonly { readonly kind: string; readonly fault?: unknown }[]) => {
  const refused = effects.find(({ kind }) => kind === "refused");
  return (refused?.fault as { readonly code: string } | undefined)?.code;
};

t.test("failover-test job: Init, Starting, Testing, Stopping, Stopped", async (t) => {
  const { machine, driven, create, say } = jobs();
  t.equal(create(), undefined);
  t.equal(machine.view()[0]?.state, "Init");
  t.same(driven.wait(3600 * SEC), [], "it waits until it is started");
  t.equal(say("stop", "a"), "IncorrectStatus.OnlyForTesting");
  t.equal(say("start", "a"), undefined);
  t.equal(say("start", "a"), "IncorrectStatus.OnlyForInit");
  t.equal(say("delete", "a"), "IncorrectStatus.OnlyForInitOrStopped");
  t.match(driven.wait(SEC), [
    { kind: "state", state: "Testing" },
    { kind: "shut", resource: "pc-1", isShut: true },
  ]);
  t.match(
    driven.wait(60 * SEC),
    [
      { kind: "state", state: "Stopping" },
      { kind: "shut", resource: "pc-1", isShut: false },
    ],
    "it stops by itself when its time is over",
  );
  t.match(driven.wait(SEC), [{ kind: "state", state: "Stopped" }]);
  t.equal(say("delete", "a"), undefined);
  t.equal(say("start", "a"), "IllegalParam.JobId");
});

t.test("failover-test job: stopped by hand before its time", async (t) => {
  const { driven, create, say } = jobs();
  create({ isStartedNow: true });
  driven.wait(10 * SEC);
  t.equal(say("stop", "a"), undefined);
  t.match(driven.wait(SEC), [{ kind: "state", state: "Stopped" }]);
  t.same(driven.wait(3600 * SEC), [], "nothing is left of its time");
});

t.test("failover-test job: what the vendor refuses, by its code", async (t) => {
  const { create, say } = jobs({
    "pc-3": { status: "Confirmed" },
    "pc-4": { businessStatus: "FinancialLocked" },
  });
  const many = Array.from({ length: 17 }, (_, index) => `pc-${index + 10}`);
  t.equal(create({ resources: many }), "EcFailoverTestJobExceedMaxResourceNum");
  t.equal(create({ durationUs: 30 * SEC }), "IllegalParam.JobDuration");
  t.equal(create({ durationUs: 4321 * 60 * SEC }), "IllegalParam.JobDuration");
  t.equal(create({ resources: ["vbr-1"] }), "IllegalParam.ResourceId");
  t.equal(create({ type: "BGPPEER", resources: ["p"] }), "IllegalParam.ResourceType");
  t.equal(create({ resources: ["pc-3"] }), "IncorrectStatus.ResourceId");
  t.equal(create({ resources: ["pc-4"] }), "IncorrectBusinessStatus.ResourceId");
  t.equal(create({ isStartedNow: true }), undefined);
  t.equal(create({ isStartedNow: true }), "Causeway.JobExists");
  t.equal(create({ name: "b", resources: ["pc-2"], isStartedNow: true }), "AnotherJobTesting");
  const shared = "EcFailoverTestJobResourceInAnotherProcessingJob";
  t.equal(create({ name: "b", isStartedNow: true }), shared);
  t.equal(create({ name: "b", resources: ["pc-2"] }), undefined, "later is allowed");
  t.equal(say("start", "b"), "AnotherJobTesting", "checked again at the start");
});

t.test("quota: the highest prefixes are beyond it", async (t) => {
  const prefixes = ["10.2.0.0/16", "9.0.0.0/8", "10.10.0.0/16", "10.2.0.0/24"];
  t.same(beyondQuota(prefixes, 4), []);
  t.same(beyondQuota(prefixes, 2), ["10.2.0.0/24", "10.10.0.0/16"]);
});
