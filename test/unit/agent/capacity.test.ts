import t from "tap";
import { lossesOf } from "../../../src/agent/capacity.ts";
import { CapacityWatch } from "../../../src/agent/capacity-watch.ts";
import type { CircuitConfig, EdgeConfig } from "../../../src/agent/config/edge-config.ts";
import { edgeConfig, recordingEvents } from "../../support/agent-fakes.ts";

const line = (name: string, mbps: number, weight = 1) => {
  return { name, capacityBps: mbps * 1e6, weight };
};

t.test("capacity: active-standby puts everything on the next one", async (t) => {
  const lines = [line("a", 1000), line("b", 300), line("c", 500)];
  t.same(lossesOf("active-standby", lines), [
    { lost: "a", leftBps: 3e8 },
    { lost: "b", leftBps: 1e9 },
    { lost: "c", leftBps: 1e9 },
  ]);
  t.same(lossesOf("active-standby", [line("a", 1000)]), [{ lost: "a", leftBps: 0 }]);
});

t.test("capacity: ecmp shares by weight, and the first that is full decides", async (t) => {
  const even = [line("a", 1000), line("b", 1000), line("c", 100)];
  t.same(
    lossesOf("ecmp", even).map(({ leftBps }) => leftBps),
    [2e8, 2e8, 2e9],
  );
  const weighted = [line("a", 1000, 10), line("b", 1000, 10), line("c", 100, 1)];
  t.same(
    lossesOf("ecmp", weighted).map(({ leftBps }) => leftBps),
    [1.1e9, 1.1e9, 2e9],
  );
});

function rig(loadMbps: number | undefined, capacities: readonly (number | undefined)[]) {
  const circuits = capacities.map((mbps, index): CircuitConfig => {
    const capacityBps = mbps === undefined ? undefined : mbps * 1e6;
    const name = `c${index}`;
    return {
      name,
      profile: "none",
      device: "",
      vlan: undefined,
      weight: 1,
      capacityBps,
      sessions: [],
    };
  });
  const load = loadMbps === undefined ? {} : { loadBps: loadMbps * 1e6 };
  const failover: EdgeConfig["failover"] = {
    ...{ mode: "ecmp", order: circuits.map(({ name }) => name) },
    ...load,
  };
  const events = recordingEvents();
  const watch = new CapacityWatch(events);
  const up = (...indexes: number[]) =>
    watch.judge(
      edgeConfig({ circuits, failover }),
      circuits.filter((_, index) => indexes.includes(index)),
    );
  return { events, watch, up };
}

t.test("capacity: the next loss is warned of once, and when it is over", async (t) => {
  const { events, watch, up } = rig(600, [500, 500, 500]);
  up();
  up(0);
  up(0, 1);
  t.same(events.ids(), [], "a start is no loss");
  up(0, 1, 2);
  t.match(watch.view, { leftBps: 1e9, isEnough: true });
  up(0, 2);
  up(2);
  t.match(events.of("circuit.capacity.short"), [{ lost: "c0", leftBps: 5e8, loadBps: 6e8 }]);
  t.match(watch.view, { lost: "c2", leftBps: 0, isEnough: false });
  up(0, 1, 2);
  t.same(events.ids(), ["circuit.capacity.short", "circuit.capacity.enough"]);
});

t.test("capacity: what the file does not say is not guessed", async (t) => {
  for (const { events, watch, up } of [rig(undefined, [500, 500]), rig(600, [500, undefined])]) {
    up(0, 1);
    up(0);
    t.equal(watch.view, undefined);
    t.same(events.ids(), []);
  }
});
