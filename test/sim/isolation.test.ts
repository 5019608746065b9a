/**
 * Bugs of ours, planted in the handling of one peer of the shipped agent: that peer's session ends,
 * with the last inputs written; its neighbour, BFD and the daemon do not notice.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { RECORDINGS_MAX, representInput, writeRecording } from "../../src/agent/crash.ts";
import { ACCEPT_ALL } from "../../src/bgp/policy/chain.ts";
import type { Policy } from "../../src/bgp/policy/policy.ts";
import type { SpeakerInput } from "../../src/bgp/speaker/inputs.ts";
import { Speaker } from "../../src/bgp/speaker/speaker.ts";
import { seededRng } from "../../src/core/rng.ts";
import { Recorder } from "../../src/platform/recorder.ts";
import { parseRecording, replay, restoreInputs } from "../../src/platform/replay.ts";
import { decodeJson } from "../support/decode-run.ts";
import { edgeRig, eventsOf, kernelRoutes, VPC } from "../support/edge-rig.ts";

const SEED = 4711;
const PLANTED = "a column that is not there";

/** An import policy with a bug, which the first route of the peer meets. */
const BROKEN: Policy = {
  ...{ name: "broken", looksAtPrefix: false },
  evaluate() {
    throw new TypeError(PLANTED);
  },
};

function directoryFor(t: { teardown(run: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), "causeway-isolation-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}

function recorded(directory: string, octetsMax = 8 << 20) {
  const recorder = new Recorder<SpeakerInput>({
    ...{ machine: "speaker", octetsMax, represent: representInput, seed: SEED },
    isPinned: (input) => input.kind === "configure",
  });
  return {
    observer: recorder,
    rng: seededRng(SEED),
    record: () => writeRecording(directory, "speaker", () => recorder.text()),
  };
}

/** A recording names the policies; theirs is the code that was running. */
function withPolicies(represented: unknown): SpeakerInput {
  const input = represented as SpeakerInput;
  if (input.kind !== "configure") return input;
  const policies: Readonly<Record<string, Policy>> = { broken: BROKEN };
  const named = (policy: unknown) => policies[String(policy)] ?? ACCEPT_ALL;
  const peers = input.config.peers.map((peer) => ({
    ...peer,
    importPolicy: named(peer.importPolicy),
    exportPolicy: named(peer.exportPolicy),
  }));
  return { ...input, config: { ...input.config, peers } };
}

t.test("a bug in one peer's input: its session ends, nobody else's, and BFD stays", async (t) => {
  const directory = directoryFor(t);
  const rig = edgeRig({ first: { importPolicy: BROKEN }, agent: recorded(directory) });
  const { edge, within, gateways } = rig;
  t.ok(within(10_000, () => eventsOf(edge, "bgp.peer.internal-error").length > 0));
  t.ok(
    within(10_000, () => gateways().join() === "10.0.2.2"),
    "the other one's route is used",
  );
  rig.pass(1_200_000);
  t.equal(edge.view.speaker.peer("vbr2")?.state, "Established");
  t.equal(eventsOf(edge, "bgp.peer.up").filter(({ fields }) => fields.peer === "vbr2").length, 1);
  t.same(eventsOf(edge, "bfd.session.down"), [], "BFD of both circuits never flapped");
  t.same(
    kernelRoutes(rig.world, rig.edgeHost)
      .map(({ prefix }) => prefix)
      .includes(VPC),
    true,
  );

  const errors = eventsOf(edge, "bgp.peer.internal-error");
  t.match(errors[0]?.fields, { peer: "vbr1", message: PLANTED });
  // Idle hold: doubled up to a minute; twenty of those are a few dozen, not thousands.
  t.ok(errors.length > 10 && errors.length < 40, `${errors.length} sessions in twenty minutes`);
  t.match(edge.view.speaker.peer("vbr1")?.downReason, /internal error/);

  const files = readdirSync(directory);
  t.ok(files.length > 1 && files.length <= RECORDINGS_MAX, `${files.length} recordings`);
});

t.test(
  "what was written repeats the fault, and `causeway decode` reads its messages",
  async (t) => {
    const directory = directoryFor(t);
    const rig = edgeRig({ first: { importPolicy: BROKEN }, agent: recorded(directory) });
    t.ok(rig.within(10_000, () => eventsOf(rig.edge, "bgp.peer.internal-error").length > 0));
    const [event] = eventsOf(rig.edge, "bgp.peer.internal-error");
    const file = String(event?.fields.recording);
    const parsed = parseRecording(readFileSync(file, "utf8"));
    if (!parsed.ok) throw new Error(parsed.fault.text);
    t.match(parsed.value, { machine: "speaker", droppedCount: 0, seed: SEED });
    const recording = restoreInputs(parsed.value, withPolicies);
    const steps = replay(new Speaker({ rng: seededRng(recording.seed ?? 0) }), recording);
    const last = steps.at(-1)?.effects ?? [];
    t.match(
      last.filter((effect) => effect.kind === "log"),
      [{ event: "bgp.peer.internal-error", fields: { peer: "vbr1", message: PLANTED } }],
      "the last input meets the bug again",
    );
    const { lines, exitCode } = await decodeJson({ inputs: [file] });
    t.equal(exitCode, 0);
    const types = lines.map(({ message }) => message?.type);
    t.ok(types.includes("OPEN") && types.includes("UPDATE"), types.join());
    t.ok(lines.every(({ action }) => action === "accept"));
    t.ok(
      lines.every(({ stream }) => typeof stream === "string"),
      "each with its connection",
    );
  },
);

t.test(
  "a recording that has lost its beginning is read from its first whole message",
  async (t) => {
    const directory = directoryFor(t);
    const agent = recorded(directory, 3_000);
    const rig = edgeRig({ agent });
    t.ok(rig.within(10_000, rig.isWhole));
    rig.pass(600_000);
    const { path = "" } = agent.record();
    const text = readFileSync(path, "utf8");
    t.match(text.split("\n")[0], /"dropped":[1-9]/);
    const { lines, exitCode } = await decodeJson({ inputs: [path] });
    t.equal(exitCode, 0);
    t.ok(lines.length > 3);
    t.ok(lines.every(({ action }) => action === "accept"));
  },
);
