import fc from "fast-check";
import t from "tap";
import { BGP_STATES } from "../../../../src/bgp/fsm/state.ts";
import type { SpeakerInput } from "../../../../src/bgp/speaker/inputs.ts";
import { encodeKeepalive } from "../../../../src/bgp/wire/header.ts";
import { encodeNotification } from "../../../../src/bgp/wire/notification.ts";
import { encodeOpen } from "../../../../src/bgp/wire/open.ts";
import { encodeRouteRefresh } from "../../../../src/bgp/wire/route-refresh.ts";
import { concatBytes } from "../../../../src/core/bytes.ts";
import { seededRng } from "../../../../src/core/rng.ts";
import type { Micros } from "../../../../src/core/time.ts";
import { IPV4, remoteOpen } from "../../../support/bgp-session.ts";
import { announce, Solo, soloConfig, soloPeer } from "../../../support/bgp-solo.ts";

const GREETING = concatBytes([encodeOpen(remoteOpen()), encodeKeepalive()]);

const OCTETS = [
  encodeOpen(remoteOpen()),
  encodeOpen(remoteOpen({ bgpIdentifier: 1 })),
  encodeOpen(remoteOpen({ localAs: 1 })),
  encodeKeepalive(),
  encodeKeepalive(),
  announce(["10.1.0.0/16"]),
  encodeNotification({ code: 6, subcode: 2 }),
  encodeRouteRefresh({ family: IPV4, subtype: 1 }),
  new Uint8Array(19),
  encodeKeepalive().subarray(0, 7),
];

/** Follows the effects and knows what must hold. */
class Watch {
  readonly #solo: Solo;
  /** Open as far as the speaker knows; the value: a NOTIFICATION was sent on it. */
  readonly #open = new Map<number, boolean>();
  #last: Micros;
  #resets = 0;
  #state = "Idle";
  #rng = seededRng(5);

  constructor(solo: Solo) {
    this.#solo = solo;
    this.#last = solo.now;
  }

  play(what: "connected" | "closed"): void {
    const ids = [...this.#open.keys()];
    const id = ids[this.#rng.int(0, Math.max(ids.length - 1, 0))];
    if (id === undefined) return;
    const connection = id as Extract<SpeakerInput, { kind: "tcp-closed" }>["connection"];
    if (what === "closed") {
      this.#open.delete(id);
      this.#solo.input({ kind: "tcp-closed", connection, cause: "reset", text: "reset" });
    } else if (id % 2 === 1) {
      const ports = { localPort: 1, remotePort: 179 };
      const localAddress = "10.0.0.1";
      this.#solo.input({ kind: "tcp-connected", connection, localAddress, ...ports });
    }
  }

  say(octets: Uint8Array): void {
    for (const id of [...this.#open.keys()]) {
      const connection = id as Extract<SpeakerInput, { kind: "tcp-data" }>["connection"];
      this.#solo.say(connection, octets);
    }
  }

  broken(): string | undefined {
    const fault = this.#follow();
    if (fault !== undefined) return fault;
    const peer = this.#solo.peer();
    if (peer.state !== this.#state) return `reported ${this.#state}, is ${peer.state}`;
    if (this.#open.size > 2) return `${this.#open.size} connections`;
    if (peer.state === "Idle") {
      const wrong = peer.timers.find(({ name }) => name !== "IdleHoldTimer");
      if (wrong !== undefined) return `${wrong.name} is armed in Idle`;
      if (this.#open.size > 0) return "a connection is open in Idle";
      const mayReturn = peer.timers.length > 0;
      if (!mayReturn && peer.downReason === undefined) return "down for ever without a reason";
    } else if (peer.state !== "Established" && peer.downReason === undefined) {
      return `no reason in ${peer.state}`;
    }
    const resets = Object.values(peer.counters.resets).reduce((sum, count) => sum + count, 0);
    if (resets < this.#resets) return "a counter went back";
    this.#resets = resets;
    if (this.#solo.now < this.#last) return "time went back";
    this.#last = this.#solo.now;
    return undefined;
  }

  #follow(): string | undefined {
    for (const effect of this.#solo.take()) {
      switch (effect.kind) {
        case "tcp-connect":
        case "tcp-adopt":
          if (this.#open.has(effect.connection)) return "opened twice";
          this.#open.set(effect.connection, false);
          break;
        case "tcp-close":
          // One that was refused was never adopted.
          this.#open.delete(effect.connection);
          break;
        case "tcp-send": {
          const wasTold = this.#open.get(effect.connection);
          if (wasTold === undefined) return "sent on a connection that is not open";
          if (wasTold) return "sent behind a NOTIFICATION";
          if (effect.octets[18] === 3) this.#open.set(effect.connection, true);
          break;
        }
        case "session":
          if (effect.from !== this.#state) return `left ${effect.from}, was ${this.#state}`;
          if (effect.to === effect.from) return "a change to the same";
          this.#state = effect.to;
      }
    }
    return undefined;
  }
}

t.test("any sequence of inputs keeps the invariants of a peer", async (t) => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.nat(OCTETS.length - 1).map((index) => ({ say: index })) },
    { weight: 2, arbitrary: fc.constant("accept" as const) },
    { weight: 2, arbitrary: fc.constant("connected" as const) },
    { weight: 1, arbitrary: fc.constant("closed" as const) },
    { weight: 3, arbitrary: fc.constant("greet" as const) },
    { weight: 2, arbitrary: fc.nat(6_000_000).map((us) => ({ wait: us })) },
    { weight: 1, arbitrary: fc.nat(300_000_000).map((us) => ({ wait: us })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        { kind: "admin", peer: "b", action: "stop", text: "x" } as const,
        { kind: "admin", peer: "b", action: "start", text: "x" } as const,
        { kind: "admin", peer: "b", action: "reset", text: "x" } as const,
        { kind: "hold-off", peer: "b", isOn: true, reason: "x" } as const,
        { kind: "hold-off", peer: "b", isOn: false, reason: "x" } as const,
        { kind: "path-failed", peer: "b", cause: "bfd-down", text: "x" } as const,
        { kind: "refresh", peer: "b", direction: "in", family: undefined } as const,
        { kind: "configure", config: soloConfig({ isPassive: false, holdTimeSec: 30 }) } as const,
        { kind: "configure", config: soloConfig({ isPassive: false }) } as const,
      ),
    },
  );
  type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
  const capabilities = { ...soloPeer().capabilities, gracefulRestart: true };
  const starts = fc.constantFrom<Parameters<typeof soloConfig>[0]>(
    { isPassive: false },
    { isPassive: false, delayOpenTimeSec: 3 },
    { isPassive: false, capabilities },
    { isPassive: true },
  );
  const reached = new Set<string>();
  fc.assert(
    fc.property(starts, fc.array(step, { maxLength: 60 }), (start, steps: Step[]) => {
      const solo = new Solo(soloConfig(start));
      const watch = new Watch(solo);
      for (const one of steps) {
        if (one === "accept") solo.accept();
        else if (one === "greet") watch.say(GREETING);
        else if (one === "connected" || one === "closed") watch.play(one);
        else if ("wait" in one) solo.advance(one.wait / 1e6);
        else if ("say" in one) watch.say(OCTETS[one.say] ?? encodeKeepalive());
        else solo.input(one as SpeakerInput);
        const broken = watch.broken();
        if (broken !== undefined) throw new Error(broken);
        reached.add(solo.peer().state);
        for (const reason of Object.keys(solo.peer().counters.resets)) reached.add(reason);
      }
    }),
    { numRuns: 400 },
  );
  const everywhere = [...BGP_STATES, "collision", "notification_in", "hold_timer", "tcp", "admin"];
  for (const place of everywhere) t.ok(reached.has(place), `the runs came to ${place}`);
});
