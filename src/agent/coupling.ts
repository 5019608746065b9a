/**
 * What BFD may do to BGP: one truth table, as data. `liveness.ts` looks every change up in it and
 * does what the row says; `docs/bfd-bgp.md` is printed from it; a property test walks it with
 * arbitrary histories. It is the only place where the two protocols meet (design §5.2).
 *
 * The claims behind the rows: a session fails only if it was Up before (RFC 5882 §4.3); AdminDown,
 * ours or the peer's, is a decision of people and no failure (RFC 5882 §3.2), and nobody waits for
 * a session that people took down (RFC 5882 §4.1); a strict session keeps BGP in Idle until BFD is
 * Up; a failure ends BGP with Cease/BFD Down (RFC 9384 §3) and leaves the path in the forwarding
 * table in the same turn; an engine of ours that dies has seen nothing, so it says nothing.
 */
import type { BfdState } from "../bfd/sessions/contract.ts";
import type { BgpState } from "../bgp/fsm/state.ts";
import { assert } from "../core/assert.ts";

/** `Unknown`: no engine watches the session, at the start or after the engine died. */
export const KNOWN_STATES = ["Unknown", "AdminDown", "Down", "Init", "Up"] as const;
export type KnownState = BfdState | "Unknown";

export type CouplingAction =
  /** Next-hop groups stop using the path, now, whatever BGP does. */
  | "leave-path"
  /** BGP ends with Cease/BFD Down where a session is open. */
  | "cease"
  /** Routes kept through a graceful restart of the peer (RFC 4724) are dropped. */
  | "forget"
  /** BGP is kept in Idle. */
  | "hold"
  /** BGP need not wait any longer. */
  | "release"
  /** BGP tries now, whatever it waited for before its next attempt. */
  | "retry"
  /** A warning event: BGP runs without the protection somebody configured. */
  | "warn";

/** What is looked up; every combination has exactly one answer. */
export interface CouplingCase {
  readonly from: KnownState;
  /** Equal to `from` where only the peer's state changed, or the wait for a first Up is over. */
  readonly to: KnownState;
  /** The peer says AdminDown (State field of its last packet, RFC 5880 §4.1). */
  readonly isRemoteAdminDown: boolean;
  readonly isStrict: boolean;
  readonly bgp: BgpState;
  /** Established for `UNPROTECTED_GRACE_US` while BFD was never Up. */
  readonly isGraceOver: boolean;
}

export interface CouplingRow {
  readonly from: readonly KnownState[];
  readonly to: readonly KnownState[];
  /** undefined matches both. */
  readonly remoteAdminDown: boolean | undefined;
  readonly strict: boolean | undefined;
  /** `open`: a BGP connection exists and OPEN was sent; `closed`: the states before. */
  readonly bgp: "open" | "closed" | undefined;
  readonly graceOver: boolean | undefined;
  readonly actions: readonly CouplingAction[];
  readonly because: string;
}

const ANY = KNOWN_STATES;
const NOT_UP: readonly KnownState[] = ["Unknown", "AdminDown", "Down", "Init"];
const GOING: readonly KnownState[] = ["Down", "Init"];
const EITHER = { remoteAdminDown: undefined, strict: undefined, bgp: undefined } as const;

/** First match wins. */
export const COUPLING_TABLE: readonly CouplingRow[] = [
  {
    ...EITHER,
    from: ANY,
    to: ["Unknown"],
    graceOver: undefined,
    actions: [],
    because: "the engine is gone: what it does not see is unknown, never Down",
  },
  {
    ...EITHER,
    from: ANY,
    to: ["Up"],
    graceOver: undefined,
    actions: ["release", "retry"],
    because: "the path is proven; forwarding comes back when BGP is Established again",
  },
  {
    ...EITHER,
    from: ANY,
    to: ["AdminDown"],
    graceOver: undefined,
    actions: ["release"],
    because: "we took BFD down ourselves: no failure, and BGP does not wait for it",
  },
  {
    ...EITHER,
    from: ANY,
    to: GOING,
    graceOver: true,
    actions: ["warn"],
    because: "BGP is Established and BFD was never Up: keep BGP, say that nothing protects it",
  },
  {
    ...EITHER,
    from: ["Up"],
    to: GOING,
    remoteAdminDown: true,
    graceOver: false,
    actions: ["release", "warn"],
    because: "the peer took BFD down on purpose: no failure, BGP goes on without protection",
  },
  {
    ...EITHER,
    from: ["Up"],
    to: GOING,
    remoteAdminDown: false,
    strict: true,
    graceOver: false,
    actions: ["leave-path", "cease", "hold"],
    because: "the path failed; BGP waits until BFD is Up again",
  },
  {
    ...EITHER,
    from: ["Up"],
    to: GOING,
    remoteAdminDown: false,
    strict: false,
    bgp: "open",
    graceOver: false,
    actions: ["leave-path", "cease"],
    because: "the path failed; BGP may try again at once",
  },
  {
    ...EITHER,
    from: ["Up"],
    to: GOING,
    remoteAdminDown: false,
    strict: false,
    bgp: "closed",
    graceOver: false,
    actions: ["leave-path", "forget"],
    because: "the path failed while BGP had no session to end; nothing is kept for a restart",
  },
  {
    ...EITHER,
    from: NOT_UP,
    to: GOING,
    remoteAdminDown: true,
    graceOver: false,
    actions: ["release"],
    because: "the peer does not want BFD now: nothing to wait for",
  },
  {
    ...EITHER,
    from: NOT_UP,
    to: GOING,
    remoteAdminDown: false,
    strict: true,
    bgp: "closed",
    graceOver: false,
    actions: ["hold"],
    because: "strict: no BGP over a path that is not proven",
  },
  {
    ...EITHER,
    from: NOT_UP,
    to: GOING,
    remoteAdminDown: false,
    strict: true,
    bgp: "open",
    graceOver: false,
    actions: [],
    because: "it was not Up, so it did not fail: a running session is kept",
  },
  {
    ...EITHER,
    from: NOT_UP,
    to: GOING,
    remoteAdminDown: false,
    strict: false,
    graceOver: false,
    actions: [],
    because: "it was not Up, so it did not fail: BGP starts and runs without BFD",
  },
];

/** How long an Established session may lack BFD before that is worth a warning. */
export const UNPROTECTED_GRACE_US = 10_000_000;

export function couple(found: CouplingCase): CouplingRow {
  const row = COUPLING_TABLE.find((candidate) => matches(candidate, found));
  assert(row !== undefined, `the coupling table answers ${found.from} to ${found.to}`);
  return row;
}

/** Whether traffic leaves the path with this change, whatever BGP does about it. */
export function leavesPath(change: {
  readonly from: KnownState;
  readonly to: KnownState;
  readonly remoteState: BfdState;
}): boolean {
  const isRemoteAdminDown = change.remoteState === "AdminDown";
  const bgp = "Established";
  const found = { ...change, isRemoteAdminDown, isStrict: false, bgp, isGraceOver: false } as const;
  return couple(found).actions.includes("leave-path");
}

/** The states in which a NOTIFICATION can still be sent and has a session to end. */
export const isBgpOpen = (state: BgpState): boolean =>
  state === "OpenSent" || state === "OpenConfirm" || state === "Established";

export function matches(row: CouplingRow, found: CouplingCase): boolean {
  return (
    row.from.includes(found.from) &&
    row.to.includes(found.to) &&
    holds(row.remoteAdminDown, found.isRemoteAdminDown) &&
    holds(row.strict, found.isStrict) &&
    holds(row.graceOver, found.isGraceOver) &&
    (row.bgp === undefined || (row.bgp === "open") === isBgpOpen(found.bgp))
  );
}

const holds = (asked: boolean | undefined, found: boolean): boolean =>
  asked === undefined || asked === found;

/** The table as Markdown, for `docs/bfd-bgp.md`. */
export function formatCouplingTable(): string {
  const head = [
    "| # | BFD was | BFD is | peer AdminDown | strict | BGP | what happens | why |",
    "|---|---|---|---|---|---|---|---|",
  ];
  const rows = COUPLING_TABLE.map((row, index) => {
    const cells = [
      String(index + 1),
      states(row.from),
      row.graceOver === true ? `${states(row.to)}, 10 s after Established` : states(row.to),
      yesNo(row.remoteAdminDown),
      yesNo(row.strict),
      row.bgp === undefined ? "any" : row.bgp,
      row.actions.length === 0 ? "nothing" : row.actions.map((action) => WORDS[action]).join("; "),
      row.because,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [...head, ...rows].join("\n");
}

const WORDS: Readonly<Record<CouplingAction, string>> = {
  "leave-path": "forwarding leaves the path",
  cease: "BGP ends with Cease 6/10",
  forget: "routes kept for a graceful restart are dropped",
  hold: "BGP is held in Idle",
  release: "BGP is free to connect",
  retry: "BGP tries at once",
  warn: "warning event",
};

const states = (list: readonly KnownState[]): string =>
  list === ANY ? "any" : list === NOT_UP ? "not Up" : list.join(", ");

const yesNo = (value: boolean | undefined): string =>
  value === undefined ? "any" : value ? "yes" : "no";
