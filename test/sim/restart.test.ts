/**
 * Graceful restart with the shipped agent in virtual time (RFC 4724): the edge's own, planned one,
 * and a VBR's, with packets that count what is lost meanwhile.
 */
import t from "tap";
import { Agent } from "../../src/agent/agent.ts";
import { startInlineBfdEngine } from "../../src/agent/bfd/inline-engine.ts";
import type { EdgeConfig } from "../../src/agent/config/edge-config.ts";
import type { RestartNote } from "../../src/agent/restart.ts";
import { ACCEPT_ALL } from "../../src/bgp/policy/chain.ts";
import { US_PER_MS, US_PER_SEC } from "../../src/core/time.ts";
import type { Host, KernelRoute } from "../../src/platform/contract.ts";
import type { VirtualHost } from "../../src/platform/virtual/host.ts";
import { World } from "../../src/platform/virtual/world.ts";
import { edgeConfig, neighbor } from "../support/agent-fakes.ts";
import { IPV4 } from "../support/bgp-session.ts";

const VPC = "172.16.0.0/12";
const IDC = "192.168.0.0/16";
const GONE = "172.16.128.0/17";
const GRACEFUL = {
  ...{ routeRefresh: true, enhancedRouteRefresh: true, extendedMessage: true },
  ...{ fourOctetAs: true, gracefulRestart: true },
};
const session = { importPolicy: ACCEPT_ALL, exportPolicy: ACCEPT_ALL, capabilities: GRACEFUL };
const plain = { ...session, capabilities: { ...GRACEFUL, gracefulRestart: false } };

const edgeOf = (neighborOf = session): EdgeConfig =>
  edgeConfig({
    localAs: 65_001,
    listen: { addresses: ["10.0.1.1", "10.0.2.1"], port: 179 },
    announce: [{ prefix: IDC, rank: 1, communities: [] }],
    circuits: [1, 2].map((index) => ({
      ...{ name: `vbr${index}`, profile: "none", device: `eth${index}`, vlan: undefined },
      ...{ weight: 1, capacityBps: undefined },
      sessions: [
        neighbor({
          ...{ name: `vbr${index}`, remoteAs: 45_104, bfd: {}, ...neighborOf },
          ...{ remoteAddress: `10.0.${index}.2`, localAddress: `10.0.${index}.1` },
        }),
      ],
    })),
  });

const vbrOf = (index: number, prefixes: readonly string[]): EdgeConfig =>
  edgeConfig({
    ...{ name: `vbr${index}`, localAs: 45_104, routerId: `10.0.${index}.2` },
    listen: { addresses: [`10.0.${index}.2`], port: 179 },
    announce: prefixes.map((prefix) => ({ prefix, rank: 1, communities: [] })),
    neighbors: [
      neighbor({
        ...{ name: "edge", remoteAs: 65_001, device: "port", bfd: {}, ...session },
        ...{ remoteAddress: `10.0.${index}.1`, localAddress: `10.0.${index}.2` },
      }),
    ],
  });

/** A box whose agent is stopped and started again; its kernel stays. */
class Box {
  readonly host: VirtualHost;
  agent: Agent;
  #process: { kill(): void };
  #note: RestartNote | undefined;

  constructor(host: VirtualHost, config: EdgeConfig) {
    this.host = host;
    this.#process = host.process;
    this.agent = this.#start(host, config);
  }

  /** The run ends, and its process. Returns whether it has. */
  leave(how: "restart" | "stop"): () => boolean {
    let isGone = false;
    const gone = (note?: RestartNote) => {
      this.#note = note;
      this.#process.kill();
      isGone = true;
    };
    if (how === "restart") this.agent.restart("upgrade", gone);
    else this.agent.stop("upgrade", gone);
    return () => isGone;
  }

  crash(): void {
    this.#note = undefined;
    this.#process.kill();
  }

  again(config: EdgeConfig): void {
    const { process, host } = this.host.spawn("again");
    this.#process = process;
    this.agent = this.#start(host, config);
  }

  #start(host: Host, config: EdgeConfig): Agent {
    const startBfd = startInlineBfdEngine(host);
    const agent = new Agent({ host, config, startBfd, restarted: this.#note });
    agent.start();
    return agent;
  }

  events(id: string) {
    return this.agent.journal.since(0).filter(({ event }) => event === id);
  }
}

function rig(carrierVisible = false, neighborOf = session) {
  const world = new World({ seed: 4724 });
  const edgeHost = world.addHost("edge", {});
  const idc = world.addHost("idc", {});
  world.link({
    between: [
      { host: edgeHost, device: "lan", addresses: ["192.168.0.1/16"] },
      { host: idc, device: "eth0", addresses: ["192.168.0.2/16"] },
    ],
  });
  idc.addRoute({ prefix: VPC, hops: [{ gateway: "192.168.0.1", device: "eth0" }] });
  const circuits = [1, 2].map((index) => {
    const host = world.addHost(`vbr${index}`, {});
    const link = world.link({
      between: [
        { host: edgeHost, device: `eth${index}`, addresses: [`10.0.${index}.1/30`] },
        { host, device: "port", addresses: [`10.0.${index}.2/30`] },
      ],
      ...{ latencyUs: 2_000, carrierVisible },
    });
    host.addLocalPrefix("172.16.0.0/16");
    return { link, box: new Box(host, vbrOf(index, [VPC, GONE])) };
  });
  const [one, two] = circuits;
  if (one === undefined || two === undefined) throw new Error("two circuits");
  const edge = new Box(edgeHost, edgeOf(neighborOf));
  const within = (ms: number, claim: () => boolean) =>
    world.runUntil(claim, world.now + ms * US_PER_MS);
  const pass = (ms: number) => void within(ms, () => false);
  const isWhole = () =>
    [1, 2].every((at) => {
      const peer = edge.agent.view.speaker.peer(`vbr${at}`);
      const isFed = peer?.state === "Established" && peer.endOfRib.length === 1;
      return isFed && edge.agent.view.path(`vbr${at}`)?.bfd === "Up";
    });
  const stale = (box: Box) => {
    const { speaker } = box.agent.view;
    return speaker.peers().reduce((sum, { slot }) => sum + speaker.rib.counts(slot, IPV4).stale, 0);
  };
  const kernel = () => routesOf(world, edgeHost);
  t.ok(within(20_000, isWhole), "all sessions are up");
  pass(2_000);
  return { world, idc, edge, one, two, within, pass, isWhole, stale, kernel };
}

/** The kernel's routes of ours: prefix, gateways. */
function routesOf(world: World, host: VirtualHost): string[] {
  let rows: readonly KernelRoute[] | undefined;
  host.routes.dump((found) => {
    rows = found;
  });
  if (rows === undefined) {
    const asker = host.spawn("ip").host;
    asker.routes.dump((found) => {
      rows = found;
    });
  }
  world.runUntil(() => rows !== undefined, world.now + US_PER_SEC);
  return (rows ?? []).map(({ prefix, hops }) => {
    const gateways = hops.map(({ gateway }) => gateway).sort();
    return `${prefix} ${gateways.join(" ")}`;
  });
}

/** Sixteen flows of echo requests from the data centre, there and back by whichever circuit. */
function traffic({ world, idc }: { world: World; idc: VirtualHost }) {
  const count = { sent: 0, lost: 0 };
  let isOn = true;
  const send = () => {
    if (!isOn) return;
    for (let flow = 1; flow <= 16; flow += 1) {
      count.sent += 1;
      idc.ping({ destination: `172.16.0.${flow}`, timeoutUs: 500_000 }, ({ outcome }) => {
        if (outcome !== "reply") count.lost += 1;
      });
    }
    world.at(world.now + 20_000, send);
  };
  send();
  const stop = () => {
    isOn = false;
    world.run({ forUs: US_PER_SEC });
    return count;
  };
  return { stop };
}

const BOTH = ["172.16.0.0/12 10.0.1.2 10.0.2.2", "172.16.128.0/17 10.0.1.2 10.0.2.2"];

t.test("a planned restart of the edge: not a packet lost, and what is gone is reaped", (t) => {
  const { edge, one, two, within, pass, isWhole, stale, kernel, ...rest } = rig();
  const probes = traffic(rest);
  t.same(kernel().sort(), BOTH);
  pass(200);
  t.ok(within(5_000, edge.leave("restart")), "it leaves within seconds");
  pass(500);
  t.ok(stale(one.box) > 0 && stale(two.box) > 0, "the cloud keeps our routes");
  t.match(one.box.events("bgp.peer.down").at(-1)?.fields, { isAwaited: true });
  t.same(one.box.events("fib.circuit.left"), [], "and uses it");
  t.match(one.box.events("bfd.session.down").at(-1)?.fields, { remoteState: "AdminDown" });
  t.same(kernel().sort(), BOTH, "nobody runs, and the kernel forwards");
  // Meanwhile the cloud withdraws a prefix.
  for (const [at, { box }] of [one, two].entries()) box.agent.reload(vbrOf(at + 1, [VPC]));
  edge.again(edgeOf());
  t.ok(within(30_000, isWhole));
  t.match(edge.events("agent.resumed")[0]?.fields, { routes: 2, peers: "vbr1 vbr2" });
  t.match(edge.events("bgp.selection.due")[0]?.fields, { afi: 1, because: "end-of-rib" });
  t.ok(within(10_000, () => edge.events("fib.drift.healed").length > 0));
  pass(1_000);
  t.same(kernel(), BOTH.slice(0, 1), "the prefix nobody announced again is gone");
  t.same([stale(one.box), stale(two.box)], [0, 0]);
  const remote = one.box.agent.view.speaker.peer("edge")?.negotiated?.remoteCapabilities;
  t.match(
    remote?.find(({ kind }) => kind === "graceful-restart"),
    { restarted: true, families: [{ forwardingPreserved: true }] },
  );
  const { sent, lost } = probes.stop();
  t.ok(sent > 5_000, `${sent} sent`);
  t.equal(lost, 0);
  t.end();
});

t.test("without graceful restart the same costs packets: the probes can tell", (t) => {
  const stopped = rig();
  const probes = traffic(stopped);
  stopped.pass(200);
  t.ok(stopped.within(10_000, stopped.edge.leave("stop")));
  t.same(stopped.kernel(), [], "a stop cleans up");
  t.same([stopped.stale(stopped.one.box), stopped.stale(stopped.two.box)], [0, 0]);
  stopped.edge.again(edgeOf());
  t.ok(stopped.within(30_000, stopped.isWhole));
  const cold = stopped.one.box.agent.view.speaker.peer("edge")?.negotiated?.remoteCapabilities;
  t.match(
    cold?.find(({ kind }) => kind === "graceful-restart"),
    { restarted: false, families: [{ forwardingPreserved: false }] },
  );
  t.ok(probes.stop().lost > 0);

  const bare = rig(false, plain);
  const others = traffic(bare);
  t.ok(bare.within(10_000, bare.edge.leave("restart")));
  t.equal(bare.kernel().length, 2, "routes stay, but the cloud has dropped ours");
  bare.edge.again(edgeOf(plain));
  t.ok(bare.within(30_000, bare.isWhole));
  t.ok(others.stop().lost > 0);
  t.end();
});

t.test("a crash is adopted, and claims nothing", (t) => {
  const { edge, one, within, pass, isWhole, kernel } = rig();
  edge.crash();
  pass(100);
  t.same(kernel().sort(), BOTH);
  edge.again(edgeOf());
  t.ok(within(60_000, isWhole));
  t.same(edge.events("agent.resumed"), []);
  const remote = one.box.agent.view.speaker.peer("edge")?.negotiated?.remoteCapabilities;
  t.match(
    remote?.find(({ kind }) => kind === "graceful-restart"),
    { restarted: false, families: [{ forwardingPreserved: false }] },
  );
  pass(2_000);
  t.same(kernel().sort(), BOTH);
  t.end();
});

t.test("a circuit that is dead when the edge comes back is not waited for", (t) => {
  for (const carrierVisible of [true, false]) {
    const { world, edge, two, within, kernel } = rig(carrierVisible);
    t.ok(within(5_000, edge.leave("restart")));
    two.link.cut({ carrier: carrierVisible ? "seen" : "unseen" });
    edge.again(edgeOf());
    const startedAt = world.now;
    t.ok(within(100_000, () => edge.events("bgp.selection.due").length > 0));
    const tookSec = (world.now - startedAt) / US_PER_SEC;
    const { fields } = edge.events("bgp.selection.due")[0] ?? {};
    if (carrierVisible) {
      t.match(fields, { because: "end-of-rib" });
      t.ok(tookSec < 10, `its link is known to be dead: after ${tookSec} s`);
    } else {
      t.match(fields, { because: "timer" });
      t.ok(tookSec <= 61, `the Selection_Deferral_Timer: after ${tookSec} s`);
    }
    t.ok(within(10_000, () => kernel().every((row) => !row.includes("10.0.2.2"))));
    t.equal(kernel().length, 2);
  }
  t.end();
});

t.test("a note that is too old, or another router's, is no restart", (t) => {
  const { edge, within, pass, isWhole } = rig();
  t.ok(within(5_000, edge.leave("restart")));
  pass(121_000);
  edge.again(edgeOf());
  t.match(edge.events("agent.resume.refused")[0]?.fields, { because: /ended 12\d s ago/ });
  t.ok(within(30_000, isWhole));
  t.ok(within(5_000, edge.leave("restart")));
  edge.again({ ...edgeOf(), routerId: "10.9.9.9" });
  t.match(edge.events("agent.resume.refused")[0]?.fields, { because: /router id/ });
  t.ok(within(30_000, isWhole));
  t.end();
});

t.test("a VBR that restarts stays in use; one that does not come back is left", (t) => {
  const { world, idc, edge, one, within, pass, isWhole, stale, kernel } = rig();
  const probes = traffic({ world, idc });
  t.ok(within(5_000, one.box.leave("restart")));
  pass(500);
  t.equal(stale(edge), 2);
  t.same(kernel().sort(), BOTH, "both circuits carry traffic");
  t.match(edge.events("bgp.peer.down")[0]?.fields, { peer: "vbr1", isAwaited: true });
  one.box.again(vbrOf(1, [VPC, GONE]));
  t.ok(within(30_000, isWhole));
  t.equal(stale(edge), 0);
  t.same(edge.events("fib.circuit.left"), []);
  t.equal(probes.stop().lost, 0);

  t.ok(within(5_000, one.box.leave("restart")));
  pass(110_000);
  t.same(kernel().sort(), BOTH);
  pass(15_000);
  t.match(edge.events("bgp.restart.overdue")[0]?.fields, { peer: "vbr1" });
  t.match(edge.events("fib.circuit.left")[0]?.fields, { circuit: "vbr1" });
  t.same(
    kernel().sort(),
    BOTH.map((row) => row.replace(" 10.0.1.2", "")),
  );
  t.end();
});
