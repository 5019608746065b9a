/**
 * The BFD thread moves the groups of a failed path itself: here the main thread stands still while
 * the line is cut, and the kernel is read before it has heard anything.
 */
import t from "tap";
import type { BfdEngine, BfdEngineHandler } from "../../src/agent/bfd/engine.ts";
import type { ExitHop, PathExit } from "../../src/agent/bfd/exits.ts";
import { startWorkerBfdEngine } from "../../src/agent/bfd/worker-engine.ts";
import type { BfdStateChange } from "../../src/bfd/sessions/contract.ts";
import type { RouteBatch } from "../../src/platform/contract.ts";
import { skipWithoutNetns as skip, TwinNetns, until } from "../support/netns.ts";
import { MS, mirrored, sessionConfig } from "../unit/bfd/harness.ts";

const WIRE = { gateway: "10.99.0.2", device: "wire", weight: 1 };
const SPARE = { gateway: "10.99.1.2", device: "spare", weight: 1 };

class End implements BfdEngineHandler {
  readonly changes: BfdStateChange[] = [];
  readonly exits: PathExit[] = [];
  readonly engine: BfdEngine;

  constructor(netns: string) {
    this.engine = startWorkerBfdEngine({ name: "test", netns })(this);
  }

  state(change: BfdStateChange, exit?: PathExit): void {
    this.changes.push(change);
    if (exit !== undefined) this.exits.push(exit);
  }

  log(): void {}

  failed(text: string): void {
    throw new Error(text);
  }

  get isUp(): boolean {
    return this.changes.at(-1)?.to === "Up";
  }
}

t.test("groups leave a dead path while the main thread stands still", { skip }, async (t) => {
  const twin = new TwinNetns(t);
  twin.cable("spare", 1);
  const { routes } = twin.host("a", {
    routes: { kind: "kernel", table: 254, proto: 202, metric: 20 },
  });
  const group = { id: 1, afi: 1 as const, hops: [WIRE, SPARE] };
  await new Promise((done) => routes.setGroups([group], done));
  await new Promise((done) => routes.apply(NET, done));
  const near = new End(twin.spaces.nameOf("a"));
  const far = new End(twin.spaces.nameOf("b"));
  t.teardown(() =>
    Promise.all([near, far].map(({ engine }) => new Promise<void>((done) => engine.stop(done)))),
  );
  const config = sessionConfig({
    ...{ name: "wire", device: "wire", localAddress: "10.99.0.1", remoteAddress: "10.99.0.2" },
    ...{ desiredMinTxIntervalUs: 100 * MS, requiredMinRxIntervalUs: 100 * MS },
  });
  near.engine.configure([config]);
  far.engine.configure([mirrored(config)]);
  const { site } = routes;
  if (site === undefined) throw new Error("kernel groups have a site");
  const hops: ExitHop[] = [
    { ...WIRE, session: "wire" },
    { ...SPARE, session: "spare" },
  ];
  near.engine.protect({ site, groups: [{ id: 1, afi: 1, ways: [hops, []] }] });
  t.ok(await until(() => near.isUp && far.isUp), "BFD is Up");
  t.same(devices(twin), ["spare", "wire"], "both carry");

  twin.spaces.tc("b", ["qdisc", "replace", "dev", "wire", "root", "blackhole"]);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
  t.ok(near.isUp, "the main thread has heard of nothing");
  t.same(devices(twin), ["spare"], "and the kernel has moved");

  t.ok(await until(() => near.exits.length === 1));
  t.match(near.exits[0], { groups: 1, failures: 0 });
  const tookUs = (near.exits[0]?.at ?? 0) - (near.changes.at(-1)?.at ?? 0);
  t.ok(tookUs > 0, "the stamp is the kernel's answer");
});

t.test("carrier moves them as well, to the spare where nothing is left", { skip }, async (t) => {
  const twin = new TwinNetns(t);
  twin.cable("spare", 1);
  const { routes } = twin.host("a", {
    routes: { kind: "kernel", table: 254, proto: 202, metric: 20 },
  });
  const groups = [
    { id: 1, afi: 1 as const, hops: [WIRE, SPARE] },
    { id: 2, afi: 1 as const, hops: [WIRE], spare: [SPARE] },
  ];
  await new Promise((done) => routes.setGroups(groups, done));
  const rows = {
    ...{ afi: 1 as const, count: 2, lengths: Uint8Array.of(24, 24) },
    addresses: Uint8Array.of(192, 0, 2, 0, 198, 51, 100, 0),
    groups: Uint32Array.of(1, 2),
  };
  await new Promise((done) => routes.apply(rows, done));
  const way = (address: string) => / dev (\S+)/.exec(twin.ip("a", `route get ${address}`))?.[1];
  t.equal(way("198.51.100.1"), "wire", "the spare carries nothing");
  twin.spaces.devices.setUp("b", "wire", false);
  // Nothing of this process runs from here on.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  t.equal(way("192.0.2.1"), "spare");
  t.equal(way("198.51.100.1"), "spare", "its route is there, with another way out");
});

/** The devices of the one group there is, as the kernel has it. */
function devices(twin: TwinNetns): string[] {
  const lines = twin.ip("a", "nexthop show proto 202").split("\n");
  const device = (id: string) =>
    /dev (\S+)/.exec(lines.find((line) => line.startsWith(`id ${id} `)) ?? "")?.[1] ?? "nowhere";
  const members = lines.map((line) => / group (\S+)/.exec(line)?.[1]).find(Boolean) ?? "";
  return members.split("/").map(device).sort();
}

const NET: RouteBatch = {
  afi: 1,
  count: 1,
  addresses: Uint8Array.of(192, 0, 2, 0),
  lengths: Uint8Array.of(24),
  groups: Uint32Array.of(1),
};
