import type { BgpExplain, BgpPeer, BgpRoutes, BgpSummary, Route } from "../../agent/api/schemas.ts";
import { formatAge, formatFields, formatTable } from "./table.ts";

type PeerLine = BgpSummary["peers"][number];

/** Why what is down is down comes first, the table after it. */
export function drawSummary(summary: BgpSummary): string {
  const { peers, at } = summary;
  const up = peers.filter((peer) => peer.state === "Established").length;
  const why = peers.filter((peer) => peer.reason !== null).map((p) => `${p.peer}: ${p.reason}`);
  const waits = summary.deferrals.map(({ family, awaited }) => {
    return `${family} routes are not chosen yet: the restart waits for ${awaited.join(", ")}`;
  });
  const routes = `${summary.locRib.ipv4} IPv4, ${summary.locRib.ipv6} IPv6 routes`;
  const head =
    `${summary.name}, AS ${summary.localAs}, router id ${summary.routerId}, ${routes}, ` +
    `${up} of ${peers.length} peers Established`;
  const table = formatTable(
    ["Peer", "AS", "Address", "State", "Since", "Pfx rcv/acc/adv", "BFD", "Last reset"],
    peers.map((peer) => [
      peer.peer,
      peer.remoteAs,
      peer.remoteAddress,
      peer.state,
      formatAge(at.ms - peer.since.ms),
      prefixes(peer),
      peer.bfd?.state ?? "-",
      peer.lastReset === null
        ? "-"
        : `${peer.lastReset.reason} ${formatAge(at.ms - peer.lastReset.at.ms)} ago`,
    ]),
  );
  return [...why, ...waits, head, "", table].join("\n");
}

const prefixes = ({ prefixes: { received, accepted, advertised, stale } }: PeerLine): string =>
  `${received}/${accepted}/${advertised}${stale > 0 ? `, ${stale} stale` : ""}`;

export function drawPeer(peer: BgpPeer): string {
  const since = formatAge(peer.at.ms - peer.since.ms);
  const first =
    peer.reason === null
      ? `${peer.peer} is ${peer.state} for ${since}`
      : `${peer.peer} is ${peer.state}: ${peer.reason}`;
  const { configured, negotiated, prefixes: counts } = peer;
  const lines: [string, string | number][] = [
    ["description", peer.description || "-"],
    ["circuit", peer.circuit ?? "-"],
    ["remote", `${peer.remoteAddress} port ${configured.remotePort}, AS ${peer.remoteAs}`],
    ["local AS", peer.localAs],
    [
      "BFD",
      peer.bfd ? `${peer.bfd.state}${peer.bfd.isStrict ? ", strict" : ""}` : "not configured",
    ],
    ["policies", `import ${configured.importPolicy}, export ${configured.exportPolicy}`],
    [
      "prefixes",
      `received ${counts.received}, accepted ${counts.accepted}, rejected ${counts.rejected}, ` +
        `stale ${counts.stale}, best ${counts.best}, advertised ${counts.advertised}, ` +
        `over budget ${counts.overBudget}, over limit ${counts.overLimit}`,
    ],
    ["limits", limits(configured)],
    ["security", security(configured)],
    ...negotiatedLines(negotiated, configured),
    ["timers", peer.timers.map(({ name, inMs }) => `${name} ${inMs} ms`).join(", ") || "-"],
    ["messages in", totals(peer.messagesIn)],
    ["messages out", totals(peer.messagesOut)],
    ["resets", totals(peer.resets)],
    ["discards", totals(peer.discards)],
    ["established", `${peer.establishedTransitions} times`],
    ["last reset", lastReset(peer)],
  ];
  return `${first}\n${formatFields(lines)}`;
}

function limits({ maxPrefix, budget }: BgpPeer["configured"]): string {
  const inwards = maxPrefix === null ? "none" : `${maxPrefix.limit} (${maxPrefix.action})`;
  return `in ${inwards}, out ${budget ?? "none"}`;
}

function security({ hasMd5, ttl, minTtl }: BgpPeer["configured"]): string {
  const gtsm = minTtl === null ? "GTSM off" : `GTSM: TTL of at least ${minTtl}`;
  return `${hasMd5 ? "MD5" : "no MD5"}, TTL ${ttl}, ${gtsm}`;
}

function negotiatedLines(
  agreed: BgpPeer["negotiated"],
  configured: BgpPeer["configured"],
): [string, string][] {
  if (agreed === null) {
    const { holdTimeSec, keepaliveTimeSec, families } = configured;
    const text = `hold ${holdTimeSec}s, keepalive ${keepaliveTimeSec}s, ${families.join(" ")}`;
    return [["will propose", text]];
  }
  return [
    ["hold time", `${agreed.holdTimeSec}s, keepalive ${agreed.keepaliveTimeSec}s`],
    ["connection", `${agreed.localAddress}:${agreed.localPort}, their port ${agreed.remotePort}`],
    ["remote id", agreed.remoteRouterId],
    ["families", agreed.families.join(" ")],
    ["sent", agreed.localCapabilities.join(", ")],
    ["received", agreed.remoteCapabilities.join(", ")],
  ];
}

function totals(record: Readonly<Record<string, number>>): string {
  const counted = Object.entries(record).filter(([, count]) => count > 0);
  return counted.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}

function lastReset({ lastReset: reset, at }: BgpPeer): string {
  if (reset === null) return "never";
  const notification = reset.code === null ? "" : ` (${reset.code}/${reset.subcode ?? 0})`;
  return `${formatAge(at.ms - reset.at.ms)} ago, ${reset.reason}${notification}: ${reset.text}`;
}

export function drawRoutes({ routes, rib }: BgpRoutes): string {
  if (routes.length === 0) return `no routes in ${rib}`;
  const table = formatTable(
    ["", "Prefix", "Next hop", "From", "LocPref", "MED", "AS path", "Origin", "Communities"],
    routes.map((route) => [mark(route), route.prefix, ...routeCells(route)]),
  );
  return `${table}\n\n* best, = used beside it, S stale (kept for a peer that restarts)`;
}

export function drawRejected({ routes }: BgpRoutes): string {
  if (routes.length === 0) return "no route was rejected";
  return formatTable(
    ["Prefix", "From", "Rejected by", "Next hop", "AS path"],
    routes.map(({ prefix, peer, rejectedBy, nextHop, asPath }) => {
      return [prefix, peer, rejectedBy ?? "-", nextHop, asPath];
    }),
  );
}

export function drawExplanation(answer: BgpExplain): string {
  const best = answer.candidates.find((candidate) => candidate.isBest);
  const first =
    best === undefined
      ? `${answer.prefix} has no usable route`
      : `${answer.prefix} goes to ${best.nextHop} (${best.peer})`;
  const table = formatTable(
    ["", "From", "Next hop", "LocPref", "MED", "AS path", "Origin", "Decided by"],
    answer.candidates.map((route) => [
      ...[mark(route), route.peer, route.nextHop, route.localPref ?? "-", route.med ?? "-"],
      ...[route.asPath || "(own)", route.origin, verdict(route)],
    ]),
  );
  const { fib } = answer;
  const hops = fib?.hops.map((hop) => `${hop.gateway} on ${hop.device}`).join(", ") ?? "";
  const last = fib === null ? "not in the FIB" : `FIB: ${hops || "no way out"} (${fib.via})`;
  return [first, "", table, "", last].join("\n");
}

function verdict(route: BgpExplain["candidates"][number]): string {
  if (route.rejectedBy !== null) return `rejected by ${route.rejectedBy}`;
  if (route.isBest) return "best";
  const because = route.because === null ? "" : ` (${route.because})`;
  return route.isMultipath ? "used beside the best" : `lost at ${route.lostAt ?? "?"}${because}`;
}

const mark = (route: Route): string =>
  (route.isBest ? "*" : route.isMultipath ? "=" : "") + (route.isStale ? "S" : "");

const routeCells = (route: Route): (string | number)[] => [
  ...[route.nextHop, route.peer, route.localPref ?? "-", route.med ?? "-"],
  ...[route.asPath || "-", route.origin],
  [...route.communities, ...route.largeCommunities].join(" ") || "-",
];
