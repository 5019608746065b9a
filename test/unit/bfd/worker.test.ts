import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import type { BfdEngine, BfdEngineHandler } from "../../../src/agent/bfd/engine.ts";
import { startWorkerBfdEngine } from "../../../src/agent/bfd/worker-engine.ts";
import type { BfdSessionView, BfdStateChange } from "../../../src/bfd/sessions/contract.ts";
import type { LogEvent } from "../../../src/core/log.ts";
import { MS, mirrored, SEC, sessionConfig } from "./harness.ts";

/** An engine in a worker, with what it told and a way to wait for it. */
class End implements BfdEngineHandler {
  readonly states: BfdStateChange[] = [];
  readonly logs: LogEvent[] = [];
  readonly failures: string[] = [];
  readonly engine: BfdEngine;
  #waiting: (() => void)[] = [];

  constructor(entry?: URL) {
    this.engine = startWorkerBfdEngine({ name: "test" }, entry)(this);
  }

  state(change: BfdStateChange): void {
    this.states.push(change);
    this.#told();
  }

  log(entry: LogEvent): void {
    this.logs.push(entry);
    this.#told();
  }

  failed(text: string): void {
    this.failures.push(text);
    this.#told();
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((told) => this.#waiting.push(told));
  }

  snapshot(): Promise<readonly BfdSessionView[]> {
    return new Promise((done) => this.engine.snapshot(done));
  }

  stop(): Promise<void> {
    return new Promise((done) => this.engine.stop(done));
  }

  #told(): void {
    for (const told of this.#waiting.splice(0)) told();
  }
}

const codeUrl = (code: string): URL => new URL(`data:text/javascript,${encodeURIComponent(code)}`);

t.test("two workers meet over real sockets, change timers and part in order", async (t) => {
  const config = sessionConfig({
    device: undefined,
    detectMult: 1,
    desiredMinTxIntervalUs: SEC,
    requiredMinRxIntervalUs: SEC,
    localAddress: "127.53.0.1",
    remoteAddress: "127.53.0.2",
  });
  const near = new End();
  const far = new End();
  t.teardown(() => Promise.all([near.stop(), far.stop()]));
  near.engine.configure([config]);
  far.engine.configure([mirrored(config)]);
  const isUp = ({ states }: End) => states.at(-1)?.to === "Up";
  await Promise.all([near.until(() => isUp(near)), far.until(() => isUp(far))]);
  t.match(near.logs[0], { event: "bfd.worker.started" });
  const fast = { ...config, desiredMinTxIntervalUs: 500 * MS, requiredMinRxIntervalUs: 500 * MS };
  near.engine.configure([fast]);
  far.engine.configure([mirrored(fast)]);
  let view: BfdSessionView | undefined;
  while (view?.detectionTimeUs !== 500 * MS || view.txIntervalUs !== 500 * MS) {
    await sleep(50);
    [view] = await near.snapshot();
    t.equal(view?.state, "Up", "while the polls go on");
  }
  t.match(view, { name: "s", discards: {}, remoteState: "Up" });
  near.engine.admin({ kind: "admin", session: "s", isDown: true });
  await far.until(() => far.states.at(-1)?.to === "Down");
  t.match(far.states.at(-1), { diag: 3, remoteState: "AdminDown" });
  const clock = Number(process.hrtime.bigint() / 1000n);
  t.ok(Math.abs((far.states.at(-1)?.at ?? 0) - clock) < 60_000_000, "one clock for all threads");
  await near.stop();
  t.same(near.failures, []);
  near.engine.configure([config]);
  t.same(await near.snapshot(), [], "an engine that is gone knows nothing");
  await near.stop();
});

t.test("a worker that dies is reported once, and everybody is answered", async (t) => {
  for (const [code, message] of [
    ["throw new Error('boom')", /boom/],
    ["process.exit(3)", /code 3/],
    ["", /ended with code 0/],
  ] as const) {
    const end = new End(codeUrl(code));
    const asked = end.snapshot();
    await end.until(() => end.failures.length > 0);
    t.same(await asked, []);
    await end.stop();
    t.equal(end.failures.length, 1);
    t.match(end.failures[0], message);
  }
});

t.test("a worker that cannot have its namespace says so", async (t) => {
  const failures: string[] = [];
  await new Promise<void>((done) => {
    startWorkerBfdEngine({ name: "test", netns: "no-such-namespace" })({
      state: () => {},
      log: () => {},
      failed: (text) => {
        failures.push(text);
        done();
      },
    });
  });
  t.match(failures[0], /no-such-namespace/);
});

t.test("a process may exit under a running worker", async (t) => {
  const engine = new URL("../../../src/agent/bfd/worker-engine.js", import.meta.url);
  const code = `import(${JSON.stringify(engine.href)}).then(({ startWorkerBfdEngine }) => {
    const log = () => setTimeout(() => process.exit(7), 100);
    startWorkerBfdEngine({ name: "test" })({ state() {}, log, failed() {} });
  })`;
  const child = spawnSync(process.execPath, ["-e", code]);
  t.equal(child.signal, null);
  t.equal(child.status, 7);
});
