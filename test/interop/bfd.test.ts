/**
 * BFD against BIRD and FRR: the shipped engine (worker, real sockets) in one namespace, the other
 * implementation in the next. Single hop and multihop, IPv4 and IPv6, authenticated with BIRD;
 * timers changed from both ends while Up, a silent cut, AdminDown from both ends, a peer that is
 * killed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import type { BfdEngine, BfdEngineHandler } from "../../src/agent/bfd/engine.ts";
import { startWorkerBfdEngine } from "../../src/agent/bfd/worker-engine.ts";
import type {
  BfdSessionConfig,
  BfdSessionView,
  BfdStateChange,
} from "../../src/bfd/sessions/contract.ts";
import { MS, sessionConfig } from "../unit/bfd/harness.ts";
import { Bench, Bird, eventually, Frr, whySkip } from "./routers.ts";

const skip = whySkip("bird", "frr");

/** Our end, in the namespace of a node. */
class Edge implements BfdEngineHandler {
  readonly states: BfdStateChange[] = [];
  readonly failures: string[] = [];
  readonly #engine: BfdEngine;

  constructor(bench: Bench, node: string) {
    const netns = bench.namespaces.nameOf(node);
    this.#engine = startWorkerBfdEngine({ name: node, netns })(this);
  }

  state(change: BfdStateChange): void {
    this.states.push(change);
  }

  log(): void {}

  failed(text: string): void {
    this.failures.push(text);
  }

  configure(...sessions: BfdSessionConfig[]): void {
    this.#engine.configure(sessions);
  }

  admin(session: string, isDown: boolean): void {
    this.#engine.admin({ kind: "admin", session, isDown });
  }

  snapshot(): Promise<readonly BfdSessionView[]> {
    return new Promise((done) => this.#engine.snapshot(done));
  }

  async view(name: string): Promise<BfdSessionView | undefined> {
    return (await this.snapshot()).find((session) => session.name === name);
  }

  stop(): Promise<void> {
    return new Promise((done) => this.#engine.stop(done));
  }

  /** The session as it is once it looks as wanted. */
  settled(name: string, wanted: Partial<BfdSessionView>): Promise<BfdSessionView | undefined> {
    const entries = Object.entries(wanted);
    return eventually(
      () => this.view(name),
      (view) => entries.every(([key, value]) => view?.[key as keyof BfdSessionView] === value),
      { what: `${name} to be ${JSON.stringify(wanted)}` },
    );
  }

  /** Changes of a session that were failures or orders, since a moment. */
  downs(name: string): BfdStateChange[] {
    return this.states.filter(({ session, from }) => session === name && from === "Up");
  }
}

/** Two nodes, a cable, and loopback addresses behind it for multihop. */
function cabled(bench: Bench): void {
  bench.pair("edge", "peer", [
    ["10.0.0.1/30", "10.0.0.2/30"],
    ["fd00:0:0:1::1/64", "fd00:0:0:1::2/64"],
  ]);
  const { namespaces } = bench;
  namespaces.address("edge", "lo", "10.9.0.1/32");
  namespaces.address("peer", "lo", "10.9.0.2/32");
  namespaces.ip("edge", ["route", "add", "10.9.0.2/32", "via", "10.0.0.2"]);
  namespaces.ip("peer", ["route", "add", "10.9.0.1/32", "via", "10.0.0.1"]);
}

/** Sends everything, both ways, to a station that is not there: lost, and nobody is told. */
function cut(bench: Bench, isCut: boolean): void {
  const lost = ["lladdr", "02:00:00:00:00:99", "nud", "permanent"];
  for (const [node, device, neighbours] of [
    ["edge", "left", ["10.0.0.2", "fd00:0:0:1::2"]],
    ["peer", "right", ["10.0.0.1", "fd00:0:0:1::1"]],
  ] as const) {
    for (const address of neighbours) {
      const neighbour = [address, "dev", device];
      if (isCut) bench.namespaces.ip(node, ["neigh", "replace", ...neighbour, ...lost]);
      else bench.namespaces.ip(node, ["neigh", "del", ...neighbour]);
    }
  }
}

const INTERVALS = { desiredMinTxIntervalUs: 200 * MS, requiredMinRxIntervalUs: 200 * MS };
const SLOWER = { desiredMinTxIntervalUs: 400 * MS, requiredMinRxIntervalUs: 400 * MS };

const direct = sessionConfig({ ...INTERVALS, name: "direct", device: "left" });
const direct6 = sessionConfig({
  ...INTERVALS,
  name: "direct6",
  device: "left",
  localAddress: "fd00:0:0:1::1",
  remoteAddress: "fd00:0:0:1::2",
});
const multihop = sessionConfig({
  ...INTERVALS,
  name: "multihop",
  mode: "multihop",
  device: undefined,
  localAddress: "10.9.0.1",
  remoteAddress: "10.9.0.2",
  minTtl: 254,
});

t.test("BIRD: single hop, IPv6, multihop; every authentication", { skip }, async (t) => {
  const bench = new Bench();
  t.teardown(() => bench.dispose());
  cabled(bench);
  const secret = new TextEncoder().encode("causeway");
  const types = {
    simple: "simple-password",
    "keyed md5": "keyed-md5",
    "meticulous keyed md5": "meticulous-keyed-md5",
    "keyed sha1": "keyed-sha1",
    "meticulous keyed sha1": "meticulous-keyed-sha1",
  } as const;
  const names = Object.keys(types) as (keyof typeof types)[];
  const config = (authentication: string, ms: number) => `router id 2.2.2.2;
protocol device {}
protocol bfd bfd1 {
  interface "right" { interval ${ms} ms; idle tx interval 1 s; multiplier 3; ${authentication} };
  multihop { interval ${ms} ms; multiplier 3; ${authentication} };
  neighbor 10.0.0.1 dev "right";
  neighbor fd00:0:0:1::1 dev "right";
  neighbor 10.9.0.1 local 10.9.0.2 multihop on;
}`;
  const bird = new Bird(bench, "peer", config("", 200));
  const edge = new Edge(bench, "edge");
  t.teardown(() => edge.stop());
  // BIRD sends multihop packets with the system's default TTL.
  const all = [direct, direct6, { ...multihop, minTtl: 64 }];

  edge.configure(...all);
  for (const { name } of all) {
    const view = await edge.settled(name, { state: "Up", detectionTimeUs: 600 * MS });
    t.same(view?.discards, {}, `${name}: nothing refused`);
  }
  await eventually(
    () => bird.ask("show bfd sessions"),
    (answer) => (answer.match(/\bUp\b/g) ?? []).length === 3,
    { what: "BIRD's three sessions" },
  );

  t.comment("timers, from our end and from BIRD's");
  edge.configure(...all.map((session) => ({ ...session, ...SLOWER })));
  for (const { name } of all) {
    await edge.settled(name, { txIntervalUs: 400 * MS, isPolling: false, state: "Up" });
  }
  edge.configure(...all);
  for (const { name } of all) await edge.settled(name, { txIntervalUs: 200 * MS });
  const path = bench.file("bird-peer.conf", `log stderr all;\n${config("", 600)}`);
  bird.ask(`configure "${path}"`);
  for (const { name } of all) {
    await edge.settled(name, { txIntervalUs: 600 * MS, detectionTimeUs: 1_800 * MS });
  }
  bench.file("bird-peer.conf", `log stderr all;\n${config("", 200)}`);
  bird.ask(`configure "${path}"`);
  for (const { name } of all) {
    await edge.settled(name, { txIntervalUs: 200 * MS, detectionTimeUs: 600 * MS });
    t.same(edge.downs(name), [], `${name}: no flap`);
  }

  t.comment("a silent cut");
  cut(bench, true);
  for (const { name } of all) {
    await edge.settled(name, { state: "Down", diag: 1 });
    t.match(edge.downs(name), [{ diag: 1, detectionTimeUs: 600 * MS }]);
  }
  cut(bench, false);
  for (const { name } of all) await edge.settled(name, { state: "Up" });

  for (const name of names) {
    t.comment(`authentication ${name}`);
    const option = `authentication ${name}; password "causeway" { id 7; };`;
    bench.file("bird-peer.conf", `log stderr all;\n${config(option, 200)}`);
    bird.ask(`configure "${path}"`);
    const auth = { type: types[name], sendKeyId: 7, keys: [{ id: 7, secret }] };
    edge.configure(...all.map((session) => ({ ...session, auth })));
    await sleep(1_500);
    const since = (await edge.snapshot()).map(({ packetsIn }) => packetsIn);
    for (const [index, session] of all.entries()) {
      const view = await edge.settled(session.name, { state: "Up" });
      t.equal(view?.state, "Up", `${name}: ${session.name}`);
      await eventually(
        () => edge.view(session.name),
        (now) => (now?.packetsIn ?? 0) > (since[index] ?? 0) + 3,
        { what: `${session.name} takes packets` },
      );
    }
  }
  t.comment("a wrong secret");
  const wrong = { type: "keyed-sha1", sendKeyId: 7, keys: [{ id: 7, secret: secret.slice(1) }] };
  edge.configure({ ...direct, auth: wrong as BfdSessionConfig["auth"] });
  await edge.settled("direct", { state: "Down" });
  t.same(edge.failures, []);
});

t.test("FRR: single hop, IPv6, multihop; AdminDown and kill", { skip }, async (t) => {
  const bench = new Bench();
  t.teardown(() => bench.dispose());
  cabled(bench);
  const timers = (ms: number) => `  detect-multiplier 3
  receive-interval ${ms}
  transmit-interval ${ms}
`;
  const peers = [
    "peer 10.0.0.1 local-address 10.0.0.2 interface right",
    "peer fd00:0:0:1::1 local-address fd00:0:0:1::2 interface right",
    "peer 10.9.0.1 multihop local-address 10.9.0.2",
  ];
  const config = (ms: number) =>
    `bfd\n${peers.map((it) => ` ${it}\n${timers(ms)} exit\n`).join("")}`;
  const frr = new Frr(bench, "peer", "", `${config(200)}exit\n`);
  const edge = new Edge(bench, "edge");
  t.teardown(() => edge.stop());
  const all = [direct, direct6, multihop];
  edge.configure(...all);
  for (const { name } of all) {
    const view = await edge.settled(name, { state: "Up", detectionTimeUs: 600 * MS });
    t.same(view?.discards, {}, `${name}: nothing refused`);
  }
  await eventually(
    () => frr.ask("show bfd peers"),
    (answer) => (answer.match(/Status: up/g) ?? []).length === 3,
    { what: "FRR's three peers" },
  );

  t.comment("timers, from our end and from FRR's");
  edge.configure(...all.map((session) => ({ ...session, ...SLOWER })));
  for (const { name } of all) {
    await edge.settled(name, { txIntervalUs: 400 * MS, isPolling: false, state: "Up" });
  }
  edge.configure(...all);
  for (const { name } of all) await edge.settled(name, { txIntervalUs: 200 * MS });
  frr.ask(`configure terminal\n${config(600)}`);
  for (const { name } of all) {
    await edge.settled(name, { txIntervalUs: 600 * MS, detectionTimeUs: 1_800 * MS });
  }
  frr.ask(`configure terminal\n${config(200)}`);
  for (const { name } of all) {
    await edge.settled(name, { txIntervalUs: 200 * MS, detectionTimeUs: 600 * MS });
    t.same(edge.downs(name), [], `${name}: no flap`);
  }

  t.comment("AdminDown from FRR, then from us");
  frr.ask(`configure terminal\nbfd\n${peers[0]}\nshutdown`);
  await edge.settled("direct", { state: "Down", remoteState: "AdminDown", diag: 3 });
  frr.ask(`configure terminal\nbfd\n${peers[0]}\nno shutdown`);
  await edge.settled("direct", { state: "Up" });
  edge.admin("multihop", true);
  await eventually(
    () => frr.ask("show bfd peers"),
    (answer) => (answer.match(/Remote diagnostics: administratively down/g) ?? []).length === 1,
    { what: "FRR reads our AdminDown" },
  );
  edge.admin("multihop", false);
  await edge.settled("multihop", { state: "Up" });

  t.comment("a silent cut");
  cut(bench, true);
  for (const { name } of all) {
    await edge.settled(name, { state: "Down" });
    t.match(edge.downs(name).at(-1), { diag: 1, detectionTimeUs: 600 * MS });
  }
  cut(bench, false);
  for (const { name } of all) await edge.settled(name, { state: "Up" });

  t.comment("our end goes and comes back with new discriminators");
  edge.configure();
  await eventually(
    () => frr.ask("show bfd peers"),
    (answer) => !answer.includes("Status: up"),
    { what: "FRR loses us" },
  );
  edge.configure(...all);
  for (const { name } of all) await edge.settled(name, { state: "Up" });
  t.same(edge.failures, []);
});
