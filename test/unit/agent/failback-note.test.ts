/** What outlives a run of the agent: held and drained circuits, and how often each failed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { loadEdgeConfig } from "../../../src/agent/config/load.ts";
import { EventJournal } from "../../../src/agent/event-journal.ts";
import { FailbackKeeper } from "../../../src/agent/failback/keeper.ts";
import { type FailbackNote, parseFailbackNote } from "../../../src/agent/failback/note.ts";
import { readState, writeState } from "../../../src/agent/state-file.ts";
import { FakeClock } from "../../support/agent-fakes.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..");
const SEC = 1_000_000;

function edge() {
  const file = join(root, "fixtures", "lab", "edge-soak.yaml");
  const { config } = loadEdgeConfig(file, readFileSync(file, "utf8"));
  if (config === undefined) throw new Error("the fixture is sound");
  return config;
}

/** One run of the agent; `kept` is its state directory. */
function run(
  kept: { note?: FailbackNote | undefined; failure?: string },
  wallMs: number,
  config = edge(),
) {
  const clock = new FakeClock();
  const host = { clock, wallClock: { nowMs: () => wallMs + clock.now() / 1_000 } };
  const journal = new EventJournal({ ...host, log: { write: () => undefined } });
  const keeper = new FailbackKeeper({
    ...{ host, events: journal, avoid: () => undefined },
    notes: {
      read: () => kept.note,
      write: (note) => {
        if (kept.failure === undefined) kept.note = note;
        return kept.failure;
      },
    },
  });
  keeper.configure(config);
  const fail = (session: string) => {
    keeper.up(session);
    clock.advance(SEC);
    keeper.down(session, "bfd_down", "BFD Down");
  };
  return { keeper, clock, fail, events: () => journal.since(0).map(({ event }) => event) };
}

t.test("a circuit that is held stays so over a crash, until a person releases it", async (t) => {
  const kept: { note?: FailbackNote } = {};
  const first = run(kept, 1_000_000);
  for (let time = 0; time < 4; time += 1) first.fail("circuit-1");
  first.keeper.drain("circuit-2", true);
  t.equal(first.keeper.view("circuit-1")?.phase, "held");

  const second = run(kept, 1_100_000);
  t.match(second.keeper.view("circuit-1"), { phase: "held", failures: 4, failure: "BFD Down" });
  t.ok(second.keeper.view("circuit-2")?.isDrained);
  t.ok(second.events().includes("circuit.held"), "and it says so");
  second.keeper.release("circuit-1");
  second.keeper.drain("circuit-2", false);

  const third = run(kept, 1_200_000);
  t.match(third.keeper.view("circuit-1"), { phase: "in-use", failures: 0 });
  t.notOk(third.keeper.view("circuit-2")?.isDrained);
});

t.test("failures are counted over restarts, by the wall clock", async (t) => {
  const kept: { note?: FailbackNote } = {};
  const first = run(kept, 1_000_000);
  for (let time = 0; time < 3; time += 1) first.fail("circuit-1");
  const second = run(kept, 1_500_000);
  t.match(second.keeper.view("circuit-1"), { phase: "in-use", failures: 3 });
  second.fail("circuit-1");
  t.equal(second.keeper.view("circuit-1")?.phase, "held", "the fourth within the hour");

  const early: { note?: FailbackNote } = {};
  const before = run(early, 1_000_000);
  for (let time = 0; time < 3; time += 1) before.fail("circuit-1");
  const later = run(early, 1_000_000 + 2 * 3_600_000);
  t.equal(later.keeper.view("circuit-1")?.failures, 0, "two hours later they are forgotten");
  const back = run(early, 1);
  t.equal(back.keeper.view("circuit-1")?.failures, 0, "for good, whatever a clock says");

  const set: { note?: FailbackNote } = {};
  const ahead = run(set, 1_000_000);
  for (let time = 0; time < 3; time += 1) ahead.fail("circuit-1");
  t.equal(run(set, 1).keeper.view("circuit-1")?.failures, 3, "a clock set back makes none older");
});

t.test("a run that wants circuits back at once leaves nothing held to the next", async (t) => {
  const kept: { note?: FailbackNote } = {};
  const first = run(kept, 1_000_000);
  for (let time = 0; time < 4; time += 1) first.fail("circuit-1");
  const config = edge();
  const immediate = { ...config, failover: { ...config.failover, failback: undefined } };
  t.equal(run(kept, 1_100_000, immediate).keeper.view("circuit-1")?.phase, "in-use");
  t.equal(run(kept, 1_200_000).keeper.view("circuit-1")?.phase, "in-use");
});

t.test("a note that cannot be kept is told, and nothing else changes", async (t) => {
  const full = run({ failure: "no space left on device" }, 1_000_000);
  full.fail("circuit-1");
  t.ok(full.events().includes("circuit.note.failed"));
  t.equal(full.keeper.view("circuit-1")?.phase, "out");
});

t.test("state files: whole or not at all, and foreign ones are no note of ours", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "causeway-state-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const sessions = [
    { session: "c1", isHeld: true, isDrained: false, failure: "x", failedAtMs: [1, 2] },
    { session: "c2", isHeld: false, isDrained: true, failure: undefined, failedAtMs: [] },
  ];
  t.equal(writeState(directory, "failback.json", { version: 1, sessions }), undefined);
  t.match(parseFailbackNote(readState(directory, "failback.json")), { version: 1, sessions });
  t.match(writeState(join(directory, "none"), "failback.json", {}), /ENOENT/);
  t.equal(readState(directory, "none.json"), undefined);
  writeFileSync(join(directory, "torn.json"), '{"version":1,"sess');
  t.equal(readState(directory, "torn.json"), undefined);
  const [one] = sessions;
  for (const foreign of [
    ...[undefined, null, 7, "x", [], {}, { version: 2, sessions: [] }, { version: 1, sessions: 1 }],
    { version: 1, sessions: [null] },
    { version: 1, sessions: [{ ...one, isHeld: "yes" }] },
    { version: 1, sessions: [{ ...one, failedAtMs: ["soon"] }] },
  ]) {
    t.equal(parseFailbackNote(foreign), undefined, JSON.stringify(foreign));
  }
});
