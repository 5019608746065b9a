/**
 * When a circuit that failed is used again: one table, as data. `machine.ts` looks every event up
 * in it, `docs/failback.md` is printed from it, and a property test walks it with arbitrary
 * histories (design §5.3).
 *
 * The unit is a session: a circuit has one per address family, and each family goes its own way.
 */

export const FAILBACK_PHASES = ["in-use", "out", "soaking", "returning", "held"] as const;
export type FailbackPhase = (typeof FAILBACK_PHASES)[number];

export const FAILBACK_EVENTS = [
  /** The session is Established. */
  "up",
  /** It was ended by us: the configuration changed, or an operator said so. */
  "ended",
  /** It was lost in any other way … */
  "failed",
  /** … and that as often as `flaps` within `per` allows. */
  "failed-too-often",
  /** It stayed up for `soak`. */
  "soaked",
  /** It stayed up for one `step` more. */
  "stepped",
  /** An operator releases a held circuit. */
  "released",
  /** An operator takes a drain back while the session is up. */
  "undrained",
  /** The run before held it. */
  "remembered",
  /** `failback: immediate` from now on. */
  "switched-off",
] as const;
export type FailbackEvent = (typeof FAILBACK_EVENTS)[number];

export interface FailbackRow {
  readonly from: readonly FailbackPhase[];
  readonly on: FailbackEvent;
  readonly to: FailbackPhase;
  readonly because: string;
}

const NOT_HELD: readonly FailbackPhase[] = ["in-use", "out", "soaking", "returning"];

/** What is not in here changes nothing. */
export const FAILBACK_TABLE: readonly FailbackRow[] = [
  {
    from: NOT_HELD,
    on: "failed",
    to: "out",
    because: "traffic is elsewhere, and stays there until the path has proven itself",
  },
  {
    from: NOT_HELD,
    on: "failed-too-often",
    to: "held",
    because: "each return costs packets; a line that flaps waits for a person",
  },
  {
    from: ["soaking", "returning"],
    on: "ended",
    to: "out",
    because: "we ended the session ourselves: no failure is counted, and the soak begins anew",
  },
  {
    from: ["out"],
    on: "up",
    to: "soaking",
    because: "it may fall again: both ends know its routes and use them last",
  },
  {
    from: ["soaking"],
    on: "soaked",
    to: "returning",
    because: "stable: GRACEFUL_SHUTDOWN is taken back, the longer AS_PATH stays",
  },
  {
    from: ["returning"],
    on: "stepped",
    to: "in-use",
    because: "both ends may use it again, in the same moment",
  },
  {
    from: ["held"],
    on: "released",
    to: "out",
    because: "a person looked: failures are forgotten, and it soaks like any other",
  },
  {
    from: ["in-use"],
    on: "undrained",
    to: "returning",
    because: "nothing failed, so it need not soak; it returns in steps all the same",
  },
  {
    from: ["in-use"],
    on: "remembered",
    to: "held",
    because: "the run before held it, and a restart is no person",
  },
  {
    from: ["out", "soaking", "returning", "held"],
    on: "switched-off",
    to: "in-use",
    because: "the configuration wants circuits back at once",
  },
];

/** The phase that follows; the same one where the table has no row. */
export function nextPhase(from: FailbackPhase, on: FailbackEvent): FailbackPhase {
  return FAILBACK_TABLE.find((row) => row.on === on && row.from.includes(from))?.to ?? from;
}

/** The table as Markdown, for `docs/failback.md`. */
export function formatFailbackTable(): string {
  const head = ["| from | when | to | why |", "|---|---|---|---|"];
  const rows = FAILBACK_TABLE.map(({ from, on, to, because }) => {
    return `| ${from.join(", ")} | ${on} | ${to} | ${because} |`;
  });
  return [...head, ...rows].join("\n");
}
