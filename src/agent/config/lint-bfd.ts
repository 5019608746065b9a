import { formatDurationUs, US_PER_MS } from "../../core/time.ts";
import { type BfdDraft, type Draft, type SessionDraft, sessionsOf } from "./draft.ts";
import { type Path, type Problems, sentence } from "./problem.ts";

/** BFD sessions against RFC 5880, the profile's limits, and the BGP session they protect. */
export function lintBfd(draft: Draft, problems: Problems): void {
  for (const session of sessionsOf(draft)) {
    const { bfd } = session;
    if (bfd !== undefined) {
      lintIntervals(session, bfd, problems);
      lintHops(session, bfd, problems);
      lintRoles(session, bfd, problems);
      lintAuth(session, bfd, problems);
    } else if (session.circuit !== undefined) {
      const hold = formatDurationUs(session.holdTimeUs);
      const message = sentence(
        `without BFD a silent failure of "${session.circuit}" is noticed only after the`,
        `hold time of ${hold}`,
      );
      problems.report("W210", [...session.path, "bfd"], message);
    }
  }
}

function lintIntervals(session: SessionDraft, bfd: BfdDraft, problems: Problems): void {
  const path: Path = [...session.path, "bfd"];
  const limits = session.profile.bfdLimits;
  const allowed = limits?.intervalUs ?? { min: 1, max: 0xffff_ffff };
  const whose = limits === undefined ? "BFD can say (RFC 5880 §4.1)" : "a VBR has";
  for (const [key, us] of [
    ["tx", bfd.txUs],
    ["rx", bfd.rxUs],
  ] as const) {
    if (us >= allowed.min && us <= allowed.max) continue;
    const [min, max] = [formatDurationUs(allowed.min), formatDurationUs(allowed.max)];
    const at = bfd.source[key] === undefined ? "interval" : key;
    const message = sentence(
      `the BFD interval ${formatDurationUs(us)} is outside of what ${whose}: ${min} to`,
      `${max}`,
    );
    problems.report("E201", [...path, at], message);
  }
  if (
    limits !== undefined &&
    (bfd.multiplier < limits.multiplier.min || bfd.multiplier > limits.multiplier.max)
  ) {
    const { min, max } = limits.multiplier;
    const message = sentence(
      `the BFD multiplier ${bfd.multiplier} is outside of what a VBR has: ${min} to`,
      `${max}`,
    );
    problems.report("E202", [...path, "multiplier"], message);
  }
  const detectionUs = bfd.rxUs * bfd.multiplier;
  if (limits === undefined && detectionUs < DETECTION_MIN_US) {
    const message = sentence(
      `a detection time of ${formatDurationUs(detectionUs)} is shorter than a busy host`,
      `may pause; below ${formatDurationUs(DETECTION_MIN_US)} expect false alarms`,
    );
    problems.report("W204", path, message, "key");
  }
}

function lintHops(session: SessionDraft, bfd: BfdDraft, problems: Problems): void {
  const { source, profile, path } = session;
  const at = [...path, "bfd", "hops"];
  if (bfd.hops === 1 && source.multihop !== undefined) {
    const message = sentence(
      `BFD over 1 hop (RFC 5881) cannot protect BGP over ${source.multihop}; write`,
      `hops: ${source.multihop}`,
    );
    problems.report("E203", at, message);
  }
  if (bfd.hops === 1 && source.gtsm !== undefined && source.gtsm.hops > 1) {
    const message = sentence(
      `BFD over 1 hop (RFC 5881) cannot protect BGP over ${source.gtsm.hops}; write`,
      `hops: ${source.gtsm.hops}`,
    );
    problems.report("E203", at, message);
  }
  if (profile.bfd !== undefined && source.bfd !== undefined && !bfd.isHopsWritten) {
    const message = sentence(
      `BFD hops are not written; ${bfd.hops} is assumed, and the VBR's BfdMultiHop must`,
      "say the same",
    );
    problems.report("W205", [...path, "bfd"], message, "key");
  }
}

function lintRoles(session: SessionDraft, bfd: BfdDraft, problems: Problems): void {
  const { path, source } = session;
  if (source.capabilities?.gracefulRestart === true) {
    const message = sentence(
      "graceful restart keeps routes of a peer that is gone, BFD drops them; where BFD",
      "goes Down the routes go, so it helps only with planned restarts",
    );
    problems.report("W208", [...path, "capabilities", "gracefulRestart"], message);
  }
  if (bfd.source.strict === true && bfd.source.passive === true) {
    const message = sentence(
      "BGP waits for BFD (strict) and BFD waits for the peer (passive); if the peer",
      "waits too, nothing ever starts",
    );
    problems.report("W209", [...path, "bfd", "passive"], message);
  }
}

function lintAuth(session: SessionDraft, bfd: BfdDraft, problems: Problems): void {
  const { auth } = bfd.source;
  if (auth === undefined) return;
  const path = [...session.path, "bfd", "auth"];
  const ids = auth.keys.map((key) => key.id);
  if (ids.length === 0)
    problems.report("E206", [...path, "keys"], "BFD authentication needs a key");
  for (const [index, id] of ids.entries()) {
    if (ids.indexOf(id) === index) continue;
    problems.report("E206", [...path, "keys", index, "id"], `the key id ${id} is given twice`);
  }
  if (auth.sendKey !== undefined && !ids.includes(auth.sendKey)) {
    const message = `sendKey ${auth.sendKey} is none of the keys ${[...new Set(ids)].join(", ")}`;
    problems.report("E206", [...path, "sendKey"], message);
  } else if (auth.sendKey === undefined && ids.length > 1) {
    const message = `one of the keys ${ids.join(", ")} signs; sendKey must say which`;
    problems.report("E206", path, message, "key");
  }
  if (session.profile.name === "alibaba-vbr") {
    const message =
      "that a VBR can authenticate BFD is not documented; without it the session never comes up";
    problems.report("W207", path, message, "key");
  }
}

const DETECTION_MIN_US = 150 * US_PER_MS;
