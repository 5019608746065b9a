import { formatAddress, isLinkLocal6 } from "../../core/address.ts";
import { formatDurationUs, US_PER_SEC } from "../../core/time.ts";
import { type Draft, type SessionDraft, sessionsOf } from "./draft.ts";
import { formatPath, type Path, type Problems, sentence } from "./problem.ts";
import { CLOUD_AS, CLOUD_AS_REFUSED, isDocumentedCloudAs } from "./profiles.ts";

/** BGP sessions: numbers RFC 4271 and the cloud allow, and sessions that could never come up. */
export function lintSessions(draft: Draft, problems: Problems): void {
  if (/^0\.0\.0\.0$/.test(draft.file.router.id)) {
    const message =
      "router.id is 0.0.0.0; any other address will do, one of the router's own is best";
    problems.report("E111", ["router", "id"], message);
  }
  if (RESERVED_AS.has(draft.localAs)) reportReserved(draft.localAs, ["router", "as"], problems);
  lintNames(draft, problems);
  lintRemotes(draft, problems);
  for (const session of sessionsOf(draft)) {
    lintAs(session, problems);
    lintTimers(session, problems);
    lintReach(session, problems);
    lintPassive(draft, session, problems);
  }
}

function lintNames(draft: Draft, problems: Problems): void {
  const seen = new Map<string, Path>();
  for (const { name, path, circuit } of sessionsOf(draft)) {
    const earlier = seen.get(name);
    if (earlier === undefined) seen.set(name, path);
    else {
      const isSecond = name !== circuit && circuit !== undefined;
      const why = isSecond ? ", the name of the circuit's IPv6 session" : "";
      const message = `"${name}"${why} is taken by ${formatPath(earlier)}; a name is one session`;
      problems.report("E108", [...path, "name"], message);
    }
  }
}

/** A connection that comes in is known by its remote address alone. */
function lintRemotes(draft: Draft, problems: Problems): void {
  const seen = new Map<string, string>();
  for (const { name, remote, remotePath } of sessionsOf(draft)) {
    const text = formatAddress(remote);
    const earlier = seen.get(text);
    if (earlier === undefined) seen.set(text, name);
    else {
      const message = `${text} is the peer of "${earlier}" already; one address is one session`;
      problems.report("E109", remotePath, message);
    }
  }
}

function lintAs(session: SessionDraft, problems: Problems): void {
  const { path, remoteAs, localAs, kind, profile } = session;
  const at = [...path, "remoteAs"];
  if (remoteAs === 0) {
    problems.report("E004", path, `key "remoteAs" is missing; only a profile knows it`, "key");
    return;
  }
  if (RESERVED_AS.has(remoteAs)) reportReserved(remoteAs, at, problems);
  if (session.source.localAs !== undefined && RESERVED_AS.has(localAs)) {
    reportReserved(localAs, [...path, "localAs"], problems);
  }
  if (session.isRouteReflectorClient && kind === "ebgp") {
    const message = `"${session.name}" is in AS ${remoteAs}, not in ours; only iBGP is reflected`;
    problems.report("E115", [...path, "routeReflectorClient"], message);
  }
  for (const key of kind === "ibgp" ? EXTERNAL_KEYS : []) {
    if (session.source[key] === undefined) continue;
    const message = `"${session.name}" is in our own AS ${remoteAs}; ${key} is between ASes`;
    problems.report("E116", [...path, key], message, "key");
  }
  if (profile.name !== "alibaba-vbr" || RESERVED_AS.has(remoteAs)) return;
  const ownPath = session.source.localAs === undefined ? ["router", "as"] : [...path, "localAs"];
  if (localAs === CLOUD_AS) {
    const message = `AS ${CLOUD_AS} is the cloud's own; a VBR refuses it as the customer's`;
    problems.report("E104", ownPath, message);
  } else if (kind === "ibgp") {
    const message = `the remote AS ${remoteAs} is our own; a VBR speaks external BGP only`;
    problems.report("E103", at, message);
  }
  if (remoteAs === CLOUD_AS_REFUSED) {
    problems.report("E104", at, `AS ${CLOUD_AS_REFUSED} is reserved in the cloud; no VBR has it`);
  } else if (kind === "ebgp" && !isDocumentedCloudAs(remoteAs)) {
    const message = sentence(
      `AS ${remoteAs} is not documented for a VBR: 45104, 64512 to 65534 or 4200000000`,
      "to 4294967294",
    );
    problems.report("W105", at, message);
  }
}

const EXTERNAL_KEYS = ["role", "strictRole", "maintenance"] as const;

function reportReserved(as: number, path: Path, problems: Problems): void {
  problems.report("E104", path, `AS ${as} is reserved and belongs to nobody (RFC 6793, RFC 7300)`);
}

function lintTimers(session: SessionDraft, problems: Problems): void {
  const { path, source, profile, holdTimeUs, holdTimeMinUs, keepaliveUs, sendHoldTimeUs } = session;
  const text = formatDurationUs(holdTimeUs);
  if (holdTimeUs === US_PER_SEC || holdTimeUs === 2 * US_PER_SEC) {
    const message = sentence(
      `the hold time ${text} is not allowed; 0s for none, or at least 3s (RFC 4271`,
      "§4.2)",
    );
    problems.report("E102", [...path, "holdTime"], message);
  }
  if (holdTimeUs === 0 && profile.name === "alibaba-vbr") {
    const message = "the hold time 0s turns keepalives off, so a dead VBR would never be noticed";
    problems.report("E102", [...path, "holdTime"], message);
  }
  if (holdTimeMinUs > holdTimeUs) {
    const message = `holdTimeMin ${formatDurationUs(holdTimeMinUs)} is above the hold time ${text}`;
    problems.report("E102", [...path, "holdTimeMin"], message);
  }
  if (holdTimeUs >= HOLD_MIN_US && keepaliveUs * 3 > holdTimeUs) {
    const keepalive = formatDurationUs(keepaliveUs);
    const message = `the hold time ${text} is below three keepalive intervals of ${keepalive}`;
    problems.report(
      "E101",
      [...path, source.holdTime === undefined ? "keepalive" : "holdTime"],
      message,
    );
  }
  if (sendHoldTimeUs > 0 && sendHoldTimeUs <= holdTimeUs) {
    const message = sentence(
      `sendHoldTime ${formatDurationUs(sendHoldTimeUs)} is not above the hold time`,
      `${text} (RFC 9687 §3)`,
    );
    problems.report("E110", [...path, "sendHoldTime"], message);
  }
  const limits = [
    ["holdTime", holdTimeUs, 0],
    ["holdTimeMin", holdTimeMinUs, 0],
    ["keepalive", keepaliveUs, holdTimeUs === 0 ? 0 : 1],
    ["connectRetry", session.connectRetryUs, 1],
    ["sendHoldTime", sendHoldTimeUs, 0],
  ] as const;
  for (const [key, us, minSec] of limits) {
    const seconds = us / US_PER_SEC;
    if (Number.isInteger(seconds) && seconds >= minSec && seconds <= 65535) continue;
    const message = `${key} is ${formatDurationUs(us)}; whole seconds from ${minSec}s to 65535s`;
    problems.report("E110", [...path, key], message);
  }
}

function lintReach(session: SessionDraft, problems: Problems): void {
  const { path, source, remote, remotePath, local, device, profile } = session;
  if (local !== undefined && local.length !== remote.length) {
    const message = `${formatAddress(remote)} and ${formatAddress(local)} are of two families`;
    problems.report("E112", remotePath, message);
  }
  if (isLinkLocal6(remote) && device === undefined) {
    const message = `${formatAddress(remote)} is link-local; "device" must say on which link`;
    problems.report("E113", remotePath, message);
  }
  if (source.gtsm !== undefined && source.multihop !== undefined) {
    const message = sentence(
      `multihop: ${source.multihop} sends TTL ${source.multihop}, gtsm needs 255; gtsm:`,
      `{ hops: ${source.multihop} } does both`,
    );
    problems.report("E106", [...path, "multihop"], message, "key");
  }
  if (source.gtsm !== undefined && profile.name === "alibaba-vbr") {
    const message =
      "gtsm refuses whatever arrives with a TTL below 255; that a VBR sends 255 is not documented";
    problems.report("W107", [...path, "gtsm"], message, "key");
  }
}

function lintPassive(draft: Draft, session: SessionDraft, problems: Problems): void {
  const addresses = draft.file.router.listen?.addresses;
  if (session.source.passive !== true || addresses === undefined) return;
  const { local, remote } = session;
  const wildcard = remote.length === 4 ? "0.0.0.0" : "::";
  const isHeard = addresses.some(
    (text) => text === wildcard || local === undefined || text === formatAddress(local),
  );
  if (isHeard && addresses.length > 0) return;
  const message = sentence(
    `"${session.name}" waits for its peer, but router.listen.addresses has no address`,
    "it could reach",
  );
  problems.report("W114", [...session.path, "passive"], message);
}

const HOLD_MIN_US = 3 * US_PER_SEC;
/** AS_TRANS (RFC 6793 §9) and the last of each range (RFC 7300 §2). */
const RESERVED_AS: ReadonlySet<number> = new Set([23456, 65535, 0xffff_ffff]);
