import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import t from "tap";
import {
  COUPLING_TABLE,
  type CouplingCase,
  couple,
  formatCouplingTable,
  isBgpOpen,
  KNOWN_STATES,
  UNPROTECTED_GRACE_US,
} from "../../../src/agent/coupling.ts";
import { Liveness } from "../../../src/agent/liveness.ts";
import type { BfdState, BfdStateChange } from "../../../src/bfd/sessions/contract.ts";
import { BFD_STATES } from "../../../src/bfd/sessions/contract.ts";
import { BGP_STATES, type BgpState } from "../../../src/bgp/fsm/state.ts";
import { micros } from "../../../src/core/time.ts";
import { FakeClock, neighbor, recordingEvents } from "../../support/agent-fakes.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..");

function* everyCase(): Generator<CouplingCase> {
  for (const from of KNOWN_STATES)
    for (const to of KNOWN_STATES)
      for (const isRemoteAdminDown of [false, true])
        for (const isStrict of [false, true])
          for (const bgp of BGP_STATES)
            for (const isGraceOver of [false, true])
              yield { from, to, isRemoteAdminDown, isStrict, bgp, isGraceOver };
}

t.test("coupling: the table answers every case, and every row is some case's answer", async (t) => {
  const used = new Set([...everyCase()].map(couple));
  for (const row of COUPLING_TABLE) t.ok(used.has(row), row.because);
});

t.test("RFC 5882 §4.3 coupling: only a session that was Up can fail", async (t) => {
  for (const found of everyCase()) {
    const { actions } = couple(found);
    const hasFailed = actions.includes("cease") || actions.includes("leave-path");
    const isFailure = found.from === "Up" && (found.to === "Down" || found.to === "Init");
    const expected = isFailure && !found.isRemoteAdminDown && !found.isGraceOver;
    if (hasFailed !== expected) t.same({ ...found, hasFailed }, expected);
    if (actions.includes("cease") && !found.isStrict && !isBgpOpen(found.bgp)) t.fail("cease");
  }
  t.pass("every case looked at");
});

t.test("RFC 5882 §3.2 coupling: AdminDown is no failure and nobody waits for it", async (t) => {
  for (const found of everyCase()) {
    const { actions } = couple(found);
    if (found.to === "AdminDown" && !actions.includes("release")) t.same(found, actions);
    if (found.isRemoteAdminDown && (actions.includes("hold") || actions.includes("cease"))) {
      t.same(found, actions);
    }
  }
  t.pass("every case looked at");
});

t.test("coupling: docs/bfd-bgp.md prints the table that runs", async (t) => {
  const file = join(root, "docs", "bfd-bgp.md");
  const page = readFileSync(file, "utf8");
  const [before, rest] = page.split("<!-- table -->\n");
  const after = rest?.split("\n<!-- /table -->")[1];
  const wanted = `${before}<!-- table -->\n${formatCouplingTable()}\n<!-- /table -->${after}`;
  if (process.env.UPDATE_DOCS === "1") writeFileSync(file, wanted);
  t.equal(page, wanted, "run this test with UPDATE_DOCS=1 after changing the table");
});

/** One peer's liveness, with what it did to others kept as words. */
function rig(isStrict: boolean) {
  const clock = new FakeClock();
  const events = recordingEvents();
  const deeds: string[] = [];
  const tried = { count: 0 };
  const liveness = new Liveness(clock, events, {
    hold: (_, isOn) => void deeds.push(isOn ? "hold" : "release"),
    fail: (_, cause) => void deeds.push(cause),
    retry: () => {
      tried.count += 1;
    },
    leavePath: () => void deeds.push("leave"),
  });
  const plan = neighbor({ name: "vbr1", bfd: { isStrict } });
  liveness.configure([{ neighbor: plan, circuit: undefined, device: "eth1" }]);
  liveness.engineStarted();
  return { clock, events, deeds, tried, liveness };
}

function change(from: BfdState, to: BfdState, remoteState: BfdState = "Down"): BfdStateChange {
  return {
    ...{ kind: "state", session: "vbr1", from, to, diag: to === "Down" ? 1 : 0, remoteState },
    ...{ remoteDiag: 0, at: micros(0), detectionTimeUs: 150_000, lastPacketAt: undefined },
    isSuspectSelf: false,
  };
}

t.test("liveness: BFD Down leaves the path before BGP hears of it", async (t) => {
  const { deeds, tried, liveness } = rig(false);
  liveness.bfdChanged(change("Down", "Up", "Up"));
  t.equal(tried.count, 1, "a proven path is worth an attempt");
  liveness.peerChanged("vbr1", "Established");
  liveness.bfdChanged(change("Up", "Down", "Up"));
  t.same(deeds, ["leave", "bfd-down"]);
  t.equal(tried.count, 1);
  t.match(liveness.view("vbr1")?.failure, /nothing heard for 150ms/);
  liveness.peerChanged("vbr1", "Idle");
  t.match(liveness.view("vbr1")?.failure, /nothing heard/);
  liveness.peerChanged("vbr1", "Established");
  t.equal(liveness.view("vbr1")?.failure, undefined);
});

t.test("liveness: strict holds from the start, until Up, and again after a failure", async (t) => {
  const { deeds, liveness } = rig(true);
  t.same(deeds, ["hold"]);
  t.match(liveness.view("vbr1")?.heldBecause, /strict BFD/);
  liveness.bfdChanged(change("Down", "Up", "Up"));
  t.same(deeds.splice(0), ["hold", "release"]);
  liveness.peerChanged("vbr1", "Established");
  liveness.bfdChanged(change("Up", "Down", "Up"));
  t.same(deeds.splice(0), ["leave", "bfd-down", "hold"]);
  t.ok(liveness.isWaitingForBfd);
});

t.test("liveness: a strict session does not wait for a peer that says AdminDown", async (t) => {
  const { deeds, liveness } = rig(true);
  const view = { name: "vbr1", state: "Down", remoteState: "AdminDown" } as const;
  liveness.bfdSnapshot([view as never]);
  t.same(deeds, ["hold", "release"]);
  liveness.bfdSnapshot([{ ...view, remoteState: "Down" } as never]);
  t.same(deeds, ["hold", "release", "hold"], "and waits again once the peer wants BFD");
});

t.test("liveness: BFD that never comes Up keeps BGP and warns once", async (t) => {
  const { clock, deeds, events, liveness } = rig(false);
  liveness.peerChanged("vbr1", "Established");
  clock.advance(UNPROTECTED_GRACE_US - 1);
  t.same(events.ids(), []);
  clock.advance(1);
  t.same(events.ids(), ["bfd.session.unprotected"]);
  clock.advance(UNPROTECTED_GRACE_US * 3);
  t.same(events.ids(), ["bfd.session.unprotected"]);
  t.same(deeds, []);
});

t.test("liveness: an engine that dies says nothing about paths", async (t) => {
  const { deeds, events, liveness } = rig(false);
  liveness.bfdChanged(change("Down", "Up", "Up"));
  liveness.peerChanged("vbr1", "Established");
  liveness.engineFailed("worker exited");
  t.same(deeds, []);
  t.equal(liveness.view("vbr1")?.bfd, "Unknown");
  t.same(events.ids(), ["bfd.session.up", "bfd.engine.failed"]);
  liveness.engineStarted();
  t.same(deeds, [], "Unknown to Down is no failure");
  liveness.bfdChanged(change("Down", "Up", "Up"));
  liveness.bfdChanged(change("Up", "Down", "Up"));
  t.same(deeds, ["leave", "bfd-down"]);
});

t.test("liveness: a dead link fails and holds, its return releases", async (t) => {
  const { deeds, liveness } = rig(false);
  liveness.peerChanged("vbr1", "Established");
  liveness.linkChanged("eth2", false, "not ours");
  t.same(deeds, []);
  liveness.linkChanged("eth1", false, "link eth1 has no carrier");
  t.same(deeds.splice(0), ["leave", "link-down", "hold"]);
  liveness.linkChanged("eth1", false, "link eth1 has no carrier");
  t.same(deeds, [], "said once");
  liveness.linkChanged("eth1", true, "link eth1 is up");
  t.same(deeds, ["release"]);
});

t.test("liveness: two holders, one sum", async (t) => {
  const { deeds, liveness } = rig(true);
  liveness.linkChanged("eth1", false, "no carrier");
  t.same(deeds.splice(0), ["hold", "leave", "link-down", "hold"], "the reason changed");
  liveness.linkChanged("eth1", true, "up");
  t.same(deeds.splice(0), ["hold"], "BFD holds on");
  liveness.bfdChanged(change("Down", "Up", "Up"));
  t.same(deeds, ["release"]);
});

type Step =
  | { readonly kind: "bfd"; readonly to: BfdState; readonly remote: BfdState }
  | { readonly kind: "bgp"; readonly to: BgpState }
  | { readonly kind: "link"; readonly isUp: boolean }
  | { readonly kind: "engine"; readonly isUp: boolean }
  | { readonly kind: "wait" };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("bfd" as const),
    to: fc.constantFrom(...BFD_STATES),
    remote: fc.constantFrom(...BFD_STATES),
  }),
  fc.record({ kind: fc.constant("bgp" as const), to: fc.constantFrom(...BGP_STATES) }),
  fc.record({ kind: fc.constant("link" as const), isUp: fc.boolean() }),
  fc.record({ kind: fc.constant("engine" as const), isUp: fc.boolean() }),
  fc.constant({ kind: "wait" as const }),
);

t.test("liveness: any history keeps the promises of design §5.2", async (t) => {
  const property = fc.property(
    fc.boolean(),
    fc.array(anyStep, { maxLength: 40 }),
    (strict, steps) => {
      const { clock, deeds, events, tried, liveness } = rig(strict);
      let bfd: BfdState | "Unknown" = "Down";
      let isHeld = strict;
      let isLinkUp = true;
      deeds.length = 0;
      for (const step of steps) {
        if (step.kind === "bfd") {
          if (bfd === "Unknown" || bfd === step.to) continue;
          liveness.bfdChanged(change(bfd, step.to, step.remote));
        } else if (step.kind === "bgp") liveness.peerChanged("vbr1", step.to);
        else if (step.kind === "link") liveness.linkChanged("eth1", step.isUp, "link");
        else if (step.kind === "wait") clock.advance(UNPROTECTED_GRACE_US);
        else if (step.isUp) liveness.engineStarted();
        else liveness.engineFailed("gone");

        const hasFailed =
          step.kind === "bfd" &&
          bfd === "Up" &&
          (step.to === "Down" || step.to === "Init") &&
          step.remote !== "AdminDown";
        const isLinkLost = step.kind === "link" && isLinkUp && !step.isUp;
        // A path leaves the FIB exactly when it failed, and a session is ended for no other reason.
        if (deeds.includes("leave") !== (hasFailed || isLinkLost)) return false;
        if (deeds.includes("bfd-down") && !hasFailed) return false;
        if (deeds.includes("link-down") !== isLinkLost) return false;
        if (deeds.indexOf("bfd-down") >= 0 && deeds.indexOf("leave") > deeds.indexOf("bfd-down")) {
          return false;
        }
        const isProven = step.kind === "bfd" && bfd !== "Unknown" && step.to === "Up";
        if (tried.count !== (isProven ? 1 : 0)) return false;
        tried.count = 0;
        for (const deed of deeds) {
          if (deed === "hold") isHeld = true;
          if (deed === "release") isHeld = false;
        }
        if (step.kind === "bfd") bfd = step.to;
        if (step.kind === "link") isLinkUp = step.isUp;
        if (step.kind === "engine")
          bfd = step.isUp ? (bfd === "Unknown" ? "Down" : bfd) : "Unknown";
        if (!isLinkUp && !isHeld) return false;
        if (isLinkUp && !strict && isHeld) return false;
        if (isLinkUp && bfd === "Up" && isHeld) return false;
        if (isHeld !== (liveness.view("vbr1")?.heldBecause !== undefined)) return false;
        deeds.length = 0;
      }
      return events.ids().filter((id) => id === "bfd.session.unprotected").length <= steps.length;
    },
  );
  fc.assert(property, { numRuns: 300 });
  t.pass("300 histories");
});
