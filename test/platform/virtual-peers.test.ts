import t from "tap";
import type { BfdSessionConfig } from "../../src/bfd/sessions/contract.ts";
import type { SpeakerInput } from "../../src/bgp/speaker/inputs.ts";
import { Speaker } from "../../src/bgp/speaker/speaker.ts";
import { seededRng } from "../../src/core/rng.ts";
import { parseRecording, replay, restoreInputs } from "../../src/platform/replay.ts";
import { originated, peerConfig, speakerConfig } from "../support/bgp-pair.ts";
import { IPV4 } from "../support/bgp-session.ts";
import { Router, SPEAKER_SEED } from "./router.ts";
import { MS, pair, SEC } from "./topology.ts";

const bfdSession = (name: string, local: string, remote: string): BfdSessionConfig => ({
  name,
  mode: "single-hop",
  localAddress: local,
  remoteAddress: remote,
  device: "eth0",
  desiredMinTxIntervalUs: 1_000 * MS,
  requiredMinRxIntervalUs: 1_000 * MS,
  detectMult: 3,
  minTtl: 255,
  isPassive: false,
  isAdminDown: false,
  auth: undefined,
});

const EDGE_CONFIG = speakerConfig({
  originated: originated(20),
  peers: [peerConfig({ name: "vbr" })],
});

function peering(seed: number) {
  const ends = pair({ latencyUs: 3 * MS, jitterUs: 200, carrierVisible: false }, seed);
  const edge = new Router({
    host: ends.a,
    localAddress: "10.0.0.1",
    bgp: EDGE_CONFIG,
    bfd: [bfdSession("vbr", "10.0.0.1", "10.0.0.2")],
  });
  const vbr = new Router({
    host: ends.b,
    localAddress: "10.0.0.2",
    bgp: speakerConfig({
      localAs: 45104,
      bgpIdentifier: 0x0a00_0002,
      originated: originated(30, 1_000),
      peers: [peerConfig({ name: "edge", remoteAddress: "10.0.0.1", remoteAs: 65001 })],
    }),
    bfd: [bfdSession("edge", "10.0.0.2", "10.0.0.1")],
  });
  const isUp = () =>
    edge.speaker.view.peer("vbr")?.state === "Established" &&
    vbr.speaker.view.peer("edge")?.state === "Established";
  const counts = () => [edge, vbr].map((router) => router.speaker.view.rib.locRibCount(IPV4));
  return { ...ends, edge, vbr, isUp, counts };
}

t.test("BGP and BFD peer, notice a silent cut, and come back", async (t) => {
  const { world, link, edge, vbr, isUp, counts } = peering(1);
  t.ok(world.runUntil(isUp, 30 * SEC), "the session comes up");
  t.ok(
    world.runUntil(() => counts().join() === "50,50", world.now + 5 * SEC),
    "routes go over",
  );
  world.run({ forUs: 20 * SEC });
  t.same(edge.bfdChanges.map(({ to }) => to).at(-1), "Up");
  const cutAt = world.now;
  link.cut();
  t.ok(world.runUntil(() => !isUp(), world.now + 10 * SEC));
  const detectedUs = world.now - cutAt;
  t.ok(detectedUs > 2 * SEC && detectedUs <= 3 * SEC + 10 * MS, `after ${detectedUs / SEC} s`);
  t.match(edge.speaker.view.peer("vbr")?.lastReset ?? vbr.speaker.view.peer("edge")?.lastReset, {
    reason: "bfd_down",
  });
  world.run({ forUs: 30 * SEC });
  t.same(counts(), [20, 30], "what the other had is gone");
  link.repair();
  t.ok(world.runUntil(isUp, world.now + 120 * SEC), "and it heals");
  t.ok(world.runUntil(() => counts().join() === "50,50", world.now + 5 * SEC));
});

t.test("six hours of it repeat exactly, in a moment", async (t) => {
  const hours = (seed: number) => {
    const { world, link, edge, isUp } = peering(seed);
    for (let hour = 1; hour < 6; hour += 1) {
      world.at(hour * 3_600 * SEC, () => link.cut());
      world.at(hour * 3_600 * SEC + 10 * SEC, () => link.repair());
    }
    world.run({ untilUs: 6 * 3_600 * SEC });
    return { hash: world.traceHash, isUp: isUp(), edge, events: world.eventCount };
  };
  const first = hours(1);
  t.ok(first.isUp);
  t.equal(first.edge.speaker.view.peer("vbr")?.establishedTransitions, 6);
  t.ok(first.events > 50_000, `${first.events} events`);
  t.equal(hours(1).hash, first.hash, "the same seed, the same hours");
  t.not(hours(2).hash, first.hash);
});

t.test("the edge's speaker is repeated from its recording alone", async (t) => {
  const { world, link, edge } = peering(3);
  world.at(20 * SEC, () => link.cut());
  world.at(30 * SEC, () => link.repair());
  world.run({ untilUs: 120 * SEC });
  const parsed = parseRecording(edge.recorder.text());
  if (!parsed.ok) throw new Error(parsed.fault.text);
  const recording = restoreInputs(parsed.value, (input) => {
    const restored = input as SpeakerInput;
    return restored.kind === "configure" ? { ...restored, config: EDGE_CONFIG } : restored;
  });
  const again = replay(new Speaker({ rng: seededRng(SPEAKER_SEED) }), recording)
    .flatMap(({ effects }) => effects)
    .filter(({ kind }) => kind !== "tcp-send");
  t.ok(edge.effects.length > 20);
  t.same(again, edge.effects, "every effect, in order");
});
