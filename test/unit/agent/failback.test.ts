/** The way back of a circuit: the table, the machine's properties, and what operators may order. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import t from "tap";
import type { FailbackConfig } from "../../../src/agent/config/edge-config.ts";
import {
  Failback,
  type FailbackEffect,
  type FailbackInput,
} from "../../../src/agent/failback/machine.ts";
import {
  FAILBACK_EVENTS,
  FAILBACK_PHASES,
  FAILBACK_TABLE,
  formatFailbackTable,
  nextPhase,
} from "../../../src/agent/failback/table.ts";
import type { Avoidance } from "../../../src/bgp/rib/contract.ts";
import { micros, US_PER_SEC } from "../../../src/core/time.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..");

const RULE: FailbackConfig = {
  soakUs: 60 * US_PER_SEC,
  stepUs: 10 * US_PER_SEC,
  flapsMax: 3,
  perUs: 3_600 * US_PER_SEC,
};
const CIRCUITS = ["c1", "c2", "c3"] as const;
const SHUTDOWN: Avoidance = { isShutdownAnnounced: true, prependCount: 3 };
const PREPENDED: Avoidance = { isShutdownAnnounced: false, prependCount: 3 };

const configured = (rule: FailbackConfig | undefined = RULE): FailbackInput => ({
  ...{ kind: "configure", rule, insiders: ["other-edge"] },
  members: CIRCUITS.map((circuit) => {
    return { session: circuit, circuit, family: "ipv4", isInMaintenance: false };
  }),
});

/** A machine with a clock moved by hand; `asked` is what both ends are asked to avoid now. */
function rig(rule: FailbackConfig | undefined = RULE) {
  const machine = new Failback();
  let now = 0;
  const asked = new Map<string, Avoidance | undefined>();
  const effects: FailbackEffect[] = [];
  const take = (run: (out: FailbackEffect[]) => void) => {
    const out: FailbackEffect[] = [];
    run(out);
    for (const effect of out) {
      if (effect.kind === "avoid") asked.set(effect.session, effect.avoidance);
    }
    effects.push(...out);
    return out;
  };
  const give = (input: FailbackInput) => take((out) => machine.handle(input, micros(now), out));
  const advance = (us: number) => {
    const end = now + us;
    for (let due = machine.nextDeadline(); due !== undefined && due <= end; ) {
      now = Math.max(now, due);
      take((out) => machine.expire(micros(now), out));
      due = machine.nextDeadline();
    }
    now = end;
  };
  const up = (session: string) => give({ kind: "up", session });
  const down = (session: string, isFailure = true) =>
    give({ kind: "down", session, isFailure, text: "BFD Down" });
  const view = (session: string) => machine.view(session, micros(now));
  const phases = () => CIRCUITS.map((name) => view(name)?.phase);
  give(configured(rule));
  return { machine, asked, effects, give, advance, up, down, view, phases, now: () => now };
}

/** c1 failed and is up again, c2 never failed; c3 is not there. */
function soaking() {
  const all = rig();
  all.up("c1");
  all.up("c2");
  all.down("c1");
  all.up("c1");
  return all;
}

t.test("failback: the table names every phase and every event", async (t) => {
  for (const on of FAILBACK_EVENTS) {
    t.ok(
      FAILBACK_PHASES.some((from) => nextPhase(from, on) !== from),
      `${on} does something`,
    );
  }
  for (const to of FAILBACK_PHASES) {
    t.ok(
      FAILBACK_TABLE.some((row) => row.to === to),
      `a row leads to ${to}`,
    );
  }
  for (const from of FAILBACK_PHASES) {
    for (const on of FAILBACK_EVENTS) {
      const rows = FAILBACK_TABLE.filter((row) => row.on === on && row.from.includes(from));
      t.ok(rows.length <= 1, `${from}, ${on}: one answer`);
    }
  }
});

t.test("failback: docs/failback.md prints the table that runs", async (t) => {
  const file = join(root, "docs", "failback.md");
  const page = readFileSync(file, "utf8");
  const [before, rest] = page.split("<!-- table -->\n");
  const after = rest?.split("\n<!-- /table -->")[1];
  const wanted = `${before}<!-- table -->\n${formatFailbackTable()}\n<!-- /table -->${after}`;
  if (process.env.UPDATE_DOCS === "1") writeFileSync(file, wanted);
  t.equal(page, wanted, "run this test with UPDATE_DOCS=1 after changing the table");
});

t.test("failback: a first start does not soak", async (t) => {
  const { up, phases, asked } = rig();
  for (const name of CIRCUITS) up(name);
  t.same(phases(), ["in-use", "in-use", "in-use"]);
  t.same([...asked.values()], []);
});

t.test("failback: soak, one step, in use; both ends are told each time", async (t) => {
  const { advance, asked, phases, view } = soaking();
  t.same(phases(), ["soaking", "in-use", "in-use"]);
  t.same(asked.get("c1"), SHUTDOWN);
  t.match(view("c1"), { failure: "BFD Down", failures: 1, isAvoided: true, until: 60_000_000 });
  advance(RULE.soakUs - 1);
  t.same(phases()[0], "soaking");
  advance(1);
  t.same(phases()[0], "returning");
  t.same(asked.get("c1"), PREPENDED);
  advance(RULE.stepUs);
  t.same(phases()[0], "in-use");
  t.equal(asked.get("c1"), undefined);
  t.match(view("c1"), { failure: undefined, isAvoided: false, until: undefined });
});

t.test("failback: a failure while it soaks or returns begins the soak anew", async (t) => {
  for (const us of [RULE.soakUs - 1, RULE.soakUs + 1]) {
    const { advance, down, up, phases, asked } = soaking();
    advance(us);
    down("c1");
    t.same(phases()[0], "out");
    t.same(asked.get("c1"), SHUTDOWN);
    up("c1");
    advance(RULE.soakUs - 1);
    t.same(phases()[0], "soaking");
  }
});

t.test("failback: what we ended ourselves is no failure", async (t) => {
  const { down, up, phases, view, advance } = soaking();
  down("c2", false);
  up("c2");
  t.same(phases(), ["soaking", "in-use", "in-use"]);
  advance(RULE.soakUs / 2);
  down("c1", false);
  up("c1");
  t.match(view("c1"), { phase: "soaking", failures: 1, until: RULE.soakUs * 1.5 });
});

t.test("failback: nothing soaks while nothing else is up", async (t) => {
  const { down, up, asked, phases, view, effects, advance } = soaking();
  down("c2");
  t.equal(asked.get("c1"), undefined, "used at once");
  t.match(view("c1"), { phase: "soaking", isNeeded: true });
  t.match(effects.at(-1), { kind: "avoid", session: "c2" }, "opened before the other is closed");
  up("c2");
  t.same(asked.get("c2"), SHUTDOWN, "whoever comes second soaks");
  t.equal(asked.get("c1"), undefined, "and the first stays in use");
  advance(RULE.soakUs);
  t.same(phases(), ["in-use", "returning", "in-use"], "no step for who carries traffic anyway");
  advance(RULE.stepUs);
  t.same(phases(), ["in-use", "in-use", "in-use"]);
});

t.test(
  "failback: when all were lost the first one back is used from its first route",
  async (t) => {
    const { down, up, asked } = soaking();
    down("c2");
    down("c1");
    t.equal(asked.get("c1"), undefined);
    t.equal(asked.get("c2"), undefined);
    up("c2");
    t.equal(asked.get("c2"), undefined);
    t.same(asked.get("c1"), SHUTDOWN, "the other one will soak");
  },
);

t.test("failback: an edge inside our AS may have the better way", async (t) => {
  const { down, up, asked } = soaking();
  up("other-edge");
  down("c2");
  t.same(asked.get("c1"), SHUTDOWN, "LOCAL_PREF 0 is used where nobody else has the prefix");
  down("other-edge");
  t.equal(asked.get("c1"), undefined);
});

t.test("failback: too many failures hold a circuit until a person releases it", async (t) => {
  const { down, up, advance, phases, view, asked, give } = soaking();
  down("c1");
  up("c1");
  down("c1");
  t.match(view("c1"), { phase: "held", failures: 3 });
  up("c1");
  advance(RULE.perUs * 100);
  t.same(phases()[0], "held");
  t.same(asked.get("c1"), SHUTDOWN);
  give({ kind: "release", circuit: "c1" });
  t.match(view("c1"), { phase: "soaking", failures: 0 });
  advance(RULE.soakUs + RULE.stepUs);
  t.same(phases()[0], "in-use");
});

t.test("failback: failures further apart than `per` hold nothing", async (t) => {
  const { down, up, advance, phases } = soaking();
  for (let count = 0; count < 10; count += 1) {
    advance(RULE.perUs / 2);
    down("c1");
    up("c1");
    t.same(phases()[0], "soaking");
  }
});

t.test("failback: a held circuit carries traffic while nothing else is up", async (t) => {
  const { down, up, asked, advance, view } = soaking();
  for (const _ of [1, 2]) {
    down("c1");
    up("c1");
  }
  t.equal(view("c1")?.phase, "held");
  down("c2");
  t.match(view("c1"), { phase: "held", isNeeded: true, isAvoided: false });
  up("c2");
  t.match(view("c2"), { phase: "soaking", isAvoided: true }, "traffic is not moved to and fro");
  advance(RULE.soakUs + RULE.stepUs);
  t.match(view("c2"), { phase: "in-use", isAvoided: false });
  t.same(asked.get("c1"), SHUTDOWN, "and out again");
});

t.test("failback: drain and undrain", async (t) => {
  const { up, give, view, advance, phases } = rig();
  up("c1");
  up("c2");
  give({ kind: "drain", circuit: "c1", isOn: true });
  t.match(view("c1"), { phase: "in-use", isDrained: true, isAvoided: true });
  give({ kind: "drain", circuit: "c1", isOn: false });
  t.same(phases()[0], "returning", "in steps, without a soak");
  advance(RULE.stepUs);
  t.match(view("c1"), { phase: "in-use", isDrained: false, isAvoided: false });
});

t.test("failback: off, and switched off while circuits wait", async (t) => {
  const { down, up, asked } = rig({ ...RULE, soakUs: 0, stepUs: 0 });
  up("c1");
  up("c2");
  down("c1");
  up("c1");
  t.same(asked.get("c1"), SHUTDOWN);
  const { give, phases, asked: then } = soaking();
  give({ ...configured(), rule: undefined } as FailbackInput);
  t.same(phases(), ["in-use", "in-use", "in-use"]);
  t.equal(then.get("c1"), undefined);
});

type Deed =
  | { readonly kind: "up" | "down" | "ended" | "release"; readonly name: string }
  | { readonly kind: "wait"; readonly us: number };

const anyDeed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("up"), name: fc.constantFrom(...CIRCUITS) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("down"), name: fc.constantFrom(...CIRCUITS) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("ended"), name: fc.constantFrom(...CIRCUITS) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("release"), name: fc.constantFrom(...CIRCUITS) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("wait"),
      us: fc.integer({ min: 0, max: 90 * US_PER_SEC }),
    }),
  },
) as fc.Arbitrary<Deed>;

/** What the promises are judged by, kept beside the machine and never asked of it. */
interface Witness {
  isUp: boolean;
  upAt: number;
  /** Failed, and not in use since. */
  mustSoak: boolean;
  failedAt: number[];
  isHeld: boolean;
}

t.test("failback: any history keeps the promises", async (t) => {
  fc.assert(
    fc.property(fc.array(anyDeed, { maxLength: 120 }), (deeds) => {
      const all = rig();
      const witness = new Map<string, Witness>(
        CIRCUITS.map((name) => {
          return [name, { isUp: false, upAt: 0, mustSoak: false, failedAt: [], isHeld: false }];
        }),
      );
      for (const deed of deeds) {
        play(all, witness, deed);
        judge(all, witness);
      }
    }),
    { numRuns: 400 },
  );
  t.pass("400 histories");
});

type Rig = ReturnType<typeof rig>;

function play(all: Rig, witness: Map<string, Witness>, deed: Deed): void {
  if (deed.kind === "wait") {
    all.advance(deed.us);
    return;
  }
  const one = witness.get(deed.name);
  if (one === undefined) return;
  if (deed.kind === "release") {
    all.give({ kind: "release", circuit: deed.name });
    if (one.isHeld) Object.assign(one, { isHeld: false, failedAt: [], upAt: all.now() });
    return;
  }
  const isUp = deed.kind === "up";
  if (one.isUp === isUp) return;
  one.isUp = isUp;
  if (isUp) {
    all.up(deed.name);
    one.upAt = all.now();
    return;
  }
  all.down(deed.name, deed.kind === "down");
  if (deed.kind === "ended") return;
  one.mustSoak = true;
  one.failedAt = [...one.failedAt.filter((at) => all.now() - at < RULE.perUs), all.now()];
  one.isHeld ||= one.failedAt.length >= (RULE.flapsMax ?? Number.POSITIVE_INFINITY);
}

function judge(all: Rig, witness: Map<string, Witness>): void {
  const up = CIRCUITS.filter((name) => witness.get(name)?.isUp === true);
  const used = up.filter((name) => all.asked.get(name) === undefined);
  if (up.length > 0 && used.length === 0) throw new Error("a circuit is up and none is used");
  for (const name of CIRCUITS) {
    const one = witness.get(name);
    const phase = all.view(name)?.phase;
    if (one === undefined) throw new Error("every circuit is there");
    if (one.isHeld !== (phase === "held")) throw new Error(`${name}: flap budget`);
    if (one.mustSoak && phase === "in-use") {
      const upUs = all.now() - one.upAt;
      if (!one.isUp || upUs < RULE.soakUs) throw new Error(`${name} is back after ${upUs} us`);
      one.mustSoak = false;
    }
  }
  const isProven = (name: string) => witness.get(name)?.mustSoak === false;
  const doubtful = used.filter((name) => !isProven(name));
  if (used.some(isProven) && doubtful.length > 0) throw new Error(`${doubtful} is used too early`);
  if (up.some(isProven) && !used.some(isProven)) throw new Error("the proven one is left alone");
}
