/** Drills of an edge whose circuits are VLANs, in every lab: alone on a port and sharing one. */
import t from "tap";
import type { FaultStep } from "../../src/sim/drill/drill.ts";
import { describe } from "../../src/sim/drill/words.ts";
import { LoopbackLab } from "../../src/sim/lab/loopback/loopback-lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces, whyNoVlan } from "../../src/sim/lab/namespaces/namespaces.ts";
import { buildWorld } from "../../src/sim/lab/virtual/topology.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { edited, passes, play, readDrill, sound } from "../support/drills.ts";
import { playPatiently } from "../support/patience.ts";

const ALL = ["circuit-1", "circuit-2", "circuit-3"];

type StepSource = Readonly<Record<string, unknown>>;

/** The shipped edge and cloud with other steps; `edit` is done to the cloud's file. */
function load(steps: readonly StepSource[], edit = (text: string) => text) {
  const text = JSON.stringify({
    ...{
      drill: "vlans",
      description: "VLANs",
      seed: 7,
      edge: "../lab/edge-vlan.yaml",
      cloud: "../lab/cloud-vlan.yaml",
    },
    traffic: { idc: "10.1.0.10", vpc: "10.64.0.10", flows: 12, interval: "2ms" },
    steps,
    always: ["session-isolation", "no-fib-error", "no-loop"],
  });
  const files = edited((found, file) => (file.endsWith("cloud-vlan.yaml") ? edit(found) : found));
  return sound(readDrill(text, { files }));
}

const route = (...via: readonly string[]) => {
  return { do: "expect", route: "10.64.0.0/16", via, within: "20s" };
};
const goes = (fault: StepSource, lost: string) => [
  route(...ALL),
  { at: "100ms", ...fault },
  { do: "expect", session: lost, is: "down", within: "1s" },
  route(...ALL.filter((name) => name !== lost)),
  { do: "expect", session: "circuit-2", is: "up", within: "0s", for: "500ms" },
  { at: "3s", do: "restore", circuit: lost },
  route(...ALL),
  { do: "expect", session: "all", is: "up", within: "20s" },
];

t.setTimeout(120_000);

for (const fault of ["cut", "remove-vlan"]) {
  t.test(`${fault} of one circuit leaves its neighbour on the same port alone`, async (t) => {
    const { drill } = load(goes({ do: fault, circuit: "circuit-1" }, "circuit-1"));
    const report = await play(drill, new VirtualLab(drill));
    passes(t, report);
    t.equal(report.faults[0]?.detectedBy, "bfd", "the light of the port stays on");
  });
}

t.test("a port of one circuit alone loses its carrier with it", async (t) => {
  const { drill } = load(goes({ do: "cut", circuit: "circuit-3", carrier: "seen" }, "circuit-3"));
  const report = await play(drill, new VirtualLab(drill));
  passes(t, report);
  t.equal(report.faults[0]?.detectedBy, "link");
});

t.test("what is done to a port is done to every circuit on it", async (t) => {
  const { drill } = load([route(...ALL)]);
  const touchedBy = (step: FaultStep) => describe(step, drill.cloud).touches;
  const at = { atUs: 0, circuit: "circuit-1" } as const;
  t.same(touchedBy({ do: "shut-port", ...at }), ["circuit-1", "circuit-2"]);
  t.same(touchedBy({ do: "remove-vlan", ...at }), ["circuit-1"]);
  t.same(touchedBy({ do: "shut-port", atUs: 0, circuit: "circuit-3" }), ["circuit-3"]);
});

t.test("maintenance of one circuit on a shared port takes no other", async (t) => {
  const { drill } = load([
    route(...ALL),
    { at: "100ms", do: "maintain", circuit: "circuit-1", notice: "1s", for: "2s" },
    { do: "expect", session: "circuit-1", is: "down", within: "3s" },
    { do: "expect", session: "all", is: "up", within: "60s", for: "1s" },
  ]);
  const report = await play(drill, new VirtualLab(drill));
  passes(t, report);
});

t.test("a VLAN that only the edge states is the cloud's as well", async (t) => {
  const { drill } = load(
    [
      route(...ALL),
      { at: "100ms", do: "kill", down: "100ms" },
      { do: "expect", event: "agent.started", within: "5s" },
      { do: "expect", session: "all", is: "up", within: "60s", for: "1s" },
    ],
    (text) =>
      text.replace(/ {4}(vlan|connection): .*\n/g, "").replace(/^accessPoints.*?(?=^vbrs)/ms, ""),
  );
  const lax = { ...drill, always: [] };
  const report = await play(lax, new VirtualLab(lax));
  passes(t, report);
});

t.test("frames carry the tag of their circuit, and only its VBR hears them", async (t) => {
  const { drill } = load([route(...ALL)]);
  const { world, edge, circuits } = buildWorld(drill);
  t.equal(circuits.get("circuit-1"), circuits.get("circuit-2"), "one wire");
  t.not(circuits.get("circuit-1"), circuits.get("circuit-3"));
  edge.links.ensureVlan({
    ...{ device: "eth1.100", parent: "eth1", vlanId: 100, addresses: ["10.0.1.2/30"] },
  });
  edge.links.ensureVlan({
    ...{ device: "eth1.300", parent: "eth1", vlanId: 300, addresses: ["10.0.2.2/30"] },
  });
  const outcome = (source: string, destination: string) =>
    world.forward({ host: "edge", source, destination }).outcome;
  t.equal(outcome("10.0.1.2", "10.0.1.1"), "delivered");
  t.equal(outcome("10.0.2.2", "10.0.2.1"), "no-neighbour", "vbr-2 listens in VLAN 200");
});

t.test("VLANs on one port share the bandwidth of its line", async (t) => {
  const { drill } = load([route(...ALL)], (text) =>
    text.replace("name: pc-1,", "name: pc-1, bandwidth: 10Mbps,"),
  );
  const lost = (bursts: Readonly<Record<number, number>>) => {
    const { world, edge, circuits } = buildWorld(drill);
    for (const number of [1, 2, 3]) {
      const [vlanId, parent] = number === 3 ? [100, "eth2"] : [number * 100, "eth1"];
      const addresses = [`10.0.${number}.2/30`];
      edge.links.ensureVlan({ device: `${parent}.${vlanId}`, parent, vlanId, addresses });
      const localAddress = `10.0.${number}.2`;
      const socket = edge.udp.open({ localAddress, port: 5000, ttl: 9 }, () => undefined);
      const count = bursts[number] ?? 0;
      for (let sent = 0; sent < count; sent += 1) {
        socket.send(new Uint8Array(1000), `10.0.${number}.1`, 5001);
      }
    }
    world.run({ forUs: 1_000_000 });
    return [1, 2, 3].map((number) => {
      const counters = circuits.get(`circuit-${number}`)?.counters("edge", `vbr-${number}`);
      return counters?.dropped.get("queue-full") ?? 0;
    });
  };
  t.same(lost({ 1: 20 }), [0, 0, 0], "20 ms at 10 Mbps may wait");
  t.same(lost({ 1: 20, 2: 20, 3: 40 }), [0, 16, 0], "the neighbour finds the queue full");
});

t.test("on loopback sockets, with the edge's file as it is", async (t) => {
  const { drill } = load(goes({ do: "remove-vlan", circuit: "circuit-1" }, "circuit-1"));
  const inLab = () => play(drill, new LoopbackLab(drill));
  const report = await playPatiently(t, inLab);
  passes(t, report);
});

t.test(
  "in namespaces: VLANs of the kernel, or the sentence that it has none",
  { skip: whyNoNamespaces() ?? false },
  async (t) => {
    const { drill, edgeFile } = load(
      goes({ do: "remove-vlan", circuit: "circuit-1" }, "circuit-1"),
    );
    const missing = whyNoVlan();
    const report = await play(drill, new NamespaceLab(drill, edgeFile));
    if (missing === undefined) {
      passes(t, report);
      return;
    }
    t.equal(report.verdict, "INCONCLUSIVE");
    t.match(report.because, /step 2: this lab cannot make eth1.100: this kernel has no 802.1Q/);
    const quiet = { ...drill, steps: [] };
    const started = play(quiet, new NamespaceLab(quiet, edgeFile));
    await t.rejects(started, { code: "PLATFORM_VLAN_UNSUPPORTED", message: /eth1.100 cannot/ });
  },
);

t.test("in namespaces: the carrier of a VLAN cannot be taken", async (t) => {
  const { drill, edgeFile } = load([
    route(...ALL),
    { at: "1s", do: "shut-port", circuit: "circuit-3" },
  ]);
  if (whyNoNamespaces() !== undefined) return;
  const report = await play(drill, new NamespaceLab(drill, edgeFile));
  t.match(report.because, /cannot take the carrier of eth2.100, which is a VLAN/);
});
