/**
 * RFC 4724 §4.1 under any order of events: a family is chosen once, in time, and not before whoever
 * is waited for has said everything.
 */
import fc from "fast-check";
import t from "tap";
import type { Negotiated } from "../../src/bgp/fsm/negotiate.ts";
import { Restarting } from "../../src/bgp/speaker/restarting.ts";
import type { Capability } from "../../src/bgp/wire/message.ts";
import { micros, US_PER_SEC } from "../../src/core/time.ts";
import { peerConfig } from "../support/bgp-pair.ts";
import { IPV4, IPV6 } from "../support/bgp-session.ts";

const FAMILIES = [IPV4, IPV6];
const PEERS = ["a", "b", "c"];
const peer = fc.constantFrom(...PEERS);
const family = fc.constantFrom(...FAMILIES);
const step = fc.oneof(
  fc.record({
    kind: fc.constant("up" as const),
    peer,
    families: fc.subarray(FAMILIES, { minLength: 1 }),
    restarts: fc.constantFrom(false, false, false, true),
    hasRestart: fc.constantFrom(true, true, true, false),
  }),
  fc.record({ kind: fc.constant("end-of-rib" as const), peer, family }),
  fc.record({ kind: fc.constant("forget" as const), peer }),
  fc.record({ kind: fc.constant("remove" as const), peer }),
  fc.record({ kind: fc.constant("pass" as const), sec: fc.integer({ min: 1, max: 25 }) }),
);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const negotiated = (families: typeof FAMILIES, restarted: boolean, has: boolean): Negotiated => {
  const restart: Capability = {
    kind: "graceful-restart",
    ...{ restarted, notification: true, restartTimeSec: 120, families: [] },
  };
  return {
    ...{ holdTimeSec: 90, keepaliveTimeSec: 30, remoteBgpIdentifier: 1, families },
    ...{ routeRefresh: true, enhancedRouteRefresh: true, gracefulRestart: has },
    ...{ messageOctetsMax: 4096, localCapabilities: [restart] },
    remoteCapabilities: has ? [restart] : [],
    wire: {
      ...{ as4: true, extendedMessages: false, addPath: [], families },
      ...{ session: "ebgp", peerAs: 1 },
    },
  };
};

t.test("property: selection is due once, in time, and never early", async (t) => {
  const capabilities = { ...peerConfig().capabilities, gracefulRestart: true };
  const run = (expected: readonly string[], steps: readonly Step[]) => {
    let configured = PEERS.map((name) => peerConfig({ name, families: FAMILIES, capabilities }));
    const restarting = new Restarting();
    restarting.begin({ kind: "restarted", preserved: [], peers: expected });
    let now = 0;
    restarting.configured(configured, micros(now));
    // The model: who is waited for, family by family.
    const awaited = FAMILIES.map(() => new Set(expected));
    const due: string[] = [];
    const take = () => {
      for (const { family: one, because } of restarting.takeDue()) {
        const wait = awaited[one.afi - 1]?.size ?? 0;
        if (because === "end-of-rib" && wait > 0) throw new Error("too early");
        if (because === "timer" && (wait === 0 || now < 60)) throw new Error("no reason");
        if (due.includes(`${one.afi}`)) throw new Error("twice");
        due.push(`${one.afi}`);
      }
      for (const [index, wait] of awaited.entries()) {
        const isDeferred = restarting.deferrals.some(({ family: { afi } }) => afi === index + 1);
        if (isDeferred && wait.size === 0) throw new Error("waits for nobody");
      }
    };
    take();
    for (const one of steps) {
      if (one.kind === "up") {
        const { restarts, hasRestart } = one;
        restarting.sessionUp(one.peer, negotiated(one.families, restarts, hasRestart));
        for (const [index, wait] of awaited.entries()) {
          const isCommon = one.families.some(({ afi }) => afi === index + 1);
          if (hasRestart && !restarts && isCommon) wait.add(one.peer);
          else wait.delete(one.peer);
        }
      } else if (one.kind === "end-of-rib") {
        restarting.endOfRib(one.peer, one.family);
        awaited[one.family.afi - 1]?.delete(one.peer);
      } else if (one.kind === "forget") {
        restarting.forget(one.peer);
        for (const wait of awaited) wait.delete(one.peer);
      } else if (one.kind === "remove") {
        configured = configured.filter(({ name }) => name !== one.peer);
        restarting.configured(configured, micros(now * US_PER_SEC));
        const names = configured.map(({ name }) => name);
        for (const wait of awaited)
          for (const name of wait) if (!names.includes(name)) wait.delete(name);
      } else {
        now += one.sec;
        restarting.expire(micros(now * US_PER_SEC));
      }
      take();
    }
    restarting.expire(micros(60 * US_PER_SEC));
    now = Math.max(now, 60);
    take();
    const isOver = !restarting.isOn && restarting.nextDeadline() === undefined;
    return isOver && due.length === (expected.length === 0 ? 0 : FAMILIES.length);
  };
  fc.assert(fc.property(fc.subarray(PEERS), fc.array(step, { maxLength: 25 }), run), {
    numRuns: 500,
  });
  t.pass();
});
