import t from "tap";
import type { BfdEngine } from "../../../src/agent/bfd/engine.ts";
import { startInlineBfdEngine } from "../../../src/agent/bfd/inline-engine.ts";
import type {
  BfdSessionConfig,
  BfdSessionView,
  BfdStateChange,
} from "../../../src/bfd/sessions/contract.ts";
import type { LogEvent } from "../../../src/core/log.ts";
import type { Host } from "../../../src/platform/contract.ts";
import { World } from "../../../src/platform/virtual/world.ts";
import { MS, mirrored, SEC, sessionConfig } from "./harness.ts";

/** An engine on a virtual host, and what it told. */
class End {
  readonly engine: BfdEngine;
  readonly states: BfdStateChange[] = [];
  readonly logs: LogEvent[] = [];

  constructor(host: Host, ...sessions: BfdSessionConfig[]) {
    this.engine = startInlineBfdEngine(host)({
      state: (change) => this.states.push(change),
      log: (entry) => this.logs.push(entry),
      failed: () => {},
    });
    this.engine.configure(sessions);
  }

  get state(): string | undefined {
    return this.states.at(-1)?.to;
  }
}

function circuit(changes: Partial<BfdSessionConfig> = {}, far: Partial<BfdSessionConfig> = {}) {
  const world = new World({ seed: 11 });
  const edge = world.addHost("edge");
  const vbr = world.addHost("vbr");
  const link = world.link({
    between: [
      { host: edge, device: "eth0", addresses: ["10.0.0.1/30"] },
      { host: vbr, device: "eth0", addresses: ["10.0.0.2/30"] },
    ],
    latencyUs: 2 * MS,
    carrierVisible: false,
  });
  const config = sessionConfig(changes);
  const near = new End(edge, config);
  const there = new End(vbr, mirrored(sessionConfig({ ...changes, ...far })));
  return { world, edge, vbr, link, near, there, config };
}

t.test("single hop over a virtual link: up, silent cut, detection, back", async (t) => {
  const { world, link, near, there } = circuit();
  world.run({ forUs: 3 * SEC });
  t.same([near.state, there.state], ["Up", "Up"]);
  world.run({ forUs: 5 * SEC });
  const from = world.now;
  link.cut();
  world.run({ forUs: 2 * SEC });
  const down = near.states.find(({ to, at }) => to === "Down" && at > from);
  t.match(down, { from: "Up", diag: 1, isSuspectSelf: false, detectionTimeUs: 900 * MS });
  t.equal((down?.at ?? 0) - (down?.lastPacketAt ?? 0), 900 * MS, "to the microsecond");
  link.repair();
  world.run({ forUs: 3 * SEC });
  t.same([near.state, there.state], ["Up", "Up"]);
});

t.test("multihop through a router: the TTL counts its hops", async (t) => {
  const build = (minTtl: number) => {
    const world = new World({ seed: 3 });
    const edge = world.addHost("edge");
    const router = world.addHost("router");
    const far = world.addHost("far");
    world.link({
      between: [
        { host: edge, device: "eth0", addresses: ["10.0.0.1/30"] },
        { host: router, device: "left", addresses: ["10.0.0.2/30"] },
      ],
    });
    world.link({
      between: [
        { host: router, device: "right", addresses: ["10.0.1.1/30"] },
        { host: far, device: "eth0", addresses: ["10.0.1.2/30"] },
      ],
    });
    const gateway = (at: string) => ({
      prefix: "10.0.0.0/15",
      hops: [{ gateway: at, device: "eth0" }],
    });
    edge.addRoute(gateway("10.0.0.2"));
    far.addRoute(gateway("10.0.1.1"));
    const config = sessionConfig({
      mode: "multihop",
      device: undefined,
      localAddress: "10.0.0.1",
      remoteAddress: "10.0.1.2",
      minTtl,
    });
    const near = new End(edge, config);
    const there = new End(far, mirrored(config));
    world.run({ forUs: 5 * SEC });
    return { near, there };
  };
  const good = build(254);
  t.same([good.near.state, good.there.state], ["Up", "Up"]);
  const strict = build(255);
  t.same([strict.near.state, strict.there.state], [undefined, undefined]);
  t.match(strict.near.logs[0]?.fields, { reason: "ttl", ttl: 254 });
});

t.test("single hop here, multihop there: never up, and both say why", async (t) => {
  const { world, near, there } = circuit({}, { mode: "multihop", device: undefined });
  world.run({ forUs: 10 * SEC });
  t.same([near.state, there.state], [undefined, undefined]);
  for (const { logs } of [near, there]) {
    t.match(logs[0], { level: "warn", event: "bfd.packet.discarded", fields: { reason: "port" } });
  }
});

t.test("an agent stops: its peer hears AdminDown, not a failure", async (t) => {
  const { world, near, there } = circuit();
  world.run({ forUs: 3 * SEC });
  let stopped = 0;
  near.engine.stop(() => {
    stopped = world.now;
  });
  world.run({ forUs: 5 * SEC });
  t.ok(stopped > 0);
  t.match(there.states.at(-1), { to: "Down", diag: 3, remoteState: "AdminDown" });
});

t.test("an agent is frozen shorter and longer than its Detection Time (B11)", async (t) => {
  const { world, edge, near, there } = circuit();
  world.run({ forUs: 3 * SEC });
  const ups = near.states.length;
  edge.process.stall(400 * MS);
  world.run({ forUs: 5 * SEC });
  t.equal(near.states.length, ups, "no false Down");
  edge.process.stall(3 * SEC);
  world.run({ forUs: 10 * SEC });
  const failed = there.states.find(({ diag }) => diag === 1);
  t.match(failed, { to: "Down" }, "the peer is right to call it Down");
  const own = near.states.slice(ups).find(({ to }) => to === "Down");
  t.match(own, { isSuspectSelf: true }, "and we know whose fault it was");
  t.same([near.state, there.state], ["Up", "Up"]);
});

t.test("a snapshot is plain data", async (t) => {
  const { world, near } = circuit();
  world.run({ forUs: 3 * SEC });
  let seen: readonly BfdSessionView[] = [];
  near.engine.snapshot((sessions) => {
    seen = sessions;
  });
  world.run({ forUs: 0 });
  t.equal(seen[0]?.state, "Up");
  t.same(structuredClone(seen), seen);
});
