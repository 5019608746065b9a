/**
 * What the API answers, as TypeBox shapes: the truth for HTTP, OpenAPI and the CLI, which reads
 * these types and nothing else of the agent. Every answer names its shape in `schema`; within a
 * version fields are only added. Times come twice, for people and for machines.
 */
import { type Static, type TObject, type TProperties, Type } from "@sinclair/typebox";

export const Nullable = <Shape extends Parameters<typeof Type.Union>[0][number]>(shape: Shape) =>
  Type.Union([shape, Type.Null()]);

const text = (description: string) => Type.String({ description });
const count = (description?: string) =>
  Type.Integer({ minimum: 0, ...(description !== undefined && { description }) });

/** A moment: RFC 3339 with milliseconds, and milliseconds since 1970. */
const Stamp = Type.Object({ time: Type.String(), ms: Type.Integer() });
export type Stamp = Static<typeof Stamp>;

/** An answer: its version, when it was made, and the rest. */
function answer<Name extends string, Fields extends TProperties>(name: Name, fields: Fields) {
  const schema = Type.Literal(`causeway.${name}/v1` as const);
  return Type.Object({ schema, at: Stamp, ...fields }, { description: `causeway.${name}/v1` });
}

export const Problem = Type.Object({
  schema: Type.Literal("causeway.problem/v1"),
  code: text("stable word, `API_PEER_UNKNOWN`"),
  message: text("one sentence"),
  nearest: Type.Optional(Type.Array(Type.String(), { description: "what may have been meant" })),
});
export type Problem = Static<typeof Problem>;

const Counts = Type.Object({
  received: count(),
  accepted: count(),
  rejected: count(),
  stale: count("received before the peer restarted or sends all again, and not said again yet"),
  best: count(),
  advertised: count(),
  overBudget: count("left out of the announcement for want of budget"),
  overLimit: count("refused by max-prefix drop-newest since the session came up"),
});

const LastReset = Type.Object({
  at: Stamp,
  reason: text("label of causeway_bgp_peer_resets_total"),
  text: text("one sentence"),
  code: Nullable(Type.Integer()),
  subcode: Nullable(Type.Integer()),
});

const PeerBfd = Type.Object({
  state: text("Unknown, AdminDown, Down, Init or Up"),
  since: Stamp,
  isStrict: Type.Boolean(),
});

const peerFields = {
  peer: text("configured name"),
  description: Type.String(),
  circuit: Nullable(Type.String()),
  remoteAddress: Type.String(),
  remoteAs: Type.Integer(),
  localAs: Type.Integer(),
  state: text("RFC 4271 §8.2.2 state"),
  since: Stamp,
  isShutdown: Type.Boolean(),
  reason: Nullable(text("why it is not Established, one sentence")),
  bfd: Nullable(PeerBfd),
  prefixes: Counts,
  families: Type.Array(Type.Intersect([Type.Object({ family: Type.String() }), Counts])),
  establishedTransitions: count(),
  lastReset: Nullable(LastReset),
};

export const BgpSummary = answer("bgp.summary", {
  name: text("name of this edge"),
  localAs: Type.Integer(),
  routerId: Type.String(),
  locRib: Type.Object({ ipv4: count(), ipv6: count() }),
  deferrals: Type.Array(
    Type.Object({ family: Type.String(), awaited: Type.Array(text("name of a peer")) }),
    { description: "after a restart: families whose routes are not chosen yet" },
  ),
  peers: Type.Array(Type.Object(peerFields)),
});
export type BgpSummary = Static<typeof BgpSummary>;

const Totals = Type.Record(Type.String(), Type.Integer());

export const BgpPeer = answer("bgp.peer", {
  ...peerFields,
  configured: Type.Object({
    localAddress: Nullable(Type.String()),
    remotePort: Type.Integer(),
    isPassive: Type.Boolean(),
    holdTimeSec: Type.Integer(),
    keepaliveTimeSec: Type.Integer(),
    families: Type.Array(Type.String()),
    importPolicy: Type.String(),
    exportPolicy: Type.String(),
    hasMd5: Type.Boolean(),
    ttl: Type.Integer(),
    minTtl: Nullable(Type.Integer()),
    maxPrefix: Nullable(Type.Object({ limit: Type.Integer(), action: Type.String() })),
    budget: Nullable(Type.Integer()),
  }),
  negotiated: Nullable(
    Type.Object({
      holdTimeSec: Type.Integer(),
      keepaliveTimeSec: Type.Integer(),
      remoteRouterId: Type.String(),
      families: Type.Array(Type.String()),
      fourOctetAs: Type.Boolean(),
      extendedMessages: Type.Boolean(),
      routeRefresh: Type.Boolean(),
      enhancedRouteRefresh: Type.Boolean(),
      localAddress: Type.String(),
      localPort: Type.Integer(),
      remotePort: Type.Integer(),
      localCapabilities: Type.Array(Type.String()),
      remoteCapabilities: Type.Array(Type.String()),
    }),
  ),
  timers: Type.Array(Type.Object({ name: Type.String(), inMs: Type.Integer() })),
  messagesIn: Totals,
  messagesOut: Totals,
  resets: Totals,
  discards: Totals,
  outQueueOctets: count(),
  lastMessage: Nullable(Stamp),
});
export type BgpPeer = Static<typeof BgpPeer>;

const Route = Type.Object({
  prefix: Type.String(),
  peer: text("who announced it; `local` is this router"),
  nextHop: Type.String(),
  asPath: Type.String(),
  origin: Type.String(),
  med: Nullable(Type.Integer()),
  localPref: Nullable(Type.Integer()),
  communities: Type.Array(Type.String()),
  largeCommunities: Type.Array(Type.String()),
  isBest: Type.Boolean(),
  isMultipath: Type.Boolean(),
  isStale: Type.Boolean({ description: "kept for a peer that restarts, not said again yet" }),
  rejectedBy: Nullable(text("policy term or rule that keeps it out")),
});
export type Route = Static<typeof Route>;

export const BgpRoutes = answer("bgp.routes", {
  rib: Type.String(),
  routes: Type.Array(Route),
  nextOffset: Nullable(Type.Integer({ description: "ask again from here; null at the end" })),
});
export type BgpRoutes = Static<typeof BgpRoutes>;

const FibGroup = Type.Object({
  id: Type.Integer(),
  family: Type.String(),
  via: text("primary, backup, stranded or unplaced"),
  circuits: Type.Array(Type.String()),
  hops: Type.Array(
    Type.Object({ gateway: Type.String(), device: Type.String(), weight: Type.Integer() }),
  ),
});
export type FibGroup = Static<typeof FibGroup>;

export const BgpExplain = answer("bgp.explain", {
  prefix: Type.String(),
  candidates: Type.Array(
    Type.Intersect([
      Route,
      Type.Object({
        lostAt: Nullable(text("step of RFC 4271 §9.1.2.2, or rule, that removed it")),
        because: Nullable(text("the values compared")),
      }),
    ]),
  ),
  fib: Nullable(FibGroup),
});
export type BgpExplain = Static<typeof BgpExplain>;

const Histogram = Type.Object({
  boundsUs: Type.Array(Type.Number()),
  counts: Type.Array(Type.Integer()),
  sumUs: Type.Number(),
});

export const Bfd = answer("bfd", {
  sessions: Type.Array(
    Type.Object({
      session: Type.String(),
      mode: Type.String(),
      localAddress: Type.String(),
      remoteAddress: Type.String(),
      device: Nullable(Type.String()),
      state: Type.String(),
      since: Stamp,
      diag: Type.Integer(),
      diagText: Type.String(),
      remoteState: Type.String(),
      remoteDiag: Type.Integer(),
      remoteDiagText: Type.String(),
      isStrict: Type.Boolean(),
      localDiscriminator: Type.Integer(),
      remoteDiscriminator: Type.Integer(),
      detectMult: Type.Integer(),
      remoteDetectMult: Type.Integer(),
      desiredMinTxIntervalUs: Type.Integer(),
      requiredMinRxIntervalUs: Type.Integer(),
      remoteDesiredMinTxIntervalUs: Type.Integer(),
      remoteRequiredMinRxIntervalUs: Type.Integer(),
      txIntervalUs: Type.Number(),
      rxIntervalUs: Type.Number(),
      detectionTimeUs: Type.Number(),
      isPolling: Type.Boolean(),
      lastPacketAgoMs: Nullable(Type.Number()),
      packetsIn: count(),
      packetsOut: count(),
      discards: Totals,
      transitions: Totals,
      txLateness: Histogram,
      rxGap: Histogram,
    }),
  ),
});
export type Bfd = Static<typeof Bfd>;

const Failback = Type.Object({
  phase: text("in-use, out, soaking, returning or held"),
  since: Stamp,
  until: Nullable(Stamp),
  failures: count("that the flap budget remembers"),
  failure: Nullable(Type.String({ description: "why it was lost last, while it is not in use" })),
  isAvoided: Type.Boolean({ description: "both ends are asked to prefer any other way" }),
  isNeeded: Type.Boolean({ description: "used all the same, since nothing else is up" }),
  isDrained: Type.Boolean({ description: "an operator drained it" }),
});

export const Circuits = answer("circuits", {
  capacity: Nullable(
    Type.Object(
      {
        loadBps: Type.Number(),
        lost: Nullable(text("the circuit whose loss would hurt most")),
        leftBps: Type.Number({ description: "what the others would carry then" }),
        isEnough: Type.Boolean(),
      },
      { description: "null where the file does not say load and capacities" },
    ),
  ),
  circuits: Type.Array(
    Type.Object({
      circuit: Type.String(),
      profile: Type.String(),
      state: text("up, degraded or down"),
      since: Stamp,
      reason: Nullable(Type.String()),
      device: Type.String(),
      vlan: Nullable(Type.Integer()),
      isLinkUp: Type.Boolean(),
      weight: Type.Integer(),
      capacityBps: Nullable(Type.Number()),
      use: text("in-use, out, soaking, returning, held or drained: the worst of its sessions"),
      useReason: Nullable(Type.String({ description: "why it is not in use, and until when" })),
      sessions: Type.Array(
        Type.Object({
          peer: Type.String(),
          state: Nullable(Type.String()),
          bfd: Nullable(Type.String()),
          isUsable: Type.Boolean(),
          failback: Nullable(Failback),
        }),
      ),
    }),
  ),
});
export type Circuits = Static<typeof Circuits>;

export const NameParams = Type.Object({ name: Type.String({ maxLength: 64 }) });

export const Order = answer("order", {
  order: text("`circuit release`, `circuit drain`, `circuit undrain`, `peer start`"),
  name: Type.String(),
  isChanged: Type.Boolean({ description: "false where it was so before" }),
  text: text("one sentence"),
});
export type Order = Static<typeof Order>;

export const Fib = answer("fib", {
  kind: Type.String(),
  routes: Type.Object({ ipv4: count(), ipv6: count() }),
  isSynced: Type.Boolean(),
  pendingOperations: count(),
  groups: Type.Array(FibGroup),
  errors: Type.Array(
    Type.Object({ op: Type.String(), errno: Type.String(), count: Type.Integer() }),
  ),
  lastFailure: Nullable(
    Type.Object({
      op: Type.String(),
      subject: Type.String(),
      errno: Type.String(),
      text: Type.String(),
    }),
  ),
  drift: Type.Object({ missing: count(), extra: count(), wrong: count() }),
});
export type Fib = Static<typeof Fib>;

export const FibRoute = answer("fib.route", { prefix: Type.String(), group: FibGroup });
export type FibRoute = Static<typeof FibRoute>;

export const Event = Type.Object({
  seq: Type.Integer(),
  at: Stamp,
  monotonicUs: Type.Number({ description: "for measuring between events" }),
  level: Type.String(),
  event: text("stable id, `bgp.peer.down`"),
  fields: Type.Record(
    Type.String(),
    Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
  ),
});
export type Event = Static<typeof Event>;

export const Events = answer("events", { lastSeq: count(), events: Type.Array(Event) });
export type Events = Static<typeof Events>;

export const Config = answer("config", {
  generation: Type.Integer(),
  config: Type.Unknown({ description: "in force, defaults filled in, secrets as ***" }),
});
export type Config = Static<typeof Config>;

export const Health = answer("health", {
  isHealthy: Type.Boolean(),
  isReady: Type.Boolean(),
  checks: Type.Array(
    Type.Object({ name: Type.String(), isOk: Type.Boolean(), text: Type.String() }),
  ),
});
export type Health = Static<typeof Health>;

export const RoutesQuery = Type.Object({
  rib: Type.Optional(
    Type.Union([Type.Literal("loc-rib"), Type.Literal("adj-rib-in"), Type.Literal("adj-rib-out")], {
      default: "loc-rib",
    }),
  ),
  peer: Type.Optional(Type.String({ maxLength: 64 })),
  family: Type.Optional(Type.Union([Type.Literal("ipv4"), Type.Literal("ipv6")])),
  within: Type.Optional(Type.String({ maxLength: 43, description: "prefix that holds the rows" })),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000 })),
});
export type RoutesQuery = Static<typeof RoutesQuery>;

export type AnyAnswer = TObject;
