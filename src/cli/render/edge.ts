import type { Bfd, Circuits, Event, Fib, FibRoute, Health } from "../../agent/api/schemas.ts";
import { formatAge, formatTable, formatUs } from "./table.ts";

const MBPS = 1e6;

export function drawBfd({ sessions, at }: Bfd): string {
  if (sessions.length === 0) return "no BFD session is configured";
  const why = sessions
    .filter((session) => session.state !== "Up")
    .map((session) => `${session.session}: BFD ${session.state}, ${reasonOf(session)}`);
  const table = formatTable(
    ["Session", "State", "Since", "Remote", "Tx", "Rx", "Detect", "Last packet", "In", "Out"],
    sessions.map((session) => [
      session.session,
      session.state,
      formatAge(at.ms - session.since.ms),
      session.remoteAddress,
      formatUs(session.txIntervalUs),
      formatUs(session.rxIntervalUs),
      formatUs(session.detectionTimeUs),
      session.lastPacketAgoMs === null ? "never" : `${Math.round(session.lastPacketAgoMs)}ms ago`,
      session.packetsIn,
      session.packetsOut,
    ]),
  );
  return [...why, ...(why.length > 0 ? [""] : []), table].join("\n");
}

function reasonOf(session: Bfd["sessions"][number]): string {
  if (session.packetsIn === 0) return "nothing was ever heard from the peer";
  const remote = session.remoteDiag === 0 ? "" : `, the peer says ${session.remoteDiagText}`;
  return `${session.diagText}${remote}`;
}

export function drawCircuits({ circuits, capacity, at }: Circuits): string {
  if (circuits.length === 0) return "no circuit is configured";
  const why = circuits.flatMap(({ circuit, state, reason, use, useReason }) => [
    ...(reason === null ? [] : [`${circuit} is ${state}: ${reason}`]),
    ...(useReason === null ? [] : [`${circuit} is ${use}: ${useReason}`]),
  ]);
  if (capacity?.isEnough === false && capacity.lost !== null) {
    const { lost, leftBps, loadBps } = capacity;
    const left = `${leftBps / MBPS} of the ${loadBps / MBPS} Mbps`;
    why.push(`without ${lost} the others would carry ${left} that failover.load asks for`);
  }
  const table = formatTable(
    ["Circuit", "State", "Since", "Use", "Link", "Interface", "VLAN", "Weight", "Sessions"],
    circuits.map((circuit) => [
      circuit.circuit,
      circuit.state,
      formatAge(at.ms - circuit.since.ms),
      circuit.use,
      circuit.isLinkUp ? "up" : "down",
      circuit.device || "-",
      circuit.vlan ?? "-",
      circuit.weight,
      circuit.sessions
        .map(({ peer, state, bfd }) => `${peer} ${state ?? "?"}${bfd ? `, BFD ${bfd}` : ""}`)
        .join("; "),
    ]),
  );
  return [...why, ...(why.length > 0 ? [""] : []), table].join("\n");
}

export function drawFib(fib: Fib): string {
  const { routes, drift, lastFailure } = fib;
  const where = fib.kind === "kernel" ? "in the kernel" : "in memory only (fib: { kind: virtual })";
  const state = fib.isSynced ? "as wanted" : `${fib.pendingOperations} batches under way`;
  const lines = [
    ...(lastFailure === null
      ? []
      : [`refused: ${lastFailure.op} ${lastFailure.subject}: ${failureText(lastFailure)}`]),
    `${routes.ipv4} IPv4 and ${routes.ipv6} IPv6 routes ${where}, ${state}`,
    `healed since the start: ${drift.missing} missing, ${drift.wrong} wrong, ${drift.extra} extra`,
    ...fib.errors.map(({ op, errno, count }) => `refused so far: ${op} ${errno} ${count} times`),
    "",
    fib.groups.length === 0
      ? "no next-hop groups"
      : formatTable(["Group", "Family", "Via", "Circuits", "Next hops"], fib.groups.map(groupRow)),
  ];
  return lines.join("\n");
}

const failureText = ({ errno, text }: { errno: string; text: string }): string =>
  text === "" ? errno : `${errno}, ${text}`;

export const drawFibRoute = ({ prefix, group }: FibRoute): string =>
  `${prefix} goes by ${formatHops(group)}\n\n${formatTable(
    ["Group", "Family", "Via", "Circuits", "Next hops"],
    [groupRow(group)],
  )}`;

const groupRow = (group: FibRoute["group"]): (string | number)[] => [
  ...[group.id, group.family, group.via, group.circuits.join(" ") || "-", formatHops(group)],
];

const formatHops = ({ hops }: FibRoute["group"]): string =>
  hops
    .map(({ gateway, device, weight }) => {
      return `${gateway} on ${device}${weight === 1 ? "" : ` weight ${weight}`}`;
    })
    .join(", ") || "nothing";

export function drawEvent({ at, level, event, fields }: Event): string {
  const words = Object.entries(fields).map(([name, value]) => {
    const text = String(value);
    return `${name}=${/[\s"]/.test(text) || text === "" ? JSON.stringify(text) : text}`;
  });
  return `${at.time} ${level.padEnd(5)} ${event} ${words.join(" ")}`.trimEnd();
}

export function drawHealth({ isHealthy, isReady, checks }: Health): string {
  const bad = checks.filter((check) => !check.isOk).map((check) => `${check.name}: ${check.text}`);
  const table = formatTable(
    ["Check", "OK", "Text"],
    checks.map((check) => [check.name, check.isOk ? "yes" : "no", check.text]),
  );
  const head = `healthy: ${isHealthy ? "yes" : "no"}, ready: ${isReady ? "yes" : "no"}`;
  return [...bad, head, "", table].join("\n");
}
