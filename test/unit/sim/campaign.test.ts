/** The parts of a campaign that need no run: shrinking, paths into files, fault sets. */
import t from "tap";
import { faultSets, faultsText, stepsOf, whyNoKind } from "../../../src/sim/campaign/faults.ts";
import { dataOf, withValue } from "../../../src/sim/campaign/overlay.ts";
import { failureOf, shrink } from "../../../src/sim/campaign/shrink.ts";

const all = (count: number, pinned: readonly number[] = []) => ({
  count,
  pinned: new Set(pinned),
});

t.test("shrinking finds the fewest parts, wherever they stand", async (t) => {
  for (const wanted of [[0], [7], [2, 5], [0, 7], [1, 3, 6], [0, 1, 2, 3, 4, 5, 6, 7]]) {
    const { parts } = await shrink(all(8), async (tried) =>
      wanted.every((part) => tried.includes(part)),
    );
    t.same(parts, wanted, `${wanted}`);
  }
});

t.test(
  "shrinking takes nothing for enough where nothing is, and keeps what is pinned",
  async (t) => {
    t.same((await shrink(all(4), async () => true)).parts, []);
    t.same((await shrink(all(4, [1, 3]), async () => true)).parts, [1, 3]);
    const { parts } = await shrink(all(4, [1]), async (tried) => tried.includes(2));
    t.same(parts, [1, 2]);
    const { triedCount } = await shrink(all(1), async (tried) => tried.length > 0);
    t.equal(triedCount, 1, "one fault is tried once");
  },
);

t.test("a failure is known again by its kind", async (t) => {
  t.equal(failureOf('outage of "cut circuit-1 both ways"'), "outage");
  t.equal(failureOf('loss during "cut circuit-1"'), "loss");
  t.equal(failureOf("always no-blackhole"), "always no-blackhole");
  t.equal(failureOf("circuit-1 is up"), "circuit-1 is up");
});

const YAML = `# a comment that stays
circuits:
  - name: one # the first
    bfd: { interval: 300ms }
  - name: two
    bfd: { interval: 300ms }
  - name: three
fib: { kind: kernel }
`;

t.test("a value goes to every place its path leads to, and comments stay", async (t) => {
  const at = (path: string, value: unknown) => withValue(YAML, path.split("."), value);
  const every = at("circuits.*.bfd.interval", "1s") ?? "";
  t.equal(every.match(/interval: 1s/g)?.length, 2, "where there is no bfd, none is made");
  t.match(every, /# a comment that stays[\s\S]*# the first/);
  t.match(dataOf(at("circuits.two.bfd.interval", "1s") ?? ""), {
    circuits: [{ bfd: { interval: "300ms" } }, { bfd: { interval: "1s" } }, {}],
  });
  t.match(dataOf(at("circuits.0.bfd.multiplier", 5) ?? ""), {
    circuits: [{ bfd: { interval: "300ms", multiplier: 5 } }],
  });
  t.match(dataOf(at("fib", { kind: "virtual" }) ?? ""), { fib: { kind: "virtual" } });
  for (const nowhere of ["circus.x", "circuits.nine.bfd", "circuits.7.name", "fib.kind.x.y"]) {
    t.equal(at(nowhere, 1), undefined, nowhere);
  }
});

const KINDS = [{ do: "cut" }, { do: "restart-vbr", how: "silent", down: "9s" }];
const plan = {
  upTo: 2,
  kinds: KINDS,
  gapUs: 500_000,
  watchUs: 1_000_000,
  isRepaired: true,
} as const;

t.test(
  "double faults: every two on different circuits, both orders where time passes",
  async (t) => {
    const circuits = ["a", "b", "c"];
    t.equal(faultSets({ ...plan, upTo: 1 }, circuits).length, 6);
    const both = faultSets(plan, circuits);
    t.equal(both.length, 6 + 6 * 4);
    t.equal(new Set(both.map(faultsText)).size, both.length, "all different");
    t.equal(faultSets({ ...plan, gapUs: 0 }, circuits).length, 6 + (6 * 4) / 2);
    t.ok(both.every(([one, two]) => one?.circuit !== two?.circuit));
  },
);

t.test("faults of the edge itself happen once, and together with those of circuits", async (t) => {
  const kill = { do: "kill", down: "3s" };
  const kinds = [{ do: "cut" }, kill, { do: "withdraw-own", prefix: "10.1.0.0/16" }];
  const sets = faultSets({ ...plan, kinds }, ["a", "b"]).map(faultsText);
  t.same(
    sets.filter((text) => !text.includes("+")),
    ["cut a", "cut b", "kill the edge 3s", "withdraw-own the edge 10.1.0.0/16"],
  );
  t.ok(sets.includes("cut a + kill the edge 3s") && sets.includes("kill the edge 3s + cut b"));
  t.equal(sets.length, 4 + 2 + 2 * 2 * 2, "two faults of the edge are at one place");

  const steps = stepsOf([{ kind: kill, circuit: undefined }], plan, ["a", "b"]);
  t.same(steps[0], { do: "kill", down: "3s", at: "500000us" });
  t.match(steps[1], { vpc: true, is: "reachable", at: "3500000us", within: "120s" });
  t.notOk(steps.some((step) => step.do === "restore"));
  const own = stepsOf(
    [{ kind: { ...kinds[2], do: "withdraw-own" }, circuit: undefined }],
    plan,
    [],
  );
  t.match(own[2], { do: "announce-own", prefix: "10.1.0.0/16" });
  for (const no of ["flood", "reload", "restore", "expect"]) t.ok(whyNoKind({ do: no }), no);
  for (const lasting of ["step-clock", "police-icmp", "announce-own"]) {
    t.match(whyNoKind({ do: lasting }), /knows how to undo/, `${lasting} never ends`);
  }
  t.match(whyNoKind({ do: "stop-router", router: "r" }), /"stop-router" without "for"/);
  const off = { do: "stop-router", router: "r", for: "3s" };
  t.equal(whyNoKind(off), undefined);
  t.match(stepsOf([{ kind: off, circuit: undefined }], plan, [])[1], { at: "3500000us" });
  for (const yes of ["cut", "starve", "no-such"]) t.equal(whyNoKind({ do: yes }), undefined, yes);
});

t.test("what is claimed follows from the faults that are left", async (t) => {
  const [cut, restart] = KINDS;
  if (cut === undefined || restart === undefined) return;
  const steps = (...on: readonly [typeof cut, string][]) =>
    stepsOf(
      on.map(([kind, circuit]) => ({ kind, circuit })),
      plan,
      ["a", "b"],
    );
  const claim = (list: ReturnType<typeof steps>) => list.find(({ vpc }) => vpc === true);
  t.match(claim(steps([cut, "a"])), { is: "reachable", at: "1500000us" });
  t.match(claim(steps([cut, "a"], [cut, "b"])), { is: "unreachable", at: "2000000us" });
  t.match(claim(steps([cut, "a"], [restart, "b"])), { is: "reachable", at: "10000000us" });
  const restored = steps([cut, "a"], [restart, "b"]).filter((step) => step.do === "restore");
  t.same(
    restored.map(({ circuit }) => circuit),
    ["a"],
    "what restarts comes back by itself",
  );
});
