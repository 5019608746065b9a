import type { BfdAuthConfig } from "../../bfd/sessions/contract.ts";
import { parseCommunity } from "../../bgp/policy/community.ts";
import { Role } from "../../bgp/rib/standing-rules.ts";
import { formatAddress } from "../../core/address.ts";
import { ByteReader, EMPTY } from "../../core/bytes.ts";
import { parseDurationUs, US_PER_SEC } from "../../core/time.ts";
import { encodeUtf8 } from "../../core/utf8.ts";
import { buildFailback } from "./build-failback.ts";
import {
  type BfdDraft,
  budgetLimitOf,
  type CircuitDraft,
  type Draft,
  type SessionDraft,
  sessionsOf,
} from "./draft.ts";
import type {
  ApiConfig,
  BfdConfig,
  CircuitConfig,
  EdgeConfig,
  NeighborConfig,
  Secret,
} from "./edge-config.ts";
import type { PolicyBook } from "./policies.ts";
import type { Path } from "./problem.ts";
import type { ApiFile, BfdAuthFile } from "./schema.ts";
import { BFD_KEYS, MD5_KEY, type SecretReader } from "./secrets.ts";
import { parseBandwidthBps, parseEndpoint, parsePercent } from "./units.ts";

/**
 * Turns a draft into the configuration the agent runs on. Reads the secrets as it goes; whatever
 * else could be wrong has been judged by the lint, so that the result counts only where no error
 * was reported.
 */
export function buildConfig(draft: Draft, policies: PolicyBook, secrets: SecretReader): EdgeConfig {
  const { router, multipath, fib, log, failover, stateDirectory } = draft.file;
  const build = { draft, policies, secrets };
  const loadBps = bandwidthOf(failover?.load);
  return {
    name: router.name,
    localAs: draft.localAs,
    routerId: router.id,
    listen: {
      addresses: router.listen?.addresses ?? listenDefault(draft),
      port: router.listen?.port ?? BGP_PORT,
    },
    circuits: draft.circuits.map((circuit) => buildCircuit(circuit, build)),
    neighbors: draft.neighbors.map((neighbor) => buildSession(neighbor, build)),
    failover: {
      mode: failover?.mode ?? "ecmp",
      order: failover?.order ?? draft.circuits.map((circuit) => circuit.source.name),
      ...(loadBps === undefined ? {} : { loadBps }),
      failback: buildFailback(failover?.failback ?? {}),
    },
    announce: draft.announce.map(({ text, rank, communities }) => {
      return { prefix: text, rank, communities: communities.map(communityValue) };
    }),
    multipath: {
      ebgpPathsMax: multipath?.ebgp ?? PATHS_MAX,
      ibgpPathsMax: multipath?.ibgp ?? PATHS_MAX,
      relax: multipath?.relax ?? false,
    },
    fib: {
      kind: fib?.kind ?? "kernel",
      table: fib?.table ?? 254,
      proto: fib?.proto ?? 186,
      metric: fib?.metric ?? 20,
    },
    api: buildApi(draft.file.api ?? {}),
    log: { level: log?.level ?? "info" },
    stateDirectory,
  };
}

interface Build {
  readonly draft: Draft;
  readonly policies: PolicyBook;
  readonly secrets: SecretReader;
}

function buildCircuit(circuit: CircuitDraft, build: Build): CircuitConfig {
  const { source, parent, vlanId } = circuit;
  const vlan =
    parent === undefined || vlanId === 0
      ? undefined
      : {
          parent,
          id: vlanId,
          addresses: circuit.links.map(({ local }) => {
            return `${formatAddress(local.address)}/${local.subnet.length}`;
          }),
          mtu: source.interface?.mtu,
        };
  return {
    name: source.name,
    profile: circuit.profile.name,
    device: circuit.device,
    vlan,
    weight: source.weight ?? 1,
    capacityBps: bandwidthOf(source.capacity),
    sessions: circuit.sessions.map((session) => buildSession(session, build)),
  };
}

function buildSession(session: SessionDraft, build: Build): NeighborConfig {
  const { source } = session;
  const { capabilities = {} } = source;
  return {
    name: session.name,
    description: source.description ?? "",
    remoteAddress: formatAddress(session.remote),
    remotePort: source.port ?? BGP_PORT,
    localAddress: session.local === undefined ? undefined : formatAddress(session.local),
    remoteAs: session.remoteAs,
    localAs: session.localAs === build.draft.localAs ? undefined : session.localAs,
    device: session.device,
    isPassive: source.passive ?? false,
    isShutdown: source.shutdown ?? false,
    holdTimeSec: session.holdTimeUs / US_PER_SEC,
    holdTimeSecMin: session.holdTimeMinUs / US_PER_SEC,
    keepaliveTimeSec: session.keepaliveUs / US_PER_SEC,
    connectRetryTimeSec: session.connectRetryUs / US_PER_SEC,
    sendHoldTimeSec: session.sendHoldTimeUs / US_PER_SEC,
    families: session.families.map((family) => `${family}-unicast` as const),
    capabilities: {
      routeRefresh: capabilities.routeRefresh ?? true,
      enhancedRouteRefresh: capabilities.enhancedRouteRefresh ?? true,
      extendedMessage: capabilities.extendedMessage ?? true,
      fourOctetAs: capabilities.fourOctetAs ?? true,
      gracefulRestart: capabilities.gracefulRestart ?? false,
    },
    md5Key: readMd5(session, build.secrets),
    ttl: ttlOf(session),
    minTtl: source.gtsm === undefined ? undefined : TTL_MAX + 1 - source.gtsm.hops,
    importPolicy: build.policies.importOf(session),
    exportPolicy: build.policies.exportOf(session),
    maxPrefix: maxPrefixOf(session),
    budget: budgetOf(session, build.draft),
    isRouteReflectorClient: session.isRouteReflectorClient,
    nextHopSelf: source.nextHopSelf ?? false,
    ...roleOf(session),
    isInMaintenance: source.maintenance ?? false,
    allowOwnAs: source.allowOwnAs ?? 0,
    bfd: session.bfd && buildBfd(session.bfd, session.path, build.secrets),
  };
}

function readMd5({ source, path }: SessionDraft, secrets: SecretReader): Secret | undefined {
  return source.md5 === undefined ? undefined : secrets.read(source.md5, [...path, "md5"], MD5_KEY);
}

/** RFC 4271 leaves the TTL to us: direct eBGP stays on the link, GTSM needs 255 (RFC 5082 §3). */
function ttlOf({ source, kind }: SessionDraft): number {
  if (source.gtsm !== undefined) return TTL_MAX;
  return source.multihop ?? (kind === "ebgp" ? 1 : TTL_MAX);
}

/** Roles are between ASes (RFC 9234 §4); the lint says so where a session is inside of one. */
const roleOf = ({ source: { role, strictRole } }: SessionDraft): Pick<NeighborConfig, "role"> =>
  role === undefined ? {} : { role: { value: ROLES[role], isStrict: strictRole ?? false } };

function maxPrefixOf({ source, profile }: SessionDraft): NeighborConfig["maxPrefix"] {
  const written = source.maxPrefix;
  const limit = written?.limit ?? profile.maxPrefixLimit;
  if (limit === undefined) return undefined;
  const action = written?.action ?? "warn";
  const restartUs = parseDurationUs(written?.restart ?? "");
  const restartDefault = action === "reset" ? RESTART_SEC : undefined;
  return {
    limit,
    warnAtPercent: parsePercent(written?.warnAt ?? "") ?? WARN_AT_PERCENT,
    action,
    restartSec: restartUs === undefined ? restartDefault : Math.ceil(restartUs / US_PER_SEC),
  };
}

function budgetOf(session: SessionDraft, draft: Draft): NeighborConfig["budget"] {
  const limit = budgetLimitOf(session);
  if (limit === undefined) return undefined;
  return { limit, ranks: draft.announce.map(({ text, rank }) => ({ prefix: text, rank })) };
}

function buildBfd(bfd: BfdDraft, path: Path, secrets: SecretReader): BfdConfig {
  const { source } = bfd;
  const isSingleHop = bfd.hops === 1;
  return {
    mode: isSingleHop ? "single-hop" : "multihop",
    desiredMinTxIntervalUs: bfd.txUs,
    requiredMinRxIntervalUs: bfd.rxUs,
    detectMult: bfd.multiplier,
    minTtl: isSingleHop ? TTL_MAX : TTL_MAX + 1 - bfd.hops,
    isPassive: source.passive ?? false,
    isStrict: source.strict ?? false,
    auth: source.auth && buildAuth(source.auth, [...path, "bfd", "auth"], secrets),
  };
}

function buildAuth(source: BfdAuthFile, path: Path, secrets: SecretReader): BfdAuthConfig {
  const use = BFD_KEYS[source.type];
  const keys = source.keys.map(({ id, secret }, index) => {
    const read = secrets.read(secret, [...path, "keys", index, "secret"], use);
    return { id, secret: encodeUtf8(read?.reveal() ?? "") };
  });
  return { type: source.type, sendKeyId: source.sendKey ?? keys[0]?.id ?? 0, keys };
}

function buildApi({ listen = API_LISTEN, socket = API_SOCKET }: ApiFile): ApiConfig {
  return {
    listen: listen === "off" ? undefined : parseEndpoint(listen),
    socketPath: socket === "off" ? undefined : socket,
  };
}

/** Everywhere, so that a circuit whose interface appears later needs no restart. */
const listenDefault = (draft: Draft): string[] =>
  sessionsOf(draft).some(({ remote }) => remote.length === 16) ? ["0.0.0.0", "::"] : ["0.0.0.0"];

const communityValue = (text: string): number =>
  new ByteReader(parseCommunity(text)?.octets ?? EMPTY).u32();

const bandwidthOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : parseBandwidthBps(text);

const ROLES = {
  provider: Role.Provider,
  "rs-server": Role.RouteServer,
  "rs-client": Role.RsClient,
  customer: Role.Customer,
  peer: Role.Peer,
} as const;

const BGP_PORT = 179;
const TTL_MAX = 255;
const PATHS_MAX = 32;
const WARN_AT_PERCENT = 80;
const RESTART_SEC = 300;
const API_LISTEN = "127.0.0.1:9179";
const API_SOCKET = "/run/causeway/edge.sock";
