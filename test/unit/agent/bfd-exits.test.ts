import t from "tap";
import { type ExitGroup, type ExitHop, Exits } from "../../../src/agent/bfd/exits.ts";
import { couple, KNOWN_STATES, leavesPath } from "../../../src/agent/coupling.ts";
import type { BfdState, BfdStateChange } from "../../../src/bfd/sessions/contract.ts";
import { BGP_STATES } from "../../../src/bgp/fsm/state.ts";
import { micros } from "../../../src/core/time.ts";

const hop = (session: string, device = session): ExitHop => ({
  ...{ session, device, gateway: `10.0.0.${device.length}`, weight: 1 },
});

const group = (id: number, ...ways: ExitHop[][]): ExitGroup => ({ id, afi: 1, ways });

const change = (session: string, to: BfdState, remoteState: BfdState = "Up"): BfdStateChange => ({
  ...{ kind: "state", session, from: to === "Up" ? "Down" : "Up", to, remoteState },
  ...{ diag: 1, remoteDiag: 0, at: micros(0), detectionTimeUs: 900_000 },
  ...{ lastPacketAt: undefined, isSuspectSelf: false },
});

const told = (exits: Exits, what: BfdStateChange) =>
  exits.changed(what).map(({ id, hops }) => `${id}: ${hops.map((one) => one.device).join(" ")}`);

t.test("a failed session leaves every group that uses it, and no other", async (t) => {
  const exits = new Exits();
  exits.use([group(1, [hop("a"), hop("bb")]), group(2, [hop("bb")]), group(3, [hop("a")], [])]);
  t.same(told(exits, change("a", "Down")), ["1: bb"], "3 has nothing left and stays");
});

t.test("a backup stands in where the primary has nothing left", async (t) => {
  const exits = new Exits();
  exits.use([group(1, [hop("a")], [hop("bb"), hop("ccc")])]);
  t.same(told(exits, change("a", "Down")), ["1: bb ccc"]);
});

t.test("a second failure before the next table does not go back to the first", async (t) => {
  const exits = new Exits();
  exits.use([group(1, [hop("a"), hop("bb"), hop("ccc")])]);
  t.same(told(exits, change("a", "Down")), ["1: bb ccc"]);
  t.same(told(exits, change("bb", "Down")), ["1: ccc"]);
  exits.use([group(1, [hop("a"), hop("bb"), hop("ccc")])]);
  t.same(told(exits, change("ccc", "Down")), [], "a table on its way when they went");
  told(exits, change("a", "Up"));
  t.same(told(exits, change("ccc", "Down")), ["1: a"]);
});

t.test("two sessions over one way out are one hop", async (t) => {
  const exits = new Exits();
  exits.use([group(1, [hop("a"), hop("x4", "wire"), hop("x6", "wire")])]);
  t.same(told(exits, change("a", "Down")), ["1: wire"]);
});

t.test("RFC 5882 §4.2: AdminDown and what was never Up move nothing", async (t) => {
  const exits = new Exits();
  exits.use([group(1, [hop("a"), hop("bb")])]);
  t.same(told(exits, change("a", "AdminDown")), []);
  t.same(told(exits, change("a", "Down", "AdminDown")), [], "the peer took it down");
  t.same(told(exits, { ...change("a", "Init"), from: "Down" }), []);
});

t.test("the thread leaves exactly where the coupling table says so, in any state", async (t) => {
  const states = KNOWN_STATES.filter((state) => state !== "Unknown");
  for (const from of states)
    for (const to of states)
      for (const remoteState of states)
        for (const bgp of BGP_STATES)
          for (const isStrict of [false, true]) {
            const isRemoteAdminDown = remoteState === "AdminDown";
            const found = { from, to, isRemoteAdminDown, isStrict, bgp, isGraceOver: false };
            const says = couple(found).actions.includes("leave-path");
            const does = leavesPath({ from, to, remoteState });
            if (says !== does) t.fail(`${from} to ${to}, peer ${remoteState}, BGP ${bgp}`);
          }
  t.pass();
});
